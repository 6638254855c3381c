"""Baselines of a table: what begins again, what goes on, what is left out and why."""

import numpy as np
import pandas as pd
import pytest

from radprompt.own_table.baselines import Taught, teach
from radprompt.own_table.encoding import Encoder
from radprompt.own_table.lessons import Lesson
from radprompt.own_table.rows import Rows
from radprompt.selection.record import Selection


def taught(lesson: Lesson, train: int, names=("area", "tone"), seed: int = 0, rare: int | None = None) -> Taught:
    rng = np.random.default_rng(seed)
    size = train + 12
    raw = pd.DataFrame(rng.normal(size=(size, len(names))), columns=list(names))
    labels = (raw[names[0]] > 0).astype(int).to_numpy(copy=True)
    labels[:2] = 0, 1
    if rare is not None:
        labels[:train] = 0
        labels[:rare] = 1
    raw.loc[1, names[1]] = np.nan
    cases = [f"{lesson.site}{n}" for n in range(size)]
    about = pd.DataFrame({"case": cases, "patient": cases, "split": ["train"] * train + ["test"] * 12, "label": labels})
    raw.index = about.index = pd.Index(cases)
    encoder = Encoder.fit(raw.iloc[:train])
    rows = Rows(about, encoder.transform(raw))
    return Taught(lesson, rows, encoder, Selection(names, names, "all", "MIQ", 5, tuple(cases[:train])))


FIRST = taught(Lesson("A", "A", None, 0), 40)
MODELS = {"models": ["logistic_regression", "svm", "all_features_logistic", "majority"]}


def test_at_the_first_site_every_model_speaks_of_the_test_cases(params):
    spoken = teach(FIRST, [], params(baselines=MODELS))
    table = pd.concat(spoken.predictions)
    assert table["model"].unique().tolist() == MODELS["models"]
    assert set(table["split"]) == {"test"}
    assert spoken.notes == []
    by_model = table.set_index("model")["probability"]
    assert by_model["majority"].nunique() == 1
    labels = table[table["model"] == "svm"]["label"].to_numpy()
    assert by_model["svm"][labels == 1].min() > by_model["svm"][labels == 0].max() - 0.5


def test_other_columns_make_conventional_models_begin_again(params):
    lessons = [taught(Lesson(f"B_{n}_cases", "B", n, 0), n, ("worst area", "edge"), 1) for n in (8, 20)]
    table = pd.concat(teach(FIRST, lessons, params(baselines=MODELS)).predictions)
    assert set(table["setting"]) == {"B_8_cases", "B_20_cases"}
    assert set(table["lesion_id"].str[0]) == {"B"}


def test_without_own_cases_the_first_sites_models_are_asked(params):
    none = taught(Lesson("B_0_cases", "B", 0, 0), 12, seed=5)
    asked = Taught(none.lesson, none.rows.of("test"), FIRST.encoder, FIRST.selection)
    (found,) = teach(FIRST, [asked], params(baselines={"models": ["logistic_regression"]})).predictions
    labels = found["label"].to_numpy()
    assert found["probability"][labels == 1].mean() > found["probability"][labels == 0].mean() + 0.3


def test_an_svm_takes_fewer_folds_and_without_two_cases_a_class_is_left_out_of_every_draw(params):
    lesson = [Lesson("B_8_cases", "B", 8, draw) for draw in range(2)]
    enough = [taught(lesson[0], 8, seed=1, rare=2)]
    own = params(baselines={"models": ["svm", "logistic_regression"]})
    assert {part["model"].iloc[0] for part in teach(FIRST, enough, own).predictions} == {"svm", "logistic_regression"}
    spoken = teach(FIRST, [*enough, taught(lesson[1], 8, seed=2, rare=1)], own)
    assert [part["model"].iloc[0] for part in spoken.predictions] == ["logistic_regression"] * 2
    assert spoken.notes == [
        "svm is left out of B_8_cases: it needs two training cases of each class for its probabilities."
    ]


def test_transtab_goes_on_and_begins_again(params):
    lessons = [taught(Lesson("B_8_cases", "B", 8, 0), 8, ("worst area", "edge"), 1)]
    own = params(baselines={"models": ["transtab"], "transtab": {"epochs": 2}})
    (first,) = teach(FIRST, [], own).predictions
    assert first["model"].unique().tolist() == ["transtab"]
    extended, scratch = teach(FIRST, lessons, own).predictions
    assert [part["model"].iloc[0] for part in (extended, scratch)] == ["transtab_extended", "transtab_scratch"]
    assert np.abs(extended["probability"] - scratch["probability"]).max() > 1e-4


def test_names_that_transtab_cannot_tell_apart_leave_it_out_with_the_reason(params):
    alike = taught(Lesson("A", "A", None, 0), 30, ("mean area", "area mean"))
    own = params(baselines={"models": ["transtab", "majority"], "transtab": {"epochs": 1}})
    spoken = teach(alike, [], own)
    assert [part["model"].iloc[0] for part in spoken.predictions] == ["majority"]
    assert spoken.notes == [
        "transtab is left out of A: TransTab cannot tell 'area mean' from 'mean area': the same words."
    ]


@pytest.mark.parametrize("how", ["censored", "real"])
def test_transtab_reads_the_names_that_the_prompt_shows(params, how, monkeypatch):
    seen = []

    def fit(self, X, y, X_val=None, y_val=None):
        seen.append(list(X))
        raise ZeroDivisionError

    monkeypatch.setattr("radprompt.baselines.transtab.TransTabClassifier.fit", fit)
    own = params(baselines={"models": ["transtab"]}, prompt={"names": how})
    with pytest.raises(ZeroDivisionError):
        teach(FIRST, [], own)
    expected = ["area", "tone", "tone missing"] if how == "real" else ["Feature A", "Feature B", "Feature B missing"]
    assert seen == [expected]
