"""Which cases train, validate and test: cross-validation, a part held out, and from hospital to hospital."""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from radprompt.core.errors import InputError
from radprompt.core.params import Adaptation
from radprompt.core.table_params import Partition
from radprompt.evaluation.learning_curve import nested_order
from radprompt.tables.cohort import COLUMNS, START, START_VAL

DATASET = "table"
"""Name of the table among a study's data sets."""

WITHIN, HELD_OUT = "cross_validation", "holdout"
LARGEST_SITES = 3
"""Sites at which models learn from few cases: those with most cases."""

_WORDS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "val"),
    **dict.fromkeys(("test", "testing", "holdout"), "test"),
}
_TRIES = 50

Roles = dict[str, pd.DataFrame]
"""Cases by what they are used for: train, val, test."""


class Study(NamedTuple):
    """A study's protocols (the content of ``settings.yaml``), each one's cohort, and what a reader should know."""

    settings: dict[str, Any]
    cohorts: dict[str, pd.DataFrame]
    notes: list[str]


def read_splits(column: pd.Series, where: str) -> pd.Series:
    """Turn the words of a split column into train, val and test; another word is an InputError that names the row."""
    words = column.map(lambda cell: None if cell is None else _WORDS.get(cell.casefold()))
    wrong = column[words.isna()]
    if len(wrong):
        what = "no split" if wrong.iloc[0] is None else f"split {wrong.iloc[0]!r}"
        place = f"{where}, row {wrong.index[0]}, column {column.name!r}"
        raise InputError(what, where=place, fix="write train, val or test in every row")
    return words


def divide(
    about: pd.DataFrame, sites: Sequence[str], options: Partition, adaptation: Adaptation, seed: int, title: str
) -> Study:
    """Divide cases into the protocols of a study.

    Within each site the cases are cross-validated, by patient and stratified by class; a fixed part tests where the
    table or ``options.holdout`` says so. Of several sites, each is also tested by what the others taught, and the
    largest are adapted to: half of a site's patients test, from the other half a few cases are drawn, several times.

    Parameters
    ----------
    about
        ``case``, ``patient``, ``site``, ``label`` (0 or 1) and ``split`` ('' where the table gives none) of each case.
    sites
        Names of the sites.
    options, adaptation
        Sections ``partition`` and ``adaptation`` of params.yaml.
    seed
        Random seed; with it, ids and labels fix every draw.
    title
        The table's name.

    Raises
    ------
    InputError
        For a patient at two sites or on two sides of a given split, or too few patients of a class.
    """
    about = about.sort_values("case", ignore_index=True)
    _check_one_side(about, "site")
    _check_one_side(about, "split")
    names, several = site_names(sites), len(sites) > 1
    study = Study({}, {}, [])
    for site in sites:
        own, where = about[about["site"] == site], f"site {site!r}" if several else "the table"
        try:
            drawn, words, how = _within(own, options, seed, study.notes, where)
        except InputError as error:
            if not several:
                raise
            study.notes.append(f"At site {site} no model is tested on its own cases: {error.what}.")
            continue
        key = HELD_OUT if how["repeats"] == 1 else WITHIN
        name = f"{key}_{names[site]}" if several else key
        _add(study, name, f"{site}, {words}" if several else words.capitalize(), drawn, **how)
    if several:
        largest = about["site"].value_counts().sort_values(ascending=False, kind="stable").index[:LARGEST_SITES]
        for site in sites:
            _between(study, about, site, names[site], site in largest, options, adaptation, seed)
    if not study.cohorts:
        raise InputError("no site has enough patients of both classes", where="the table", fix="add cases")
    first = next(iter(study.cohorts))
    content = {
        "halved": [],
        "explained": [first],
        "data_sets": {DATASET: {"title": title, "short": title}},
        "settings": study.settings,
    }
    return Study(content, study.cohorts, study.notes)


def site_names(sites: Sequence[str]) -> dict[str, str]:
    """Return each site's name fit for files and keys; sites that would share one are numbered."""
    short = [re.sub(r"[^a-z0-9]+", "_", name.casefold()).strip("_") or "site" for name in sites]
    return {
        site: own if short.count(own) == 1 else f"{own}_{place}"
        for place, (site, own) in enumerate(zip(sites, short, strict=True), start=1)
    }


def _within(
    own: pd.DataFrame, options: Partition, seed: int, notes: list[str], where: str
) -> tuple[list[Roles], str, dict[str, Any]]:
    """Return a site's repeats, what they are in words, and how settings.yaml describes them."""
    if (own["split"] != "").any():
        _check_classes(own, where)
        given = {role: own[own["split"] == role] for role in ("train", "val", "test")}
        return [given], "the table's own split", {"repeats": 1}
    if options.holdout is not None:
        return [_held_out(own, options, [seed], where)], "a part held out", {"repeats": 1}
    folds = _folds(own, options, where)
    if folds < options.folds:
        notes.append(f"{where.capitalize()} has {folds} patients of its rarer class: {folds} folds.")
    drawn = [
        roles for repeat in range(options.repeats) for roles in _cross_validation(own, folds, options, seed, repeat)
    ]
    times = f", {options.repeats} times" if options.repeats > 1 else ""
    how = {"repeats": len(drawn), "folds": folds, "ratio": round(1 / (folds - 1), 6)}
    return drawn, f"{folds}-fold cross-validation{times}", how


def _folds(own: pd.DataFrame, options: Partition, where: str) -> int:
    by_class = own.groupby("label")["patient"].nunique().reindex([0, 1], fill_value=0)
    if by_class.min() < 2:
        raise InputError(
            f"{by_class[0]} patients with cases of class 0 and {by_class[1]} of class 1: cross-validation needs two",
            where=where,
            fix="add cases",
        )
    return min(options.folds, int(by_class.min()))


def _cross_validation(own: pd.DataFrame, folds: int, options: Partition, seed: int, repeat: int) -> list[Roles]:
    """Return one round of folds, each with both classes in training and test."""
    from sklearn.model_selection import StratifiedGroupKFold

    y, groups = own["label"].to_numpy(), own["patient"].to_numpy()
    for attempt in range(_TRIES):
        state = int(np.random.default_rng([seed, repeat, attempt]).integers(2**31))
        cutter = StratifiedGroupKFold(folds, shuffle=True, random_state=state)
        found = [
            _validated(own.iloc[train], own.iloc[test], options, [seed, repeat, fold])
            for fold, (train, test) in enumerate(cutter.split(own, y, groups))
        ]
        if all(roles[role]["label"].nunique() == 2 for roles in found for role in ("train", "test")):
            return found
    raise InputError(
        f"{folds} folds by patient leave cases of one class in some",
        where="partition.folds",
        fix=f"use fewer folds: --folds {max(2, folds - 1)}",
    )


def _held_out(own: pd.DataFrame, options: Partition, seed: list[int], where: str) -> Roles:
    train, test = _by_patients(own, options.holdout or 0.5, seed, where)
    return _validated(train, test, options, seed)


def _validated(train: pd.DataFrame, test: pd.DataFrame, options: Partition, seed: list[int]) -> Roles:
    """Return the roles, validation cases drawn from the training patients where any are wanted."""
    val = train.iloc[:0]
    if options.validation_fraction:
        train, val = _by_patients(train, options.validation_fraction, [*seed, 1], "the training cases")
    return {"train": train, "val": val, "test": test}


def _by_patients(own: pd.DataFrame, fraction: float, seed: list[int], where: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw a fraction of the patients, stratified by whether they have a case of class 1."""
    from sklearn.model_selection import train_test_split

    positive = own.groupby("patient")["label"].max().sort_index()
    state = int(np.random.default_rng(seed).integers(2**31))
    try:
        _, drawn = train_test_split(
            positive.index.to_list(), test_size=fraction, random_state=state, stratify=positive.to_list()
        )
    except ValueError:
        raise InputError(
            f"{len(positive)} patients, {int(positive.sum())} of them with a case of class 1: too few to draw "
            f"{fraction:g} of them with both classes on both sides",
            where=where,
            fix="add cases, or change the fractions under partition in params.yaml",
        ) from None
    inside = own["patient"].isin(drawn)
    return own[~inside], own[inside]


def _between(
    study: Study,
    about: pd.DataFrame,
    site: str,
    name: str,
    adapted: bool,
    options: Partition,
    adaptation: Adaptation,
    seed: int,
) -> None:
    """Add what other sites teach about a site, as they are and with a few of its cases."""
    own, others = about[about["site"] == site], about[about["site"] != site]
    nothing = about.iloc[:0]
    if others["label"].nunique() < 2 or own["label"].nunique() < 2:
        study.notes.append(f"Site {site} and the others do not both have both classes: none is tested by the others.")
        return
    start = f"others_to_{name}"
    _add(study, start, f"{site}, by the other sites' models", [{"train": others, "val": nothing, "test": own}])
    if not adapted:
        study.notes.append(f"No model adapts to site {site}: it is not among the {LARGEST_SITES} largest.")
        return
    try:
        # Of a given split there is one: draws that all test the same cases would look like as many tests.
        draws = 1 if (own["split"] != "").any() else options.draws
        halves = [_half(own, options, [seed, draw], f"site {site!r}") for draw in range(draws)]
    except InputError as error:
        study.notes.append(f"No model adapts to site {site}: {error.what}.")
        return
    before = {START: others, START_VAL: nothing}
    again = {"start": start, "repeats": len(halves)}
    roles = [{"train": train, "val": nothing, "test": test} for train, test in halves]
    _add(study, f"{name}_0_cases", f"{site}, without labels of its own", roles, before, labelled=False, **again)
    for count in sorted(set(adaptation.curve)):
        found = [_few(train, count, [seed, draw]) for draw, (train, _) in enumerate(halves)]
        few = [part for part in found if part is not None]
        if len(few) < len(found):
            study.notes.append(f"Site {site} has too few cases to learn from {count} of one half of them.")
            continue
        roles = [{"train": part, "val": nothing, "test": test} for part, (_, test) in zip(few, halves, strict=True)]
        _add(study, f"{name}_{count}_cases", f"{site}, {count} cases of its own", roles, before, **again)
    roles = [{"train": train, "val": nothing, "test": test} for train, test in halves]
    _add(study, f"{name}_half", f"{site}, half of its own cases", roles, before, **again)


def _half(own: pd.DataFrame, options: Partition, seed: list[int], where: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the cases to learn from and those to test on: the table's own sides, or halves drawn by patient."""
    if (own["split"] != "").any():
        _check_classes(own, where)
        return own[own["split"] != "test"], own[own["split"] == "test"]
    return _by_patients(own, 0.5, seed, where)


def _few(train: pd.DataFrame, count: int, seed: list[int]) -> pd.DataFrame | None:
    """Draw cases that hold the classes in their shares; fewer cases are among the more of the same draw."""
    labels = train["label"].to_numpy()
    if count >= len(train) or count * min(labels.mean(), 1 - labels.mean()) < 1:
        return None
    return train.iloc[np.sort(nested_order(labels, seed)[:count])]


def _add(study: Study, name: str, title: str, drawn: list[Roles], before: Roles | None = None, **entry: Any) -> None:
    """Add a protocol and its cohort."""
    own = {f"{role}": f"{DATASET}/{role}" for role in ("train", "val", "test")}
    rest = {"start": "pretrained", "trains": True, "selection": name}
    study.settings[name] = {"title": title, "paper": None, **own, **rest, **entry}
    parts = [
        rows.assign(repeat=repeat, split=role) for repeat, roles in enumerate(drawn) for role, rows in roles.items()
    ]
    parts += [rows.assign(repeat=0, split=role) for role, rows in (before or {}).items()]
    table = pd.concat(parts, ignore_index=True)
    table = table.rename(columns={"case": "lesion_id", "patient": "patient_id"})
    study.cohorts[name] = table.assign(study_id="", image_path="", dataset=DATASET)[COLUMNS]


def _check_one_side(about: pd.DataFrame, what: str) -> None:
    """Refuse patients who are at two sites or on two sides of a split."""
    places = about.groupby("patient")[what].agg(lambda own: sorted(set(own)))
    wrong = places[places.map(len) > 1]
    if len(wrong):
        raise InputError(
            f"patient {wrong.index[0]!r} is in more than one {what}: {', '.join(wrong.iloc[0])}"
            + (f" ({len(wrong)} patients are)" if len(wrong) > 1 else ""),
            where=f"{what} column",
            fix="a patient tested at one and trained on at the other would flatter every model: keep each on one side",
        )


def _check_classes(own: pd.DataFrame, where: str) -> None:
    """Refuse a given split without both classes in training and test."""
    for role in ("train", "test"):
        members = own[own["split"] == role]
        if members["label"].nunique() < 2:
            found = "are of one class only" if len(members) else "are none"
            what = f"the {role} cases of {where} {found}"
            raise InputError(what, where="split column", fix="give training and test cases of both classes")
