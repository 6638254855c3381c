"""The page's server over HTTP, without a browser."""

import csv
import errno
import json
import socket
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from review_study import DATASET, FOLDER, GRID, TOKEN, drawing, files_of, opened, square, unpacked

from radprompt.core.errors import InputError
from radprompt.mammograms.imaging.contours import read_mask
from radprompt.mammograms.imaging.dicom import read_mammogram
from radprompt.mammograms.segmentation.review import read_reviewed
from radprompt.review import desk as desk_module
from radprompt.review import server
from radprompt.review.desk import Desk
from radprompt.review.worklist import Worklist
from radprompt.tables.reviews import read_reviews


def test_the_worklist_puts_doubtful_ones_first_and_shows_no_label(served):
    answer = served().client.get("worklist")
    content = answer.json()
    assert [entry["id"] for entry in content["lesions"]][:3] == ["p2_CC", "p3_MLO", "p1_CC"]
    kinds = {entry["id"]: [doubt["kind"] for doubt in entry["doubts"]] for entry in content["lesions"]}
    assert kinds["p2_CC"] == ["ellipse"]
    assert {"parts", "outside"} <= set(kinds["p3_MLO"])
    assert kinds["p1_CC"] == ["uncertain"]
    assert {"label", "birads", "split", "patient_id"}.isdisjoint(content["lesions"][0])
    assert content["reader"] == "ann"
    assert json.loads(answer.text.replace("NaN", "0")) == content


def test_a_region_is_the_mammograms_at_full_resolution(served, study):
    client = served().client
    state = opened(client, "p1_CC")
    top, left, bottom, right = state["region"]
    seen = client.get(f"lesions/p1_CC/region/{top}/{left}/{bottom}/{right}").content
    pixels = np.frombuffer(seen, "<u2").reshape(bottom - top, right - left)
    whole = read_mammogram(study / f"data/raw/{DATASET}/1/CC.dcm").pixels
    np.testing.assert_allclose(pixels / 65535, whole[top:bottom, left:right], atol=1e-5)
    np.testing.assert_array_equal(
        unpacked(state["drawn"], state["region"]),
        read_mask(study / f"data/masks/{DATASET}/p1_CC.png")[top:bottom, left:right],
    )
    xmin, ymin, xmax, ymax = state["box"]
    assert top < ymin < ymax < bottom
    assert left < xmin < xmax < right or left == 0 or right == GRID.columns


def test_the_other_view_of_the_breast_is_shown(served):
    client = served().client
    state = opened(client, "p1_CC")
    assert state["other"]["view"] == "MLO"
    assert state["other"]["boxes"] == [opened(client, "p1_MLO")["box"]]
    first, second = client.get("lesions/p1_CC/other"), client.get("lesions/p1_MLO/whole")
    assert first.content == second.content
    assert first.headers["x-step"] == "1"
    assert client.get("lesions/p1_CC/whole").content != first.content


def test_an_accepted_contour_changes_no_mask(served, study):
    client = served().client
    state = opened(client, "p1_CC")
    before = files_of(study)
    answer = client.post(
        "lesions/p1_CC/decision",
        json=drawing(state, unpacked(state["drawn"], state["region"]), decision="contour"),
    )
    assert answer.json()["review"] == {"decision": "accepted", "reason": "", "dice": "1.0000", "counts": "yes"}
    after = files_of(study)
    assert set(after) - set(before) == {f"{FOLDER}/reviews.csv"}
    assert {name: after[name] for name in before} == before
    row = next(csv.DictReader((study / FOLDER / "reviews.csv").read_text().splitlines()))
    assert (row["lesion_id"], row["reader"], row["milliseconds"]) == ("p1_CC", "ann", "1500")
    assert int(row["area_px"]) == read_mask(study / f"data/masks/{DATASET}/p1_CC.png").sum()


def test_a_corrected_contour_is_the_mask_that_the_pipeline_takes(served, study):
    client = served().client
    state = opened(client, "p1_CC")
    mask, (top, left, bottom, right) = square(state), state["region"]
    answer = client.post("lesions/p1_CC/decision", json=drawing(state, mask, decision="contour"))
    assert answer.json()["review"]["decision"] == "corrected"
    taken = read_reviewed(study / FOLDER / "p1_CC.png", GRID.shape)
    np.testing.assert_array_equal(taken[top:bottom, left:right], mask)
    assert taken.sum() == 600
    np.testing.assert_array_equal(read_mask(study / FOLDER / "readers/ann/p1_CC.png"), taken)
    drawn = read_mask(study / f"data/masks/{DATASET}/p1_CC.png")
    np.testing.assert_array_equal(read_mask(study / FOLDER / "drawn/p1_CC.png"), drawn)
    review = read_reviews(study / FOLDER)[0]
    both = (taken & drawn).sum()
    assert float(review.dice) == pytest.approx(2 * both / (taken.sum() + drawn.sum()), abs=5e-5)
    again = opened(client, "p1_CC")
    np.testing.assert_array_equal(unpacked(again["current"], again["region"]).sum(), 600)
    assert again["origin"] == "own"


def test_restoring_the_drawn_contour_gives_the_mask_back(served, study):
    client = served().client
    state = opened(client, "p1_CC")
    client.post("lesions/p1_CC/decision", json=drawing(state, square(state), decision="contour"))
    state = opened(client, "p1_CC")
    restored = unpacked(state["drawn"], state["region"])
    answer = client.post("lesions/p1_CC/decision", json=drawing(state, restored, decision="contour"))
    assert answer.json()["review"]["decision"] == "accepted"
    assert not (study / FOLDER / "p1_CC.png").exists()
    assert not (study / FOLDER / "readers/ann/p1_CC.png").exists()


def test_an_unusable_lesion_has_a_reason_and_no_mask(served, study):
    client = served().client
    state = opened(client, "p1_CC")
    asked = {"revision": state["revision"], "decision": "unusable", "milliseconds": 10}
    for reason in ("", "   ", "=1+1", "two\nlines", "x" * 201):
        assert client.post("lesions/p1_CC/decision", json=asked | {"reason": reason}).status_code == 422
    assert not (study / FOLDER / "reviews.csv").exists()
    answer = client.post("lesions/p1_CC/decision", json=asked | {"reason": "Clip over it"})
    assert answer.json()["review"]["reason"] == "Clip over it"
    assert read_reviews(study / FOLDER)[0].dice == ""


def test_a_stroke_survives_a_new_server_and_drafts_are_not_the_pipelines(served, study):
    first = served()
    state = opened(first.client, "p1_CC")
    mask = square(state)
    answer = first.client.post("lesions/p1_CC/draft", json=drawing(state, mask)).json()
    assert answer["draft"] is True
    assert list((study / FOLDER).glob("*.png")) == []
    later = opened(served().client, "p1_CC")
    np.testing.assert_array_equal(unpacked(later["current"], later["region"]), mask)
    assert (later["origin"], later["milliseconds"], later["revision"]) == ("draft", 1500, answer["revision"])
    back = first.client.post(
        "lesions/p1_CC/draft", json=drawing(later, unpacked(later["drawn"], later["region"]))
    ).json()
    assert back == {"revision": state["revision"], "draft": False}


def test_two_tabs_do_not_overwrite_each_other(served):
    client = served().client
    state = opened(client, "p1_CC")
    assert client.post("lesions/p1_CC/draft", json=drawing(state, square(state))).status_code == 200
    for path, content in {
        "draft": drawing(state, ~square(state)),
        "decision": drawing(state, square(state), decision="contour"),
        "withdrawal": {"revision": state["revision"]},
    }.items():
        answer = client.post(f"lesions/p1_CC/{path}", json=content)
        assert (answer.status_code, "another tab" in answer.json()["error"]) == (409, True)
    later = opened(client, "p1_CC")
    np.testing.assert_array_equal(unpacked(later["current"], later["region"]), square(state))


def test_two_readers_decide_side_by_side_and_the_first_counts(served, study):
    ann, ben = served("ann").client, served("ben").client
    mine, yours = opened(ann, "p1_CC"), opened(ben, "p1_CC")
    first, second = square(mine), np.roll(square(yours), 5, axis=0)
    ann.post("lesions/p1_CC/decision", json=drawing(mine, first, decision="contour"))
    # The second reader is blind to the first, and may decide on the state that he saw before.
    answer = ben.post("lesions/p1_CC/decision", json=drawing(yours, second, decision="contour")).json()
    assert answer["review"]["counts"] == "no"
    top, left, bottom, right = mine["region"]
    taken = read_mask(study / FOLDER / "p1_CC.png")[top:bottom, left:right]
    np.testing.assert_array_equal(taken, first)
    state = opened(ben, "p1_CC")
    np.testing.assert_array_equal(unpacked(state["current"], state["region"]), second)
    # The first one's decision taken back, the second one's counts.
    state = opened(ann, "p1_CC")
    assert ann.post("lesions/p1_CC/withdrawal", json={"revision": state["revision"]}).json()["review"] is None
    np.testing.assert_array_equal(read_mask(study / FOLDER / "p1_CC.png")[top:bottom, left:right], second)
    assert [(review.reader, review.counts) for review in read_reviews(study / FOLDER)] == [("ben", "yes")]


def test_a_mask_put_there_by_hand_is_where_the_reader_begins(served, study):
    by_hand = np.zeros(GRID.shape, bool)
    by_hand[300:340, 200:260] = True
    Image.fromarray(by_hand.astype(np.uint8) * 255).save(study / FOLDER / "p1_CC.png")
    state = opened(served().client, "p1_CC")
    assert state["origin"] == "hand"
    assert unpacked(state["current"], state["region"]).sum() == 40 * 60


def test_a_full_disk_loses_nothing_that_was_saved(served, study, monkeypatch):
    client = served().client
    state = opened(client, "p1_CC")
    answer = client.post("lesions/p1_CC/draft", json=drawing(state, square(state)))
    before = files_of(study)

    def full(*_args, **_kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    state = opened(client, "p1_CC")
    assert answer.json()["revision"] == state["revision"]
    for path, more in (("draft", {}), ("decision", {"decision": "contour"})):
        refused = client.post(f"lesions/p1_CC/{path}", json=drawing(state, np.roll(square(state), 3), **more))
        assert refused.status_code == 507
        assert "the disk is full" in refused.json()["error"]
    assert files_of(study) == before


@pytest.mark.parametrize("kind", ["nothing", "few", "everything"])
def test_what_is_no_mass_cannot_be_accepted(served, study, kind):
    client = served().client
    state = opened(client, "p1_CC")
    mask = np.zeros_like(square(state))
    if kind == "few":
        mask[5, :15] = True
    if kind == "everything":
        state["region"] = [0, 0, *GRID.shape]
        mask = np.ones(GRID.shape, bool)
    answer = client.post("lesions/p1_CC/decision", json=drawing(state, mask, decision="contour"))
    assert answer.status_code == 422
    said = {"nothing": "is empty", "few": "has 15 pixels, fewer than 16", "everything": "is full"}
    assert said[kind] in answer.json()["error"]
    assert not (study / FOLDER / "reviews.csv").exists()


def test_a_broken_image_can_only_be_excluded(served, study):
    (study / f"data/raw/{DATASET}/1/CC.dcm").write_bytes(b"\0" * 128 + b"DICM and then nothing")
    client = served().client
    state = opened(client, "p1_CC")
    refused = client.get(f"lesions/p1_CC/region/{'/'.join(map(str, state['region']))}")
    assert refused.status_code == 422
    assert "CC.dcm" in refused.json()["error"]
    assert client.get("lesions/p1_CC/whole").status_code == 422
    asked = {"revision": state["revision"], "decision": "unusable", "milliseconds": 1, "reason": "Damaged file"}
    assert client.post("lesions/p1_CC/decision", json=asked).status_code == 200


def _raw(address: str, request: bytes) -> bytes:
    """Send bytes as they are, which a well-behaved client would not."""
    host, port = address.split("/")[2].split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(request)
        received = b""
        while piece := connection.recv(65536):
            received += piece
    return received


HOSTILE_PATHS = {
    "no token": ("/", 404),
    "wrong token": ("/wrong/", 404),
    "token with another letter": (f"/{TOKEN[:-1]}x/worklist", 404),
    "token in capitals": (f"/{TOKEN.upper()}/worklist", 404),
    "path that climbs": (f"/{TOKEN}/assets/../../../../etc/passwd", 404),
    "path that climbs, encoded": (f"/{TOKEN}/assets/%2e%2e%2f%2e%2e%2fdesk.py", 404),
    "path that climbs, encoded twice": (f"/{TOKEN}/assets/%252e%252e%252fdesk.py", 404),
    "path of Windows": (f"/{TOKEN}/assets/..%5c..%5cdesk.py", 404),
    "module as an asset": (f"/{TOKEN}/assets/__init__.py", 404),
    "lesion that climbs": (f"/{TOKEN}/lesions/..%2f..%2f..%2fetc%2fpasswd", 404),
    "lesion with a null byte": (f"/{TOKEN}/lesions/p1_CC%00", 404),
    "lesion that is not there": (f"/{TOKEN}/lesions/p9_CC", 404),
    "lesion of a draft's folder": (f"/{TOKEN}/lesions/.drafts", 404),
    "region beyond the image": (f"/{TOKEN}/lesions/p1_CC/region/0/0/99999/99999", 422),
    "region of no pixel": (f"/{TOKEN}/lesions/p1_CC/region/9/9/9/9", 422),
    "negative region": (f"/{TOKEN}/lesions/p1_CC/region/-5/0/9/9", 404),
}


@pytest.mark.parametrize("name", HOSTILE_PATHS)
def test_a_hostile_address_reads_and_writes_nothing(attacked, name):
    running, study = attacked
    before = files_of(study)
    path, status = HOSTILE_PATHS[name]
    host = running.address.split("/")[2]
    for method in ("GET", "POST"):
        head = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nConnection: close\r\n"
        body = "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}" if method == "POST" else "\r\n"
        answer = _raw(running.address, (head + body).encode())
        assert int(answer.split()[1]) in ({status} if method == "GET" else {404, 405, 422})
        assert b"root:" not in answer
        assert b"import" not in answer
    assert files_of(study) == before


HOSTILE_HEADERS = {
    "another origin": ({"origin": "http://evil.example"}, 403),
    "origin null": ({"origin": "null"}, 403),
    "origin of another port": ({"origin": "http://127.0.0.1:1"}, 403),
    "no origin": ({"origin": ""}, 403),
    "asked for by another site": ({"sec-fetch-site": "cross-site"}, 403),
    "a name that leads here": ({"host": "evil.example"}, 404),
    "a form": ({"content-type": "text/plain"}, 415),
    "a form of files": ({"content-type": "multipart/form-data; boundary=x"}, 415),
}


@pytest.mark.parametrize("name", HOSTILE_HEADERS)
def test_another_page_cannot_decide(attacked, name):
    (running, study), (headers, status) = attacked, HOSTILE_HEADERS[name]
    client = running.client
    state, before = opened(client, "p1_CC"), files_of(study)
    content = json.dumps(drawing(state, square(state), decision="contour"))
    answer = client.post(
        "lesions/p1_CC/decision", content=content, headers={"content-type": "application/json"} | headers
    )
    assert answer.status_code == status
    assert files_of(study) == before


HOSTILE_BODIES = {
    "no JSON": b"mask",
    "a list": b"[]",
    "nested deeply": b"[" * 100_000,
    "no contour": b'{"revision": "", "region": [0, 0, 9, 9], "milliseconds": 1}',
    "not base64": b'{"revision": "", "region": [0, 0, 9, 9], "milliseconds": 1, "mask": "***"}',
    "too few bits": b'{"revision": "", "region": [0, 0, 9, 9], "milliseconds": 1, "mask": "AAAA"}',
    "a region beyond the image": b'{"revision": "", "region": [0, 0, 9, 99999], "milliseconds": 1, "mask": ""}',
    "a region of huge numbers": b'{"revision": "", "region": [0, 0, 1e300, 9], "milliseconds": 1, "mask": ""}',
    "a time of the past": b'{"revision": "", "region": [0, 0, 9, 9], "milliseconds": -1, "mask": ""}',
    "a reader": b'{"revision": "", "region": [0, 0, 9, 9], "milliseconds": 1, "mask": "", "reader": "../x"}',
    "not UTF-8": b'{"revision": "\xff\xfe"}',
}


@pytest.mark.parametrize("name", HOSTILE_BODIES)
def test_a_hostile_body_is_refused_and_the_server_goes_on(attacked, name):
    running, study = attacked
    client, before = running.client, files_of(study)
    for path in ("draft", "decision"):
        answer = client.post(
            f"lesions/p1_CC/{path}", content=HOSTILE_BODIES[name], headers={"content-type": "application/json"}
        )
        assert answer.status_code == 422
        assert answer.json()["error"]
    assert files_of(study) == before
    assert client.get("worklist").status_code == 200


@pytest.mark.parametrize("announced", [True, False])
def test_a_huge_body_is_not_read(served, study, monkeypatch, announced):
    monkeypatch.setattr(server, "DOOR", replace(server.DOOR, largest=100_000))
    client, before = served().client, files_of(study)
    pieces = (b"x" * 10_000 for _ in range(30))
    content = b"x" * 300_000 if announced else pieces
    answer = client.post("lesions/p1_CC/draft", content=content, headers={"content-type": "application/json"})
    assert answer.status_code == 413
    assert files_of(study) == before


def test_every_answer_keeps_the_page_to_itself(served):
    client = served().client
    for path in ("", "worklist", "assets/app.js", "assets/nothing.js", "lesions/p1_CC"):
        headers = client.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
        assert headers["cache-control"] == "no-store"
        assert "set-cookie" not in headers
        assert "access-control-allow-origin" not in headers


def test_nothing_is_loaded_from_elsewhere():
    assets = sorted(Path(desk_module.__file__).with_name("assets").iterdir())
    assert len(assets) >= 8
    for asset in assets:
        text = asset.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not {"http:", "https:", "//cdn", "localStorage", "document.cookie", "eval(", "innerHTML"} & {
            word
            for word in ("http:", "https:", "//cdn", "localStorage", "document.cookie", "eval(", "innerHTML")
            if word in text
        }, asset


@pytest.mark.parametrize("name", ["", "a/b", "..", "a b", ".x", "x" * 41, "a\n", "rené", "ann."])
def test_a_reader_is_a_plain_name(study, name):
    with pytest.raises(InputError, match="cannot be a reader's name"):
        Desk(Worklist(study, DATASET), name)


def test_readers_that_differ_by_case_are_one(served, study):
    client = served("ann").client
    state = opened(client, "p1_CC")
    client.post("lesions/p1_CC/decision", json=drawing(state, square(state), decision="contour"))
    with pytest.raises(InputError, match=r"(?s)a reader called 'ann' is known.*use ann"):
        Desk(Worklist(study, DATASET), "Ann")


def test_a_contour_drawn_anew_is_shown_as_changed(served, study):
    client = served().client
    state = opened(client, "p1_CC")
    accepted = unpacked(state["drawn"], state["region"])
    client.post("lesions/p1_CC/decision", json=drawing(state, accepted, decision="contour"))
    table = (study / f"data/masks/{DATASET}.csv").read_text()
    digest = read_reviews(study / FOLDER)[0].contour
    (study / f"data/masks/{DATASET}.csv").write_text(table.replace(digest, "0" * 16))
    standing = {entry["id"]: entry["changed"] for entry in served().client.get("worklist").json()["lesions"]}
    assert standing == {name: name == "p1_CC" for name in standing}


def test_an_older_mask_table_does_without_certainty(older_table):
    assert list(Worklist(older_table, DATASET)) == ["p2_CC", *sorted(set(Worklist(older_table, DATASET)) - {"p2_CC"})]


def test_nnunet_draws_again_in_another_box(served, segmenter):
    client, before = served().client, files_of(segmenter)
    state = opened(client, "p1_CC")
    top, left, *_ = state["region"]
    box = [left + 10, top + 20, left + 40, top + 60]
    answer = client.post("lesions/p1_CC/drawing", json={"box": box, "region": state["region"]}).json()
    mask = unpacked(answer["mask"], state["region"])
    assert (answer["source"], mask.sum(), mask[20:60, 10:40].all()) == ("nnunet", 40 * 30, True)
    small = [left + 10, top + 10, left + 26, top + 26]
    answer = client.post("lesions/p1_CC/drawing", json={"box": small, "region": state["region"]}).json()
    assert (answer["source"], answer["flag"]) == ("ellipse", "too little")
    assert client.get("worklist").json()["segmenter"] is True
    assert files_of(segmenter) == before


@pytest.mark.parametrize("box", [[-1, 0, 50, 50], [0, 0, 7, 50], [50, 50, 0, 0], [0, 0, 641, 50], [0, 0, 50, 833]])
def test_a_box_that_is_none_is_refused(served, segmenter, box):
    answer = served().client.post("lesions/p1_CC/drawing", json={"box": box, "region": [0, 0, 9, 9]})
    assert (answer.status_code, "the box is not" in answer.json()["error"]) == (422, True)


def test_without_a_segmenter_the_page_knows(served):
    client = served().client
    assert client.get("worklist").json()["segmenter"] is False
    answer = client.post("lesions/p1_CC/drawing", json={"box": [0, 0, 50, 50], "region": [0, 0, 9, 9]})
    assert answer.json()["error"] == "models/segmenter: there is no segmenter\nFix: run `dvc pull`"
