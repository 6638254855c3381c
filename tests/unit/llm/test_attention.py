"""Attention in float32 is the same attention, it reaches every layer, and it travels with the model."""

import pickle
import subprocess
import sys

import pytest
import torch
from transformers import AutoModelForSequenceClassification, BertConfig, GPTNeoXConfig, LlamaConfig, MistralConfig

from radprompt.llm.assembly import assemble
from radprompt.llm.attention import attend_in_float32
from radprompt.llm.classifier import LanguageModelClassifier

IDS = torch.arange(2, 26).view(2, 12)
MASK = torch.tensor([[1] * 12, [1] * 9 + [0] * 3])
SIZES = {
    "vocab_size": 32,
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "initializer_range": 0.3,
    "pad_token_id": 0,
}
CONFIGS = {
    "grouped keys": LlamaConfig(num_key_value_heads=2, **SIZES),
    "a window of four tokens": MistralConfig(num_key_value_heads=2, sliding_window=4, **SIZES),
    "one matrix for all three": GPTNeoXConfig(**SIZES),
    "both directions": BertConfig(**SIZES),
}


def _passed(config, *, bf16: bool, float32_attention: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the hidden states of two prompts, one of them padded, and the embeddings' gradient."""
    torch.manual_seed(0)
    model = AutoModelForSequenceClassification.from_config(config).eval()
    if float32_attention:
        attend_in_float32(model)
    embedded = model.get_input_embeddings()(IDS).detach().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        states = model.base_model(inputs_embeds=embedded, attention_mask=MASK).last_hidden_state
    states = states * MASK[..., None]  # what stands at padding is nobody's
    states.float().pow(3).sum().backward()
    return states.detach(), embedded.grad


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_in_float32_nothing_changes(config):
    plain, ours = (_passed(config, bf16=False, float32_attention=way) for way in (False, True))
    torch.testing.assert_close(ours, plain, rtol=0, atol=0)


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_in_bfloat16_every_layer_attends_in_float32(config, monkeypatch):
    seen = []
    real = torch.nn.functional.scaled_dot_product_attention

    def watched(query, key, value, **more):
        seen.append({query.dtype, key.dtype, value.dtype, torch.is_autocast_enabled("cpu")})
        return real(query, key, value, **more)

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", watched)
    exact = _passed(config, bf16=False, float32_attention=False)
    del seen[:]
    ours = _passed(config, bf16=True, float32_attention=True)
    assert seen == [{torch.float32, False}] * SIZES["num_hidden_layers"]
    for one, other in zip(ours, exact, strict=True):
        assert float((one - other).norm() / other.norm()) < 0.05


@pytest.mark.parametrize(
    ("capability", "expected"), [("avx512_bf16", "sdpa_in_float32"), ("amx_bf16", "sdpa"), ("avx2", "sdpa")]
)
def test_the_processor_decides(backbone, monkeypatch, capability, expected):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {capability: True})
    given = {"layers": 1, "rank": 2, "alpha": 4.0, "dropout": 0.0, "device": "cpu", "precision": "auto", "seed": 0}
    built = assemble(backbone, **given)
    assert built.split.model.config._attn_implementation == expected
    assert built.split._shares


def test_a_fitted_classifier_predicts_in_another_process(backbone, table, tmp_path, monkeypatch):
    """As scikit-learn's tools with several jobs, dask and ray send it there."""
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    X, y = table
    fitted = LanguageModelClassifier(backbone, layers=1, epochs=1, device="cpu").fit(X, y)
    assert fitted._split.model.config._attn_implementation == "sdpa_in_float32"
    (tmp_path / "sent").write_bytes(pickle.dumps((fitted, X)))
    code = "import pickle, sys; model, X = pickle.load(open(sys.argv[1], 'rb')); print(*model.predict_proba(X)[:, 1])"
    there = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "sent")], check=True, capture_output=True, text=True
    )
    found = [float(value) for value in there.stdout.split()]
    assert found == pytest.approx(fitted.predict_proba(X)[:, 1], abs=1e-2)
