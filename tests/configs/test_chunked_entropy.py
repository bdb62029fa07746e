"""Why GPU presets don't let verl compile the entropy that is cut into chunks."""

import torch
from torch._dynamo.testing import CompileCounter
from verl.utils.torch_functional import entropy_from_logits, entropy_from_logits_with_chunking

from recipes.config.compose import compose, resolved

LENGTHS = (70, 90, 110, 130, 150)  # tokens; all of them more than one chunk


def compilations(function, **options) -> int:
    torch._dynamo.reset()
    counter = CompileCounter()
    compiled = torch.compile(function, dynamic=True, backend=counter)
    for length in LENGTHS:
        compiled(torch.zeros(length, 8), **options)
    return counter.frame_count


def test_chunks_are_compiled_anew_for_every_length() -> None:
    """Until this fails, with a verl that cuts otherwise; the presets can then compile again."""
    assert compilations(entropy_from_logits_with_chunking, chunk_size=32) == len(LENGTHS)
    assert compilations(entropy_from_logits) == 1


def test_gpu_presets_cut_it_and_do_not_compile_it() -> None:
    actor = resolved(compose(["experiment=dgpo/7b_dgpo", "hardware=8x80gb"])).actor_rollout_ref.actor
    assert actor.entropy_from_logits_with_chunking and not actor.fsdp_config.use_torch_compile
    assert actor.use_torch_compile  # of other things
