"""Embeddings on disk: what goes in comes out, and a file that is not the one wanted is refused."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from radprompt.core.errors import InputError
from radprompt.tables.embeddings import embeddings_of, read_embeddings, write_embeddings

ROWS = np.arange(6, dtype=np.float32).reshape(3, 2) / 7


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_embeddings(tmp_path / "new" / "repeat_0_seed_1.safetensors", ["b", "a", "ç"], ROWS)
    return tmp_path / "new" / "repeat_0_seed_1.safetensors"


def test_ids_and_values_come_back(path: Path) -> None:
    table = read_embeddings(path)
    assert list(table.index) == ["b", "a", "ç"]
    assert table.index.name == "lesion_id"
    assert (table.to_numpy() == ROWS).all()
    assert table.to_numpy().dtype == np.float32


def test_rows_come_in_the_order_asked_for(path: Path) -> None:
    assert (embeddings_of(["ç", "b", "a"], path) == ROWS[[2, 0, 1]]).all()


def test_the_same_values_give_the_same_bytes(path: Path) -> None:
    before = path.read_bytes()
    write_embeddings(path, ["b", "a", "ç"], np.asfortranarray(ROWS, dtype=float))
    assert path.read_bytes() == before


def test_other_lesions_than_wanted_are_refused(path: Path) -> None:
    with pytest.raises(InputError, match="1 missing, such as 'd'") as caught:
        embeddings_of(["b", "a", "ç", "d"], path)
    assert "dvc repro" in caught.value.fix
    assert caught.value.where == str(path)
    with pytest.raises(InputError, match="1 not asked for, such as 'b'"):
        embeddings_of(["a", "ç"], path)


def test_an_absent_or_foreign_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.safetensors: no such embeddings") as caught:
        read_embeddings(tmp_path / "none.safetensors")
    assert "language_model" in caught.value.fix
    (tmp_path / "text.safetensors").write_text("lesion_id,x\n")
    save_file({"embedding": ROWS}, tmp_path / "plain.safetensors")
    save_file({"embedding": ROWS}, tmp_path / "short.safetensors", metadata={"lesion_ids": json.dumps(["a"])})
    save_file({"embedding": ROWS}, tmp_path / "twice.safetensors", metadata={"lesion_ids": json.dumps(["a", "a", "b"])})
    save_file({"other": ROWS}, tmp_path / "other.safetensors", metadata={"lesion_ids": json.dumps(["a", "b", "c"])})
    for name in ("text", "plain", "short", "twice", "other"):
        with pytest.raises(InputError, match=rf"{name}\.safetensors: not embeddings"):
            read_embeddings(tmp_path / f"{name}.safetensors")


def test_rows_without_an_id_of_their_own_are_not_written(tmp_path: Path) -> None:
    for ids in (["a", "b"], ["a", "b", "a"]):
        with pytest.raises(ValueError, match="3 embeddings"):
            write_embeddings(tmp_path / "x.safetensors", ids, ROWS)
    assert not list(tmp_path.iterdir())
