"""A backbone, its adapters and the cut, put together."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, cast

import torch

from radprompt.core.device import attends_in_bf16, computes_bf16, resolve_device
from radprompt.llm.attention import attend_in_float32
from radprompt.llm.backbone import load_backbone
from radprompt.llm.lora import add_adapters
from radprompt.llm.split import SplitModel, number_of_layers

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


class Assembled(NamedTuple):
    """The adapter around the model, the same model split, its tokenizer, and whether it computes in bf16."""

    adapter: "PeftModel"
    split: SplitModel
    tokenizer: "PreTrainedTokenizerBase"
    bf16: bool


def assemble(
    backbone: str | Path,
    *,
    layers: int | Literal["all"],
    rank: int,
    alpha: float,
    dropout: float,
    device: str,
    precision: Literal["auto", "bf16", "fp32"],
    seed: int,
) -> Assembled:
    """Load the backbone, add LoRA to its last ``layers`` layers (0: only the head learns) and cut it before them.

    An architecture that the cut makes another function of is an InputError (:meth:`SplitModel.check`).
    """
    place = resolve_device(device)
    bf16 = precision == "bf16" or (precision == "auto" and computes_bf16(place))
    torch.manual_seed(seed)
    model, tokenizer = load_backbone(backbone, bf16=bf16, device=place)
    if bf16 and not attends_in_bf16(place):
        attend_in_float32(model)
    count = number_of_layers(model)
    cut = 0 if layers == "all" else count - layers
    adapter = add_adapters(model, cut, rank=rank, alpha=alpha, dropout=dropout)
    split = SplitModel(cast("PreTrainedModel", adapter.get_base_model().to(place)), cut)
    with torch.autocast(place.type, torch.bfloat16, enabled=bf16):
        split.check(5e-2 if bf16 else 1e-4)
    return Assembled(adapter, split, tokenizer, bf16)
