"""The AUC in drawn and in corrected contours."""

import numpy as np
import pandas as pd
import pytest

from radprompt.core.params import load_params
from radprompt.evaluation.contour_change import auc_change

PARAMS = load_params("params.yaml")


def study(repeats: int = 1) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Sixty lesions whose first feature tells the label once the contours are corrected, and is noise before."""
    generator = np.random.default_rng(4)
    names = [f"l{number:02d}" for number in range(60)]
    labels = np.arange(60) % 2
    index = pd.MultiIndex.from_product([["site"], names], names=["dataset", "lesion_id"])
    noise = generator.normal(size=(60, 2))
    after = pd.DataFrame({"shape_Sphericity": labels + 0.5 * noise[:, 0], "firstorder_Mean": noise[:, 1]}, index=index)
    before = after.copy()
    before.loc[before.index[:50], "shape_Sphericity"] = generator.normal(size=50)
    rows = pd.DataFrame({"lesion_id": names, "patient_id": names, "dataset": "site", "label": labels})
    parts = []
    for repeat in range(repeats):
        split = (
            np.where(generator.permutation(60) < 30, "train", "test")
            if repeats > 1
            else np.repeat(["train", "test"], 30)
        )
        parts.append(rows.assign(repeat=repeat, split=split))
    return pd.concat(parts, ignore_index=True), before, after


def change(repeats: int = 1, **replaced):
    cohort, before, after = study(repeats)
    content = {"cohort": cohort, "before": before, "after": after} | replaced
    return auc_change(**content, repeats=range(repeats), params=PARAMS.baselines, seed=1, confidence=0.95)


def test_a_correction_that_tells_the_label_raises_the_auc():
    found = change()
    assert found["after"] > 0.85 > 0.75 > found["before"]
    assert found["difference"] == pytest.approx(found["after"] - found["before"])
    assert 0 < found["low"] < found["difference"] < found["high"]
    assert (found["corrected"], found["trained"], found["tested"]) == (50, 30, 20)


def test_over_several_repeats_the_interval_allows_for_their_overlap():
    found = change(4)
    assert (found["repeats"], found["corrected"]) == (4, 50)
    assert found["low"] < found["difference"] < found["high"]
    assert found == change(4)


def test_a_feature_that_is_undefined_in_both_contours_is_no_correction():
    _, before, after = study()
    for table in (before, after):
        table.loc[table.index[::2], "firstorder_Mean"] = np.nan
    assert change(before=before, after=after)["corrected"] == 50
    assert change(before=after, after=after)["corrected"] == 0


def test_contours_that_did_not_change_change_nothing():
    _, _, after = study()
    found = change(before=after)
    assert (found["difference"], found["low"], found["high"], found["corrected"]) == (0.0, 0.0, 0.0, 0)


def test_a_test_of_one_class_has_no_auc():
    cohort, _, _ = study()
    one = cohort[(cohort["split"] == "train") | (cohort["label"] == 1)]
    assert change(cohort=one) is None
