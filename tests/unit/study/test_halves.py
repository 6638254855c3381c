import pandas as pd
import pytest

from radprompt.core.errors import InputError
from radprompt.core.outputs import write_csv
from radprompt.study.halves import draw_halves, read_halves
from radprompt.tables.lesions import Lesion


def lesion(number: int) -> Lesion:
    patient = number // 2
    split = "adapt" if patient % 2 else "test"
    names = (f"l{number:03d}", f"p{patient:02d}", "s", "inbreast", "i", "CC", "L", "4")
    return Lesion(*names, int(patient % 3 == 0), split, 0, 0, 9, 9, "", 0.07, "unknown")


LESIONS = [lesion(number) for number in range(80)]


def drawn(repeats: int = 4, seed: int = 3) -> pd.DataFrame:
    return draw_halves(LESIONS, repeats, 0.5, 0.25, seed)


def test_no_patient_is_on_two_sides_of_a_half_and_all_lesions_are_in_each() -> None:
    table = drawn()
    assert (table.groupby(["repeat", "patient_id"])["split"].nunique() == 1).all()
    for _, half in table.groupby("repeat"):
        assert sorted(half["lesion_id"]) == [lesion.lesion_id for lesion in LESIONS]
        patients = half.drop_duplicates("patient_id")["split"].value_counts()
        assert patients.to_dict() == {"test": 20, "train": 15, "val": 5}


def test_the_first_half_is_the_lesion_tables() -> None:
    first = drawn().query("repeat == 0").set_index("lesion_id")["split"]
    for lesion in LESIONS:
        assert (first[lesion.lesion_id] == "test") == (lesion.split == "test")


def test_halves_differ_and_hang_on_the_seed_alone() -> None:
    table = drawn()
    tested = {
        repeat: frozenset(half.query("split == 'test'")["patient_id"]) for repeat, half in table.groupby("repeat")
    }
    assert len(set(tested.values())) == 4
    pd.testing.assert_frame_equal(draw_halves(LESIONS[::-1], 4, 0.5, 0.25, 3), table)
    pd.testing.assert_frame_equal(drawn(6).query("repeat < 4"), table)  # more halves change none of the first
    assert not drawn(seed=4).equals(table)


def test_classes_are_on_every_side() -> None:
    label = {lesion.lesion_id: lesion.label for lesion in LESIONS}
    table = drawn(20)
    assert (table.assign(y=table["lesion_id"].map(label)).groupby(["repeat", "split"])["y"].nunique() == 2).all()


def test_too_few_patients_are_refused() -> None:
    with pytest.raises(InputError, match="too few to draw"):
        draw_halves(LESIONS[:6], 2, 0.5, 0.25, 3)


@pytest.mark.parametrize(
    ("row", "column", "value", "message"),
    [(3, "split", "adapt", "row 4: split is 'adapt'"), (2, "split", "val", "is on two sides of half 0")],
)
def test_a_broken_table_is_refused_by_its_row(tmp_path, row: int, column: str, value: str, message: str) -> None:
    table = drawn(1)
    write_csv(tmp_path / "h.csv", table)
    pd.testing.assert_frame_equal(read_halves(tmp_path / "h.csv"), table)
    table.loc[row, column] = value
    write_csv(tmp_path / "h.csv", table)
    with pytest.raises(InputError, match=message):
        read_halves(tmp_path / "h.csv")
