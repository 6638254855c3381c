"""The command ``radprompt images``."""

import math
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any

import typer

from radprompt.core.errors import InputError
from radprompt.core.extras import require_extra

if TYPE_CHECKING:
    import pandas as pd

    from radprompt.images.robustness import Robustness
    from radprompt.images.study import Study

DOUBTED = ("*_firstorder_Energy", "*_firstorder_TotalEnergy", "*_glcm_MaximumProbability")
"""Features that `radprompt table` takes for identifiers or results by their digits and names; these were measured."""


def images(
    cases: Annotated[Path, typer.Argument(help="CSV: case, image, mask; optional patient, site, label, mask_label.")],
    out: Annotated[Path, typer.Option(help="Folder for features, exclusions, quality and contact sheets.")],
    params: Annotated[Path | None, typer.Option(help="A parameter file of PyRadiomics.")] = None,
    preset: Annotated[str, typer.Option(help="Or ready settings: ct, mr or mammogram.")] = "",
    engine: Annotated[str, typer.Option(help="pyradiomics, or fast: the same features to 1e-9.")] = "pyradiomics",
    workers: Annotated[int, typer.Option(min=-1, help="Processes; -1: one a core.")] = -1,
    table: Annotated[bool, typer.Option("--table", help="Go on with `radprompt table` (needs labels).")] = False,
    positive: Annotated[str | None, typer.Option(help="Label that counts as 1, for `radprompt table`.")] = None,
    perturb: Annotated[int, typer.Option(min=0, help="Contours redrawn at random a case, for each feature's ICC.")] = 0,
    min_icc: Annotated[float, typer.Option(help="Lower limit of the ICC below which a feature is left out.")] = 0.75,
    seed: Annotated[int, typer.Option(min=0, help="Of the redrawn contours.")] = 1,
) -> None:
    """Measure anybody's images inside their masks: NIfTI, NRRD, MetaImage, DICOM, PNG, TIFF, DICOM-SEG, RTSTRUCT.

    A case that cannot be measured is listed in exclusions.csv with the reason; a restart measures only what is not
    finished. docs/images.md has the forms of the table, the settings and the checks.

    For example:

    - `radprompt images cases.csv --preset ct --out study`
    - `radprompt images batch.csv --params Params.yaml --out study --workers 4`
    - `radprompt images cases.csv --preset mr --out study --perturb 5 --table`
    """
    require_extra("radprompt images", "images", "SimpleITK", "radiomics", "pydicom", "highdicom")
    from radprompt.core.params import Compute
    from radprompt.core.progress import show_bars_on_terminals_only
    from radprompt.images.robustness import REPEATED, run_robustness
    from radprompt.images.settings import load_settings
    from radprompt.images.study import FEATURES, run_study

    if workers == 0:
        raise InputError("0 workers measure nothing", where="--workers", fix="give 1 or more, or -1 for one a core")
    settings = load_settings(params, preset, engine)
    show_bars_on_terminals_only()
    study = run_study(cases, settings, out, Compute("loky", workers))
    for line in _summary(study, out):
        typer.echo(line)
    options = ["--images", str(out)]
    if perturb:
        compute = Compute("loky", workers)
        robust = run_robustness(study, settings, out, compute, draws=perturb, seed=seed, min_icc=min_icc)
        options += ["--repeated", str(out / REPEATED), "--min-icc", f"{min_icc:g}"]
        typer.echo(_robust(robust, min_icc, out))
    command = table_command(study.features, out / FEATURES, positive, options)
    if not command:
        if table:
            raise InputError(
                "no labels of two classes: the study ends at its features",
                where=str(cases),
                fix="add a column 'label' with two classes",
            )
        return
    typer.echo(f"Next: {' '.join(map(quote, command))}")
    if table:
        os.environ.setdefault("PYTHONUNBUFFERED", "1")
        status = subprocess.call([sys.executable, "-m", *command])  # noqa: S603
        if status:
            raise typer.Exit(status)


def study_predict(
    model: Path,
    image: Path | None,
    mask: Path | None,
    table: Path | None,
    out: Path,
    name: str,
    spacing: float,
    mask_label: str,
    site: str,
    given: Mapping[str, object],
    *,
    seg: bool,
    sr: bool,
) -> None:
    """Do what ``radprompt predict`` does with the model of a study of images; ``given`` are options that it lacks."""
    require_extra("radprompt predict", "images", "SimpleITK", "radiomics", "pydicom", "highdicom")
    from radprompt.export.cases import EXCLUDED, PREDICTIONS, id_of
    from radprompt.images.cases import Case
    from radprompt.images.predicting import StudyPredictor, predict_table

    if wrong := [option for option, value in given.items() if value]:
        raise InputError(f"{', '.join(wrong)}: not for the model of a study of images", where=str(model))
    if (image is None) == (table is None):
        raise InputError("name an image or a table, one of the two", fix="see `radprompt predict --help`")
    predictor = StudyPredictor(model)
    options: dict[str, Any] = {"site": site or None, "seg": seg, "sr": sr}
    if table is not None:
        done, excluded = predict_table(predictor, table, out, **options)
        typer.echo(f"{done} predicted: {out / PREDICTIONS}; {excluded} excluded: {out / EXCLUDED}")
    elif image is not None:
        if mask is None:
            raise InputError("features are measured inside a mask", where="--mask", fix="name its file: --mask FILE")
        size = "" if math.isnan(spacing) else repr(spacing)
        case = Case(1, name or id_of(image), image, mask, mask_label=mask_label, spacing=size)
        said = predictor.predict(case, out, **options)
        low, high = said["named_model"]["interval_90"]
        more = ", .seg.dcm" * (seg or sr) + ", .sr.dcm" * sr
        typer.echo(
            f"probability of {said['model']['classes'][1]!r} {said['probability']:.3f} ({low:.3f} to {high:.3f}): "
            f"{out / case.case}.html, .json{more}"
        )
    typer.echo("Not for clinical use")


def table_command(features: "pd.DataFrame", file: Path, positive: str | None, options: Sequence[str] = ()) -> list[str]:
    """Return the words of `radprompt table` for a features file; none where there are no labels of two classes."""
    if "label" not in features or features.loc[features["label"] != "", "label"].nunique() != 2:
        return []
    command = ["radprompt", "table", str(file), "--label", "label", "--id", "case"]
    for column, option in (("patient", "--group"), ("site", "--site")):
        if column in features:
            several = len(set(features[column])) > 1
            command += [option, column] if several else ["--ignore", column]
    for pattern in DOUBTED:
        if any(fnmatch(str(name), pattern) for name in features):
            command += ["--keep", pattern]
    command += ["--positive", positive] if positive else []
    return [*command, *options, "--out", str(file.with_name("table"))]


def _robust(robustness: "Robustness", min_icc: float, out: Path) -> str:
    from radprompt.images.robustness import ROBUSTNESS, STABLE

    again = f"; {len(robustness.excluded)} cases could not be measured again" if robustness.excluded else ""
    number = int(robustness.table["stable"].sum())
    stable = f"{number} of {len(robustness.table)} features are stable (lower limit of the ICC {min_icc:g} or more)"
    return f"{stable}: {out / STABLE}, {out / ROBUSTNESS}{again}"


def _summary(study: "Study", out: Path) -> list[str]:
    from radprompt.images.study import EXCLUSIONS, FEATURES, QUALITY, SHEETS

    about = [name for name in ("case", "patient", "site", "label") if name in study.features]
    measured, columns = len(study.features), study.features.shape[1] - len(about)
    lines = list(study.notes)
    lines += [f"{one.case or f'row {one.row}'} is left out: {one.reason}" for one in study.excluded[:20]]
    if len(study.excluded) > 20:
        lines.append(f"and {len(study.excluded) - 20} more")
    earlier = f" ({study.taken_over} of them earlier)" if study.taken_over else ""
    lines.append(f"{measured} cases measured{earlier}, {columns} features each: {out / FEATURES}")
    if study.excluded:
        lines.append(f"{len(study.excluded)} left out: {out / EXCLUSIONS}")
    return [*lines, f"Look through {out / SHEETS}/ and {out / QUALITY} before using them"]
