"""Which contours a reader looks at, doubtful ones first."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
import pandas as pd

from radprompt.core.errors import InputError
from radprompt.core.inputs import is_name, shown
from radprompt.review.contours import Contours, PngContours
from radprompt.tables.lesions import Lesion, from_table, read_lesions
from radprompt.tables.reviews import DRAWN

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
    """A lesion of the worklist: who drew its contour (nnunet, ellipse, review, mask), and what is doubtful about it.

    ``name`` is what the page calls it. ``contour`` is the digest of the contour; '' where it is not known in advance.
    """

    lesion_id: str
    name: str
    source: str
    doubts: tuple[Doubt, ...]
    uncertainty: float
    contour: str

    @property
    def rank(self) -> float:
        """What the worklist is sorted by, largest first."""
        return sum(doubt.weight for doubt in self.doubts) + self.uncertainty


@dataclass(frozen=True)
class LesionEntry(Entry):
    """A lesion of a mammogram."""

    lesion: Lesion


E = TypeVar("E", bound=Entry)


class AnyWorklist(Mapping[str, E], Generic[E]):
    """Entries by lesion id, doubtful ones first, equals in the order of their ids.

    Parameters
    ----------
    root
        What paths in it are relative to.
    title
        Name of the data set or study.
    folder
        Where decisions and masks are kept; nothing is written anywhere else.
    contours
        How masks are kept.
    filters
        Kinds of doubts, with words for the page.
    entries
        What there is to review.
    """

    def __init__(
        self,
        root: Path,
        title: str,
        folder: Path,
        contours: Contours,
        filters: Mapping[str, str],
        entries: Iterable[E],
    ) -> None:
        self.root, self.title, self.folder, self.contours, self.filters = root, title, folder, contours, filters
        ranked = sorted(entries, key=lambda entry: (-entry.rank, entry.lesion_id))
        self._entries = {entry.lesion_id: entry for entry in ranked}

    def __getitem__(self, lesion_id: str) -> E:
        return self._entries[lesion_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


FILTERS = {
    "ellipse": "ellipse",
    "uncertain": "low certainty",
    "parts": "several parts",
    "outside": "leaves its box",
    "share": "share of its box",
}


class Worklist(AnyWorklist[LesionEntry]):
    """The lesions of a data set that have a mask.

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
        root, self.dataset = Path(root), dataset
        there = sorted(p.name.removesuffix("_flow.json") for p in (root / "data/lesions").glob("*_flow.json"))
        if not is_name(dataset) or (there and dataset not in there):
            raise InputError(
                f"no data set called {shown(dataset, 60)!r}",
                fix=f"choose one of {', '.join(there)}, or the folder of a study of `radprompt images`",
            )
        lesions = read_lesions(root / "data/lesions" / f"{dataset}.csv")
        drawn = _read_drawn(root / "data/masks" / f"{dataset}.csv")
        self.everything = list(from_table(lesions))
        patients = sorted({lesion.patient_id for lesion in self.everything})
        numbers = {patient: number for number, patient in enumerate(patients, start=1)}
        known = {lesion.lesion_id: lesion for lesion in self.everything}
        faults = [shown(name, 80) for name in drawn.index if name not in known or not is_name(name)]
        if faults:
            raise InputError(
                f"{len(faults)} rows are not of the lesion table, the first: {faults[0]}",
                where=f"data/masks/{dataset}.csv",
                fix="run `dvc repro masks` again",
            )
        limit = float(drawn["certainty"].quantile(LOWEST)) if drawn["certainty"].notna().any() else np.nan
        entries = [_entry(known[str(name)], row, limit, numbers) for name, row in drawn.iterrows()]
        folder = root / "data/review" / dataset
        corrected = {entry.lesion_id for entry in entries if entry.source == "review"}
        contours = PngContours(root / "data/masks" / dataset, folder / DRAWN, corrected)
        super().__init__(root, dataset, folder, contours, FILTERS, entries)

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


def _entry(lesion: Lesion, row: pd.Series, limit: float, patients: Mapping[str, int]) -> LesionEntry:
    """Describe a lesion; the patient gets a number within the data set, so that ids need not be compared."""
    name = f"{lesion.laterality} {lesion.view}, patient {patients[lesion.patient_id]}"
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
    said = str(row["source"]), tuple(doubts), uncertainty, str(row["contour"])
    return LesionEntry(lesion.lesion_id, name, *said, lesion=lesion)
