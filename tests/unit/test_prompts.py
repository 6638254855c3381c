import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from radprompt.core.errors import InputError
from radprompt.core.params import Prompt, load_params
from radprompt.study.sentences import closings, render, render_frame, shown_names
from radprompt.tables.prompts import COLUMNS, read_prompts, write_prompts

INSTRUCTION = "Classify benign or malignant of this mammography based on given standardized radiomic features."
SETTINGS = Prompt(instruction=INSTRUCTION, decimals=3)


def value_of(number: float, decimals: int = 3) -> str:
    text = render(["A"], [number], Prompt(instruction="I.", decimals=decimals))
    return text.removeprefix("I. The 'A' feature is measured at ").removesuffix(" .")


def test_the_papers_prompt_to_the_letter() -> None:
    assert render(["Sphericity", "Zone Percentage"], [0.985, 0.196], SETTINGS) == (
        "Classify benign or malignant of this mammography based on given standardized radiomic features. "
        "The 'Sphericity' feature is measured at 0.985 . The 'Zone Percentage' feature is measured at 0.196 ."
    )


def test_the_default_parameters_are_the_papers_but_for_trailing_zeros() -> None:
    root = Path(__file__).parents[2]
    assert load_params(root / "params.yaml").prompt == replace(SETTINGS, trailing_zeros=True)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (-0.8, "-0.8"),
        (0.9854, "0.985"),
        (0.9856, "0.986"),
        (10.0, "10"),
        (100, "100"),
        (-3.1200, "-3.12"),
        (0.0004, "0"),
        (-0.0004, "0"),
        (-0.0, "0"),
        (1e-12, "0"),
        (123456.7891, "123456.789"),
        (np.float32(0.5), "0.5"),
    ],
)
def test_numbers(number: float, text: str) -> None:
    assert value_of(number) == text


def test_decimals() -> None:
    assert [value_of(20.456, decimals) for decimals in (0, 1, 2)] == ["20", "20.5", "20.46"]
    assert value_of(-0.4, 0) == "0"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None, "?"])
def test_a_missing_value_names_row_and_feature(value: object) -> None:
    X = pd.DataFrame({"Mean": [1.0, value], "Range": [1.0, 2.0]}, index=["l1", "l2"])
    with pytest.raises(InputError, match=r"row 'l2': the value of 'Mean'"):
        render_frame(X, SETTINGS)


def test_names_and_values_must_match() -> None:
    with pytest.raises(ValueError, match="zip"):
        render(["A", "B"], [1.0], SETTINGS)


def test_a_frame_gives_one_prompt_a_row_with_features_by_name() -> None:
    X = pd.DataFrame({"B": [1.0, 2.0], "A": [-1.0, 0.25]})
    expected = [
        "I. The 'A' feature is measured at -1 . The 'B' feature is measured at 1 .",
        "I. The 'A' feature is measured at 0.25 . The 'B' feature is measured at 2 .",
    ]
    assert render_frame(X, Prompt(instruction="I.")) == expected
    assert render_frame(X[["A", "B"]], Prompt(instruction="I.")) == expected
    assert render_frame(X[:0], SETTINGS) == []


EIGHT = pd.DataFrame(np.arange(48.0).reshape(6, 8), [f"l{i}" for i in range(6)], list("HBCDEFGA"))


def order_of(prompt: str) -> str:
    return "".join(part[0] for part in prompt.split("The '")[1:])


def test_a_random_order_belongs_to_the_lesion_and_the_seed() -> None:
    settings = Prompt(instruction="I.", order="random")
    prompts = render_frame(EIGHT, settings, 5)
    orders = [order_of(prompt) for prompt in prompts]
    assert len(set(orders)) >= 5
    assert {"".join(sorted(order)) for order in orders} == {"ABCDEFGH"}
    assert render_frame(EIGHT.iloc[::-1][list("ABCDEFGH")], settings, 5) == prompts[::-1]
    assert render_frame(EIGHT, settings, 6) != prompts
    for prompt, fixed in zip(prompts, render_frame(EIGHT, Prompt(instruction="I.")), strict=True):
        assert sorted(prompt.split(" The ")) == sorted(fixed.split(" The "))


def test_shuffled_names_are_those_of_other_features_and_hang_on_no_order() -> None:
    names = list(EIGHT.columns)
    shown = shown_names(names, "shuffled", 5)
    assert sorted(shown) == sorted(names)
    assert all(new != old for new, old in zip(shown, names, strict=True))
    given = dict(zip(names, shown, strict=True))
    assert shown_names(names[::-1], "shuffled", 5) == [given[name] for name in names[::-1]]
    assert shown_names(names, "shuffled", 6) != shown
    X = pd.DataFrame([[1.0, 2.0]], columns=["A", "B"])
    assert render_frame(X, Prompt(instruction="I.", names="shuffled")) == [
        "I. The 'A' feature is measured at 2 . The 'B' feature is measured at 1 ."
    ]


def test_censored_names_are_letters_by_the_real_names() -> None:
    X = pd.DataFrame([[1.0, 2.0]], columns=["Zone", "Area"])
    assert render_frame(X, Prompt(instruction="I.", names="censored")) == [
        "I. The 'Feature A' feature is measured at 2 . The 'Feature B' feature is measured at 1 ."
    ]
    many = shown_names([f"{i:02d}" for i in range(60)], "censored", 0)
    assert [many[i] for i in (0, 25, 26, 51, 52)] == [f"Feature {x}" for x in ("A", "Z", "AA", "AZ", "BA")]


@pytest.mark.parametrize(
    ("number", "text"),
    [(1234.5678, "1235"), (0.000123456, "0.0001235"), (-3, "-3"), (0.0, "0"), (65535.25, "65540"), (0.985, "0.985")],
)
def test_raw_values_have_significant_digits(number: float, text: str) -> None:
    prompt = render(["A"], [number], Prompt(instruction="I.", values="raw"))
    assert prompt == f"I. The 'A' feature is measured at {text} ."


def test_closings_are_the_ends_of_the_features_sentences() -> None:
    prompt = render(["Mean", "Zone Entropy"], [-0.5, 12], SETTINGS)
    ends = closings(prompt)
    assert ends[-1] == len(prompt)
    assert [prompt[:end].rsplit("The ", 1)[1] for end in ends] == [
        "'Mean' feature is measured at -0.5 .",
        "'Zone Entropy' feature is measured at 12 .",
    ]
    assert closings("Sphericity is 3.") == []


def test_files_come_back_as_written(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {
            "repeat": [0, 1],
            "lesion_id": ["b", "b"],
            "split": ["train", "test"],
            "label": [1, 0],
            "prompt": ["Größe ’1’\u2028.", "Two"],
            "x": 1.5,
        }
    )
    write_prompts(tmp_path / "p.jsonl", table)
    pd.testing.assert_frame_equal(read_prompts(tmp_path / "p.jsonl"), table[list(COLUMNS)])


GOOD = {"repeat": 0, "lesion_id": "a", "split": "train", "prompt": "P", "label": 1}


@pytest.mark.parametrize(
    ("second", "words"),
    [
        ("{", "not JSON"),
        ("3", "not an object"),
        (json.dumps({"repeat": 0, "lesion_id": "b"}), "split, prompt, label missing"),
        (json.dumps(GOOD), "lesion_id 'a' occurs twice"),
        (json.dumps(GOOD | {"repeat": -1}), "repeat '-1' is not"),
        (json.dumps(GOOD | {"lesion_id": "b", "split": "adapt"}), "split 'adapt' is not"),
        (json.dumps(GOOD | {"lesion_id": "b", "label": True}), "label True is not"),
        (json.dumps(GOOD | {"lesion_id": "b", "label": 2}), "label '2' is not"),
        (json.dumps(GOOD | {"lesion_id": "b", "prompt": " "}), "prompt ' ' is not"),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, second: str, words: str) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text(json.dumps(GOOD) + "\n" + second + "\n")
    with pytest.raises(InputError, match=r"p\.jsonl, line 2: .*" + words):
        read_prompts(path)


def test_absent_and_empty_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such prompt file"):
        read_prompts(tmp_path / "p.jsonl")
    (tmp_path / "p.jsonl").write_text("")
    with pytest.raises(InputError, match="no prompts"):
        read_prompts(tmp_path / "p.jsonl")
