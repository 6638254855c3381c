"""Every hostile input, put into a good data set and loaded; what was seen becomes ``docs/hostile_input.md``. Remake it,

.venv/bin/python tests/unit/datasets/hostile_input.py && git diff docs/hostile_input.md
"""

import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import hostile_cbis_ddsm
import hostile_inbreast
import hostile_vindr_mammo
from hostile_case import ERROR, EXCLUDED, READ
from hostile_images import IMAGE_TRAPS
from hostile_masks import MASK_TRAPS, READERS
from hostile_tables import FILE_TRAPS, TABLE_TRAPS, twenty_thousand
from tiny_sets import Cbis, Inbreast, Vindr

from radprompt.core.errors import InputError
from radprompt.core.inputs import shown
from radprompt.core.params import Compute
from radprompt.mammograms.datasets import cbis_ddsm, inbreast, vindr_mammo
from radprompt.mammograms.datasets.lesion_set import LesionSet

PAGE = Path(__file__).parents[3] / "docs" / "hostile_input.md"
NOBODY = 65534
SLOW_ON = "vindr_mammo"
"""Data set on which the traps that take seconds are tried; the others read images by the same function."""
TRIANGLE = [(10, 8), (30, 8), (10, 38)]


class Layout(NamedTuple):
    """A data set: how a small one is made, where its table and the image of its second lesion lie, how it is loaded."""

    make: Callable[[Path], Any]
    good: Callable[[Any], None]
    table: str
    separator: bytes
    image: str
    load: Callable[[Path, Path, Compute], LesionSet]


def _two_of_cbis(made: Cbis) -> None:
    for patient in ("P_00001", "P_00002"):
        made.add(patient)


def _two_of_vindr(made: Vindr) -> None:
    for digit in "12":
        made.add("a" * 32, digit * 32)


def _two_of_inbreast(made: Inbreast) -> None:
    for digit in "12":
        made.add(digit, "p", "5", [("Mass", TRIANGLE)])


LAYOUTS = {
    "cbis_ddsm": Layout(
        Cbis, _two_of_cbis, cbis_ddsm.TABLES["train"], b",", "*_P_00002_LEFT_CC/*/*/1-1.dcm", cbis_ddsm.load
    ),
    "vindr_mammo": Layout(
        Vindr, _two_of_vindr, vindr_mammo.TABLE, b",", f"images/*/{'2' * 32}.dicom", vindr_mammo.load
    ),
    "inbreast": Layout(Inbreast, _two_of_inbreast, inbreast.TABLE, b";", "AllDICOMs/2_*.dcm", inbreast.load),
}


class Trial(NamedTuple):
    """An input of a data set: ``prepare`` acts before its tables are written, ``spoil`` on its folder after."""

    data_set: str
    input: str
    prepare: Callable[[Any], object]
    spoil: Callable[[Path], object]
    happens: str
    reason: str
    as_nobody: bool = False


class Seen(NamedTuple):
    """What happened, the message without the folder's name, and the set that was loaded."""

    happens: str
    message: str
    found: LesionSet | None


def trials() -> Iterator[Trial]:
    """Yield all inputs, data set after data set."""
    own = {"cbis_ddsm": hostile_cbis_ddsm, "vindr_mammo": hostile_vindr_mammo, "inbreast": hostile_inbreast}
    for name, layout in LAYOUTS.items():
        for case in own[name].CASES:
            yield Trial(name, case.input, case.spoil, _nothing, case.happens, case.reason)
        for trap in IMAGE_TRAPS if name == SLOW_ON else [trap for trap in IMAGE_TRAPS if not trap.slow]:
            happens = EXCLUDED if trap.reason else READ
            yield Trial(name, trap.input, _nothing, _on_image(layout, trap.spoil), happens, trap.reason, trap.as_nobody)
        for table in TABLE_TRAPS:
            yield Trial(name, table.input, _nothing, _on_table(layout, table.spoil), table.happens, table.reason)
        for words, spoil, reason, as_nobody in FILE_TRAPS:
            yield Trial(name, words, _nothing, _on_file(layout, spoil), ERROR, reason, as_nobody)
        yield Trial(
            name, "20,000 rows, two with files", _nothing, _on_table(layout, twenty_thousand), READ, "20,000 rows"
        )


def observe(trial: Trial, folder: Path) -> Seen:
    """Make the data set in an empty folder, spoil and load it."""
    layout = LAYOUTS[trial.data_set]
    root, masks = folder / trial.data_set, folder / "masks"
    masks.mkdir()
    made = layout.make(root)
    layout.good(made)
    trial.prepare(made)
    made.write()
    if trial.as_nobody:  # imports happen while their files may be read
        layout.load(root, folder / "before", Compute("loky", 1))
    trial.spoil(root)
    try:
        with _nobody(folder) if trial.as_nobody else _anybody():
            found = layout.load(root, masks, Compute("loky", 1))
    except InputError as error:
        assert not list(masks.iterdir()), "a refused data set leaves nothing behind"
        return Seen(ERROR, _plain(f"{error.where}: {error.what}", folder), None)
    finally:
        root.chmod(0o755)
    assert {path.stem for path in masks.iterdir()} == set(found.masks)
    known = {"P_00001_LEFT_CC_1", "1" * 32 + "_1", "1_1"}
    assert known & {lesion.lesion_id for lesion in found.lesions}, "the good lesion is there"
    if found.flow["rows"] == 20_000:
        told = ", ".join(f"{count:,} {step}" for step, count in found.flow.items())
        return Seen(READ, _plain(told, folder), found)
    if found.exclusions:
        return Seen(EXCLUDED, _plain(found.exclusions[0].reason, folder), found)
    lesion = found.lesions[-1]
    return Seen(READ, f"box {tuple(lesion.box)}, BI-RADS {lesion.birads!r}, label {lesion.label}", found)


def _nothing(_: object) -> None:
    """Leave the data set good."""


def _on_image(layout: Layout, spoil: Callable[[Path], None]) -> Callable[[Path], None]:
    return lambda root: spoil(next(root.glob(layout.image)))


def _on_table(layout: Layout, spoil: Callable[[bytes, bytes], bytes]) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        path = root / layout.table
        path.write_bytes(spoil(path.read_bytes(), layout.separator))

    return change


def _on_file(layout: Layout, spoil: Callable[[Path], object]) -> Callable[[Path], None]:
    return lambda root: spoil(root / layout.table) and None


@contextmanager
def _anybody() -> Iterator[None]:
    yield


@contextmanager
def _nobody(folder: Path) -> Iterator[None]:
    """Drop root's right to read everything, where tests run as root."""
    if os.geteuid() != 0:
        yield
        return
    for place in (folder, folder / "masks"):
        place.chmod(0o777)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def _plain(message: str, folder: Path) -> str:
    return re.sub(r"-\d{5}\b", "-...", message.replace(f"{folder}/", ""))


class Row(NamedTuple):
    """A line of the page."""

    data_set: str
    input: str
    happens: str
    message: str


def rows_of(seen: list[tuple[Trial, Seen]]) -> list[Row]:
    """Return what was seen of the data sets, then of the masks."""
    rows = [
        Row(trial.data_set, trial.input, what.happens, _general(what.message, trial.data_set)) for trial, what in seen
    ]
    for name, (read, _) in READERS.items():
        rows += [Row(name, trap.input, *read(trap)) for trap in MASK_TRAPS]
    return rows


def _general(message: str, data_set: str) -> str:
    """Name files by what they are, so that the same reason reads the same for every data set."""
    message = message.replace(f"{data_set}/", "").replace(LAYOUTS[data_set].table, "<table>")
    return re.sub(r"(Mass-\S+/\S+/[^/]*/|images/\S+/|AllDICOMs/)?[\w*-]+\.(dcm|dicom)\b", "<image>", message)


def page(rows: list[Row]) -> str:
    """Return the table of what was seen, equal rows of several data sets as one."""
    merged: dict[tuple[str, str, str], list[str]] = {}
    for row in rows:
        merged.setdefault((row.input, row.happens, shown(row.message, 160)), []).append(row.data_set)
    lines = [
        f"| {_cell(words)} | {', '.join(sets)} | {happens} | {_cell(message)} |"
        for (words, happens, message), sets in merged.items()
    ]
    return INTRODUCTION.format(count=len(rows)) + "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return re.sub(r"([|<>*_`\\])", r"\\\1", text)


INTRODUCTION = """# Hostile input

{count} trials: each input is put into a small good data set of the real layout, which is loaded, or into the mask of a
lesion, which is measured or taken as a correction. The table is what was seen, cut at 160 letters; a test compares it.
Remake it with `.venv/bin/python tests/unit/datasets/hostile_input.py`.

*excluded*: the row goes to `data/lesions/<dataset>_exclusions.csv` with this reason, the other lesions are read, and
the counts of `<dataset>_flow.json` add up. *error*: the stage stops with this message and how to mend it, and its
outputs are as they were. *read*: nothing is lost, with what was read of the last lesion.

Links are followed, since DVC may keep data as links into its cache; names that come from a table cannot lead out of the
data set's folder. The bounds are in `imaging/dicom.py`, `datasets/table.py` and `datasets/osirix.py`.

| input | data set | what happens | message |
|---|---|---|---|
"""


def seen_of_all() -> list[tuple[Trial, Seen]]:
    """Run every trial, each in a folder of its own."""
    rows = []
    for trial in trials():
        with tempfile.TemporaryDirectory() as folder:
            rows.append((trial, observe(trial, Path(folder))))
    return rows


if __name__ == "__main__":
    PAGE.write_text(page(rows_of(seen_of_all())), encoding="utf-8")
    sys.stdout.write(f"{PAGE}\n")
