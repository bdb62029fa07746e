"""Log-probs without flash-attn's kernel: against float64, and against verl's own loop over the tokens."""

import pytest
import torch
from verl.utils import torch_functional

from recipes.plugin import log_probs


@pytest.fixture
def case():
    torch.manual_seed(0)
    return torch.randn(50, 300, dtype=torch.float64) * 4, torch.randint(0, 300, (50,)), torch.randn(50)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 1e-5)])
def test_values_and_gradients_are_those_of_float64(case, dtype, tolerance, monkeypatch) -> None:
    monkeypatch.setattr(log_probs, "ROWS", 16)  # several chunks, the last one shorter
    exact, labels, upstream = case
    logits = exact.to(dtype).requires_grad_()
    exact = logits.detach().double().requires_grad_()
    wanted = exact.log_softmax(-1).gather(-1, labels[:, None])[:, 0]
    (wanted * upstream).sum().backward()
    found = log_probs.log_probs(logits, labels)
    (found * upstream).sum().backward()
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.double(), wanted, atol=tolerance, rtol=0)
    torch.testing.assert_close(logits.grad, exact.grad.to(dtype), atol=tolerance, rtol=2**-7)


def test_verl_calls_it_where_flash_attn_is_missing(case, monkeypatch) -> None:
    monkeypatch.setattr(torch_functional, "FLAH_ATTN_CROSS_ENTROPY_LOSS_AVAILABLE", False)
    assert torch_functional.logprobs_from_logits_v2 is log_probs.log_probs, "recipes.plugin.register activates it"
    logits, labels, _ = case
    logits = logits.float()
    found = torch_functional.logprobs_from_logits(logits, labels)
    torch.testing.assert_close(found, torch_functional.logprobs_from_logits_naive(logits, labels), atol=1e-5, rtol=0)


def test_sequences_side_by_side() -> None:
    logits, labels = torch.randn(3, 7, 11), torch.randint(0, 11, (3, 7))
    found = log_probs.log_probs(logits, labels)
    assert found.shape == (3, 7)
    torch.testing.assert_close(found, logits.log_softmax(-1).gather(-1, labels[..., None])[..., 0])


def test_nothing_of_the_size_of_the_logits_is_kept() -> None:
    """Between the passes verl's loop keeps a softmax in float32."""
    logits, labels = torch.randn(64, 1000, requires_grad=True), torch.randint(0, 1000, (64,))
    kept: list[int] = []
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: kept.append(tensor.data_ptr()) or tensor, lambda x: x):
        log_probs.log_probs(logits, labels)
    assert logits.data_ptr() in kept and len(kept) == 3  # logits themselves, labels, a number per token
