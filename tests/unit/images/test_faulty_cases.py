"""Forty faults in one table: each is excluded with its reason, and none stops the good cases among them."""

from pathlib import Path

import made_up
import pandas as pd
import pytest
from faulty import FAULTS, IMAGE, MASK, SERIES, write_good

from radprompt.core.params import Compute
from radprompt.images.settings import Settings
from radprompt.images.study import EXCLUSIONS, FEATURES, run_study

GOOD = {"good file": IMAGE, "good series": SERIES}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("faulty")
    write_good(folder)
    rows = [{"case": case} | fault.make(folder) for case, fault in FAULTS.items()]
    for place, (case, image) in enumerate(GOOD.items()):
        rows.insert(10 + 20 * place, {"case": case, "image": image, "mask": MASK})
    table = made_up.write_table(folder, rows)
    settings = Settings({"binWidth": 25}, {"Original": {}}, {"firstorder": None, "shape": None})
    run_study(table, settings, folder / "study", Compute("loky", 1))
    return folder / "study"


@pytest.fixture(scope="module")
def reasons(study: Path) -> pd.DataFrame:
    return pd.read_csv(study / EXCLUSIONS, keep_default_na=False).set_index("case")


@pytest.mark.parametrize("case", FAULTS)
def test_a_faulty_case_is_excluded_with_its_reason_and_a_way_out(reasons: pd.DataFrame, case: str) -> None:
    assert FAULTS[case].said in reasons.loc[case, "reason"]
    assert reasons.loc[case, "fix"]


def test_the_good_cases_among_them_are_measured(study: Path, reasons: pd.DataFrame) -> None:
    features = pd.read_csv(study / FEATURES).set_index("case")
    assert list(features.index) == list(GOOD)
    assert set(reasons.index) == set(FAULTS)
    pd.testing.assert_series_equal(features.loc["good file"], features.loc["good series"], check_names=False)
