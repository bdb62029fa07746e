"""What a check has found."""

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any

from recipes.common.secrets import redacted_text

DRIVER = "driver"
# A message of this project says what is wrong, and then what to do.
_CURE = re.compile(r"(?<=[.)]) (?=(?:Write|Run|Set|Unset|Check|Choose|Install|Start|Wait|Open|Raise)\b)")


class Status(str, Enum):
    """How bad it is, mildest first."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True)
class Finding:
    """One line of the table.

    Attributes:
        check: which check.
        status: how bad it is.
        what: what was found.
        cure: what to do; never empty unless all is well.
        where: node, or the driver.
    """

    check: str
    status: Status
    what: str
    cure: str = ""
    where: str = DRIVER

    def __post_init__(self) -> None:
        if self.status is not Status.OK and not self.cure:
            raise ValueError(f"{self.check}: {self.what}: a {self.status.value} needs a cure")

    def as_json(self) -> dict[str, Any]:
        """Plain data, without secrets."""
        facts = {name: redacted_text(value) for name, value in asdict(self).items()}
        return facts | {"status": self.status.value}


def ok(check: str, what: str, where: str = DRIVER) -> Finding:
    """All is well."""
    return Finding(check, Status.OK, what, "", where)


def warning(check: str, what: str, cure: str, where: str = DRIVER) -> Finding:
    """The training may go wrong."""
    return Finding(check, Status.WARNING, what, cure, where)


def failure(check: str, what: str, cure: str, where: str = DRIVER) -> Finding:
    """The training would fail, or train something else."""
    return Finding(check, Status.FAILURE, what, cure, where)


def of_message(check: str, message: str, where: str = DRIVER) -> Finding:
    """A failure from the message of a UserError or PluginError, which holds its own cure."""
    what, *cures = _CURE.split(message.strip(), maxsplit=1)
    return failure(check, what, cures[0] if cures else "What was found says what to change.", where)


def worst(findings: Iterable[Finding]) -> Status:
    """The status of all together."""
    return max((found.status for found in findings), key=list(Status).index, default=Status.OK)
