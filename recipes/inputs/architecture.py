"""What a dense decoder (Qwen2, Qwen3, Llama) weighs and costs, from the numbers in its config.json."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from recipes.common.errors import UserError
from recipes.common.files import read_mapping
from recipes.inputs import model_folder

_FILE = Path(__file__).with_name("models.json")
# model_type → whether q, k and v have biases, and whether every head's q and k are normalised
_TYPES = {"qwen2": (True, False), "qwen3": (False, True), "llama": (False, False)}


@dataclass(frozen=True)
class Architecture:
    """A decoder with grouped-query attention, SwiGLU and RMSNorm.

    Attributes:
        hidden, layers, heads, kv_heads, head_dim, intermediate, vocab: sizes.
        tied: whether the embedding is also the output layer.
        bias: whether q, k and v have one.
        head_norm: whether every head's q and k go through an RMSNorm.
    """

    hidden: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    intermediate: int
    vocab: int
    tied: bool
    bias: bool
    head_norm: bool

    @property
    def query(self) -> int:
        """Width of all query heads."""
        return self.heads * self.head_dim

    @property
    def key_value(self) -> int:
        """Width of all key heads; of all value heads as well."""
        return self.kv_heads * self.head_dim

    @property
    def embedding(self) -> int:
        """Parameters of the embedding; of the output layer as well."""
        return self.vocab * self.hidden

    @property
    def layer_matrices(self) -> int:
        """Parameters of a layer that multiply every token: q, k, v, o, gate, up, down."""
        attention = self.hidden * (2 * self.query + 2 * self.key_value)
        return attention + 3 * self.hidden * self.intermediate

    @property
    def layer_parameters(self) -> int:
        """All parameters of a layer: the matrices, the biases, two norms, and those of the heads."""
        biases = (self.query + 2 * self.key_value) * self.bias
        return self.layer_matrices + biases + 2 * self.hidden + 2 * self.head_dim * self.head_norm

    @property
    def parameters(self) -> int:
        """All parameters, tied ones once."""
        return self.layers * self.layer_parameters + self.hidden + self.embedding * (1 if self.tied else 2)

    def adapter(self, rank: int) -> int:
        """Parameters of LoRA's A (rank × in) and B (out × rank) beside every matrix of every layer; 0 for rank 0."""
        attention = 2 * (self.hidden + self.query) + 2 * (self.hidden + self.key_value)
        return self.layers * rank * (attention + 3 * (self.hidden + self.intermediate))

    def trained(self, rank: int) -> int:
        """Parameters that have gradients and moments: an adapter's, or all without one."""
        return self.adapter(rank) or self.parameters

    @property
    def matrices(self) -> int:
        """Parameters that multiply every token. An embedding is looked up: only the output layer counts."""
        return self.layers * self.layer_matrices + self.embedding

    @property
    def key_value_width(self) -> int:
        """Numbers in the KV cache per token, all layers."""
        return 2 * self.layers * self.key_value

    def forward_flops(self, tokens: float, squares: float) -> float:
        """Operations of one forward pass: two per matrix parameter and token, and causal attention.

        Attention is two matrix products (QKᵀ and PV) over half the square: 2·s²·width per layer (Kaplan et al., arXiv
        2001.08361, section 2.1; FlashAttention counts the same half for causal masks).

        Args:
            tokens: of all sequences.
            squares: sum of their squared lengths.
        """
        return 2 * self.matrices * tokens + 2 * squares * self.query * self.layers


def from_config_json(facts: Mapping[str, Any], where: str) -> Architecture:
    """From a Hugging Face config.

    Raises:
        UserError: not an architecture whose formulas are known here.
    """
    kind = facts.get("model_type")
    if kind not in _TYPES:
        raise UserError(
            f"{where}: model_type={kind} can't be planned; the formulas are those of {', '.join(_TYPES)}. Write "
            f"{model_folder.KEY}=<a model of these types>."
        )
    bias, head_norm = _TYPES[kind]
    try:
        heads = facts["num_attention_heads"]
        return Architecture(
            hidden=facts["hidden_size"],
            layers=facts["num_hidden_layers"],
            heads=heads,
            kv_heads=facts.get("num_key_value_heads") or heads,
            head_dim=facts.get("head_dim") or facts["hidden_size"] // heads,
            intermediate=facts["intermediate_size"],
            vocab=facts["vocab_size"],
            tied=facts.get("tie_word_embeddings", False),
            bias=facts.get("attention_bias", bias),
            head_norm=head_norm,
        )
    except KeyError as error:
        raise UserError(f"{where}: config.json lacks {error}. Write {model_folder.KEY}=<a complete model>.") from error


def known() -> dict[str, dict[str, Any]]:
    """Facts of the models that need no download, by hub id."""
    return json.loads(_FILE.read_text())["models"]


def of(config: DictConfig) -> Architecture:
    """The architecture of the model that a composed config names.

    Raises:
        UserError: nothing is known of it here, or it is of another kind.
    """
    return from_config_json(facts_of(config), config.actor_rollout_ref.model.path)


def facts_of(config: DictConfig) -> dict[str, Any]:
    """config.json of the model that a composed config names, or a part of it. Downloads nothing.

    It is read from the project's own data, a folder's config.json, or that of a model in the Hugging Face cache.

    Raises:
        UserError: it is in none of them.
    """
    path = config.actor_rollout_ref.model.path
    if path in known():
        return known()[path]
    file = model_folder.file_here(path, "config.json")
    if file is not None:
        try:
            return read_mapping(file)
        except ValueError as error:
            raise UserError(f"{file} is damaged ({error}). Write the path of a complete checkpoint folder.") from error
    built = config.get("prepare", {}).get("model", {}).get("_target_")
    names = json.loads(_FILE.read_text())["prepared"]
    if built in names:
        return known()[names[built]]
    raise UserError(
        f"{model_folder.KEY}={path}: no config.json there or in the Hugging Face cache, and not one of "
        f"{', '.join(known())}. Write the path of a folder that holds the model's config.json (its weights are not "
        "needed), or download that file first."
    )
