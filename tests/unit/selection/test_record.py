from pathlib import Path

import pytest

from radprompt.core.errors import InputError
from radprompt.selection.record import Selection

RECORD = Selection(
    ("shape_Sphericity", "glcm_Id"), ("Sphericity", "Inverse Difference"), "mrmr", "MIQ", 5, ("l1", "l2", "l3")
)


def test_saving_and_loading_keeps_order(tmp_path: Path) -> None:
    RECORD.save(tmp_path / "selection.json")
    assert Selection.load(tmp_path / "selection.json") == RECORD


@pytest.mark.parametrize(
    "text",
    [
        "not json",
        "[1]",
        '{"features": ["a"]}',
        '{"features": ["a"], "names": [], "method": "mrmr", "scheme": "MIQ", "bins": 5, "fitted_on": []}',
    ],
)
def test_a_file_that_is_no_selection_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "selection.json").write_text(text)
    with pytest.raises(InputError, match=r"selection\.json"):
        Selection.load(tmp_path / "selection.json")
    with pytest.raises(InputError, match="no such selection"):
        Selection.load(tmp_path / "absent.json")
