"""Labels, patients and sites from a second table, joined to the features by a column that both have."""

import pandas as pd

from radprompt.errors import InputError
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
        Column of both that holds the id. Where no id is spelt alike, ``007`` and ``7.0`` are the same.
    wanted
        Columns that have a role; those that the features have already are not looked for.
    where
        The two files, for messages.

    Raises
    ------
    InputError
        A column is absent, or in both tables; an id has two labels; no id is in both tables.
    """
    for sheet, path in zip((features, clinical), where, strict=True):
        if on not in sheet.cells:
            shown = ", ".join(map(str, list(sheet.cells)[:20]))
            raise InputError(f"no column is called {on!r}", where=f"{path}, --on", fix=f"the columns are: {shown}")
    columns = [name for name in wanted if name not in features.cells]
    absent = [name for name in columns if name not in clinical.cells]
    if absent:
        shown = ", ".join(map(str, list(clinical.cells)[:20]))
        raise InputError(f"no column is called {absent[0]!r}", where=where[1], fix=f"the columns are: {shown}")
    both = [name for name in wanted if name in clinical.cells and name not in columns and name != on]
    if both:
        raise InputError(f"both tables have a column {both[0]!r}", where=where[1], fix="remove it from one of them")
    known = clinical.cells[[on, *columns]].dropna(subset=[on]).drop_duplicates()
    ids, others = features.cells[on], known[on]
    if not ids.isin(others).any():
        ids = ids.map(label_key, na_action="ignore")
        others = others.map(label_key)
    again = others[others.duplicated()]
    if len(again):
        what = f"{known.loc[again.index[0], on]!r} has different values in {', '.join(columns)}"
        raise InputError(what, where=f"{where[1]}, row {again.index[0]}", fix="give each id one row")
    found = ids.isin(others)
    if not found.any():
        what = f"no id of {where[1]} is in {where[0]}: {known[on].iloc[0]!r} here, {features.cells[on].iloc[0]!r} there"
        raise InputError(what, where=f"--on {on}", fix="name the column that holds the same ids in both")
    cells = features.cells.copy()
    for name in columns:
        cells[name] = ids.map(dict(zip(others, known[name], strict=True))).astype(object)
    cells = cells.where(cells.notna(), None)
    notes = [f"{int(found.sum())} of {len(cells)} rows were found in {where[1]} by {on!r}."]
    unused = [str(name) for name in clinical.cells if name not in {on, *columns}]
    if unused:
        notes.append(f"Columns of {where[1]} that have no role are not used: {', '.join(unused[:8])}.")
    return Sheet(cells, [*features.notes, *clinical.notes, *notes])


def as_csv(cells: pd.DataFrame) -> bytes:
    """Return cells as UTF-8 CSV."""
    return cells.to_csv(index=False, lineterminator="\n").encode()
