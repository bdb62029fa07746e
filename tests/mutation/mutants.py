"""Do the unit tests notice a wrong loss? `python tests/mutation/mutants.py [--only dgpo/] [--list]`.

Changes one thing at a time in the code of the losses (a comparison or sign turned round, ε_low and ε_high swapped, a
stop-gradient or verl's batch sizes dropped, a branch swapped), runs the unit tests on it, and prints how many of the
mutants they killed, and every survivor. Exit code 1 if one survives.

verl is imported once; every mutant is a fork of that process with a changed copy of our packages ahead on its path.
"""

import argparse
import ast
import copy
import io
import multiprocessing
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("dgpo", "maspo", "losses", "recipes", "reward")
SOURCES = (
    *("dgpo/weight.py", "maspo/weight.py"),
    *(
        "losses/tokens.py",
        "losses/surrogate.py",
        "losses/fused.py",
        "losses/aggregation.py",
        "losses/sequence_mask.py",
        "losses/entropy_mask.py",
    ),
)
# What is not the maths: messages and checks have tests of their own in tests/configs.
NOT_MATHS = {"validate", "check_actor", "verl_is_exact", "needs", "__post_init__"}
PAIRS = (
    ("clip_ratio_low", "clip_ratio_high"),
    ("c_low", "c_high"),
    ("low", "high"),
    ("ce_gppo_beta1", "ce_gppo_beta2"),
    ("tau_pos", "tau_neg"),
    ("maspo_beta_pos", "maspo_beta_neg"),
    ("dgpo_n", "dgpo_m"),
    ("vespo_k_pos", "vespo_k_neg"),
    ("vespo_lambda_pos", "vespo_lambda_neg"),
    ("good", "bad"),
    ("counts", "squares"),
    ("above", "below"),
    ("positive", "negative"),
)
SWAPS = {one: other for pair in PAIRS for one, other in (pair, pair[::-1])}
COMPARISONS = {ast.Lt: ast.Gt, ast.Gt: ast.Lt, ast.LtE: ast.GtE, ast.GtE: ast.LtE}
OPERATIONS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.BitAnd: ast.BitOr}
OPERATIONS |= {ast.BitOr: ast.BitAnd}
WEIGHT_TESTS = {"dgpo": "dgpo/test_weight.py", "maspo": "maspo/test_weight.py"}
KEYWORDS = {"clipping": "grpo", "tokens": "surrogate"}
# Mutants that compute the same function: (file, what the mutated line holds, why).
EQUIVALENT = (
    ("losses/fused.py", "stop-gradient dropped: log_prob.detach()", "slope_and_sums runs without gradients anyway"),
)


@dataclass(frozen=True)
class Mutant:
    """One change: the file, the line as it was, what was done to it, and the whole new text."""

    file: str
    line: int
    what: str
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.what}"


def alternatives(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """What a node may be replaced by, with a word for it."""
    if isinstance(node, ast.Compare) and type(node.ops[0]) in COMPARISONS:
        yield "comparison turned", _with(node, ops=[COMPARISONS[type(node.ops[0])]()])
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATIONS:
        yield "operator turned", _with(node, op=OPERATIONS[type(node.op)]())
    is_last_axis = isinstance(node, ast.UnaryOp) and ast.unparse(node) == "-1"  # tensors have two: 1 is the same
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and not is_last_axis:
        yield "sign dropped", node.operand
    if isinstance(node, ast.Name) and node.id in SWAPS and isinstance(node.ctx, ast.Load):
        yield f"{node.id} swapped", _with(node, id=SWAPS[node.id])
    if isinstance(node, ast.Attribute) and node.attr in SWAPS:
        yield f"{node.attr} swapped", _with(node, attr=SWAPS[node.attr])
    if isinstance(node, ast.Call):
        yield from _calls(node)


def _calls(node: ast.Call) -> Iterator[tuple[str, ast.AST]]:
    if isinstance(node.func, ast.Attribute) and node.func.attr == "detach" and not node.args:
        yield "stop-gradient dropped", node.func.value
    for keyword in node.keywords:
        if keyword.arg is None and "global_batch_info" in ast.unparse(keyword.value):
            yield "batch sizes dropped", _with(node, keywords=[k for k in node.keywords if k is not keyword])
        elif keyword.arg in ("min", "max") and len(node.keywords) == 1:
            other = ast.keyword(arg={"min": "max", "max": "min"}[keyword.arg], value=keyword.value)
            yield "clamp turned", _with(node, keywords=[other])
    if isinstance(node.func, ast.Attribute) and node.func.attr == "where" and len(node.args) == 3:
        test, one, other = node.args
        yield "branches swapped", _with(node, args=[test, other, one])


def _with(node: ast.AST, **changes: object) -> ast.AST:
    changed = copy.copy(node)
    for name, value in changes.items():
        setattr(changed, name, value)
    return changed


def mutants_of(file: str) -> Iterator[Mutant]:
    """All mutants of one source file."""
    tree = ast.parse((ROOT / file).read_text())
    places = [place for statement in tree.body for place in _places(statement)]
    for parent, field, index, node in places:
        for what, replacement in alternatives(node):
            _put(parent, field, index, replacement)
            yield Mutant(file, node.lineno, f"{what}: {ast.unparse(node)}", ast.unparse(tree))
            _put(parent, field, index, node)


def _places(node: ast.AST) -> Iterator[tuple[ast.AST, str, int | None, ast.AST]]:
    if isinstance(node, ast.FunctionDef) and node.name in NOT_MATHS:
        return
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "decorator_list"):
            continue
        children = enumerate(value) if isinstance(value, list) else [(None, value)]
        for index, child in children:
            if isinstance(child, ast.AST):
                yield node, field, index, child
                yield from _places(child)


def _put(parent: ast.AST, field: str, index: int | None, node: ast.AST) -> None:
    if index is None:
        setattr(parent, field, node)
    else:
        getattr(parent, field)[index] = node


def survives(mutant: Mutant | None) -> str:
    """In a fork: run the tests on a mutant (None: on the code as it is); "" if killed, else the mutant."""
    import pytest

    with tempfile.TemporaryDirectory() as folder:
        for package in PACKAGES:
            shutil.copytree(ROOT / package, Path(folder) / package)
        (Path(folder) / "configs").symlink_to(ROOT / "configs")
        if mutant:
            (Path(folder) / mutant.file).write_text(mutant.text)
        sys.path.insert(0, folder)
        os.environ["MUTATION_TEST"] = "1"
        sys.stdout = sys.stderr = io.StringIO()
        arguments = ["-x", "-q", "-p", "no:cacheprovider", "--no-header", "--tb=no"]
        for selection in selections(mutant):
            code = pytest.main([*arguments, *selection])
            if code not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
                return ""
    return str(mutant)


def selections(mutant: Mutant | None) -> Iterator[list[str]]:
    """Arguments of pytest: first the tests that name the mutated method, which nearly always suffice, then all."""
    unit = ROOT / "tests" / "unit"
    every = [str(unit / name) for name in ("losses", *WEIGHT_TESTS.values())]
    if mutant:
        stem = Path(mutant.file).stem
        own = WEIGHT_TESTS.get(mutant.file.split("/")[0])
        yield [str(unit / own)] if own else [*every, "-k", KEYWORDS.get(stem, stem)]
    yield every


def equivalent(mutant: Mutant) -> bool:
    """Whether the mutant is known to compute the same."""
    return any(mutant.file == file and part in mutant.what for file, part, _ in EQUIVALENT)


def main() -> int:
    """Make the mutants, run the tests on each, print the score."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="files whose path starts so")
    parser.add_argument("--list", action="store_true", help="print the mutants and stop")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    arguments = parser.parse_args()
    baselines = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "losses" / "baselines").glob("*.py"))
    files = [file for file in (*SOURCES, *baselines) if file.startswith(arguments.only)]
    mutants = [mutant for file in files for mutant in mutants_of(file) if not equivalent(mutant)]
    if arguments.list:
        print("\n".join(map(str, mutants)))
        return 0
    os.environ["VERL_USE_EXTERNAL_PLUGINS"] = "none"  # ours must come from the mutated copy, in the fork
    import pytest  # noqa: F401 (imported here, inherited by every fork)
    import verl.trainer.ppo.core_algos
    import verl.workers.config  # noqa: F401

    context = multiprocessing.get_context("fork")
    with context.Pool(arguments.workers, maxtasksperchild=1) as pool:
        if not pool.apply(survives, (None,)):
            print("The tests fail on the code as it is.")
            return 1
        survivors = []
        for number, outcome in enumerate(pool.imap(survives, mutants, chunksize=1), 1):
            survivors += [outcome] if outcome else []
            print(f"\r{number}/{len(mutants)} mutants, {len(survivors)} alive", end="", flush=True)
    print(f"\nkilled {len(mutants) - len(survivors)} of {len(mutants)} mutants in {len(files)} files")
    print("\n".join(f"survived: {survivor}" for survivor in survivors))
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
