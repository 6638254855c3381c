"""Which contours a reader looks at, doubtful ones first."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from radprompt.core.errors import InputError
from radprompt.core.inputs import is_name, shown
from radprompt.tables.lesions import Lesion, from_table, read_lesions

LARGE_SHARE, SMALL_SHARE = 0.95, 0.15
"""Share of its box, above and below which a contour is shown as doubtful; an inscribed ellipse covers 0.79."""
LOWEST = 0.1
"""Share of a data set's contours whose certainty is shown as low: nnU-Net's probabilities are not calibrated."""


@dataclass(frozen=True)
class Doubt:
    """Why a contour is looked at early: ``kind`` (a filter of the page), words, and how much it weighs."""

    kind: str
    words: str
    weight: float


@dataclass(frozen=True)
class Entry:
    """A lesion of the worklist: who drew its contour (nnunet, ellipse, review), and what is doubtful about it.

    ``contour`` is the digest of the contour; '' in tables of earlier versions.
    """

    lesion: Lesion
    source: str
    doubts: tuple[Doubt, ...]
    uncertainty: float
    contour: str

    @property
    def rank(self) -> float:
        """What the worklist is sorted by, largest first."""
        return sum(doubt.weight for doubt in self.doubts) + self.uncertainty


class Worklist(Mapping[str, Entry]):
    """Entries by lesion id, doubtful ones first, equals in the order of their ids.

    Parameters
    ----------
    root
        The repository, or another folder with its ``data/``.
    dataset
        A data set with a lesion table in ``data/lesions``.

    Raises
    ------
    InputError
        No such data set; its lesion or mask table is absent, damaged, or names lesions that cannot name a file.
    """

    def __init__(self, root: str | Path, dataset: str) -> None:
        self.root, self.dataset = Path(root), dataset
        there = sorted(p.name.removesuffix("_flow.json") for p in (self.root / "data/lesions").glob("*_flow.json"))
        if not is_name(dataset) or (there and dataset not in there):
            raise InputError(f"no data set called {shown(dataset, 60)!r}", fix=f"choose one of {', '.join(there)}")
        lesions = read_lesions(self.root / "data/lesions" / f"{dataset}.csv")
        drawn = _read_drawn(self.root / "data/masks" / f"{dataset}.csv")
        self.everything = list(from_table(lesions))
        patients = sorted({lesion.patient_id for lesion in self.everything})
        self._patients = {patient: number for number, patient in enumerate(patients, start=1)}
        known = {lesion.lesion_id: lesion for lesion in self.everything}
        faults = [shown(name, 80) for name in drawn.index if name not in known or not is_name(name)]
        if faults:
            raise InputError(
                f"{len(faults)} rows are not of the lesion table, the first: {faults[0]}",
                where=f"data/masks/{dataset}.csv",
                fix="run `dvc repro masks` again",
            )
        limit = float(drawn["certainty"].quantile(LOWEST)) if drawn["certainty"].notna().any() else np.nan
        entries = [_entry(known[str(name)], row, limit) for name, row in drawn.iterrows()]
        entries.sort(key=lambda entry: (-entry.rank, entry.lesion.lesion_id))
        self._entries = {entry.lesion.lesion_id: entry for entry in entries}

    def __getitem__(self, lesion_id: str) -> Entry:
        return self._entries[lesion_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def other_views(self, lesion: Lesion) -> list[Lesion]:
        """Return the lesions that other views of the same breast show, in the order of their images."""
        same = [
            other
            for other in self.everything
            if (other.patient_id, other.laterality) == (lesion.patient_id, lesion.laterality)
            and other.view != lesion.view
        ]
        # Of the same study where there is one: CBIS-DDSM gives each image a study of its own.
        own = [other for other in same if other.study_id == lesion.study_id]
        return sorted(own or same, key=lambda other: (other.image_path, other.lesion_id))

    def patient_number(self, lesion: Lesion) -> int:
        """Return a number for the patient within the data set, so that ids need not be compared."""
        return self._patients[lesion.patient_id]


def _read_drawn(path: Path) -> pd.DataFrame:
    """Read the mask table; columns of measurements that an older table lacks are NaN."""
    if not path.is_file():
        raise InputError("no such mask table", where=str(path), fix="run `dvc repro masks`, or `dvc pull`")
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    if missing := [name for name in ("lesion_id", "source", "flag", "area_px") if name not in table]:
        raise InputError(f"column(s) {missing} missing", where=str(path), fix="run `dvc repro masks` again")
    for name in ("area_px", "certainty", "parts", "outside"):
        table[name] = pd.to_numeric(table[name], errors="coerce") if name in table else np.nan
    if "contour" not in table:
        table["contour"] = ""
    if repeated := table.loc[table["lesion_id"].duplicated(), "lesion_id"].tolist():
        raise InputError(f"lesion_id {shown(repeated[0])!r} occurs twice", where=str(path))
    if not np.isfinite(table["area_px"]).all():
        raise InputError("an area_px is not a number", where=str(path), fix="run `dvc repro masks` again")
    return table.set_index("lesion_id")


def _entry(lesion: Lesion, row: pd.Series, limit: float) -> Entry:
    doubts = []
    if row["source"] == "ellipse":
        doubts.append(Doubt("ellipse", f"Ellipse: {row['flag'] or 'nnU-Net found next to nothing'}", 6.0))
    if row["parts"] > 1:
        doubts.append(Doubt("parts", f"{row['parts']:.0f} separate parts", 3.0))
    if row["outside"] > 0:
        doubts.append(Doubt("outside", f"Leaves its box by {row['outside']:.0%} of the box's longer side", 2.0))
    if row["certainty"] <= limit:
        words = f"Mean probability {row['certainty']:.2f}, among the lowest {LOWEST:.0%} of the data set"
        doubts.append(Doubt("uncertain", words, 1.0))
    share = row["area_px"] / max((lesion.xmax - lesion.xmin) * (lesion.ymax - lesion.ymin), 1)
    if row["source"] == "nnunet" and not SMALL_SHARE <= share <= LARGE_SHARE:
        doubts.append(Doubt("share", f"Covers {share:.0%} of its box", 1.0))
    uncertainty = 0.0 if np.isnan(row["certainty"]) else 1 - float(row["certainty"])
    return Entry(lesion, str(row["source"]), tuple(doubts), uncertainty, str(row["contour"]))
