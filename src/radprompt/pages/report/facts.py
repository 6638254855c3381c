"""What the checklists' answers quote: each fact as text, from params and artefacts, or that it is not there."""

from typing import Any

import pandas as pd

from radprompt.core.params import Params, reads_closings
from radprompt.evaluation.paper import is_synthetic
from radprompt.mammograms.wording import PATHOLOGY, PROVEN, READINGS, SEGMENTER
from radprompt.pages.report.limits import external_settings
from radprompt.pages.report.protocols import scaler_words
from radprompt.pages.report.results import threshold_words
from radprompt.pages.wording import SELECTIONS, count, interval, listing, number, percent
from radprompt.radiomics_engine.checking import SHARE
from radprompt.study.settings import Settings
from radprompt.tables.feature_names import CATALOGUE

ABSENT = "not in this run"
_READ = "not tuned, its states at each feature's closing token read by a Bayesian model"
_TUNING = {"lora": "tuned by LoRA", "head": "its head tuned alone", "none": "not tuned, but left out of this run"}
ENOUGH = 10
"""Training lesions per selected feature regarded as sufficient."""


def facts(
    settings: Settings,
    params: Params,
    versions: dict[str, str],
    results: list[dict[str, Any]],
    comparison: pd.DataFrame | None,
    features: dict[str, Any] | None,
    by_half: dict[str, dict[str, Any] | None],
    explained: dict[str, Any] | None,
    tuning_seeds: int,
    masks: dict[str, pd.DataFrame],
) -> dict[str, str]:
    """Collect the facts.

    Parameters
    ----------
    settings
        Protocols.
    params
        All of ``params.yaml``.
    versions
        Versions of packages, by name.
    results
        From :func:`radprompt.pages.report.results.setting_results`.
    comparison
        ``metrics/comparison.csv`` or None.
    features
        The first setting's, from :func:`radprompt.pages.report.features.selected_features`.
    by_half
        By setting, from :func:`radprompt.pages.report.features.features_by_half`.
    explained
        From :func:`radprompt.pages.report.explanations.explanations`.
    tuning_seeds
        Number of seeds over which readout and layers were compared on validation rows, 0 where they were not.
    masks
        Mask tables by data set.
    """
    setting = settings.first.name
    first = next((result for result in results if result["setting"] == setting), None)
    elsewhere = external_settings(settings)
    external = [result for result in results if result["setting"] in elsewhere]
    sources = pd.concat([table["source"] for table in masks.values()]) if masks else pd.Series(dtype=str)
    resample = params.radiomics.resample_mm
    reference = params.evaluation.reference
    mrmr = params.features.selection == "mrmr"
    fast = params.radiomics.engine == "fast"
    return {
        "root": params.data.root,
        "seed": str(params.seed),
        "validation": percent(params.data.validation_fraction),
        "first": settings.data_set(settings.first.test.dataset),
        "reselected": _reselected(settings),
        "unit": _unit(settings),
        "parts": _parts(settings, params),
        **_halved(settings, params),
        **_data_sets(settings, params),
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
        "scaler": scaler_words(settings, params),
        **_dimensions(settings, features, by_half),
        "stability": "in the table" if features and features["stability"] else "not measured in this run",
        "backbone": "SmolLM2-135M" if params.llm.backbone.source == "smollm2" else params.llm.backbone.source,
        "tuning": _READ if reads_closings(params.llm) else _TUNING[params.llm.tuning],
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
        "explained": count(explained["lesions"], "test lesion") if explained else ABSENT,
        "tuned": "Where the language model is read, how many layers learn and its learning rate were compared on "
        f"validation rows of {settings.data_set(settings.first.val.dataset)} over {count(tuning_seeds, 'seed')}; "
        "nothing else is tuned."
        if tuning_seeds
        else "None is tuned by search in this run.",
        "testing": _testing(settings, first, external, is_synthetic(params)),
        "external": _external(settings, external, is_synthetic(params)),
        "external_status": "no" if not external else "partly" if is_synthetic(params) else "yes",
        "reviewed": str(int((sources == "review").sum())) if masks else ABSENT,
        "fallbacks": str(int((sources == "ellipse").sum())) if masks else ABSENT,
        "pyradiomics": versions.get("pyradiomics", "")
        + (f" (formulas computed by the engine fast, held to it on {percent(SHARE)} of the lesions)" if fast else ""),
        "nnunetv2": versions.get("nnunetv2", ""),
    }


def _reselected(settings: Settings) -> str:
    own = [name for name, each in settings.items() if each.selection == name and name != settings.first.selection]
    return f"; {listing(own)} select{'s its' if len(own) == 1 else ' their'} own" if own else ""


def _data_sets(settings: Settings, params: Params) -> dict[str, str]:
    """Return which data sets there are, what their labels are, and whose contours features are measured in."""
    titles, measured = [each.title for each in settings.data_sets.values()], settings.measured
    proven = [settings.data_set(name) for name in measured if name in PROVEN]
    read = [settings.data_set(name) for name in measured if name not in PROVEN]
    standard = [words.format(data_sets=listing(own)) for words, own in ((PATHOLOGY, proven), (READINGS, read)) if own]
    whose = vars(params.radiomics.masks)
    contours = [f"those of {settings.data_set(name)} in {whose.get(name, 'predicted')} contours" for name in measured]
    first = settings.first
    return {
        "data_sets": listing(titles),
        "data_sets_counted": count(len(titles), "existing data set"),
        "standard": " ".join(standard),
        "standard_status": "yes" if not read else "partly" if proven else "no",
        "contours": f"Features are measured inside contours: {listing(contours)}.",
        "centres": f"Data sets that train or test the classifier: {listing(map(settings.data_set, measured))}.",
        "centres_status": "partly" if len(measured) > 1 else "no",
        "test_part": "drawn" if first.drawn else "official test part",
    }


def _parts(settings: Settings, params: Params) -> str:
    """Say which official parts the first settings keep, and what the segmenter's data set is for."""
    segmenter = settings.data_set(SEGMENTER)
    kept = dict.fromkeys(own.test.dataset for own in settings.values() if not own.repeated)
    share = percent(params.data.validation_fraction)
    said = [
        f"{settings.data_set(name)} keeps its official test part; {share} of its training patients validate."
        for name in kept
    ]
    said += [
        f"{setting.title}: drawn {setting.draws} times by {setting.drawn.by} from {listing(setting.drawn.splits)}."
        for setting in settings.drawn
        if setting.drawn
    ]
    if SEGMENTER in settings.measured:
        said.append(f"{segmenter} trains and tests the segmenter and the classifier, on the same split.")
    else:
        said.append(f"{segmenter} trains and tests the segmenter only.")
    return " ".join(said)


def _unit(settings: Settings) -> str:
    """Say whether patients, or in which settings lesions, are kept on one side."""
    names = listing(settings.title(name) for name in settings.shared)
    return f"By patient, but in {names}, where lesions are drawn one by one" if names else "By patient"


def _halved(settings: Settings, params: Params) -> dict[str, str]:
    """Return whose patients are halved and how, in a sentence and in a clause; empty and ``once`` where none are."""
    if not settings.halved:
        return {"halved": "", "halved_times": "once"}
    names, repeats = listing(settings.data_set(name) for name in settings.halved), params.adaptation.repeats
    sentence = (
        f"The patients of {names} are halved {repeats.baselines} times (the language model's settings: the first "
        f"{repeats.llm}), stratified by label; {percent(params.adaptation.validation_fraction)} of an adapting half's "
        "patients validate."
    )
    return {"halved": sentence, "halved_times": f"that of {names} {repeats.baselines} times"}


def _dimensions(
    settings: Settings, features: dict[str, Any] | None, by_half: dict[str, dict[str, Any] | None]
) -> dict[str, str]:
    """Return how many training lesions each selected feature has where it was selected, and if they are enough."""
    home = settings.data_set(settings.first.train.dataset)
    selections = [] if features is None else [(home, len(features["rows"]), features["fitted_on"])]
    selections += [
        (
            f"{settings.data_set(settings[name].train.dataset)}, the first half",
            sum(row["rank"] != "" for row in own["rows"]),
            own["fitted_on"],
        )
        for name, own in by_half.items()
        if own is not None
    ]
    enough = [lesions / max(selected, 1) >= ENOUGH for _, selected, lesions in selections]
    said = [
        f"{where}: {count(selected, 'feature')} on {lesions} training lesions, "
        f"{lesions / max(selected, 1):.0f} a feature"
        for where, selected, lesions in selections
    ]
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


def _testing(settings: Settings, first: dict[str, Any] | None, external: list[dict[str, Any]], synthetic: bool) -> str:
    if first is None:
        return "Not in this run."
    internal = (
        f"Internal: {count(first['lesions'], 'lesion')} of {count(first['patients'], 'patient')} "
        "held out from everything before."
    )
    return f"{internal} {_external(settings, external, synthetic)}"


def _external(settings: Settings, external: list[dict[str, Any]], synthetic: bool) -> str:
    if not external:
        return "No external test in this run."
    names = listing(result["setting"] for result in external)
    sites = listing(dict.fromkeys(settings.data_set(settings[each["setting"]].test.dataset) for each in external))
    halves = max(result["repeats"] for result in external)
    several = f", over {halves} halves of its patients" if halves > 1 else ""
    one = " All sites were drawn by one phantom, with different detectors." if synthetic else ""
    return f"External: on {sites}, {names}{several}.{one}"
