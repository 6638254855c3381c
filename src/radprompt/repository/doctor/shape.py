"""Arithmetic of a LLaMA-like model: weights and memory from its shape alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from radprompt.llm.backbone import weights_gb

STATE_BYTES = 4 + 4 + 8 + 4
"""Of each weight that learns: itself, its gradient, AdamW's two moments, and the best epoch's copy, all float32."""


@dataclass(frozen=True)
class Shape:
    """Widths and depth of a decoder with gated feed-forward layers (LLaMA, Mistral, Qwen, SmolLM2)."""

    hidden: int
    intermediate: int
    layers: int
    heads: int
    key_value_heads: int
    head_width: int
    vocabulary: int

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> "Shape | None":
        """Return the shape that a ``config.json`` describes; None where it is another kind of model."""
        try:
            hidden, heads = int(config["hidden_size"]), int(config["num_attention_heads"])
            return cls(
                hidden,
                int(config["intermediate_size"]),
                int(config["num_hidden_layers"]),
                heads,
                int(config.get("num_key_value_heads") or heads),
                int(config.get("head_dim") or hidden // heads),
                int(config["vocab_size"]),
            )
        except (KeyError, TypeError, ValueError, ZeroDivisionError):
            return None

    @property
    def linear_of_a_layer(self) -> int:
        """Weights of one layer's seven matrices."""
        return sum(inputs * outputs for inputs, outputs in self._matrices())

    @property
    def linear(self) -> int:
        """Weights of all linear layers but the head: what a quantisation shrinks and a prompt passes through."""
        return self.layers * self.linear_of_a_layer

    @property
    def other(self) -> int:
        """Weights of embeddings, norms and the one-logit head."""
        return self.vocabulary * self.hidden + (2 * self.layers + 1) * self.hidden + self.hidden

    def lora(self, rank: int, layers: int) -> int:
        """Return the weights of adapters on every matrix of so many layers."""
        return layers * rank * sum(inputs + outputs for inputs, outputs in self._matrices())

    def weights_gb(self, quantisation: str, *, bf16: bool) -> float:
        """Return what the loaded model takes, GB."""
        return weights_gb(self.linear, self.other, quantisation, 2 if bf16 else 4)

    def state_gb(self, rank: int, layers: int) -> float:
        """Return what the adapters, their gradients and the optimiser take, GB."""
        return (self.lora(rank, layers) + self.hidden) * STATE_BYTES / 1e9

    def activation_gb(self, tokens: int, rank: int, layers: int, *, bf16: bool) -> float:
        """Return what one step keeps for its backward pass, GB, of all tokens of its batch.

        Bytes a token and layer were counted with saved-tensor hooks on small LLaMAs with LoRA on every matrix
        (transformers 5.23, peft 0.21, torch 2.13): 26.1 a hidden unit, 8 an intermediate one and 14.3 a rank under bf16
        autocast; 32, 16 and 28 in float32. No gradient checkpointing. Not counted: where attention alone is in float32
        (:mod:`radprompt.llm.attention`), its queries, keys and values are twice as wide.
        """
        wide, inner, low = (26.1, 8.0, 14.3) if bf16 else (32.0, 16.0, 28.0)
        return tokens * layers * (wide * self.hidden + inner * self.intermediate + low * rank) / 1e9

    def _matrices(self) -> list[tuple[int, int]]:
        queries, keys = self.heads * self.head_width, self.key_value_heads * self.head_width
        attention = [(self.hidden, queries), (self.hidden, keys), (self.hidden, keys), (queries, self.hidden)]
        return [
            *attention,
            (self.hidden, self.intermediate),
            (self.hidden, self.intermediate),
            (self.intermediate, self.hidden),
        ]


SMOLLM2 = Shape(576, 1536, 30, 9, 3, 64, 49152)
LLAMA2_7B = Shape(4096, 11008, 32, 32, 32, 128, 32000)
