"""The low-rank part that is added in place is peft's own, forwards and backwards."""

import copy

import pytest
import torch
from peft import LoraConfig, inject_adapter_in_model
from peft.tuners import lora
from torch import nn

from radprompt.llm.added_linear import AddedLinear, _Add


def _pair(**config) -> tuple[nn.Module, nn.Module]:
    """Return peft's layer and ours with the same weights, 6 in, 5 out."""
    torch.manual_seed(0)
    settings = {"r": 3, "lora_alpha": 5, "target_modules": ["0"], "init_lora_weights": False} | config
    bias = settings.pop("base_bias", True)
    plain = inject_adapter_in_model(LoraConfig(**settings), nn.Sequential(nn.Linear(6, 5, bias=bias)))
    ours = copy.deepcopy(plain)
    AddedLinear.take_over(ours)
    assert (type(plain[0]), type(ours[0])) == (lora.Linear, AddedLinear)
    return plain, ours


def _passed(model: nn.Module, x: torch.Tensor) -> list[torch.Tensor]:
    x = x.clone().requires_grad_()
    torch.manual_seed(1)
    out = model(x)
    out.float().pow(2).sum().backward()
    return [out.detach(), x.grad, *(p.grad for p in model.parameters() if p.requires_grad)]


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(6,), (4, 6), (2, 4, 6)])
def test_output_and_gradients_are_pefts(shape, bias):
    plain, ours = _pair(base_bias=bias)
    x = torch.randn(shape)
    torch.testing.assert_close(_passed(ours, x), _passed(plain, x), rtol=1e-5, atol=1e-6)


def test_gradients_are_those_of_finite_differences():
    torch.manual_seed(0)
    x, weight, bias, a, b = (torch.randn(*shape).double() for shape in ((4, 6), (5, 6), (5,), (3, 6), (5, 3)))
    learn = [part.requires_grad_() for part in (x, a, b)]
    assert torch.autograd.gradcheck(lambda x, a, b: _Add.apply(x, weight, bias, a, b, 1.7), learn)


def test_bfloat16_computes_as_pefts_does_and_keeps_gradients_in_float32():
    plain, ours = _pair()
    for model in (plain, ours):
        model[0].base_layer.to(torch.bfloat16)
    x = torch.randn(4, 6)
    with torch.autocast("cpu", torch.bfloat16):
        one, other = _passed(ours, x), _passed(plain, x)
    assert one[0].dtype == torch.bfloat16
    assert {gradient.dtype for gradient in one[1:]} == {torch.float32}
    torch.testing.assert_close(one, other, rtol=3e-2, atol=3e-2)


@pytest.mark.parametrize("config", [{"lora_dropout": 0.5}, {"use_dora": True}, {"lora_bias": True}])
def test_what_it_is_not_made_for_goes_pefts_own_way(config, monkeypatch):
    plain, ours = _pair(**config)
    monkeypatch.setattr(_Add, "apply", lambda *_: pytest.fail("added in place"))
    x = torch.randn(4, 6)
    torch.testing.assert_close(_passed(ours, x), _passed(plain, x), rtol=0, atol=0)


def test_merged_and_switched_off_it_is_the_layer_that_pefts_is():
    plain, ours = _pair()
    x = torch.randn(4, 6)
    added = ours(x)
    for model in (plain, ours):
        model[0].merge()
    torch.testing.assert_close(ours(x), plain(x), rtol=0, atol=0)
    torch.testing.assert_close(ours(x), added, rtol=1e-5, atol=1e-5)
    for model in (plain, ours):
        model[0].unmerge()
        model[0].enable_adapters(False)
    torch.testing.assert_close(ours(x), plain(x), rtol=0, atol=0)


def test_without_dropout_in_use_it_is_added_in_place(monkeypatch):
    _, ours = _pair(lora_dropout=0.5)
    used, apply = [], _Add.apply
    monkeypatch.setattr(_Add, "apply", lambda *given: used.append(1) or apply(*given))
    ours.eval()(torch.randn(4, 6))
    assert used == [1]
