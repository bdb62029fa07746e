"""A run ends when one of its Ray actors dies, whoever waits for it.

verl waits without a limit for responses, verdicts and weights. An actor that was killed (by Ray's or Linux's guard of
the memory, say) is then noticed only by a caller that waits for that very actor: the loss of a process that generates
responses would leave the run standing.
"""

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterator

import ray
from ray._private.state import state

INTERVAL = 5.0  # seconds
GRACE = 30.0  # seconds in which the caller may fail by itself, with a message that says more

Dead = dict[str, str]  # actor id → a sentence


def dead_actors() -> Dead:
    """The actors of this job that have died.

    Ray's public calls for this ask its dashboard, which does not run here; the GCS always does.
    """
    job = ray.get_runtime_context().get_job_id()
    table = state.actor_table(None, job_id=ray.JobID.from_hex(job), actor_state_name="DEAD")
    return {actor: _sentence(entry) for actor, entry in table.items()}


def _sentence(entry: dict) -> str:
    return f"{entry['ActorClassName']} (process {entry['Pid']} on {entry['Address']['IPAddress']}) has died"


@contextlib.contextmanager
def watch(
    dead: Callable[[], Dead] = dead_actors,
    end: Callable[[int], object] = os._exit,
    interval: float = INTERVAL,
    grace: float = GRACE,
) -> Iterator[None]:
    """End this process if an actor dies during the block and the block does not end by itself.

    Args:
        dead: who has died so far.
        end: ends the process with an exit code.
        interval: seconds between two looks.
        grace: seconds from the first death to the end.
    """
    before, over = dead(), threading.Event()

    def look() -> None:
        while not over.wait(interval):
            if new := [sentence for actor, sentence in dead().items() if actor not in before]:
                print(f"DeadActorError: {'; '.join(new)}. The run can't go on.", file=sys.stderr, flush=True)
                if not over.wait(grace):
                    end(1)
                return

    thread = threading.Thread(target=look, name="vitals", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
