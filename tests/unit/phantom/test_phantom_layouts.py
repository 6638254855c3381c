import ast
import filecmp
import plistlib
from collections import Counter

import numpy as np
import pandas as pd
import pydicom
import pytest
from skimage.draw import polygon2mask

from radprompt.mammograms.imaging.dicom import read_mammogram
from radprompt.mammograms.phantom import cbis_ddsm, inbreast, vindr_mammo
from radprompt.mammograms.phantom.cohort import exposures


@pytest.fixture(scope="module")
def findings(raw):
    return pd.read_csv(raw / "vindr_mammo" / "finding_annotations.csv")


@pytest.fixture(scope="module")
def table(raw):
    content = (raw / "inbreast" / "INbreast.csv").read_bytes()
    assert content.count(b"\r\n") == content.count(b"\n")
    return pd.read_csv(raw / "inbreast" / "INbreast.csv", sep=";", dtype=str)


@pytest.fixture(scope="module")
def tables(raw):
    return {s: pd.read_csv(raw / "cbis_ddsm" / f"mass_case_description_{s}_set.csv") for s in ("train", "test")}


def _files(folder):
    return sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())


def test_same_seed_same_bytes(raw, tmp_path, small, serial, seed):
    for module in (cbis_ddsm, vindr_mammo, inbreast):
        name = module.__name__.rpartition(".")[2]
        again = tmp_path / name
        again.mkdir()
        module.write(again, seed, small, serial)
        assert _files(again) == _files(raw / name)
        _, different, errors = filecmp.cmpfiles(again, raw / name, _files(again), shallow=False)
        assert not different + errors


class TestVinDr:
    def test_annotations(self, findings, small):
        columns = "study_id series_id image_id laterality view_position height width breast_birads breast_density"
        more = "split finding_categories finding_birads xmin ymin xmax ymax"
        assert set(findings) == set((columns + " " + more).split())
        assert findings["study_id"].str.fullmatch("[0-9a-f]{32}").all()
        lists = findings["finding_categories"].map(ast.literal_eval)
        assert lists.map(len).max() == 2
        normal = lists.map(lambda names: names == ["No Finding"])
        assert normal.any()
        assert findings.loc[normal, "xmin"].isna().all()
        mass = lists.map(lambda names: "Mass" in names)
        assert mass.sum() == small.masses.vindr_mammo + sum(vindr_mammo.FAULTS.values())
        sound = findings[mass & findings["finding_birads"].isin([f"BI-RADS {n}" for n in (3, 4, 5)])]
        assert 0.4 < (sound["finding_birads"] != "BI-RADS 3").mean() < 0.55

    def test_test_split_holds_a_quarter_of_the_studies_and_one_study_lies_in_both(self, findings):
        split = findings.groupby("study_id")["split"].agg(set)
        assert (split.map(len) == 2).sum() == 1
        assert 0.15 < split.map(lambda s: s == {"test"}).mean() < 0.3

    def test_boxes_leave_the_image(self, findings, small):
        assert (findings["xmin"] < 0).any()
        assert (findings["xmin"] >= small.columns).sum() == 1, "one box lies outside altogether"

    def test_encodings(self, raw):
        kinds = Counter()
        for path in sorted((raw / "vindr_mammo" / "images").rglob("*.dicom")):
            header = pydicom.dcmread(path, stop_before_pixels=True)
            assert "PixelSpacing" not in header
            assert header.ImagerPixelSpacing[0] == pytest.approx(0.9)
            kinds[header.file_meta.TransferSyntaxUID] += 1
            kinds[header.PhotometricInterpretation] += 1
            kinds[header.BitsStored] += 1
        assert set(kinds) == {*vindr_mammo.SYNTAXES, "MONOCHROME1", "MONOCHROME2", 12, 14, 16}

    def test_every_encoding_gives_the_drawn_breast_back(self, raw, small, seed):
        seen = set()
        for shot in exposures(vindr_mammo.draw_breasts(seed, small))[:15]:
            image = vindr_mammo.image_id(shot, seed)
            (path,) = (raw / "vindr_mammo" / "images").glob(f"*/{image}.dicom")
            header = pydicom.dcmread(path, stop_before_pixels=True)
            seen.add((header.file_meta.TransferSyntaxUID, header.PhotometricInterpretation))
            drawn, _ = vindr_mammo.draw_image(shot, seed, small)
            pixels = read_mammogram(path).pixels
            tissue = drawn.signal > 0
            assert np.corrcoef(pixels[tissue], drawn.signal[tissue])[0, 1] > 0.9
            free = pixels[:, : small.columns // 40] if shot.breast.laterality == "R" else pixels[:, -4:]
            assert not free.any(), "padding is blank"
        assert len(seen) > 5

    def test_broken_files(self, raw, findings):
        images = {path.stem: path for path in (raw / "vindr_mammo" / "images").rglob("*.dicom")}
        absent = set(findings["image_id"]) - set(images)
        assert len(absent) == 1
        unreadable = 0
        for path in images.values():
            try:
                read_mammogram(path)
            except ValueError:
                unreadable += 1
        assert unreadable == 1


class TestINbreast:
    def test_table(self, table):
        assert ";".join(table.columns) == inbreast.HEADER
        assert (table["Patient ID"] == "removed").all()
        assert set(table["Bi-Rads"]) >= {"3", "4a", "4c", "5"}

    def test_patients_hide_in_the_names(self, raw, table):
        names = [path.stem.split("_") for path in (raw / "inbreast" / "AllDICOMs").glob("*.dcm")]
        assert {len(name[1]) for name in names} == {16}
        assert {name[4] for name in names} == {"CC", "ML"}
        assert len(set(table["File Name"]) - {name[0] for name in names}) == 1, "one image is missing"
        assert len({name[1] for name in names}) < len(names)

    def test_contours(self, raw, small):
        names, sizes = Counter(), Counter()
        for path in (raw / "inbreast" / "AllXML").glob("*.xml"):
            image = plistlib.loads(path.read_bytes())["Images"][0]
            assert image["NumberOfROIs"] == len(image["ROIs"])
            for roi in image["ROIs"]:
                assert roi["NumberOfPoints"] == len(roi["Point_px"])
                names[roi["Name"]] += 1
                if roi["Name"] == "Mass":
                    sizes[roi["NumberOfPoints"] > 2] += 1
        assert sizes == {True: small.masses.inbreast + 3, False: 1}
        assert names["Cluster"] > 0

    def test_points_trace_the_true_mask(self, raw, small, seed):
        shots = [shot for shot in exposures(inbreast.draw_breasts(seed, small)) if shot.breast.shows(shot.view)]
        for shot in shots[:6]:
            drawn, _ = inbreast.draw_image(shot, seed, small)
            xml = raw / "inbreast" / "AllXML" / f"{20586000 + 26 * shot.number}.xml"
            rois = [roi for roi in plistlib.loads(xml.read_bytes())["Images"][0]["ROIs"] if roi["Name"] == "Mass"]
            for roi, truth in zip(rois, drawn.truths, strict=True):
                points = np.array([ast.literal_eval(point) for point in roi["Point_px"]])
                mask = polygon2mask(drawn.signal.shape, points[:, ::-1])
                assert 2 * (mask & truth.mask).sum() / (mask.sum() + truth.mask.sum()) > 0.9

    def test_two_thirds_are_malignant(self, small, seed):
        breasts = [b for b in inbreast.draw_breasts(seed, small) if b.masses and not b.fault]
        labels = [inbreast.birads(b.suspicion) != "3" for b in breasts for m in b.masses for _ in m.views]
        assert 0.6 < np.mean(labels) < 0.75


class TestCBIS:
    def test_tables(self, tables, small):
        rows = sum(map(len, tables.values()))
        assert rows == small.masses.cbis_ddsm + sum(cbis_ddsm.FAULTS.values())
        assert "breast_density" in tables["train"]
        assert "breast density" in tables["test"]
        assert not set(tables["train"]["patient_id"]) & set(tables["test"]["patient_id"])
        for table in tables.values():
            assert table["ROI mask file path"].str.endswith(".dcm\n").all()
            assert set(table["pathology"]) <= {"MALIGNANT", "BENIGN", "BENIGN_WITHOUT_CALLBACK"}

    def test_one_lesion_carries_two_labels(self, tables):
        key = ["patient_id", "left or right breast", "abnormality id"]
        labels = tables["train"].groupby(key)["pathology"].agg(lambda p: set(p.str.startswith("BENIGN")))
        assert (labels.map(len) == 2).sum() == 1

    def test_masks_and_crops_change_places_and_match_the_truth(self, raw, small, seed):
        root, places = raw / "cbis_ddsm", Counter()
        for shot in exposures(cbis_ddsm.draw_breasts(seed, small)):
            side = cbis_ddsm.SIDES[shot.breast.laterality]
            if shot.breast.fault or not shot.breast.shows(shot.view):
                continue
            drawn, _ = cbis_ddsm.draw_image(shot, seed, small)
            for truth in drawn.truths:
                case = f"Mass-*_P_{shot.breast.patient + 1:05d}_{side}_{shot.view}_{truth.mass.number}"
                found = {path: pydicom.dcmread(path) for path in root.glob(f"{case}/*/*/*.dcm")}
                (path,) = [p for p, d in found.items() if d.BitsAllocated == 8]
                places[path.name, len(list(path.parent.iterdir()))] += 1
                assert np.array_equal(found[path].pixel_array == 255, truth.mask)
                assert not any("PixelSpacing" in d for d in found.values())
        assert set(places) == {("1-1.dcm", 2), ("1-2.dcm", 2), ("1-1.dcm", 1)}

    def test_metadata_lists_every_series_with_either_separator(self, raw):
        root = raw / "cbis_ddsm"
        metadata = pd.read_csv(root / "metadata.csv")
        locations = metadata["File Location"]
        assert locations.str.contains("\\", regex=False).any()
        assert locations.str.contains("/", regex=False).any()
        folders = {str(path.parent.relative_to(root)) for path in root.rglob("*.dcm")}
        listed = metadata.loc[metadata["Number of Images"] > 0, "File Location"]
        assert {location.replace("\\", "/")[2:] for location in listed} == folders
