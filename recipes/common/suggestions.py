"""What may have been meant by a name that does not exist."""

from collections.abc import Iterable
from difflib import get_close_matches

CUTOFF = 0.75


def nearest(given: str, known: Iterable[str]) -> str | None:
    """The known name that looks most like `given`; None if none does."""
    close = get_close_matches(given, list(known), n=1, cutoff=CUTOFF)
    return close[0] if close else None


def nearest_key(given: str, known: Iterable[str]) -> str | None:
    """The dotted key whose end looks most like `given`: `optim.lr` → actor_rollout_ref.actor.optim.lr.

    Its last part alone has to look like that of `given`: long sections that are right make no wrong key right. Of
    several that end alike the one nearest to the top is meant. Never `given` itself.
    """
    depth, last = given.count(".") + 1, given.rpartition(".")[2]
    names = {key: key.rpartition(".")[2] for key in known if key != given}
    alike = set(get_close_matches(last, set(names.values()), n=len(names) or 1, cutoff=CUTOFF))
    ends: dict[str, str] = {}
    for key in sorted((key for key, name in names.items() if name in alike), key=lambda key: key.count(".")):
        ends.setdefault(".".join(key.split(".")[-depth:]), key)
    close = nearest(given, ends)
    return ends[close] if close else None
