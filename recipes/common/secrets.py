"""Keep secrets out of every file and message that this project writes.

A secret is known by its name (HF_TOKEN, WANDB_API_KEY_PROD, `+trainer.wandb_token=…`), by its place (`user:…@` in an
address, after `Bearer`), by its shape (`hf_…`, `ghp_…`) or, anywhere in a text, by its value in the environment. Where
in doubt, it is hidden. All takes time linear in the text: no pattern can begin inside what another try of it has read.
"""

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from recipes.common.files import new_file

HIDDEN = "***"
# Shorter values ("1", "true", "prompt") would be found in the middle of innocent words.
_SHORTEST = 8

# The parts of a name: HF_TOKEN_2, X-Api-Key and hfToken have a part of their own that says what they are.
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_ALWAYS = re.compile(
    r"(?:pass|pat|auth|authorization|bearer|credential|cookie|jwt|webhook"
    r"|[a-z]*(?:password|passwd|passphrase|secret|apikey|accesskey|authtoken|accesstoken))s?"
)
_NOT_ALONE = re.compile(r"pwd|signature")  # PWD is the working directory
_OPENERS = re.compile(r"(?:token|key)s?")
# With one of these at its end a name says where a secret lies or how it is used: RAY_AUTH_TOKEN_PATH, SSH_AUTH_SOCK.
_PLACES = re.compile(r"file|path|dir|sock|mode")
# A pass is one only where nothing says of what kind: eval.pass_at, Pass@8.
_PASS_OF = re.compile(r"at|k|rate|[0-9]+")
# In small letters a token is a word of the trade: pad_token, reward_fn_key, token_level, KeyError.
_TRADE = re.compile(
    "additional|added|agg|all|any|audio|batched|bos|by|cached|choice|cls|column|count|data|dict|draft|end|eos|error|file|first|fn|"
    "forward|full|generated|group|hash|icepop|ids?|image|index|input|label|last|layer|len|length|level|limit|list|loss|mask|max|"
    "mean|min|missing|model|multi|name|new|next|num|number|of|out|output|pad|param|per|primary|profile|prompt|ratio|response|"
    "reward|row|sample|sep|share|sort|special|speculative|start|state|std|stop|sum|teacher|tis|total|train|type|unexpected|unk|val|value|"
    "video|weight"
)

_NAMED = re.compile(r"""(?<![\w.-])([\w.-]++)(?:\\*+["']?[ \t]{0,4}[:=]{1,2}[ \t]{0,4})""")
_FLAG = re.compile(r"(?<!\S)--?([A-Za-z][\w-]*+)[ \t]{1,4}(?=[^\s-])")
_VALUE = re.compile(
    r"""\\*+(?:"[^"]*+"|'[^']*+'|["'][^\n]*+|(?:(?:bearer|basic|token|digest)[ \t]{1,4})?[^\s,}\])"']++)""",
    re.IGNORECASE,
)
_NO_SECRET = re.compile(r"""[\\"']*+(?:null|none|true|false|\*\*\*|[-+]?[0-9][0-9.]{0,6})?[\\"']*+""", re.IGNORECASE)
_BEARER = re.compile(r"\b(bearer[ \t]{1,4})[\w.~+/=-]{8,}+", re.IGNORECASE)
# What stands before the @ of an address. It ends at a /, which is also in the :// that begins the next one.
_LOGIN = re.compile(r"(?<=://)(?P<user>[^\s/?#\"'<>@:]*+)(?P<password>:[^\s/?#\"'<>]*)?@")
_SHAPE = re.compile(
    r"(?<![\w-])(?:hf_|gh[opsu]_|github_pat_|glpat-|sk-|xox[abp]-|AKIA|eyJ)[\w-]{16,}+(?:\.[\w-]++){0,2}"
)


def is_secret_name(name: str) -> bool:
    """Whether a variable or the last part of a dotted config key names a secret."""
    last = name.rsplit(".", 1)[-1]
    parts = [part.lower() for part in _PARTS.findall(last)]
    if not parts or _PLACES.fullmatch(parts[-1]):
        return False
    if parts[0] == "pass" and len(parts) > 1 and _PASS_OF.fullmatch(parts[1]):
        return False
    if any(_ALWAYS.fullmatch(part) for part in parts):
        return True
    if len(parts) == 1:
        return last in ("token", "Token", "KEY") or (last.isupper() and last.endswith("TOKEN"))
    beside = [_beside(parts, at) for at, part in enumerate(parts) if _OPENERS.fullmatch(part)]
    opens = beside if last.isupper() else [part for part in beside if not _TRADE.fullmatch(part)]
    return bool(opens) or any(_NOT_ALONE.fullmatch(part) for part in parts)


def _beside(parts: list[str], at: int) -> str:
    """What a token or key belongs to: the part before it, or after it where it comes first."""
    return parts[at - 1] if at else parts[1]


def secret_values(environment: Mapping[str, str] | None = None) -> list[str]:
    """Values of the environment's secrets, also as an address spells them; longest first: one may hold another."""
    environment = os.environ if environment is None else environment
    found = {value for name, value in environment.items() if is_secret_name(name)}
    for value in environment.values():
        found |= {login["password"][1:] for login in _LOGIN.finditer(value) if login["password"]}
    found |= {quote(value, safe="") for value in found}
    return sorted((value for value in found if len(value) >= _SHORTEST), key=len, reverse=True)


def redacted_text(text: str, environment: Mapping[str, str] | None = None) -> str:
    """`text` with *** for the value of every secret in it.

    Args:
        text: a command line, a message, a line of a log.
        environment: where secret values come from; this process's environment by default.
    """
    return _redacted_text(text, secret_values(environment))


def _redacted_text(text: str, values: Iterable[str]) -> str:
    for value in values:
        text = text.replace(value, HIDDEN)
    text = _LOGIN.sub(_hide_login, text)
    text = _BEARER.sub(rf"\1{HIDDEN}", text)
    text = _SHAPE.sub(HIDDEN, text)
    return _hide_named(_FLAG, _hide_named(_NAMED, text))


def _hide_named(pattern: re.Pattern[str], text: str) -> str:
    """Hide what follows the names of secrets. What follows another name is searched too: command="… token=abc"."""
    pieces, done = [], 0
    while found := pattern.search(text, done):
        value = _VALUE.match(text, found.end()) if is_secret_name(found[1]) else None
        pieces.append(text[done : found.end()])
        done = found.end()
        if value and not _NO_SECRET.fullmatch(value[0]):
            pieces.append(HIDDEN)
            done = value.end()
    return "".join(pieces) + text[done:]


def _hide_login(match: re.Match[str]) -> str:
    if match["password"]:
        return f"{match['user']}:{HIDDEN}@"
    return f"{HIDDEN}@" if len(match["user"]) >= _SHORTEST else match[0]  # https://<token>@host, not ssh://git@host


def redacted(value: Any, environment: Mapping[str, str] | None = None, name: str = "") -> Any:
    """A copy of plain data (dicts, lists, strings, numbers) with *** for every secret.

    Args:
        value: what is about to be written.
        environment: as in redacted_text.
        name: the key under which `value` stands.
    """
    return _redacted(value, secret_values(environment), name)


def _redacted(value: Any, values: list[str], name: str) -> Any:
    if isinstance(value, Mapping):
        return {key: _redacted(child, values, str(key)) for key, child in value.items()}
    if isinstance(value, list | tuple):
        return [_redacted(child, values, name) for child in value]
    if isinstance(value, str):
        hidden = is_secret_name(name) and not _NO_SECRET.fullmatch(value)
        return HIDDEN if hidden else _redacted_text(value, values)
    return value


def redact_file(path: Path, environment: Mapping[str, str] | None = None) -> bool:
    """Replace a text file by one without secrets; return whether it held any. Nobody may be writing to it."""
    values = secret_values(environment)
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as source:
        if all(_redacted_text(line, values) == line for line in source):
            return False
        source.seek(0)
        with new_file(path) as target:
            for line in source:
                target.write(_redacted_text(line, values).encode(errors="surrogateescape"))
    return True
