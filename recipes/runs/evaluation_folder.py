"""The folder of one evaluation: what is in it, and how it is called.

outputs/evaluations/<name>/  manifest.json  identity.json  samples.jsonl  verdicts-<verifier>.jsonl
                             results-<verifier>.json  evaluate.log
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from recipes.runs.manifest import Manifest

EVALUATIONS = "evaluations"
OURS = "ours"  # the verifier whose results are compared
VERIFIERS = (OURS, "prime_math", "math_verify")  # all that recipes.evaluate has


@dataclass(frozen=True)
class EvaluationFolder:
    """Paths inside one evaluation's folder."""

    path: Path

    @classmethod
    def named(cls, root: Path, name: str) -> "EvaluationFolder":
        """The evaluation of that name in an output root."""
        return cls(root / EVALUATIONS / name)

    @classmethod
    def of(cls, root: Path, evaluated: str, eval_name: str) -> "EvaluationFolder":
        """Where an evaluation goes that nobody gave a name.

        Args:
            root: output root.
            evaluated: what is evaluated, in a few words.
            eval_name: of configs/eval.
        """
        return cls.named(root, f"{evaluated}-{eval_name}")

    @classmethod
    def all_results(cls, root: Path, verifier: str) -> Iterator[Path]:
        """Results files of all evaluations in an output root, by name."""
        yield from sorted((root / EVALUATIONS).glob(f"*/{cls(Path()).results(verifier)}"))

    @property
    def identity(self) -> Path:
        """What makes it this evaluation and no other."""
        return self.path / "identity.json"

    @property
    def manifest(self) -> Manifest:
        """How it was made; read anew at each access."""
        return Manifest.within(self.path)

    @property
    def samples(self) -> Path:
        """One row per sample."""
        return self.path / "samples.jsonl"

    @property
    def log(self) -> Path:
        """What vLLM and Ray say."""
        return self.path / "evaluate.log"

    @property
    def lock(self) -> Path:
        """Held by the command that evaluates here."""
        return self.path / ".lock"

    def verdicts(self, verifier: str) -> Path:
        """One row per sample that has a verdict."""
        return self.path / f"verdicts-{verifier}.jsonl"

    def results(self, verifier: str = OURS) -> Path:
        """The numbers, and what they are numbers of."""
        return self.path / f"results-{verifier}.json"


Asked = tuple[str, str, Sequence[Mapping[str, str]], Sequence[str], object]


def problems_digest(asked: Iterable[Asked]) -> str:
    """Tells one set of problems from another.

    Args:
        asked: (benchmark, id, messages, accepted answers, reward.task.Task) of each, in order.
    """
    digest = hashlib.sha256()
    for *plain, task in asked:
        digest.update(json.dumps([*plain, repr(task)]).encode())
    return digest.hexdigest()
