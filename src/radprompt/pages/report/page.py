"""Puts the sections together and renders the page."""

from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from radprompt.core.params import Params
from radprompt.evaluation.paper import is_synthetic
from radprompt.pages.report.ablations import ablations
from radprompt.pages.report.checklists import CHECKLISTS, answer, load_checklist
from radprompt.pages.report.cohorts import cohorts
from radprompt.pages.report.drift import drift
from radprompt.pages.report.examples import examples
from radprompt.pages.report.explanations import explanations
from radprompt.pages.report.facts import facts
from radprompt.pages.report.features import features_by_half, selected_features
from radprompt.pages.report.figures import drawing, evaluation_figures, segmenter_training, training
from radprompt.pages.report.learning_curve import learning_curve
from radprompt.pages.report.limits import limits
from radprompt.pages.report.paper import paper_blocks
from radprompt.pages.report.protocols import halves, protocols, scaler_words
from radprompt.pages.report.provenance import code_version, inputs, machine, packages
from radprompt.pages.report.reader import Reader
from radprompt.pages.report.results import decision_threshold, read_comparison, setting_results, threshold_words
from radprompt.pages.report.segmentation import segmentation_quality
from radprompt.pages.report.sentences import overview, steps
from radprompt.pages.report.tables import table_1, table_2
from radprompt.pages.report.validation import validation
from radprompt.pages.wording import DATASETS, model_name, percent, setting_name
from radprompt.study.settings import SETTINGS

PREFIX = "../"
"""From the page, in ``reports/``, to the repository's root."""

FIRST_SITE = "vindr"
"""Setting of the internal test, whose lesions are the examples and whose features others are compared with."""


def build(root: str | Path, params: Params) -> str:
    """Return the page.

    Parameters
    ----------
    root
        The repository. What a stage has not made yet is said to be missing.
    params
        Its ``params.yaml``.

    Returns
    -------
    str
        HTML that loads nothing: styles, images and drawings are inside. The same artefacts and packages on the same
        kind of machine give the same text; no date, commit or path of the machine is in it.

    Raises
    ------
    InputError
        An artefact is there but broken.
    """
    return render(collect(Reader(root), params))


def collect(reader: Reader, params: Params) -> dict[str, Any]:
    """Gather what every section shows; see :func:`build`."""
    synthetic = is_synthetic(params)
    reference, confidence = params.evaluation.reference, params.evaluation.confidence
    comparison = read_comparison(reader)
    evaluated = [] if comparison is None else _in_order(comparison["setting"].unique())
    results = [setting_results(comparison, name, reference, confidence) for name in evaluated if comparison is not None]
    tables = [] if comparison is None else [t(comparison, reference) for t in (table_1, table_2)]
    selected = {name: selected_features(reader, name) for name, setting in SETTINGS.items() if not setting.repeated}
    by_half = _by_half(reader)
    explained, ablated = explanations(reader), ablations(reader, params)
    masks = _masks(reader)
    versions = packages()
    sites = (selected[FIRST_SITE], next(iter(by_half.values()), None))
    known = facts(params, dict(versions), results, comparison, *sites, explained, ablated["seeds"], masks)
    threshold = decision_threshold(comparison, FIRST_SITE, params.evaluation)
    return {
        "synthetic": synthetic,
        "root": params.data.root,
        "reference": model_name(reference),
        "confidence": percent(confidence),
        "draws": params.evaluation.bootstrap_draws,
        "threshold": threshold_words(params.evaluation),
        "context": params.segmentation.context,
        "names": {name: setting_name(name) for name in {*SETTINGS, *evaluated}},
        "overview": [] if comparison is None else overview(comparison, evaluated, reference),
        "steps": [] if comparison is None else steps(comparison, confidence),
        "results": results,
        "tables": [table for table in tables if table],
        "protocols": protocols(),
        "halves": halves(reader, params),
        "scaler": scaler_words(params),
        "cohorts": cohorts(reader),
        "validation": validation(reader),
        "examples": examples(reader, params, SETTINGS[FIRST_SITE], threshold, synthetic=synthetic),
        "segmentation": segmentation_quality(reader),
        "segmenter_curve": segmenter_training(reader),
        "features": selected,
        "by_half": by_half,
        "drift": drift(reader, params.validation.drift),
        "training": {name: training(reader, name, params.seed) for name, own in SETTINGS.items() if own.trains},
        "learning_curve": learning_curve(reader),
        "ablations": ablated,
        "explanations": explained,
        "figures": {name: evaluation_figures(reader, name) for name in evaluated or SETTINGS},
        "paper": paper_blocks(reader),
        "pipeline": drawing(reader, "docs/pipeline.svg"),
        "limits": limits(params, results, masks, comparison, synthetic=synthetic),
        "checklists": [
            {"anchor": name} | answer(load_checklist(name), known, reader, synthetic=synthetic, prefix=PREFIX)
            for name in CHECKLISTS
        ],
        "params_text": reader.text("params.yaml") or "",
        "version": code_version(reader),
        "packages": versions,
        "machine": machine(),
        "prefix": PREFIX,
        # Last: by now everything has been read.
        "inputs": inputs(reader),
    }


def render(content: dict[str, Any]) -> str:
    """Fill the templates; a name that a template uses and nobody gave is an error, not an empty place."""
    folder = str(files("radprompt.pages.report").joinpath("templates"))
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("index.html").render(content)


def _masks(reader: Reader) -> dict[str, pd.DataFrame]:
    tables = {name: reader.table(f"data/masks/{name}.csv", ("lesion_id", "source")) for name in DATASETS}
    return {name: table for name, table in tables.items() if table is not None}


def _by_half(reader: Reader) -> dict[str, dict[str, Any] | None]:
    """Describe the settings that select in each half; one whose halves select what an earlier one's do is left out."""
    own = [name for name, setting in SETTINGS.items() if setting.repeated and setting.selection == name]
    found: dict[str, dict[str, Any] | None] = {}
    for name in own:
        described = features_by_half(reader, name, FIRST_SITE)
        if described is None or not found.keys() & set(described["twins"]):
            found[name] = described
    return found


def _in_order(settings: Iterable[str]) -> list[str]:
    """Sort settings as the protocols are listed; unknown ones follow by name."""
    known = list(SETTINGS)
    return sorted(settings, key=lambda name: (known.index(name) if name in known else len(known), name))
