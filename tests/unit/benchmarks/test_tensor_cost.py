"""Peak memory and the bandwidth floor, against cases with known answers."""

import pytest
import torch

from benchmarks.measure import tensor_cost
from benchmarks.subjects import losses


def test_peak_counts_what_lives_at_once_not_what_was_allocated_in_all() -> None:
    megabyte = 2**20

    def in_turn() -> None:
        for _ in range(4):
            torch.empty(megabyte, dtype=torch.uint8)

    def together() -> None:
        torch.stack([torch.zeros(megabyte, dtype=torch.uint8) for _ in range(3)])

    assert tensor_cost.peak_bytes(in_turn, "cpu") == pytest.approx(megabyte, rel=0.01)
    assert tensor_cost.peak_bytes(together, "cpu") == pytest.approx(6 * megabyte, rel=0.01)


def test_floor_is_the_bytes_that_must_move_over_the_speed_of_a_copy() -> None:
    batch = losses.make_batch(2, 64, "cpu")
    given = ("log_prob", "old_log_prob", "advantages", "response_mask")
    bytes_in = sum(batch[name].nbytes for name in given)
    gradient = batch["log_prob"].nbytes
    assert bytes_in + gradient == 2 * 64 * tensor_cost.BYTES_PER_TOKEN
    # A copy of 1,000 bytes reads and writes each: 2,000 bytes, in 2 s at best.
    speed = tensor_cost.bandwidth([3.0, 2.0, 9.0], size=1000)
    assert speed == 1000.0
    assert tensor_cost.floor_seconds(128, speed) == pytest.approx((bytes_in + gradient) / 1000.0)


def test_copying_copies_that_many_bytes() -> None:
    copied = tensor_cost.copying("cpu", 4096)()
    assert copied.nbytes == 4096
