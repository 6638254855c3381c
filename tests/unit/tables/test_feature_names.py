from collections import Counter

import pytest

from radprompt.core.errors import InputError
from radprompt.tables.feature_names import CATALOGUE, FEATURES, key_of, readable

# Every feature that the paper names in text, Table 4 or its prompt, with the class that it comes from.
PAPER = {
    "Sphericity": "shape",
    "Perimeter": "shape",
    "Maximum Diameter": "shape",
    "Major Axis Length": "shape",
    "Elongation": "shape",
    "Pixel Surface": "shape",
    "Maximum": "firstorder",
    "Mean": "firstorder",
    "Variance": "firstorder",
    "Entropy": "firstorder",
    "Maximum Probability": "glcm",
    "Joint Energy": "glcm",
    "Small Area High Gray Level Emphasis": "glszm",
    "High Gray Level Zone Emphasis": "glszm",
    "Zone Percentage": "glszm",
    "Zone Entropy": "glszm",
}


def test_counts_by_class_are_the_papers() -> None:
    assert Counter(key.split("_")[0] for key in FEATURES) == {"shape": 9, "firstorder": 18, "glcm": 24, "glszm": 16}


def test_keys_are_pyradiomics_default_features() -> None:
    from radiomics import getFeatureClasses

    known = {
        f"{ours}_{name}"
        for ours, theirs in (("shape", "shape2D"), ("firstorder",) * 2, ("glcm",) * 2, ("glszm",) * 2)
        for name, deprecated in getFeatureClasses()[theirs].getFeatureNames().items()
        if not deprecated
    }
    assert known == set(FEATURES)


def test_names_are_unique_even_when_case_and_hyphens_are_lost() -> None:
    plain = [feature.name.lower().replace("-", " ") for feature in CATALOGUE]
    assert len(set(plain)) == len(FEATURES) == 67


def test_codes_are_unique_and_well_formed() -> None:
    codes = [feature.ibsi for feature in CATALOGUE if feature.ibsi]
    assert len(set(codes)) == len(codes) == 56
    assert all(len(code) == 4 and code.isalnum() and code == code.upper() for code in codes)


@pytest.mark.parametrize(("name", "kind"), PAPER.items())
def test_the_papers_names_are_found(name: str, kind: str) -> None:
    assert key_of(name).split("_")[0] == kind
    assert readable(key_of(name)) == name


def test_names_and_keys_are_inverse() -> None:
    assert [key_of(readable(key)) for key in FEATURES] == list(FEATURES)


def test_other_columns_keep_their_names_and_unknown_names_are_refused() -> None:
    assert readable("Age at scan") == "Age at scan"
    with pytest.raises(InputError, match="sphericity"):
        key_of("sphericity")
