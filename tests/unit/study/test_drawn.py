"""Settings that draw their lesions: how many, by what, and what a patient on both sides is worth where it leaks."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import KNeighborsClassifier

from radprompt.core.errors import InputError
from radprompt.gates.leakage import shared, shared_words
from radprompt.study.halves import draw_repeats
from radprompt.study.settings import SHARED, Drawing, check_settings
from radprompt.tables.lesions import Lesion, to_table

ROOT = Path(__file__).parents[3]
BY = {by: Drawing(["train", "val"], by, 0.2, 0.2) for by in ("patient", "lesion")}  # type: ignore[arg-type]


def lesions(patients: int, views: int = 2) -> list[Lesion]:
    """Return lesions of patients whose label has nothing to do with anything."""
    labels = np.random.default_rng(0).integers(2, size=patients)
    return [
        Lesion(
            *(f"l{patient:03d}_{view}", f"p{patient:03d}", f"s{patient:03d}", "vindr_mammo", f"{patient}_{view}.dcm"),
            *("CC", "L", "4", int(labels[patient]), "val" if patient % 4 == 0 else "train", 0, 0, 9, 9, "", 0.1, "tag"),
        )
        for patient in range(patients)
        for view in range(views)
    ]


def test_a_fifth_of_982_masses_is_the_papers_197_and_the_official_test_part_stays_out() -> None:
    known = [*lesions(491), Lesion(*("t", "pt", "s", "d", "i", "CC", "L", "4", 1, "test"), 0, 0, 9, 9, "", 0.1, "tag")]
    table = draw_repeats(known, BY["lesion"], 2, 3)
    counts = table[table["repeat"] == 0]["split"].value_counts().to_dict()
    assert counts == {"test": 197, "val": 157, "train": 628}  # 157: a fifth of 785, rounded up
    assert "t" not in set(table["lesion_id"])
    assert (table.groupby(["repeat", "patient_id"])["split"].nunique() > 1).any()
    pd.testing.assert_frame_equal(draw_repeats(known[::-1], BY["lesion"], 1, 3), table[table["repeat"] == 0])
    by_patient = draw_repeats(known, BY["patient"], 2, 3)
    assert (by_patient.groupby(["repeat", "patient_id"])["split"].nunique() == 1).all()


def test_a_feature_that_knows_the_patient_scores_by_lesion_alone_and_the_gate_counts_why() -> None:
    known = lesions(100)
    about = to_table(known).set_index("lesion_id")
    patient = about["patient_id"].str[1:].astype(int).to_numpy()
    values = np.random.default_rng(1).normal(size=(100, 4))[patient]  # the same in both views, nothing about the label
    values += np.random.default_rng(2).normal(size=values.shape) / 100
    features, found, words = pd.DataFrame(values, about.index), {}, {}
    for by, drawing in BY.items():
        table = draw_repeats(known, drawing, 5, 0)
        aucs = []
        for _, rows in table.groupby("repeat"):
            ids = {split: own["lesion_id"] for split, own in rows.groupby("split")}
            model = KNeighborsClassifier(1).fit(features.loc[ids["train"]], about.loc[ids["train"], "label"])
            scored = model.predict_proba(features.loc[ids["test"]])[:, 1]
            aucs.append(roc_auc_score(about.loc[ids["test"], "label"], scored))
        found[by] = np.mean(aucs)
        checks = list(shared(table.join(about[["study_id", "dataset", "image_path"]], on="lesion_id")))
        words[by] = shared_words(checks)
    assert found["lesion"] > 0.75
    assert abs(found["patient"] - 0.5) < 0.1
    assert "of 200 test lesions, the patient of 0 (0%)" in words["patient"]
    shares = int(words["lesion"].split("the patient of ")[1].split()[0])
    assert 140 < shares <= 200  # both others of a patient's two are seldom tested together
    assert "the image of 0 (0%)" in words["lesion"]


def content() -> dict:
    profile = YAML(typ="safe").load((ROOT / "profiles/by_lesion.yaml").read_text(encoding="utf-8"))
    return YAML(typ="safe").load((ROOT / "settings.yaml").read_text(encoding="utf-8")) | profile["settings"]


def test_a_setting_that_shares_patients_says_so_in_its_title() -> None:
    settings = check_settings(content())
    assert settings.shared == ["vindr_by_lesion"]
    assert settings.title("vindr_by_lesion").endswith(SHARED)
    assert SHARED not in settings.title("vindr_by_patient")
    assert settings["vindr_by_lesion"].ratio == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"drawn": {"splits": ["train"], "by": "breast", "test": 0.2, "val": 0.2}}, "drawn.by"),
        ({"drawn": {"splits": ["train"], "by": "lesion", "test": 1, "val": 0.2}}, "drawn.test"),
        ({"repeats": None}, "repeats is missing"),
        ({"test": "inbreast/test"}, "draws from one data set"),
        ({"val": "vindr_mammo/train"}, "write train, val and test"),
        ({"ratio": 0.5}, "neither folds nor ratio"),
        ({"start": "vindr_by_patient"}, "whose training lesions differ from repeat to repeat"),
    ],
)
def test_a_draw_that_cannot_be_is_refused(changes: dict, message: str) -> None:
    wrong = content()
    wrong["settings"]["vindr_by_lesion"] |= changes
    with pytest.raises(InputError, match=message):
        check_settings(wrong)
