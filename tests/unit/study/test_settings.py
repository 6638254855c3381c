"""The protocols as data: what the repository's file says, what a further setting needs, what is refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from ruamel.yaml import YAML

from radprompt.core.errors import InputError
from radprompt.study.cohort import build_cohort
from radprompt.study.settings import Members, Settings, load_settings

ROOT = Path(__file__).parents[3]
REVERSED = {
    "title": "VinDr-Mammo by INbreast's model",
    "paper": None,
    "train": "inbreast/train",
    "val": "inbreast/val",
    "test": "vindr_mammo/test",
    "start": "pretrained",
    "trains": True,
    "selection": "reversed",
}


@pytest.fixture
def changed(tmp_path: Path) -> Callable[[Callable[[dict[str, Any]], object]], Path]:
    """Change a copy of ``settings.yaml``."""

    def changed(change: Callable[[dict[str, Any]], object]) -> Path:
        content = YAML(typ="safe").load(ROOT / "settings.yaml")
        change(content)
        path = tmp_path / "settings.yaml"
        YAML().dump(content, path)  # in the order of the keys
        return path

    return changed


def test_the_five_settings_say_who_trains_whom(settings: Settings) -> None:
    table = {
        name: (own.train.dataset, own.test.dataset, own.start, own.continues, own.repeated)
        for name, own in settings.items()
    }
    vindr, inbreast = "vindr_mammo", "inbreast"
    assert table == {
        "vindr": (vindr, vindr, None, None, False),
        "inbreast_unadapted": (vindr, inbreast, "vindr", None, True),
        "inbreast_adapted": (inbreast, inbreast, "vindr", "vindr", True),
        "inbreast_extended": (inbreast, inbreast, "vindr", "vindr", True),
        "inbreast_scratch": (inbreast, inbreast, None, None, True),
    }
    assert settings.halved == [inbreast]
    assert settings.first.name == "vindr"
    assert settings["inbreast_unadapted"].datasets == [inbreast, vindr]
    assert settings["vindr"].members["val"] == Members(vindr, "val")


def test_files_of_a_setting_are_its_own(settings: Settings) -> None:
    adapted = settings["inbreast_adapted"]
    assert adapted.selection_file(3).as_posix() == "models/selection/inbreast_adapted/3.json"
    assert adapted.selection_file("start").as_posix() == "models/selection/inbreast_adapted/start.json"
    assert adapted.scaler_file(3).as_posix() == "models/scaler/inbreast_adapted/3.json"
    assert adapted.model_folder(3, 7).as_posix() == "models/language_model/inbreast_adapted/repeat_3_seed_7"
    assert list(settings["vindr"].repeats(20)) == [0]
    assert list(settings["inbreast_scratch"].repeats(3)) == [0, 1, 2]


def test_an_unknown_setting_is_refused_with_the_known_ones(settings: Settings) -> None:
    with pytest.raises(InputError, match="'vinder'") as caught:
        settings["vinder"]
    assert caught.value.fix == f"use one of: {', '.join(settings)}"
    assert "vinder" not in settings
    assert settings.title("vinder") == settings.data_set("vinder") == "vinder"
    assert settings.title("inbreast_scratch") == "INbreast, from scratch"


def test_a_sixth_setting_is_one_more_entry(changed: Callable[..., Path]) -> None:
    settings = load_settings(changed(lambda content: content["settings"].update(reversed=REVERSED)))
    added = settings["reversed"]
    assert list(settings)[-1] == "reversed"
    assert (added.repeated, added.continues, added.selection) == (True, None, "reversed")
    assert added.datasets == ["inbreast", "vindr_mammo"]
    names = ["lesion_id", "label", "split", "study_id", "image_path"]
    first = pd.DataFrame([("a", 0, "train", "s", "i"), ("d", 1, "test", "s", "i")], columns=names)
    second = pd.DataFrame([(key, n % 2, "test", "s", "i") for n, key in enumerate("uvwxyz")], columns=names)
    halves = pd.DataFrame(
        {
            "repeat": [0] * 6 + [1] * 6,
            "lesion_id": list("uvwxyz") * 2,
            "split": ["train", "train", "val", "test", "test", "test"] + ["test"] * 3 + ["train", "train", "val"],
        }
    )
    lesions = {
        name: table.assign(patient_id="p" + table["lesion_id"], dataset=name)
        for name, table in (("vindr_mammo", first), ("inbreast", second))
    }
    measured = {name: set(table["lesion_id"]) for name, table in lesions.items()}
    cohort = build_cohort(added, settings, lesions, measured, {"inbreast": halves})
    found = cohort.groupby(["repeat", "split"])["lesion_id"].agg("".join).to_dict()
    assert found == {
        **{(0, "train"): "uv", (0, "val"): "w", (0, "test"): "d"},
        **{(1, "train"): "xy", (1, "val"): "z", (1, "test"): "d"},
    }
    assert set(cohort.loc[cohort["split"] == "test", "dataset"]) == {"vindr_mammo"}


def _at(*keys: Any, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(content: dict[str, Any]) -> None:
        for key in keys[:-1]:
            content = content[key]
        content[keys[-1]] = value

    return change


ADAPTED = ("settings", "inbreast_adapted")
CURVE, DRIFT = ("curves", "inbreast"), ("drifts", "inbreast")
FAULTS = {
    "selection": (_at(*ADAPTED, "selection", value="none"), "settings.inbreast_adapted.selection is 'none'"),
    "start": (_at(*ADAPTED, "start", value="none"), "settings.inbreast_adapted.start is 'none', not a setting"),
    "explained": (_at("explained", value=["vinder"]), "explained[0] is 'vinder', not a setting"),
    "nothing explained": (_at("explained", value=[]), "explained names no setting"),
    "curve": (
        _at("curves", "inbreast", "restarted", value="none"),
        "curves.inbreast.restarted is 'none', not a setting",
    ),
    "another start": (
        _at(*CURVE, "start", value="inbreast_scratch"),
        "curves.inbreast.start is 'inbreast_scratch', but curves.inbreast.continued starts from 'vindr'",
    ),
    "drift": (
        _at("drifts", "inbreast", "reference", value="none"),
        "drifts.inbreast.reference is 'none', not a setting",
    ),
    "step": (_at("steps", 1, "after", "setting", value="none"), "steps[1].after is 'none', not a setting"),
    "no model": (
        _at("settings", "inbreast_unadapted", "start", value="pretrained"),
        "settings.inbreast_unadapted trains nothing and starts from no setting",
    ),
    "other training lesions": (
        _at("settings", "inbreast_unadapted", "val", value="inbreast/val"),
        "settings.inbreast_unadapted trains nothing: train and val are those of vindr",
    ),
    "two steps": (
        _at(*ADAPTED, "start", value="inbreast_extended"),
        "settings.inbreast_adapted.start is 'inbreast_extended', which starts from a setting itself",
    ),
    "started on halves": (
        _at(*ADAPTED, "start", value="inbreast_scratch"),
        "settings.inbreast_adapted.start is 'inbreast_scratch', whose training lesions differ from half to half",
    ),
    "second-hand selection": (
        _at("settings", "inbreast_extended", "selection", value="inbreast_adapted"),
        "settings.inbreast_extended.selection is 'inbreast_adapted', which selects no features itself",
    ),
    "lesions": (_at("settings", "vindr", "train", value="vindr_mammo"), "settings.vindr.train: "),
    "type": (_at("settings", "vindr", "trains", value="yes"), "settings.vindr.trains: "),
    "unknown key": (_at("settings", "vindr", "tests", value="vindr_mammo/test"), "settings.vindr.tests: "),
    "name": (_at("settings", "In Breast", value=REVERSED), "settings.In Breast"),
    "two curves": (lambda content: content["curves"].update(again=content["curves"]["inbreast"]), "curves: "),
    "measured": (_at("measured", value=["inbreast"]), "measured is ['inbreast'], but settings use"),
    "no key": (lambda content: content["settings"]["vindr"].pop("title"), "settings.vindr.title: "),
    "no settings": (lambda content: content.pop("settings"), "settings: "),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named_with_file_and_key(fault: str, changed: Callable[..., Path]) -> None:
    change, words = FAULTS[fault]
    path = changed(change)
    with pytest.raises(InputError) as caught:
        load_settings(path)
    assert caught.value.where == str(path)
    assert words in caught.value.what
    assert caught.value.fix


@pytest.mark.parametrize(
    "together",
    [("selection", "explained", "curve", "drift", "step"), ("lesions", "type", "unknown key", "no key")],
    ids=["names", "values"],
)
def test_all_faults_are_told_at_once(together: tuple[str, ...], changed: Callable[..., Path]) -> None:
    path = changed(lambda content: [FAULTS[fault][0](content) for fault in together])
    with pytest.raises(InputError) as caught:
        load_settings(path)
    for fault in together:
        assert FAULTS[fault][1] in caught.value.what


def test_curve_drift_and_steps_may_be_left_out(changed: Callable[..., Path]) -> None:
    settings = load_settings(changed(lambda content: [content.pop(name) for name in ("curves", "drifts", "steps")]))
    assert (settings.curve, settings.drift, settings.steps) == (None, None, [])
    with pytest.raises(InputError, match="no curve"):
        settings.require_curve()


@pytest.mark.parametrize(("text", "words"), [("settings: [", "not YAML"), ("", "the file: "), ("- 1", "the file: ")])
def test_a_file_that_is_no_mapping_is_refused(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=words):
        load_settings(path)


def test_an_absent_file_says_how_to_bring_it_back(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file") as caught:
        load_settings(tmp_path / "settings.yaml")
    assert "git checkout settings.yaml" in caught.value.fix
