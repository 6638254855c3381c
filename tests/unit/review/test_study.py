"""The page of a study of images, over HTTP, and what the study's next run makes of it."""

from pathlib import Path

import made_up
import numpy as np
import pandas as pd
import pytest
import SimpleITK
from PIL import Image
from review_study import drawing, files_of, measure_volumes, opened, unpacked
from typer.testing import CliRunner

from radprompt.cli import app
from radprompt.core.errors import InputError
from radprompt.images.corrections import review_id
from radprompt.review import desk as desk_module
from radprompt.review.serving import desk_of
from radprompt.tables.reviews import read_reviews

SPHERE = made_up.sphere_values(made_up.grid()) > 0
RUN = "cases.csv"


def array(path: Path) -> np.ndarray:
    return SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path)))


def features(volumes: Path) -> pd.DataFrame:
    return pd.read_csv(volumes / "features.csv", index_col="case")


def block(state: dict, whole: np.ndarray) -> np.ndarray:
    top, left, bottom, right = state["region"]
    return whole[slice(*state["slices"]), top:bottom, left:right]


def notched(state: dict) -> np.ndarray:
    """The drawn contour without its left half in two slices."""
    mask = unpacked(state["drawn"], state["region"], state["slices"])
    middle = mask.shape[0] // 2
    mask[middle : middle + 2, :, : mask.shape[2] // 2] = False
    return mask


def correct(client, case: str = "c0") -> np.ndarray:
    state = opened(client, case)
    mask = notched(state)
    answer = client.post(f"lesions/{case}/decision", json=drawing(state, mask, decision="contour"))
    assert answer.status_code == 200, answer.text
    return mask


def test_a_volume_is_shown_around_its_mask_slice_by_slice(served, volumes):
    client = served(target=volumes).client
    content = client.get("worklist").json()
    assert [entry["id"] for entry in content["lesions"]] == ["c0", "c1", "c2", review_id("c/3")]
    assert [entry["name"] for entry in content["lesions"]] == ["c0", "c1", "c2", "c/3"]
    assert (content["segmenter"], content["filters"]) == (False, {"flag": "flagged"})
    assert "label" not in content["lesions"][0]
    state = opened(client, "c1")
    np.testing.assert_array_equal(unpacked(state["drawn"], state["region"], state["slices"]), block(state, SPHERE))
    assert block(state, SPHERE).sum() == SPHERE.sum()
    assert state["grid"] == "0.8 x 0.9 x 2 mm a voxel"
    assert state["measure"] == {"unit": "mm³", "factor": pytest.approx(0.8 * 0.9 * 2)}
    # It opens where the mask is largest, and grey values are those of the file.
    assert SPHERE[state["slice"]].sum() == SPHERE.sum(axis=(1, 2)).max()
    (low, high), (top, left, bottom, right) = state["levels"], state["region"]
    seen = client.get(f"lesions/c1/region/{top}/{left}/{bottom}/{right}/{state['slice']}").content
    pixels = np.frombuffer(seen, "<u2").reshape(bottom - top, right - left) / 65535 * (high - low) + low
    whole = array(volumes.parent / "image1.nrrd")
    np.testing.assert_allclose(pixels, whole[state["slice"], top:bottom, left:right], atol=(high - low) / 65535)
    for which in ("whole", "other"):
        assert client.get(f"lesions/c1/{which}").content.startswith(b"\x89PNG")


def test_the_next_run_takes_a_corrected_mask_and_measures_that_case_alone(served, volumes):
    measure_volumes(volumes.parent / RUN)  # finished cases are known by their places, and these are copies
    before = features(volumes)
    server = served(target=volumes)
    state = opened(server.client, "c0")
    mask = correct(server.client)
    taken = array(volumes / "review/c0.nrrd")
    np.testing.assert_array_equal(block(state, taken), mask)
    assert taken.sum() == mask.sum()
    assert not (volumes / "review/drawn").exists()  # the case's own mask stays where it is
    study = measure_volumes(volumes.parent / RUN)
    after = features(volumes)
    assert study.taken_over == 3
    assert any("1 corrected masks are taken from" in note for note in study.notes)
    changed = (before != after).any(axis=1)
    assert changed[changed].index.tolist() == ["c0"]
    voxel = 0.8 * 0.9 * 2
    assert after.loc["c0", "original_shape_MeshVolume"] == pytest.approx(mask.sum() * voxel, rel=0.05)
    # Taken back, everything is as it was.
    state = opened(server.client, "c0")
    assert state["origin"] == "own"
    server.client.post("lesions/c0/withdrawal", json={"revision": state["revision"]})
    measure_volumes(volumes.parent / RUN)
    pd.testing.assert_frame_equal(features(volumes), before)


def test_an_unusable_case_is_excluded_with_its_reason_and_stays_in_the_worklist(served, volumes):
    client, name = served(target=volumes).client, review_id("c/3")
    state = opened(client, name)
    asked = {"revision": state["revision"], "decision": "unusable", "milliseconds": 10, "reason": "Motion blur"}
    assert client.post(f"lesions/{name}/decision", json=asked).status_code == 200
    measure_volumes(volumes.parent / RUN)
    assert "c/3" not in features(volumes).index
    excluded = pd.read_csv(volumes / "exclusions.csv")
    assert excluded[["case", "reason"]].to_numpy().tolist() == [["c/3", "unusable to reader ann: Motion blur"]]
    again = served(target=volumes).client.get("worklist").json()["lesions"]
    assert {entry["id"]: bool(entry["review"]) for entry in again}[name]


def test_a_stroke_survives_a_new_server(served, volumes):
    client = served(target=volumes).client
    state = opened(client, "c0")
    mask = notched(state)
    answer = client.post("lesions/c0/draft", json=drawing(state, mask)).json()
    assert answer["draft"] is True
    later = opened(served(target=volumes).client, "c0")
    np.testing.assert_array_equal(unpacked(later["current"], later["region"], later["slices"]), mask)
    assert (later["origin"], later["milliseconds"], later["revision"]) == ("draft", 1500, answer["revision"])
    measure_volumes(volumes.parent / RUN)
    assert features(volumes).shape[0] == 4  # a draft is not taken


def test_two_readers_and_two_tabs_do_not_overwrite_each_other(served, volumes):
    ann, ben = served("ann", volumes).client, served("ben", volumes).client
    mine, yours = opened(ann, "c0"), opened(ben, "c0")
    ann.post("lesions/c0/decision", json=drawing(mine, notched(mine), decision="contour"))
    other = np.roll(unpacked(yours["drawn"], yours["region"], yours["slices"]), 1, axis=2)
    answer = ben.post("lesions/c0/decision", json=drawing(yours, other, decision="contour")).json()
    assert answer["review"]["counts"] == "no"
    np.testing.assert_array_equal(block(mine, array(volumes / "review/c0.nrrd")), notched(mine))
    np.testing.assert_array_equal(block(yours, array(volumes / "review/readers/ben/c0.nrrd")), other)
    assert ann.post("lesions/c0/draft", json=drawing(mine, other)).status_code == 409


HOSTILE = {
    "no slices": {"slices": None},
    "slices beyond the volume": {"slices": [0, 21]},
    "slices backwards": {"slices": [5, 5]},
    "slices of huge numbers": {"slices": [0, 10**30]},
    "a region beyond the slice": {"region": [0, 0, 37, 40]},
    "too few bits": {"mask": "AAAA"},
    "three slices": {"slices": [0, 1, 2]},
    "a path for a reader": {"reader": "../x"},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_contour_is_refused(attacked_volumes, name):
    running, root = attacked_volumes
    client, before = running.client, files_of(root)
    state = opened(client, "c0")
    sent = drawing(state, notched(state)) | HOSTILE[name]
    for path, more in (("draft", {}), ("decision", {"decision": "contour"})):
        answer = client.post(f"lesions/c0/{path}", json=sent | more)
        assert (answer.status_code, bool(answer.json()["error"])) == (422, True)
    assert files_of(root) == before


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("lesions/c0/region/0/0/9/9", 422),
        ("lesions/c0/region/0/0/9/9/20", 422),
        ("lesions/c0/region/0/0/9/9/-1", 404),
        ("lesions/c%2F3", 404),
        ("lesions/..%2Fcases.csv", 404),
        ("lesions/c0/drawing", 405),
    ],
)
def test_a_hostile_address_is_refused(attacked_volumes, path, status):
    running, root = attacked_volumes
    client, before = running.client, files_of(root)
    assert client.get(path).status_code == status
    assert files_of(root) == before


def test_nnunet_is_not_asked_about_volumes(attacked_volumes):
    asked = {"box": [0, 0, 9, 9], "region": [0, 0, 9, 9]}
    answer = attacked_volumes[0].client.post("lesions/c0/drawing", json=asked)
    assert answer.status_code == 422


@pytest.mark.parametrize("kind", ["empty", "full"])
def test_what_is_no_region_cannot_be_accepted(attacked_volumes, kind):
    client = attacked_volumes[0].client
    state = opened(client, "c0") | {"region": [0, 0, 36, 40], "slices": [0, 20]}
    mask = np.full((20, 36, 40), kind == "full")
    answer = client.post("lesions/c0/decision", json=drawing(state, mask, decision="contour"))
    assert (answer.status_code, f"the contour is {kind}" in answer.json()["error"]) == (422, True)


def test_a_full_disk_loses_nothing_that_was_saved(served, volumes, monkeypatch):
    client = served(target=volumes).client
    state = opened(client, "c0")
    client.post("lesions/c0/draft", json=drawing(state, notched(state)))
    before, state = files_of(volumes), opened(client, "c0")

    def full(*_args, **_kwargs):
        raise RuntimeError("ITK ERROR: Write: Error writing: No space left on device")

    monkeypatch.setattr(SimpleITK, "WriteImage", full)
    for path, more in (("draft", {}), ("decision", {"decision": "contour"})):
        mask = unpacked(state["drawn"], state["region"], state["slices"])
        mask[0, 0, 0] = True
        refused = client.post(f"lesions/c0/{path}", json=drawing(state, mask, **more))
        assert (refused.status_code, "Not saved" in refused.json()["error"]) == (507, True)
    assert files_of(volumes) == before


def test_an_image_that_cannot_be_read_is_said(served, volumes):
    (volumes.parent / "image0.nrrd").write_bytes(b"NRRD0004\nnothing")
    answer = served(target=volumes).client.get("lesions/c0")
    assert (answer.status_code, "image0.nrrd" in answer.json()["error"]) == (422, True)


def test_a_planar_image_is_a_volume_of_one_slice(served, tmp_path):
    pixels = np.random.default_rng(1).integers(0, 255, (60, 50)).astype(np.uint8)
    mask = np.zeros((60, 50), np.uint8)
    mask[20:40, 15:30] = 2  # any value that the table names
    Image.fromarray(pixels).save(tmp_path / "image.png")
    Image.fromarray(mask).save(tmp_path / "mask.png")
    row = {"case": "a", "image": "image.png", "mask": "mask.png", "mask_label": "2", "spacing": "0.5"}
    table = made_up.write_table(tmp_path, [row])
    measure_volumes(table)
    client = served(target=tmp_path / "out").client
    state = opened(client, "a")
    assert (state["slices"], state["other"], state["measure"]["unit"]) == ([0, 1], None, "mm²")
    assert state["grid"] == "0.5 x 0.5 mm a pixel"
    assert client.get("lesions/a/other").status_code == 404
    smaller = unpacked(state["drawn"], state["region"], state["slices"])
    smaller[0, :25] = False
    client.post("lesions/a/decision", json=drawing(state, smaller, decision="contour"))
    measure_volumes(table)
    quality = pd.read_csv(tmp_path / "out/quality.csv")
    assert quality["voxels"].tolist() == [smaller.sum()]


def test_a_mask_put_there_by_hand_is_taken_and_is_where_the_reader_begins(served, volumes):
    by_hand = np.zeros_like(SPHERE, dtype=np.uint8)
    by_hand[8:12, 10:20, 10:20] = 1
    made_up.save(made_up.like(by_hand, made_up.grid()), volumes / "review/c0.nrrd")
    measure_volumes(volumes.parent / RUN)
    assert pd.read_csv(volumes / "quality.csv", index_col="case").loc["c0", "voxels"] == by_hand.sum()
    state = opened(served(target=volumes).client, "c0")
    assert state["origin"] == "hand"
    assert unpacked(state["current"], state["region"], state["slices"]).sum() == by_hand.sum()


def test_rows_and_masks_that_contradict_each_other_stop_the_run(served, volumes):
    correct(served(target=volumes).client)
    before = (volumes / "features.csv").read_bytes()
    (volumes / "review/c0.nrrd").rename(volumes / "review/c1.nrrd")
    with pytest.raises(InputError, match=r"c0: corrected by ann, but there is no c0\.nrrd"):
        measure_volumes(volumes.parent / RUN)
    assert (volumes / "features.csv").read_bytes() == before


def test_a_reviewed_case_that_left_the_table_is_said(served, volumes):
    correct(served(target=volumes).client)
    table = pd.read_csv(volumes.parent / RUN)
    table[table["case"] != "c0"].to_csv(volumes.parent / RUN, index=False)
    study = measure_volumes(volumes.parent / RUN)
    assert any("1 reviewed cases are not in the table (c0): not used" in note for note in study.notes)
    assert len(read_reviews(volumes / "review")) == 1


def test_a_contour_beyond_what_the_page_can_show_is_said(volumes, monkeypatch):
    monkeypatch.setattr(desk_module, "LARGEST_BLOCK", 100)
    desk, pictures = desk_of(volumes, "ann")
    state = desk.state("c0")
    with pytest.raises(InputError, match="of which the page shows 100 at most"):
        state.block(desk_module.Box(*pictures.details(desk.worklist["c0"], state)["box"]))


def test_the_command_names_the_contact_sheets_and_what_a_study_lacks(volumes):
    answer = CliRunner().invoke(app, ["review", str(volumes)])
    assert answer.exit_code != 0
    assert "has drawn its contact sheets" in str(answer.exception or answer.output)
    (volumes / "cases.csv").unlink()
    with pytest.raises(InputError, match=r"(?s)cases\.csv: not a whole study.*radprompt images"):
        desk_of(volumes, "ann")
