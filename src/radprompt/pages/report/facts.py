"""What the checklists' answers quote: each fact as text, from params and artefacts, or that it is not there."""

from typing import Any

import pandas as pd

from radprompt.core.params import Params
from radprompt.evaluation.paper import is_synthetic
from radprompt.pages.report.protocols import scaler_words
from radprompt.pages.report.results import threshold_words
from radprompt.pages.wording import SELECTIONS, count, interval, listing, number, percent
from radprompt.study.settings import HALVED
from radprompt.tables.feature_names import CATALOGUE

ABSENT = "not in this run"
ENOUGH = 10
"""Training masses a feature from which on their number is called fit."""


def facts(
    params: Params,
    versions: dict[str, str],
    results: list[dict[str, Any]],
    comparison: pd.DataFrame | None,
    features: dict[str, Any] | None,
    by_half: dict[str, Any] | None,
    explained: dict[str, Any] | None,
    tuning_seeds: int,
    masks: dict[str, pd.DataFrame],
) -> dict[str, str]:
    """Collect the facts.

    Parameters
    ----------
    params
        All of ``params.yaml``.
    versions
        Of packages, by name.
    results
        From :func:`radprompt.pages.report.results.setting_results`; the first is the internal test.
    comparison
        ``metrics/comparison.csv`` or None.
    features
        The first setting's, from :func:`radprompt.pages.report.features.selected_features`.
    by_half
        The second site's, from :func:`radprompt.pages.report.features.features_by_half`.
    explained
        From :func:`radprompt.pages.report.explanations.explanations`.
    tuning_seeds
        Over how many seeds readout and layers were compared on validation rows, 0 where they were not.
    masks
        Mask tables by data set.
    """
    first = results[0] if results else None
    setting = first["setting"] if first else ""
    external = [result for result in results[1:] if result["setting"].startswith(HALVED)]
    sources = pd.concat([table["source"] for table in masks.values()]) if masks else pd.Series(dtype=str)
    resample = params.radiomics.resample_mm
    reference = params.evaluation.reference
    mrmr = params.features.selection == "mrmr"
    return {
        "root": params.data.root,
        "seed": str(params.seed),
        "validation": percent(params.data.validation_fraction),
        "half_validation": percent(params.adaptation.validation_fraction),
        "halves": f"{params.adaptation.repeats.baselines} times (the language model's settings: the first "
        f"{params.adaptation.repeats.llm})",
        "inbreast_masks": params.radiomics.masks.inbreast,
        "bin_count": str(params.radiomics.bin_count),
        "resampling": f"To {resample:g} mm in the plane, by cubic B-splines."
        if resample
        else f"To {params.radiomics.downsample} times the acquired pixel size, by cubic B-splines."
        if params.radiomics.downsample > 1
        else "None: features are measured at the acquired pixel size.",
        "catalogue": str(len(CATALOGUE)),
        "selected": str(len(features["rows"])) if features else str(params.features.count),
        "method": features["method"] if features else SELECTIONS[params.features.selection],
        "redundancy": "mRMR weighs relevance against redundancy."
        if mrmr
        else f"Not in this run: it uses {SELECTIONS[params.features.selection]}.",
        "redundancy_status": "yes" if mrmr else "no",
        "scaler": scaler_words(params),
        **_dimensions(features, by_half),
        "stability": "in the table" if features and features["stability"] else "not measured in this run",
        "backbone": "SmolLM2-135M" if params.llm.backbone.source == "smollm2" else params.llm.backbone.source,
        "tuning": "tuned by LoRA" if params.llm.tuning == "lora" else "its head tuned alone",
        "rivals": str(len(first["rows"]) - 1)
        if first
        else str(len(params.baselines.models) + len(params.baselines.on_embeddings)),
        "threshold": threshold_words(params.evaluation),
        "draws": f"{params.evaluation.bootstrap_draws:,}",
        "confidence": percent(params.evaluation.confidence),
        "test_lesions": str(first["lesions"]) if first else ABSENT,
        "test_patients": str(first["patients"]) if first else ABSENT,
        "auc": _auc(comparison, setting, reference),
        "aucs": "; ".join(f"{result['name']} {_auc(comparison, result['setting'], reference)}" for result in results)
        or ABSENT,
        "auc_size": _auc(comparison, setting, "size_alone"),
        "explained": count(explained["lesions"], "test mass", "test masses") if explained else ABSENT,
        "tuned": "Where the language model is read, how many layers learn and its learning rate were compared on "
        f"VinDr's validation rows over {count(tuning_seeds, 'seed')}; nothing else is tuned."
        if tuning_seeds
        else "None is tuned by search in this run.",
        "testing": _testing(first, external, is_synthetic(params)),
        "external": _external(external, is_synthetic(params)),
        "external_status": "no" if not external else "partly" if is_synthetic(params) else "yes",
        "reviewed": str(int((sources == "review").sum())) if masks else ABSENT,
        "fallbacks": str(int((sources == "ellipse").sum())) if masks else ABSENT,
        "pyradiomics": versions.get("pyradiomics", ""),
        "nnunetv2": versions.get("nnunetv2", ""),
    }


def _dimensions(features: dict[str, Any] | None, by_half: dict[str, Any] | None) -> dict[str, str]:
    """Return how many training masses each selected feature has, at both sites, and whether that is enough."""
    said, enough = [], []
    for where, found in (("VinDr", features), ("INbreast, the first half", by_half)):
        if found is None:
            continue
        selected = len(found["rows"]) if found is features else sum(row["rank"] != "" for row in found["rows"])
        each = found["fitted_on"] / max(selected, 1)
        enough.append(each >= ENOUGH)
        said.append(f"{where}: {selected} features on {found['fitted_on']} training masses, {each:.0f} a feature")
    status = "yes" if said and all(enough) else "partly" if any(enough) else "no"
    return {"dimensions": "; ".join(said) or ABSENT, "dimensions_status": status}


def _auc(comparison: pd.DataFrame | None, setting: str, model: str) -> str:
    if comparison is None:
        return ABSENT
    own = comparison[
        (comparison["setting"] == setting) & (comparison["model"] == model) & (comparison["metric"] == "auc")
    ]
    if own.empty:
        return ABSENT
    row = own.iloc[0]
    return f"{number(row['value'])} ({interval(row['low'], row['high']) or 'no interval'})"


def _testing(first: dict[str, Any] | None, external: list[dict[str, Any]], synthetic: bool) -> str:
    if first is None:
        return "Not in this run."
    internal = (
        f"Internal: {count(first['lesions'], 'mass', 'masses')} of {count(first['patients'], 'patient')} "
        "held out from everything before."
    )
    return f"{internal} {_external(external, synthetic)}"


def _external(external: list[dict[str, Any]], synthetic: bool) -> str:
    if not external:
        return "No external test in this run."
    names = listing(result["setting"] for result in external)
    halves = max(result["repeats"] for result in external)
    several = f", over {halves} halves of its patients" if halves > 1 else ""
    one = " Both sites were drawn by one phantom, with different detectors." if synthetic else ""
    return f"External: on INbreast, {names}{several}.{one}"
