"""Write a model and its tokenizer as a folder that others can load, and say nothing while at it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from transformers.utils import logging

from recipes.common.files import finish


@contextmanager
def without_progress_bar() -> Iterator[None]:
    """Let transformers read and write weights in silence."""
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def save(folder: Path, model: Any, tokenizer: Any) -> None:
    """`save_pretrained` for both, without its progress bar and with the permissions of ordinary new files."""
    with without_progress_bar():
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    finish(folder, (folder / "config.json").stat().st_mode & 0o777)
