"""What the results cannot say, as far as artefacts and params tell."""

from typing import Any

import pandas as pd

from radprompt.core.params import Params
from radprompt.pages.report.sentences import FEW
from radprompt.pages.wording import DATASETS, count, listing, number
from radprompt.study.settings import HALVED, SETTINGS

PAPER_BACKBONE, PAPER_EPOCHS = "LLaMA2-7B", 500


def limits(
    params: Params,
    results: list[dict[str, Any]],
    masks: dict[str, pd.DataFrame],
    comparison: pd.DataFrame | None,
    *,
    synthetic: bool,
) -> list[str]:
    """Return one sentence or two a limit, the gravest first.

    Parameters
    ----------
    params
        All of ``params.yaml``.
    results
        From :func:`radprompt.pages.report.results.setting_results`.
    masks
        Mask tables (lesion_id, source) by data set.
    comparison
        ``metrics/comparison.csv``, for the number of seeds.
    synthetic
        Whether the images were drawn by the phantom.
    """
    said = []
    if synthetic:
        said.append(
            "The images are synthetic. Nothing here says how well any model tells benign from malignant in patients, "
            "nor which model would do better there. One phantom drew both sites: their difference is one of detectors."
        )
    said.append(_labels(synthetic))
    said += _sizes(results)
    if results:
        said.append(
            "Intervals and bootstrap p-values hold the choice of test patients only: not that of the patients to train "
            "on, nor training again."
        )
    said += _repeats(params, results)
    if not any(result["setting"].startswith(HALVED) for result in results):
        said.append("No external test in this run: training and test lesions come from one data set.")
    missing = sorted(set(SETTINGS) - {result["setting"] for result in results})
    if missing:
        said.append(f"Not evaluated in this run: {listing(missing)}.")
    said.append(_training(params))
    if comparison is not None and "seeds" in comparison and comparison["seeds"].max() <= 1:
        said.append("Every model was trained from one seed in each half: the spread from another seed is not known.")
    predicted = {name: table for name, table in masks.items() if name in ("vindr_mammo", "inbreast")}
    if predicted and not any((table["source"] == "review").any() for table in predicted.values()):
        names = listing(DATASETS[name] for name in sorted(predicted))
        said.append(
            f"No reader corrected a contour of {names}: the paper's radiologists did. "
            "The command radprompt review writes the sheets for it."
        )
    said.append(
        "Shares of features explain what one trained model does with a sentence, not what makes a mass malignant; "
        "features that go together share what they say between them."
    )
    said.append(
        "Views and breasts of one patient are separate rows. Splits and intervals go by patient, but no model combines "
        "the views, and age, density and clinical findings are not used."
    )
    said.append("Research software, not a medical device; not for decisions about patients.")
    return said


def _sizes(results: list[dict[str, Any]]) -> list[str]:
    """Say what one mass weighs, once for settings that test the same masses."""
    by_size: dict[tuple[int, int], list[str]] = {}
    for result in results:
        by_size.setdefault((result["lesions"], result["patients"]), []).append(result["name"])
    return [
        f"{'; '.join(names)}: {count(lesions, 'test mass', 'test masses')} of {count(patients, 'patient')}"
        f"{' in the first half' if any(n.startswith(DATASETS[HALVED]) for n in names) else ''}. One mass more called "
        f"right moves the accuracy by {number(1 / lesions)}; differences smaller than the intervals are noise."
        for (lesions, patients), names in by_size.items()
    ]


def _repeats(params: Params, results: list[dict[str, Any]]) -> list[str]:
    repeats = params.adaptation.repeats
    if not any(result["repeats"] > 1 for result in results):
        return []
    said = [
        f"The {repeats.baselines} halves are drawn from the same patients, so they overlap: their standard deviation "
        "is smaller than that of new patients would be, and their mean is no average over sites. Validation rows of a "
        "half are few: epochs and thresholds chosen on them are chosen by chance to a good part."
    ]
    if 1 < repeats.llm <= FEW:
        said.append(
            f"The language model ran on {repeats.llm} halves. The test over halves (Nadeau and Bengio) then has "
            f"{count(repeats.llm - 1, 'degree')} of freedom and little power: that p is large says next to nothing."
        )
    return said


def _labels(synthetic: bool) -> str:
    if synthetic:
        return (
            "Labels follow BI-RADS (3 benign, 4 to 6 malignant), which the phantom reads with noise from each mass's "
            "hidden malignancy: no model can be perfect, and the best possible AUC is not 1."
        )
    return (
        "Labels of VinDr-Mammo and INbreast are readers' BI-RADS categories (3 benign, 4 to 6 malignant), not "
        "histology: a model can only learn to agree with the readers."
    )


def _training(params: Params) -> str:
    llm = params.llm
    layers = "the head only" if llm.tuning == "head" else f"LoRA on {_layers(llm.lora.layers)}"
    model = "SmolLM2-135M" if llm.backbone.source == "smollm2" else llm.backbone.source
    return (
        f"The language model is {model}, {layers}, {count(llm.epochs, 'epoch')}; the paper has "
        f"{PAPER_BACKBONE}, all layers, {PAPER_EPOCHS} epochs."
    )


def _layers(layers: str | int) -> str:
    return "all layers" if layers == "all" else f"the last {count(int(layers), 'layer')}"
