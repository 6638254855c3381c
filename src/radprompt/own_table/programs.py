"""Columns of PyRadiomics, 3D Slicer, mirp, CERR, LIFEx: which are no features, how the others' names are spoken."""

import re
from collections import Counter
from collections.abc import Iterable

from radprompt.tables.feature_names import FEATURES, readable

_NOT_MEASURED = re.compile(
    r"""(?:.*_)?(?:diagnostics|general_info)[_.].+            # PyRadiomics, also of several images in one table
    |image|mask|reader|image_?(?:path|file(?:_?name)?)|mask_?(?:path|file(?:_?name)?)|label_?map  # its batch input
    |sample_name|image_(?:file_name|directory|study_.*|series_.*|modality|pet_suv_type|settings_id|voxel_size_.*
      |noise_.*|rotation_angle|translation_.*|mask_.*|new_spacing.*|slice_thickness)               # mirp
    |(?:scan|struct(?:ure)?|dose)(?:_?(?:num|index|name|file(?:_?name)?|uid))|roi_?(?:name|number|file)   # CERR
    |info_(?!patient).+                                           # LIFEx
    |(?:pixel|voxel)_?(?:spacing|size)(?:_?[xyz0-3])?|spacing(?:_?[xyz0-3])?|slice_?thickness
    |(?:image|matrix)_?size(?:_?[xyz0-3])?|manufacturer.*|software_?versions?|(?:station|institution)_?name""",
    re.IGNORECASE | re.VERBOSE,
)
_PYRADIOMICS = re.compile(
    r"(?P<part>.*[_.])??(?P<image>original|log[-.]sigma[-.]\d+(?:[-.]\d+)?[-.]mm[-.][23]D|wavelet\d?[-._][HL]{1,3}|square|squareroot|"
    r"logarithm|exponential|gradient|lbp[-.][23]D(?:[-.][mk]\d*)?)[_.]"
    r"(?P<kind>firstorder|shape2D|shape|glcm|glrlm|glszm|gldm|ngtdm)[_.](?P<name>[A-Za-z0-9]+)(?P<rest>[_.].+)?"
)
_IMAGES = {
    "square": "after squaring",
    "squareroot": "after a square root",
    "logarithm": "after a logarithm",
    "exponential": "after an exponential",
    "gradient": "of the gradient",
}
_SHARED = {"glrlm": "of runs", "gldm": "of dependences", "ngtdm": "of neighbouring grey tones"}
_IN_SEVERAL = {"GrayLevelNonUniformity", "GrayLevelNonUniformityNormalized", "GrayLevelVariance", "Contrast"}
_MIRP = {
    "morph": "shape",
    "loc": "local intensity",
    "stat": "intensity",
    "ih": "intensity histogram",
    "ivh": "intensity volume histogram",
    "cm": "co-occurrence",
    "rlm": "run length",
    "szm": "size zone",
    "dzm": "distance zone",
    "ngt": "neighbouring grey tone",
    "ngl": "neighbouring grey level dependence",
    "diag": "diagnostic",
}
_MIRP_NAME = re.compile(rf"({'|'.join(_MIRP)})_([a-z0-9_.]+)")


def not_measured(names: Iterable[str]) -> list[str]:
    """Return the columns that describe software, files or the scanner, not the lesion."""
    found = list(names)
    return [name for name in found if _NOT_MEASURED.fullmatch(name.replace(" ", "_"))]


def spoken_names(names: Iterable[str]) -> dict[str, str]:
    """Return the spoken name of each column that a program named, where no other column would have the same.

    Examples
    --------
    >>> spoken_names(["log-sigma-2-0-mm-3D_firstorder_Range", "age"])
    {'log-sigma-2-0-mm-3D_firstorder_Range': 'Range after a Laplacian of Gaussian of 2 mm'}
    """
    every = list(names)
    found = {name: spoken for name in every if (spoken := _spoken(name))}
    times = Counter([*found.values(), *(name for name in every if name not in found)])
    return {name: spoken for name, spoken in found.items() if times[spoken] == 1}


def _spoken(name: str) -> str | None:
    parts = _PYRADIOMICS.fullmatch(name)
    if parts is None:
        other = _MIRP_NAME.fullmatch(name)
        return f"{_MIRP[other[1]]} {other[2].replace('_', ' ')}" if other else None
    kind, short = parts["kind"], parts["name"]
    key = f"{'shape' if kind == 'shape2D' else kind}_{short}"
    feature = readable(key) if key in FEATURES else _words(short)
    of_matrix = _SHARED.get(kind, "") if short in _IN_SEVERAL else ""
    about = " ".join(
        filter(None, ((part or "").strip("_.").replace("_", " ") for part in (parts["part"], parts["rest"])))
    )
    return " ".join(filter(None, (feature, of_matrix, _image(parts["image"]), f"({about})" * bool(about))))


def _image(kind: str) -> str:
    if kind == "original":
        return ""
    pieces = re.split(r"[-._]", kind)
    if pieces[0] == "log":
        size = ".".join(piece for piece in pieces[2 : pieces.index("mm")])
        return f"after a Laplacian of Gaussian of {float(size):g} mm"
    if pieces[0].startswith("wavelet"):
        level = pieces[0].removeprefix("wavelet")
        return f"of the wavelet {pieces[1]}" + (f", level {level}" if level else "")
    if pieces[0] == "lbp":
        return "of local binary patterns" + (f" ({pieces[2]})" if len(pieces) > 2 else "")
    return _IMAGES[kind]


def _words(name: str) -> str:
    """Return a name in capitals and small letters as words."""
    return " ".join(re.findall(r"[23]D|[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+", name))
