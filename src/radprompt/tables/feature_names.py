"""The 67 features: their keys in order, the names that a prompt prints, their IBSI codes.

A key is ``<class>_<PyRadiomics name>``; a readable name is what a radiologist would say, spelt as the paper spells its
own. The names are unique over the four classes, so a name alone finds its column.
"""

from typing import NamedTuple

from radprompt.core.errors import InputError


class Feature(NamedTuple):
    """One feature: column ``key``, printed ``name``, ``ibsi`` code.

    ``ibsi`` is empty where the Image Biomarker Standardisation Initiative (reference manual, 2016-2019) defines no such
    feature. It has no planar shape features: its morphological ones are volumetric.
    """

    key: str
    name: str
    ibsi: str


CATALOGUE: tuple[Feature, ...] = (
    Feature("shape_Elongation", "Elongation", ""),
    Feature("shape_MajorAxisLength", "Major Axis Length", ""),
    Feature("shape_MaximumDiameter", "Maximum Diameter", ""),
    Feature("shape_MeshSurface", "Mesh Surface", ""),
    Feature("shape_MinorAxisLength", "Minor Axis Length", ""),
    Feature("shape_Perimeter", "Perimeter", ""),
    Feature("shape_PerimeterSurfaceRatio", "Perimeter to Surface Ratio", ""),
    Feature("shape_PixelSurface", "Pixel Surface", ""),
    Feature("shape_Sphericity", "Sphericity", ""),
    Feature("firstorder_10Percentile", "10th Percentile", "QG58"),
    Feature("firstorder_90Percentile", "90th Percentile", "8DWT"),
    Feature("firstorder_Energy", "Energy", "N8CA"),
    Feature("firstorder_Entropy", "Entropy", "TLU2"),
    Feature("firstorder_InterquartileRange", "Interquartile Range", "SALO"),
    Feature("firstorder_Kurtosis", "Kurtosis", "IPH6"),  # PyRadiomics' is IBSI's excess kurtosis + 3
    Feature("firstorder_Maximum", "Maximum", "84IY"),
    Feature("firstorder_Mean", "Mean", "Q4LE"),
    Feature("firstorder_MeanAbsoluteDeviation", "Mean Absolute Deviation", "4FUA"),
    Feature("firstorder_Median", "Median", "Y12H"),
    Feature("firstorder_Minimum", "Minimum", "1GSF"),
    Feature("firstorder_Range", "Range", "2OJQ"),
    Feature("firstorder_RobustMeanAbsoluteDeviation", "Robust Mean Absolute Deviation", "1128"),
    Feature("firstorder_RootMeanSquared", "Root Mean Squared", "5ZWQ"),
    Feature("firstorder_Skewness", "Skewness", "KE2A"),
    Feature("firstorder_TotalEnergy", "Total Energy", ""),
    Feature("firstorder_Uniformity", "Uniformity", "BJ5W"),
    Feature("firstorder_Variance", "Variance", "ECT3"),
    Feature("glcm_Autocorrelation", "Autocorrelation", "QWB0"),
    Feature("glcm_ClusterProminence", "Cluster Prominence", "AE86"),
    Feature("glcm_ClusterShade", "Cluster Shade", "7NFM"),
    Feature("glcm_ClusterTendency", "Cluster Tendency", "DG8W"),
    Feature("glcm_Contrast", "Contrast", "ACUI"),
    Feature("glcm_Correlation", "Correlation", "NI2N"),
    Feature("glcm_DifferenceAverage", "Difference Average", "TF7R"),
    Feature("glcm_DifferenceEntropy", "Difference Entropy", "NTRS"),
    Feature("glcm_DifferenceVariance", "Difference Variance", "D3YU"),
    Feature("glcm_Id", "Inverse Difference", "IB1Z"),
    Feature("glcm_Idm", "Inverse Difference Moment", "WF0Z"),
    Feature("glcm_Idmn", "Inverse Difference Moment Normalized", "1QCO"),
    Feature("glcm_Idn", "Inverse Difference Normalized", "NDRX"),
    Feature("glcm_Imc1", "Informational Measure of Correlation 1", "R8DG"),
    Feature("glcm_Imc2", "Informational Measure of Correlation 2", "JN9H"),
    Feature("glcm_InverseVariance", "Inverse Variance", "E8JP"),
    Feature("glcm_JointAverage", "Joint Average", "60VM"),
    Feature("glcm_JointEnergy", "Joint Energy", "8ZQL"),
    Feature("glcm_JointEntropy", "Joint Entropy", "TU9B"),
    Feature("glcm_MCC", "Maximal Correlation Coefficient", ""),
    Feature("glcm_MaximumProbability", "Maximum Probability", "GYBY"),
    Feature("glcm_SumAverage", "Sum Average", "ZGXS"),
    Feature("glcm_SumEntropy", "Sum Entropy", "P6QZ"),
    Feature("glcm_SumSquares", "Sum of Squares", "UR99"),
    Feature("glszm_GrayLevelNonUniformity", "Gray Level Non-Uniformity", "JNSA"),
    Feature("glszm_GrayLevelNonUniformityNormalized", "Gray Level Non-Uniformity Normalized", "Y1RO"),
    Feature("glszm_GrayLevelVariance", "Gray Level Variance", "BYLV"),
    Feature("glszm_HighGrayLevelZoneEmphasis", "High Gray Level Zone Emphasis", "5GN9"),
    Feature("glszm_LargeAreaEmphasis", "Large Area Emphasis", "48P8"),
    Feature("glszm_LargeAreaHighGrayLevelEmphasis", "Large Area High Gray Level Emphasis", "J17V"),
    Feature("glszm_LargeAreaLowGrayLevelEmphasis", "Large Area Low Gray Level Emphasis", "YH51"),
    Feature("glszm_LowGrayLevelZoneEmphasis", "Low Gray Level Zone Emphasis", "XMSY"),
    Feature("glszm_SizeZoneNonUniformity", "Size Zone Non-Uniformity", "4JP3"),
    Feature("glszm_SizeZoneNonUniformityNormalized", "Size Zone Non-Uniformity Normalized", "VB3A"),
    Feature("glszm_SmallAreaEmphasis", "Small Area Emphasis", "5QRC"),
    Feature("glszm_SmallAreaHighGrayLevelEmphasis", "Small Area High Gray Level Emphasis", "HW1V"),
    Feature("glszm_SmallAreaLowGrayLevelEmphasis", "Small Area Low Gray Level Emphasis", "5RAI"),
    Feature("glszm_ZoneEntropy", "Zone Entropy", "GU8N"),
    Feature("glszm_ZonePercentage", "Zone Percentage", "P30P"),
    Feature("glszm_ZoneVariance", "Zone Variance", "3NSA"),
)

FEATURES: tuple[str, ...] = tuple(feature.key for feature in CATALOGUE)
"""The 67 keys, by class and then by PyRadiomics' alphabetical order."""

_NAMES = {feature.key: feature.name for feature in CATALOGUE}
_KEYS = {feature.name: feature.key for feature in CATALOGUE}


def readable(key: str) -> str:
    """Return the printed name of a key: ``glcm_Idm`` is 'Inverse Difference Moment'; other columns keep their names."""
    return _NAMES.get(key, key)


def key_of(name: str) -> str:
    """Return the key of a printed name, the inverse of :func:`readable`.

    Raises
    ------
    InputError
        For a name that is none of the 67.
    """
    if name not in _KEYS:
        raise InputError(f"no feature is called {name!r}", fix="radprompt.tables.feature_names.CATALOGUE lists all 67")
    return _KEYS[name]
