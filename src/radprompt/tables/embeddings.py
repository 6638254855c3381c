"""The language model's embeddings on disk: the enhanced radiomics, one vector a lesion (safetensors, never pickle)."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radprompt.core.errors import InputError
from radprompt.core.outputs import atomic_write

Ids: TypeAlias = "Sequence[str] | pd.Series[str]"
_TENSOR, _IDS = "embedding", "lesion_ids"
_FIX = "run `dvc repro` again"


def write_embeddings(path: str | Path, lesion_ids: Ids, embedding: NDArray) -> None:
    """Write one vector a lesion: tensor ``embedding`` as float32, shape (rows, dimensions), and the ids beside it."""
    from safetensors.numpy import save_file

    if len(lesion_ids) != len(embedding) or len(set(lesion_ids)) < len(lesion_ids):
        raise ValueError(f"{len(embedding)} embeddings of {len(set(lesion_ids))} different lesions")
    rows = np.ascontiguousarray(embedding, dtype=np.float32)
    with atomic_write(path) as part:
        save_file({_TENSOR: rows}, part, metadata={_IDS: json.dumps(list(lesion_ids))})


def read_embeddings(path: str | Path) -> pd.DataFrame:
    """Read what :func:`write_embeddings` wrote: a row a lesion, ``lesion_id`` the index, a column a dimension.

    Raises
    ------
    InputError
        For an absent file, or one that does not hold that.
    """
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    if not path.is_file():
        raise InputError("no such embeddings", where=str(path), fix="run `dvc repro language_model`, or `dvc pull`")
    try:
        with safe_open(path, framework="numpy") as file:
            ids, rows = json.loads(file.metadata()[_IDS]), file.get_tensor(_TENSOR)
        table = pd.DataFrame(rows, index=pd.Index(ids, name="lesion_id"))
        if not table.index.is_unique:
            raise ValueError(f"lesion {table.index[table.index.duplicated()][0]!r} occurs twice")
        return table
    except (SafetensorError, ValueError, TypeError, KeyError) as error:
        raise InputError(f"not embeddings: {error}", where=str(path), fix=_FIX) from None


def embeddings_of(lesion_ids: Ids, path: str | Path) -> NDArray[np.float32]:
    """Return the embeddings of these lesions in their order, shape (lesions, dimensions).

    Raises
    ------
    InputError
        As in :func:`read_embeddings`, and for a file that holds other lesions than these; it names one.
    """
    table = read_embeddings(path)
    for odd, what in (
        (set(lesion_ids) - set(table.index), "missing"),
        (set(table.index) - set(lesion_ids), "not asked for"),
    ):
        if odd:
            found = f"embeddings of other lesions than the prompts': {len(odd)} {what}, such as {min(odd)!r}"
            raise InputError(found, where=str(path), fix=f"{_FIX}: the two come from different runs")
    return table.loc[list(lesion_ids)].to_numpy()
