"""What configs/prepare/ says, as dataclasses that refuse what can't be meant."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import PurePosixPath
from typing import Any, TypeVar, get_type_hints

from pydantic import TypeAdapter, ValidationError

from recipes.common import folder_names
from recipes.common.errors import UserError
from recipes.common.numbers import is_number

HOSTS = ("github", "hub")
OVERLAP = ("remove", "report", "ignore")
ON_EXISTING = ("keep", "replace")
FORMATS = ("jsonl", "json", "parquet")
PROBLEM = "{problem}"
# Types as pydantic calls them → what is written.
WANTED = {
    "string": "text",
    "int": "an integer",
    "float": "a number",
    "finite": "a number",
    "bool": "true or false",
    "list": "a list",
    "dict": "a section, which holds keys",
}
Made = TypeVar("Made")


@dataclass(frozen=True)
class Source:
    """One public file.

    host: github (repository at a commit) or hub (a data set on Hugging Face).
    revision: commit; None takes the newest and records which that was.
    sha256: of the file; None where the publisher's could not be verified.
    save_as: name of the file in the raw folder, also for a copy that somebody places there by hand.
    """

    host: str
    repository: str
    path: str
    save_as: str
    licence: str
    revision: str | None = None
    sha256: str | None = None

    def __post_init__(self) -> None:
        if self.host not in HOSTS:
            raise ValueError(f"host={self.host}: write {' or '.join(HOSTS)}")
        if self.host == "github" and not self.revision:
            raise ValueError("revision=null: a file on GitHub needs a commit")
        _check_name("save_as", self.save_as)

    @property
    def url(self) -> str:
        """Where the file can be downloaded by hand."""
        if self.host == "github":
            return f"https://raw.githubusercontent.com/{self.repository}/{self.revision}/{self.path}"
        return f"https://huggingface.co/datasets/{self.repository}/resolve/{self.revision or 'main'}/{self.path}"


@dataclass(frozen=True)
class Gold:
    """How a row states its accepted answer; `read` is a name in recipes.prepare_data.golds.READERS.

    marker: what the answer follows, for read=after_marker.
    whole: the answer is a whole number, however it is written (27.0, 025, 336^\\circ).
    """

    read: str
    column: str
    marker: str | None = None
    whole: bool = False

    def __post_init__(self) -> None:
        from recipes.prepare_data.golds import READERS  # which are called with what is made here

        if self.read not in READERS:
            raise ValueError(f"read={self.read} is unknown: write {', '.join(READERS)}")


@dataclass(frozen=True)
class Columns:
    """Where a row holds what; dots lead into nested fields (`prompt.0.content`). Null: the data set does not say."""

    problem: str
    id: str | None = None
    unit: str | None = None
    tolerance: str | None = None
    multiple: str | None = None

    def all(self) -> list[str]:
        """The columns that are named."""
        return [value for one in fields(self) if (value := getattr(self, one.name))]


@dataclass(frozen=True)
class Strip:
    """What surrounds the bare problem in the source; a row without it is malformed."""

    before: str = ""
    after: str = ""


@dataclass(frozen=True)
class Alternatives:
    """A second file with further accepted answers, joined by `id`.

    must_equal: only those that the reward finds equal to the row's own answer; the others are listed in the report.
    """

    source: Source
    id: str
    gold: Gold
    must_equal: bool = True


@dataclass(frozen=True)
class Part:
    """One file that is read and the parquet file it becomes.

    benchmark: every row stays, whatever its gold, for the denominator must not change; golds are lists.
    rows: how many the file holds, where that is known.
    """

    columns: Columns
    gold: Gold
    source: Source | None
    file_name: str
    data_source: str
    benchmark: bool = False
    rows: int | None = None
    strip: Strip = field(default_factory=Strip)
    alternatives: Alternatives | None = None
    format: str | None = None

    def __post_init__(self) -> None:
        if self.format is not None and self.format not in FORMATS:
            raise ValueError(f"format={self.format}: write {', '.join(FORMATS)}, or null to go by the file's name")
        if self.rows is not None and self.rows < 0:
            raise ValueError(f"rows={self.rows}: write an integer >= 0, or null")
        _check_name("file_name", self.file_name)

    def format_of(self, file: str) -> str:
        """The format of a file, as given or by its suffix."""
        suffix = PurePosixPath(file).suffix.removeprefix(".")
        if self.format is None and suffix not in FORMATS:
            raise UserError(f"{file}: .{suffix} says no format; write parts.<name>.format={'|'.join(FORMATS)}.")
        return self.format or suffix


@dataclass(frozen=True)
class Template:
    """The chat messages a problem is put into; `{problem}` stands for it in exactly one of them."""

    name: str
    source: str
    messages: list[dict[str, str]]

    def __post_init__(self) -> None:
        if not all({"role", "content"} <= message.keys() for message in self.messages):
            raise ValueError("template.messages: write a role and a content in each of them")
        if sum(message["content"].count(PROBLEM) for message in self.messages) != 1:
            raise ValueError(f"template.messages: exactly one of them has to hold {PROBLEM}, once")

    def render(self, problem: str) -> list[dict[str, str]]:
        """The prompt for a bare problem."""
        return [{"role": one["role"], "content": one["content"].replace(PROBLEM, problem)} for one in self.messages]


@dataclass(frozen=True)
class OverlapWith:
    """What training problems are compared with.

    folder: of prepared benchmarks.
    sets: names of parquet files there.
    words: n of the n-grams.
    similarity: longest common subsequence of words over the shorter problem's, from which an n-gram match counts.
    """

    folder: str
    sets: list[str]
    words: int
    similarity: float

    def __post_init__(self) -> None:
        if self.words < 1 or not 0 <= self.similarity <= 1:
            raise ValueError("overlap_with: words must be >= 1 and similarity between 0 and 1; write 13 and 0.6")


@dataclass(frozen=True)
class Settings:
    """Everything `python -m recipes.prepare_data` was asked for."""

    name: str
    about: str
    parts: dict[str, Part]
    combined: dict[str, list[str]]
    template: Template
    overlap: str
    overlap_with: OverlapWith
    malformed_limit: float
    output_root: str
    raw_folder: str
    on_existing: str
    files: dict[str, str | None]
    difficulty: str | None
    keep_right_share: Any  # two numbers: said below, in better words than "a list"

    def __post_init__(self) -> None:
        _check_name("name", self.name)
        for name in self.combined:
            _check_name("combined", name)
        if not 0 <= self.malformed_limit <= 1:
            raise ValueError(f"malformed_limit={self.malformed_limit}: write a share between 0 and 1, as 0.01")
        band = self.keep_right_share
        if not (
            isinstance(band, list) and len(band) == 2 and all(map(is_number, band)) and 0 <= band[0] <= band[1] <= 1
        ):
            raise ValueError(f"keep_right_share={band}: write two numbers, 0 <= low <= high <= 1, as [0.1,0.9]")
        if self.difficulty is not None and all(part.benchmark for part in self.parts.values()):
            raise ValueError(f"difficulty={self.difficulty}: a benchmark may not lose a row; leave it out")
        for key, choices in (("overlap", OVERLAP), ("on_existing", ON_EXISTING)):
            if getattr(self, key) not in choices:
                raise ValueError(f"{key}={getattr(self, key)}: write {', '.join(choices)}")
        if unknown := set().union(*self.combined.values()) - set(self.parts):
            raise ValueError(f"combined: no part {', '.join(sorted(unknown))}; write some of {', '.join(self.parts)}")


def settings_from(config: dict[str, Any]) -> Settings:
    """The settings of a resolved config.

    Raises:
        UserError: names the key and what to write.
    """
    config = dict(config)
    file = config.pop("file", None)
    files = config.pop("files", None) or {}
    parts = {name: _part(name, part) for name, part in _section("parts", config.pop("parts", None)).items()}
    if file is not None:
        _check_kind("file", file, str)
        if len(parts) != 1:
            raise UserError(f"file={file}: this set has several files; write files.<{'|'.join(parts)}>=….")
        files = _section("files", files) | {next(iter(parts)): file}
    template = _make("template", Template, config.pop("template", None))
    overlap_with = _make("overlap_with", OverlapWith, config.pop("overlap_with", None))
    return _make(
        "", Settings, config | {"parts": parts, "files": files, "template": template, "overlap_with": overlap_with}
    )


def _part(name: str, given: dict[str, Any]) -> Part:
    key = f"parts.{name}"
    made = {"file_name": name, "data_source": name} | _section(key, given)
    made["columns"] = _make(f"{key}.columns", Columns, given.get("columns"))
    made["gold"] = _make(f"{key}.gold", Gold, given.get("gold"))
    made["source"] = _source(f"{key}.source", given.get("source"))
    made["strip"] = _make(f"{key}.strip", Strip, given.get("strip") or {})
    if also := given.get("alternatives"):
        inside = f"{key}.alternatives"
        inner = {
            "source": _source(f"{inside}.source", _section(inside, also).get("source")),
            "gold": _make(f"{inside}.gold", Gold, also.get("gold")),
        }
        made["alternatives"] = _make(inside, Alternatives, also | inner)
    return _make(key, Part, made)


def _source(key: str, given: dict[str, Any] | None) -> Source | None:
    return None if given is None else _make(key, Source, given)


def _section(key: str, given: Any) -> dict[str, Any]:
    if not isinstance(given, dict):
        shown = "null" if given is None else given
        raise UserError(f"{key}={shown}: is a section, which holds keys. Write {key}.<key>=<value>, or leave it out.")
    return given


def _check_name(key: str, value: str) -> None:
    if not folder_names.is_name(value):
        raise ValueError(f"{key}={value}: write a name inside a folder: {folder_names.SAYS}")


def _check_kind(key: str, value: Any, hint: Any) -> None:
    """Raise UserError where a value is of another type than a dataclass declares."""
    try:
        TypeAdapter(hint).validate_python(value, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, (key, *first["loc"])))
        shown = "null" if first["input"] is None else repr(first["input"])
        wanted = WANTED.get(first["type"].partition("_")[0], "something else")
        raise UserError(f"{where}={shown}: must be {wanted}. Write {where}=<{wanted}>.") from error


def _make(key: str, kind: type[Made], given: Any) -> Made:
    hints = get_type_hints(kind)
    for name, value in _section(key, given).items():
        if name in hints:
            _check_kind(f"{key}.{name}".lstrip("."), value, hints[name])
    try:
        return kind(**given)
    except (TypeError, ValueError) as error:
        names = ", ".join(one.name for one in fields(kind))  # type: ignore[arg-type]
        cure = f" Its keys are {names}." if isinstance(error, TypeError) else ""
        raise UserError(f"{key or 'config'}: {str(error).replace('.__init__()', '')}.{cure}") from error
