"""Drawings on disk."""

from pathlib import Path
from typing import TYPE_CHECKING

from radprompt.outputs import whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def write_svg(path: str | Path, figure: "Figure") -> None:
    """Write a drawing as SVG; the same drawing gives the same bytes."""
    from matplotlib import rc_context

    with whole(path) as part, rc_context({"svg.hashsalt": "radprompt"}):
        figure.savefig(part, format="svg", metadata={"Date": None})
