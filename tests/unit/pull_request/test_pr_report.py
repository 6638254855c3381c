"""The report on a scratch repository with two real commits: verdicts, and all that a base may lack."""

import json
import re
import subprocess

import numpy as np
import pandas as pd
import pytest
from scratch_repository import Scratch, rows
from sklearn.metrics import roc_auc_score

from radprompt.core.errors import InputError
from radprompt.repository.pull_request.comment import LIMIT, MARKER
from radprompt.repository.pull_request.report import pull_request_report

SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><circle r="{}"/></svg>'


def _score(comment, setting, model, metric):
    """The cells of a model's line after its metric: before, after, difference, verdict."""
    found = re.findall(rf"^\| `{setting}` \| `{model}` \| {metric} \| (.*) \|$", comment, flags=re.M)
    assert found, f"no line of {setting}, {model}, {metric} in\n{comment}"
    return [cell.strip() for cell in found[0].split(" | ")]


def _auc(table):
    test = table[table["split"] == "test"]
    return roc_auc_score(test["label"], test["probability"])


def test_branch_that_changes_nothing_says_so(scratch):
    scratch.write("README.md", "words")
    scratch.commit("Words")
    assert scratch.report() == (
        f"{MARKER}\n## What this branch changes\n\nCompared with `base ({scratch.git('rev-parse', 'base')[:7]})`: "
        "**no change**. Parameters, stages, figures and plots are the same.\n"
    )


def test_clear_loss_is_worse_with_its_interval_and_the_models_that_stayed_are_not_there(scratch):
    scratch.predict("vindr", llm=rows(0.0, seed=1), svm=rows(0.4, seed=2), mlp=rows(0.2, seed=3))
    scratch.commit("Unlearned")
    comment = scratch.report()
    before, after, difference, verdict = _score(comment, "vindr", "llm", "AUC")
    assert (float(before), float(after)) == pytest.approx((_auc(rows(0.5)), _auc(rows(0.0))), abs=5e-4)
    value, low, high = map(float, re.fullmatch(r"(\S+) \((\S+) to (\S+)\)", difference.replace("−", "-")).groups())
    assert value == pytest.approx(float(after) - float(before), abs=2e-3)
    assert low < value < high < 0
    assert verdict == "**worse**"
    assert "| `vindr` | `svm`" not in comment
    assert re.search(r"\*\*\d+ worse\*\*", comment)


def test_gain_is_better_and_of_brier_less_is_better(scratch):
    scratch.predict("vindr", llm=rows(0.9, seed=1), svm=rows(0.4, seed=2), mlp=rows(0.2, seed=3))
    scratch.commit("Learned")
    comment = scratch.report()
    assert _score(comment, "vindr", "llm", "AUC")[3] == "**better**"
    _, _, difference, verdict = _score(comment, "vindr", "llm", "Brier")
    assert difference.startswith("−")
    assert verdict == "**better**"


def test_shuffled_digits_are_within_noise(scratch):
    other = rows(0.5, seed=1)
    other["probability"] = (other["probability"] + np.tile([0.004, -0.004], 40)).clip(0, 1)
    scratch.predict("vindr", llm=other, svm=rows(0.4, seed=2), mlp=rows(0.2, seed=3))
    scratch.commit("Another seed")
    comment = scratch.report()
    assert _score(comment, "vindr", "llm", "Brier")[3] == "within noise"
    assert "worse**" not in comment
    assert "better**" not in comment


def test_worse_comes_first_then_better_then_noise_and_each_by_size(scratch):
    scratch.predict("vindr", llm=rows(0.1, seed=1), svm=rows(0.9, seed=2), mlp=rows(0.21, seed=3))
    scratch.commit("All")
    folded = scratch.report().partition("Every score that differs")[2]
    verdicts = [line.split(" | ")[-1].strip(" |*") for line in folded.splitlines() if line.startswith("| `")]
    order = [word for word in dict.fromkeys(verdicts)]
    assert order[:3] == ["worse", "better", "within noise"]
    sizes = [
        abs(float(line.split(" | ")[5].split(" ")[0].replace("−", "-")))
        for line in folded.splitlines()
        if line.startswith("| `") and "**worse**" in line
    ]
    assert sizes == sorted(sizes, reverse=True)
    assert len(sizes) > 3


def test_language_model_beside_the_best_baseline_before_and_after(scratch):
    scratch.predict("vindr", llm=rows(0.5, seed=1), svm=rows(0.1, seed=2), mlp=rows(0.9, seed=3))
    scratch.commit("Another best")
    told = scratch.report().partition("### Language model against the best baseline")[2]
    own, svm, mlp = (f"{_auc(table):.3f}" for table in (rows(0.5), rows(0.4, seed=2), rows(0.9, seed=3)))
    before, after = re.findall(r"^\| .*(?:before|after) \| (.*) \|$", told, flags=re.M)[:2]
    assert before.startswith(f"{own} | `svm` | {svm} | ")
    assert after.startswith(f"{own} | `mlp` | {mlp} | −")


def test_repeated_setting_is_compared_over_its_halves(scratch):
    halves = [rows(0.5, seed=4, repeat=r, first=40 * r) for r in range(3)]
    rivals = [rows(0.3, seed=6, repeat=r, first=40 * r) for r in range(3)]
    scratch.predict("inbreast_adapted", llm=pd.concat(halves), svm=pd.concat(rivals))
    scratch.commit("Halves")
    scratch.git("branch", "-f", "base")
    worse = [half.assign(probability=1 - half["probability"]) for half in halves]
    scratch.predict("inbreast_adapted", llm=pd.concat(worse), svm=pd.concat(rivals))
    scratch.commit("Upside down")
    comment = scratch.report()
    assert "sd" not in comment.lower()  # spreads over halves are no scores
    before, after, _, verdict = _score(comment, "inbreast_adapted", "llm", "AUC")
    assert float(before) == pytest.approx(np.mean([_auc(half) for half in halves]), abs=5e-4)
    assert float(before) + float(after) == pytest.approx(1, abs=2e-3)
    assert verdict == "**worse**"


def test_other_test_lesions_are_compared_on_those_in_common_and_it_says_so(scratch):
    fewer = rows(0.0, seed=1).drop(index=range(70, 80))
    others = {"svm": rows(0.4, seed=2), "mlp": rows(0.2, seed=3)}
    scratch.predict("vindr", llm=fewer, **{name: table.drop(index=range(70, 80)) for name, table in others.items()})
    scratch.commit("Ten excluded")
    comment = scratch.report()
    assert "`vindr`: tested on the 50 of 60 test rows that both revisions have." in comment
    assert _score(comment, "vindr", "llm", "AUC")[3] == "**worse**"
    assert _score(comment, "vindr", "llm", "Lesions") == ["60.000", "50.000", "–", "no order"]


def test_no_test_lesion_in_common_is_not_tested(scratch):
    tables = {name: rows(0.5, seed=s, first=200) for name, s in (("llm", 1), ("svm", 2), ("mlp", 3))}
    scratch.predict("vindr", **tables)
    scratch.commit("Another cohort")
    assert _score(scratch.report(), "vindr", "llm", "AUC")[2:] == ["–", "not tested"]


def test_same_predictions_scored_otherwise_are_no_change_of_the_model(scratch):
    scratch.edit_params("threshold: 0.5                    # probability", "threshold: 0.8 # probability")
    scratch.commit("Threshold")
    comment = scratch.report()
    assert _score(comment, "vindr", "llm", "Sensitivity")[2:] == ["–", "same predictions"]
    assert "| `evaluation.threshold` | `0.5` | `0.8` |" in comment


def test_metric_that_is_not_finite_is_a_dash(scratch):
    metrics = scratch.folder / "metrics/evaluation/vindr.json"
    text = re.sub(r'"auc": [\d.]+', '"auc": NaN', metrics.read_text(), count=1)
    scratch.write("metrics/evaluation/vindr.json", text)
    scratch.git("commit", "-qam", "NaN")
    scratch.git("branch", "-f", "base")
    scratch.commit("Mended")
    before, after, difference, verdict = _score(scratch.report(), "vindr", "llm", "AUC")
    assert (before, after, difference, verdict) == ("–", f"{_auc(rows(0.5)):.3f}", "–", "same predictions")


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_comparison_and_counts_that_are_not_finite_are_dashes(scratch, word):
    path = "metrics/evaluation/vindr.json"
    content = json.loads((scratch.folder / path).read_text())
    models = content["vindr"]
    rival = next(name for name in models if name != "llm")
    models[rival] |= {"auc_difference": 0.1, "auc_difference_low": 0.0, "auc_difference_high": 0.2}
    scratch.write(path, re.sub(r'("auc_difference\w*": )[\d.]+', rf"\1{word}", json.dumps(content)))
    scratch.write("metrics/validation.json", f'{{"total": {{"errors": {word}, "warnings": 4}}}}')
    scratch.git("add", "-A")
    scratch.git("commit", "-qm", "Not finite")
    scratch.git("branch", "-f", "base")
    models["llm"]["auc"] -= 0.01
    scratch.write(path, json.dumps(content))
    scratch.write("metrics/validation.json", '{"total": {"errors": 0, "warnings": 4}}')
    scratch.commit("Mended")
    comment = scratch.report()
    assert "| `total.errors` | – | `0` |  |" in comment
    assert word not in comment


def test_base_without_metrics_calls_the_setting_new(tmp_path):
    made = Scratch(tmp_path / "repository")
    made.commit("Empty")
    made.git("branch", "base")
    made.predict("vindr", llm=rows(0.5), svm=rows(0.4, seed=2))
    made.commit("First results")
    comment = made.report()
    assert "Setting `vindr` is new: the base has no figures of it." in comment
    assert _score(comment, "vindr", "llm", "AUC") == ["–", f"{_auc(rows(0.5)):.3f}", "–", "new"]
    assert "| `language_model@vindr` | new |" in comment
    assert "| `vindr` | before | not evaluated |" in comment


def test_base_that_is_no_dvc_repository_at_all(tmp_path):
    made = Scratch(tmp_path / "repository")
    made.git("commit", "-q", "--allow-empty", "-m", "Nothing")
    made.git("branch", "base")
    made.predict("vindr", llm=rows(0.5), svm=rows(0.4, seed=2))
    made.commit("All")
    comment = made.report()
    assert "2 stages ran" in comment
    assert "| `seed` | – |" in comment


def test_setting_that_was_renamed_is_one_gone_and_one_new(scratch):
    scratch.git("mv", "metrics/evaluation/vindr.json", "metrics/evaluation/old_site.json")
    text = (scratch.folder / "metrics/evaluation/old_site.json").read_text().replace('"vindr"', '"old_site"')
    scratch.write("metrics/evaluation/old_site.json", text)
    scratch.git("commit", "-qam", "Old name")
    scratch.git("branch", "-f", "base")
    scratch.git("rm", "-q", "metrics/evaluation/old_site.json")
    scratch.commit("New name", "vindr")
    comment = scratch.report()
    assert "Setting `old_site` is only on the base" in comment
    assert "Setting `vindr` is new" in comment
    assert "renamed counts as one gone and one new" in comment
    assert _score(comment, "old_site", "llm", "AUC")[3] == "gone"


def test_model_that_is_new_and_one_that_is_gone(scratch):
    scratch.predict("vindr", llm=rows(0.5, seed=1), svm=rows(0.4, seed=2), xgboost=rows(0.2, seed=3))
    scratch.commit("Other rivals")
    comment = scratch.report()
    assert _score(comment, "vindr", "mlp", "AUC")[1:] == ["–", "–", "gone"]
    assert _score(comment, "vindr", "xgboost", "AUC")[3] == "new"


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda file: file.unlink(), "not in the cache, and no remote is set"),
        (lambda file: file.write_text("lesion_id\n"), "broken in the cache, and no remote is set"),
    ],
)
def test_predictions_of_the_base_that_nobody_has_leave_changes_untested_and_named(scratch, spoil, why):
    digest = scratch.stages["language_model@vindr"]["outs"][0]["md5"]
    scratch.predict("vindr", llm=rows(0.0, seed=1), svm=rows(0.4, seed=2), mlp=rows(0.2, seed=3))
    scratch.commit("Unlearned")
    spoil(scratch.folder / scratch.cached(digest))
    comment = scratch.report()
    assert _score(comment, "vindr", "llm", "AUC")[2:] == ["–", "not tested"]
    assert re.search(rf"- `data/predictions/vindr/llm.csv` of base \(\w+\): {why}", comment)
    assert str(scratch.folder) not in comment


def test_artefacts_that_are_in_the_cache_alone_are_read_from_there(scratch):
    scratch.predict("vindr", llm=rows(0.0, seed=1), svm=rows(0.4, seed=2), mlp=rows(0.2, seed=3))
    scratch.commit("Unlearned")
    for file in (scratch.folder / "data/predictions/vindr").glob("*.csv"):
        file.unlink()
    assert _score(scratch.report(), "vindr", "llm", "AUC")[3] == "**worse**"


def test_predictions_that_are_no_table_are_named(scratch):
    scratch.artefact("language_model@vindr", "data/predictions/vindr/llm.csv", "lesion_id,patient_id\na,b\n")
    scratch.write("metrics/evaluation/vindr.json", '{"vindr": {"llm": {"auc": 0.1}}}')
    scratch.git("commit", "-qam", "Broken")
    comment = scratch.report()
    assert "`data/predictions/vindr/llm.csv` of this branch: column(s) setting" in comment
    assert _score(comment, "vindr", "llm", "AUC")[3] == "not tested"


def test_stages_that_ran_say_why_and_an_entry_left_over_does_not_count(scratch):
    params = {"params.yaml": {"llm": {"learning_rate": 0.001, "epochs": 3}}}
    code = [{"path": "src/train.py", "md5": "1"}]
    scratch.stages["language_model@vindr"] |= {"params": params, "deps": code}
    scratch.stages["evaluate@vindr"] = {
        "cmd": "evaluate",
        "deps": [{"path": "data/predictions/vindr", "md5": "1.dir"}],
        "outs": [{"path": "metrics/evaluation/vindr.json", "md5": "5"}],
    }
    scratch.stages["transtab@vindr"] = {"cmd": "old", "outs": [{"path": "data/predictions/vindr/old.csv", "md5": "9"}]}
    scratch.commit("Recorded")
    scratch.git("branch", "-f", "base")
    scratch.stages["language_model@vindr"] |= {
        "params": {"params.yaml": {"llm": {"learning_rate": 0.0001, "epochs": 3}}},
        "deps": [{"path": "src/train.py", "md5": "2"}],
    }
    scratch.stages["evaluate@vindr"]["deps"] = [{"path": "data/predictions/vindr", "md5": "2.dir"}]
    scratch.stages["transtab@vindr"]["cmd"] = "older"
    scratch.commit("Lower rate")
    comment = scratch.report()
    assert "| `language_model@vindr` | ran | `src/train.py`, `llm.learning_rate` |  |" in comment
    assert "| `evaluate@vindr` | ran | `data/predictions/vindr` |  |" in comment
    assert "transtab" not in comment
    assert "2 stages ran" in comment


def test_contours_are_compared_lesion_by_lesion(scratch):
    def quality(dice):
        lesions = 40
        table = {"cohort": "cbis_test", "lesion_id": [f"l{i}" for i in range(lesions)], "source": "nnunet"}
        table |= {"patient_id": [f"p{i // 2}" for i in range(lesions)], "nnunet_hd95_px": 4.0}
        table["nnunet_dice"] = dice + np.random.default_rng(2).normal(0, 0.01, lesions).round(5)
        mean = float(table["nnunet_dice"].mean())
        scratch.artefact(
            "segmentation_quality", "data/segmentation_quality.csv", pd.DataFrame(table).to_csv(index=False)
        )
        record = f'{{"cbis_test": {{"lesions": {lesions}, "nnunet": {{"dice": {mean}, "hd95_px": 4.0}}}}}}'
        scratch.write("metrics/segmentation.json", record)
        return mean

    before = quality(0.92)
    scratch.commit("Contours")
    scratch.git("branch", "-f", "base")
    after = quality(0.85)
    scratch.commit("Coarser")
    comment = scratch.report()
    assert _score(comment, "cbis_test", "nnunet", "Dice") == [
        f"{before:.3f}",
        f"{after:.3f}",
        "−0.070 (−0.070 to −0.070)",
        "**worse**",
    ]
    assert "Hd95" not in comment
    assert "Other figures" not in comment


def test_validation_counts_are_judged_and_other_figures_are_listed(scratch):
    scratch.write("metrics/validation.json", '{"total": {"expectations": 90, "errors": 0, "warnings": 4}}')
    scratch.write("metrics/training/vindr.json", '{"vindr": {"val_loss": 0.65, "runs": 1}}')
    scratch.commit("Checked")
    scratch.git("branch", "-f", "base")
    suite = '{"rows": 9, "met": 5, "errors": 0, "warnings": 2}'
    total = '{"expectations": 92, "errors": 0, "warnings": 6}'
    scratch.write("metrics/validation.json", f'{{"masks": {suite}, "total": {total}}}')
    scratch.write("metrics/training/vindr.json", '{"vindr": {"val_loss": 0.7, "runs": 1}}')
    scratch.commit("More warnings")
    comment = scratch.report()
    assert "| `total.warnings` | `4` | `6` | **worse** |" in comment
    assert "| `total.expectations` | `90` | `92` |  |" in comment
    assert "| `masks.warnings` | – | `2` |  |" in comment
    assert "`masks.met`" not in comment
    assert "| `metrics/training/vindr.json: vindr.val_loss` | 0.65 | 0.7 |" in comment


def test_plots_lie_side_by_side_on_a_page_that_loads_nothing(scratch):
    scratch.write("plots/evaluation/vindr/roc.svg", SVG.format(1))
    scratch.write("plots/evaluation/vindr/same.svg", SVG.format(1))
    scratch.write("plots/training/vindr/plots/metrics/val_loss.tsv", "step\tval_loss\n1\t0.7\n2\t0.6\n")
    scratch.commit("Drawn")
    scratch.git("branch", "-f", "base")
    scratch.write("plots/evaluation/vindr/roc.svg", SVG.format(2))
    scratch.write("plots/evaluation/vindr/new drawing.svg", SVG.format(3))
    scratch.write("plots/training/vindr/plots/metrics/val_loss.tsv", "step\tval_loss\n1\t0.7\n2\t0.65\n")
    head = scratch.commit("Drawn again")
    comment = scratch.report(web="https://forge.test/us/radprompt/")
    page = (scratch.folder / "reports/pull_request.html").read_text()
    assert [line for line in page.splitlines() if line.startswith("<h2")] == [
        '<h2 id="plot-1">plots/evaluation/vindr/new drawing.svg</h2>',
        '<h2 id="plot-2">plots/evaluation/vindr/roc.svg</h2>',
        '<h2 id="plot-3">plots/training/vindr/plots/metrics</h2>',
    ]
    assert page.count('src="data:image/svg+xml;base64,') == 5
    assert page.count("not there") == 1
    assert not re.search(r'(?:src|href)="(?!data:)', page)
    base = scratch.git("rev-parse", "base")
    address = "https://forge.test/us/radprompt/blob/{}/plots/evaluation/vindr/{}?raw=true"
    assert f'<img src="{address.format(base, "roc.svg")}" width="360">' in comment
    assert f'<img src="{address.format(head, "roc.svg")}" width="360">' in comment
    assert f'| not there | <img src="{address.format(head, "new%20drawing.svg")}" width="360"> |' in comment
    assert "<img" not in scratch.report()


def test_names_from_elsewhere_make_no_mention_tag_or_cell(scratch):
    name = "x|y`@team <img src=z>"
    folder = "data/predictions/vindr"
    scratch.git("add", "-f", "params.yaml")
    for quality in (0.3, 0.6):
        table = rows(quality, seed=9).assign(setting="vindr", model=name)
        scratch.artefact("baselines@vindr", f"{folder}/theirs.csv", table.to_csv(index=False))
        scratch.commit("Theirs")
        if quality == 0.3:
            scratch.git("branch", "-f", "base")
    comment = scratch.report()
    assert "| `x\\|y'@team <img src=z>` | AUC |" in comment
    assert not re.search(r"(?<!`)@team", re.sub(r"`[^`]*`", "", comment))


def test_comment_that_grows_too_long_is_cut_and_says_so(scratch):
    many = {f"k{i:04d}_{'x' * 900}": i for i in range(80)}
    scratch.write("metrics/many.json", str(many).replace("'", '"'))
    scratch.commit("Many")
    comment = scratch.report()
    assert len(comment) <= LIMIT
    assert "Tables were left out" in comment
    assert comment.startswith(MARKER)


def test_base_that_is_behind_compares_with_the_commit_at_which_they_part(scratch):
    scratch.git("checkout", "-q", "base")
    scratch.edit_params("threshold: 0.5                    # probability", "threshold: 0.7 # probability")
    scratch.git("commit", "-qam", "Others went on")
    scratch.git("checkout", "-q", "main")
    assert "**no change**" in scratch.report()


def test_shallow_clone_says_how_to_deepen(scratch, tmp_path):
    scratch.write("README.md", "words")
    scratch.commit("Words")
    url = f"file://{scratch.folder}"
    command = ["git", "clone", "-q", "--depth", "1", "--no-single-branch", url, str(tmp_path / "shallow")]
    subprocess.run(command, check=True)
    with pytest.raises(InputError) as error:
        pull_request_report("origin/base", tmp_path / "page.html", root=tmp_path / "shallow")
    assert "shallow clone does not reach back to where this branch and 'origin/base' part" in str(error.value)
    assert "git fetch --unshallow" in str(error.value)
    assert "fetch-depth: 0" in str(error.value)
    subprocess.run(["git", "clone", "-q", "--depth", "1", url, str(tmp_path / "single")], check=True)
    with pytest.raises(InputError) as error:
        pull_request_report("origin/base", tmp_path / "page.html", root=tmp_path / "single")
    assert "no commit 'origin/base' in this shallow clone" in str(error.value)
    assert "git fetch origin base" in str(error.value)


def test_unknown_base_is_named(scratch, tmp_path):
    with pytest.raises(InputError, match="no commit 'origin/main' in this clone"):
        scratch.report("origin/main")


def test_history_without_a_common_commit_is_refused(scratch):
    scratch.git("checkout", "-q", "--orphan", "other")
    scratch.git("commit", "-qm", "Apart")
    with pytest.raises(InputError, match="there is no commit at which this branch and 'base' part"):
        scratch.report()
