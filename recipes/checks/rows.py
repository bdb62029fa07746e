"""What verl will keep of the data, and whether what it keeps can be trained on.

verl drops a prompt that the model's chat template refuses or that is too long, without a word; a row that the reward
can't read ends the training in a worker. So the rows are looked at as verl looks at them. All of a small file; of a
large one a sample, and every prompt whose length in bytes leaves it open whether it is too long.
"""

import random
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
from omegaconf import DictConfig, OmegaConf
from rich import box
from rich.markup import escape
from rich.table import Table

from recipes.checks import golds
from recipes.common.errors import UserError
from recipes.inputs import data_files
from recipes.inputs.tokenizer import load_tokenizer

if TYPE_CHECKING:
    from datasets import Dataset

SAMPLE = 2000  # rows that are looked at closely
MOST_MEASURED = 20_000  # further prompts that are tokenised since they may be too long
NO_MESSAGES = "no list of {role, content}"


@dataclass
class Rows:
    """What verl keeps of the files of one key.

    Attributes:
        key: data.train_files or data.val_files.
        given: rows in the files, or data.train_max_samples of them.
        dropped: why → how many.
        exact: whether every row that may be dropped was looked at; else `dropped` is reckoned from a sample.
        lengths: tokens of the prompts that were measured and are kept.
        example: why → the first such row and what it says.
    """

    key: str
    given: int
    dropped: Counter[str] = field(default_factory=Counter)
    exact: bool = True
    lengths: list[int] = field(default_factory=list)
    example: dict[str, tuple[int, str]] = field(default_factory=dict)

    @property
    def left(self) -> int:
        """Rows that are trained on."""
        return self.given - sum(self.dropped.values())

    def reasons(self) -> str:
        """In words, most frequent first, each with its first row."""
        about = "" if self.exact else "about "
        return "; ".join(
            f"{about}{count:,} {why} (row {self.example[why][0]}: {self.example[why][1][:150]})"
            for why, count in self.dropped.most_common()
        )


def table(found: list[Rows]) -> Table:
    """What verl keeps of the files, for a person."""
    shown = Table("rows", "given", "dropped", "left", "tokens of a prompt", box=box.SIMPLE)
    shown.columns[0].no_wrap = True
    for one in found:
        about = "" if one.exact else "about "
        low, middle, high = (f(one.lengths) if one.lengths else 0 for f in (min, median, max))
        counts = f"{one.given:,}", escape(one.reasons()) or "0", f"{about}{one.left:,}"
        shown.add_row(one.key, *counts, f"{low} to {high}, median {middle:.0f}" if one.lengths else "-")
    return shown


def examine(config: DictConfig, key: str, limit: int) -> Rows:
    """Load the files of `key` and look at their rows.

    Args:
        config: resolved and checked.
        key: data.train_files or data.val_files.
        limit: as data.train_max_samples.

    Raises:
        UserError: a row that verl keeps and that can't be scored or generated from.
    """
    data = config.data
    prompt = str(data.get("prompt_key", "prompt"))
    loaded = _chosen(data_files.load(key, OmegaConf.select(config, key), prompt), data, limit)
    found = Rows(key, len(loaded))
    if not found.given:
        return found
    golds.check(config, key, loaded, _sample(found.given))
    _measure(config, found, loaded, prompt)
    return found


def _chosen(loaded: "Dataset", data: DictConfig, limit: int) -> "Dataset":
    """The rows that verl takes of more than `limit` (verl/utils/dataset/rl_dataset.py)."""
    if not 0 < limit < len(loaded):
        return loaded
    if not data.get("shuffle"):
        return loaded.select(range(limit))
    seed = data.get("seed")
    chosen = np.random.default_rng(*(() if seed is None else (seed,))).choice(len(loaded), size=limit, replace=False)
    return loaded.select(chosen.tolist())


def _sample(count: int) -> list[int]:
    """Rows to look at: all, or as many as SAMPLE, the first and the last among them."""
    if count <= SAMPLE:
        return list(range(count))
    return sorted({0, count - 1, *random.Random(0).sample(range(count), SAMPLE)})


def _measure(config: DictConfig, found: Rows, loaded: "Dataset", prompt: str) -> None:
    """Count what verl drops."""
    length = prompt_length(config)
    most, drops = config.data.max_prompt_length, bool(config.data.get("filter_overlong_prompts", True))
    sampled = _sample(found.given)
    kept: dict[int, int] = {}
    for number, messages in zip(sampled, loaded.select(sampled)[prompt], strict=True):
        _look(found, number, messages, length, most, kept)
    found.exact = len(sampled) == found.given
    if not found.exact and not set(found.dropped) - {_too_long(most)}:
        found.exact = _measure_the_long(found, loaded, prompt, length, most, kept, set(sampled))
    elif not found.exact:
        scale = found.given / len(sampled)
        found.dropped = Counter({why: round(count * scale) for why, count in found.dropped.items()})
    found.lengths = list(kept.values())
    if found.dropped and not drops:
        raise UserError(
            f"{found.key}: {found.reasons()}, and data.filter_overlong_prompts=false keeps them, which ends the run "
            "when their turn comes. Write data.filter_overlong_prompts=true, or mend the rows."
        )


def _too_long(most: int) -> str:
    return f"are longer than data.max_prompt_length={most}"


def _look(
    found: Rows, number: int, messages: Any, length: Callable[[Any], int], most: int, kept: dict[int, int]
) -> None:
    why, said = "", ""
    if not is_chat(messages):
        why, said = f"are {NO_MESSAGES}", repr(messages)
    else:
        try:
            kept[number] = tokens = length(messages)
        except Exception as error:  # a template raises anything; verl drops the row whatever it is
            why, said = "are refused by the chat template", f"{type(error).__name__}: {error}"
        else:
            if tokens > most:
                why, said = _too_long(most), f"{kept.pop(number)} tokens"
    if why:
        found.dropped[why] += 1
        found.example.setdefault(why, (number, said))


def _measure_the_long(
    found: Rows,
    loaded: "Dataset",
    prompt: str,
    length: Callable[[Any], int],
    most: int,
    kept: dict[int, int],
    seen: set[int],
) -> bool:
    """Tokenise the prompts that may be too long: a token takes a byte or more. Returns whether those are all."""
    sizes = content_bytes(loaded, prompt)
    if sizes is None:
        return False
    # What the template adds, and a byte more in case the tokenizer begins every text with a space.
    around = max([1, *(tokens - int(sizes[number]) for number, tokens in kept.items())]) + 1
    open_ones = [int(number) for number in np.flatnonzero(sizes + around > most) if int(number) not in seen]
    measured = open_ones[:MOST_MEASURED]
    for number, messages in zip(measured, loaded.select(measured)[prompt], strict=True):
        _look(found, number, messages, length, most, kept)
    if len(measured) < len(open_ones):
        scale = len(open_ones) / len(measured)
        found.dropped = Counter({why: round(count * scale) for why, count in found.dropped.items()})
    return len(measured) == len(open_ones)


def content_bytes(loaded: "Dataset", prompt: str) -> "np.ndarray | None":
    """Bytes of all contents of each row's messages; None where the column is no list of messages with text."""
    import pyarrow
    from pyarrow import compute

    sizes = []
    for batch in loaded.with_format("arrow").select_columns([prompt]).iter(100_000):
        column = batch.column(0).combine_chunks()
        kind = column.type
        if not (pyarrow.types.is_list(kind) or pyarrow.types.is_large_list(kind)):
            return None
        messages = column.flatten()
        if not pyarrow.types.is_struct(messages.type) or messages.type.get_field_index("content") < 0:
            return None
        content = compute.struct_field(messages, "content")
        if not (pyarrow.types.is_string(content.type) or pyarrow.types.is_large_string(content.type)):
            return None
        each = np.asarray(compute.fill_null(compute.binary_length(content), 0))
        rows = np.asarray(compute.list_parent_indices(column))
        sizes.append(np.bincount(rows, weights=each, minlength=len(column)).astype(np.int64))
    return np.concatenate(sizes)


def is_chat(messages: Any) -> bool:
    """Whether these are messages as every chat template takes them."""
    return (
        isinstance(messages, list)
        and bool(messages)
        and all(isinstance(one, Mapping) and one.get("role") and one.get("content") is not None for one in messages)
    )


def prompt_length(config: DictConfig) -> Callable[[Any], int]:
    """Messages → tokens of the prompt, as verl counts them; raises what the template raises."""
    model, data = config.actor_rollout_ref.model, config.data
    tokenizer = load_tokenizer(model)
    tokenizer.model_max_length = sys.maxsize  # it would warn of each prompt that is dropped here
    if model.get("custom_chat_template"):
        tokenizer.chat_template = model.custom_chat_template
    given: Any = OmegaConf.to_container(data.get("apply_chat_template_kwargs") or OmegaConf.create())
    options = {str(key): value for key, value in given.items() if key not in ("tokenize", "return_dict")}
    if schemas := _tool_schemas(config):
        options["tools"] = schemas

    def length(messages: Any) -> int:
        tokens = tokenizer.apply_chat_template(
            messages, add_generation_prompt=True, tokenize=True, return_dict=False, **options
        )
        return len(tokens)

    return length


def _tool_schemas(config: DictConfig) -> list[Any]:
    data = config.data
    paths = {"tool_config_path": data.get("tool_config_path"), "function_tool_path": data.get("function_tool_path")}
    if not any(paths.values()):
        return []
    from verl.tools.tool_registry import load_all_tools

    try:
        tools = load_all_tools(**paths)
    except Exception as error:  # a user's module raises anything; verl would go on without the tools
        raise UserError(
            f"data.tool_config_path={paths['tool_config_path']} data.function_tool_path={paths['function_tool_path']}: "
            f"the tools do not load ({type(error).__name__}: {error}). Write the path of a file that does, or null."
        ) from error
    return [tool.tool_schema.model_dump(exclude_unset=True, exclude_none=True) for tool in tools]
