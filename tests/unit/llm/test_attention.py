"""Attention in float32 is the same attention, and it reaches every layer."""

import pytest
import torch

from radprompt.llm.attention import attend_in_float32
from radprompt.llm.backbone import load_backbone

IDS = torch.arange(2, 26).view(2, 12)
MASK = torch.tensor([[1] * 12, [1] * 9 + [0] * 3])


def _passed(folder, *, bf16: bool, float32_attention: bool) -> tuple[torch.Tensor, ...]:
    """Return the hidden states of two prompts, one of them padded, and the embeddings' gradient."""
    torch.manual_seed(0)
    model, _ = load_backbone(folder, bf16=bf16)
    if float32_attention:
        attend_in_float32(model)
    embedded = model.get_input_embeddings()(IDS).detach().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        states = model.base_model(inputs_embeds=embedded, attention_mask=MASK).last_hidden_state
    states = states * MASK[..., None]  # what stands at padding is nobody's
    states.pow(3).sum().backward()
    return states.detach(), embedded.grad


@pytest.mark.parametrize("architecture", ["backbone", "gpt_neox"])
def test_in_float32_nothing_changes(architecture, request):
    folder = request.getfixturevalue(architecture)
    plain, ours = (_passed(folder, bf16=False, float32_attention=way) for way in (False, True))
    torch.testing.assert_close(ours, plain, rtol=0, atol=0)


def test_in_bfloat16_it_is_attention_with_less_rounding(backbone, monkeypatch):
    """Rounding what attention gets and gives is left; what it computes with is float32 in every layer."""
    seen = []
    real = torch.nn.functional.scaled_dot_product_attention

    def watched(query, key, value, **more):
        seen.append({query.dtype, key.dtype, value.dtype, torch.is_autocast_enabled("cpu")})
        return real(query, key, value, **more)

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", watched)
    exact = _passed(backbone, bf16=False, float32_attention=False)
    del seen[:]
    ours = _passed(backbone, bf16=True, float32_attention=True)
    layers = load_backbone(backbone, bf16=True)[0].config.num_hidden_layers
    assert seen == [{torch.float32, False}] * layers
    for one, other in zip(ours, exact, strict=True):
        torch.testing.assert_close(one, other, rtol=5e-2, atol=5e-2 * float(other.abs().max()))
    assert ours[0].dtype == exact[0].dtype
