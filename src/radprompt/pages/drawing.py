"""Drawings on disk."""

from pathlib import Path
from typing import TYPE_CHECKING

from radprompt.core.outputs import atomic_write

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def write_svg(path: str | Path, figure: "Figure") -> None:
    """Write a drawing as SVG; the same drawing gives the same bytes."""
    from matplotlib import rc_context

    with atomic_write(path) as part, rc_context({"svg.hashsalt": "radprompt"}):
        figure.savefig(part, format="svg", metadata={"Date": None})
