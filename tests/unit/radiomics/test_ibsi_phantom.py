"""The IBSI digital phantom: 5 x 4 x 4 voxels with published values (Zwanenburg et al., Radiology 295:328-338, 2020).

Reference values hold to the three digits that are printed (tolerance 0 in the published table). The planar ones
(``2D``) are per-slice features averaged over slices, so the public ``extract`` is held to them slice by slice; the
volumetric ones (``3D``) check the same code in three dimensions. Six equal bins between 1 and 6 are the phantom's own
grey levels.
"""

import numpy as np
import pytest
import SimpleITK

from radprompt.core.params import MaskChoice, Radiomics
from radprompt.mammograms.radiomics.extraction import extract, measure

VOXELS = np.array(
    [
        [[1, 4, 4, 1, 1], [1, 4, 6, 1, 1], [4, 1, 6, 4, 1], [4, 4, 6, 4, 1]],
        [[1, 4, 4, 1, 1], [1, 1, 6, 1, 1], [1, 1, 3, 1, 1], [4, 4, 6, 1, 1]],
        [[1, 4, 4, 1, 1], [1, 1, 1, 1, 1], [1, 1, 9, 1, 1], [1, 1, 6, 1, 1]],
        [[1, 4, 4, 1, 1], [1, 1, 1, 1, 1], [1, 1, 1, 1, 1], [1, 1, 6, 1, 1]],
    ],
    dtype=float,
)
MASK = np.ones(VOXELS.shape, dtype=bool)
MASK[1, 2, 0] = MASK[2, 2, 2] = False
MASK[2:, 0, 3:] = False
SPACING = 2.0
LEVELS = 6
SETTINGS = Radiomics(
    bin_count=LEVELS, resample_mm=None, shape_unit="mm", masks=MaskChoice(vindr_mammo="predicted", inbreast="reference")
)

FIRST_ORDER = {
    "Mean": 2.15,
    "Variance": 3.05,
    "Skewness": 1.08,
    "Kurtosis": -0.355 + 3,  # IBSI subtracts 3
    "Median": 1,
    "Minimum": 1,
    "10Percentile": 1,
    "90Percentile": 4,
    "Maximum": 6,
    "InterquartileRange": 3,
    "Range": 5,
    "MeanAbsoluteDeviation": 1.55,
    "RobustMeanAbsoluteDeviation": 1.11,
    "Energy": 567,
    "RootMeanSquared": 2.77,
    "Entropy": 1.27,
    "Uniformity": 0.512,
}
# name: (2D averaged, 3D averaged)
GLCM = {
    "MaximumProbability": (0.519, 0.503),
    "JointAverage": (2.14, 2.14),
    "SumSquares": (2.69, 3.1),
    "JointEntropy": (2.05, 2.4),
    "DifferenceAverage": (1.42, 1.43),
    "DifferenceVariance": (2.9, 3.06),
    "DifferenceEntropy": (1.4, 1.56),
    "SumAverage": (4.28, 4.29),
    "ClusterTendency": (5.47, 7.07),
    "SumEntropy": (1.6, 1.92),
    "JointEnergy": (0.368, 0.303),
    "Contrast": (5.28, 5.32),
    "Id": (0.678, 0.677),
    "Idn": (0.851, 0.851),
    "Idm": (0.619, 0.618),
    "Idmn": (0.899, 0.898),
    "InverseVariance": (0.0567, 0.0604),
    "Correlation": (-0.0121, 0.157),
    "Autocorrelation": (5.09, 5.06),
    "ClusterShade": (7, 16.6),
    "ClusterProminence": (79.1, 145),
    "Imc1": (-0.155, -0.157),
    "Imc2": (0.487, 0.52),
}
# name: (2D, 3D)
GLSZM = {
    "SmallAreaEmphasis": (0.363, 0.255),
    "LargeAreaEmphasis": (43.9, 550),
    "LowGrayLevelZoneEmphasis": (0.371, 0.253),
    "HighGrayLevelZoneEmphasis": (16.4, 15.6),
    "SmallAreaLowGrayLevelEmphasis": (0.0259, 0.0256),
    "SmallAreaHighGrayLevelEmphasis": (10.3, 2.76),
    "LargeAreaLowGrayLevelEmphasis": (40.4, 503),
    "LargeAreaHighGrayLevelEmphasis": (113, 1490),
    "GrayLevelNonUniformity": (1.41, 1.4),
    "GrayLevelNonUniformityNormalized": (0.323, 0.28),
    "SizeZoneNonUniformity": (1.49, 1),
    "SizeZoneNonUniformityNormalized": (0.333, 0.2),
    "ZonePercentage": (0.24, 0.0676),
    "GrayLevelVariance": (3.97, 2.64),
    "ZoneVariance": (21, 331),
    "ZoneEntropy": (1.93, 2.32),
}
PLANAR = {f"glcm_{k}": v[0] for k, v in GLCM.items()} | {f"glszm_{k}": v[0] for k, v in GLSZM.items()}
VOLUMETRIC = (
    {f"firstorder_{k}": v for k, v in FIRST_ORDER.items()}
    | {f"glcm_{k}": v[1] for k, v in GLCM.items()}
    | {f"glszm_{k}": v[1] for k, v in GLSZM.items()}
)


def three_digits(value: float) -> float:
    return float(f"{value:.3g}")


@pytest.fixture(scope="module")
def slices() -> dict[str, float]:
    each = [extract(v, m, SPACING, SETTINGS) for v, m in zip(VOXELS, MASK, strict=True)]
    return {key: float(np.mean([values[key] for values in each])) for key in each[0]}


@pytest.fixture(scope="module")
def volume() -> dict[str, float]:
    image, mask = SimpleITK.GetImageFromArray(VOXELS), SimpleITK.GetImageFromArray(MASK.astype(np.uint8))
    for part in (image, mask):
        part.SetSpacing((SPACING,) * 3)
    return measure(image, mask, LEVELS, classes=("firstorder", "glcm", "glszm"))


@pytest.mark.parametrize("key", PLANAR)
def test_planar_texture(slices: dict[str, float], key: str) -> None:
    assert three_digits(slices[key]) == PLANAR[key]


@pytest.mark.parametrize("key", VOLUMETRIC)
def test_volumetric_features(volume: dict[str, float], key: str) -> None:
    assert three_digits(volume[key]) == three_digits(VOLUMETRIC[key])


def test_first_order_forgets_where_voxels_lie() -> None:
    flat = extract(VOXELS.reshape(16, 5), MASK.reshape(16, 5), SPACING, SETTINGS)
    for name, value in FIRST_ORDER.items():
        assert three_digits(flat[f"firstorder_{name}"]) == three_digits(value), name
