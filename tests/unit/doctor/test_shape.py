"""The arithmetic of a model's size against real modules and figures worked out by hand."""

import pytest
import torch
from transformers import LlamaConfig, LlamaForSequenceClassification

from radprompt.repository.doctor.shape import LLAMA2_7B, SMOLLM2, Shape


def config_of(shape: Shape) -> LlamaConfig:
    return LlamaConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        intermediate_size=shape.intermediate,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.key_value_heads,
        num_labels=1,
        pad_token_id=0,
    )


@pytest.mark.parametrize("shape", [SMOLLM2, LLAMA2_7B], ids=["smollm2", "llama2-7b"])
def test_weights_are_counted_as_transformers_builds_them(shape):
    with torch.device("meta"):
        model = LlamaForSequenceClassification(config_of(shape))
    linear = sum(m.weight.numel() for m in model.model.modules() if isinstance(m, torch.nn.Linear))
    assert shape.linear == linear
    assert shape.linear + shape.other == sum(p.numel() for p in model.parameters())
    assert Shape.of(config_of(shape).to_dict()) == shape


def test_adapters_are_counted_as_peft_adds_them():
    from radprompt.llm.lora import add_adapters, trainable

    shape = Shape(32, 64, 3, 4, 2, 8, 50)
    adapted = add_adapters(LlamaForSequenceClassification(config_of(shape)), 1, rank=4, alpha=8, dropout=0.0)
    learning = trainable(adapted)
    assert shape.lora(4, 2) == sum(p.numel() for name, p in learning.items() if "lora" in name)


def test_llama_2_takes_what_is_said_of_it():
    assert LLAMA2_7B.weights_gb("none", bf16=True) == pytest.approx(13.5, abs=0.05)
    assert LLAMA2_7B.weights_gb("4bit", bf16=True) == pytest.approx(3.9, abs=0.05)
    assert LLAMA2_7B.lora(16, 32) == 39_976_960


@pytest.mark.parametrize("bf16", [True, False], ids=["bf16", "fp32"])
def test_activations_are_what_autograd_keeps(bf16):
    from radprompt.llm.lora import add_adapters

    kept: dict[int, int] = {}
    weights: set[int] = set()

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
            held.append(tensor)
        return tensor

    def measured(layers: int) -> int:
        shape = Shape(128, 344, layers, 4, 4, 32, 64)
        model = LlamaForSequenceClassification(config_of(shape))
        for module in model.model.modules():
            if bf16 and isinstance(module, torch.nn.Linear):
                module.to(torch.bfloat16)
        adapted = add_adapters(model, 0, rank=8, alpha=16, dropout=0.0).get_base_model()
        weights.update(p.untyped_storage().data_ptr() for p in adapted.parameters())
        kept.clear()
        ids = torch.randint(1, 64, (4, 80))
        with (
            torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor),
            torch.autocast("cpu", torch.bfloat16, enabled=bf16),
        ):
            adapted(input_ids=ids, attention_mask=torch.ones_like(ids))
        return sum(kept.values())

    held: list[torch.Tensor] = []  # so that no storage's address is used twice
    two_layers = (measured(3) - measured(1)) / 1e9
    estimated = Shape(128, 344, 2, 4, 4, 32, 64).activation_gb(320, 8, 2, bf16=bf16)
    assert estimated == pytest.approx(two_layers, rel=0.05)


def test_another_kind_of_model_has_no_shape():
    assert Shape.of({"model_type": "bert", "hidden_size": 128}) is None
