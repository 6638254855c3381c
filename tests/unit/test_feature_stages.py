"""From raw features to prompts through the stages, and what must not leak on the way."""

import importlib.util
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from radprompt.core.outputs import write_csv
from radprompt.tables.feature_names import FEATURES
from radprompt.tables.features import read_standardised
from radprompt.tables.lesions import Lesion, to_table

ROOT = Path(__file__).parents[2]
SPLITS = ["train"] * 60 + ["val"] * 20 + ["test"] * 20
RECORDS = ("models/vindr/scaler/0.json", "models/vindr/selection/0.json")


def run_stages() -> None:
    for name in ("standardise", "select_features", "prompts"):
        spec = importlib.util.spec_from_file_location(f"stage_{name}", ROOT / "stages" / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        stage = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(stage)
        stage.main("vindr")


def lesion(number: int, split: str) -> Lesion:
    key = f"lesion{number:03d}"
    return Lesion(key, key, key, "vindr_mammo", "i", "CC", "L", "4", number % 2, split, 0, 0, 9, 9, "", 0.1, "unknown")


@pytest.fixture
def features(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    lesions = to_table([lesion(number, split) for number, split in enumerate(SPLITS)])
    write_csv("data/lesions/vindr_mammo.csv", lesions)
    values = np.random.default_rng(0).normal(size=(len(SPLITS), len(FEATURES)))
    values[:, :9] += 1.2 * lesions["label"].to_numpy()[:, None] * np.linspace(0.1, 1, 9)
    table = pd.DataFrame(values * 7 + 100, columns=list(FEATURES))
    table.insert(0, "lesion_id", lesions["lesion_id"])
    write_csv("data/features/vindr_mammo.csv", table)
    return table


def test_every_lesion_gets_a_prompt_of_the_selected_features(features: pd.DataFrame) -> None:
    run_stages()
    z = read_standardised("data/standardised/vindr.csv").set_index("lesion_id")
    selection = json.loads(Path("models/vindr/selection/0.json").read_text())
    prompts = [json.loads(line) for line in Path("data/prompts/vindr.jsonl").read_text().splitlines()]
    assert [row["lesion_id"] for row in prompts] == list(z.index)
    assert [row["split"] for row in prompts] == SPLITS
    assert len(selection["features"]) == len(selection["names"]) == 8
    first = prompts[0]["prompt"]
    assert first.count("feature is measured at") == 8
    value = round(z.loc["lesion000", selection["features"][0]], 3)
    assert f"The '{selection['names'][0]}' feature is measured at {value:g} ." in first


def test_scaler_and_selection_see_training_lesions_only(features: pd.DataFrame) -> None:
    run_stages()
    before = [Path(name).read_bytes() for name in RECORDS]
    others = features["lesion_id"] >= "lesion060"
    write_csv(
        "data/features/vindr_mammo.csv", features.assign(**{key: features[key] + 50 * others for key in FEATURES})
    )
    run_stages()
    assert [Path(name).read_bytes() for name in RECORDS] == before
    for name in RECORDS:
        assert json.loads(Path(name).read_text())["fitted_on"] == [f"lesion{i:03d}" for i in range(60)]


def test_the_same_input_gives_the_same_bytes(features: pd.DataFrame) -> None:
    names = (*RECORDS, "data/standardised/vindr.csv", "data/prompts/vindr.jsonl")
    run_stages()
    first = [Path(name).read_bytes() for name in names]
    write_csv("data/features/vindr_mammo.csv", features.sample(frac=1, random_state=4))
    run_stages()
    assert [Path(name).read_bytes() for name in names] == first
