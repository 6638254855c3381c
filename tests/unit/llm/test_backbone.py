"""A backbone is laid down once and refused in words where the machine cannot hold it."""

import importlib.machinery
import json
import shutil

import pytest
import torch

from radprompt.core.errors import InputError
from radprompt.llm import backbone as module
from radprompt.llm.backbone import load_backbone, weights_gb, write_backbone

CUDA = torch.device("cuda", 0)


@pytest.fixture
def weights(backbone):
    return json.loads((backbone / "source.json").read_text(encoding="utf-8"))["source"]


@pytest.fixture
def bitsandbytes(monkeypatch):
    """Say whether bitsandbytes is installed."""
    real = importlib.util.find_spec

    def say(here):
        spec = importlib.machinery.ModuleSpec("bitsandbytes", None) if here else None
        monkeypatch.setattr(
            module.importlib.util,
            "find_spec",
            lambda name, *rest: spec if name == "bitsandbytes" else real(name, *rest),
        )

    return say


@pytest.fixture
def four_bit(weights, bitsandbytes, tmp_path):
    bitsandbytes(True)
    folder = tmp_path / "backbone"
    folder.mkdir()
    write_backbone(weights, None, folder, "4bit")
    return folder


def test_quantisation_is_recorded_where_trunks_and_checkpoints_look(four_bit, backbone):
    """Caches and checkpoints of a classifier name source.json whole, so 4 bits and none never mix."""
    recorded, plain = (json.loads((f / "source.json").read_text(encoding="utf-8")) for f in (four_bit, backbone))
    assert recorded.pop("quantisation") == "4bit"
    assert recorded == plain


def test_without_bitsandbytes_the_first_stage_says_so(weights, bitsandbytes, tmp_path):
    bitsandbytes(False)
    with pytest.raises(InputError, match="bitsandbytes, which is not installed") as refused:
        write_backbone(weights, None, tmp_path, "4bit")
    assert "pip install" in refused.value.fix
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("device", [None, torch.device("cpu")], ids=str)
def test_4bit_on_a_cpu_is_refused_before_anything_is_read(four_bit, device):
    with pytest.raises(InputError, match="4-bit weights run on an NVIDIA GPU only; the device here is cpu"):
        load_backbone(four_bit, bf16=True, device=device)


def test_4bit_without_bitsandbytes_is_refused(four_bit, bitsandbytes):
    bitsandbytes(False)
    with pytest.raises(InputError, match="bitsandbytes, which is not installed"):
        load_backbone(four_bit, bf16=True, device=CUDA)


def test_4bit_asks_for_nf4_on_the_device_and_spares_the_head(four_bit, monkeypatch):
    from transformers import AutoModelForSequenceClassification

    asked = {}

    def from_pretrained(place, **options):
        asked.update(options)
        raise StopIteration

    monkeypatch.setattr(module, "_require_room", lambda *_: None)
    monkeypatch.setattr(AutoModelForSequenceClassification, "from_pretrained", from_pretrained)
    with pytest.raises(StopIteration):
        load_backbone(four_bit, bf16=True, device=CUDA)
    config = asked["quantization_config"]
    assert asked["device_map"] == {"": CUDA}
    assert (config.load_in_4bit, config.bnb_4bit_quant_type, config.bnb_4bit_use_double_quant) == (True, "nf4", True)
    assert config.bnb_4bit_compute_dtype is torch.bfloat16
    assert {"score", "classifier"} <= set(config.llm_int8_skip_modules)
    assert config.llm_int8_enable_fp32_cpu_offload is False


def _llama2_7b(monkeypatch, free):
    """As if the backbone were LLaMA2-7B and the card had so many GB free."""
    from transformers import AutoConfig, AutoModelForSequenceClassification, LlamaConfig

    def refuse(*_, **__):
        raise StopIteration("weights are read")

    monkeypatch.setattr(AutoConfig, "from_pretrained", lambda *_, **__: LlamaConfig(num_labels=1))
    monkeypatch.setattr(AutoModelForSequenceClassification, "from_pretrained", refuse)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: free)


@pytest.mark.parametrize(
    ("folder", "free_gb", "fits"),
    [
        ("backbone", 24, True),
        ("backbone", 15, True),
        ("backbone", 14.5, False),
        ("four_bit", 6, True),
        ("four_bit", 5, False),
    ],
)
def test_a_model_that_does_not_fit_the_card_is_refused_before_it_is_read(request, monkeypatch, folder, free_gb, fits):
    folder = request.getfixturevalue(folder)
    _llama2_7b(monkeypatch, (int(free_gb * 1e9), int(24e9)))
    with pytest.raises(StopIteration if fits else InputError) as stopped:
        load_backbone(folder, bf16=True, device=CUDA)
    if not fits:
        assert "not off-loaded to the CPU" in str(stopped.value)


def test_4bit_is_advised_only_where_it_helps(backbone, four_bit, monkeypatch):
    def fix(folder, free_gb):
        _llama2_7b(monkeypatch, (int(free_gb * 1e9), int(24e9)))
        with pytest.raises(InputError, match=r"weights take \d+\.\d GB") as refused:
            load_backbone(folder, bf16=True, device=CUDA)
        return refused.value.fix

    assert fix(backbone, 10).startswith("set llm.backbone.quantisation: 4bit (3.9 GB), or choose a smaller model")
    assert fix(backbone, 4).startswith("choose a smaller model")
    assert fix(four_bit, 4).startswith("choose a smaller model")


def test_memory_of_the_weights():
    assert weights_gb(6_476_005_376, 131_342_336, "none", 2) == pytest.approx(13.48, abs=0.005)
    assert weights_gb(6_476_005_376, 131_342_336, "none", 4) == pytest.approx(26.43, abs=0.005)
    assert weights_gb(6_476_005_376, 131_342_336, "4bit", 2) == pytest.approx(3.87, abs=0.005)


def test_without_quantisation_weights_and_precision_are_as_before(backbone):
    model, _ = load_backbone(backbone, bf16=True)
    kinds = {name.rsplit(".", 2)[-2]: parameter.dtype for name, parameter in model.named_parameters()}
    assert kinds["q_proj"] is kinds["down_proj"] is torch.bfloat16
    assert kinds["embed_tokens"] is kinds["score"] is kinds["norm"] is torch.float32


def test_other_weights_under_the_same_name_are_another_backbone(weights, tmp_path):
    def recorded():
        (tmp_path / "record").mkdir(exist_ok=True)
        return write_backbone(str(tmp_path / "copy"), None, tmp_path / "record")["sha256"]

    shutil.copytree(weights, tmp_path / "copy")
    first = recorded()
    assert recorded() == first
    path = tmp_path / "copy/model.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    assert recorded() != first
