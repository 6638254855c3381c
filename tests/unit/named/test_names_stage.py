"""The stage that reads names: whose directions it asks for, and what models make of them."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from radprompt.core.outputs import write_csv
from radprompt.core.params import load_params
from radprompt.named.direction import elicit
from radprompt.named.variants import build, variants
from radprompt.selection.record import Selection
from radprompt.tables.embeddings import read_embeddings

FEATURES = {"shape_Sphericity": "Sphericity", "shape_Perimeter": "Perimeter", "firstorder_Mean": "Mean"}
FIRST, LATER = ("shape_Sphericity", "shape_Perimeter"), ("firstorder_Mean",)


@pytest.fixture
def study(configured, settings, backbone):
    """z-scores of three features in every setting: two are selected first, the third in a later repeat."""
    shutil.copytree(backbone, configured / "models/backbone")
    row = {"repeat": 0, "lesion_id": "a", "patient_id": "p", "split": "train", "label": 0} | dict.fromkeys(
        FEATURES, 0.5
    )
    for name in settings:
        write_csv(configured / f"data/standardised/{name}.csv", pd.DataFrame([row]))
        for repeat, chosen in (("start", FIRST[:1]), (0, FIRST), (1, LATER)):
            names = [FEATURES[key] for key in chosen]
            Selection(list(chosen), names, "mrmr", "MIQ", 5, []).save(settings[name].selection_file(repeat))
    return configured


@pytest.mark.parametrize(
    ("mode", "asked"),
    [("none", []), ("shown", ["Perimeter", "Sphericity"]), ("used", ["Mean", "Perimeter", "Sphericity"])],
)
def test_directions_are_asked_for_as_params_say_and_followed_only_where_used(study, backbone, run_stage, mode, asked):
    path = study / "params.yaml"
    text = path.read_text(encoding="utf-8")
    assert text.count("  elicit: shown ") == 1
    path.write_text(text.replace("  elicit: shown ", f"  elicit: {mode} "), encoding="utf-8")
    run_stage("names")
    found = json.loads(Path("models/names/directions.json").read_text(encoding="utf-8"))
    assert list(found) == asked
    if asked:
        expected = elicit(backbone, asked, ("benign", "malignant"))
        assert list(found.values()) == pytest.approx(expected.tolist(), abs=6e-5)
    vectors = read_embeddings("models/names/states.safetensors")
    assert sorted(vectors.index) == ["Mean", "Perimeter", "Sphericity"]
    params = load_params()
    models = {
        variant.model: build(variant, params.named, found, 0) for variant in variants(vectors, second_site=True, seed=0)
    }
    followed = {name for name, model in models.items() if model.direction is not None}
    assert followed == ({"named", "named_all", "named_permuted"} if mode == "used" else set())
