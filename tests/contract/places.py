"""Where a name of docs/architecture.md stands: `v1/trainer_base.PPOTrainer.fit` → the file, and its lines as a tree.

A name is the end of a file's path, then what it defines. It is read and never imported, so a page can be checked on any
machine, whatever it names of verl or vLLM.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from test_layers import PACKAGES, ROOT

THEIRS = ("verl", "vllm", "transfer_queue")


@dataclass(frozen=True)
class Place:
    """What a name means.

    Attributes:
        owner: ours, or the package of others that it stands in.
        file: where.
        definition: function, class or assignment; the whole file where the name is a file's.
    """

    owner: str
    file: Path
    definition: ast.AST


@cache
def sources() -> dict[str, str]:
    """Every file of ours and of THEIRS, without its ending, and whose it is."""
    found = {}
    for package in (*PACKAGES, *THEIRS):
        if package in PACKAGES:
            folder = ROOT / package
        else:
            spec = find_spec(package)
            assert spec and spec.origin, f"{package} is not installed"
            folder = Path(spec.origin).parent
        owner = "ours" if package in PACKAGES else package
        found.update({str(file.with_suffix("")): owner for file in folder.rglob("*.py")})
    return found


@cache
def tree(file: Path) -> ast.Module:
    """A file's lines."""
    return ast.parse(file.read_text(encoding="utf-8"))


@cache
def place(name: str) -> Place:
    """What `name` means; an AssertionError where it means nothing, or more than one thing."""
    folder, _, last = name.rpartition("/")
    module, *inside = last.split(".")
    path = f"/{folder}/{module}" if folder else f"/{module}"
    found = [
        Place(owner, Path(f"{source}.py"), definition)
        for source, owner in sources().items()
        if source.endswith(path)
        for definition in defined(tree(Path(f"{source}.py")), inside)
    ]
    assert found, f"`{name}`: there is no such thing any more; say on docs/architecture.md what took its place"
    files = {str(one.file) for one in found}
    assert len(files) == 1, f"`{name}` may be in any of {sorted(files)}: write more of the path"
    return found[0]


def defined(inside: ast.AST, names: list[str]) -> Iterator[ast.AST]:
    """The definitions that a dotted name has below a node, in branches of an `if` too."""
    if not names:
        yield inside
        return
    for node in _statements(inside):
        if names[0] in _names(node):
            yield from defined(node, names[1:])
            return


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    for child in getattr(node, "body", []):
        yield child
        if isinstance(child, ast.If | ast.Try):
            yield from _statements(child)


def _names(node: ast.AST) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.ImportFrom):
        return {alias.asname or alias.name for alias in node.names}
    if isinstance(node, ast.Assign):
        return {target.id for target in node.targets if isinstance(target, ast.Name)}
    return {node.target.id} if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) else set()


@cache
def mentioned(name: str) -> frozenset[str]:
    """Every identifier in the definition of `name`, and the last part of every dotted name in its strings."""
    words = set()
    for node in ast.walk(place(name).definition):
        if isinstance(node, ast.Name):
            words.add(node.id)
        elif isinstance(node, ast.Attribute):
            words.add(node.attr)
        elif isinstance(node, ast.keyword) and node.arg:
            words.add(node.arg)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            words.add(node.value.rpartition(".")[2])
    return frozenset(words)
