"""Attention in float32 within a model that computes in bfloat16.

Faster on AVX-512 BF16 (measured); assumed for other CPUs without AMX.
"""

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_NAME = "sdpa_in_float32"


def attend_in_float32(model: "PreTrainedModel") -> None:
    """Let a model that runs torch's attention run it in float32; one with its own attention is left as it is."""
    if model.config._attn_implementation == "sdpa":
        model.attention_in_float32 = _Registered()  # type: ignore[assignment]  # neither a tensor nor a module
        model.set_attn_implementation(_NAME)


class _Registered:
    """Registers the attention function with transformers, also in a process that unpickles the model."""

    def __init__(self) -> None:
        from transformers import AttentionInterface, AttentionMaskInterface
        from transformers.masking_utils import sdpa_mask

        AttentionInterface.register(_NAME, _in_float32)
        AttentionMaskInterface.register(_NAME, sdpa_mask)

    def __reduce__(self) -> tuple[type["_Registered"], tuple[()]]:
        return _Registered, ()


def _in_float32(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **more: Any
) -> tuple[Tensor, None]:
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    if attention_mask is not None and attention_mask.dtype != torch.bool:
        attention_mask = attention_mask.float()
    with torch.autocast(query.device.type, enabled=False):
        attended, _ = sdpa_attention_forward(module, query.float(), key.float(), value.float(), attention_mask, **more)
    return attended.to(value.dtype), None
