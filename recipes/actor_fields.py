"""What of a batch goes to the actor: tensors.

verl sends it every field of every response, the messages, the verdicts and the data set's columns included, and makes
an object of each value: a quarter of the actor's time where models are small (docs/speed.md). It computes with none of
them but the inputs of multi-modal models.
"""

from dataclasses import replace

import transfer_queue as tq
from transfer_queue import KVBatchMeta

MULTI_MODAL = "multi_modal_inputs"


def narrowed(batch: KVBatchMeta) -> KVBatchMeta:
    """The same responses with those of their stored fields that are tensors, and no others."""
    stored = tq.get_client().kv_retrieve_meta(keys=batch.keys[:1], partition_id=batch.partition_id, create=False)
    wanted = [name for name, field in stored.field_schema.items() if not field["is_non_tensor"] or name == MULTI_MODAL]
    return replace(batch, fields=wanted)
