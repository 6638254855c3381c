"""Settings are data: one more in settings.yaml, and nothing else, is shown wherever the others are."""

import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
from ruamel.yaml import YAML

from radprompt.core.outputs import write_csv, write_json
from radprompt.core.params import load_params
from radprompt.pages.report.features import features_by_half, selected_features
from radprompt.pages.report.limits import external_settings
from radprompt.pages.report.page import build
from radprompt.pages.report.reader import Reader
from radprompt.pages.report.tables import table_1, table_2
from radprompt.study.settings import load_settings

ROOT = Path(__file__).parents[3]
NAN = float("nan")
SIXTH = {"llm": (0.8125, 0.7, 0.9, NAN, NAN), "svm": (0.6875, 0.6, 0.8, 0.01, 0.2)}
ENTRY = {
    "title": "Third site, adapted",
    "paper": "Table 1, third site",
    "train": "third/train",
    "val": "third/val",
    "test": "third/test",
    "start": "vindr",
    "trains": True,
    "selection": "third_adapted",
}


def _edit(path, change):
    yaml = YAML()  # keeps the order of settings
    content = yaml.load(path.read_text(encoding="utf-8"))
    change(content)
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(content, file)


def _add_third(content):
    content["data_sets"]["third"] = {"title": "Third site", "short": "Third"}
    content["halved"].append("third")
    content["measured"].append("third")
    content["settings"]["third_adapted"] = ENTRY


@pytest.fixture
def six(repository, make_comparison, against):
    """The repository with a sixth setting at a third site: in settings.yaml, and what stages leave of it."""
    _edit(repository / "settings.yaml", _add_third)
    path = repository / "metrics/comparison.csv"
    sixth = make_comparison(SIXTH, setting="third_adapted", repeats=3)
    write_csv(path, pd.concat([pd.read_csv(path), sixth], ignore_index=True))
    path = repository / "metrics/against_best.csv"
    third = against("third_adapted", {"llm": (0.8125, 0.7, 0.9, 0.125, 0.01, 0.2), "best": (0.6875, 0.6, 0.8)})
    write_csv(path, pd.concat([pd.read_csv(path), third], ignore_index=True))
    source = repository / "models/selection/inbreast_extended"
    shutil.copytree(source, repository / "models/selection/third_adapted")
    record = {"features": ["shape_Perimeter"], "names": ["Perimeter"], "method": "mrmr", "scheme": "MIQ", "bins": 5}
    write_json(repository / "models/selection/third_adapted/0.json", record | {"fitted_on": ["a", "b", "c"]})
    shutil.copytree(repository / "plots/training/vindr", repository / "plots/training/third_adapted")
    shutil.copytree(repository / "plots/evaluation/vindr", repository / "plots/evaluation/third_adapted")
    halves = pd.read_csv(repository / "data/halves/inbreast.csv")
    write_csv(repository / "data/halves/third.csv", halves)
    lesions = pd.read_csv(repository / "data/lesions/inbreast.csv")
    write_csv(repository / "data/lesions/third.csv", lesions)
    return repository


def _sections(text):
    """Return each section's HTML by its id."""
    return dict(re.findall(r'<section id="(\w+)">(.*?)</section>', text, flags=re.DOTALL))


def test_a_sixth_setting_is_shown_wherever_the_five_are(six):
    text = "".join(build(six, load_params(six / "params.yaml")))
    sections = _sections(text)
    for anchor in ("verdict", "settings", "features", "training", "results", "figures", "limits"):
        assert "Third site, adapted" in sections[anchor], anchor
    assert "0.812" in sections["verdict"]  # its AUC, 0.8125
    row = sections["settings"].split("<code>third_adapted</code>")[1].split("</tr>")[0]
    for cell in ("the model of vindr", "Third site: adapting half, training part", "Third site: other half"):
        assert cell in row
    assert "Table 1, third site" in row
    assert "Third site's patients are halved 2 times" in sections["settings"]
    table = sections["results"].split("</table>")[0]
    assert re.findall(r'<th class="group"[^>]*>([^<]+)', table) == [
        "VinDr-Mammo, internal test",
        "INbreast, adapted",
        "Third site, adapted",
    ]
    assert "External: on INbreast and Third site" in sections["metrics"]
    assert "Third site, the first half: 1 feature on 3 training lesions" in sections["metrics"]
    assert '<th class="group" colspan="2">Third site</th>' in sections["cohort"]  # adapt and test
    assert "Third site, adapted 0.812" in sections["clear"]
    assert "inbreast_extended, inbreast_scratch and third_adapted select their own" in sections["clear"]
    assert "The patients of INbreast and Third site are halved" in sections["clear"]


def test_a_sixth_setting_without_results_is_said_to_lack_them(repository):
    _edit(repository / "settings.yaml", _add_third)
    sections = _sections("".join(build(repository, load_params(repository / "params.yaml"))))
    assert "Not evaluated in this run: third_adapted." in sections["limits"]
    assert "The table of halves of Third site" in sections["settings"]
    assert "The training curve of third_adapted" in sections["training"]
    assert "Third site, adapted" not in sections["verdict"]


def test_one_more_setting_of_table_2_has_rows_of_its_own(repository, make_comparison):
    def add(content):
        _add_third(content)
        content["settings"]["third_adapted"] = ENTRY | {"paper": "Table 2, third site"}

    _edit(repository / "settings.yaml", add)
    settings = load_settings(repository / "settings.yaml")
    names = ("inbreast_extended", "inbreast_scratch", "third_adapted")
    table = table_2(pd.concat([make_comparison(SIXTH, setting=name, repeats=3) for name in names]), settings, "llm")
    assert [row["name"] for row in table["parts"][0][1]] == [
        *("SVM", "SVM, Third site, adapted"),
        *("language model, extended", "language model, from scratch", "language model, Third site, adapted"),
    ]
    assert table["title"] == "Table 2: extended or transferred; from scratch; third site"
    assert table["groups"] == [("INbreast and Third site, each its own features", True)]
    assert table_1(make_comparison(SIXTH, setting="third_adapted"), settings, "llm") is None


def test_a_study_of_one_site_needs_neither_curve_nor_drift_nor_halves(repository):
    def cut(content):
        content["settings"] = {"vindr": content["settings"]["vindr"]}
        for key in ("curves", "drifts", "steps"):
            del content[key]
        content["measured"] = ["vindr_mammo"]
        content["halved"] = []

    _edit(repository / "settings.yaml", cut)
    (repository / "ablations.yaml").unlink()
    settings = load_settings(repository / "settings.yaml")
    rows = pd.read_csv(repository / "metrics/comparison.csv")
    write_csv(repository / "metrics/comparison.csv", rows[rows["setting"] == "vindr"])
    sections = _sections("".join(build(repository, load_params(repository / "params.yaml"))))
    assert external_settings(settings) == []
    assert "No external test in this run" in sections["limits"]
    for anchor in ("drift", "curve"):
        assert "settings.yaml" in sections[anchor], anchor
        assert "dvc repro" not in sections[anchor], anchor
    assert "halved" not in sections["settings"]


def test_settings_that_use_features_of_a_setting_or_of_its_twin_are_named(repository):
    def borrow(content):
        _add_third(content)
        content["settings"]["third_adapted"] = ENTRY | {"selection": "inbreast_scratch"}

    _edit(repository / "settings.yaml", borrow)
    settings = load_settings(repository / "settings.yaml")
    described = features_by_half(Reader(repository), "inbreast_extended", settings)
    assert (described["twins"], described["users"]) == (["inbreast_scratch"], ["third_adapted"])
    users = selected_features(Reader(repository), "vindr", settings)["users"]
    assert users == ["inbreast_unadapted", "inbreast_adapted"]
    assert (
        "Also used by: <code>third_adapted</code>." in build(repository, load_params(repository / "params.yaml")).audit
    )


def test_external_is_what_another_data_set_tests(settings):
    names = ["inbreast_unadapted", "inbreast_adapted", "inbreast_extended", "inbreast_scratch"]
    assert external_settings(settings) == names


@pytest.mark.parametrize("place", ["pages", "export/card.py", "export/page.py", "export/templates"])
def test_nothing_that_is_shown_names_a_data_set_in_code(place):
    path = ROOT / "src/radprompt" / place
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.suffix in (".py", ".html", ".md")]
    assert files
    named = re.compile(r"vindr|inbreast|cbis|bi-rads|breast|mammograph|\b67\b", re.IGNORECASE)
    found = {file.name: named.findall(file.read_text(encoding="utf-8")) for file in files}
    assert {name: words for name, words in found.items() if words} == {}


def test_pages_import_nothing_that_imports_them():
    outer = re.compile(r"^\s*(?:from|import) radprompt\.(?:repository|export|own_table)\b", re.MULTILINE)
    files = list((ROOT / "src/radprompt/pages").rglob("*.py"))
    assert files
    assert [file.name for file in files if outer.search(file.read_text(encoding="utf-8"))] == []
