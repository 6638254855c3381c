import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tiny_sets import square

from radprompt.core.errors import InputError
from radprompt.mammograms.datasets import cbis_ddsm
from radprompt.mammograms.imaging.contours import read_mask
from radprompt.tables.lesions import Box

RELEASED = Path(__file__).parents[4] / "shared" / "data" / "cbis_ddsm"


def test_a_lesion_is_read_in_full(cbis, compute, check, tmp_path):
    name = cbis.add("P_00001", pathology="BENIGN_WITHOUT_CALLBACK", assessment="0")
    found = cbis_ddsm.load(cbis.write(), tmp_path / "masks", compute)
    check(found, rows=1)
    (lesion,) = found.lesions
    assert lesion.lesion_id == name == "P_00001_LEFT_CC_1"
    assert (lesion.patient_id, lesion.view, lesion.laterality, lesion.split) == ("P_00001", "CC", "L", "train")
    assert (lesion.label, lesion.birads) == (0, "0")
    assert lesion.box == Box(5, 10, 15, 25)
    assert lesion.image_path.endswith("1.000000-full mammogram images-00001/1-1.dcm")
    assert lesion.mask_path == "data/lesions/cbis_ddsm_masks/P_00001_LEFT_CC_1.png"
    assert np.isnan(lesion.spacing_mm)
    assert lesion.spacing_source == "unknown"
    mask = read_mask(tmp_path / "masks" / "P_00001_LEFT_CC_1.png")
    assert mask.shape == (50, 40)
    assert mask.sum() == 10 * 15
    assert found.masks == [name]


def test_mask_and_crop_are_told_apart_by_content(cbis, compute, check, tmp_path):
    cbis.add("P_00001")
    cbis.add("P_00002", swapped=True)
    cbis.add("P_00003", swapped=True, crop=None)
    found = cbis_ddsm.load(cbis.write(), tmp_path, compute)
    check(found, rows=3)
    assert {lesion.box for lesion in found.lesions} == {Box(5, 10, 15, 25)}


def test_two_masses_in_one_mammogram(cbis, compute, check, tmp_path):
    from_corner = np.zeros((50, 40), np.uint8)
    from_corner[:8, :6] = 1
    cbis.add("P_00001", number=1)
    cbis.add("P_00001", number=2, image=False, mask=from_corner)
    found = cbis_ddsm.load(cbis.write(), tmp_path, compute)
    check(found, rows=2)
    assert [lesion.box for lesion in found.lesions] == [Box(5, 10, 15, 25), Box(0, 0, 6, 8)]
    assert len({lesion.image_path for lesion in found.lesions}) == 1


def test_mask_of_another_size(cbis, compute, check, tmp_path):
    same_aspect, other_aspect = np.zeros((25, 20), np.uint8), np.zeros((25, 24), np.uint8)
    same_aspect[5:10, 4:9] = other_aspect[5:10, 4:9] = 255
    cbis.add("P_00001", mask=same_aspect)
    cbis.add("P_00002", mask=other_aspect)
    found = cbis_ddsm.load(cbis.write(), tmp_path, compute)
    reasons = check(found, rows=2)
    assert [lesion.box for lesion in found.lesions] == [Box(8, 10, 18, 20)]
    assert read_mask(tmp_path / "P_00001_LEFT_CC_1.png").shape == (50, 40)
    assert reasons == {"P_00002_LEFT_CC_1": "mask of another shape: mask 25 x 24, mammogram 50 x 40 (rows x columns)"}


def test_every_reason(cbis, compute, check, tmp_path):
    cbis.add("P_00001", view="CC", pathology="BENIGN")
    cbis.add("P_00001", view="MLO", pathology="MALIGNANT")
    cbis.add("P_00001", view="MLO", number=2, image=False)
    cbis.add("P_00002", image=False)
    cbis.add("P_00003", mask=None, crop=None)
    cbis.add("P_00004", mask=None)
    cbis.add("P_00005", mask=np.zeros((50, 40), np.uint8))
    cbis.add("P_00006", pathology="UNPROVEN")
    cbis.add("P_00007", **{"abnormality type": "calcification"})
    cbis.add("P_00008")
    cbis.add("P_00008", split="test")
    cbis.add("P_00009", mask=(np.arange(2000).reshape(50, 40) == 77).astype(np.uint8))
    cbis.add("P_00010")
    cbis.rows["train"].append(dict(cbis.rows["train"][-1]))
    cbis.add("P_00011")
    cbis.add("P_00012", mask=255 - square((5, 10, 15, 25)))
    cut = next((cbis.root / "Mass-Training_P_00011_LEFT_CC").rglob("1-1.dcm"))
    cut.write_bytes(cut.read_bytes()[:-100])
    found = cbis_ddsm.load(cbis.write(), tmp_path, compute)
    reasons = check(found, rows=16)
    assert [lesion.lesion_id for lesion in found.lesions] == ["P_00001_LEFT_MLO_2", "P_00010_LEFT_CC_1"]
    starts = {
        "P_00001_LEFT_CC_1": "conflicting labels: ",
        "P_00001_LEFT_MLO_1": "conflicting labels: ",
        "P_00002_LEFT_CC_1": "image missing: Mass-Training_P_00002_LEFT_CC",
        "P_00003_LEFT_CC_1": "mask missing: Mass-Training_P_00003_LEFT_CC_1",
        "P_00004_LEFT_CC_1": "mask unusable: ",
        "P_00005_LEFT_CC_1": "mask of one value: all of it or none",
        "P_00006_LEFT_CC_1": "unknown pathology: 'UNPROVEN'",
        "P_00007_LEFT_CC_1": "no mass: ",
        "P_00008_LEFT_CC_1": "patient in both official splits",
        "P_00009_LEFT_CC_1": "outline too small: ",
        "P_00010_LEFT_CC_1": "repeated row: ",
        "P_00011_LEFT_CC_1": "image unusable: ",
        "P_00012_LEFT_CC_1": "mask inverted: it covers 92.5% of the image",
    }
    assert reasons.keys() == starts.keys()
    for record, start in starts.items():
        assert reasons[record].startswith(start), reasons[record]
    assert found.flow["excluded: patient in both official splits"] == 2
    assert sorted(tmp_path.glob("*.png")) == [tmp_path / "P_00001_LEFT_MLO_2.png", tmp_path / "P_00010_LEFT_CC_1.png"]


@pytest.mark.parametrize("separator", ["\\", "/"])
def test_folders_named_by_uid_are_resolved_through_metadata(cbis, compute, check, tmp_path, separator):
    cbis.add("P_00001")
    root = cbis.write()
    lines = ["Series UID,Study UID,Series Description,File Location"]
    for number, series in enumerate(sorted(root.glob("Mass-*/*/*"))):
        description = series.name.split("-")[1]
        home = root / "CBIS-DDSM" / series.parts[-3] / "1.2.840.1" / f"1.2.840.1.{number}"
        home.parent.mkdir(parents=True)
        series.rename(home)
        location = separator.join([".", *home.relative_to(root).parts])
        lines.append(f"1.2.{number},1.2,{description},{location}")
    (root / "metadata.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    extra = root / "CBIS-DDSM" / "Mass-Training_P_00001_LEFT_CC" / "1.2.840.2" / "1.2.840.2.1"
    extra.mkdir(parents=True)
    (extra / "1-1.dcm").write_bytes(next(root.glob("CBIS-DDSM/*_CC_1/*/*/1-1.dcm")).read_bytes())
    found = cbis_ddsm.load(root, tmp_path, compute)
    check(found, rows=1)
    assert "1.2.840.1.0" in found.lesions[0].image_path


def test_a_missing_column_is_named(cbis, compute, tmp_path):
    cbis.add("P_00001")
    root = cbis.write()
    table = root / "mass_case_description_train_set.csv"
    table.write_text(table.read_text(encoding="utf-8").replace("pathology", "outcome"), encoding="utf-8")
    with pytest.raises(InputError, match=r"mass_case_description_train_set\.csv: column\(s\) \['pathology'\] missing"):
        cbis_ddsm.load(root, tmp_path, compute)


def test_a_missing_data_set_says_where_to_get_it(compute, tmp_path):
    with pytest.raises(InputError, match=r"10\.7937/K9/TCIA\.2016\.7O02S9CY.*data\.root in params\.yaml"):
        cbis_ddsm.load(tmp_path / "cbis_ddsm", tmp_path, compute)


@pytest.mark.skipif(not RELEASED.is_dir(), reason="the released tables are not on this machine")
def test_the_released_tables(compute, check, tmp_path):
    found = cbis_ddsm.load(RELEASED, tmp_path, compute)
    reasons = check(found, rows=1318 + 378)
    assert len(reasons) == 1696  # ids are unique across both tables
    assert found.flow == {
        "rows": 1696,
        "mass": 1696,
        "excluded: conflicting labels": 6,
        "excluded: image missing": 1690,
        "lesions": 0,
    }
    conflicting = {record for record, reason in reasons.items() if reason.startswith("conflicting")}
    assert {record[: record.index("T_") + 1] for record in conflicting} == {"P_00419_LEFT", "P_01623_RIGHT"}
    per_table = {e.source: sum(x.source == e.source for x in found.exclusions) for e in found.exclusions}
    assert sorted(per_table.values()) == [378, 1318]


@pytest.mark.skipif(not RELEASED.is_dir(), reason="the released tables are not on this machine")
def test_every_released_row_finds_the_files_of_a_real_download(compute, check, tmp_path):
    """Folder names of a real NBIA download, its files empty: each row gets as far as opening its own mammogram."""
    downloaded = pd.concat([pd.read_csv(RELEASED / f"download_paths_{split}.csv") for split in ("train", "test")])
    for path in {*downloaded["image"], *downloaded["mask"]}:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    for table in RELEASED.glob("mass_case_description_*_set.csv"):
        shutil.copy(table, tmp_path)
    found = cbis_ddsm.load(tmp_path, tmp_path / "masks", compute)
    reasons = check(found, rows=1696)
    opened = {record for record, reason in reasons.items() if "1-1.dcm not a DICOM file" in reason}
    subjects = downloaded["mask"].str.extract(r"_(P_.+?)/")[0]
    conflicting = {record for record, reason in reasons.items() if reason.startswith("conflicting")}
    assert opened == set(subjects) - conflicting
    assert len(opened) == 1689
