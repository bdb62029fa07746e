"""Models and data sets that are built once and then found in the cache.

A builder is any function `build(path, **arguments)` that fills the folder `path`. What identifies a result is the
builder's name, its arguments and the source it was built by, so a changed argument or a changed recipe gets a folder of
its own and nothing stale is ever used:

    <cache>/models-tiny-3f0c91d2ab/      <cache> = $RLVR_CACHE, or ~/.cache/rlvr-recipes
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import importlib.util
import inspect
import json
import os
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

from filelock import FileLock

from recipes.common.files import new_folder, remove_leftovers


def cache_folder() -> Path:
    """Where prepared folders live: $RLVR_CACHE, or ~/.cache/rlvr-recipes."""
    return Path(os.environ.get("RLVR_CACHE") or "~/.cache/rlvr-recipes").expanduser()


def prepared_path(target: str, arguments: dict[str, Any]) -> Path:
    """Return the folder in which `target(path, **arguments)` is or will be found. Imports and builds nothing.

    Args:
        target: dotted name of the builder, e.g. `recipes.inputs.tiny_model.build`.
        arguments: its keyword arguments without `path`; JSON types only.

    Raises:
        ValueError: `target` is not a dotted name of a module's function, or `arguments` holds `path`.
        TypeError: an argument is not a JSON type.
    """
    module_name = _module_name(target)
    if "path" in arguments:
        raise ValueError(f"{target}: leave out `path`, the cache decides where the folder goes")
    try:
        canonical = json.dumps([target, arguments], sort_keys=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{target}: arguments must be JSON types (numbers, text, lists, dicts): {error}") from error
    digest = hashlib.sha256(canonical.encode())
    for file in _sources(module_name):
        digest.update(file.read_bytes())
    return cache_folder() / f"{'-'.join(module_name.split('.')[-2:])}-{digest.hexdigest()[:10]}"


def prepare(target: str, arguments: dict[str, Any]) -> Path:
    """Return the folder of `target(path, **arguments)`, building it first when it is not in the cache.

    Two processes that ask for the same folder build it once: the second waits for the first. A build that fails leaves
    nothing behind.

    Raises:
        ValueError, TypeError: as `prepared_path`, and for an argument that the builder does not have.
        Exception: whatever the builder raises.
    """
    path = prepared_path(target, arguments)
    if path.is_dir():
        return path
    build = _builder(target, arguments)
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(f".{path.name}.lock")):
        if path.is_dir():
            return path
        remove_leftovers(path)
        # The builder fills a folder that is not the final one, so that even one that writes in place is atomic here.
        with new_folder(path) as partial:
            build(partial, **arguments)
    return path


def _module_name(target: str) -> str:
    module_name, _, function = target.rpartition(".")
    if not module_name or not function:
        raise ValueError(f"{target!r} is no builder: write module and function, e.g. recipes.inputs.tiny_model.build")
    return module_name


def _builder(target: str, arguments: dict[str, Any]) -> Callable[..., None]:
    """Import the builder and check that it takes these arguments, before any time is spent."""
    module_name = _module_name(target)
    function = target.rpartition(".")[2]
    build = getattr(importlib.import_module(module_name), function, None)
    if not callable(build):
        raise ValueError(f"{module_name} has no function {function!r}")
    try:
        inspect.signature(build).bind("path", **arguments)
    except TypeError as error:
        raise TypeError(f"{target}{inspect.signature(build)}: {error}") from error
    return build


def _sources(module_name: str) -> list[Path]:
    """Return the module's file and the files of the same top-level package that it imports, directly or through others.

    A model's builder leans on its task's module: a model made with one split of the problems must not be found under
    another. The imports are read from the syntax tree, so that asking for a path does not import torch.
    """
    package = module_name.split(".")[0]
    files: dict[str, Path] = {}
    waiting = [module_name]
    while waiting:
        name = waiting.pop()
        spec = _find(name) if name not in files else None
        if spec is None or not spec.origin:
            continue
        files[name] = Path(spec.origin)
        imported = _imports(files[name])
        waiting += [other for other in imported if other.split(".")[0] == package]
    if module_name not in files:
        raise ValueError(f"there is no module {module_name!r}")
    return [files[name] for name in sorted(files)]


def _imports(file: Path) -> list[str]:
    """Return the absolute names that a source file imports; `from a import b` counts as a and, if ours, as a.b."""
    ours = __name__.split(".")[0]
    names: list[str] = []
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.append(node.module)
            # Looking a foreign submodule up would import its package, torch and all.
            spec = _find(node.module) if node.module.split(".")[0] == ours else None
            if spec is not None and spec.submodule_search_locations is not None:
                names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


def _find(name: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(name)
    except ModuleNotFoundError:
        return None
