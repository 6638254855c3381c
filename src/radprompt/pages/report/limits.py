"""What the results cannot say, as far as artefacts and params tell."""

from typing import Any

import pandas as pd

from radprompt.core.params import Params, reads_closings
from radprompt.mammograms.wording import LABELS_PROVEN, LABELS_REAL, LABELS_SYNTHETIC, PROVEN, ROWS
from radprompt.pages.report.sentences import FEW
from radprompt.pages.wording import count, listing, number
from radprompt.study.settings import Settings
from radprompt.tables.left_out import WORDS

PAPER_BACKBONE, PAPER_EPOCHS = "LLaMA2-7B", 500


def external_settings(settings: Settings) -> list[str]:
    """Return the settings that are tested on another data set than the first one is trained on."""
    home = settings.first.train.dataset
    return [name for name, setting in settings.items() if setting.test.dataset != home]


def limits(
    settings: Settings,
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
    settings
        Protocols.
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
            "nor which model would do better there. One phantom drew all sites: they differ in their detectors."
        )
    said += [
        f"{settings.title(name)}: lesions are drawn one by one, on purpose, so that a patient and both views of a "
        "mass may train and be tested. Its figures are not those of new patients; the leakage gate counts these."
        for name in settings.shared
    ]
    said.append(_labels(settings, synthetic))
    said += _sizes(settings, results)
    if results:
        said.append(
            "Intervals and bootstrap p-values hold the choice of test patients only: not that of the patients to train "
            "on, nor training again."
        )
    said += _repeats(params, results)
    if not {result["setting"] for result in results} & set(external_settings(settings)):
        said.append("No external test in this run: training and test lesions come from one data set.")
    missing = sorted(settings.keys() - {result["setting"] for result in results})
    if missing:
        said.append(f"Not evaluated in this run: {listing(missing)}.")
    said.append(_training(params))
    if comparison is not None and "seeds" in comparison and comparison["seeds"].max() <= 1:
        said.append("Every model was trained from one seed in each half: the spread from another seed is not known.")
    classified = _classified(settings)
    predicted = {name: table for name, table in masks.items() if name in classified}
    if predicted and not any((table["source"] == "review").any() for table in predicted.values()):
        names = listing(settings.data_set(name) for name in sorted(predicted))
        said.append(
            f"No reader corrected a contour of {names}: the paper's radiologists did. "
            "The command radprompt review writes the sheets for it."
        )
    said.append(
        "Shares of features explain what one trained model does with a sentence, not what makes a lesion malignant; "
        "features that go together share what they say between them."
    )
    said.append(ROWS)
    said.append("Research software, not a medical device; not for decisions about patients.")
    return said


def _classified(settings: Settings) -> list[str]:
    """Return the data sets that settings train or test on, in the order of settings."""
    members = (members for setting in settings.values() for members in setting.members.values())
    return list(dict.fromkeys(each.dataset for each in members))


def _sizes(settings: Settings, results: list[dict[str, Any]]) -> list[str]:
    """Say what one lesion weighs, once for settings that test the same lesions."""
    by_size: dict[tuple[int, int], list[dict[str, Any]]] = {}
    for result in results:
        by_size.setdefault((result["lesions"], result["patients"]), []).append(result)
    halved = {name for name, setting in settings.items() if setting.repeated}
    return [
        f"{'; '.join(own['name'] for own in alike)}: {count(lesions, 'test lesion')} of {count(patients, 'patient')}"
        f"{' in the first half' if any(own['setting'] in halved for own in alike) else ''}. One lesion more called "
        f"right moves the accuracy by {number(1 / lesions)}; differences smaller than the intervals are noise."
        for (lesions, patients), alike in by_size.items()
    ]


def _repeats(params: Params, results: list[dict[str, Any]]) -> list[str]:
    repeats = params.adaptation.repeats
    if not any(result["repeats"] > 1 for result in results):
        return []
    said = [
        f"The {repeats.baselines} halves are drawn from the same patients, so they overlap: their standard deviation "
        "is smaller than that of new patients would be, and their mean is not an average over sites. Validation rows "
        "of a half are few: epochs and thresholds chosen on them are largely chosen by chance."
    ]
    if 1 < repeats.llm <= FEW:
        said.append(
            f"The language model ran on {repeats.llm} halves. The test over halves (Nadeau and Bengio) then has "
            f"{count(repeats.llm - 1, 'degree')} of freedom and little power: that p is large says next to nothing."
        )
    return said


def _labels(settings: Settings, synthetic: bool) -> str:
    if synthetic:
        return LABELS_SYNTHETIC
    classified = _classified(settings)
    kinds = (
        (LABELS_PROVEN, [settings.data_set(name) for name in classified if name in PROVEN]),
        (LABELS_REAL, [settings.data_set(name) for name in classified if name not in PROVEN]),
    )
    return " ".join(words.format(data_sets=listing(names)) for words, names in kinds if names)


def _training(params: Params) -> str:
    llm = params.llm
    if llm.tuning == "none":
        return f"{WORDS} Nothing here says what the paper's method would reach on these lesions."
    layers = "the head only" if llm.tuning == "head" else f"LoRA on {_layers(llm.lora.layers)}"
    model = "SmolLM2-135M" if llm.backbone.source == "smollm2" else llm.backbone.source
    tuned = f"{layers}, {count(llm.epochs, 'epoch')}"
    if reads_closings(llm):
        tuned = "its states at closing tokens read as they are, nothing trained"
    return f"The language model is {model}, {tuned}; the paper has {PAPER_BACKBONE}, all layers, {PAPER_EPOCHS} epochs."


def _layers(layers: str | int) -> str:
    return "all layers" if layers == "all" else f"the last {count(int(layers), 'layer')}"
