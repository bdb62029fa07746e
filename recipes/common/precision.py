"""`precision=`: what a forward pass, the old log-probs and vLLM compute in. Weights and sums stay in float32."""

NAMES = {"bf16": "bfloat16", "fp16": "float16", "fp32": "float32"}  # as torch, verl and vLLM all know them
_OTHERS = {"half": "float16", "float": "float32"}


def dtype(choice: str) -> str:
    """torch's name of a choice, or of a spelling of verl's; an unknown one comes back for recipes.checks to refuse."""
    return NAMES.get(choice) or _OTHERS.get(choice, str(choice))
