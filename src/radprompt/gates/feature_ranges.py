"""Where each of the 67 features lies by definition: bounds that no image can leave, and what follows from them.

Notation: grey levels are counted from 1 to Ng (``radiomics.bin_count``), pixels run from 0 to 1 (min-max over the whole
image), lengths are positive. A bound holds whatever the mass looks like; a value outside is a broken table or a broken
extraction, never an odd patient.

Sources: definitions of the Image Biomarker Standardisation Initiative's reference manual (arXiv:1612.07003) by the code
in :data:`radprompt.tables.feature_names.CATALOGUE`; for the nine planar shape features and three others, which it does
not define, PyRadiomics 3.0.1's documentation. Inequalities used below: Popoviciu's (a variable within a range R has a
variance of R^2 / 4 at most), log2 n (entropy of n outcomes at most), the isoperimetric one (a closed curve of a given
length encloses at most a disc), Pearson's (kurtosis is at least 1).
"""

from math import inf, log2
from typing import NamedTuple


class Range(NamedTuple):
    """Bounds of a feature, ``low`` and ``high`` included unless ``open_low``, and why they hold."""

    low: float
    high: float
    why: str
    open_low: bool = False


ROUNDING = 1e-6
"""Slack of a bound that is included, relative where it is above 1: sums of logarithms and eigenvalues are rounded."""

UNBOUNDED = ("firstorder_Skewness",)
"""Features that may have any value (IBSI KE2A)."""


def ranges(levels: int, *, resampled: bool) -> dict[str, Range]:
    """Return the range of every feature that has one.

    Parameters
    ----------
    levels
        Ng, the number of grey levels.
    resampled
        Whether images were interpolated before measuring: a spline may leave 0 to 1, so that bounds on grey values
        fall, and with them those of what is made of grey values.
    """
    return _shape() | _first_order(levels, resampled=resampled) | _glcm(levels) | _glszm(levels)


ORDERED: tuple[tuple[str, str], ...] = (
    ("shape_MajorAxisLength", "shape_MinorAxisLength"),
    ("firstorder_Maximum", "firstorder_90Percentile"),
    ("firstorder_90Percentile", "firstorder_Median"),
    ("firstorder_Median", "firstorder_10Percentile"),
    ("firstorder_10Percentile", "firstorder_Minimum"),
    ("firstorder_Maximum", "firstorder_Mean"),
    ("firstorder_Mean", "firstorder_Minimum"),
    ("firstorder_Range", "firstorder_InterquartileRange"),
    ("glcm_JointEntropy", "glcm_SumEntropy"),
    ("glcm_JointEntropy", "glcm_DifferenceEntropy"),
    ("glcm_MaximumProbability", "glcm_JointEnergy"),
    ("glszm_HighGrayLevelZoneEmphasis", "glszm_SmallAreaHighGrayLevelEmphasis"),
    ("glszm_LargeAreaHighGrayLevelEmphasis", "glszm_LargeAreaEmphasis"),
    ("glszm_LargeAreaEmphasis", "glszm_LargeAreaLowGrayLevelEmphasis"),
    ("glszm_LargeAreaEmphasis", "glszm_ZoneVariance"),
    ("glszm_SmallAreaEmphasis", "glszm_SmallAreaLowGrayLevelEmphasis"),
)
"""Pairs of which the first is never less than the second, whatever the settings."""


def _shape() -> dict[str, Range]:
    length, area = "a length", "an area"
    return {
        "shape_Elongation": Range(0, 1, "root of the ratio of the smaller to the larger eigenvalue"),
        "shape_MajorAxisLength": Range(0, inf, length, open_low=True),
        "shape_MaximumDiameter": Range(0, inf, length, open_low=True),
        "shape_MeshSurface": Range(0, inf, area, open_low=True),
        "shape_MinorAxisLength": Range(0, inf, length, open_low=True),
        "shape_Perimeter": Range(0, inf, length, open_low=True),
        "shape_PerimeterSurfaceRatio": Range(0, inf, "a length over an area", open_low=True),
        "shape_PixelSurface": Range(0, inf, area, open_low=True),
        "shape_Sphericity": Range(0, 1, "isoperimetric inequality; 1 is a disc", open_low=True),
    }


def _first_order(levels: int, *, resampled: bool) -> dict[str, Range]:
    low, high = (-inf, inf) if resampled else (0.0, 1.0)
    grey = "a grey value"
    return {
        "firstorder_10Percentile": Range(low, high, grey),
        "firstorder_90Percentile": Range(low, high, grey),
        "firstorder_Energy": Range(0, inf, "a sum of squares"),
        "firstorder_Entropy": Range(0, log2(levels), "entropy of Ng levels"),
        "firstorder_InterquartileRange": Range(0, high, "a difference of grey values"),
        "firstorder_Kurtosis": Range(1, inf, "Pearson's inequality; IBSI's excess kurtosis + 3"),
        "firstorder_Maximum": Range(low, high, grey),
        "firstorder_Mean": Range(low, high, "a mean of grey values"),
        "firstorder_MeanAbsoluteDeviation": Range(0, high / 2, "at most half the range"),
        "firstorder_Median": Range(low, high, grey),
        "firstorder_Minimum": Range(low, high, grey),
        "firstorder_Range": Range(0, high, "a mass of one grey value is not measured", open_low=True),
        "firstorder_RobustMeanAbsoluteDeviation": Range(0, high / 2, "at most half the range"),
        "firstorder_RootMeanSquared": Range(0, high, "a root of a mean of squares"),
        "firstorder_TotalEnergy": Range(0, inf, "a sum of squares times an area"),
        "firstorder_Uniformity": Range(1 / levels, 1, "sum of squares of Ng shares that add up to 1"),
        "firstorder_Variance": Range(0, high**2 / 4, "Popoviciu's inequality"),
    }


def _glcm(levels: int) -> dict[str, Range]:
    most = levels - 1
    share, variance = "a sum of weights of at most 1", "Popoviciu's inequality"
    return {
        "glcm_Autocorrelation": Range(1, levels**2, "a mean product of two levels"),
        "glcm_ClusterProminence": Range(0, (2 * most) ** 4, "a mean fourth power of a difference of sums"),
        "glcm_ClusterShade": Range(-((2 * most) ** 3), (2 * most) ** 3, "a mean third power of a difference of sums"),
        "glcm_ClusterTendency": Range(0, most**2, f"{variance}, sums from 2 to 2 Ng"),
        "glcm_Contrast": Range(0, most**2, "a mean squared difference of levels"),
        "glcm_Correlation": Range(-1, 1, "a correlation"),
        "glcm_DifferenceAverage": Range(0, most, "a mean difference of levels"),
        "glcm_DifferenceEntropy": Range(0, log2(levels), "entropy of Ng differences"),
        "glcm_DifferenceVariance": Range(0, most**2 / 4, variance),
        "glcm_Id": Range(1 / levels, 1, "weights from 1 / Ng to 1"),
        "glcm_Idm": Range(1 / (1 + most**2), 1, "weights from 1 / (1 + (Ng - 1)^2) to 1"),
        "glcm_Idmn": Range(0.5, 1, "weights from 1 / 2 to 1"),
        "glcm_Idn": Range(0.5, 1, "weights from 1 / 2 to 1"),
        "glcm_Imc1": Range(-1, 0, "mutual information over an entropy, with a minus sign"),
        "glcm_Imc2": Range(0, 1, "root of 1 less an exponential of at most 1"),
        "glcm_InverseVariance": Range(0, 1, share),
        "glcm_JointAverage": Range(1, levels, "a mean level"),
        "glcm_JointEnergy": Range(1 / levels**2, 1, "sum of squares of Ng^2 shares that add up to 1"),
        "glcm_JointEntropy": Range(0, 2 * log2(levels), "entropy of Ng^2 pairs"),
        "glcm_MCC": Range(0, 1, "a correlation (Gebelein); not in IBSI"),
        "glcm_MaximumProbability": Range(1 / levels**2, 1, "the largest of Ng^2 shares that add up to 1"),
        "glcm_SumAverage": Range(2, 2 * levels, "a mean sum of two levels"),
        "glcm_SumEntropy": Range(0, log2(2 * levels - 1), "entropy of 2 Ng - 1 sums"),
        "glcm_SumSquares": Range(0, most**2 / 4, f"{variance}; IBSI's joint variance"),
    }


def _glszm(levels: int) -> dict[str, Range]:
    square = float(levels**2)
    counts = "sum of squared counts over their sum"
    shares = "the same over the number of zones"
    return {
        "glszm_GrayLevelNonUniformity": Range(1, inf, counts),
        "glszm_GrayLevelNonUniformityNormalized": Range(1 / levels, 1, shares),
        "glszm_GrayLevelVariance": Range(0, (levels - 1) ** 2 / 4, "Popoviciu's inequality"),
        "glszm_HighGrayLevelZoneEmphasis": Range(1, square, "a mean squared level"),
        "glszm_LargeAreaEmphasis": Range(1, inf, "a mean squared zone size"),
        "glszm_LargeAreaHighGrayLevelEmphasis": Range(1, inf, "a mean product of squared size and level"),
        "glszm_LargeAreaLowGrayLevelEmphasis": Range(1 / square, inf, "a mean squared size over squared level"),
        "glszm_LowGrayLevelZoneEmphasis": Range(1 / square, 1, "a mean inverse squared level"),
        "glszm_SizeZoneNonUniformity": Range(1, inf, counts),
        "glszm_SizeZoneNonUniformityNormalized": Range(0, 1, shares, open_low=True),
        "glszm_SmallAreaEmphasis": Range(0, 1, "a mean inverse squared size", open_low=True),
        "glszm_SmallAreaHighGrayLevelEmphasis": Range(0, square, "a mean squared level over size", open_low=True),
        "glszm_SmallAreaLowGrayLevelEmphasis": Range(0, 1, "a mean inverse of both squared", open_low=True),
        "glszm_ZoneEntropy": Range(0, inf, "an entropy"),
        "glszm_ZonePercentage": Range(0, 1, "zones over pixels, of which each zone has one at least", open_low=True),
        "glszm_ZoneVariance": Range(0, inf, "a variance"),
    }
