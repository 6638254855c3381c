"""Five drawn masses and the file of their features. Remake it, and read the difference, with

.venv/bin/python tests/unit/radiomics/golden_features.py && git diff tests/unit/radiomics/golden_features.csv
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from radprompt.core.outputs import write_csv
from radprompt.core.params import MaskChoice, Radiomics
from radprompt.mammograms.radiomics.extraction import extract

TABLE = Path(__file__).with_name("golden_features.csv")
SHAPE = (160, 140)


def radiomics(
    bin_count: int = 32, resample_mm: float | None = None, shape_unit: str = "mm", downsample: int = 1
) -> Radiomics:
    return Radiomics(
        bin_count=bin_count,
        resample_mm=resample_mm,
        shape_unit=shape_unit,
        downsample=downsample,
        masks=MaskChoice(vindr_mammo="predicted", inbreast="reference"),
    )


class Case(NamedTuple):
    mask: np.ndarray
    spacing_mm: float
    settings: Radiomics


def picture() -> np.ndarray:
    """Waves of four lengths, as a 12-bit detector reads them, in [0, 1]; float32 as mammograms are."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(float)
    grey = np.sin(x / 17) + np.cos(y / 13 + x / 29) + 0.5 * np.sin(x * y / 97) + 0.3 * np.cos((x + 2 * y) / 2.3)
    counts = np.round(4095 * (grey - grey.min()) / np.ptp(grey))
    return ((counts - counts.min()) / np.ptp(counts)).astype(np.float32)


def star(row: float, column: float, radius: float, spikes: int, depth: float, stretch: float = 1.0) -> np.ndarray:
    """A disc whose radius swings ``spikes`` times by the fraction ``depth`` around the rim; depth 0 is an ellipse."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(float)
    dy, dx = (y - row), (x - column) / stretch
    return np.hypot(dy, dx) < radius * (1 + depth * np.cos(spikes * np.arctan2(dy, dx)))


CASES = {
    "round": Case(star(80.2, 70.4, 30, 0, 0.0), 0.1, radiomics()),
    "oval_at_the_border": Case(star(140.3, 60.1, 25, 0, 0.0, stretch=1.6), 0.07, radiomics(bin_count=64)),
    "spiculated_spacing_unknown": Case(star(70.7, 65.2, 35, 9, 0.35), float("nan"), radiomics()),
    "lobulated_resampled": Case(star(75.1, 72.8, 40, 4, 0.2), 0.07, radiomics(resample_mm=0.1)),
    "holed_in_pixels": Case(
        star(80.2, 70.4, 40, 5, 0.1) & ~star(85.1, 75.3, 12, 0, 0.0), 0.1, radiomics(shape_unit="px")
    ),
}


def measured() -> pd.DataFrame:
    pixels = picture()
    return pd.DataFrame([{"case": name, **extract(pixels, *case)} for name, case in CASES.items()])


if __name__ == "__main__":
    write_csv(TABLE, measured())
