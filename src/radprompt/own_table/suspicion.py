"""Columns that are not measurements: they count rows, name cases or patients, are dates, or tell the class."""

import re
from collections.abc import Iterable
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2, rankdata

from radprompt.own_table.faults import option
from radprompt.own_table.number_formats import is_number

Kind = Literal["index", "date", "uid", "id", "patient", "class"]

_PATIENT = {"patient", "patients", "subject", "subjects", "person", "participant", "pat", "pid", "mrn", "case", "cases"}
_PATIENT |= {
    "patientid",
    "patientname",
    "caseid",
    "subjectid",
    "proband",
    "fall",
    "patnr",
    "patienten",
    "mouse",
    "animal",
    "paciente",
    "paziente",
    "pacjent",
}
_PATIENT_ELSEWHERE = ("患者", "病人", "病例", "症例", "пациент", "환자")
_NAMING = {
    "id",
    "ids",
    "uid",
    "uuid",
    "name",
    "nr",
    "no",
    "number",
    "num",
    "code",
    "key",
    "index",
    "idx",
    "accession",
    "row",
}
_NAMING |= {
    "record",
    "study",
    "series",
    "exam",
    "scan",
    "lesion",
    "visit",
    "unnamed",
    "nummer",
    "lfd",
    "pseudonym",
    "hash",
}
_NAMING |= {"info", "identifier", "instance", "medical", "hospital", "examination", "serial", "sample"}
_NAMING |= {"surname", "forename", "firstname", "lastname", "nachname", "vorname", "nom", "prenom", "apellido"}
_RESULT = {
    "target",
    "label",
    "labels",
    "class",
    "outcome",
    "diagnosis",
    "truth",
    "gt",
    "pathology",
    "histology",
    "malignant",
}
_RESULT |= {"malignancy", "benign", "prob", "proba", "probability", "score", "pred", "predicted", "prediction", "logit"}
MONTH = (
    r"(?:jan|gen|ene|f[eé][bv]|m[aä]r|mrz|a[pbv]r|ma[iyg]|ju[nli]|giu|lug|aug|ago|ao[uû]|sep|set|o[ckt]t|nov|d[eéi][cz])"
    r"[a-zäéû]*\.?"
)
DATE = re.compile(
    rf"(?:\d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}}|\d{{1,2}}[-/.]\d{{1,2}}[-/.](?:\d{{4}}|\d{{2}})"
    rf"|\d{{1,2}}[-. /]*{MONTH}[-. /,]*\d{{2,4}}"
    rf"|{MONTH}[ -]*\d{{1,2}},?[ -]+\d{{4}}|{MONTH}[ -]*\d{{4}}|\d{{4}}-\d{{2}})"
    r"(?:[T ,]+\d{1,2}:\d{2}.*)?",
    re.IGNORECASE,
)
_M, _D = "(?:0[1-9]|1[0-2])", "(?:0[1-9]|[12][0-9]|3[01])"
_DAY = re.compile(rf"(?:(?:19|20)?\d\d{_M}{_D}(?:\d{{4}}(?:\d\d)?)?|(?:{_D}|[1-9]){_M}(?:19|20)\d\d)(?:\.0+)?")
_CLOCK = re.compile(r"(?:[01]?\d|2[0-3])[0-5]\d[0-5]\d(?:\.\d+)?")  # HHMMSS.fraction, as DICOM writes it
_SPANS = (  # each from 2000 to 2029
    (36526, 47482, "days as Excel counts them"),
    (946684800, 1893455999, "seconds since 1970"),
    (946684800000, 1893455999999, "milliseconds since 1970"),
)
_CALLED_DATE = re.compile(r".{2,}(?:date|datum|dtc?|dttm|timestamp)")  # EXAMDT, RFSTDTC, as SAS and CDISC have them
_TIME_OF = {"time", "study", "scan", "series", "acquisition", "exam", "content"}
_TIME_WORDS = {"date", "datum", "dob", "timestamp", "birthday"}
_UID = re.compile(
    r"[0-2](?:\.\d+){4,}|(?:[0-9a-fA-F]{8,}-?){4,}|[0-9a-f]{32,}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
)
_PATH = re.compile(
    r".*[/\\].*\.[A-Za-z][A-Za-z0-9]{1,5}|.+\.(?:dcm|nii|nii\.gz|nrrd|mha|mhd|png|jpe?g|tiff?)", re.IGNORECASE
)
_CODE = re.compile(r"[A-Za-z][A-Za-z _.:/-]*[0-9][0-9A-Za-z_./:-]*|[0-9]+[-_/][0-9A-Za-z_/-]+")
_DECIMALS = re.compile(r"[0-9][.,][0-9]")
_VIEW = r"(?:left|right|links|rechts|cc|mlo|ml|lm|lat|medial|ap|pa|l|r)"
_STEMS = (
    # The side and the view of a mammogram, whatever number follows: all of the patient's.
    re.compile(
        rf"(?P<stem>.*?[0-9A-Za-z])(?P<rest>[-_ ./:]+{_VIEW}(?:[-_ ./:]+(?:{_VIEW}|[0-9]{{1,2}}))*)", re.IGNORECASE
    ),
    re.compile(r"(?P<stem>.*[0-9A-Za-z])(?P<rest>[-_ ./:]+(?:[0-9A-Za-z]{1,6}|[A-Za-z]{1,10}[0-9]{1,3}))"),
    re.compile(r"(?P<stem>.*[0-9])(?P<rest>[A-Za-z]{1,4})"),
    re.compile(r"(?P<rest>[A-Za-z][0-9A-Za-z]{0,5}[-_ ./:]+)(?P<stem>.*[0-9].*)"),
)
_PADDED = re.compile(r"0[0-9]+")
_SPLIT = {"train", "training", "val", "valid", "validation", "tuning", "dev", "test", "testing", "holdout", "hold-out"}
_LONG = 7  # digits from which numbers that all have as many are accession or record numbers
_NEAR = 10  # whole numbers on either side that show how dense a column's values are
_ROWS = 20  # below, order and spread of numbers show nothing
_CHANCE = 1e-4  # probability of so even a spread among measurements
_SOME = 8  # different values from which repetition tells of patients; also least cases of a class
_GRADES = 10  # different values that may tell the class but for a few rows: of more, the rarest fit by chance


class Finding(NamedTuple):
    """What a column seems to be, and from what it is seen."""

    kind: Kind
    reason: str


def name_words(name: str) -> list[str]:
    """Return the words of a column's name: ``PatientID`` is ``["patient", "id"]``."""
    return [word.casefold() for word in re.findall(r"[A-Z]+(?![a-zäöü])|[A-ZÄÖÜ]?[a-zäöü]+|[0-9]+", name)]


def names_patients(name: str) -> bool:
    """Return whether a column is called as one that names patients: ``patient``, ``Subject ID``, ``MRN``."""
    words = [word for word in name_words(name) if not word.isdigit()]
    called = bool(words) and set(words) <= _PATIENT | _NAMING and bool(set(words) & _PATIENT)
    return called or any(word in name.casefold() for word in _PATIENT_ELSEWHERE)


def identity(cells: pd.Series, numbers: pd.Series | None) -> Finding | None:
    """Return whether a column counts rows, dates or names them; None for measurements and categories.

    Parameters
    ----------
    cells
        Text, None where missing, in the table's order.
    numbers
        The same as floats where all values are numbers.
    """
    name, seen = str(cells.name), cells.dropna()
    if len(seen) < 5:
        return None
    if numbers is not None:
        finite = numbers[np.isfinite(numbers)]
        found = _number_identity(name, finite, seen[finite.index]) if len(finite) else None
        padded = (
            found is None and seen.nunique() >= _SOME and seen.map(lambda cell: bool(_PADDED.fullmatch(cell))).any()
        )
        return _named(seen, f"its values have leading zeros, such as {seen.iloc[0]!r}") if padded else found
    forms: tuple[tuple[Kind, re.Pattern[str], str], ...] = (
        ("uid", _UID, "UIDs or hashes"),
        ("uid", _PATH, "paths of files"),
        ("date", DATE, "dates"),
    )
    for kind, form, what in forms:
        if sum(form.fullmatch(cell) is not None for cell in seen) >= 0.9 * len(seen):
            return Finding(kind, f"its values are {what}, such as {seen.iloc[0][:40]!r}")
    if len(words := set(seen.str.casefold())) > 1 and words <= _SPLIT:
        return Finding("index", f"its values say what is trained on and tested; as the split: {option('split', name)}")
    return _text_identity(name, seen)


def class_leak(name: str, cells: pd.Series, numbers: pd.Series | None, labels: NDArray[np.int_]) -> Finding | None:
    """Return whether a column tells the class, or nearly so.

    Parameters
    ----------
    name
        The column's name; one such as ``target`` or ``probability`` needs less evidence.
    cells
        Text, None where missing.
    numbers
        The same as floats where all values are numbers.
    labels
        0 or 1 of each row.
    """
    there = cells.notna().to_numpy()
    if min(labels.sum(), len(labels) - labels.sum()) < _SOME:
        return None
    absent = _agreement(there.astype(int), labels)
    if absent >= 0.95 and 0 < there.sum() < len(there):
        rows = f"in {round(absent * len(labels))} of {len(labels)} rows"
        return Finding("class", f"whether it has a value tells the class {rows}")
    own, known = labels[there], cells[there]
    if min(own.sum(), len(own) - own.sum()) < _SOME:
        return None
    codes, levels = pd.factorize(known)
    ones, per_level = np.bincount(codes, weights=own), np.bincount(codes)
    errors = int(np.minimum(ones, per_level - ones).sum())
    if len(levels) <= len(known) / 4 and (errors == 0 or (len(levels) <= _GRADES and errors <= 0.05 * len(known))):
        how = "without an error" if errors == 0 else f"but for {errors} of {len(known)} rows"
        return Finding("class", f"its {len(levels)} values tell the class {how}")
    if numbers is None or len(levels) == 2:
        return None
    auc = rank_auc(numbers[there].to_numpy(float), own)
    called = set(name_words(name)) & _RESULT
    if auc == 1:
        return Finding("class", "it alone tells the class without an error (AUC 1.000)")
    if auc >= 0.99 and len(own) >= 2 * _ROWS:
        return Finding("class", f"it alone tells the class nearly without an error (AUC {auc:.3f})")
    if called and auc >= 0.9 and len(own) >= _ROWS:
        return Finding("class", f"it is called like a result ({', '.join(sorted(called))}) and has an AUC of {auc:.3f}")
    return None


def rank_auc(values: NDArray[np.float64], labels: NDArray[np.int_]) -> float:
    """Return the area under the curve of one column, whichever direction is larger."""
    ranks = rankdata(values)
    positive = int(labels.sum())
    negative = len(labels) - positive
    area = (ranks[labels == 1].sum() - positive * (positive + 1) / 2) / (positive * negative)
    return float(max(area, 1 - area))


def _text_identity(name: str, seen: pd.Series) -> Finding | None:
    distinct = seen.nunique()
    if distinct < 5 or seen.map(lambda cell: _DECIMALS.search(cell) is not None).mean() >= 0.5:
        return None
    if names_patients(name):
        return _named(seen, "it is called like one that names patients or cases")
    if set(name_words(name)) <= _PATIENT | _NAMING:
        return _named(seen, "it is called like one that names rows")
    if seen.map(is_number).mean() >= 0.5:  # numbers beside odd words, of which columns.judge speaks
        return None
    coded = seen.map(lambda cell: _CODE.fullmatch(cell) is not None).mean() >= 0.9
    few = seen.value_counts().max() <= max(6, len(seen) / 10)
    if distinct >= _SOME and few and (coded or seen.duplicated(keep=False).mean() >= 0.6):
        return _named(seen, f"its values look like names, such as {seen.iloc[0][:40]!r}")
    unique = distinct == len(seen) >= 10 and seen.str.len().max() <= 40
    return Finding("id", f"every row has another text, such as {seen.iloc[0][:40]!r}") if unique else None


def _named(seen: pd.Series, reason: str) -> Finding:
    if seen.is_unique:
        return Finding("id", f"{reason}; no value occurs twice")
    return Finding("patient", f"{reason}; {seen.nunique()} values in {len(seen)} rows")


def _number_identity(name: str, numbers: pd.Series, seen: pd.Series) -> Finding | None:
    values = numbers.to_numpy(float)
    distinct, steps = numbers.nunique(), np.diff(values)
    words = [word for word in name_words(name) if not word.isdigit()]
    called = bool(words) and set(words) <= _PATIENT | _NAMING
    if distinct < _SOME:
        return None
    whole = bool((values == np.floor(values)).all())
    if whole and (set(words) & _TIME_WORDS or ("time" in words and set(words) <= _TIME_OF)):
        return Finding("date", "it is called like a date or time")
    if whole and _CALLED_DATE.fullmatch("".join(words)):
        return Finding("date", "it is called like a date")
    for low, high, what in _SPANS:
        if (whole or low > 10**8) and len(values) >= _ROWS and ((values >= low) & (values <= high)).all():
            return Finding("date", f"its values may be {what}, such as {seen.iloc[0]}")
    if whole and all(map(_DAY.fullmatch, seen)):
        return Finding("date", f"its values are dates, such as {seen.iloc[0]}")
    if len(values) >= _ROWS and values.min() >= 1000 and values.max() >= 10**5 and all(map(_CLOCK.fullmatch, seen)):
        return Finding("date", f"its values are times of the day, such as {seen.iloc[0]}")
    if whole and ((values >= 1900) & (values <= 2035)).all():
        return Finding("date", f"its values are years, from {values.min():g} to {values.max():g}")
    enough = len(values) >= _ROWS
    if (enough or called) and len(steps) > 3 and whole and (steps == steps[0]).mean() >= 0.9 and steps[0] != 0:
        return Finding("id" if called and "id" in words else "index", "it counts the rows")
    if enough and ((steps > 0).all() or (steps < 0).all()):
        kind: Kind = "id" if called and "id" in words else "index"
        return Finding(kind, "it rises or falls from every row to the next, as an index or a sorted table does")
    if names_patients(name) and whole:
        return _named(numbers, "it is called like one that names patients or cases")
    if called and whole and (numbers.is_unique or numbers.duplicated(keep=False).mean() >= 0.6):
        return _named(numbers, "it is called like one that names rows")
    if not enough:
        return None
    if whole and _evenly_spread(values):
        if numbers.is_unique:
            return Finding("index", "its whole numbers come once each, with few gaps, as an index's do")
        return Finding("patient", f"its whole numbers come about equally often, {distinct} in {len(values)} rows")
    if (
        whole
        and numbers.is_unique
        and len(set(seen.str.removesuffix(".0").str.len())) == 1
        and values.min() >= 10 ** (_LONG - 1)
    ):
        return Finding("id", f"its whole numbers, such as {seen.iloc[0]}, are all as long and none occurs twice")
    return _repeated(numbers, steps, whole)


def _repeated(numbers: pd.Series, steps: NDArray[np.float64], whole: bool) -> Finding | None:
    distinct, count = numbers.nunique(), len(numbers)
    times = numbers.value_counts()
    if times.max() > max(6, count / 5) or distinct > 0.9 * count:
        return None
    shown = f"{distinct} values in {count} rows"
    if 1 + int((steps != 0).sum()) == distinct:
        return Finding("patient", f"equal values always stand in neighbouring rows, {shown}")
    shared = float((times[times > 1].sum()) / count)
    if whole and shared >= 0.25 and _more_equal_than_near(numbers.to_numpy(float)):
        return Finding("patient", f"its whole numbers repeat where neighbouring ones are rare, {shown}")
    return None


def _more_equal_than_near(values: NDArray[np.float64]) -> bool:
    """Return whether far more values are equal than their density lets expect."""
    if np.abs(values).max() < 1e15:
        values = values / max(int(np.gcd.reduce(values.astype(np.int64))), 1)
    unit = next((unit for unit in (100, 50, 10, 5) if (values % unit == 0).mean() >= 0.6), 1)  # as people round
    ordered = np.sort(np.round(values / unit))
    equal = np.searchsorted(ordered, ordered, "right") - np.searchsorted(ordered, ordered, "left")
    near = np.searchsorted(ordered, ordered + _NEAR, "right") - np.searchsorted(ordered, ordered - _NEAR, "left")
    expected = (near - equal).sum() / (2 * _NEAR)
    return bool((equal - 1).sum() > 5 * expected + 5)


def _evenly_spread(values: NDArray[np.float64]) -> bool:
    """Return whether whole numbers fill their range more evenly than chance would have it."""
    if values.max() - values.min() > 1e15:
        return False
    shifted = (values - values.min()).astype(np.int64)
    shifted //= max(int(np.gcd.reduce(shifted)), 1)
    places = int(shifted.max()) + 1
    if places < 10 or places > 5 * len(values):
        return False
    counts = np.bincount(shifted, minlength=places)
    mean = len(values) / places
    return bool(chi2.cdf(((counts - mean) ** 2 / mean).sum(), places - 1) < _CHANCE)


def _agreement(values: NDArray[np.int_], labels: NDArray[np.int_]) -> float:
    same = float((values == labels).mean())
    return max(same, 1 - same)


def stems(ids: Iterable[str]) -> dict[str, str] | None:
    """Return the part of each id that several share, where these parts seem to name patients.

    They do where most occur more than once but each in few rows, and what is left has few forms: ``P001_L`` and
    ``P001_R``, ``001L`` and ``001R``, ``LCC_001`` and ``LMLO_001``.
    """
    every = list(ids)
    for form in _STEMS if len(every) >= 10 else ():
        parts = {text: form.fullmatch(text) for text in every}
        found = {text: part["stem"] for text, part in parts.items() if part}
        if len(found) < len(every):
            continue
        times = pd.Series([found[text] for text in every]).value_counts()
        rests = {part["rest"] for part in parts.values() if part}
        if (times > 1).mean() >= 0.3 and times.max() <= 12 and len(rests) <= max(12, len(every) / 8):
            return found
    return None
