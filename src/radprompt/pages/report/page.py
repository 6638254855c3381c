"""Puts the sections together and renders the two pages: results, and what an auditor asks for."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from radprompt.core.params import Params
from radprompt.evaluation.paper import is_synthetic
from radprompt.mammograms.wording import IMAGES, OTHER_STUDY, SEGMENTER, SUBJECT
from radprompt.pages.environment import environment
from radprompt.pages.report.ablations import ablations
from radprompt.pages.report.checklists import CHECKLISTS, answer, load_checklist
from radprompt.pages.report.cohort_table import cohort_table
from radprompt.pages.report.cohorts import cohorts
from radprompt.pages.report.drift import drift
from radprompt.pages.report.examples import examples
from radprompt.pages.report.explanations import explanations
from radprompt.pages.report.facts import facts
from radprompt.pages.report.features import features_by_half, selected_features
from radprompt.pages.report.figures import drawing, evaluation_figures, segmenter_training, training
from radprompt.pages.report.forest import forest
from radprompt.pages.report.learning_curve import learning_curve, named_curve
from radprompt.pages.report.limits import limits
from radprompt.pages.report.named import named_model
from radprompt.pages.report.paper import paper_blocks
from radprompt.pages.report.protocols import halves, protocols, scaler_words
from radprompt.pages.report.provenance import code_version, inputs, machine, packages
from radprompt.pages.report.reader import Reader
from radprompt.pages.report.readers import readers
from radprompt.pages.report.results import decision_threshold, read_comparison, setting_results, threshold_words
from radprompt.pages.report.segmentation import segmentation_quality
from radprompt.pages.report.sentences import steps
from radprompt.pages.report.tables import table_1, table_2
from radprompt.pages.report.validation import validation
from radprompt.pages.wording import percent
from radprompt.study.settings import FILE, Settings, load_settings
from radprompt.tables.model_names import model_name

RESULTS = {
    "verdict": "Verdict",
    "cohort": "Cohort",
    "examples": "Examples",
    "results": "Results",
    "named": "Named model",
    "curve": "Learning curves",
    "explanations": "Explanations",
    "figures": "Figures",
    "ablations": "Ablations",
    "paper": "Beside the paper",
}
AUDIT = {
    "limits": "Limits",
    "method": "Method",
    "settings": "Settings",
    "cohorts": "Data",
    "validation": "Validation",
    "segmentation": "Segmentation",
    "features": "Features",
    "drift": "Drift",
    "training": "Training",
    "clear": "CLEAR",
    "metrics": "METRICS",
    "provenance": "Provenance",
    "parameters": "Parameters",
}
"""Sections of the two pages, anchor and title, in order."""


class Pages(NamedTuple):
    """HTML of the two pages; each is one file that may be passed on alone."""

    results: str
    audit: str


def build(root: str | Path, params: Params) -> Pages:
    """Return both pages.

    Parameters
    ----------
    root
        The repository, whose ``settings.yaml`` says what to show. What a stage has not made yet is said to be missing.
    params
        Its ``params.yaml``.

    Returns
    -------
    Pages
        HTML that loads nothing and links to no other file: styles, images and drawings are inside. The same artefacts
        and packages on the same kind of machine give the same text; no date, commit or path of the machine is in it.

    Raises
    ------
    InputError
        An artefact is there but broken, or ``settings.yaml`` is absent or broken.
    """
    reader, settings = Reader(root), load_settings(Path(root, FILE))
    reader.content(FILE)  # for its digest
    return render(collect(reader, settings, params))


def collect(reader: Reader, settings: Settings, params: Params) -> dict[str, Any]:
    """Gather what every section shows; see :func:`build`."""
    synthetic = is_synthetic(params)
    reference, confidence = params.evaluation.reference, params.evaluation.confidence
    comparison = read_comparison(reader)
    evaluated = [] if comparison is None else _in_order(comparison["setting"].unique(), settings)
    results = [
        setting_results(comparison, name, settings, reference, confidence)
        for name in evaluated
        if comparison is not None
    ]
    tables = [] if comparison is None else [t(comparison, settings, reference) for t in (table_1, table_2)]
    first = settings.first
    selected = {
        name: selected_features(reader, name, settings)
        for name, setting in settings.items()
        if not setting.repeated and setting.selection == name
    }
    by_half = _by_half(reader, settings)
    left_out = params.llm.tuning == "none"
    explained, ablated = None if left_out else explanations(reader), ablations(reader, settings, params)
    masks = _masks(reader, settings)
    versions = packages()
    chosen = (selected.get(first.selection), by_half)
    known = facts(settings, params, dict(versions), results, comparison, *chosen, explained, ablated["seeds"], masks)
    threshold = decision_threshold(comparison, first.name, params.evaluation)
    return {
        "synthetic": synthetic,
        "root": params.data.root,
        "reference": model_name(reference),
        "confidence": percent(confidence),
        "draws": params.evaluation.bootstrap_draws,
        "threshold": threshold_words(params.evaluation),
        "context": params.segmentation.context,
        "names": {name: settings.title(name) for name in {*settings, *evaluated}},
        "first": settings.data_set(first.test.dataset),
        "images": IMAGES,
        "subject": SUBJECT,
        "segmenter": settings.data_set(SEGMENTER),
        "segmenter_classified": SEGMENTER in settings.measured,
        "other_study": "" if any(setting.paper for setting in settings.values()) else OTHER_STUDY,
        "forest": forest(reader, settings),
        "steps": [] if comparison is None else steps(comparison, settings, confidence),
        "results": results,
        "tables": [table for table in tables if table],
        "protocols": protocols(settings),
        "halved": {settings.data_set(name): halves(reader, name, settings, params) for name in settings.halved},
        "scaler": scaler_words(settings, params),
        "unchanged": [setting.title for setting in settings.values() if not setting.trains],
        "cohorts": cohorts(reader, settings),
        "cohort_table": cohort_table(reader, settings),
        "validation": validation(reader),
        "examples": examples(reader, params, settings, threshold, synthetic=synthetic),
        "segmentation": segmentation_quality(reader, settings),
        "readers": readers(reader, settings),
        "segmenter_curve": segmenter_training(reader),
        "features": selected,
        "by_half": by_half,
        "compared": settings.drift is not None,
        "drift": drift(reader, settings, params.validation.drift),
        "left_out": left_out,
        "training": {name: training(reader, own, params.seed) for name, own in settings.items() if own.trains},
        "curve_defined": settings.curve is not None,
        "named": named_model(reader, settings, params),
        "learning_curve": None if left_out else learning_curve(reader, settings),
        "named_curve": named_curve(reader, settings),
        "ablations": ablated,
        "explanations": explained,
        "figures": {name: evaluation_figures(reader, name) for name in evaluated or settings},
        "paper": paper_blocks(reader, settings),
        "pipeline": drawing(reader, "docs/pipeline.svg"),
        "limits": limits(settings, params, results, masks, comparison, synthetic=synthetic),
        "checklists": {
            name: {"anchor": name}
            | answer(
                load_checklist(name),
                known,
                reader,
                synthetic=synthetic,
                here=AUDIT,
                elsewhere=RESULTS,
                names={"data_set": list(settings.data_sets), "measured": settings.measured},
            )
            for name in CHECKLISTS
        },
        "params_text": reader.text("params.yaml") or "",
        "version": code_version(reader),
        "packages": versions,
        "machine": machine(),
        # Last: by now everything has been read.
        "inputs": inputs(reader),
    }


def render(content: dict[str, Any]) -> Pages:
    """Fill the templates."""
    templates = environment("radprompt.pages.report")
    results = templates.get_template("index.html").render(content, sections=RESULTS)
    return Pages(results, templates.get_template("audit.html").render(content, sections=AUDIT))


def _masks(reader: Reader, settings: Settings) -> dict[str, pd.DataFrame]:
    tables = {name: reader.table(f"data/masks/{name}.csv", ("lesion_id", "source")) for name in settings.data_sets}
    return {name: table for name, table in tables.items() if table is not None}


def _by_half(reader: Reader, settings: Settings) -> dict[str, dict[str, Any] | None]:
    """Describe the settings that select in each half, but not one whose selections equal an earlier one's."""
    own = [name for name, setting in settings.items() if setting.repeated and setting.selection == name]
    found: dict[str, dict[str, Any] | None] = {}
    for name in own:
        described = features_by_half(reader, name, settings)
        if described is None or not found.keys() & set(described["twins"]):
            found[name] = described
    return found


def _in_order(evaluated: Iterable[str], settings: Settings) -> list[str]:
    """Sort settings as the protocols are listed; unknown ones follow by name."""
    known = list(settings)
    return sorted(evaluated, key=lambda name: (known.index(name) if name in known else len(known), name))
