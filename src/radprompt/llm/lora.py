"""Low-rank adapters on the layers that learn (Hu et al. 2021; paper: rank 16 on all linear layers)."""

import warnings
from typing import TYPE_CHECKING

from torch import nn

from radprompt.llm.head import PreciseLinear
from radprompt.llm.split import head_name

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
    count = model.config.num_hidden_layers
    some = first_layer < count
    config = LoraConfig(
        task_type=TaskType.SEQ_CLS,
        r=rank,
        lora_alpha=alpha,  # type: ignore[arg-type]
        lora_dropout=dropout,
        target_modules=_linear_names(model) if some else DUMMY_TARGET_MODULES,
        layers_to_transform=list(range(first_layer, count)) if some else None,
        modules_to_save=[head_name(model)],
    )
    with warnings.catch_warnings():
        # peft 0.21 asks transformers 5.23 a question under its old name; the answer is right.
        warnings.filterwarnings("ignore", message="`is_gradient_checkpointing` is deprecated")
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


def _linear_names(model: "PreTrainedModel") -> list[str]:
    modules = model.base_model.named_modules()
    return sorted({name.rsplit(".", 1)[-1] for name, module in modules if isinstance(module, nn.Linear)})
