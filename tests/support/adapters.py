"""A small model with an adapter, split as verl splits it; as a program, one of two ranks that merge it together.

python adapters.py RANK FOLDER: joins the other rank, and as the first writes what it has taken to FOLDER/merged.pt.
"""

import sys
from pathlib import Path
from types import SimpleNamespace

import torch
import torch.distributed as dist
from peft import LoraConfig, get_peft_model
from torch.distributed.fsdp import fully_shard
from transformers import Qwen2Config, Qwen2ForCausalLM

RANK, ALPHA = 4, 12  # of the adapter
SIZES = {
    "vocab_size": 31,
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "tie_word_embeddings": False,
}


def whole(modules: str | list[str] = "all-linear") -> torch.nn.Module:
    """peft's model, the same every time; B is not zero, as it would be before the first update."""
    torch.manual_seed(0)
    settings = LoraConfig(task_type="CAUSAL_LM", r=RANK, lora_alpha=ALPHA, target_modules=modules)
    model = get_peft_model(Qwen2ForCausalLM(Qwen2Config(**SIZES)), settings)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    return model


def engine_with(modules: str | list[str] = "all-linear") -> SimpleNamespace:
    """As verl's engine has it: each decoder layer and then the whole under FSDP2, over all ranks there are."""
    model, mesh = whole(modules), dist.init_device_mesh("cpu", (dist.get_world_size(),))
    for layer in model.base_model.model.model.layers:
        fully_shard(layer, mesh=mesh)
    return SimpleNamespace(module=fully_shard(model, mesh=mesh), is_param_offload_enabled=False)


def main(rank: int, folder: Path) -> None:
    from recipes.plugin import adapter

    dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=2)
    engine = engine_with()
    taken = dict(adapter.merged_weights(engine))
    kept = {name: weight.full_tensor() for name, weight in engine.module.state_dict().items()}
    if rank == 0:
        torch.save({"merged": taken, "kept": kept}, folder / "merged.pt")
    dist.destroy_process_group()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
