"""Profiles merge into params.yaml, keep its comments and stay valid."""

import re
from pathlib import Path

import pytest

from radprompt.core.errors import InputError
from radprompt.core.params import load_params
from radprompt.repository.profiles import apply_profile
from radprompt.study.settings import load_settings

ROOT = Path(__file__).parents[3]


@pytest.fixture
def params(tmp_path):
    for name in ("params.yaml", "settings.yaml"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    return tmp_path / "params.yaml"


@pytest.mark.parametrize("profile", sorted(p.stem for p in (ROOT / "profiles").glob("*.yaml")))
def test_profile_merges_and_only_its_lines_change(params, profile):
    before = params.read_text(encoding="utf-8").splitlines()
    changed = apply_profile(ROOT / "profiles" / f"{profile}.yaml", params)
    changes = [line for line in changed if not line.startswith("settings.yaml, ")]
    after = params.read_text(encoding="utf-8").splitlines()
    load_params(params)
    assert len(before) == len(after)
    differing = [(b, a) for b, a in zip(before, after, strict=True) if b != a]
    assert len(differing) == len(changes) > 0
    for b, a in differing:
        assert re.sub(r".*?(#|$)", "", b, count=1) == re.sub(r".*?(#|$)", "", a, count=1)  # same comment
    assert apply_profile(ROOT / "profiles" / f"{profile}.yaml", params) == []


def test_clinical_profile_holds_the_papers_language_model(params):
    apply_profile(ROOT / "profiles" / "clinical.yaml", params)
    llm = load_params(params).llm
    assert (llm.lora.rank, llm.lora.layers, llm.epochs, llm.learning_rate) == (16, "all", 500, 1e-4)
    assert (llm.tuning, llm.readout, llm.patience, llm.backbone.quantisation) == ("lora", "last", None, "none")


def test_clinical_profile_keeps_nnunets_own_plan_and_the_laboratorys_radiomics(params):
    apply_profile(ROOT / "profiles" / "clinical.yaml", params)
    merged = load_params(params)
    assert (merged.segmentation.plan, merged.segmentation.epochs, merged.segmentation.iterations) == (
        "default",
        1000,
        250,
    )
    radiomics = merged.radiomics
    assert (radiomics.bin_count, radiomics.downsample, radiomics.resample_mm) == (128, 3, None)


def test_clinical_profile_does_not_hang_on_what_the_demo_prefers(params):
    """The paper's settings are all in the profile: a demo that stops early or reads 4 bits must not reach it."""
    text = params.read_text(encoding="utf-8")
    demo = {
        "patience: null": "patience: 5",
        "quantisation: none": "quantisation: 4bit",
        "tuning: lora": "tuning: head",
        "alpha: 32": "alpha: 8",
        "dropout: 0.0": "dropout: 0.3",
        "best_epoch_by: loss": "best_epoch_by: auc",
        "selection: mrmr": "selection: all",
        "count: 8": "count: 5",
        "names: real": "names: censored",
        "values: zscore": "values: raw",
        "decimals: 3": "decimals: 1",
        "order: fixed": "order: random",
        "inbreast: reference": "inbreast: predicted",
        "instruction: Classify": "instruction: Guess",
    }
    for old, new in demo.items():
        assert f" {old}" in text
        text = text.replace(f" {old}", f" {new}")
    params.write_text(text, encoding="utf-8")
    apply_profile(ROOT / "profiles" / "clinical.yaml", params)
    merged = load_params(params)
    llm = merged.llm
    assert (llm.patience, llm.backbone.quantisation, llm.tuning) == (None, "none", "lora")
    assert (llm.lora.alpha, llm.lora.dropout, llm.best_epoch_by) == (32, 0.0, "loss")
    assert (merged.features.selection, merged.features.count) == ("mrmr", 8)
    prompt = merged.prompt
    assert (prompt.values, prompt.decimals, prompt.names, prompt.order) == ("zscore", 3, "real", "fixed")
    assert prompt.instruction.startswith("Classify benign or malignant of this mammography")
    assert (merged.radiomics.masks.vindr_mammo, merged.radiomics.masks.inbreast) == ("predicted", "reference")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("params:\n  llm:\n    rank: 4\n", r"key 'llm.rank' is not in params.yaml"),
        ("params:\n  seed: -1\n", r"seed: .*greater than or equal"),
        ("seed: 1\n", r"has the parts params and settings, no other"),
        ("params:\n  llm:\n    tuning: none\n", r"evaluation.reference is llm, which llm.tuning: none leaves out"),
        ("params:\n  seed: 1\nsettings:\n  curve: {}\n", r"key 'curve' is not in settings.yaml"),
        ("params:\n  seed: 1\nsettings:\n  explained: [film]\n", r"explained\[0\] is 'film', not a setting"),
        ("params:\n  seed: 1\nsettings:\n  measured: [inbreast]\n", r"but settings use \['inbreast', 'vindr_mammo'\]"),
    ],
)
def test_bad_profile_leaves_both_files_as_they_were(params, tmp_path, text, message):
    (tmp_path / "bad.yaml").write_text(text, encoding="utf-8")
    files = (params, tmp_path / "settings.yaml")
    before = [file.read_bytes() for file in files]
    with pytest.raises(InputError, match=message):
        apply_profile(tmp_path / "bad.yaml", params)
    assert [file.read_bytes() for file in files] == before


def test_unknown_profile_lists_the_known_ones(params):
    with pytest.raises(InputError, match=r"no profile 'clinic'[\s\S]*clinical"):
        apply_profile(ROOT / "profiles" / "clinic.yaml", params)


def test_open_profile_classifies_cbis_by_pathology_and_nothing_else(params):
    changes = apply_profile(ROOT / "profiles" / "open.yaml", params)
    settings, merged = load_settings(params.with_name("settings.yaml")), load_params(params)
    (setting,) = settings.values()
    assert list(settings.data_sets) == settings.measured == ["cbis_ddsm"]
    assert setting.members == {
        "train": ("cbis_ddsm", "train"),
        "val": ("cbis_ddsm", "val"),
        "test": ("cbis_ddsm", "test"),
    }
    assert (settings.halved, settings.curve, settings.drift, settings.steps) == ([], None, None, [])
    assert (merged.radiomics.shape_unit, merged.radiomics.masks.cbis_ddsm) == ("px", "reference")
    assert "settings.yaml, settings: replaced" in changes
    # Keys that stay as they are keep their comments.
    assert "# train, val, test   data set and split" in params.with_name("settings.yaml").read_text(encoding="utf-8")


def test_laptop_profile_keeps_the_settings_and_leaves_the_language_model_out(params):
    before = params.with_name("settings.yaml").read_bytes()
    apply_profile(ROOT / "profiles" / "laptop.yaml", params)
    merged = load_params(params)
    assert params.with_name("settings.yaml").read_bytes() == before
    assert (merged.llm.tuning, merged.evaluation.reference, merged.segmentation.plan) == ("none", "named", "small")
