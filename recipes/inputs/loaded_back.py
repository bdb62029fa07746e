"""Would a folder of weights load as the model that it says it is?"""

from pathlib import Path
from typing import Any

from recipes.inputs import model_folder


def flaw(folder: Path) -> str:
    """What is wrong with a Hugging Face folder; empty if nothing is.

    The model is built without memory (on torch's meta device) and every name and shape of the files is held against it.
    transformers itself fills what is missing with random numbers, says so in a warning, and goes on. A model that needs
    code of its own is not looked at.
    """
    import transformers
    from transformers.utils import logging

    from recipes.inputs.saving import without_progress_bar  # imports transformers

    config = model_folder.architecture(str(folder))
    if "auto_map" in config:
        return ""
    names = config.get("architectures") or ["AutoModelForCausalLM"]
    kind: Any = getattr(transformers, str(names[0]), transformers.AutoModelForCausalLM)
    verbosity = logging.get_verbosity()
    logging.set_verbosity(logging.CRITICAL)
    try:
        with without_progress_bar():
            _, found = kind.from_pretrained(folder, device_map="meta", output_loading_info=True, local_files_only=True)
    except Exception as error:  # whatever a damaged file makes safetensors and transformers raise
        return f"{type(error).__name__}: {error}"
    finally:
        logging.set_verbosity(verbosity)
    wrong = {kind: sorted(map(str, found[f"{kind}_keys"])) for kind in ("missing", "unexpected")}
    return "; ".join(f"{len(keys)} {kind} weights, {keys[0]} for one" for kind, keys in wrong.items() if keys)
