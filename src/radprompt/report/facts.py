"""What the checklists' answers quote: each fact as text, from params and artefacts, or that it is not there."""

from typing import Any

import pandas as pd

from radprompt.params import Params
from radprompt.radiomics.names import CATALOGUE
from radprompt.report.results import threshold_words
from radprompt.report.wording import count, interval, listing, number, percent

ABSENT = "not in this run"


def facts(
    params: Params,
    versions: dict[str, str],
    results: list[dict[str, Any]],
    comparison: pd.DataFrame | None,
    features: dict[str, Any] | None,
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
        From :func:`radprompt.report.results.setting_results`; the first is the internal test.
    comparison
        ``metrics/comparison.csv`` or None.
    features
        The first setting's, from :func:`radprompt.report.features.selected_features`.
    masks
        Mask tables by data set.
    """
    first = results[0] if results else None
    setting = first["setting"] if first else ""
    external = [result for result in results[1:] if "inbreast" in result["setting"]]
    sources = pd.concat([table["source"] for table in masks.values()]) if masks else pd.Series(dtype=str)
    fitted_on = features["fitted_on"] if features else 0
    resample = params.radiomics.resample_mm
    return {
        "root": params.data.root,
        "seed": str(params.seed),
        "validation": percent(params.data.validation_fraction),
        "inbreast_masks": params.radiomics.masks.inbreast,
        "bin_count": str(params.radiomics.bin_count),
        "resampling": f"To {resample:g} mm in the plane, by cubic B-splines."
        if resample
        else "None: features are measured at the acquired pixel size.",
        "catalogue": str(len(CATALOGUE)),
        "selected": str(len(features["rows"])) if features else str(params.features.count),
        "scheme": features["scheme"] if features else params.features.mrmr.scheme,
        "fitted_on": str(fitted_on) if fitted_on else ABSENT,
        "per_feature": f"{fitted_on / len(features['rows']):.0f}" if features and features["rows"] else ABSENT,
        "stability": "in the table" if features and features["stability"] else "not measured in this run",
        "backbone": "SmolLM2-135M" if params.llm.backbone.source == "smollm2" else params.llm.backbone.source,
        "rivals": str(len(first["rows"]) - 1) if first else str(len(params.baselines.models)),
        "threshold": threshold_words(params.evaluation),
        "draws": f"{params.evaluation.bootstrap_draws:,}",
        "confidence": percent(params.evaluation.confidence),
        "test_lesions": str(first["lesions"]) if first else ABSENT,
        "test_patients": str(first["patients"]) if first else ABSENT,
        "auc": _auc(comparison, setting, params.evaluation.reference),
        "auc_size": _auc(comparison, setting, "size_alone"),
        "testing": _testing(first, external),
        "external": _external(external),
        "external_status": "yes" if external else "no",
        "reviewed": str(int((sources == "review").sum())) if masks else ABSENT,
        "fallbacks": str(int((sources == "ellipse").sum())) if masks else ABSENT,
        "pyradiomics": versions.get("pyradiomics", ""),
        "nnunetv2": versions.get("nnunetv2", ""),
    }


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


def _testing(first: dict[str, Any] | None, external: list[dict[str, Any]]) -> str:
    if first is None:
        return "Not in this run."
    internal = (
        f"Internal: {count(first['lesions'], 'mass', 'masses')} of {count(first['patients'], 'patient')} "
        "held out from everything before."
    )
    return f"{internal} {_external(external)}"


def _external(external: list[dict[str, Any]]) -> str:
    if not external:
        return "No external test in this run."
    return f"External: {listing(result['setting'] for result in external)}, on INbreast."
