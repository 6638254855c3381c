import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp

from radprompt.core.errors import InputError
from radprompt.core.outputs import write_csv
from radprompt.core.params import Drift
from radprompt.gates.drift import COLUMNS, compare_sites, draw_drift, standardised_difference, summarise
from radprompt.selection.record import Selection
from radprompt.tables.cohort import COLUMNS as COHORT
from radprompt.tables.cohort import write_cohort
from radprompt.tables.feature_names import FEATURES

LIMITS = Drift(difference=0.5, alpha=0.05)
OUTPUTS = [Path(name) for name in ("metrics/drift.csv", "metrics/drift.json", "plots/drift.svg")]


def sites(rows=40, others=30, seed=0):
    """Return two sites that are alike."""
    generator = np.random.default_rng(seed)
    return [pd.DataFrame(generator.normal(size=(n, len(FEATURES))), columns=list(FEATURES)) for n in (rows, others)]


def test_difference_is_in_pooled_standard_deviations():
    # Variances 1 and 4 with 2 and 3 degrees of freedom: pooled (2 + 12) / 5 = 2.8; means 2 and 7.
    first, second = np.array([1.0, 2.0, 3.0]), np.array([5.0, 6.0, 8.0, 9.0])
    variance = (2 * 1 + 3 * (4 + 1 + 1 + 4) / 3) / 5
    assert standardised_difference(first, second) == pytest.approx(5 / np.sqrt(variance))
    assert standardised_difference(second, first) == pytest.approx(-5 / np.sqrt(variance))
    assert standardised_difference(np.ones(3), np.ones(4)) == 0
    assert standardised_difference(np.ones(3), np.zeros(4)) == -np.inf


def test_statistics_are_scipys_and_correction_is_holms():
    vindr, inbreast = sites()
    inbreast["shape_Sphericity"] += 2
    inbreast["glcm_Contrast"] -= 1
    table = compare_sites(vindr, inbreast, LIMITS, ()).set_index("feature")
    assert sorted(table.index) == sorted(FEATURES)
    for feature in FEATURES:
        test = ks_2samp(vindr[feature], inbreast[feature])
        assert table.loc[feature, "ks"] == test.statistic
        assert table.loc[feature, "p"] == test.pvalue
    # Holm by hand: the k-th smallest p times how many are left, never below an earlier one, at most 1.
    ordered, worst = table["p"].sort_values(kind="stable"), 0.0
    for position, (feature, p) in enumerate(ordered.items()):
        worst = max(worst, min(1.0, p * (67 - position)))
        assert table.loc[feature, "p_holm"] == pytest.approx(worst, rel=1e-12)


def test_largest_difference_is_first_and_its_sign_is_the_second_sites():
    vindr, inbreast = sites()
    inbreast["shape_Sphericity"] += 2
    inbreast["glcm_Contrast"] -= 3
    table = compare_sites(vindr, inbreast, LIMITS, ("glcm_Contrast", "glcm_Correlation"))
    assert list(table.columns) == COLUMNS
    assert table["feature"].tolist()[:2] == ["glcm_Contrast", "shape_Sphericity"]
    assert table["difference"][0] < -2
    assert table["difference"][1] > 1
    assert table.loc[table["shifted"] == "yes", "feature"].tolist() == ["glcm_Contrast", "shape_Sphericity"]
    assert set(table.loc[table["selected"] == "yes", "feature"]) == {"glcm_Contrast", "glcm_Correlation"}
    found = summarise(table, 40, 30, LIMITS)
    assert (found["features"], found["shifted"], found["selected"], found["selected_shifted"]) == (67, 2, 2, 1)
    assert (found["reference_lesions"], found["other_lesions"], found["significant"]) == (40, 30, 2)


def test_identical_sites_do_not_differ():
    vindr, _ = sites()
    table = compare_sites(vindr, vindr.sample(frac=1, random_state=0), LIMITS, ())
    np.testing.assert_allclose(table["difference"], 0, atol=1e-12)
    assert (table["ks"] == 0).all()
    assert (table["p_holm"] == 1).all()
    assert (table["shifted"] == "no").all()


@pytest.mark.parametrize(("difference", "alpha", "shifted"), [(0.5, 0.05, "yes"), (5, 0.05, "no"), (0.5, 1e-30, "no")])
def test_shifted_is_both_large_and_more_than_chance(difference, alpha, shifted):
    vindr, inbreast = sites()
    inbreast["shape_Sphericity"] += 2
    table = compare_sites(vindr, inbreast, Drift(difference=difference, alpha=alpha), ())
    assert table.set_index("feature").loc["shape_Sphericity", "shifted"] == shifted


def test_drawing_has_a_dot_for_every_feature_and_marks_the_selected_ones():
    vindr, inbreast = sites()
    inbreast["shape_Sphericity"] += 2
    inbreast["glcm_Contrast"] = 1e6
    table = compare_sites(vindr, inbreast, LIMITS, ("shape_Sphericity",))
    figure = draw_drift(table, LIMITS, "INbreast less VinDr")
    assert figure.axes[-1].get_xlabel() == "Standardised mean difference, INbreast less VinDr"
    drawn = {}
    for axes in figure.axes:
        names = [label.get_text() for label in axes.get_yticklabels()]
        dots = [line for line in axes.lines if line.get_linestyle() == "None"]
        for dot in dots:
            drawn[names[int(dot.get_ydata()[0])]] = (float(dot.get_xdata()[0]), dot.get_marker(), dot.get_color())
    assert set(drawn) == set(table["name"])
    expected = table.set_index("name")["difference"]
    assert drawn["Sphericity"] == (pytest.approx(expected["Sphericity"]), "D", "#D55E00")
    assert drawn["Contrast"] == (3.0, "o", "#D55E00")  # far out of the panel
    assert drawn["Elongation"] == (pytest.approx(expected["Elongation"]), "o", "#0072B2")


@pytest.fixture
def study(configured, run_stage):
    """Lesions of VinDr's three splits and of INbreast's halves."""
    for dataset, splits in (("vindr_mammo", ["train"] * 20 + ["val", "test"] * 5), ("inbreast", ["adapt", "test"] * 8)):
        generator = np.random.default_rng(len(splits))
        rows = [(0, f"l{n:02d}", f"p{n}", f"s{n}", "i", dataset, split, n % 2) for n, split in enumerate(splits)]
        lesions = pd.DataFrame(rows, columns=COHORT)
        if dataset == "vindr_mammo":
            write_cohort("data/cohorts/vindr.csv", lesions)
        values = pd.DataFrame(generator.normal(size=(len(lesions), len(FEATURES))), columns=list(FEATURES))
        values.loc[(lesions["split"] != "train").to_numpy(), "shape_Sphericity"] += 5
        values.insert(0, "lesion_id", lesions["lesion_id"])
        write_csv(f"data/features/{dataset}.csv", values)
    Selection(("shape_Sphericity",), ("Sphericity",), "mrmr", "MIQ", 5, ("l00",)).save("models/selection/vindr/0.json")
    return lambda: run_stage("drift")


def test_stage_takes_training_lesions_and_all_of_the_second_site(study):
    study()
    found = json.loads(OUTPUTS[1].read_text())["drift"]
    assert (found["reference_lesions"], found["other_lesions"]) == (20, 16)
    first = pd.read_csv(OUTPUTS[0]).iloc[0]
    assert (first["feature"], first["shifted"], first["selected"]) == ("shape_Sphericity", "yes", "yes")
    assert first["difference"] > 4
    assert found["selected_shifted"] == 1


def test_same_tables_in_any_order_give_the_same_bytes(study):
    study()
    before = [path.read_bytes() for path in OUTPUTS]
    for dataset in ("vindr_mammo", "inbreast"):
        path = f"data/features/{dataset}.csv"
        write_csv(path, pd.read_csv(path).sample(frac=1, random_state=3))
    study()
    assert [path.read_bytes() for path in OUTPUTS] == before


def test_a_site_with_one_lesion_is_an_error_and_nothing_is_written(study):
    write_csv("data/features/inbreast.csv", pd.read_csv("data/features/inbreast.csv").head(1))
    with pytest.raises(InputError, match="1 lesion") as caught:
        study()
    assert caught.value.where == "data/features/inbreast.csv"
    assert not any(path.exists() for path in OUTPUTS)
