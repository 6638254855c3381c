"""Regions of interest as OsiriX writes them: an XML property list an image."""

import plistlib
import re
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any
from xml.parsers import expat

from radprompt.core.errors import InputError
from radprompt.core.inputs import checked, shown
from radprompt.mammograms.datasets.findings import UnusableError
from radprompt.mammograms.datasets.lesion_set import NO_ANNOTATION

LARGEST_FILE = 2**24
"""Bytes of a property list; those of INbreast's masses have some 20 kB a region."""

DEEPEST = 32
"""Elements within one another; OsiriX writes eight. Python takes minutes to free a list of a million lists."""

MOST_REGIONS = 2_000
MOST_WORK = 10**10
"""Points x pixels of the rectangle around them, summed over a file's regions: about a minute of drawing."""

_POINT = re.compile(r"\(\s*(-?[\d.]+(?:[eE][-+]?\d+)?)\s*,\s*(-?[\d.]+(?:[eE][-+]?\d+)?)\s*\)")


@dataclass(frozen=True)
class Roi:
    """A region of interest: its name and corners (column, row), px."""

    name: str
    points: tuple[tuple[float, float], ...]


def read_rois(path: Path) -> list[Roi]:
    """Read the regions of a property list; :class:`UnusableError` for one that is broken or would take for ever."""
    try:
        content = checked(path, LARGEST_FILE, what="property list").read_bytes()
        _require_flat(content)
        regions = [roi for image in plistlib.loads(content, fmt=plistlib.FMT_XML)["Images"] for roi in image["ROIs"]]
        if len(regions) > MOST_REGIONS:
            raise ValueError(f"{len(regions):,} regions, more than {MOST_REGIONS:,}")
        rois = [Roi(_text(roi.get("Name", "")), tuple(_point(text) for text in roi["Point_px"])) for roi in regions]
    except InputError as error:
        raise UnusableError(NO_ANNOTATION, f"{path.name} {error.what}") from None
    except KeyError as error:
        raise UnusableError(NO_ANNOTATION, f"{path.name} is no OsiriX property list (no key {error})") from None
    except Exception as error:  # a damaged list surfaces as almost any exception
        reason = shown(str(error) or type(error).__name__, 100)
        raise UnusableError(NO_ANNOTATION, f"{path.name} is no OsiriX property list ({reason})") from None
    if (work := sum(_work(roi.points) for roi in rois)) > MOST_WORK:
        raise UnusableError(NO_ANNOTATION, f"{path.name} outlines too long to draw ({work:.0e} points x pixels)")
    return rois


def _require_flat(content: bytes) -> None:
    """Raise for XML that is nested too deep or declares entities, which may multiply without end."""
    depth = 0

    def down(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > DEEPEST:
            raise ValueError(f"elements nested more than {DEEPEST} deep")

    def up(name: str) -> None:
        nonlocal depth
        depth -= 1

    def entity(*declaration: Any) -> None:
        raise ValueError("entities are declared, which may multiply without end")

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler, parser.EntityDeclHandler = down, up, entity
    parser.Parse(content, True)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"text expected, not {type(value).__name__}")
    return value


def _point(value: Any) -> tuple[float, float]:
    match = _POINT.fullmatch(_text(value).strip())
    if not match:
        raise ValueError(f"not a point: {shown(value, 40)!r}")
    x, y = float(match[1]), float(match[2])
    if not (isfinite(x) and isfinite(y)):
        raise ValueError(f"not a finite point: {shown(value, 40)!r}")
    return x, y


def _work(points: tuple[tuple[float, float], ...]) -> float:
    if not points:
        return 0.0
    columns, rows = zip(*points, strict=True)
    return len(points) * (max(columns) - min(columns) + 1) * (max(rows) - min(rows) + 1)
