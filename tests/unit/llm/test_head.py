"""The head's change of variables: one to one, gone after training, and worth having."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from radprompt.llm.head import PreciseLinear, StandardisedReading, standardised_head

HIDDEN = 24


class Model(nn.Module):
    def __init__(self, head: nn.Module) -> None:
        super().__init__()
        self.score = head


@pytest.fixture
def states() -> torch.Tensor:
    """States like a language model's: far from zero, close to each other, dimensions of very different spread."""
    generator = torch.Generator().manual_seed(1)
    spread = torch.logspace(-3, -1, HIDDEN)
    return torch.randn(HIDDEN, generator=generator) * 10 + torch.randn(80, HIDDEN, generator=generator) * spread


def test_weights_come_back(states):
    reading = StandardisedReading(states.double())
    weight = torch.randn(1, HIDDEN, dtype=torch.double)
    assert torch.allclose(reading(reading.right_inverse(weight)), weight, rtol=1e-9, atol=1e-12)


def test_weights_act_on_standardised_states_and_an_intercept(states):
    states = states.double()
    reading = StandardisedReading(states)
    v = torch.randn(1, HIDDEN, dtype=torch.double)
    mean = states.mean(dim=0)
    u = mean / mean.norm()
    # By hand: across the mean direction, states over their standard deviations; along it, over the mean's length.
    across = states - torch.outer(states @ u, u)
    expected = (across / across.std(dim=0, unbiased=False)) @ v.T + (states @ u / mean.norm())[:, None] * (v @ u)
    assert torch.allclose(states @ reading(v).T, expected, rtol=1e-8, atol=1e-8)
    assert torch.allclose(across.mean(dim=0), torch.zeros(HIDDEN, dtype=torch.double), atol=1e-12)


def test_head_is_plain_again_and_unchanged_if_nothing_learned(states):
    head = nn.Linear(HIDDEN, 1, bias=False)
    before = head.weight.detach().clone()
    with standardised_head(Model(head), states):
        assert "parametrizations.weight.original" in dict(head.named_parameters())
    assert type(head) is nn.Linear
    assert list(dict(head.named_parameters())) == ["weight"]
    assert torch.allclose(head.weight, before, rtol=1e-3, atol=1e-5)
    assert head.weight.requires_grad


def test_head_learns_what_a_plain_one_does_not_see(states):
    labels = (states[:, 12] > states[:, 12].median()).float()  # a dimension that varies by a thousandth of its size

    def loss_after(standardised: bool) -> float:
        head = nn.Linear(HIDDEN, 1, bias=False)
        nn.init.zeros_(head.weight)

        def train() -> None:
            optimiser = torch.optim.AdamW(head.parameters(), lr=1e-2)
            for _ in range(200):
                optimiser.zero_grad()
                F.binary_cross_entropy_with_logits(head(states).squeeze(1), labels).backward()
                optimiser.step()

        if standardised:
            with standardised_head(Model(head), states):
                train()
        else:
            train()
        return F.binary_cross_entropy_with_logits(head(states).squeeze(1), labels).item()

    assert loss_after(standardised=False) > 0.6  # log 2 = 0.69 is knowing nothing
    assert loss_after(standardised=True) < 0.4


@pytest.mark.parametrize("head", [nn.Sequential(nn.LayerNorm(HIDDEN)), nn.Linear(HIDDEN, 1)], ids=["norm", "equal"])
def test_head_without_scale_is_left_alone(head, states):
    same = states if isinstance(head, nn.Sequential) else states[:1].expand(5, -1)
    names = [name for name, _ in head.named_parameters()]
    with standardised_head(Model(head), same):
        assert [name for name, _ in head.named_parameters()] == names


def test_head_keeps_float32_under_autocast(states):
    plain = nn.Linear(HIDDEN, 1, bias=False)
    precise = PreciseLinear.of(plain)
    expected = plain(states)
    with torch.autocast("cpu", torch.bfloat16):
        assert plain(states).dtype == torch.bfloat16
        assert torch.equal(precise(states), expected)
