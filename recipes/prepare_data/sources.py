"""Get a public file: a local one, one placed in the raw folder by hand, or a download that is verified.

A download that is complete is never repeated. What has no pinned checksum is pinned at first sight in `pins.json` of
the raw folder: a file that changes silently afterwards is refused.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import shutil
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recipes.common.errors import UserError
from recipes.common.files import is_full, new_file, read_mapping, write_atomically
from recipes.prepare_data.settings import Source

PINS = "pins.json"
TIMEOUT = 60  # seconds without an answer


@dataclass(frozen=True)
class Fetched:
    """A file at hand. revision is the commit it is known to come from, None for a file of the user's own."""

    path: Path
    sha256: str
    revision: str | None
    origin: str


def fetch(source: Source | None, given: str | None, raw: Path, key: str) -> Fetched:
    """The file, from wherever it is nearest.

    Args:
        source: the public file; None if there is only a local one.
        given: path of a local file that is used as it is.
        raw: folder of downloads.
        key: how `given` is written on the command line, for messages.

    Raises:
        UserError: it can't be had; says where to download it and where to place it.
    """
    if given is not None:
        return _local(Path(given).expanduser(), source, key)
    if source is None:
        raise UserError(f"This data set has no public source: write {key}=<path of a file>.")
    placed = raw / source.save_as
    if placed.is_file():
        return _verified(Fetched(placed, sha256_of(placed), source.revision, str(placed)), source, raw, key)
    try:
        fetched = {"github": _from_github, "hub": _from_hub}[source.host](source, placed)
    except (OSError, http.client.HTTPException, ValueError, RuntimeError) as error:
        if is_full(error):
            raise
        raise UserError(_no_download(source, placed, key, error)) from error
    return _verified(fetched, source, raw, key)


def sha256_of(path: Path) -> str:
    """Checksum of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _local(path: Path, source: Source | None, key: str) -> Fetched:
    if not path.is_file():
        raise UserError(f"{key}={path}: there is no such file.")
    checksum = sha256_of(path)
    is_public = source is not None and source.sha256 == checksum
    return Fetched(path, checksum, source.revision if source and is_public else None, str(path))


def _verified(fetched: Fetched, source: Source, raw: Path, key: str) -> Fetched:
    pinned = source.sha256 or _pins(raw).get(_pin_key(source))
    if pinned is None:
        _write_pin(raw, source, fetched)
    elif pinned != fetched.sha256:
        raise UserError(
            f"{fetched.path}: sha256 is {fetched.sha256[:16]}…, but {source.repository}:{source.path} is pinned to "
            f"{pinned[:16]}…; remove the file to download it again, or write {key}=<path> to use a file as it is."
        )
    return fetched


def _from_github(source: Source, placed: Path) -> Fetched:
    """The files there are a few MB: a download that breaks off begins anew."""
    placed.parent.mkdir(parents=True, exist_ok=True)
    with new_file(placed) as file:
        with urllib.request.urlopen(source.url, timeout=TIMEOUT) as answer:
            shutil.copyfileobj(answer, file)
        file.flush()
        checksum = sha256_of(Path(file.name))
        if source.sha256 not in (None, checksum):
            raise ValueError(f"what arrived has sha256 {checksum[:16]}…, not the pinned {str(source.sha256)[:16]}…")
    return Fetched(placed, checksum, source.revision, source.url)


def _from_hub(source: Source, placed: Path) -> Fetched:
    """Through the hub's own cache, which resumes a download that broke off."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.utils import logging

    logging.set_verbosity_error()  # without a network it would announce each of its attempts
    path = Path(
        hf_hub_download(source.repository, source.path, repo_type="dataset", revision=source.revision or "main")
    )
    snapshot = path.parts[path.parts.index("snapshots") + 1] if "snapshots" in path.parts else source.revision
    return Fetched(path, sha256_of(path), snapshot, source.url)


def _no_download(source: Source, placed: Path, key: str, error: BaseException) -> str:
    lines = str(_first_cause(error)).strip().splitlines() or [type(error).__name__]
    access = ""
    if type(error).__name__ == "GatedRepoError":
        access = f" (accept its terms on huggingface.co/datasets/{source.repository} and run `hf auth login`)"
    return (
        f"{source.path} of {source.repository} can't be downloaded ({lines[0][:160]}){access}: get it from "
        f"{source.url} on a machine with a network and place it as {placed}, or write {key}=<path of the file>."
    )


def _first_cause(error: BaseException) -> BaseException:
    """The hub wraps "Name or service not known" in sentences that don't say so."""
    found = error
    while inner := found.__cause__ or found.__context__:
        found = inner
        error = found if isinstance(found, OSError) else error
    return error


def known_checksum(source: Source | None, given: str | None, raw: Path) -> str | None:
    """The checksum that `fetch` will find, as far as it can be told without a download."""
    if given is not None:
        path = Path(given).expanduser()
        return sha256_of(path) if path.is_file() else None
    return (source.sha256 or _pins(raw).get(_pin_key(source))) if source else None


def _pin_key(source: Source) -> str:
    return f"{source.host}:{source.repository}@{source.revision}:{source.path}"


def _pins(raw: Path) -> dict[str, Any]:
    return {key: pin["sha256"] for key, pin in _read_pins(raw).items()}


def _read_pins(raw: Path) -> dict[str, Any]:
    file = raw / PINS
    try:
        pins = read_mapping(file) if file.is_file() else {}
        if not all(isinstance(pin, dict) and isinstance(pin.get("sha256"), str) for pin in pins.values()):
            raise ValueError("an entry without sha256")
    except ValueError as error:
        raise UserError(
            f"{file} is damaged ({error}). Restore it, or remove it: checksums are then pinned anew."
        ) from error
    return pins


def _write_pin(raw: Path, source: Source, fetched: Fetched) -> None:
    raw.mkdir(parents=True, exist_ok=True)
    pins = _read_pins(raw)
    pins[_pin_key(source)] = {"sha256": fetched.sha256, "revision": fetched.revision}
    write_atomically(raw / PINS, json.dumps(pins, indent=2) + "\n")
