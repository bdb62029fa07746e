"""Where files come from. Nothing is downloaded here: the two downloaders are replaced."""

import hashlib
import io
import json
import urllib.error
from pathlib import Path

import huggingface_hub
import pytest

from recipes.common.errors import UserError
from recipes.prepare_data.settings import Source
from recipes.prepare_data.sources import fetch, known_checksum

CONTENT = b'{"problem": "P?", "answer": "1"}\n'
CHECKSUM = hashlib.sha256(CONTENT).hexdigest()
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def source(host: str = "github", revision: str | None = COMMIT, sha256: str | None = CHECKSUM) -> Source:
    return Source(host, "owner/name", "data/test.jsonl", "set.jsonl", "MIT", revision, sha256)


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Serves CONTENT; the list says what was asked for."""
    asked: list[str] = []

    def answer(url: str, timeout: float) -> io.BytesIO:
        asked.append(url)
        return io.BytesIO(CONTENT)

    monkeypatch.setattr("urllib.request.urlopen", answer)
    return asked


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, bytes]:
    """A hub whose file can be changed; `main` is a commit of its own."""
    state = {"content": CONTENT}

    def download(repository: str, path: str, repo_type: str, revision: str) -> str:
        assert repo_type == "dataset"
        file = tmp_path / "hub" / "snapshots" / (COMMIT if revision == "main" else revision) / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(state["content"])
        return str(file)

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    return state


def no_network(*arguments: object, **options: object) -> None:
    raise urllib.error.URLError(OSError(-2, "Name or service not known"))


def test_a_download_is_verified_and_never_repeated(web: list[str], tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    first, second = (fetch(source(), None, raw, "file") for _ in range(2))
    assert web == [f"https://raw.githubusercontent.com/owner/name/{COMMIT}/data/test.jsonl"]
    assert first.path == second.path == raw / "set.jsonl" and first.revision == second.revision == COMMIT
    assert [path.name for path in raw.iterdir()] == ["set.jsonl"]


def test_a_download_with_another_checksum_is_not_kept(web: list[str], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="what arrived has sha256"):
        fetch(source(sha256="0" * 64), None, tmp_path, "file")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("host", ["github", "hub"])
def test_no_network_says_what_to_place_where(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, host: str) -> None:
    monkeypatch.setattr("urllib.request.urlopen", no_network)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", no_network)
    with pytest.raises(UserError) as raised:
        fetch(source(host), None, tmp_path, "files.aime24")
    said = str(raised.value)
    for words in (source(host).url, f"place it as {tmp_path}/set.jsonl", "files.aime24=<path", "service not known"):
        assert words in said
    assert "\n" not in said and list(tmp_path.iterdir()) == []
    (tmp_path / "set.jsonl").write_bytes(CONTENT)
    assert fetch(source(host), None, tmp_path, "files.aime24").path == tmp_path / "set.jsonl"


def test_a_placed_file_that_is_another_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "set.jsonl").write_bytes(b"another")
    with pytest.raises(UserError, match=r"set\.jsonl: sha256 is .* is pinned to .*file=<path>"):
        fetch(source(), None, tmp_path, "file")


def test_a_file_of_ones_own_is_used_as_it_is(tmp_path: Path) -> None:
    mine = tmp_path / "mine.jsonl"
    mine.write_bytes(b"another")
    assert fetch(source(), str(mine), tmp_path, "file").revision is None
    mine.write_bytes(CONTENT)
    assert fetch(source(), str(mine), tmp_path, "file").revision == COMMIT, "it is the public one after all"
    with pytest.raises(UserError, match=r"file=.*no such file"):
        fetch(source(), str(tmp_path / "no.jsonl"), tmp_path, "file")
    with pytest.raises(UserError, match="write file=<path"):
        fetch(None, None, tmp_path, "file")


def test_what_is_not_pinned_is_pinned_at_first_sight(hub: dict[str, bytes], tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    loose = source("hub", revision=None, sha256=None)
    assert known_checksum(loose, None, raw) is None
    assert fetch(loose, None, raw, "file").revision == COMMIT
    assert list(json.loads((raw / "pins.json").read_text()).values()) == [{"sha256": CHECKSUM, "revision": COMMIT}]
    assert known_checksum(loose, None, raw) == CHECKSUM
    hub["content"] = b"changed in silence"
    with pytest.raises(UserError, match="is pinned to"):
        fetch(loose, None, raw, "file")


def test_a_full_disk_is_not_taken_for_a_missing_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def full(*arguments: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("urllib.request.urlopen", full)
    with pytest.raises(OSError, match="No space"):
        fetch(source(), None, tmp_path, "file")
