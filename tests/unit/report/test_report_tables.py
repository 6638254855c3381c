"""Tables 1 and 2, the settings, and the parts that came with the second site."""

import math
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from radprompt.core.outputs import write_csv
from radprompt.core.params import load_params
from radprompt.evaluation.paper import compare_with_paper
from radprompt.pages.report.ablations import ablations
from radprompt.pages.report.drift import drift
from radprompt.pages.report.explanations import explanations
from radprompt.pages.report.features import features_by_half, selected_features
from radprompt.pages.report.learning_curve import learning_curve
from radprompt.pages.report.limits import limits
from radprompt.pages.report.paper import paper_blocks
from radprompt.pages.report.protocols import halves, protocols
from radprompt.pages.report.reader import Reader
from radprompt.pages.report.results import setting_results
from radprompt.pages.report.tables import table_1, table_2

NAN = math.nan
ONE = {"llm": (0.7, 0.6, 0.8, NAN, NAN), "svm": (0.9, 0.8, 0.95, -0.3, -0.05), "mlp": (0.5, 0.4, 0.6, 0.1, 0.3)}
NAMES = {"llm": (0.7, 0.6, 0.8, NAN, NAN), "transtab": (0.6, 0.5, 0.7, 0, 0.2), "size_alone": (0.5, 0.4, 0.6, 0.1, 0.3)}


def _params(repository):
    """Return the repository's params, with as many halves as the tests count on."""
    params = load_params(repository / "params.yaml")
    repeats = replace(params.adaptation.repeats, llm=3, baselines=20)
    return replace(params, adaptation=replace(params.adaptation, repeats=repeats))


def _names(table):
    return {title: [row["name"] for row in rows] for title, rows in table["parts"]}


def test_table_1_has_the_papers_models_in_its_order_and_both_sites_side_by_side(make_comparison, settings):
    rows = [make_comparison(ONE), make_comparison(ONE | NAMES, setting="inbreast_adapted", repeats=3)]
    table = table_1(pd.concat(rows), settings, "llm")
    assert table["groups"] == [("VinDr-Mammo, internal test", False), ("INbreast, adapted", True)]
    assert _names(table) == {
        "The paper's models": ["SVM", "MLP", "TransTab", "language model"],
        "Not in the paper": ["size alone"],
    }
    assert table["width"] == 5 + 5 + 1
    svm, _, transtab, llm = table["parts"][0][1]
    assert [group["cells"][0] for group in svm["groups"]] == [
        {"value": "0.900", "interval": "0.80 to 0.95", "spread": ""},
        {"value": "0.900", "interval": "0.80 to 0.95", "spread": "SD 0.034"},
    ]
    assert transtab["groups"][0]["cells"] == [None] * 5  # it was not evaluated on VinDr
    assert (llm["reference"], llm["groups"][1]["repeats"]) == (True, 3)


def test_table_2_has_two_rows_for_models_that_go_on_and_one_for_those_that_cannot(make_comparison, settings):
    worse = {"llm": (0.65, 0.5, 0.7, NAN, NAN), **{k: v for k, v in NAMES.items() if k != "llm"}}
    on, again = (
        make_comparison(values, setting=name, repeats=3)
        for values, name in ((NAMES, "inbreast_extended"), (worse, "inbreast_scratch"))
    )
    table = table_2(pd.concat([on, again]), settings, "llm")
    paper = table["parts"][0][1]
    assert [row["name"] for row in paper] == [
        "TransTab, transferred",
        "TransTab, from scratch",
        "language model, extended",
        "language model, from scratch",
    ]
    assert [row["groups"][0]["cells"][0]["value"] for row in paper[2:]] == ["0.700", "0.650"]
    assert _names(table)["Not in the paper"] == ["size alone"]
    assert table_2(make_comparison(ONE), settings, "llm") is None


def test_the_named_model_follows_the_language_model_and_its_variants_are_below(make_comparison, settings):
    named = dict.fromkeys(("named", "named_all"), (0.6, 0.5, 0.7, 0, 0.2))
    second = dict.fromkeys(("named_permuted", "pooled_logistic"), (0.6, 0.5, 0.7, 0, 0.2))
    one = table_1(make_comparison(NAMES | named), settings, "llm")
    assert _names(one) == {
        "The paper's models": ["TransTab", "language model"],
        "Ours beyond the paper": ["named model"],
        "Not in the paper": ["named model, all features", "size alone"],
    }
    rows = [make_comparison(NAMES | named | second, setting="inbreast_extended", repeats=3)]
    rows += [make_comparison(NAMES | named, setting="inbreast_scratch", repeats=3)]
    two = _names(table_2(pd.concat(rows), settings, "llm"))
    assert two["Ours beyond the paper"] == ["named model, extended", "named model, from scratch"]
    assert two["Not in the paper"] == [
        "named model, all features, extended",
        "named model, all features, from scratch",
        "named model, names permuted",  # only where another site's model is continued
        "logistic regression on both sites",
        "size alone",
    ]


def test_tests_that_a_setting_does_not_have_get_no_column(make_comparison, settings):
    once = setting_results(make_comparison(ONE), "vindr", settings, "llm", 0.95)
    several = setting_results(
        make_comparison(ONE, setting="inbreast_scratch", repeats=3), "inbreast_scratch", settings, "llm", 0.95
    )
    assert (once["tests"], several["tests"]) == (["by patient"], ["over halves"])
    assert (once["repeats"], several["repeats"]) == (1, 3)
    assert several["rows"][0]["cells"][0]["spread"] == "SD 0.034"


def test_every_setting_says_what_is_fitted_on_what(settings):
    rows = {row["setting"]: row for row in protocols(settings)}
    assert rows["inbreast_unadapted"]["train"] == "nothing more"
    assert rows["inbreast_adapted"]["features"] == "VinDr-Mammo: train"
    assert rows["inbreast_extended"]["features"] == "INbreast: adapting half, training part"
    assert rows["inbreast_extended"]["start"] == "the model of vindr"
    assert rows["inbreast_scratch"]["start"] == "the pretrained model"
    assert {row["test"] for name, row in rows.items() if name != "vindr"} == {"INbreast: other half"}


def test_halves_are_counted_by_what_their_lesions_are_for(repository, settings):
    found = halves(Reader(repository), "inbreast", settings, _params(repository))
    assert (found["drawn"], found["llm"], found["baselines"]) == (2, 3, 20)
    counts = [(role, row["patients"], row["lesions"], row["malignant"]) for role, row in found["first"]]
    assert counts == [("trains", 1, 2, 1), ("chooses epochs and thresholds", 1, 2, 1), ("tests", 2, 4, 2)]
    assert found["extents"][2] == ("tests", "4 lesions")


def test_features_of_halves_are_counted_and_set_beside_the_first_sites(repository, settings):
    found = features_by_half(Reader(repository), "inbreast_extended", settings)
    assert [(row["name"], row["count"], row["rank"], row["elsewhere"]) for row in found["rows"]] == [
        ("Sphericity", 2, 1, 1),
        ("Perimeter", 1, "", ""),
    ]
    assert (found["shared"], found["shared_extent"], found["distinct"]) == ("Sphericity", "1", 2)
    assert found["twins"] == ["inbreast_scratch"]
    assert selected_features(Reader(repository), "vindr", settings)["method"] == "mRMR (MIQ)"


def test_learning_curve_averages_repeats_and_joins_the_ends(repository, settings):
    found = learning_curve(Reader(repository), settings)
    assert found["columns"] == ["0", "10", "all (40 to 41)"]
    assert [row["name"] for row in found["rows"]] == [
        "language model, continued",
        "language model, restarted",
        "SVM, restarted",
    ]
    assert found["rows"][0]["cells"][1] == {"value": "0.650", "interval": "", "spread": "SD 0.071"}
    assert found["sentence"].endswith(
        "mean AUC: from 10 lesions 0.650 against 0.650; from all lesions 0.750 against 0.750."
    )


@pytest.mark.parametrize(
    ("feature", "pushes", "words"),
    [
        ("shape_Sphericity", "benign when high", "as the paper's discussion says"),
        ("shape_Sphericity", "malignant when high", "the opposite of what the paper's discussion says"),
        ("shape_Sphericity", "neither", "no clear direction"),
        ("shape_Perimeter", "benign when high", "Sphericity is not among the features"),
    ],
)
def test_whether_sphericity_pushes_to_benign_is_what_the_numbers_say(repository, feature, pushes, words):
    path = repository / "metrics/explanations.csv"
    write_csv(path, pd.read_csv(path).assign(feature=feature, pushes=pushes))
    found = explanations(Reader(repository))
    assert words in found["sentences"][-1]
    assert "by 0.400 on average" in found["sentences"][0]
    assert [title for title, _ in found["drawings"]] == ["Each lesion's share of each feature"]


def test_a_feature_that_pushes_one_way_whatever_its_value_is_said_to(repository):
    path = repository / "metrics/explanations.csv"
    write_csv(path, pd.read_csv(path).assign(pushes="neither", mean_share=-0.4))
    assert "its share is on the benign side in every lesion" in explanations(Reader(repository))["sentences"][-1]


def test_drift_lists_the_largest_differences_and_what_prompts_name(repository, settings):
    found = drift(Reader(repository), settings, load_params(repository / "params.yaml").validation.drift)
    assert [row["name"] for row in found["rows"]] == [*(f"Feature {n}" for n in range(8)), "Feature 9"]
    assert [row["selected"] for row in found["rows"]] == [True, *[False] * 7, True]
    assert found["left_out"] == 1
    assert found["sentence"].startswith("5 of 10 features are shifted, 1 of the 2 in the prompts of VinDr-Mammo")
    assert "by 0.5 standard deviations or more" in found["sentence"]
    first = found["rows"][0]
    assert (first["reference"], first["other"]) == ("\N{MINUS SIGN}2.5 (1)", "2 (1.5)")
    assert (first["difference"], first["p_holm"]) == ("1.00", "<0.001")
    assert found["source"].startswith("data:image/svg+xml")


def test_ablations_have_the_papers_figures_beside_ours_and_name_what_was_not_run(repository, settings):
    found = ablations(Reader(repository), settings, load_params(repository / "params.yaml"))
    (table,) = found["tables"]
    assert table["title"] == "Table 3: Rank of LoRA"
    assert [name for name, _ in table["head"]] == ["Row", "Parameters", "Setting", "Model", "AUC", "Minutes"]
    assert [cell["value"] for cell in table["rows"][0]][1:] == [
        *("llm.lora.rank=4", "VinDr-Mammo, internal test", "language model", "0.688", "3.5"),
    ]
    assert table["rows"][0][4] == {"value": "0.688", "interval": "0.50 to 0.75", "spread": "paper 0.670"}
    assert [number for number, _ in found["absent"]] == [4, 5]
    assert "order" in found["others"]


@pytest.mark.parametrize(("auc", "said"), [(0.7, True), (0.5, False)])
def test_a_table_of_another_run_says_so(repository, make_comparison, auc, said, settings):
    write_csv(repository / "metrics/evaluation/vindr.csv", make_comparison({"llm": (0.5, 0.4, 0.6, NAN, NAN)}))
    rows = {"row": ["rank-16", "rank-8"], "params": ["llm.lora.rank=16", "llm.lora.rank=8"], "auc": [auc, 0.9]}
    table = pd.DataFrame(rows).assign(table="table3", setting="vindr", model="llm")
    write_csv(repository / "metrics/ablations/table3.csv", table)
    note = ablations(Reader(repository), settings, load_params(repository / "params.yaml"))["tables"][0]["note"]
    earlier = (
        "(row rank-16) it has an AUC of 0.700 in VinDr-Mammo, internal test, this run 0.500. Compare its rows with each"
    )
    assert (earlier in note) == said
    assert ("earlier run" in note) == said


def test_the_table_that_decided_the_readout_says_what_this_run_uses(repository, settings):
    params = load_params(repository / "params.yaml")
    used = {"readout": params.llm.readout, "layers": params.llm.lora.layers, "last_loss": 0.625}
    rows = pd.DataFrame([used, {"readout": "other", "layers": 0, "last_loss": 0.5}])
    rows = rows.assign(learning_rate=params.llm.learning_rate, seeds=5, val_auc=0.7, val_auc_sd=0.02, val_loss=0.6)
    rows = rows.assign(val_loss_sd=0.01, last_loss_sd=0.03)
    write_csv(repository / "metrics/ablations/decided.csv", rows)
    found = ablations(Reader(repository), settings, params)
    table = found["tables"][-1]
    assert found["seeds"] == 5
    assert "over 5 seeds; no test row was read" in table["note"]
    assert "flatters: readout other, the head alone, learning rate 0.001, 0.500." in table["note"]
    assert (
        f"readout {params.llm.readout}, {params.llm.lora.layers} layers, learning rate 0.001, 0.625." in table["note"]
    )
    assert table["rows"][0][4] == {"value": "0.700", "interval": "", "spread": "SD 0.020"}


def test_the_committed_table_decided_what_params_say(repository, settings):
    """By its own rule: the lowest loss of the last epoch."""
    root = Path(__file__).parents[3]
    shutil.copy(root / "metrics/ablations/language_model_settings.csv", repository / "metrics/ablations/decided.csv")
    found = ablations(Reader(repository), settings, load_params(root / "params.yaml"))
    assert found["seeds"] == 5
    assert found["tables"][-1]["note"].count("readout features, 2 layers, learning rate 0.001, 0.591") == 2


def test_a_table_of_unknown_columns_is_shown_as_it_is(repository, settings):
    write_csv(repository / "metrics/ablations/other_thing.csv", pd.DataFrame({"what": ["a", None], "much": [0.5, NAN]}))
    table = ablations(Reader(repository), settings, load_params(repository / "params.yaml"))["tables"][-1]
    assert (table["title"], table["head"]) == ("other thing", [("what", False), ("much", True)])
    assert [[cell["value"] for cell in row] for row in table["rows"]] == [["a", "0.5"], ["", ""]]


def test_the_papers_figures_stand_below_ours(repository, make_comparison, settings):
    rows = pd.concat([make_comparison(ONE).assign(metric=metric) for metric in ("auc", "accuracy")])
    write_csv(repository / "metrics/paper_comparison.csv", compare_with_paper(rows, settings, synthetic=True))
    found = paper_blocks(Reader(repository), settings)
    assert (found["matching"], found["total"]) == (21, 49)
    accuracy, _, auc, _ = found["blocks"][0]["rows"][3]["cells"]  # SVM, VinDr-Mammo
    assert accuracy == {"value": "0.900", "interval": "0.80 to 0.95", "spread": "paper 0.653"}
    assert auc["spread"] == "paper 0.653"
    naive_bayes = found["blocks"][0]["rows"][4]
    assert naive_bayes["cells"][0] == {"value": "\N{EN DASH}", "interval": "", "spread": "paper 0.627"}
    assert naive_bayes["balanced"]["spread"] == "recomputed 0.623"


def test_limits_say_what_halves_and_intervals_leave_out(repository, make_comparison, settings):
    params = _params(repository)
    rows = pd.concat([make_comparison(ONE), make_comparison(ONE, setting="inbreast_adapted", repeats=3)])
    results = [setting_results(rows, name, settings, "llm", 0.95) for name in ("vindr", "inbreast_adapted")]
    said = " ".join(limits(settings, params, results, {}, rows, synthetic=True))
    assert "hold the choice of test patients only" in said
    assert "2 degrees of freedom and little power" in said
    assert "The 20 halves are drawn from the same patients" in said
    assert "No external test" not in said
    alone = " ".join(limits(settings, params, results[:1], {}, rows, synthetic=True))
    assert "halves are drawn" not in alone
    assert "No external test in this run" in alone
