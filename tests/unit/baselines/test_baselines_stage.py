"""The stage: every model in every setting and half, who goes on learning and who starts again."""

import copy
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from radprompt.baselines.classical import Conventional
from radprompt.baselines.transfer import MODELS
from radprompt.baselines.transtab import TransTabClassifier
from radprompt.core.errors import InputError
from radprompt.core.params import load_params
from radprompt.selection.record import Selection
from radprompt.study.settings import load_settings
from radprompt.tables.predictions import read_predictions

ROOT = Path(__file__).parents[3]
Stage = Callable[[str, str], None]
Tables = dict[str, pd.DataFrame]


def predictions(setting: str) -> pd.DataFrame:
    return read_predictions([f"data/predictions/{setting}/baselines.csv"], {setting: setting != "vindr"})


def probability(setting: str, model: str, repeat: int = 0, split: str = "test") -> np.ndarray:
    found = predictions(setting)
    chosen = (found["model"] == model) & (found["repeat"] == repeat) & (found["split"] == split)
    return found.loc[chosen, "probability"].to_numpy()


def features(setting: str, repeat: int = 0) -> Selection:
    return Selection.load(load_settings()[setting].selection_file(repeat))


def transtab() -> TransTabClassifier:
    params = load_params()
    return TransTabClassifier.from_params(params.baselines.transtab, params.seed)


def rows(tables: Tables, setting: str, repeat: int, split: str) -> tuple[pd.DataFrame, np.ndarray]:
    """Selected features under their readable names, and labels."""
    table, selection = tables[setting], features(setting, repeat)
    part = table[(table["repeat"] == repeat) & (table["split"] == split)]
    return part[list(selection.features)].set_axis(list(selection.names), axis=1), part["label"].to_numpy()


@pytest.mark.parametrize("setting", list(load_settings(ROOT / "settings.yaml")))
def test_every_model_predicts_every_half(setting: str, tables: Tables, run_stage: Stage) -> None:
    run_stage("baselines", setting)
    found, table = predictions(setting), tables[setting]
    second_site = load_settings(ROOT / "settings.yaml")[setting].continues
    assert set(found["model"]) == set(load_params().baselines.models) - (set() if second_site else set(MODELS))
    assert set(found["repeat"]) == ({0, 1, 2} if setting != "vindr" else {0})
    new = table[table["split"].isin(["val", "test"])].sort_values(["repeat", "lesion_id"])
    for _, own in found.groupby("model"):
        own = own.sort_values(["repeat", "lesion_id"])
        for name in ("repeat", "lesion_id", "split", "label"):
            assert own[name].tolist() == new[name].tolist()
    assert (found["patient_id"] == "p" + found["lesion_id"]).all()
    assert [path.name for path in Path("data/predictions").rglob("*") if path.is_file()] == ["baselines.csv"]


def test_conventional_models_start_again_on_the_selected_features(
    tables: Tables, run_stage: Stage, change_params: Callable[..., None]
) -> None:
    models = ["logistic_regression", "random_forest", "mlp", "all_features_logistic"]
    change_params(models=models)
    for setting in ("inbreast_extended", "inbreast_scratch"):
        run_stage("baselines", setting)
    extended, scratch = (
        predictions(name).drop(columns="setting") for name in ("inbreast_extended", "inbreast_scratch")
    )
    pd.testing.assert_frame_equal(extended, scratch, check_exact=True)
    params = load_params()
    fitted = Conventional("logistic_regression", params.baselines, params.seed)
    fitted.fit(*rows(tables, "inbreast_scratch", 2, "train"))
    expected = fitted.predict_proba(rows(tables, "inbreast_scratch", 2, "test")[0])[:, 1]
    assert probability("inbreast_scratch", "logistic_regression", 2) == pytest.approx(expected, abs=1e-6)


def test_unadapted_models_are_those_of_vindr(
    tables: Tables, run_stage: Stage, change_params: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    change_params(models=["svm", "mlp", "transtab"])
    trained: list[str] = []
    fit, fit_transtab = Conventional.fit, TransTabClassifier.fit
    monkeypatch.setattr(Conventional, "fit", lambda self, *data: trained.append(self.name) or fit(self, *data))
    monkeypatch.setattr(
        TransTabClassifier, "fit", lambda self, *data: trained.append("tt") or fit_transtab(self, *data)
    )
    run_stage("baselines", "inbreast_unadapted")
    assert sorted(trained) == ["mlp", "svm", "tt"]  # once, not once a repeat
    run_stage("baselines", "vindr")
    for model in ("svm", "mlp", "transtab"):
        of_vindr = probability("vindr", model, split="val")
        for repeat in range(3):
            own = probability("inbreast_unadapted", model, repeat, split="val")
            assert own == pytest.approx(of_vindr, abs=1e-7)


def test_transtab_goes_on_from_vindr_where_the_setting_does(
    tables: Tables, run_stage: Stage, change_params: Callable[..., None]
) -> None:
    change_params(models=["transtab"])
    start = transtab().fit(*rows(tables, "vindr", 0, "train"), *rows(tables, "vindr", 0, "val"))
    for setting in ("inbreast_adapted", "inbreast_extended", "inbreast_scratch"):
        run_stage("baselines", setting)
        data = (*rows(tables, setting, 1, "train"), *rows(tables, setting, 1, "val"))
        learnt = transtab().fit(*data) if setting == "inbreast_scratch" else copy.copy(start).adapt(*data)
        expected = learnt.predict_proba(rows(tables, setting, 1, "test")[0])[:, 1]
        assert probability(setting, "transtab", 1) == pytest.approx(expected, abs=1e-6)
    assert (probability("inbreast_extended", "transtab", 1) != probability("inbreast_scratch", "transtab", 1)).any()


def test_transtab_reads_the_names_that_a_prompt_shows(
    tables: Tables, run_stage: Stage, change_params: Callable[..., None]
) -> None:
    change_params(models=["transtab", "svm"])
    text = Path("params.yaml").read_text()
    run_stage("baselines", "vindr")
    real = {model: probability("vindr", model) for model in ("transtab", "svm")}
    Path("params.yaml").write_text(text.replace("names: real", "names: censored"))
    run_stage("baselines", "vindr")
    assert (probability("vindr", "svm") == real["svm"]).all()
    assert (probability("vindr", "transtab") != real["transtab"]).any()
    ordered = sorted(features("vindr").names)
    names = [f"Feature {'ABC'[ordered.index(name)]}" for name in features("vindr").names]
    (X, y), (X_val, y_val), (X_new, _) = (rows(tables, "vindr", 0, split) for split in ("train", "val", "test"))
    X, X_val, X_new = (each.set_axis(names, axis=1) for each in (X, X_val, X_new))
    expected = transtab().fit(X, y, X_val, y_val).predict_proba(X_new)[:, 1]
    assert probability("vindr", "transtab") == pytest.approx(expected, abs=1e-6)


def test_conventional_models_alone_need_neither_torch_nor_vindr(
    tables: Tables, run_stage: Stage, change_params: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    change_params(models=["svm"])
    Path("data/standardised/vindr.csv").unlink()
    monkeypatch.setitem(sys.modules, "radprompt.baselines.transtab", None)  # importing it would fail
    run_stage("baselines", "inbreast_extended")
    assert set(predictions("inbreast_extended")["model"]) == {"svm"}


def test_more_repeats_than_there_are_halves_are_refused(tables: Tables, run_stage: Stage) -> None:
    table = tables["inbreast_scratch"]
    table[table["repeat"] < 2].to_csv("data/standardised/inbreast_scratch.csv", index=False)
    with pytest.raises(InputError, match=r"inbreast_scratch\.csv: no rows of repeat 2"):
        run_stage("baselines", "inbreast_scratch")
    assert not Path("data/predictions").exists()


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_any_number_of_workers_gives_the_same_bytes(
    backend: str, tables: Tables, run_stage: Stage, change_params: Callable[..., None]
) -> None:
    change_params(models=["random_forest", "mlp", "svm", "xgboost", "transtab"])
    run_stage("baselines", "inbreast_extended")
    path = Path("data/predictions/inbreast_extended/baselines.csv")
    alone, text = path.read_bytes(), Path("params.yaml").read_text()
    text = text.replace("workers: 1", "workers: 2").replace("backend: loky", f"backend: {backend}")
    Path("params.yaml").write_text(text)
    assert (load_params().compute.workers, load_params().compute.backend) == (2, backend)
    run_stage("baselines", "inbreast_extended")
    assert path.read_bytes() == alone
