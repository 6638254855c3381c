"""Feature tables on disk: one row a lesion, one column a feature, whichever features were measured.

An empty cell is a missing value. Columns whose names begin with :data:`CLINICAL` are known of the patient and no
radiomics: models that say so read them, the others do not.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from radprompt.core.errors import InputError
from radprompt.tables.cohort import REPEAT, ROWS, SPLITS
from radprompt.tables.lesions import LABEL
from radprompt.tables.schema import Column, Schema

CLINICAL = "clinical: "
RAW = Schema("feature table", [Column("lesion_id")], key=("lesion_id",))
STANDARDISED = Schema(
    "feature table",
    [REPEAT, Column("lesion_id"), Column("patient_id"), Column("split", one_of=SPLITS), LABEL],
    key=("repeat", "split", "lesion_id"),
)
_VALUE = Column("", "a finite number", kind="number", required=False)


def read_features(path: str | Path) -> pd.DataFrame:
    """Read raw features: ``lesion_id`` and a column a feature.

    Raises
    ------
    InputError
        For an absent file, a missing column, no feature, a value that is not a finite number, or a repeated id; it
        names them.
    """
    return _read(path, RAW)


def read_standardised(path: str | Path) -> pd.DataFrame:
    """Read z-scores: :data:`radprompt.tables.cohort.ROWS` and a column a feature.

    Errors are those of :func:`read_features`.
    """
    return _read(path, STANDARDISED)


def feature_columns(table: pd.DataFrame) -> list[str]:
    """Return the columns that are radiomics features, in the table's order."""
    return [str(name) for name in table.columns if name not in ROWS and not str(name).startswith(CLINICAL)]


def clinical_columns(table: pd.DataFrame) -> list[str]:
    """Return the columns that are known of the patient, in the table's order."""
    return [str(name) for name in table.columns if str(name).startswith(CLINICAL)]


def with_values(table: pd.DataFrame, names: Sequence[str]) -> list[str]:
    """Return those of the columns that hold a value in some row."""
    known = table[list(names)].notna().any()
    return [name for name in names if known[name]]


def _read(path: str | Path, schema: Schema) -> pd.DataFrame:
    path = Path(path)
    if not path.is_file():
        raise InputError(f"no such {schema.what}", where=str(path), fix=schema.absent)
    texts = dict.fromkeys(schema.names, str)
    table = pd.read_csv(path, dtype=texts, keep_default_na=False, na_values=[""])
    schema.require_columns(table, path)
    values = [*feature_columns(table), *clinical_columns(table)]
    if not values:
        raise InputError("no feature column", where=str(path), fix=schema.fix)
    cells = table[schema.names].fillna("").astype(str)
    odd = [name for name in values if not _is_finite(table[name])]
    checked = replace(schema, columns=[*schema.columns, *(replace(_VALUE, name=name) for name in odd)])
    checked.check(
        cells.join(table[odd].fillna("").astype(str)), [f"{path}, row {row}" for row in range(1, len(table) + 1)]
    )
    # Values as one block: each column its own costs a wide table seconds at every later step.
    return schema.typed(cells).join(table[values].copy())


def _is_finite(values: pd.Series) -> bool:
    return is_numeric_dtype(values) and bool(np.isfinite(values.dropna()).all())
