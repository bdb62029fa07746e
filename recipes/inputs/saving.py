"""Write a model and its tokenizer as a folder that others can load, and say nothing while at it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from transformers.utils import logging


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
    """`save_pretrained` for both, without its progress bar and with the permissions of ordinary new files.

    safetensors creates its file readable by the owner only, which a cache or a cluster's shared folder can't use.
    """
    with without_progress_bar():
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    umask = os.umask(0)
    os.umask(umask)
    for file in folder.iterdir():
        file.chmod(0o666 & ~umask)
