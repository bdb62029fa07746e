r"""SmolLM2-135M after a short supervised warm start: it answers additions in \boxed{}, and some of them rightly.

The model as it comes out of its package boxes nothing, so that its reward is 0 throughout and reinforcement learning
has nothing to learn from. Examples of the training half of boxed addition teach it the form, until a quarter or more
comes out right when it is checked, so that most is left to be learned from rewards. The chat template is the model's
own but for the system message that it puts in where there is none: that would be half of all tokens, in every pass.

    prompt      <|im_start|>user\n12+34=<|im_end|>\n<|im_start|>assistant\n      13 to 15 tokens
    completion  \boxed{46}<|im_end|>                                            7 to 9 tokens

The weights stay in float32, and need it: rounded to bfloat16, they lose most of what so few small steps taught
(`precision=bf16` begins at no reward).
"""

from __future__ import annotations

import os
import time
from typing import cast

import torch
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast

from recipes.common.files import new_folder, write_record
from recipes.inputs import arithmetic, smollm2, tiny_model
from recipes.inputs.cache import prepare
from recipes.inputs.saving import save, without_progress_bar

CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
CALIBRATION = 64  # training problems that are not trained on here: the stopping rule is measured on them
CHECK_EVERY = 4  # steps; in a trial four took it from .21 to .37


def build(
    path: str | os.PathLike[str],
    *,
    seed: int = 0,
    split_seed: int = 0,
    steps: int = 120,
    target_accuracy: float = 0.25,
    batch_size: int = 16,
    learning_rate: float = 3e-5,
) -> None:
    """Fine-tune SmolLM2 on the training half of boxed addition and write it, in float32, to the new folder `path`.

    Args:
        path: folder to create.
        seed: of the batches.
        split_seed: of the split of the problems; the `seed` of `recipes.inputs.arithmetic.build`.
        steps: the most optimiser steps to take.
        target_accuracy: expected at temperature 1 on training problems kept aside; training stops there.
        batch_size: examples per step.
        learning_rate: of AdamW, constant after a short warm-up.

    Raises:
        ModuleNotFoundError: the package with the model or the `gguf` reader is missing; says what to install.
        FileExistsError: `path` exists and is not empty.
        RuntimeError: the target was not reached within `steps`; nothing is written.
    """
    arguments = {name: value for name, value in locals().items() if name != "path"}
    start = time.perf_counter()
    base = prepare(f"{smollm2.__name__}.build", {})
    with new_folder(path) as folder, tiny_model.private_torch(seed):
        tokenizer = cast(PreTrainedTokenizerFast, AutoTokenizer.from_pretrained(base))
        tokenizer.chat_template = CHAT_TEMPLATE
        with without_progress_bar():
            model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
        train, held_out = arithmetic.problems(split_seed)
        examples = tiny_model.encode(tokenizer, train)
        taken, reached = tiny_model.pretrain(
            model, examples[CALIBRATION:], examples[:CALIBRATION], steps, target_accuracy, batch_size, learning_rate,
            seed, name="SmolLM2", check_every=CHECK_EVERY,
        )  # fmt: skip
        accuracy = tiny_model.expected_accuracy(model, tiny_model.encode(tokenizer, held_out[:CALIBRATION]))
        save(folder, model, tokenizer)
        record = {
            "target": f"{__name__}.build",
            "arguments": arguments,
            "base": base.name,
            "steps_taken": taken,
            "expected_accuracy_on_problems_kept_aside": round(reached, 4),
            "expected_accuracy_on_held_out_problems": round(accuracy, 4),
            "seconds": round(time.perf_counter() - start, 1),
            "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
        }
        write_record(folder, record)
