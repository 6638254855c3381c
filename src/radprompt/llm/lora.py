"""Low-rank adapters on the layers that learn (Hu et al. 2021; paper: rank 16 on all linear layers)."""

import warnings
from typing import TYPE_CHECKING

from torch import nn
from transformers.pytorch_utils import Conv1D

from radprompt.core.errors import InputError
from radprompt.llm.head import PreciseLinear
from radprompt.llm.split import head_name, layers_of

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel


def add_adapters(model: "PreTrainedModel", first_layer: int, *, rank: int, alpha: float, dropout: float) -> "PeftModel":
    """Wrap the classifier by peft: LoRA on every linear layer from ``first_layer`` on, and a head that learns.

    Everything else is frozen. With ``first_layer`` past the last one only the head learns. The result is a standard
    peft adapter: ``PeftModel.from_pretrained`` reads what its ``save_pretrained`` writes.
    """
    from peft import LoraConfig, PeftModel, TaskType, get_peft_model
    from peft.utils.constants import DUMMY_TARGET_MODULES

    from radprompt.llm.added_linear import AddedLinear

    head = getattr(model, head_name(model))
    if type(head) is nn.Linear:
        setattr(model, head_name(model), PreciseLinear.of(head))
    count = len(layers_of(model))
    some = first_layer < count
    several = model.config.get_text_config() is not model.config  # a model of images has layers of the same names
    targets = _linear_names(model)
    if several:
        targets = _linear_paths(model, first_layer)
    if some and not targets:
        raise InputError(
            f"{type(model).__name__} has no linear layer for adapters",
            where="llm.backbone.source",
            fix="set llm.tuning: head, or use a decoder such as LLaMA, Mistral or Qwen",
        )
    config = LoraConfig(
        task_type=TaskType.SEQ_CLS,
        r=rank,
        lora_alpha=alpha,  # type: ignore[arg-type]
        lora_dropout=dropout,
        target_modules=targets if some else DUMMY_TARGET_MODULES,
        layers_to_transform=list(range(first_layer, count)) if some and not several else None,
        modules_to_save=[head_name(model)],
    )
    with warnings.catch_warnings():
        # peft 0.21 asks transformers 5.23 a question under its old name; the answer is right.
        warnings.filterwarnings("ignore", message="`is_gradient_checkpointing` is deprecated")
        warnings.filterwarnings("ignore", message="fan_in_fan_out is set to False but the target module is `Conv1D`")
        wrapped = get_peft_model(model, config)
    assert isinstance(wrapped, PeftModel)
    AddedLinear.take_over(wrapped)
    # Where the weights came from is the pipeline's record, not a path of the machine that trained.
    config.base_model_name_or_path = ""
    if some:
        config.target_modules = sorted(config.target_modules or [])  # peft holds a set, written in a random order
    return wrapped


def trainable(model: nn.Module) -> dict[str, nn.Parameter]:
    """Return the parameters that learn, by name, sorted."""
    return {name: p for name, p in sorted(model.named_parameters()) if p.requires_grad}


def is_linear(module: nn.Module) -> bool:
    """Tell whether a module is a linear layer: torch's, or GPT-2's with its weight transposed."""
    return isinstance(module, nn.Linear | Conv1D)


def _linear_names(model: "PreTrainedModel") -> list[str]:
    modules = model.base_model.named_modules()
    return sorted({name.rsplit(".", 1)[-1] for name, module in modules if is_linear(module)})


def _linear_paths(model: "PreTrainedModel", first_layer: int) -> list[str]:
    """Return the full names of the text layers' linear layers from ``first_layer`` on."""
    chosen = {id(part) for layer in layers_of(model)[first_layer:] for part in layer.modules() if is_linear(part)}
    return sorted(name for name, module in model.named_modules() if id(module) in chosen)
