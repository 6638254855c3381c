"""From a CSV and its columns' roles to cases to learn from; what cannot be used is refused or accounted for."""

from collections import Counter
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from radprompt.core.errors import InputError
from radprompt.own_table.columns import Column, kind_of
from radprompt.own_table.labels import read_labels
from radprompt.own_table.params import Split, Table
from radprompt.own_table.reading import read_sheet
from radprompt.own_table.splits import assign, read_splits
from radprompt.tables.cohort import ROLES

ONLY_SITE = "table"
"""Name of the one site of a table without a site column."""


class Exclusion(NamedTuple):
    """A row (1 = first after the header) that is not used, and why."""

    row: int
    reason: str


class Checked(NamedTuple):
    """A table that can be used.

    ``about`` has ``case, patient, site, split, label``, one row a case in the file's order; ``features`` the cells of
    every feature as text, None where missing, the same rows. ``classes`` are the words for 0 and 1; the first of
    ``sites`` trains.
    """

    about: pd.DataFrame
    features: pd.DataFrame
    columns: list[Column]
    classes: tuple[str, str]
    sites: list[str]
    left_out: dict[str, str]
    exclusions: list[Exclusion]
    notes: list[str]

    @property
    def flow(self) -> dict[str, Any]:
        """Counts for DVC: rows, exclusions by reason, features by kind, and cases by site, split and class."""
        kinds = Counter(column.kind for column in self.columns)
        counts: dict[str, Any] = {
            "rows": len(self.about) + len(self.exclusions),
            "excluded": dict(Counter(exclusion.reason for exclusion in self.exclusions)),
            "cases": len(self.about),
            "features": {"number": kinds["number"], "category": kinds["category"], "left_out": len(self.left_out)},
            "sites": {},
        }
        for site in self.sites:
            own = self.about[self.about["site"] == site]
            counts["sites"][site] = {}
            for role in ROLES:
                members = own[own["split"] == role]
                positive = int(members["label"].sum())
                by_class = {self.classes[0]: len(members) - positive, self.classes[1]: positive}
                counts["sites"][site][role] = {"patients": members["patient"].nunique(), **by_class}
        return counts


def check(path: str | Path, table: Table, split: Split, seed: int) -> Checked:
    """Read a table and settle what each column and each row is.

    Parameters
    ----------
    path
        The CSV file.
    table, split, seed
        Of ``params.yaml``.

    Raises
    ------
    InputError
        For whatever leaves it open what is meant; it names column and row and what to do. Rows without a label or
        without any value, and columns without values or with a single one, are left out and listed.
    """
    where = str(path)
    sheet = read_sheet(path, set(table.missing))
    cells = sheet.cells
    _check_roles(table, list(cells.columns), where)
    names = [str(name) for name in cells if name not in {*table.roles.values(), *table.ignore}]
    exclusions = sorted(_unusable(cells, names, table.label))
    cells = cells.drop(index=[exclusion.row for exclusion in exclusions])
    if cells.empty:
        raise InputError("no row has a label and a value", where=where, fix="see the roles of the columns")
    about = pd.DataFrame({"case": _identities(cells, table, where)}, index=cells.index)
    about["patient"] = about["case"] if table.group is None else _filled(cells[table.group], where)
    about["site"] = ONLY_SITE if table.site is None else _filled(cells[table.site], where)
    labels = read_labels(cells[table.label], table.positive, where)
    about["label"] = labels.codes
    sites = _sites(about["site"], table, where)
    given = None if table.split is None else read_splits(cells[table.split], where)
    about["split"], drawn = assign(about, given, split, seed)
    columns, left_out = _columns(cells[names], about["site"], table, sites, where)
    if not columns:
        raise InputError("no column is left to learn from", where=where, fix="give features, or ignore fewer columns")
    for site in sites:
        if not any(site in column.sites for column in columns):
            fix = "leave its rows out, or give it features"
            raise InputError(f"no feature has a value at site {site!r}", where=where, fix=fix)
    features = cells[[column.name for column in columns]].reset_index(drop=True)
    about = about[["case", "patient", "site", "split", "label"]].reset_index(drop=True)
    notes = [*sheet.notes, *drawn]
    return Checked(about, features, columns, labels.classes, sites, left_out, exclusions, notes)


def _check_roles(table: Table, names: list[str], where: str) -> None:
    wanted = [(f"table.{role}", name) for role, name in table.roles.items()]
    wanted += [(f"table.{key}", name) for key in ("ignore", "categories") for name in getattr(table, key)]
    for key, name in wanted:
        if name not in names:
            near = get_close_matches(name, names, n=1)
            fix = f"did you mean {near[0]!r}?" if near else f"the columns are: {', '.join(names[:20])}"
            raise InputError(f"no column is called {name!r}", where=f"{where}, {key}", fix=fix)
    uses: dict[str, str] = {}
    for key, name in wanted:
        if name in uses:
            fix = "a column has one role: leave the other out (without a group, each case is its own patient)"
            raise InputError(f"column {name!r} is {uses[name]} and {key}", where=where, fix=fix)
        uses[name] = key


def _unusable(cells: pd.DataFrame, names: list[str], label: str) -> Iterator[Exclusion]:
    unlabelled = cells[label].isna()
    for row in cells.index[unlabelled]:
        yield Exclusion(int(row), "no label")
    for row in cells.index[~unlabelled & cells[names].isna().all(axis=1)]:
        yield Exclusion(int(row), "no feature has a value")


def _identities(cells: pd.DataFrame, table: Table, where: str) -> pd.Series:
    if table.id is None:
        return pd.Series([f"row {row}" for row in cells.index], index=cells.index)
    ids = _filled(cells[table.id], where)
    again = ids[ids.duplicated()]
    if len(again):
        first = ids.index[ids == again.iloc[0]][0]
        raise InputError(
            f"case {again.iloc[0]!r} occurs again; first in row {first}",
            where=f"{where}, row {again.index[0]}, column {table.id!r}",
            fix="give each row its own id; if it names the patient, it is the group: --group",
        )
    return ids


def _filled(cells: pd.Series, where: str) -> pd.Series:
    empty = cells[cells.isna()]
    if len(empty):
        place = f"{where}, row {empty.index[0]}, column {cells.name!r}"
        raise InputError("no value", where=place, fix="every row with a label needs one")
    return cells


def _sites(column: pd.Series, table: Table, where: str) -> list[str]:
    """Return the sites, the one that trains first, the others as they come."""
    sites = list(dict.fromkeys(column))
    if table.first_site is None:
        return sites
    first = str(table.first_site)
    if first not in sites:
        fix = f"name one of {', '.join(map(repr, sites))}"
        raise InputError(f"no case is from site {first!r}", where=f"{where}, table.first_site", fix=fix)
    return [first, *(site for site in sites if site != first)]


def _columns(
    cells: pd.DataFrame, site: pd.Series, table: Table, sites: list[str], where: str
) -> tuple[list[Column], dict[str, str]]:
    """Judge every feature; those without values, or with a single one, are left out with the reason."""
    columns, left_out = [], {name: "ignored, as asked" for name in table.ignore}
    for name in cells:
        own = cells[name]
        values = own.dropna().unique()
        if len(values) < 2:
            left_out[str(name)] = f"constant: always {values[0]}" if len(values) else "empty"
            continue
        kind = kind_of(own, where, category=name in table.categories)
        there = set(site[own.notna()])
        columns.append(Column(str(name), kind, int(own.isna().sum()), [each for each in sites if each in there]))
    return columns, left_out
