"""From raw features to prompts through the stages, and what must not leak on the way."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from radprompt.core.outputs import write_csv
from radprompt.study.halves import draw_halves
from radprompt.study.settings import Settings
from radprompt.tables.cohort import ROLES, read_cohort
from radprompt.tables.feature_names import FEATURES
from radprompt.tables.features import read_standardised
from radprompt.tables.lesions import Lesion, to_table

pytestmark = pytest.mark.slow

SPLITS = {"vindr_mammo": {"train": 60, "val": 20, "test": 20}, "inbreast": {"adapt": 40, "test": 40}}
RECORDS = ("models/scaler/vindr/0.json", "models/selection/vindr/0.json")
STAGES = ("cohorts", "standardise", "select_features", "prompts")

Run = Callable[[], None]


@pytest.fixture
def run_stages(run_stage: Callable[..., None]) -> Run:
    """Run the stages from cohorts to prompts."""
    return lambda: [run_stage(name) for name in STAGES] and None


def lesion(dataset: str, number: int, split: str) -> Lesion:
    key = f"{dataset[:2]}{number:03d}"
    return Lesion(key, key, key, dataset, "i", "CC", "L", "4", number % 2, split, 0, 0, 9, 9, "", 0.1, "unknown")


def measured(dataset: str, seed: int) -> pd.DataFrame:
    """Write lesions and features of a data set, and return the features."""
    splits = [split for split, count in SPLITS[dataset].items() for _ in range(count)]
    lesions = [lesion(dataset, number, split) for number, split in enumerate(splits)]
    write_csv(f"data/lesions/{dataset}.csv", to_table(lesions))
    if "adapt" in splits:
        write_csv(f"data/halves/{dataset}.csv", draw_halves(lesions, 2, 0.5, 0.2, 5))
    values = np.random.default_rng(seed).normal(size=(len(splits), len(FEATURES)))
    values[:, :9] += 1.2 * np.array([[each.label] for each in lesions]) * np.linspace(0.1, 1, 9)
    table = pd.DataFrame(values * 7 + 100 * (seed + 1), columns=list(FEATURES))
    table.insert(0, "lesion_id", [each.lesion_id for each in lesions])
    write_csv(f"data/features/{dataset}.csv", table)
    return table


@pytest.fixture
def features(configured: Path) -> dict[str, pd.DataFrame]:
    return {dataset: measured(dataset, seed) for seed, dataset in enumerate(SPLITS)}


def fitted_on(path: str | Path) -> list[str]:
    return json.loads(Path(path).read_text())["fitted_on"]


def contents() -> dict[str, bytes]:
    folders = ("data/cohorts", "data/standardised", "data/prompts", "models")
    return {str(path): path.read_bytes() for folder in folders for path in Path(folder).rglob("*.*")}


def test_every_lesion_gets_a_prompt_of_the_selected_features(
    features: dict[str, pd.DataFrame], run_stages: Run
) -> None:
    run_stages()
    z = read_standardised("data/standardised/vindr.csv").set_index("lesion_id")
    selection = json.loads(Path("models/selection/vindr/0.json").read_text())
    prompts = [json.loads(line) for line in Path("data/prompts/vindr.jsonl").read_text().splitlines()]
    assert [row["lesion_id"] for row in prompts] == list(z.index)
    assert [row["split"] for row in prompts] == [role for role in ROLES for _ in range(SPLITS["vindr_mammo"][role])]
    assert len(selection["features"]) == len(selection["names"]) == 8
    first = prompts[0]["prompt"]
    assert first.count("feature is measured at") == 8
    value = round(z.loc["vi000", selection["features"][0]], 3)
    assert f"The '{selection['names'][0]}' feature is measured at {value:g} ." in first


def test_every_setting_has_its_files(features: dict[str, pd.DataFrame], run_stages: Run, settings: Settings) -> None:
    run_stages()
    for name, setting in settings.items():
        cohort, z = read_cohort(f"data/cohorts/{name}.csv"), read_standardised(f"data/standardised/{name}.csv")
        rows = ["repeat", "lesion_id", "patient_id", "split", "label"]
        pd.testing.assert_frame_equal(z[rows], cohort[rows])
        prompts = pd.read_json(f"data/prompts/{name}.jsonl", lines=True)
        assert prompts["lesion_id"].tolist() == cohort.loc[cohort["split"].isin(ROLES), "lesion_id"].tolist()
        records = [str(repeat) for repeat in setting.repeats(2)] + ["start"] * bool(setting.continues)
        for kind in ("scaler", "selection"):
            assert sorted(path.stem for path in Path("models", kind, name).iterdir()) == records


def test_z_scores_are_those_of_the_training_lesions_of_each_repeat(
    features: dict[str, pd.DataFrame], run_stages: Run
) -> None:
    run_stages()
    raw = pd.concat(features.values()).set_index("lesion_id")
    table = read_standardised("data/standardised/inbreast_adapted.csv")
    key = FEATURES[3]
    for repeat in (0, 1):
        rows = table[(table["repeat"] == repeat) & table["split"].isin(ROLES)]
        train = raw.loc[rows.loc[rows["split"] == "train", "lesion_id"], key]
        expected = (raw.loc[rows["lesion_id"], key] - train.mean()) / train.std(ddof=0)
        np.testing.assert_allclose(rows[key], expected, atol=1e-6)
        assert fitted_on(f"models/scaler/inbreast_adapted/{repeat}.json") == list(train.index)
    start = table[table["split"].isin(["start", "start_val"])].drop(columns=["split", "repeat"])
    vindr = read_standardised("data/standardised/vindr.csv").query("split != 'test'").drop(columns=["split", "repeat"])
    pd.testing.assert_frame_equal(start.reset_index(drop=True), vindr.reset_index(drop=True))


def test_a_borrowed_scaler_is_that_of_the_setting_named_in_params(
    features: dict[str, pd.DataFrame], run_stages: Run
) -> None:
    text = Path("params.yaml").read_text()
    assert "  scaler: own" in text
    Path("params.yaml").write_text(text.replace("  scaler: own", "  scaler: vindr"))
    run_stages()
    for name in ("inbreast_scratch/1", "inbreast_adapted/0", "inbreast_adapted/start"):
        assert Path(f"models/scaler/{name}.json").read_bytes() == Path("models/scaler/vindr/0.json").read_bytes()


def test_features_are_selected_where_the_setting_says(features: dict[str, pd.DataFrame], run_stages: Run) -> None:
    run_stages()

    def record(name: str) -> bytes:
        return Path(f"models/selection/{name}.json").read_bytes()

    for name in ("inbreast_unadapted/0", "inbreast_adapted/1", "inbreast_adapted/start", "inbreast_extended/start"):
        assert record(name) == record("vindr/0")
    for repeat in (0, 1):
        assert record(f"inbreast_extended/{repeat}") == record(f"inbreast_scratch/{repeat}") != record("vindr/0")
    cohort = read_cohort("data/cohorts/inbreast_scratch.csv").query("repeat == 1 and split == 'train'")
    assert fitted_on("models/selection/inbreast_scratch/1.json") == cohort["lesion_id"].tolist()


def test_scaler_and_selection_see_training_lesions_only(features: dict[str, pd.DataFrame], run_stages: Run) -> None:
    run_stages()
    before = [Path(name).read_bytes() for name in RECORDS]
    vindr = features["vindr_mammo"]
    others = vindr["lesion_id"] >= "vi060"
    write_csv("data/features/vindr_mammo.csv", vindr.assign(**{key: vindr[key] + 50 * others for key in FEATURES}))
    run_stages()
    assert [Path(name).read_bytes() for name in RECORDS] == before
    for name in RECORDS:
        assert fitted_on(name) == [f"vi{i:03d}" for i in range(60)]


def test_the_same_input_gives_the_same_bytes_by_workers_too(
    features: dict[str, pd.DataFrame], run_stages: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_stages()
    first = contents()
    monkeypatch.setattr("radprompt.core.compute._START_S", 0.0)  # workers start however short the work
    for dataset, table in features.items():
        write_csv(f"data/features/{dataset}.csv", table.sample(frac=1, random_state=4))
    run_stages()
    assert contents() == first
    assert len(first) == 15 + 2 * (1 + 2 + 3 + 3 + 2)
