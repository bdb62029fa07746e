"""What share of a data sheet's numbers a run reaches: the fastest, the middle and the slowest that is planned.

CENTRE is calibrated on every second row of published.json, from the first, and judged on the others; BEST and WORST are
wide enough for both halves (docs/planning.md, "Against published step times").
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Efficiency:
    """How well the hardware is used.

    Attributes:
        training: share of the GPU's operations in the update, recomputation included.
        scoring: the same in the forward pass of the log-probs.
        decoding, prefill: share of its memory bandwidth while decoding; of its operations for prompts.
        token: seconds per decode step in which the GPU waits for the scheduler.
        link: share of the bandwidth between GPUs.
        wake: seconds per step in which vLLM goes to sleep and wakes.
        rest: seconds per step for rewards, advantages, data and logging.
        overlap: share of FSDP's communication that hides behind computation.
        cache: of the KV cache, between what memory.kv_tokens gives as least (0) and as most (1).
    """

    training: float
    scoring: float
    decoding: float
    prefill: float
    token: float
    link: float
    wake: float
    rest: float
    overlap: float
    cache: float


BEST = Efficiency(
    training=0.60,
    scoring=0.60,
    decoding=0.80,
    prefill=0.50,
    token=0.5e-3,
    link=0.7,
    wake=1.0,
    rest=2.0,
    overlap=1.0,
    cache=1.0,
)
CENTRE = Efficiency(
    training=0.37,
    scoring=0.26,
    decoding=0.53,
    prefill=0.35,
    token=10e-3,
    link=0.5,
    wake=3.0,
    rest=9.0,
    overlap=0.75,
    cache=0.5,
)
WORST = Efficiency(
    training=0.17,
    scoring=0.11,
    decoding=0.40,
    prefill=0.25,
    token=25e-3,
    link=0.3,
    wake=10.0,
    rest=40.0,
    overlap=0.5,
    cache=0.0,
)

# What the page says of each: title, how a value is shown, and why it is what it is.
_SHOWN = {
    "training": (
        "share of peak in the update, recomputation included",
        "{:.0%}",
        "fast: 45 % without recomputation, as PaLM (46 %, [2204.02311](https://arxiv.org/abs/2204.02311)) and Llama 3 "
        "(38–43 %, [2407.21783](https://arxiv.org/abs/2407.21783), table 4); central: fitted; slow: prime-rl's lowest",
    ),
    "scoring": ("share of peak in old log-probs", "{:.0%}", "fast: as the update; central: fitted; slow: a guess"),
    "decoding": ("share of bandwidth in decoding", "{:.0%}", "central: fitted; ends: a guess"),
    "prefill": ("share of peak for prompts", "{:.0%}", "a guess"),
    "token": (
        "overhead of a decode step, seconds",
        "{:g}",
        "central: fitted, on engines of 2025; fast: CUDA graphs; slow: vLLM 0.6",
    ),
    "link": ("share of link bandwidth", "{:.0%}", "a guess"),
    "overlap": ("communication hidden behind computation", "{:.0%}", "a guess"),
    "wake": ("vLLM sleeps and wakes, seconds per step", "{:g}", "a guess"),
    "rest": ("rewards and the rest, seconds per step", "{:g}", "central: fitted; ends: a guess"),
}


def table() -> list[str]:
    """Lines of Markdown: fast, central and slow, and why."""
    columns = (BEST, CENTRE, WORST)
    return [
        f"| {title} | " + " | ".join(form.format(getattr(one, name)) for one in columns) + f" | {why} |"
        for name, (title, form, why) in _SHOWN.items()
    ]
