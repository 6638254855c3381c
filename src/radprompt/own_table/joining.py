"""Labels, patients and sites from a second table, joined to the features by a column that both have."""

import pandas as pd

from radprompt.core.errors import InputError
from radprompt.own_table.labels import label_key
from radprompt.own_table.reading import Sheet


def join(features: Sheet, clinical: Sheet, on: str, wanted: list[str], where: tuple[str, str]) -> Sheet:
    """Return the features' rows with the wanted columns of a second table.

    Parameters
    ----------
    features
        One row a case.
    clinical
        One row an id.
    on
        Column of both that holds the id, or ``case=ID`` where the second table calls it otherwise. Where no id is spelt
        alike, ``007`` and ``7.0`` are the same.
    wanted
        Columns that have a role; those that the features have already are not looked for.
    where
        The two files, for messages.

    Raises
    ------
    InputError
        A column is absent, or in both tables; an id has two labels; no id is in both tables.
    """
    here, there = join_columns(on, features)
    for name, sheet, path in zip((here, there), (features, clinical), where, strict=True):
        if name not in sheet.cells:
            shown = ", ".join(map(str, list(sheet.cells)[:20]))
            raise InputError(f"no column is called {name!r}", where=f"{path}, --on", fix=f"the columns are: {shown}")
    columns = [name for name in wanted if name not in features.cells]
    absent = [name for name in columns if name not in clinical.cells]
    if absent:
        shown = ", ".join(map(str, list(clinical.cells)[:20]))
        raise InputError(f"no column is called {absent[0]!r}", where=where[1], fix=f"the columns are: {shown}")
    both = [name for name in wanted if name in clinical.cells and name not in columns and name != there]
    if both:
        raise InputError(f"both tables have a column {both[0]!r}", where=where[1], fix="remove it from one of them")
    known = clinical.cells[[there, *columns]].dropna(subset=[there]).drop_duplicates()
    ids, others = features.cells[here], known[there]
    if not ids.isin(others).any():
        ids = ids.map(label_key, na_action="ignore")
        others = others.map(label_key)
    again = others[others.duplicated()]
    if len(again):
        what = f"{known.loc[again.index[0], there]!r} has different values in {', '.join(columns)}"
        raise InputError(what, where=f"{where[1]}, row {again.index[0]}", fix="give each id one row")
    found = ids.isin(others)
    if not found.any():
        one, other = known[there].iloc[0], features.cells[here].iloc[0]
        what = f"no id of {where[1]} is in {where[0]}: {one!r} here, {other!r} there"
        raise InputError(what, where=f"--on {on}", fix="name the column that holds the same ids in both")
    cells = features.cells.copy()
    for name in columns:
        cells[name] = ids.map(dict(zip(others, known[name], strict=True))).astype(object)
    cells = cells.where(cells.notna(), None)
    notes = [f"{int(found.sum())} of {len(cells)} rows were found in {where[1]} by {there!r}."]
    unused = [str(name) for name in clinical.cells if name not in {there, *columns}]
    if unused:
        notes.append(f"Columns of {where[1]} that have no role are not used: {', '.join(unused[:8])}.")
    return Sheet(cells, [*features.notes, *clinical.notes, *notes])


def join_columns(on: str, features: Sheet) -> tuple[str, str]:
    """Return the column of ids in the features and in the second table."""
    here, _, there = on.partition("=")
    return (here, there) if there and on not in features.cells else (on, on)


def as_csv(cells: pd.DataFrame) -> bytes:
    """Return cells as UTF-8 CSV."""
    return cells.to_csv(index=False, lineterminator="\n").encode()
