"""peft's LoRA layer with the low-rank part added in place.

peft computes ``x W' + (x A' B') * scaling`` in four passes over tensors as large as the layer's output, and as many on
the way back. BLAS adds a product to what is there: one pass each. Same parameters, same values to rounding, same files.
"""

from typing import Any

import torch
from peft.tuners import lora
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


class _Add(torch.autograd.Function):
    """``x W' + bias + s x A' B'``; shapes x (n, in), W (out, in), A (rank, in), B (out, rank). W is frozen."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, a: Tensor, b: Tensor, s: float) -> Tensor:
        narrow = x @ a.t()
        ctx.save_for_backward(x, weight, a, b, narrow)
        ctx.s = s
        return nn.functional.linear(x, weight, bias).addmm_(narrow, b.t(), alpha=s)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, above: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, a, b, narrow = ctx.saved_tensors
        to_narrow = (above @ b).mul_(ctx.s)
        below = (above @ weight).addmm_(to_narrow, a) if ctx.needs_input_grad[0] else None
        return below, None, None, to_narrow.t() @ x, (above.t() @ narrow).mul_(ctx.s), None


class AddedLinear(lora.Linear):
    """peft's ``lora.Linear``; what :class:`_Add` is not made for goes peft's own way."""

    @classmethod
    def take_over(cls, model: nn.Module) -> None:
        """Turn every LoRA layer on a plain, unquantised linear one into this."""
        for module in model.modules():
            if type(module) is lora.Linear and type(module.base_layer) is nn.Linear:
                module.__class__ = cls

    def forward(self, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """Return the layer's output, shape (..., out)."""
        base, device = self.get_base_layer(), x.device.type
        dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else x.dtype
        name = self.active_adapters[0]
        added = not (args or kwargs or self.disable_adapters or self.merged) and base.weight.dtype == dtype
        if not added or not self._simple(name):
            return super().forward(x, *args, **kwargs)
        a, b = (part[name].weight.to(dtype) for part in (self.lora_A, self.lora_B))
        bias = None if base.bias is None else base.bias.to(dtype)
        with torch.autocast(device, enabled=False):
            out = _Add.apply(x.reshape(-1, x.shape[-1]).to(dtype), base.weight, bias, a, b, self.scaling[name])
        return out.view(*x.shape[:-1], -1)

    def _simple(self, name: str) -> bool:
        one = len(self.active_adapters) == 1 and name in self.lora_A and name not in self.lora_variant
        drops = self.training and one and isinstance(self.lora_dropout[name], nn.Dropout)
        frozen = not any(parameter.requires_grad for parameter in self.get_base_layer().parameters())
        return one and frozen and not drops and not self.lora_bias[name] and not self.fan_in_fan_out
