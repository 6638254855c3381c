"""One case at a time over HTTP: what ``radprompt predict`` says, whatever was asked before."""

import io
import json
import math
import os
import signal
import struct
import subprocess
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jsonschema
import numpy as np
import pandas as pd
import psutil
import pytest
from PIL import Image
from pydicom.uid import DeflatedExplicitVRLittleEndian
from serve_cases import TOKEN, box_of, serving, write_final_model

from radprompt.core.errors import InputError
from radprompt.export.cases import Case
from radprompt.export.commands import predict_case
from radprompt.own_table.answering import TableModel
from radprompt.own_table.applying import apply
from radprompt.serve.serving import serve

SOURCE = Path(__file__).parents[3] / "src"


@pytest.fixture(scope="module")
def dicom(repository, lesions):
    return repository / lesions.iloc[0]["image_path"]


def posted(served, question, **headers):
    return served.client.post("predict", json=question, headers=headers)


def test_page_json_and_case_page_are_those_of_predict(served, predictor, repository, lesions, tmp_path):
    for lesion in lesions.index[:2]:
        row = lesions.loc[lesion]
        image = repository / row["image_path"]
        corners = tuple(float(edge) for edge in box_of(row).split(","))
        predict_case(predictor, Case(lesion, image, corners, None), tmp_path)
        form = {"box": box_of(row), "id": lesion}
        answer = served.client.post("predict", data=form, files={"image": image.open("rb")})
        assert answer.status_code == 200, answer.text
        written = json.loads((tmp_path / f"{lesion}.json").read_text())
        for name in ("probability", "logit"):
            assert answer.json()[name] == pytest.approx(written[name], abs=1e-12)
        assert answer.json() == written
        page = served.client.post(
            "predict", data=form, files={"image": image.open("rb")}, headers={"accept": "text/html"}
        )
        assert page.text == (tmp_path / f"{lesion}.html").read_text()
        assert "attachment" in page.headers["content-disposition"]


def test_the_pages_own_way_gives_the_same_with_a_contour_to_draw(served, dicom):
    picture = served.client.post("images", files={"image": ("../x/one.dcm", dicom.read_bytes())}).json()
    assert (picture["name"], picture["rows"], picture["columns"]) == ("one.dcm", 120, 96)
    asked = {"image": picture["image"], "box": [30, 40, 50, 62], "shares": "none"}
    answer = posted(served, asked | {"drawing": True}).json()
    top, left, bottom, right = answer.pop("drawing")["region"]
    assert answer == {**served.good(dicom).json(), "id": "one", "image": answer["image"]}
    assert posted(served, asked).json() == answer
    for path in ("whole", f"region/{top}/{left}/{bottom}/{right}"):
        shown = Image.open(io.BytesIO(served.client.get(f"images/{picture['image']}/{path}").content))
        assert (shown.mode, min(shown.size) > 90) == ("L", True)


def test_what_if_changes_what_the_model_reads_and_says_so(served, predictor, dicom):
    picture = served.client.post("images", files={"image": dicom.open("rb")}).json()
    asked = {"image": picture["image"], "box": [30, 40, 50, 62], "shares": "none"}
    measured = posted(served, asked).json()
    assert (measured["changed"], measured["named_model"]["interval_90"][0] > 0) == ({}, True)
    first = measured["features"][0]
    beyond = first["training_range"]["max"] * 2 + 1
    moved = posted(served, asked | {"values": {first["feature"]: beyond}}).json()
    assert moved["changed"] == {first["feature"]: first["value"]}
    assert (moved["features"][0]["value"], moved["features"][0]["place"]) == (pytest.approx(beyond), "above")
    assert moved["named_model"]["logit"] != measured["named_model"]["logit"]
    assert moved["notes"][0].startswith("What if: values were set by hand")
    assert "above the training range" in moved["notes"][1]
    corners = (30.0, 40.0, 50.0, 62.0)
    own = predictor.judge(predictor.measure(Case("a", dicom, corners, None)), {first["feature"]: beyond}, "none")
    assert moved["logit"] == pytest.approx(own.logit, abs=1e-8)
    page = posted(served, asked | {"values": {first["feature"]: beyond}}, accept="text/html").text
    assert "What if: values were set by hand" in page
    # Values alone: those measured, sent back, are read as the same sentence.
    alone = {feature["feature"]: feature["value"] for feature in measured["features"]}
    given = posted(served, {"values": alone, "shares": "none"}).json()
    assert (given["prompt"], given["image"], given["contour"]) == (measured["prompt"], None, None)
    assert given["probability"] == pytest.approx(measured["probability"], abs=1e-12)
    assert "no image was seen" in given["notes"][0]
    page = posted(served, {"values": alone}, accept="text/html").text
    assert ("Given</th>" in page, '<section id="picture">' in page) == (True, False)
    huge = posted(served, {"values": dict.fromkeys(alone, 9e14), "shares": "none"})
    assert 0 <= huge.json()["named_model"]["probability"] <= 1


def deflated_bomb(content: bytes) -> bytes:
    """A DICOM file of some kilobytes that inflates to more than the reader may take."""
    block = zlib.compressobj(9, wbits=-15)
    once = block.compress(bytes(2**24)) + block.flush(zlib.Z_FULL_FLUSH)
    head = content[: 128 + 4]
    syntax = DeflatedExplicitVRLittleEndian.encode() + b"\0" * (len(DeflatedExplicitVRLittleEndian) % 2)
    element = b"\x02\x00\x10\x00UI" + struct.pack("<H", len(syntax)) + syntax
    length = b"\x02\x00\x00\x00UL\x04\x00" + struct.pack("<I", len(element))
    return head + length + element + once * 400 + block.flush()


def png_bomb() -> bytes:
    """A PNG of a few kilobytes that says it has 30,000 x 30,000 pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 30_000, 30_000, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(30_001 * 40))) + chunk(b"IEND", b"")


def colour_png() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((40, 40, 3), np.uint8)).save(buffer, format="PNG")
    return buffer.getvalue()


HOSTILE = {
    "path that climbs": ("GET", "assets/../../../../etc/passwd", {}, 404),
    "path that climbs, encoded": ("GET", "assets/%2e%2e%2f%2e%2e%2fserver.py", {}, 404),
    "image that climbs": ("GET", "images/..%2f..%2fmodel.json/whole", {}, 404),
    "image that is not kept": ("GET", "images/0123456789abcdef/whole", {}, 410),
    "region beyond the image": ("GET", "images/KEY/region/0/0/99999/99999", {}, 422),
    "wrong token": ("GET", f"http://HOST/{TOKEN[:-1]}x/model", {}, 404),
    "no token": ("POST", "http://HOST/predict", {"json": {}}, 404),
    "other host": ("GET", "model", {"headers": {"host": "evil.example"}}, 404),
    "other origin": ("POST", "predict", {"json": {}, "headers": {"origin": "http://evil.example"}}, 403),
    "asked for by another site": ("POST", "predict", {"json": {}, "headers": {"sec-fetch-site": "cross-site"}}, 403),
    "another method": ("DELETE", "images/KEY", {}, 405),
    "plain text": ("POST", "predict", {"content": b"1", "headers": {"content-type": "text/plain"}}, 415),
    "huge body": (
        "POST",
        "predict",
        {"content": b"x" * 2_000_001, "headers": {"content-type": "application/json"}},
        413,
    ),
    "huge upload": ("POST", "images", {"files": {"image": b"x" * 2_000_001}}, 413),
    "nested deeply": (
        "POST",
        "predict",
        {"content": b"[" * 99_999, "headers": {"content-type": "application/json"}},
        422,
    ),
    "not UTF-8": (
        "POST",
        "predict",
        {"content": b'{"id": "\xff"}', "headers": {"content-type": "application/json"}},
        422,
    ),
    "form without parts": ("POST", "images", {"content": b"", "headers": {"content-type": "multipart/form-data"}}, 422),
    "form in a form": (
        "POST",
        "images",
        {
            "content": b"--a\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n--a--\r\n",
            "headers": {"content-type": "multipart/form-data; boundary=a"},
        },
        422,
    ),
    "unknown field": ("POST", "predict", {"files": {"image": b"x"}, "data": {"path": "/etc/passwd"}}, 422),
    "empty image": ("POST", "images", {"files": {"image": b""}}, 422),
    "broken DICOM": ("POST", "images", {"files": {"image": b"\0" * 128 + b"DICM" + b"\xff" * 999}}, 422),
    "cut DICOM": ("POST", "images", {"files": {"image": "CUT"}}, 422),
    "deflated bomb": ("POST", "images", {"files": {"image": "BOMB"}}, 422),
    "PNG bomb": ("POST", "images", {"files": {"image": png_bomb()}}, 422),
    "PNG in colour": ("POST", "images", {"files": {"image": colour_png()}}, 422),
    "box outside": ("POST", "predict", {"json": {"image": "KEY", "box": [900, 900, 990, 990]}}, 422),
    "box reversed": ("POST", "predict", {"json": {"image": "KEY", "box": [50, 62, 30, 40]}}, 422),
    "box with NaN": (
        "POST",
        "predict",
        {"content": b'{"image": "KEY", "box": [NaN, 1, 9, 9]}', "headers": {"content-type": "application/json"}},
        422,
    ),
    "no box": ("POST", "predict", {"json": {"image": "KEY"}}, 422),
    "an id that climbs": ("POST", "predict", {"json": {"values": {}, "id": "../x"}}, 422),
    "NaN": (
        "POST",
        "predict",
        {"content": b'{"values": {"shape_Perimeter": NaN}}', "headers": {"content-type": "application/json"}},
        422,
    ),
    "infinity": (
        "POST",
        "predict",
        {"content": b'{"values": {"shape_Perimeter": 1e999}}', "headers": {"content-type": "application/json"}},
        422,
    ),
    "text as a value": ("POST", "predict", {"json": {"values": {"shape_Perimeter": "1"}}}, 422),
    "true as a value": ("POST", "predict", {"json": {"values": {"shape_Perimeter": True}}}, 422),
    "null as a value": ("POST", "predict", {"json": {"values": {"shape_Perimeter": None}}}, 422),
    "missing features": ("POST", "predict", {"json": {"values": {}}}, 422),
    "unknown feature": ("POST", "predict", {"json": {"values": {"__class__": 1}}}, 422),
    "beyond all measurement": ("POST", "predict", {"json": {"values": {"shape_Perimeter": 1e300}}}, 422),
    "too many values": ("POST", "predict", {"json": {"values": {f"v{i}": 1 for i in range(3000)}}}, 422),
    "another device": ("POST", "predict", {"json": {"values": {}, "device": "cuda"}}, 422),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_request_is_refused_and_the_next_good_one_answered(served, dicom, exported, name, monkeypatch):
    method, path, sent, status = HOSTILE[name]
    key = served.client.post("images", files={"image": dicom.open("rb")}).json()["image"]
    if name.startswith("huge"):
        monkeypatch.setattr(served.limits, "upload", 2_000_000)
    sent = {kind: _filled(content, key, dicom) for kind, content in sent.items()}
    before = sorted(exported.rglob("*")), sorted(served.folder.parent.rglob("*"))
    path = path.replace("KEY", key).replace("HOST", served.address.split("/")[2])
    answer = served.client.request(method, path, **sent)
    assert answer.status_code == status, answer.text
    assert "clinical use" in answer.text
    assert str(served.folder) not in answer.text
    assert (sorted(exported.rglob("*")), sorted(served.folder.parent.rglob("*"))) == before
    monkeypatch.undo()
    assert served.good(dicom).status_code == 200


def _filled(content, key, dicom):
    if content == {"image": "CUT"}:
        return {"image": dicom.read_bytes()[:-5000]}
    if content == {"image": "BOMB"}:
        return {"image": deflated_bomb(dicom.read_bytes())}
    if isinstance(content, bytes):
        return content.replace(b"KEY", key.encode())
    return content | {"image": key} if isinstance(content, dict) and content.get("image") == "KEY" else content


def test_several_at_once_are_answered_or_told_to_wait(served, dicom):
    expected = served.good(dicom).json()
    with ThreadPoolExecutor(2) as pool:
        two = list(pool.map(lambda _: served.good(dicom), range(2)))
    assert [answer.status_code for answer in two] == [200, 200]
    with ThreadPoolExecutor(12) as pool:
        many = list(pool.map(lambda _: served.good(dicom), range(12)))
    for answer in [*two, *many]:
        assert answer.status_code in (200, 503)
        assert answer.json() == expected if answer.status_code == 200 else "Try again" in answer.json()["error"]


def test_what_takes_too_long_is_ended_in_words(served, dicom, monkeypatch):
    served.good(dicom)  # the reader is ready
    process = served.reader.pid
    os.kill(process, signal.SIGSTOP)
    monkeypatch.setattr(served.limits, "reading_s", 0.1)
    answer = served.good(dicom)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "reading the image took longer than 1 s" in answer.json()["error"]
    assert not psutil.pid_exists(process)
    monkeypatch.undo()
    assert served.good(dicom).status_code == 200


@pytest.mark.parametrize("which", ["reader", "model"])
def test_a_crashed_process_is_replaced(served, dicom, which):
    process = getattr(served, which).pid
    expected = served.good(dicom).json()
    os.kill(process, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(process)] if psutil.pid_exists(process) else [], timeout=10)
    again = served.good(dicom)
    if again.status_code == 503:  # it was asked before the system knew of its end
        again = served.good(dicom)
    assert again.json() == expected


def test_old_images_give_way(served, dicom):
    keys = [served.client.post("images", files={"image": dicom.open("rb")}).json()["image"] for _ in range(8)]
    assert served.client.get(f"images/{keys[0]}/whole").status_code == 410
    assert served.client.get(f"images/{keys[-1]}/whole").status_code == 200
    assert len(list(served.folder.glob("*.npy"))) == served.limits.images


def test_answers_are_as_the_description_says_and_keep_to_themselves(served, dicom):
    answer = served.client.get("openapi.json")
    document = answer.json()
    schemas = document["components"]
    answers = {
        "Model": served.client.get("model"),
        "Answer": served.good(dicom),
        "Picture": served.client.post("images", files={"image": dicom.open("rb")}),
        "Problem": posted(served, {"values": {}}),
    }
    for name, found in answers.items():
        jsonschema.validate(found.json(), {"$ref": f"#/components/schemas/{name}", "components": schemas})
    assert set(document["paths"]) == {"/model", "/images", "/predict"}
    for found in [answer, *answers.values(), served.client.get(""), served.client.get("assets/app.js")]:
        assert found.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
        assert found.headers["cache-control"] == "no-store"
        assert not {"set-cookie", "access-control-allow-origin"} & set(found.headers)
        if found.headers["content-type"] == "application/json":
            assert "ot for clinical use" in found.text


def test_the_model_of_a_table_takes_values_as_the_table_does(tmp_path):
    final = tmp_path / "models/final"
    model = write_final_model(final)
    rows = pd.DataFrame(
        {
            "case": ["a", "b", "c"],
            "area": ["24.5", "", "9999"],
            "shape": ["odd", "even", ""],
            "site": ["North", "South", "North"],
        }
    )
    rows.to_csv(tmp_path / "new.csv", index=False)
    apply(tmp_path / "new.csv", tmp_path, None, tmp_path / "said.csv")
    said = pd.read_csv(tmp_path / "said.csv", keep_default_na=False).set_index("case")
    with serving(tmp_path, tmp_path / "images") as running:
        assert [column["levels"] for column in running.client.get("model").json()["inputs"]] == [[], ["even", "odd"]]
        for row in rows.to_dict("records"):
            values = {"area": float(row["area"]) if row["area"] else None, "shape": row["shape"] or None}
            answer = posted(running, {"values": values, "site": row["site"], "id": row["case"]}).json()
            expected = said.loc[row["case"]]
            assert answer["probability"] == pytest.approx(expected["probability"], abs=1e-12)
            assert answer["named_model"]["interval_90"] == pytest.approx([expected["low"], expected["high"]], abs=1e-12)
            assert answer["call"] == expected["call"]
            shares = answer["named_model"]["shares"].values()
            total = answer["named_model"]["base"] + sum(share["share"] for share in shares)
            assert total == pytest.approx(answer["logit"], rel=1e-8, abs=1e-8)
            beyond = [each["feature"] for each in answer["features"] if each["place"] in ("below", "above")]
            assert beyond == ([expected["outside"]] if expected["outside"] else [])
            assert any("extrapolation" in note for note in answer["notes"]) == bool(beyond)
        for question in (
            {"values": {"area": 1.0}, "site": "North"},
            {"values": {"area": 1.0, "shape": "round"}, "site": "North"},
            {"values": {"area": "1", "shape": None}, "site": "North"},
            {"values": {"area": 1.0, "shape": None}, "site": "West"},
            {"values": {"area": 1.0, "shape": None}},
            {"values": {"area": 1.0, "shape": None, "more": 1}, "site": "North"},
        ):
            assert posted(running, question).status_code == 422
        assert posted(running, {"values": {}}, accept="text/html").status_code == 422
    assert math.isfinite(TableModel(tmp_path).describe()["inputs"][0]["range"]["max"])
    assert model.facts["site"] == "site"


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
def test_however_it_ends_its_folder_goes(tmp_path, ending):
    write_final_model(tmp_path / "models/final")
    room = tmp_path / "temporary"
    room.mkdir()
    command = [sys.executable, "-m", "radprompt", "serve", "--model", str(tmp_path), "--no-browser"]
    environment = os.environ | {"PYTHONPATH": str(SOURCE), "TMPDIR": str(room)}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    said = [process.stdout.readline() for _ in range(3)]
    assert "not for clinical use" in said[0]
    assert said[1].startswith("http://127.0.0.1:")
    assert [path.name.startswith("radprompt-serve-") for path in room.iterdir()] == [True]
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(ending)
    process.wait()
    process.stdout.close()
    assert psutil.wait_procs(children, timeout=30)[1] == []
    assert list(room.iterdir()) == []


def test_what_is_no_model_is_said_before_an_address_is(tmp_path):
    said = []
    with pytest.raises(InputError, match="neither an exported model nor the study of a table"):
        serve(tmp_path, 0, said.append)
    assert [line for line in said if "http" in line] == []
