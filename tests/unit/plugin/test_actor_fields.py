"""The actor gets the tensors of a batch, and the inputs of multi-modal models."""

from types import SimpleNamespace
from typing import Any

import pytest
from transfer_queue import KVBatchMeta

from recipes.plugin import actor_worker

SCHEMA = {name: {"is_non_tensor": False} for name in ("input_ids", "advantages", "rm_scores")} | {
    name: {"is_non_tensor": True} for name in ("raw_prompt", "extra_fields", "multi_modal_inputs")
}


@pytest.fixture(autouse=True)
def _queue(monkeypatch: pytest.MonkeyPatch) -> None:
    def kv_retrieve_meta(keys: list[str], partition_id: str, create: bool) -> Any:
        assert (keys, partition_id, create) == (["a"], "train", False)
        return SimpleNamespace(field_schema=SCHEMA)

    client = SimpleNamespace(kv_retrieve_meta=kv_retrieve_meta)
    monkeypatch.setattr(actor_worker.tq, "get_client", lambda: client)


# Whatever an earlier narrowing left: the advantages came after it.
@pytest.mark.parametrize("fields", [None, list(SCHEMA), ["input_ids", "raw_prompt"]])
def test_tensors_stay(fields: list[str] | None) -> None:
    batch = KVBatchMeta(keys=["a", "b"], tags=[{}, {}], partition_id="train", fields=fields, extra_info={"t": 1})
    found = actor_worker.narrowed(batch)
    assert set(found.fields or []) == {"input_ids", "advantages", "rm_scores", "multi_modal_inputs"}
    assert (found.keys, found.tags, found.extra_info) == (batch.keys, batch.tags, batch.extra_info)
    assert batch.fields == fields
