"""Leakage checks: patients, studies, images, copies, records or labels shared by training and test.

Each check looks at every half on its own and says how much it compared. ``rows`` are those of
:mod:`radprompt.gates.leakage_gate`: ``repeat``, ``split``, ``lesion_id``, ``dataset``, ``patient_id``,
``study_id``, ``image_path``.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from radprompt.core.errors import InputError
from radprompt.gates.hashes import BITS, TABLE, near, pack
from radprompt.tables.features import feature_columns

KEYS = {"lesion": "lesion_id", "patient": "patient_id", "study": "study_id", "image": "image_path"}
"""What must not be in two splits, and its column."""

SHARED = ("patient", "study", "image")
"""Of :data:`KEYS`, what a setting that draws by lesion has on both sides: it declares it, and the gate counts it."""

LEAST = 10
"""Minimum training lesions per class; with fewer, a feature can separate them by chance, so the check is skipped."""

FIXES = {
    "lesion": "run `dvc repro` again: a table was changed by hand",
    "patient": "give all lesions of a patient one split: correct the patient ids or splits of the raw tables",
    "study": "give all lesions of a study one patient id and one split in the raw tables",
    "image": "an image belongs to one patient: correct the raw tables",
    "near_duplicate": "look at the images: take the copy out of the raw tables; if they are two patients', lower "
    "validation.leakage.hash_bits",
    "scaler": "run `dvc repro` again: fit on the training lesions alone",
    "selection": "run `dvc repro` again: select on the training lesions alone",
    "feature": "find out how the label came into the feature; if it is real, raise validation.leakage.feature_auc",
}
"""What to do about the findings of each check."""

_TITLES = {
    "near_duplicate": "one image in two splits",
    "scaler": "scaler fitted on held-out lesions",
    "selection": "features selected on held-out lesions",
    "feature": "label in a feature",
}
_SHOWN = 5


class Finding(NamedTuple):
    """One leak: what leaks, and the rows, files or numbers that show it."""

    subject: str
    shown_by: str


class Check(NamedTuple):
    """One check of one half: how much was compared, and what was found.

    ``declared`` tells that the setting says so itself: it is counted and said, and stops nothing.
    """

    check: str
    repeat: int
    compared: int
    findings: Sequence[Finding]
    declared: bool = False


def _columns(key: str) -> list[str]:
    """Return the columns by which two rows have the same of :data:`KEYS`; an image's path says its data set."""
    return [KEYS[key]] if key == "image" else ["dataset", KEYS[key]]


def overlaps(rows: pd.DataFrame, keys: Collection[str] = tuple(KEYS)) -> Iterator[Check]:
    """Look for lesions, patients, studies and images that are in two splits of a half; ``compared`` counts them.

    ``keys`` are those of :data:`KEYS` to look at.
    """
    for check in keys:
        column, by = KEYS[check], _columns(check)
        for repeat, own in _by_half(rows[rows[column] != ""]):
            groups = own.groupby(by, sort=True)
            split = own[groups["split"].transform("nunique") > 1]
            findings = [
                Finding(f"{check} {members[column].iloc[0]}", _listed(members))
                for _, members in split.groupby(by, sort=True)
            ]
            yield Check(check, repeat, groups.ngroups, findings)


def shared(rows: pd.DataFrame) -> Iterator[Check]:
    """Count the test lesions whose patient, study or image also trains or validates, where a setting declares it.

    Yields
    ------
    Check
        ``shared_patient``, ``shared_study``, ``shared_image``; ``compared`` counts test lesions, a finding is one.
    """
    for key in SHARED:
        by = _columns(key)
        for repeat, own in _by_half(rows):
            test, other = own[own["split"] == "test"], own[(own["split"] != "test") & (own[KEYS[key]] != "")]
            seen = other.sort_values("lesion_id").drop_duplicates(by)[[*by, "split", "lesion_id"]]
            both = test.merge(seen, on=by, suffixes=("", "_seen"))
            columns = both[["lesion_id", KEYS[key], "split_seen", "lesion_id_seen"]].itertuples(index=False)
            findings = [
                Finding(f"{lesion} (test)", f"its {key} {value} is in {split}, by {which}")
                for lesion, value, split, which in columns
            ]
            yield Check(f"shared_{key}", repeat, len(test), findings, declared=True)


def shared_words(checks: Sequence[Check]) -> str:
    """Say in a clause how many test lesions share a patient, study or image with other splits; '' if none may."""
    parts, compared = [], 0
    for key in SHARED:
        own = [each for each in checks if each.check == f"shared_{key}"]
        compared = sum(each.compared for each in own)
        found = sum(len(each.findings) for each in own)
        parts += [f"the {key} of {found:,} ({found / compared:.0%})"] if compared else []
    if not parts:
        return ""
    said = f"patients on both sides, as drawn.by says: of {compared:,} test lesions, "
    return f"{said}{', '.join(parts)} also trains or validates,"


def near_duplicates(rows: pd.DataFrame, hashes: pd.DataFrame, bits: int) -> Iterator[Check]:
    """Look for images of different patients that are the same and in two splits; ``compared`` counts pairs.

    Parameters
    ----------
    rows
        Rows of all repeats.
    hashes
        Hashes of at least their images; see :mod:`radprompt.gates.hashes`.
    bits
        That two hashes may differ in and still be the same image.

    Raises
    ------
    InputError
        An image has no hash.
    """
    missing = sorted(set(rows["image_path"]) - set(hashes["image_path"]))
    if missing:
        what = f"{len(missing)} image(s) have no hash, such as {missing[0]}"
        raise InputError(what, where=str(TABLE), fix="run `dvc repro image_hashes` again")
    used = hashes[hashes["image_path"].isin(rows["image_path"])].drop_duplicates("image_path")
    used = used.sort_values("image_path", ignore_index=True)
    pairs = near(pack(used), bits)
    for repeat, own in _by_half(rows):
        images = (
            own.sort_values("lesion_id")
            .drop_duplicates("image_path")
            .set_index("image_path")
            .reindex(used["image_path"])
        )
        split, patient = images["split"].to_numpy(), images["dataset"].str.cat(images["patient_id"], "/").to_numpy()
        findings = [
            Finding(
                f"images {used['image_path'][first]} and {used['image_path'][second]}",
                f"{distance} of {BITS} bits differ: {_shown(images.iloc[first])}, {_shown(images.iloc[second])}",
            )
            for first, second, distance in pairs
            if isinstance(split[first], str)
            and isinstance(split[second], str)
            and split[first] != split[second]
            and patient[first] != patient[second]
        ]
        yield Check("near_duplicate", repeat, _pairs(images.dropna(subset="split")), findings)


def records(
    check: str,
    fitted_on: Mapping[int, Sequence[str]],
    rows: pd.DataFrame,
    lesions: pd.DataFrame,
    keys: Collection[str] = tuple(KEYS),
) -> Iterator[Check]:
    """Look for validation and test lesions, or their patients, studies and images, in what a record was fitted on.

    Parameters
    ----------
    check
        Name of the record: scaler or selection.
    fitted_on
        Ids of lesions, by repeat.
    rows
        Rows of all repeats.
    lesions
        All lesions of the cohort.
    keys
        What is looked for, of :data:`KEYS`.

    Yields
    ------
    Check
        ``compared`` counts the recorded ids.
    """
    for repeat, ids in fitted_on.items():
        held_out = rows[(rows["repeat"] == repeat) & (rows["split"] != "train")]
        seen = lesions[lesions["lesion_id"].isin(ids)]
        findings = {
            lesion: Finding(lesion, "is not in the cohort") for lesion in sorted(set(ids) - set(seen["lesion_id"]))
        }
        for key in keys:
            column, by = KEYS[key], _columns(key)
            known = held_out[held_out[column] != ""].merge(seen[by].drop_duplicates(), on=by)
            for lesion, split, value in zip(known["lesion_id"], known["split"], known[column], strict=True):
                shown_by = "is recorded" if key == "lesion" else f"its {key} {value} is, by another lesion"
                findings.setdefault(lesion, Finding(f"{lesion} ({split})", shown_by))
        yield Check(check, repeat, len(set(ids)), list(findings.values()))


def labels_in_features(standardised: pd.DataFrame, limit: float) -> Iterator[Check]:
    """Look for features that tell the label by themselves, on the training rows of each half.

    Parameters
    ----------
    standardised
        As :func:`radprompt.tables.features.read_standardised` returns it.
    limit
        Area under the ROC curve from which on a feature counts as the label; as far below 0.5 counts too.

    Yields
    ------
    Check
        ``compared`` counts features, and is 0 for halves with fewer than :data:`LEAST` training lesions of a class, and
        where the limit is 1.
    """
    for repeat, own in _by_half(standardised[standardised["split"] == "train"]):
        if limit == 1 or own["label"].value_counts().reindex([0, 1], fill_value=0).min() < LEAST:
            yield Check("feature", repeat, 0, [])
            continue
        area = feature_auc(own)
        leaking = area[np.maximum(area, 1 - area) >= limit]
        findings = [
            Finding(f"feature {feature}", f"AUC {value:.4f} on {len(own)} training lesions")
            for feature, value in leaking.items()
        ]
        yield Check("feature", repeat, len(area), findings)


def feature_auc(rows: pd.DataFrame) -> pd.Series:
    """Return each feature's area under the ROC curve for ``label``, of the values that are there; ties count half."""
    malignant = rows["label"].to_numpy() == 1
    values = rows[feature_columns(rows)]
    ranks = values.rank()
    positive, negative = values[malignant].count(), values[~malignant].count()
    return (ranks[malignant].sum() - positive * (positive + 1) / 2) / (positive * negative)


def counts(checks: Sequence[Check], name: str) -> pd.DataFrame:
    """Return one row for each check and half: ``check``, ``setting``, ``repeat``, ``compared``, ``found``."""
    records = [(each.check, name, each.repeat, each.compared, len(each.findings)) for each in checks]
    return pd.DataFrame(records, columns=["check", "setting", "repeat", "compared", "found"])


def findings_table(checks: Sequence[Check], name: str, place: Callable[[str, str, int], str]) -> pd.DataFrame:
    """Return one row for each finding that no setting declares.

    Parameters
    ----------
    checks
        All of them.
    name
        The setting.
    place
        Says which file shows what a check of a half is about, from setting, check and half.

    Returns
    -------
    DataFrame
        ``check``, ``setting``, ``repeat``, ``file``, ``subject``, ``shown_by``, ``fix``.
    """
    records = [
        (each.check, name, each.repeat, place(name, each.check, each.repeat), *finding, FIXES[each.check])
        for each in checks
        if not each.declared
        for finding in each.findings
    ]
    return pd.DataFrame(records, columns=["check", "setting", "repeat", "file", *Finding._fields, "fix"])


def refusal(found: pd.DataFrame, saved: str) -> InputError:
    """Return the error that names the first findings, each once with its halves, and what to do.

    Parameters
    ----------
    found
        As :func:`findings_table` returns it, with at least one row.
    saved
        The file that holds it.
    """
    halves: dict[tuple[str, str, str], list[int]] = {}
    for check, subject, shown_by, repeat in found[["check", *Finding._fields, "repeat"]].itertuples(index=False):
        halves.setdefault((check, subject, shown_by), []).append(repeat)
    lines = [f"{len(halves)} leak{'s' if len(halves) > 1 else ''} in setting {found['setting'].iloc[0]}"]
    for (check, subject, shown_by), repeats in list(halves.items())[:_SHOWN]:
        where = f" (in half {', '.join(map(str, repeats))})" if any(repeats) else ""
        lines.append(f"  {_TITLES.get(check, f'{check} in two splits')}: {subject}: {shown_by}{where}")
    if len(halves) > _SHOWN:
        lines.append(f"  ... and {len(halves) - _SHOWN} more")
    fixes = list(dict.fromkeys(found["fix"]))[:2]
    files = list(dict.fromkeys(found["file"]))[:2]
    return InputError("\n".join(lines), where=", ".join(files), fix=f"{'; or '.join(fixes)}\nAll findings: {saved}")


def _by_half(rows: pd.DataFrame) -> Iterator[tuple[int, pd.DataFrame]]:
    for repeat in sorted(set(rows["repeat"].tolist())):
        yield repeat, rows[rows["repeat"] == repeat]


def _shown(image: pd.Series) -> str:
    return f"{image['lesion_id']} of patient {image['patient_id']} ({image['split']})"


def _listed(members: pd.DataFrame) -> str:
    """Name one lesion of each split, and how many more there are."""
    first = members.sort_values(["split", "lesion_id"]).drop_duplicates(["split"])
    text = ", ".join(f"{lesion} ({split})" for lesion, split in zip(first["lesion_id"], first["split"], strict=True))
    more = len(members) - len(first)
    return f"{text} and {more} more" if more else text


def _pairs(images: pd.DataFrame) -> int:
    """Count pairs of images in different splits and of different patients."""
    by_patient = pd.crosstab([images["dataset"], images["patient_id"]], images["split"]).to_numpy()
    each, total = (by_patient**2).sum(), by_patient.sum(axis=0)
    across = total.sum() ** 2 - (total**2).sum()
    same_patient = (by_patient.sum(axis=1) ** 2).sum() - each
    return int((across - same_patient) // 2)
