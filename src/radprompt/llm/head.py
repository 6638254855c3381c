"""A head that learns at the scale of what it reads.

The states of two prompts differ little: they share most of their words, so a large constant part hides the small one
that tells lesions apart (SmolLM2 on the demo: norm 50, standard deviation 0.04 a dimension). While it learns, the
head's weight is therefore written as one on standardised states: the constant direction becomes its intercept, every
other dimension is divided by its standard deviation over the training rows. Afterwards the plain weight is put back:
the function is the same, so nothing about the saved adapter is special.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from radprompt.llm.split import head_name

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_FLOOR = 1e-3
"""Of the mean standard deviation; a dimension that varies less is not blown up further."""


class StandardisedReading(nn.Module):
    """Weights on standardised states to weights on the states themselves, one to one; shapes (outputs, hidden size).

    Parameters
    ----------
    states
        What the head reads of the training rows, shape (rows, hidden size).
    """

    def __init__(self, states: Tensor) -> None:
        super().__init__()
        states = states.double()  # the small part is what is left of a difference of large ones
        mean = states.mean(dim=0)
        direction = mean / mean.norm()
        rest = states - torch.outer(states @ direction, direction)
        scale = rest.std(dim=0, unbiased=False)
        self.direction: Tensor
        self.scale: Tensor
        self.norm: Tensor
        self.register_buffer("direction", direction)
        self.register_buffer("scale", scale.clamp_min(_FLOOR * scale.mean().clamp_min(1e-12)))
        self.register_buffer("norm", mean.norm())

    def forward(self, standardised: Tensor) -> Tensor:
        """Return the plain weight."""
        precise = standardised.double()
        plain = precise / self.scale
        intercept = precise @ self.direction
        weight = plain + torch.outer(intercept / self.norm - plain @ self.direction, self.direction)
        return weight.to(standardised.dtype)

    def right_inverse(self, weight: Tensor) -> Tensor:
        """Return the weight on standardised states that :meth:`forward` turns into ``weight``."""
        precise = weight.double()
        along = precise @ self.direction
        across = self.scale * (precise - torch.outer(along, self.direction))
        stretched = self.scale * self.direction
        missing = (along * self.norm - across @ self.direction) / (stretched @ self.direction)
        return (across + torch.outer(missing, stretched)).to(weight.dtype)


@contextmanager
def standardised_head(model: "PreTrainedModel", states: Tensor) -> Iterator[None]:
    """Let the head learn on standardised states inside the block; a head that is no linear layer is left as it is."""
    head = _learning(getattr(model, head_name(model)))
    if head is None or states.std(dim=0, unbiased=False).max() == 0:  # one row, or equal ones, show no scale
        yield
        return
    reading = StandardisedReading(states.to(head.weight.device))
    parametrize.register_parametrization(head, "weight", reading)
    try:
        yield
    finally:
        parametrize.remove_parametrizations(head, "weight", leave_parametrized=True)


@torch.no_grad()
def begin_at_zero(model: "PreTrainedModel") -> None:
    """Let a new head say 0.5 of every prompt, instead of what a random direction says."""
    head = _learning(getattr(model, head_name(model)))
    if head is not None:
        for parameter in head.parameters():
            parameter.zero_()


def _learning(head: nn.Module) -> nn.Linear | None:
    """Return the linear layer that learns: peft keeps a trainable copy inside its wrapper."""
    for module in head.modules():
        if isinstance(module, nn.Linear) and module.weight.requires_grad:
            return module
    return None


class PreciseLinear(nn.Linear):
    """A head that computes in float32 under autocast too: bfloat16 would round away what tells two prompts apart."""

    @classmethod
    def of(cls, head: nn.Linear) -> "PreciseLinear":
        """Return a head with the same weights."""
        precise = cls(head.in_features, head.out_features, bias=head.bias is not None, device="meta")
        precise.load_state_dict(head.state_dict(), assign=True)
        return precise

    def forward(self, input: Tensor) -> Tensor:
        """Return the logits, in float32."""
        with torch.autocast(input.device.type, enabled=False):
            return super().forward(input.float())
