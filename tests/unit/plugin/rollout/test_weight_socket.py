"""Two runs on one machine must not share the socket through which weights go to vLLM."""

import pytest
from verl.workers.rollout.base import get_rollout_class
from verl.workers.rollout.vllm_rollout import ServerAdapter

import recipes.plugin.register  # noqa: F401 (registers)
from recipes.plugin.cpu.vllm_worker import CPUWorkerExtension
from recipes.plugin.rollout import weight_socket

VERLS = "ipc:///tmp/rl-colocate-zmq-01000000-replica-0-rank-0.sock"


def both_ends(monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """The names that the actor and vLLM come to, from what verl gives each."""
    monkeypatch.setattr(ServerAdapter, "__init__", lambda self: setattr(self, "zmq_handle", VERLS))
    monkeypatch.setenv("VERL_RAY_JOB_ID", "01000000")
    worker = object.__new__(CPUWorkerExtension)
    worker.local_rank, worker.model_runner = 0, None
    return get_rollout_class("vllm")().zmq_handle, worker._get_zmq_handle()


def test_both_ends_agree_and_another_attempt_has_another(monkeypatch: pytest.MonkeyPatch) -> None:
    names = set()
    for attempt in ("a1b2c3d4e5f6", "0123456789ab"):
        monkeypatch.setenv(weight_socket.VARIABLE, attempt)
        actor, vllm = both_ends(monkeypatch)
        assert actor == vllm and attempt in actor
        assert len(actor.removeprefix("ipc://")) < 107, "the longest path of a Unix socket"
        names.add(actor)
    assert len(names) == 2


def test_under_a_verl_command_the_name_is_verls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(weight_socket.VARIABLE, raising=False)
    assert both_ends(monkeypatch) == (VERLS, VERLS)


def test_another_name_in_verl_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(weight_socket.VARIABLE, "a1")
    with pytest.raises(RuntimeError, match=r"verl is not 0\.9\.1"):
        weight_socket.of_this_attempt("ipc:///tmp/weights.sock")
