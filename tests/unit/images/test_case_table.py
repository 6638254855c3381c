"""The table of cases: PyRadiomics' batch, hospitals' separators, and rows that cannot be used."""

from pathlib import Path

import pytest

from radprompt.core.errors import InputError
from radprompt.images.cases import read_cases, spacing_of


def write(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "cases.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_paths_are_relative_to_the_table(tmp_path: Path) -> None:
    read = read_cases(write(tmp_path, "Case;Image;mask;Patient;label\nA;ct\\a;masks/a.nii;p1;malignant\n", "utf-8-sig"))
    (case,) = read.cases
    assert (case.image, case.mask) == (tmp_path / "ct" / "a", tmp_path / "masks" / "a.nii")
    assert case.about == (("patient", "p1"), ("label", "malignant"))


def test_pyradiomics_batch_is_taken_as_it_is_and_its_label_is_the_masks(tmp_path: Path) -> None:
    read = read_cases(write(tmp_path, "ID,Image,Mask,Label\n1,a.nrrd,m.nrrd,3\n"))
    (case,) = read.cases
    assert (case.case, case.mask_label, case.about) == ("1", "3", ())
    assert read.notes == ["column Label is taken for the mask's value, as PyRadiomics does; a diagnosis is 'label'"]


def test_rows_that_cannot_be_used_are_named_and_the_others_stay(tmp_path: Path) -> None:
    read = read_cases(write(tmp_path, "case,image,mask\na,i,m\nb,,m\nc,i,\n,i,m\nd,i,m\nD,j,n\n"))
    assert [case.case for case in read.cases] == ["a"]
    assert [(one.row, one.reason) for one in read.excluded] == [
        (2, "no image is named"),
        (3, "no mask is named"),
        (4, "the case has no name"),
        (5, "case 'd' occurs again"),
        (6, "case 'D' occurs again"),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("case,image\na,i\n", "column(s) mask missing; found case, image"),
        ("case,image,mask\n", "the table has no rows"),
        ("case,image,mask,Mask\na,i,m,n\n", "column(s) mask occur twice"),
        ("", "not a readable table"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError) as refused:
        read_cases(write(tmp_path, text))
    assert said in refused.value.what


@pytest.mark.parametrize(
    ("text", "dimensions", "expected"),
    [("0.5", 2, (0.5, 0.5)), ("0.5 0.6 3", 3, (0.5, 0.6, 3.0)), ("0.5x0.6", 2, (0.5, 0.6)), ("1", 3, (1.0, 1.0, 1.0))],
)
def test_spacing(text: str, dimensions: int, expected: tuple[float, ...]) -> None:
    assert spacing_of(text, dimensions) == expected


@pytest.mark.parametrize("text", ["0", "-1", "0,5", "1 2", "nan", "wide"])
def test_spacing_that_is_none(text: str) -> None:
    with pytest.raises(InputError):
        spacing_of(text, 3)
