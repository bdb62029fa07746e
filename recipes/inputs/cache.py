"""Models and data sets that are built once and then found in the cache.

A builder is any function `build(path, **arguments)` that fills the folder `path`. What identifies a result is the
builder's name, its arguments and the source files beside it, so a changed argument or a changed recipe gets a folder of
its own and nothing stale is ever used:

    <cache>/models-tiny-3f0c91d2ab/      <cache> = $RLVR_CACHE, or ~/.cache/rlvr-recipes
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from filelock import FileLock

from recipes.common.files import lock_beside, new_folder, remove_leftovers


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
    with FileLock(lock_beside(path)):
        if path.is_dir():
            return path
        remove_leftovers(path)
        # The builder fills a folder that is not the final one, so that even one that writes in place is atomic here.
        with new_folder(path) as partial:
            build(partial, **arguments)
    return path


def _module_name(target: str) -> str:
    module_name, _, function = str(target).rpartition(".")
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
    """The files of the folder that holds the module; of a module without a package, its own.

    A model's builder leans on its task's module, which stands beside it: a model made with one split of the problems
    must not be found under another.
    """
    try:
        spec = importlib.util.find_spec(module_name)  # imports the packages above it, never the module
    except ModuleNotFoundError:
        spec = None
    if spec is None or not spec.origin:
        raise ValueError(f"there is no module {module_name!r}")
    file = Path(spec.origin)
    return sorted(file.parent.glob("*.py")) if "." in module_name else [file]
