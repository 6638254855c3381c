import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from radprompt.core.errors import InputError
from radprompt.core.outputs import write_csv
from radprompt.selection.mrmr import MRMRSelector
from radprompt.selection.stability import selection_shares
from radprompt.tables.feature_names import FEATURES

ROOT = Path(__file__).parents[3]


def cohort(lesions: int = 120, features: int = 8) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """One column that tells the class, others that do not; two lesions a patient."""
    generator = np.random.default_rng(3)
    y = generator.integers(0, 2, lesions)
    X = pd.DataFrame(generator.normal(size=(lesions, features)), columns=[f"f{i}" for i in range(features)])
    X["f5"] += 2.5 * y
    return X, y, np.array([f"p{i // 2}" for i in range(lesions)])


def test_what_tells_the_class_is_always_picked_and_shares_add_up() -> None:
    X, y, patients = cohort()
    shares = selection_shares(X, y, patients, MRMRSelector(3), 20, 1)
    assert shares.index.tolist() == X.columns.tolist()
    assert shares["f5"] == 1.0
    assert shares.sum() == pytest.approx(3)
    assert shares.drop("f5").between(0, 0.9).all()
    assert (shares * 20).round(9).mod(1).eq(0).all()


def test_the_seed_decides_and_the_order_of_rows_does_not() -> None:
    X, y, patients = cohort()
    first = selection_shares(X, y, patients, MRMRSelector(3), 10, 1)
    order = np.random.default_rng(0).permutation(len(y))
    again = selection_shares(X.iloc[order], y[order], patients[order], MRMRSelector(3), 10, 1)
    pd.testing.assert_series_equal(first, again)
    assert not first.equals(selection_shares(X, y, patients, MRMRSelector(3), 10, 2))


def test_scale_does_not_matter() -> None:
    X, y, patients = cohort()
    first = selection_shares(X, y, patients, MRMRSelector(3), 5, 1)
    pd.testing.assert_series_equal(first, selection_shares(X * 1e-4 + 7, y, patients, MRMRSelector(3), 5, 1))


def test_patients_are_drawn_whole() -> None:
    """Copies of a lesion under its own patient change nothing; as patients of their own they do."""
    X, y, patients = cohort(60)
    copies = np.repeat(np.arange(60), 3)
    settings = (MRMRSelector(3), 12, 1)
    single = selection_shares(X, y, patients, *settings)
    together = selection_shares(X.iloc[copies], y[copies], patients[copies], *settings)
    apart = selection_shares(X.iloc[copies], y[copies], np.arange(180), *settings)
    pd.testing.assert_series_equal(single, together)
    assert not apart.equals(together)


def test_resamples_of_one_class_are_drawn_again() -> None:
    X, _, _ = cohort(6)
    y = np.array([1, 0, 0, 0, 0, 0])
    shares = selection_shares(X, y, np.arange(6), MRMRSelector(2, bins=2), 15, 0)
    assert shares.sum() == pytest.approx(2)


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    """The stage, in a folder with 60 training and 20 test lesions; only the first feature tells the class."""
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "params.yaml").read_text()
    (tmp_path / "params.yaml").write_text(text.replace("stability_draws: 50", "stability_draws: 4"))
    keys = [f"lesion{number:03d}" for number in range(80)]
    values = np.random.default_rng(0).normal(size=(80, len(FEATURES)))
    values[:, 0] += 3 * (np.arange(80) % 2)
    table = pd.DataFrame(values, columns=list(FEATURES))
    table.insert(0, "repeat", 0)
    table.insert(1, "lesion_id", keys)
    table.insert(2, "patient_id", [f"p{number // 2}" for number in range(80)])
    table.insert(3, "split", ["train"] * 60 + ["test"] * 20)
    table.insert(4, "label", np.arange(80) % 2)
    write_csv("data/standardised/vindr.csv", table)
    spec = importlib.util.spec_from_file_location("stage_stability", ROOT / "stages" / "selection_stability.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_stage_ranks_every_feature_on_training_lesions(stage: object) -> None:
    stage.main("vindr")  # type: ignore[attr-defined]
    target = Path("metrics/selection_stability_vindr.csv")
    first = target.read_bytes()
    table = pd.read_csv(target)
    assert list(table) == ["feature", "name", "share"]
    assert sorted(table["feature"]) == sorted(FEATURES)
    assert table["feature"].iloc[0] == FEATURES[0]
    assert table["share"].iloc[0] == 1.0
    assert table["share"].is_monotonic_decreasing
    assert table["share"].sum() == pytest.approx(8)
    standardised = pd.read_csv("data/standardised/vindr.csv")
    standardised.loc[standardised["split"] == "test", list(FEATURES)] = 0.0
    write_csv("data/standardised/vindr.csv", standardised)
    stage.main("vindr")  # type: ignore[attr-defined]
    assert target.read_bytes() == first


def test_only_repeat_0_is_drawn_from(stage: object) -> None:
    stage.main("vindr")  # type: ignore[attr-defined]
    before = Path("metrics/selection_stability_vindr.csv").read_bytes()
    table = pd.read_csv("data/standardised/vindr.csv")
    later = table.assign(repeat=1, **dict.fromkeys(FEATURES, 0.0))
    start = table.assign(lesion_id="s" + table["lesion_id"], split="start", **dict.fromkeys(FEATURES, 0.0))
    write_csv("data/standardised/vindr.csv", pd.concat([table, later, start]))
    stage.main("vindr")  # type: ignore[attr-defined]
    assert Path("metrics/selection_stability_vindr.csv").read_bytes() == before


def test_a_table_without_patients_or_of_no_setting_is_refused(stage: object) -> None:
    with pytest.raises(InputError, match=r"vinder\.csv: no such feature table"):
        stage.main("vinder")  # type: ignore[attr-defined]
    write_csv("data/standardised/vindr.csv", pd.read_csv("data/standardised/vindr.csv").drop(columns="patient_id"))
    with pytest.raises(InputError, match="patient_id"):
        stage.main("vindr")  # type: ignore[attr-defined]
    assert not Path("metrics").exists()
