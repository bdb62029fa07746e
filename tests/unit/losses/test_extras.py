"""What is handed to a loss beyond verl's arguments is there for one with block and nothing else."""

import threading

import pytest
import torch

from losses import extras
from losses.extras import NONE, Extras, current, provided


def test_nothing_is_available_outside_a_with_block():
    assert current() is NONE
    with provided(Extras(entropy=torch.ones(1, 1))):
        assert current().entropy is not None
    assert current() is NONE


def test_blocks_nest_and_restore_what_was_there_even_after_an_error():
    outer, inner = Extras(correct_share=torch.tensor(0.25)), Extras(correct_share=torch.tensor(0.5))
    with provided(outer):
        with pytest.raises(KeyError), provided(inner):
            assert current() is inner
            raise KeyError
        assert current() is outer
    assert current() is NONE


def test_another_thread_sees_nothing_of_it():
    seen = []
    with provided(Extras(correct_share=torch.tensor(0.25))):
        thread = threading.Thread(target=lambda: seen.append(current()))
        thread.start()
        thread.join()
    assert seen == [NONE]


@pytest.mark.parametrize("name", [extras.ENTROPY, extras.CORRECT, extras.CORRECT_SHARE, extras.STATISTICS])
def test_a_missing_field_is_refused_with_the_cure(name):
    with pytest.raises(
        RuntimeError, match=r"policy_loss=some_method needs .*python -m recipes\.train.*trainer_mode=rlvr"
    ):
        Extras().need(name, "some_method")
    there = torch.zeros(1)
    assert Extras(**{name: there}).need(name, "some_method") is there
