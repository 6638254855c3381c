"""One recipe: whoever writes a sentence about a lesion writes the same one, whatever the settings of prompts."""

import numpy as np
import pandas as pd
import pytest

from radprompt.core.params import Prompt
from radprompt.selection.record import Selection
from radprompt.study.recipe import Recipe, shown_values
from radprompt.study.scaling import FeatureScaler
from radprompt.study.sentences import Word

RAW = pd.DataFrame(
    {"shape_Sphericity": [0.5, 0.7, 0.9], "firstorder_Mean": [45.0, 10.0, 5.0], "glcm_Contrast": [1.0, 2.0, 4.0]},
    ["a", "b", "c"],
)
SELECTION = Selection(
    ("firstorder_Mean", "shape_Sphericity"), ("Mean", "Sphericity"), "mrmr", "MIQ", 5, ("a", "b", "c")
)


def _recipe(**options: object) -> Recipe:
    return Recipe(Prompt("Classify.", **options), 7, SELECTION, FeatureScaler.fit(RAW))


def test_a_value_trained_on_as_45_is_shown_as_45() -> None:
    recipe = _recipe(values="raw")
    z = recipe.standardise(RAW)
    assert recipe.prompts(z)[0] == (
        "Classify. The 'Mean' feature is measured at 45 . The 'Sphericity' feature is measured at 0.5 ."
    )
    assert list(recipe.values(z)["Mean"]) == pytest.approx([45, 10, 5])


def test_values_rendered_by_row_are_the_prompts_in_every_mode() -> None:
    for values in ("zscore", "raw"):
        for names in ("real", "censored", "shuffled"):
            for order in ("fixed", "random"):
                recipe = _recipe(values=values, names=names, order=order)
                z = recipe.standardise(RAW)
                whole = recipe.prompts(z)
                assert [recipe.sentences(recipe.values(z.loc[[row]]))[0] for row in z.index] == whole
                assert all(f"'{name}'" in sentence for name in recipe.shown for sentence in whole)


def test_a_missing_value_is_said_to_be_missing() -> None:
    raw = RAW.assign(firstorder_Mean=[45.0, np.nan, 5.0])
    recipe = Recipe(Prompt("Classify."), 7, SELECTION, FeatureScaler.fit(raw))
    prompts = recipe.prompts(recipe.scaler.transform(raw))
    assert prompts[1] == "Classify. The 'Mean' feature is missing . The 'Sphericity' feature is measured at 0 ."
    assert prompts[0].startswith("Classify. The 'Mean' feature is measured at 1 .")


def test_shown_values_are_z_scores_under_printed_names() -> None:
    z = _recipe().standardise(RAW)
    shown = shown_values(z, SELECTION, Prompt("Classify.", names="censored"), 7)
    assert list(shown.columns) == ["Feature A", "Feature B"]
    np.testing.assert_array_equal(shown["Feature A"], z["firstorder_Mean"])


@pytest.mark.parametrize(
    ("options", "value", "printed"),
    [
        ({"trailing_zeros": True}, 0.5, "0.500"),
        ({"trailing_zeros": True}, -0.0004, "0.000"),
        ({"trailing_zeros": True, "decimals": 0}, 2.2, "2"),
        ({"trailing_zeros": False}, 0.5, "0.5"),
        ({"trailing_zeros": False}, -0.0004, "0"),
        ({"trailing_zeros": True, "values": "raw"}, 45.0, "45.00"),
        ({"trailing_zeros": False, "values": "raw"}, 45.0, "45"),
    ],
)
def test_numbers_with_and_without_trailing_zeros(options: dict, value: float, printed: str) -> None:
    recipe = Recipe(Prompt("I.", **options), 0, Selection(("a",), ("A",), "all", "MIQ", 5, ()), FeatureScaler.fit(RAW))
    assert recipe.sentences(pd.DataFrame({"A": [value]})) == [f"I. The 'A' feature is measured at {printed} ."]
    word = recipe.sentences(pd.DataFrame({"A": pd.Series([Word("oval")], dtype=object)}))
    assert word == ["I. The 'A' feature is oval ."]
