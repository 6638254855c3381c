"""From suspicious columns to the options that settle them: which is the id, which the patient, which is left out."""

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd
from numpy.typing import NDArray

from radprompt.core.table_params import Table
from radprompt.own_table.copies import find_copies
from radprompt.own_table.faults import Fault, option
from radprompt.own_table.number_formats import is_number
from radprompt.own_table.programs import not_measured, spoken_names
from radprompt.own_table.suspicion import Finding, class_leak, identity, names_patients

_IMAGE = re.compile(
    r"image|sample_name|image_?(?:path|file(?:_?name)?)|.*diagnostics_Image-original_Hash.*", re.IGNORECASE
)


def suspicious(
    cells: pd.DataFrame, names: list[str], numbers: Mapping[str, pd.Series], labels: NDArray | None, table: Table
) -> dict[str, Fault]:
    """Return a fault for each column that is not a measurement, unless it is kept.

    Parameters
    ----------
    cells
        Text, None where missing.
    names
        Columns that would be features.
    numbers
        Those that hold numbers, as floats.
    labels
        0 or 1 of each row; None where they are not known.
    table
        The columns' roles; a category is asked about only where it tells the class or is called like patients.
    """
    findings: dict[str, Finding] = {}
    for name in names:
        if name in table.keep:
            continue
        found = identity(cells[name], numbers.get(name))
        if name in table.categories and not (found and found.kind == "patient" and names_patients(name)):
            found = None
        if found and found.kind == "id" and name in numbers and spoken_names([name]):
            found = None  # an energy may have nine digits in every row
        if found is None and labels is not None:
            found = class_leak(name, cells[name], numbers.get(name), labels)
        if found is not None:
            findings[name] = found
    for name in _repeating(cells, numbers, findings):
        del findings[name]
    group = _coarser(cells, findings, table.group) if table.group else _chosen(findings, "patient")
    if group is None and table.id is not None:  # each patient has one row so far
        group = next((name for name, found in findings.items() if found.kind == "id" and names_patients(name)), None)
    case = table.id or _chosen(findings, "id")
    faults = {}
    for name, found in findings.items():
        if found.kind == "patient" and name != group and group and _belongs_to(cells[name], cells[group], numbers):
            continue
        lacking = int(cells[name].isna().sum())
        if name in (group, case) and lacking:
            found = found._replace(reason=f"{found.reason}; {lacking} rows have none, and each needs one")
        faults[name] = _fault(name, found, group=name == group, case=name == case)
    if table.group and group != table.group and group in faults:
        alone = cells[table.group].is_unique and table.id is None
        other: dict[str, Any] = {"id": table.group} if alone else {"ignore": [table.group]}
        faults[group] = faults[group]._replace(options={"group": group} | other)
    for name in table.ignore:
        repeated = cells[name].nunique() < cells[name].notna().sum()
        if table.group is None and name not in table.keep and repeated and _patient_like(cells[name]):
            times = f"{cells[name].nunique()} values in {int(cells[name].notna().sum())} rows"
            what = f"it is ignored, but seems to name patients, who would be on two sides of the split: {times}"
            group_it, insist = option("group", name), option("keep", name)
            advice = f"keep each patient on one side: {group_it}; if each row is a patient: {insist}"
            options = {"group": name} if group is None or group == name else {"keep": [name]}
            group = group or name
            faults[name] = Fault(f"column {name!r}", what, advice, options)
    return faults


def _patient_like(cells: pd.Series) -> bool:
    """Return whether a column that is ignored is called like patients, or holds texts that repeat as theirs do."""
    name = str(cells.name)
    if names_patients(name) or not_measured([name]) or cells.dropna().map(is_number).all():
        return names_patients(name)
    found = identity(cells, None)
    return found is not None and found.kind == "patient"


def _repeating(cells: pd.DataFrame, numbers: Mapping[str, pd.Series], findings: Mapping[str, Finding]) -> list[str]:
    """Return the columns whose numbers repeat because whole rows do, not because they name patients."""
    doubtful = [name for name, found in findings.items() if found.kind == "patient" and name in numbers]
    compared = [name for name in numbers if name not in findings or name in doubtful]
    pairs = find_copies(cells[[]], cells[compared]) if doubtful else []
    if not pairs:
        return []
    single = cells.index.difference([later for _, later in pairs])
    again = {name: identity(cells.loc[single, name], numbers[name][single]) for name in doubtful}
    return [name for name, found in again.items() if found is None]


def shared_image(cells: pd.DataFrame, described: list[str], table: Table) -> Fault | None:
    """Return a fault where rows share an image, by its path, name or hash, and nothing groups them."""
    for name in described if table.group is None else []:
        seen = cells[name].dropna()
        if _IMAGE.fullmatch(name) and 5 <= seen.nunique() < len(seen):
            what = f"several rows share an image: {seen.nunique()} values in {len(seen)} rows"
            advice = f"keep them on one side of the split: {option('group', name)}, or a column that names the patient"
            return Fault(f"column {name!r}", what, advice, {"group": name})
    return None


def _coarser(cells: pd.DataFrame, findings: Mapping[str, Finding], group: str) -> str:
    """Return a column that is called like patients and unites the groups that were given; else these."""
    for name, found in findings.items():
        fewer = cells[name].nunique() < cells[group].nunique()
        within = cells.groupby(group)[name].nunique().max() <= 1
        if found.kind == "patient" and names_patients(name) and fewer and within:
            return name
    return group


def _chosen(findings: Mapping[str, Finding], kind: str) -> str | None:
    """Return the column that is to have the role: one that is called so, else the first."""
    fitting = [name for name, found in findings.items() if found.kind == kind]
    return next((name for name in fitting if names_patients(name)), fitting[0] if fitting else None)


def _belongs_to(cells: pd.Series, group: pd.Series, numbers: Mapping[str, pd.Series]) -> bool:
    """Return whether a column of numbers is a patient's, such as the age: it repeats because its patient does."""
    number = cells.name in numbers and not names_patients(str(cells.name))
    return number and bool(cells.groupby(group).nunique().max() <= 1)


def _fault(name: str, found: Finding, *, group: bool, case: bool) -> Fault:
    insist = f"to use it as a feature: {option('keep', name)}"
    if group:
        advice = f"if it names the patient, who must be on one side of the split: {option('group', name)}; {insist}"
        return Fault(f"column {name!r}", found.reason, advice, {"group": name})
    if found.kind == "id" and case:
        return Fault(
            f"column {name!r}", found.reason, f"if it names the row: {option('id', name)}; {insist}", {"id": name}
        )
    what = f"{found.reason}: it is not a measurement" if found.kind != "class" else found.reason
    return Fault(f"column {name!r}", what, f"leave it out: {option('ignore', name)}; {insist}", {"ignore": [name]})
