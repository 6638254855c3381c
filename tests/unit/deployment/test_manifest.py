"""What is loaded is what was exported: every altered, absent or foreign file is named."""

import json

import pytest

from radprompt.core.errors import InputError
from radprompt.export.manifest import check_manifest, digest, write_manifest


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "weights.safetensors").write_bytes(b"weights")
    (tmp_path / "model.json").write_text("{}")
    write_manifest(tmp_path)
    return tmp_path


def test_manifest_lists_every_file_with_its_digest(folder):
    listed = json.loads((folder / "manifest.json").read_text())["files"]
    assert list(listed) == ["inner/weights.safetensors", "model.json"]
    # printf weights | sha256sum
    assert listed["inner/weights.safetensors"] == {
        "bytes": 7,
        "sha256": "9a129038d9a00aed0cf6a7ea059ca50a813449061ab87848cf1a13eafdf33b2c",
    }
    assert check_manifest(folder) == digest(folder / "manifest.json")


def test_one_altered_byte_is_found_and_the_file_named(folder):
    (folder / "inner" / "weights.safetensors").write_bytes(b"weightz")
    with pytest.raises(InputError, match=r"inner/weights\.safetensors: altered"):
        check_manifest(folder)


def test_an_absent_file_is_named(folder):
    (folder / "model.json").unlink()
    with pytest.raises(InputError, match=r"model\.json: no such file"):
        check_manifest(folder)


def test_a_file_that_is_not_listed_is_refused(folder):
    (folder / "inner" / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(InputError, match=r"pytorch_model\.bin: not listed"):
        check_manifest(folder)


def test_a_listed_file_of_a_kind_that_could_be_a_pickle_is_refused(folder):
    place = folder / "weights.pth"
    place.write_bytes(b"pickle")
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"]["weights.pth"] = {"bytes": 6, "sha256": digest(place)}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match=r"weights\.pth: no exported model holds this kind"):
        check_manifest(folder)
    with pytest.raises(ValueError, match=r"weights\.pth"):
        write_manifest(folder)


def test_the_file_managers_own_files_do_not_count(folder):
    (folder / ".DS_Store").write_bytes(b"x")
    check_manifest(folder)


def test_a_listed_path_that_climbs_out_is_refused(folder):
    outside = folder.parent / f"{folder.name}.json"
    outside.write_text("{}")
    name = f"../{outside.name}"
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][name] = {"bytes": 2, "sha256": digest(outside)}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match=r"no such file, though the manifest lists it"):
        check_manifest(folder)
    outside.unlink()


@pytest.mark.parametrize("content", ["no JSON", "[]", '{"files": {"a.json": {"bytes": 1}}}', '{"files": []}'])
def test_a_broken_manifest_is_one_error(folder, content):
    (folder / "manifest.json").write_text(content)
    with pytest.raises(InputError, match=r"not a manifest"):
        check_manifest(folder)


def test_a_folder_without_manifest_and_a_zip_say_what_to_do(tmp_path):
    with pytest.raises(InputError, match=r"no exported model here"):
        check_manifest(tmp_path)
    (tmp_path / "model.zip").write_bytes(b"PK")
    with pytest.raises(InputError, match=r"python -m zipfile -e .*model\.zip model"):
        check_manifest(tmp_path / "model.zip")
