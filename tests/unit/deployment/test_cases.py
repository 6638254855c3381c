"""A table of cases: each row is a case or an exclusion with its reason."""

import math
import re
from pathlib import Path

import pytest

from radprompt.core.errors import InputError
from radprompt.export.cases import Case, id_of, parse_box, read_cases

HEADER = "id,image,xmin,ymin,xmax,ymax,mask,spacing_mm\n"


def write(folder: Path, *rows: str, header: str = HEADER, encoding: str = "utf-8") -> Path:
    (folder / "cases.csv").write_text(header + "".join(f"{row}\n" for row in rows), encoding=encoding)
    return folder / "cases.csv"


def reasons(table: Path, **given) -> dict[int, str]:
    return {excluded.row: excluded.reason for excluded in read_cases(table, **given)[1]}


def test_rows_with_box_or_mask_become_cases_in_the_tables_order(tmp_path):
    table = write(tmp_path, "b,two.dcm,1,2,3.5,4,,", "a,sub/one.png,,,,,masks/a.png,0.07", header="\ufeff" + HEADER)
    cases, excluded = read_cases(table, spacing_mm=0.1)
    assert excluded == []
    assert cases == [
        Case("b", tmp_path / "two.dcm", (1, 2, 3.5, 4), None, 0.1, 1),
        Case("a", tmp_path / "sub/one.png", None, tmp_path / "masks/a.png", 0.07, 2),
    ]


def test_paths_start_from_the_given_folder_and_may_have_windows_separators(tmp_path):
    table = write(tmp_path, r"a,sub\one.dcm,1,2,3,4,,")
    (tmp_path / "images").mkdir()
    ((case,), _) = read_cases(table, tmp_path / "images")
    assert case.image == tmp_path / "images" / "sub" / "one.dcm"
    with pytest.raises(InputError, match=r"nowhere: no such folder"):
        read_cases(table, tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("a,one.dcm,,,,,,", "needs a box or a mask"),
        ("a,one.dcm,1,2,3,4,m.png,", "needs a box or a mask, one of the two"),
        ("a,one.dcm,1,2,,4,,", "the box lacks xmax"),
        ("a,one.dcm,1,2,left,4,,", "xmax 'left' is not a number"),
        ("a,,1,2,3,4,,", "no image is named"),
        ("a,../one.dcm,1,2,3,4,,", r"image '\.\./one\.dcm' lies outside"),
        ("a,sub/../../one.dcm,1,2,3,4,,", "lies outside"),
        ("a,/etc/passwd,1,2,3,4,,", "lies outside"),
        (r"a,..\one.dcm,1,2,3,4,,", "lies outside"),
        (",one.dcm,1,2,3,4,,", "id '' cannot name a file"),
        ("../a,one.dcm,1,2,3,4,,", "cannot name a file"),
        (".a,one.dcm,1,2,3,4,,", "cannot name a file"),
        (f"{'a' * 101},one.dcm,1,2,3,4,,", "cannot name a file"),
        (f"{'乳' * 67},one.dcm,1,2,3,4,,", "cannot name a file"),
        ("a,one.dcm,1,2,3,4,,0", "spacing 0 mm is no pixel size"),
        ("a,one.dcm,1,2,3,4,,-1", "no pixel size"),
        ("a,one.dcm,1,2,3,4,,inf", "no pixel size"),
    ],
)
def test_a_bad_row_is_excluded_with_its_reason_and_the_others_stay(tmp_path, row, reason):
    table = write(tmp_path, row, "good,two.dcm,1,2,3,4,,")
    cases, (excluded,) = read_cases(table)
    assert [case.case_id for case in cases] == ["good"]
    assert (excluded.source, excluded.row) == ("cases.csv", 1)
    assert re.search(reason, excluded.reason)


def test_an_id_that_occurs_again_excludes_all_its_rows_whatever_its_case(tmp_path):
    table = write(tmp_path, "a,1.dcm,1,2,3,4,,", "b,1.dcm,1,2,3,4,,", "A,2.dcm,1,2,3,4,,")
    assert reasons(table) == {1: "id 'a' occurs again", 3: "id 'A' occurs again"}


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("id,xmin,ymin,xmax,ymax\n", r"column\(s\) image missing; found id, xmin"),
        ("id,image,xmin,ymin\n", r"column\(s\) xmax, ymax missing"),
        ("id,image,mask,ID\n", r"column 'id' occurs twice"),
        ("id,image,mask\n", r"no rows"),
        ("", r"not a readable table"),
    ],
)
def test_a_table_without_what_is_needed_is_an_error(tmp_path, header, message):
    with pytest.raises(InputError, match=message):
        read_cases(write(tmp_path, header=header))


def test_absent_and_wrongly_encoded_tables_are_errors(tmp_path):
    with pytest.raises(InputError, match=r"none\.csv: no such table"):
        read_cases(tmp_path / "none.csv")
    with pytest.raises(InputError, match=r"not a readable table"):
        read_cases(write(tmp_path, "é,one.dcm,1,2,3,4,,", encoding="latin-1"))


def test_columns_may_be_in_capitals_and_ids_in_any_script(tmp_path):
    ((case,), _) = read_cases(write(tmp_path, "Fall-é 1,one.dcm,1,2,3,4,,", header=HEADER.upper()))
    assert case.case_id == "Fall-é 1"
    assert math.isnan(case.spacing_mm)
    ((case,), _) = read_cases(write(tmp_path, f"{'乳' * 66},one.dcm,1,2,3,4,,"))
    assert case.case_id == "乳" * 66


@pytest.mark.parametrize(
    ("image", "case_id"),
    [
        ("mammo.dcm", "mammo"),
        ("folder/mammo (1).dcm", "mammo_1"),
        ("R MLO 2.dcm", "R MLO 2"),
        ("(1).png", "1"),
        ("#7, left.png", "7_left"),
        (".hidden.dcm", "hidden"),
        ("Müller's.dcm", "Müller_s"),
        ("(+).dcm", "case"),
        (f"{'乳' * 90}.dcm", "乳" * 66),
        (f"{'a' * 150}.dcm", "a" * 100),
        (".", "case"),
    ],
)
def test_a_case_without_an_id_is_called_as_its_image_as_far_as_files_may(image, case_id):
    assert id_of(Path(image)) == case_id
    assert Case(id_of(Path(image)), Path(image), (1, 2, 3, 4), None).case_id == case_id


def test_a_box_on_the_command_line():
    assert parse_box("1,2.5, 30,4") == (1, 2.5, 30, 4)
    for text in ("1,2,3", "1,2,3,4,5", "a,b,c,d", ""):
        with pytest.raises(InputError, match=r"is no box"):
            parse_box(text)
