"""A backbone, its adapters and the cut, put together."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, cast

import torch

from radprompt.core.device import attends_in_bf16, computes_bf16, resolve_device
from radprompt.llm.attention import attend_in_float32
from radprompt.llm.backbone import load_backbone
from radprompt.llm.lora import add_adapters
from radprompt.llm.split import CutError, SplitModel, layers_of

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
    depth: int | None = None,
) -> Assembled:
    """Load the backbone, add LoRA to its last ``layers`` layers (0: only the head learns) and cut it before them.

    ``depth``: number of layers to load, the first ones; None: all.

    An architecture that cannot be cut there runs whole, with the same adapters: slower, which a warning says.

    Raises
    ------
    InputError
        The model has no layers, head or linear layers to adapt, or does not run on text alone.
    """
    place = resolve_device(device)
    bf16 = precision == "bf16" or (precision == "auto" and computes_bf16(place))
    torch.manual_seed(seed)
    model, tokenizer = load_backbone(backbone, bf16=bf16, device=place, depth=depth)
    if bf16 and not attends_in_bf16(place):
        attend_in_float32(model)
    count = len(layers_of(model))
    cut = 0 if layers == "all" else count - layers
    adapter = add_adapters(model, cut, rank=rank, alpha=alpha, dropout=dropout)
    base = cast("PreTrainedModel", adapter.get_base_model().to(place))
    split = SplitModel(base, cut)
    tolerance = 5e-2 if bf16 else 1e-4
    with torch.autocast(place.type, torch.bfloat16, enabled=bf16):
        try:
            split.check(tolerance)
        except CutError as error:
            warnings.warn(f"{error.what}. Its frozen layers run again at each step: slower", stacklevel=2)
            split = SplitModel(base, 0)
            split.check(tolerance)
    return Assembled(adapter, split, tokenizer, bf16)
