"""A backbone that only reads: no head, no adapters, on request only its first layers."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from radprompt.llm.backbone import _locate, _tokenizer, shallow_config

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

LARGE = 1_000_000_000
"""Weights from which :func:`load_frozen` holds bfloat16: half the memory, and three digits of a state suffice."""


def load_frozen(
    folder: str | Path, *, depth: int | None = None, causal: bool = False
) -> tuple["PreTrainedModel", "PreTrainedTokenizerBase"]:
    """Return a backbone for reading only, on the CPU, and its tokenizer.

    Parameters
    ----------
    folder
        Folder that :func:`~radprompt.llm.backbone.write_backbone` filled, or ``smollm2``.
    depth
        Number of layers to load, the first ones; None: all. LLaMA2-7B takes 13.5 GB in bfloat16, half its layers 6.8.
    causal
        Whether the model predicts tokens, or only has states.

    Raises
    ------
    InputError
        If there is no backbone, or it has fewer layers.
    """
    import torch
    from transformers import AutoModel, AutoModelForCausalLM
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    place, revision, _ = _locate(folder)
    config = shallow_config(place, revision, depth)
    kind = AutoModelForCausalLM if causal else AutoModel
    with torch.device("meta"):
        weights = sum(parameter.numel() for parameter in kind.from_config(config).parameters())
    dtype = torch.bfloat16 if weights >= LARGE else torch.float32
    model = kind.from_pretrained(place, revision=revision, config=config, dtype=dtype)
    model.config.use_cache = False
    return model.eval(), _tokenizer(place, revision)


def depth_of(folder: str | Path) -> int:
    """Return the number of a backbone's layers."""
    from transformers import AutoConfig

    place, revision, _ = _locate(folder)
    return AutoConfig.from_pretrained(place, revision=revision).num_hidden_layers


def read_beginning(model: Any, tokens: "torch.Tensor") -> Any:
    """Return keys and values of the tokens with which several prompts begin; None where the model hands out none."""
    from transformers import DynamicCache

    known = getattr(model(tokens, use_cache=True), "past_key_values", None)
    return known if isinstance(known, DynamicCache) else None
