"""Feature tables on disk: one row a lesion, one column for each of the 67 features."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from radprompt.core.errors import InputError
from radprompt.tables.feature_names import FEATURES


def read_features(path: str | Path) -> pd.DataFrame:
    """Read raw features: ``lesion_id`` and the 67, as ``stages/features.py`` writes them.

    Raises
    ------
    InputError
        For an absent file, a missing column or a repeated id; it names them.
    """
    return _read(path, ["lesion_id"])


def read_standardised(path: str | Path) -> pd.DataFrame:
    """Read z-scores: ``repeat``, ``lesion_id``, ``split``, ``label`` and the 67; errors as in :func:`read_features`."""
    return _read(path, ["repeat", "lesion_id", "split", "label"])


def _read(path: str | Path, leading: Sequence[str]) -> pd.DataFrame:
    path = Path(path)
    if not path.is_file():
        raise InputError("no such feature table", where=str(path), fix="run `dvc repro`, or `dvc pull`")
    columns = [*leading, *FEATURES]
    table = pd.read_csv(path, dtype={"lesion_id": str, "split": str}, keep_default_na=False, na_values={"": [""]})
    missing = [name for name in columns if name not in table]
    if missing:
        raise InputError(f"column(s) {missing[:5]} missing", where=str(path), fix="run `dvc repro` again")
    repeated = table.index[table.duplicated([name for name in ("repeat", "lesion_id") if name in leading])]
    if len(repeated):
        raise InputError(
            f"lesion_id {table['lesion_id'][repeated[0]]!r} occurs twice",
            where=f"{path}, row {repeated[0] + 1}",
            fix="run `dvc repro` again",
        )
    return table[columns]
