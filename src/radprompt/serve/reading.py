"""Reads images that were handed in, in a process of its own: a file that breaks a decoder breaks nothing else."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from radprompt.core.errors import ImageError, InputError
from radprompt.core.inputs import shown
from radprompt.export.images import read_image
from radprompt.loopback.worker import Handlers
from radprompt.mammograms.imaging.dicom import Mammogram

START = "radprompt.serve.reading:start"


def start() -> Handlers:
    """Return what the reading process answers."""
    return {"read": _read}


def kept_image(folder: Path, key: str) -> Mammogram:
    """Return an image that was read before.

    Parameters
    ----------
    folder
        The server's.
    key
        The image's.
    """
    facts = json.loads((folder / f"{key}.json").read_text(encoding="utf-8"))
    spacing = math.nan if facts["spacing_mm"] is None else facts["spacing_mm"]
    pixels = np.load(folder / f"{key}.npy", allow_pickle=False)
    return Mammogram(pixels, spacing, facts["spacing_source"], facts["presentation"])


def _read(folder: str, key: str, name: str) -> dict[str, Any]:
    """Decode ``<key>.upload`` into ``<key>.npy`` and say what it is; errors call the file by its own name."""
    room = Path(folder)
    try:
        image = read_image(room / f"{key}.upload")
    except InputError as error:
        raise ImageError(error.what, where=shown(name), fix=error.fix) from None
    rows, columns = image.pixels.shape
    facts = {
        "image": key,
        "name": name,
        "rows": rows,
        "columns": columns,
        "spacing_mm": None if math.isnan(image.spacing_mm) else image.spacing_mm,
        "spacing_source": image.spacing_source,
        "presentation": image.presentation,
    }
    np.save(room / f"{key}.npy", image.pixels, allow_pickle=False)
    (room / f"{key}.json").write_text(json.dumps(facts), encoding="utf-8")
    return facts
