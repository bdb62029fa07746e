"""Does the scorer work here, through its processes? Asked before a run starts, not after the first step of zeros."""

from functools import cache

from reward.options import RewardOptions
from reward.processes.pool import ScoringPool
from reward.processes.worker import Died, Raised, Worker
from reward.scoring import Scorer
from reward.verdict import Status

# (answer, gold, status): a number at sight; one that our parser reads; one left to math-verify; a percentage, which an
# uncured antlr cannot read; a wrong one.
CASES: tuple[tuple[str, str, Status], ...] = (
    ("42", "42", "ok"),
    (r"\sqrt{12}", r"2\sqrt{3}", "ok"),
    (r"\sum_{k=1}^{3} k^2", "14", "ok"),
    (r"28\%", r"\frac{28}{100}", "ok"),
    (r"\sqrt{12}", r"3\sqrt{2}", "wrong"),
)
ATTEMPTS = 3  # where an answer takes too long: a machine may be busy for a moment


@cache
def self_test(options: RewardOptions) -> None:
    """Score known answers, then end the processes; once per process and set of options.

    Raises:
        RuntimeError: says why no process can be started, or which answer got which status.
    """
    _start_one(options)
    pool = ScoringPool(options.pool_settings)
    try:
        for _ in range(ATTEMPTS):
            scorer = Scorer(pool)  # one that has seen an answer take too long twice asks no more
            found = [scorer.submit(rf"\boxed{{{answer}}}", gold) for answer, gold, _ in CASES]
            statuses = [future.result().verdict.status for future in found]
            if "timeout" not in statuses:
                break
    finally:
        pool.close()
    for (answer, gold, wanted), status in zip(CASES, statuses, strict=True):
        if status != wanted:
            raise RuntimeError(
                f"The scorer fails its self-test: {answer} against {gold} is '{status}', not '{wanted}' "
                f"({options.pool_settings}). Run `bash scripts/setup.sh` again; if the status is timeout or crashed, "
                "raise reward.custom_reward_function.reward_kwargs.deadline or .memory_gib."
            )


def _start_one(options: RewardOptions) -> None:
    try:
        Worker(options.pool_settings.memory_gib).kill()
    except (Died, Raised, OSError) as error:
        last = str(error).strip().rsplit("\n", 1)[-1]
        raise RuntimeError(
            f"A scoring process can't be started here: {last}. A container has to allow seccomp (docker run "
            "--security-opt seccomp=… with prctl and seccomp) and some hundred processes (--pids-limit, ulimit -u), "
            "and TMPDIR has to be short (a socket's path has 107 characters)."
        ) from error
