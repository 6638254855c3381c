"""The checklists: complete, answered, and pointing at files that are there."""

import shutil
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from radprompt.core.errors import InputError
from radprompt.core.params import load_params
from radprompt.pages.report.checklists import CHECKLISTS, OUTPUTS, STATUSES, answer, load_checklist
from radprompt.pages.report.facts import facts
from radprompt.pages.report.page import AUDIT, RESULTS
from radprompt.pages.report.reader import Reader
from radprompt.repository.profiles import apply_profile
from radprompt.study.settings import load_settings

ROOT = Path(__file__).parents[3]
ITEMS = {"clear": 58, "metrics": 30}
NO_FACTS = ({}, [], None, None, {}, None, 0, {})
SETTINGS = load_settings(ROOT / "settings.yaml")


def _answers(name, root, *, synthetic=True, settings=SETTINGS, params=ROOT / "params.yaml"):
    known = facts(settings, load_params(params), *NO_FACTS)
    names = {"data_set": list(settings.data_sets), "measured": settings.measured}
    filled = answer(
        load_checklist(name), known, Reader(root), synthetic=synthetic, here=AUDIT, elsewhere=RESULTS, names=names
    )
    return filled, [item for _, items in filled["sections"] for item in items]


@pytest.mark.parametrize("name", CHECKLISTS)
@pytest.mark.parametrize("synthetic", [True, False])
def test_every_item_is_there_once_and_has_an_answer(name, synthetic):
    filled, items = _answers(name, ROOT, synthetic=synthetic)
    assert [item["number"] for item in items] == list(range(1, ITEMS[name] + 1))
    assert filled["total"] == sum(n for _, n in filled["counts"]) == ITEMS[name]
    for item in items:
        assert item["status"] in STATUSES
        # Not applicable, not done and partly done want a reason.
        assert len(item["answer"]) > 10 or item["status"] == "yes", item["number"]
        assert item["files"] or item["status"] == "n/a", item["number"]


@pytest.mark.parametrize(
    ("profile", "absent"), [("open", ["VinDr", "INbreast", "vindr_mammo", "BI-RADS 3, malignant"]), ("by_lesion", [])]
)
def test_answers_are_those_of_the_settings_in_force(profile, absent, tmp_path):
    for name in ("params.yaml", "settings.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    apply_profile(ROOT / "profiles" / f"{profile}.yaml", tmp_path / "params.yaml")
    given = {"settings": load_settings(tmp_path / "settings.yaml"), "params": tmp_path / "params.yaml"}
    said = {name: _answers(name, ROOT, synthetic=False, **given)[1] for name in CHECKLISTS}
    about = {name: {item["number"]: item for item in items} for name, items in said.items()}
    asked = [about["clear"][number] for number in (10, 13, 15, 18, 19)]
    asked += [about["metrics"][number] for number in (3, 4, 10, 18, 26)]
    text = " ".join(f"{item['answer']} {item['files']}" for item in asked)
    assert [word for word in absent if word in text] == []
    split = about["clear"][15]["answer"]
    if profile == "open":
        assert about["metrics"][3]["status"] == "yes"
        assert about["metrics"][4]["status"] == "no"
        assert "CBIS-DDSM keeps its official test part" in split
        assert "segmenter only" not in split
    else:
        assert "patients on both sides, where lesions are drawn one by one" in split
        assert "by lesion from train and val" in split
        assert "official" not in about["metrics"][26]["answer"]


def test_sections_have_the_published_extent():
    starts = {title: items[0]["number"] for title, items in _answers("clear", ROOT)[0]["sections"]}
    expected = {"Introduction": 4, "Method: study design": 7, "Method: data": 13, "Method: segmentation": 19}
    expected |= {"Method: evaluation": 38, "Results": 44, "Discussion": 49, "Open science": 53}
    assert expected.items() <= starts.items()
    starts = {title: items[0]["number"] for title, items in _answers("metrics", ROOT)[0]["sections"]}
    assert list(starts.values()) == [1, 4, 8, 11, 14, 18, 20, 26, 28]


def _outputs():
    """Return patterns of everything that the pipeline writes."""
    patterns = []
    for stage in YAML(typ="safe").load((ROOT / "dvc.yaml").read_text())["stages"].values():
        stage = stage.get("do", stage)
        for out in [*stage.get("outs", []), *stage.get("metrics", []), *stage.get("plots", [])]:
            path = out if isinstance(out, str) else next(iter(out))
            patterns.append("".join("*" if i % 2 else part for i, part in enumerate(_split(path))))
    return patterns


def _split(path):
    return [piece for part in path.split("${") for piece in part.split("}", 1)]


@pytest.mark.parametrize("name", CHECKLISTS)
def test_every_file_named_is_in_the_repository_or_written_by_a_stage(name):
    patterns = _outputs()
    for item in load_checklist(name)["items"]:
        for path in [*item["files"], *item.get("real", {}).get("files", [])]:
            if path.startswith("#") or (ROOT / path).exists():
                continue
            assert path.startswith(OUTPUTS), f"{name} {item['number']}: {path}"
            # A file, a folder that a stage writes, or one with a folder for each setting.
            written = any(fnmatch(path, p) or fnmatch(path, f"{p}/*") or p.startswith(f"{path}/") for p in patterns)
            assert written, f"{item['number']}: {path}"


def test_an_item_without_its_artefacts_is_not_done_and_says_that_they_are_missing(tmp_path):
    _, items = _answers("metrics", tmp_path)
    uncertainty = items[20]
    assert uncertainty["status"] == "no"
    assert ("metrics/comparison.csv (not there yet)", "") in uncertainty["files"]
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics/comparison.csv").touch()
    assert _answers("metrics", tmp_path)[1][20]["status"] == "yes"
    assert ("metrics/comparison.csv", "") in _answers("metrics", tmp_path)[1][20]["files"]


def test_sections_of_this_page_are_linked_and_those_of_the_other_one_named():
    _, items = _answers("clear", ROOT)
    assert ("this page: CLEAR", "#clear") in items[6]["files"]
    assert ("results page: Verdict", "") in items[1]["files"]


def test_a_place_that_no_fact_fills_is_an_error():
    checklist = load_checklist("clear")
    checklist["items"][0]["answer"] = "See {nowhere}."
    with pytest.raises(InputError, match=r"(?s)CLEAR, item 1: no fact fills \{nowhere\}"):
        answer(checklist, {"seed": "1"}, Reader(ROOT), synthetic=True, here=AUDIT, elsewhere=RESULTS, names={})


def test_external_test_is_answered_by_what_was_evaluated():
    params = load_params(ROOT / "params.yaml")
    real = replace(params, data=replace(params.data, root="data/raw"))
    result = {"setting": "vindr", "name": "VinDr", "lesions": 72, "patients": 30, "repeats": 1, "rows": [1, 2]}
    both = [result, result | {"setting": "inbreast_adapted", "repeats": 20}]
    nothing = NO_FACTS[2:]
    inner, outer = (facts(SETTINGS, params, {}, results, *nothing) for results in ([result], both))
    # Two data sets of one phantom are no two hospitals.
    statuses = (
        inner["external_status"],
        outer["external_status"],
        facts(SETTINGS, real, {}, both, *nothing)["external_status"],
    )
    assert statuses == ("no", "partly", "yes")
    assert "inbreast_adapted, over 20 halves of its patients" in outer["testing"]
    assert "one phantom" in outer["external"]
    assert inner["rivals"] == "1"


def test_dimensions_fit_only_if_they_do_at_both_sites():
    params = load_params(ROOT / "params.yaml")

    def known(vindr, half):
        features = {"rows": [{}] * 8, "fitted_on": vindr, "method": "mRMR (MIQ)", "stability": True}
        by_half = {"rows": [{"rank": rank} for rank in (*range(1, 9), "", "")], "fitted_on": half}
        return facts(SETTINGS, params, {}, [], None, features, {"inbreast_extended": by_half}, None, 0, {})

    assert known(160, 80)["dimensions_status"] == "yes"
    assert known(160, 40)["dimensions_status"] == "partly"
    assert known(40, 40)["dimensions_status"] == "no"
    assert "INbreast, the first half: 8 features on 40 training lesions, 5 a feature" in known(160, 40)["dimensions"]


def test_tuning_is_said_to_have_been_done_where_its_table_is_there():
    params = load_params(ROOT / "params.yaml")
    assert facts(SETTINGS, params, *NO_FACTS)["tuned"] == "None is tuned by search in this run."
    assert (
        "validation rows of VinDr-Mammo over 5 seeds"
        in facts(SETTINGS, params, {}, [], None, None, {}, None, 5, {})["tuned"]
    )


def test_redundancy_is_removed_by_mrmr_alone():
    params = load_params(ROOT / "params.yaml")
    every = replace(params, features=replace(params.features, selection="all"))
    assert facts(SETTINGS, params, *NO_FACTS)["redundancy_status"] == "yes"
    assert facts(SETTINGS, every, *NO_FACTS)["redundancy_status"] == "no"
    assert "every feature" in facts(SETTINGS, every, *NO_FACTS)["redundancy"]
