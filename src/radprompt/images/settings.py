"""How features are measured: a parameter file of PyRadiomics, or one of three presets."""

import hashlib
import json
import logging
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast, get_args

from radprompt.core.errors import InputError
from radprompt.core.inputs import checked, shown
from radprompt.core.params import Engine

PRESETS = ("ct", "mr", "mammogram")
_FOLDER = Path(__file__).parent / "presets"
_LARGEST = 2**20
_OURS = {
    "correctMask": "masks on another grid are resampled and reported anyway",
    "geometryTolerance": "grids are compared by the distance of their corners",
    "preCrop": "images are cut to the region anyway",
    "additionalInfo": "features.csv holds features only",
    "label_channel": "masks of several channels are refused",
}
"""Settings that have no effect here, with the reason."""


@dataclass(frozen=True)
class Settings:
    """What PyRadiomics is told.

    Attributes
    ----------
    setting
        Its settings, such as ``binWidth``.
    image_types
        Images to measure, such as ``{"Original": {}, "LoG": {"sigma": [2.0]}}``.
    classes
        Feature classes with the features of each; none or an empty list: all.
    mammogram
        Read planar images as the mammogram pipeline does.
    engine
        PyRadiomics itself, or ``fast``: the same features to 1e-9 from less work.
    notes
        What of a user's file has no effect.
    """

    setting: dict[str, Any]
    image_types: dict[str, dict[str, Any]]
    classes: dict[str, list[str] | None]
    mammogram: bool = False
    engine: Engine = "pyradiomics"
    notes: tuple[str, ...] = field(default=())

    @cached_property
    def digest(self) -> str:
        """Identify these settings, for what was measured with them."""
        return hashlib.sha256(json.dumps(self.as_params(), sort_keys=True).encode()).hexdigest()

    def as_params(self) -> dict[str, Any]:
        """Return them in the form of PyRadiomics' parameter file."""
        params: dict[str, Any] = {"setting": self.setting, "imageType": self.image_types, "featureClass": self.classes}
        params |= {"mammogram": True} if self.mammogram else {}
        return params | ({"engine": self.engine} if self.engine != "pyradiomics" else {})


def load_settings(params: Path | None = None, preset: str = "", engine: str = "pyradiomics") -> Settings:
    """Return the settings of a parameter file, or of a preset.

    Parameters
    ----------
    params
        A parameter file of PyRadiomics (YAML), held against PyRadiomics' own schema.
    preset
        Name of the ready settings, one of :data:`PRESETS`; used if no file is given.
    engine
        ``pyradiomics`` or ``fast``.

    Raises
    ------
    InputError
        No such engine; both or neither are given; the file is absent or no YAML; all that the schema refuses, at once.
    """
    if engine not in get_args(Engine):
        fix = f"one of {', '.join(get_args(Engine))}"
        raise InputError(f"no engine {shown(engine, 40)!r}", where="--engine", fix=fix)
    return replace(_settings(params, preset), engine=cast(Engine, engine))


def _settings(params: Path | None, preset: str) -> Settings:
    if (params is None) == (not preset):
        raise InputError(
            "settings are named by --params or by --preset, one of the two",
            fix=f"give --preset {' | '.join(PRESETS)}, or --params with a parameter file of PyRadiomics",
        )
    if params is None:
        if preset not in PRESETS:
            raise InputError(f"no preset {shown(preset, 40)!r}", where="--preset", fix=f"one of {', '.join(PRESETS)}")
        return settings_from(_load(_FOLDER / f"{preset}.yaml"), preset, mammogram=preset == "mammogram")
    return settings_from(_load(params), str(params))


def settings_from_record(record: dict[str, Any], where: str) -> Settings:
    """Return the settings that :meth:`Settings.as_params` gave. Errors as in :func:`load_settings`."""
    sections = {name: record.get(name) for name in ("setting", "imageType", "featureClass")}
    read = settings_from(sections, where, mammogram=bool(record.get("mammogram", False)))
    engine = record.get("engine", "pyradiomics")
    if engine not in get_args(Engine):
        raise InputError(
            f"no engine {shown(str(engine), 40)!r}", where=where, fix=f"one of {', '.join(get_args(Engine))}"
        )
    return replace(read, engine=engine)


def settings_from(content: Any, where: str, *, mammogram: bool = False) -> Settings:
    """Return the settings of a parsed parameter file. Errors as in :func:`load_settings`."""
    if not isinstance(content, dict) or not content:
        raise InputError("no parameters in the file", where=where, fix="see PyRadiomics' examples of parameter files")
    if faults := _faults(content):
        raise InputError("; ".join(faults), where=where, fix="see PyRadiomics' documentation of the parameter file")
    from radiomics import getFeatureClasses

    setting = dict(content.get("setting") or {})
    notes = [
        f"setting {name} has no effect: {why}" for name, why in _OURS.items() if setting.pop(name, None) is not None
    ]
    if content.get("voxelSetting"):
        notes.append("voxelSetting has no effect: regions are measured, not maps")
    image_types = {
        name: dict(options or {}) for name, options in (content.get("imageType") or {"Original": {}}).items()
    }
    every: dict[str, None] = dict.fromkeys(name for name in getFeatureClasses() if name != "shape2D")
    classes = {name: features and list(features) for name, features in (content.get("featureClass") or every).items()}
    if "LoG" in image_types and not image_types["LoG"].get("sigma"):
        raise InputError("imageType LoG without sigma measures nothing", where=where, fix="LoG: {sigma: [2.0, 4.0]}")
    return Settings(setting, image_types, classes, mammogram, notes=tuple(notes))


def _load(path: Path) -> Any:
    from ruamel.yaml import YAML, YAMLError

    text = checked(path, _LARGEST, what="parameter file", absent="check the path").read_text("utf-8", errors="replace")
    try:
        return YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        raise InputError(
            f"not YAML: {' '.join(str(error).split())[:200]}", where=str(path), fix="correct the file"
        ) from None


def _faults(content: dict[str, Any]) -> list[str]:
    """Return what PyRadiomics' schema refuses, each with its key."""
    from pykwalify.core import Core
    from pykwalify.errors import PyKwalifyException
    from radiomics import getParameterValidationFiles

    logging.getLogger("pykwalify").setLevel(logging.CRITICAL + 1)
    schema, functions = getParameterValidationFiles()
    faults = []
    # One section at a time: the schema's own functions stop at their first fault.
    for section in content:
        core = Core(source_data={section: content[section]}, schema_files=[schema], extensions=[functions])
        try:
            core.validate(raise_exception=False)
        except (TypeError, ValueError, PyKwalifyException) as error:
            faults.append(f"{section}: {shown(' '.join(str(error).split()), 300)}")
        faults += [shown(" ".join(str(fault).split()), 300) for fault in core.errors]
    return faults
