"""Feature tables on disk: one row a lesion, one column a feature, whichever features were measured.

An empty cell is a missing value. Columns whose names begin with :data:`CLINICAL` are known of the patient and no
radiomics: models that say so read them, the others do not.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from radprompt.core.errors import InputError
from radprompt.tables.cohort import ROWS

CLINICAL = "clinical: "


def read_features(path: str | Path) -> pd.DataFrame:
    """Read raw features: ``lesion_id`` and a column a feature.

    Raises
    ------
    InputError
        For an absent file, a missing column, no feature, or a repeated id; it names them.
    """
    return _read(path, ["lesion_id"])


def read_standardised(path: str | Path) -> pd.DataFrame:
    """Read z-scores: :data:`radprompt.tables.cohort.ROWS` and a column a feature.

    Errors are those of :func:`read_features`.
    """
    return _read(path, ROWS)


def feature_columns(table: pd.DataFrame) -> list[str]:
    """Return the columns that are radiomics features, in the table's order."""
    return [str(name) for name in table.columns if name not in ROWS and not str(name).startswith(CLINICAL)]


def clinical_columns(table: pd.DataFrame) -> list[str]:
    """Return the columns that are known of the patient, in the table's order."""
    return [str(name) for name in table.columns if str(name).startswith(CLINICAL)]


def _read(path: str | Path, leading: Sequence[str]) -> pd.DataFrame:
    path = Path(path)
    if not path.is_file():
        raise InputError("no such feature table", where=str(path), fix="run `dvc repro`, or `dvc pull`")
    texts = {"lesion_id": str, "patient_id": str, "split": str}
    table = pd.read_csv(path, dtype=texts, keep_default_na=False, na_values=[""])
    table = table.fillna({name: "" for name in texts if name in table})
    missing = [name for name in leading if name not in table]
    if missing:
        raise InputError(f"column(s) {missing[:5]} missing", where=str(path), fix="run `dvc repro` again")
    if not [*feature_columns(table), *clinical_columns(table)]:
        raise InputError("no feature column", where=str(path), fix="run `dvc repro` again")
    repeated = table.index[table.duplicated([name for name in ("repeat", "lesion_id", "split") if name in leading])]
    if len(repeated):
        raise InputError(
            f"lesion_id {table['lesion_id'][repeated[0]]!r} occurs twice",
            where=f"{path}, row {repeated[0] + 1}",
            fix="run `dvc repro` again",
        )
    return table[[*leading, *feature_columns(table), *clinical_columns(table)]]
