"""Training, validation and test cases of each site, by patient."""

import pandas as pd

from radprompt.core.errors import InputError
from radprompt.own_table.params import Split
from radprompt.tables.cohort import ROLES

_WORDS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "val"),
    **dict.fromkeys(("test", "testing", "holdout"), "test"),
}


def read_splits(column: pd.Series, where: str) -> pd.Series:
    """Turn the words of a split column into train, val and test; another word is an InputError that names the row."""
    words = column.map(lambda cell: None if cell is None else _WORDS.get(cell.casefold()))
    wrong = column[words.isna()]
    if len(wrong):
        what = "no split" if wrong.iloc[0] is None else f"split {wrong.iloc[0]!r}"
        place = f"{where}, row {wrong.index[0]}, column {column.name!r}"
        raise InputError(what, where=place, fix="write train, val or test in every row")
    return words


def assign(about: pd.DataFrame, given: pd.Series | None, options: Split, seed: int) -> tuple[pd.Series, list[str]]:
    """Return each case's split, and what a reader should know of it.

    Parameters
    ----------
    about
        ``patient``, ``site`` and ``label`` (0 or 1) of each case.
    given
        The table's own split, or None: then patients are drawn at each site, stratified by whether they have a case of
        class 1. Where a given split has no validation cases at a site, these are drawn from its training patients.
    options
        Fractions of a site's patients to draw.
    seed
        Of the draws, which hang on nothing but it and the patients' names and labels.

    Raises
    ------
    InputError
        For a patient at two sites or on two sides of a split, too few patients of a class, or training or test cases
        of one class only.
    """
    _refuse_wanderers(about, "site", about["site"])
    split = pd.Series("train", index=about.index)
    notes = []
    if given is not None:
        _refuse_wanderers(about, "split", given)
        split = given.copy()
    for site, own in about.groupby("site", sort=False):
        if given is None:
            split[own.index] = _draw(own, str(site), "test", options.test_fraction, seed)
        rest = own[split[own.index] == "train"]
        if not (split[own.index] == "val").any():
            split[rest.index] = _draw(rest, str(site), "val", options.validation_fraction, seed)
            if given is not None:
                drawn = int((split[rest.index] == "val").sum())
                notes.append(f"Site {site} has no validation cases: {drawn} were drawn from its training patients.")
        for role in ROLES:
            members = own[split[own.index] == role]
            if members["label"].nunique() == 2:
                continue
            found = "are of one class only" if len(members) else "are none"
            if role != "val":
                what = f"the {role} cases of site {site!r} {found}"
                fix = "give each site training and test cases of both classes, or leave the site out"
                raise InputError(what, where=f"split, site {site!r}", fix=fix)
            notes.append(f"At site {site}, the validation cases {found}: no threshold can be chosen on them.")
    return split, notes


def _refuse_wanderers(about: pd.DataFrame, what: str, where: pd.Series) -> None:
    places = where.groupby(about["patient"]).agg(lambda own: sorted(set(own)))
    wrong = places[places.map(len) > 1]
    if len(wrong):
        fix = "a patient tested at one and trained on at the other would flatter every model: keep each on one side"
        raise InputError(
            f"patient {wrong.index[0]!r} is in more than one {what}: {', '.join(wrong.iloc[0])}"
            + (f" ({len(wrong)} patients are)" if len(wrong) > 1 else ""),
            where=f"{what} column",
            fix=fix,
        )


def _draw(own: pd.DataFrame, site: str, target: str, fraction: float, seed: int) -> pd.Series:
    """Return ``target`` for the cases of a fraction of the patients, ``train`` for the others'."""
    from sklearn.model_selection import train_test_split

    positive = own.groupby("patient")["label"].max().sort_index()
    try:
        _, drawn = train_test_split(
            positive.index.to_list(), test_size=fraction, random_state=seed, stratify=positive.to_list()
        )
    except ValueError:
        raise InputError(
            f"{len(positive)} patients, {int(positive.sum())} of them with a case of class 1: too few to draw "
            f"{fraction:g} of them as {target!r} with both classes on both sides",
            where=f"site {site!r}",
            fix="add cases, or change the fractions under split in params.yaml",
        ) from None
    return own["patient"].isin(drawn).map({True: target, False: "train"})
