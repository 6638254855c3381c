"""The tables of the documentation say what metrics/ says."""

import json
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TABLES = runpy.run_path(str(ROOT / "docs/tools/prepare.py"))["TABLES"]
README = runpy.run_path(str(ROOT / "docs/tools/readme.py"))
TRIALS = runpy.run_path(str(ROOT / "docs/tools/trials.py"))
NAMES_WORTH = README["TEXTS"]["names"]
GAP = "\N{NO-BREAK SPACE}"


def test_the_readme_says_what_metrics_say():
    """Remake it by ``python docs/tools/readme.py``."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert readme.count("<!-- table: ") == 4
    assert readme.count("<!-- text: names -->") == 1
    assert README["written"](readme, ROOT / "metrics") == readme


def _cells(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


@pytest.fixture
def metrics(tmp_path):
    scores = {"auc": 0.66134, "auc_low": 0.5158, "auc_high": 0.8192, "balanced_accuracy": 0.5}
    rival = {"auc": 0.8, "auc_low": 0.7, "auc_high": 0.9}
    first = {"llm": {"lesions": 69, "patients": 30, "malignant": 34, **scores}, "svm": rival}
    site = {
        "llm": {"repeats": 2, "auc": 0.7, "auc_repeat_sd": 0.07},
        "svm": {"repeats": 20, "auc": 0.6, "auc_repeat_sd": 0.1},
    }
    names = ("inbreast_unadapted", "inbreast_adapted", "inbreast_extended", "inbreast_scratch")
    (tmp_path / "summary.json").write_text(json.dumps({"vindr": first, **dict.fromkeys(names, site)}))
    return tmp_path


def test_models_stand_by_auc_with_their_intervals(metrics):
    text = TABLES["vindr"](metrics)
    rows = _cells(text)
    assert [row[0] for row in rows] == ["SVM", "**language model**"]
    assert rows[1][1:3] == [f"0.661 (0.52{GAP}to{GAP}0.82)", f"0.500 (–{GAP}to{GAP}–)"]
    assert "69 masses, 34 malignant, of 30 patients. From `metrics/summary.json`." in text


def test_second_site_shows_halves_and_spread(metrics):
    assert _cells(TABLES["second-site"](metrics)) == [
        ["**language model**", "2", *["0.700 ± 0.07"] * 4],
        ["SVM", "20", *["0.600 ± 0.10"] * 4],
    ]


def test_models_that_are_not_in_every_setting_have_a_row_and_ours_come_first(metrics):
    summary = json.loads((metrics / "summary.json").read_text())
    named = {"repeats": 20, "auc": 0.5, "auc_repeat_sd": 0.1}
    for setting in ("inbreast_adapted", "inbreast_extended"):
        summary[setting] = summary[setting] | {"named": named, "pooled_logistic": named | {"auc": 0.65}}
    (metrics / "summary.json").write_text(json.dumps(summary))
    assert _cells(TABLES["second-site"](metrics)) == [
        ["**language model**", "2", *["0.700 ± 0.07"] * 4],
        ["**named model**", "20", "–", *["0.500 ± 0.10"] * 2, "–"],
        ["logistic regression on both sites", "20", "–", *["0.650 ± 0.10"] * 2, "–"],
        ["SVM", "20", *["0.600 ± 0.10"] * 4],
    ]


@pytest.fixture
def named(metrics):
    """What the named model's stages leave: the names tell something where the model is continued, and only there."""
    summary = json.loads((metrics / "summary.json").read_text())
    scores = {"named": 0.76, "named_permuted": 0.74, "named_without_names": 0.73, "pooled_logistic": 0.75}
    summary["inbreast_extended"] = {key: {"auc": auc} for key, auc in scores.items()}
    summary["inbreast_adapted"] = {"named": {"auc": 0.7}, "named_permuted": {"auc": 0.71}}
    summary["vindr"] |= {"named": {"auc": 0.79}, "normal_scores_logistic": {"auc": 0.78}}
    (metrics / "summary.json").write_text(json.dumps(summary))
    (metrics / "named").mkdir()
    for setting, p, gain in (("inbreast_extended", 0.02, 1.5), ("vindr", 1.0, 0.0)):
        record = {"names_p": p, "names_gain": gain, "scale_alike": 0.25, "scaling": "normal"}
        (metrics / f"named/{setting}.json").write_text(json.dumps({setting: {"named": record}}))
    points = [("named", 0, 0.7), ("named", 0, 0.72), ("named", 10, 0.74), ("named_restarted", 10, 0.6)]
    lines = [f"{line},named,{lesions},False,{n},{auc}" for n, (line, lesions, auc) in enumerate(points)]
    lines.append("named,named,45,True,0,0.9")
    (metrics / "named_curve.csv").write_text("\n".join(["line,model,lesions,all,repeat,auc", *lines]) + "\n")
    return metrics


def test_the_paragraph_on_names_says_what_they_bought_and_what_they_did_not(named):
    assert NAMES_WORTH(named) == (
        "In `inbreast_adapted` the names cost 0.010 of AUC over permuted ones: named model 0.700, names permuted "
        "0.710. "
        "In `inbreast_extended` the names bought 0.020 of AUC over permuted ones: named model 0.760, names permuted "
        "0.740, names left out 0.730 and logistic regression on both sites 0.750. "
        "Continued at the second site the named model has these mean AUCs: with no labelled lesions 0.710 and with 10 "
        "labelled lesions 0.740 (restarted 0.600). "
        "By the evidence: the names tell something in `inbreast_extended` (p 0.020); no sign that the names tell "
        "anything in `vindr` (p 1.000). "
        "Within `vindr` its AUC is 0.790, beside logistic regression on normal scores 0.780 and language model 0.661. "
        "No test stands behind differences between these AUCs."
    )


def test_the_paragraph_says_that_nothing_was_measured(tmp_path):
    assert NAMES_WORTH(tmp_path) == "Not measured yet: `dvc repro named evaluate summary named_curve` does."


def test_names_are_tested_setting_by_setting_in_the_order_of_the_protocols(named):
    assert _cells(TABLES["names"](named)) == [
        ["`vindr`", "named model", "1.000", "0.00", "0.25", "normal"],
        ["`inbreast_extended`", "named model", "0.020", "1.50", "0.25", "normal"],
    ]


def test_lines_without_a_point_have_a_dash(named):
    assert _cells(TABLES["named-curve"](named)) == [
        ["**named model**, from VinDr's model", "0.710", "0.740", "0.900"],
        ["**named model**, on the lesions alone", "–", "0.600", "–"],
    ]


def test_a_trial_is_met_by_the_interval_and_what_is_not_says_why():
    rows = {row[0]: row[1:] for row in _cells(TABLES["trials"](ROOT / "metrics"))}
    assert len(rows) == 13
    assert rows["Wisconsin, B, 5 labelled cases"][:3] == ["0.943", f"0.968 (0.95{GAP}to{GAP}0.98)", "yes"]
    hospitals = rows["lung CT, A to B, 10 cases, 8 features"]
    assert hospitals[:3] == ["0.655", f"0.613 (0.55{GAP}to{GAP}0.68)", "yes"]
    assert f"logistic regression on both sites 0.579 (0.51{GAP}to{GAP}0.64)" in hospitals[3]
    demo = json.loads((ROOT / "metrics/summary.json").read_text(encoding="utf-8"))
    for setting, data in (("vindr", "VinDr, 8 features"), ("inbreast_adapted", "INbreast adapted (trial: 8 halves)")):
        found = rows[f"demo, {data}"]
        own = demo[setting]["named"]
        assert found[1].startswith(f"{own['auc']:.3f} (")
        assert (found[2] == "yes") == (float(found[0]) <= own["auc_high"])


@pytest.mark.parametrize(
    ("high", "expected"),
    [
        (0.655, "yes"),
        (0.654, f"no: the trial's eight features are not known; all 984 give 0.605 (0.51{GAP}to{GAP}0.69)"),
    ],
)
def test_a_trial_above_the_interval_is_missed_and_says_why(high, expected):
    trial = next(trial for trial in TRIALS["TRIALS"] if trial.auc == 0.655)
    own = {"auc": 0.576, "auc_low": 0.52, "auc_high": high}
    models = {"named": own, "named_all": {"auc": 0.605, "auc_low": 0.51, "auc_high": 0.69}}
    assert TRIALS["_met"](trial, own, models) == expected


def test_what_is_promised_of_the_named_model_was_kept_when_measured():
    """Remake it by ``python benchmarks/named.py --limits``: seconds, coverage, and adapting against the joint fit."""
    rows = _cells(TABLES["named-limits"](ROOT / "metrics"))
    assert {row[3] for row in rows} == {"yes"}
    assert sum("90 % intervals" in row[0] for row in rows) == 2
    assert sum("demo's test lesions" in row[0] for row in rows) == 2


@pytest.mark.parametrize("name", TABLES)
def test_committed_metrics_fill_every_table(name):
    """As the site does; each row has as many cells as the head."""
    if name == "named-curve" and not (ROOT / "metrics/named_curve.csv").is_file():
        assert TABLES[name](ROOT / "metrics").startswith("Not measured yet: `dvc repro named_curve`")
        return
    lines = [line for line in TABLES[name](ROOT / "metrics").splitlines() if line.startswith("|")]
    head, _, *rows = [line.count(" | ") for line in lines]
    assert len(lines) > 2
    assert set(rows) == {head} or name == "ablations"
    assert not any(word in "".join(lines) for word in (" nan", "NaN", "None"))
