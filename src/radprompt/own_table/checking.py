"""From a CSV and its columns' roles to cases to learn from; what cannot be used is refused or accounted for."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from radprompt.core.errors import InputError
from radprompt.core.table_params import Table
from radprompt.own_table.cells import read_numbers
from radprompt.own_table.columns import Column, Kind, judge
from radprompt.own_table.copies import find_copies, united
from radprompt.own_table.encoding import encode
from radprompt.own_table.faults import Command, Fault, option, refuse
from radprompt.own_table.labels import Labels, label_key, read_labels
from radprompt.own_table.missing_codes import code_faults, failed_rows, in_all_columns, is_usual
from radprompt.own_table.number_formats import is_number
from radprompt.own_table.partitions import read_splits
from radprompt.own_table.programs import not_measured, spoken_names
from radprompt.own_table.reading import Sheet, matching, read_sheet
from radprompt.own_table.roles import shared_image, suspicious
from radprompt.own_table.suspicion import stems

_UNKNOWN = {"missing", "unknown", "unk", "n/a", "na", "none", "?", "-", "unbekannt", "not done", "pending"}

ONLY_SITE = "table"
"""Name of the one site of a table without a site column."""


class Exclusion(NamedTuple):
    """A row (1 = first after the header) that is not used, and why."""

    row: int
    reason: str


class Checked(NamedTuple):
    """A table that can be used.

    ``about`` has ``case, patient, site, split, label``, one row a case in the file's order, ``split`` '' where the
    table gives none; ``features`` has every feature as numbers, NaN where missing, the same rows. ``classes`` are the
    words for 0 and 1.
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
        """Counts for DVC: rows, exclusions by reason, features by kind, and cases by site and class."""
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
            positive = int(own["label"].sum())
            by_class = {self.classes[0]: len(own) - positive, self.classes[1]: positive}
            counts["sites"][site] = {"patients": own["patient"].nunique(), **by_class}
        return counts


def check(
    path: str | Path,
    table: Table,
    *,
    sheet: Sheet | None = None,
    command: Command | None = None,
) -> Checked:
    """Read a table and settle what each column and each row is.

    Parameters
    ----------
    path
        The table's file.
    table
        Section of ``params.yaml``.
    sheet
        The file's content where it was read already.
    command
        The call of ``radprompt table``, for a message that mends it; None inside a pipeline folder.

    Raises
    ------
    InputError
        For all that leaves it open what is meant, or looks like a leak, in one message. Rows without a label or without
        any value, and columns without values or with a single one, are left out and listed.
    """
    where = str(path)
    sheet = sheet or read_sheet(path)
    names = [str(name) for name in sheet.cells]
    table = replace(
        table,
        ignore=matching(table.ignore, names),
        categories=matching(table.categories, names),
        keep=matching(table.keep, names),
        clinical=matching(table.clinical, names),
    )
    _check_roles(table, names, where, command)
    left_out = {name: "ignored, as asked" for name in table.ignore}
    used = {*table.roles.values(), *table.ignore, *table.categories, *table.keep}
    described = [name for name in not_measured(names) if name not in used]
    left_out |= dict.fromkeys(described, "describes software, a file or the scanner, not the lesion")
    names = [name for name in names if name not in {*table.roles.values(), *left_out}]
    plain = [name for name in names if name not in table.categories]
    read = read_numbers(sheet.cells, table.missing, plain, table.decimal)
    exclusions = sorted(_unusable(read.cells, names, table.label))
    cells = read.cells.drop(index=[exclusion.row for exclusion in exclusions])
    if cells.empty or not names:
        raise InputError("no row has a label and a value", where=where, fix="see the roles of the columns")
    faults = [*read.faults, *_role_faults(cells, table)]
    labels, label_faults = _labels(cells[table.label], table, where)
    left_out |= _without_information(cells[names])
    names = [name for name in names if name not in left_out]
    kinds, column_faults = _kinds(cells, names, table, labels)
    faults += [*label_faults, *column_faults]
    if (shared := shared_image(cells, described, table)) and not any(fault.options.get("group") for fault in faults):
        faults.append(shared)
    if faults or labels is None:
        raise refuse(faults, where, command)
    about = pd.DataFrame({"case": _identities(cells, table)}, index=cells.index)
    notes = [*sheet.notes, *read.notes, *_described(described)]
    about["site"] = ONLY_SITE if table.site is None else cells[table.site]
    about["label"] = labels.codes
    given = None if table.split is None else read_splits(cells[table.split], where)
    about["patient"], more = _patients(about, cells, kinds, table, given, where)
    sites = list(dict.fromkeys(about["site"]))
    about["split"] = "" if given is None else given
    columns = []
    spoken = spoken_names(names)
    for name, kind in kinds.items():
        there = set(about["site"][cells[name].notna()])
        levels = sorted(cells[name].dropna().unique()) if kind == "category" else []
        lacking, measured_at = int(cells[name].isna().sum()), [each for each in sites if each in there]
        own = (spoken.get(name, name), name, kind, levels, lacking, measured_at, name in table.clinical)
        columns.append(Column(*own, *(read.written[name] if kind == "number" else ())))
    if not columns:
        raise InputError("no column is left to learn from", where=where, fix="give features, or ignore fewer columns")
    for site in sites:
        if not any(site in column.sites for column in columns):
            fix = "leave its rows out, or give it features"
            raise InputError(f"no feature has a value at site {site!r}", where=where, fix=fix)
    if spoken:
        first, other = next(iter(spoken.items()))
        notes.append(f"{len(spoken)} columns have the names of a radiomics program: {first!r} is called {other!r}.")
    features = encode(cells, columns).reset_index(drop=True)
    about = about[["case", "patient", "site", "split", "label"]].reset_index(drop=True)
    return Checked(about, features, columns, labels.classes, sites, left_out, exclusions, [*notes, *more])


def _check_roles(table: Table, names: list[str], where: str, command: Command | None) -> None:
    wanted = [(role, f"table.{role}", name) for role, name in table.roles.items()]
    pairs = (("ignore", "ignore"), ("categories", "category"), ("keep", "keep"), ("clinical", "clinical"))
    for key, role in pairs:
        wanted += [(role, f"table.{key}", name) for name in getattr(table, key)]
    faults = []
    for role, key, name in wanted:
        if name not in names:
            near = get_close_matches(name, names, n=1)
            advice = f"did you mean {near[0]!r}?" if near else f"the columns are: {', '.join(names[:20])}"
            options = {role: near[0]} if near and role in table.roles else {}
            faults.append(Fault(key, f"no column is called {name!r}", advice, options))
    uses: dict[str, str] = {}
    for role, key, name in wanted:
        if role in ("keep", "clinical"):
            continue
        if name in uses:
            advice = "a column has one role: leave the other out (without a group, each case is its own patient)"
            faults.append(Fault(f"column {name!r}", f"column {name!r} is {uses[name]} and {key}", advice))
        uses[name] = key
    if faults:
        raise refuse(faults, where, command)


def _unusable(cells: pd.DataFrame, names: list[str], label: str) -> Iterator[Exclusion]:
    unlabelled = cells[label].isna()
    for row in cells.index[unlabelled]:
        yield Exclusion(int(row), "no label")
    for row in cells.index[~unlabelled & cells[names].isna().all(axis=1)]:
        yield Exclusion(int(row), "no feature has a value")
    labelled = cells[~unlabelled]
    numbers = {name: pd.to_numeric(labelled[name], errors="coerce") for name in names}
    for row in failed_rows(pd.DataFrame({name: own for name, own in numbers.items() if own.notna().any()})):
        yield Exclusion(row, "its features are 0, as where no lesion was found to measure")


def _role_faults(cells: pd.DataFrame, table: Table) -> list[Fault]:
    """Return what is wrong with ids, patients and sites: cells without a value, ids that occur twice."""
    faults = []
    for column in (table.id, table.group, table.site):
        empty: list[int] = cells.index[cells[column].isna()].tolist() if column is not None else []
        if len(empty):
            more = f" ({len(empty)} rows have none)" if len(empty) > 1 else ""
            advice = "every row with a label needs one"
            faults.append(Fault(f"row {empty[0]}, column {column!r}", f"no value{more}", advice))
    ids = cells[table.id].dropna() if table.id is not None else pd.Series(dtype=object)
    again = ids[ids.duplicated()]
    if len(again):
        first = ids.index[ids == again.iloc[0]][0]
        more = f" ({len(again)} rows have an earlier one's)" if len(again) > 1 else ""
        what = f"case {again.iloc[0]!r} occurs again; first in row {first}{more}"
        options = {"id": None} if table.group else {"id": None, "group": table.id}
        advice = "give each row its own id; if it names the patient, it is the group: --group"
        faults.append(Fault(f"row {again.index[0]}, column {table.id!r}", what, advice, options))
    return faults


def _labels(values: pd.Series, table: Table, where: str) -> tuple[Labels | None, list[Fault]]:
    """Return the classes, as far as they can be told, and what is wrong with them."""
    try:
        return read_labels(values, table.positive, where), []
    except InputError as error:
        place, levels = f"column {table.label!r}", list(dict.fromkeys(values))
        keys = {label_key(value): value for value in levels}
        fault = Fault(place, error.what, error.fix)
        if len(keys) == 2:
            second = list(keys.values())[1]
            return read_labels(values, second, where), [fault._replace(options={"positive": second})]
        if (foot := _foot(values)) is not None:
            said = f"{fault.what}; the last {len(foot)} row(s) may be means, deviations or counts, not cases"
            advice = f"if so, leave them out: {option('missing', f'{table.label}={foot.iloc[0]}')}"
            options = {"missing": [f"{table.label}={value}" for value in foot.unique()]}
            return None, [Fault(f"rows {foot.index[0]} to {foot.index[-1]}, {place}", said, advice, options)]
        codes = [value for value in levels if is_usual(value) or value.casefold() in _UNKNOWN]
        if len(keys) > 2 and len({label_key(value) for value in levels if value not in codes}) == 2:
            advice = f"if {codes[0]!r} stands for a missing label: --missing {table.label}={codes[0]}"
            fault = fault._replace(advice=advice, options={"missing": [f"{table.label}={code}" for code in codes]})
        return None, [fault]


def _foot(values: pd.Series) -> pd.Series | None:
    """Return the labels of the table's last rows if they, and no other rows, are of neither class; at most ten."""
    keys = values.map(label_key)
    classes = keys.value_counts().index[:2]
    others = values[~keys.isin(classes)]
    last = values.iloc[len(values) - len(others) :]
    return last if len(others) <= 10 and others.index.equals(last.index) and not others.map(is_usual).any() else None


def _without_information(cells: pd.DataFrame) -> dict[str, str]:
    """Return the columns without values, or with a single one, and the reason to leave each out."""
    found = {}
    for name in cells:
        values = cells[name].dropna().unique()
        if len(values) < 2:
            found[str(name)] = f"constant: always {values[0]}" if len(values) else "empty"
    return found


def _kinds(
    cells: pd.DataFrame, names: list[str], table: Table, labels: Labels | None
) -> tuple[dict[str, Kind], list[Fault]]:
    """Judge every feature: its kind, or what is wrong with it."""
    numbers = {}
    for name in names:
        if name not in table.categories and all(map(is_number, cells[name].dropna())):
            numbers[name] = pd.to_numeric(cells[name]).astype(float)
    codes = None if labels is None else labels.codes.to_numpy()
    suspected = suspicious(cells, names, numbers, codes, table)
    kinds: dict[str, Kind] = {}
    faults = list(suspected.values())
    for name in names:
        if name in suspected:
            continue
        kind = judge(cells[name], category=name in table.categories)
        if isinstance(kind, Fault):
            faults.append(kind)
        else:
            kinds[name] = kind
    measured = [name for name, kind in kinds.items() if kind == "number"]
    unasked = pd.DataFrame({name: numbers[name] for name in measured if name not in table.keep}, index=cells.index)
    return kinds, in_all_columns([*faults, *code_faults(unasked, cells)], cells)


def _identities(cells: pd.DataFrame, table: Table) -> pd.Series:
    if table.id is None:
        return pd.Series([f"row {row}" for row in cells.index], index=cells.index)
    return cells[table.id]


def _patients(
    about: pd.DataFrame,
    cells: pd.DataFrame,
    kinds: dict[str, Kind],
    table: Table,
    given: pd.Series | None,
    where: str,
) -> tuple[pd.Series, list[str]]:
    """Return each row's patient, one for copies of a row and for ids that share a part; and notes."""
    notes = []
    patients = about["case"] if table.group is None else cells[table.group]
    if table.group is not None:
        keys = patients.map(label_key)
        first = patients.groupby(keys).transform("first")
        if (first != patients).any():
            one = patients.index[first != patients][0]
            notes.append(f"{patients[one]!r} and {first[one]!r} in column {table.group!r} are taken as one patient.")
            patients = first
    elif table.id is not None and table.id not in table.keep and (shared := stems(about["case"])) is not None:
        parts = about["case"].map(shared)
        several = about[parts.duplicated(keep=False)].groupby(parts)
        # If numbering restarts in each class or hospital, equal numbers are different patients.
        if (several["label"].nunique() < 2).any() and several["site"].nunique().max() == 1:
            patients = parts
            one, other = about["case"][parts == next(iter(several.groups))].iloc[:2]
            alone = option("keep", table.id)
            notes.append(
                f"The ids in column {table.id!r} share parts, such as {one!r} and {other!r}: {parts.nunique()} parts "
                f"were taken as patients, each on one side of the split. {alone} takes each row alone."
            )
    numbers = [name for name, kind in kinds.items() if kind == "number"]
    others = [name for name in kinds if name not in numbers]
    pairs = find_copies(cells[others], cells[numbers])
    if pairs:
        one, other = pairs[0]
        for places, two, column in (
            (given, "on two sides of the split", table.split),
            (about["site"], "at two sites", table.site),
        ):
            apart = [(a, b) for a, b in pairs if places is not None and places[a] != places[b]]
            if apart:
                what = f"row {apart[0][0]} and row {apart[0][1]} are equal, but {two}"
                fix = f"remove one of each ({len(apart)} pairs), or correct column {column!r}"
                raise InputError(what, where=where, fix=fix)
        differing = sum(bool(about["label"][a] != about["label"][b]) for a, b in pairs)
        patients = united(patients, pairs)
        rows = len({row for pair in pairs for row in pair})
        notes.append(
            f"{rows} rows are copies of others, such as rows {one} and {other}: each is kept on one side of the split."
            + (f" {differing} pairs differ in their label." if differing else "")
        )
    return patients, notes


def _described(names: list[str]) -> list[str]:
    if not names:
        return []
    shown = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
    return [
        f"{len(names)} columns that describe software, files or the scanner are left out: {shown}. --keep uses one."
    ]
