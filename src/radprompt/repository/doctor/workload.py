"""How much there is to do: lesions, prompts and models of a run with these parameters."""

from dataclasses import dataclass
from pathlib import Path

from radprompt.core.params import Params
from radprompt.llm.packaged import PACKAGED
from radprompt.mammograms.datasets import cbis_ddsm, inbreast, vindr_mammo
from radprompt.mammograms.datasets.splits import splits_of
from radprompt.mammograms.wording import SEGMENTER
from radprompt.repository.doctor.sources import BY_FOLDER
from radprompt.study.settings import Members, Settings
from radprompt.tables.feature_names import FEATURES

PHANTOM = Path("data/phantom/raw")
"""Where the synthetic data sets are drawn."""
HELD_OUT = 0.25
"""Share of the phantom's patients in the official test splits."""
RELEASED = {
    cbis_ddsm.DATASET: {"train": 1318, "test": 378},
    vindr_mammo.DATASET: {
        "train": vindr_mammo.RELEASED["training masses"],
        "test": vindr_mammo.RELEASED["test masses"],
    },
    inbreast.DATASET: {"all": 111},
}
"""Masses of the releases by official split, before exclusions that only the images tell."""
INSTRUCTION_TOKENS = 16
PACKAGED_TOKENS, OTHER_TOKENS = 18, 20
"""Tokens of one feature's sentence: counted with SmolLM2's tokenizer, and assumed for LLaMA 2's smaller vocabulary."""


@dataclass(frozen=True)
class Workload:
    """Lesions that reach each part of the pipeline, and the size of their images.

    Of the release, the numbers are the official tables' (CBIS-DDSM; VinDr-Mammo: 989 training and 237 test masses of
    BI-RADS 3 to 5) and the paper's (INbreast: 111); of the phantom, they follow from its parameters.

    Parameters
    ----------
    counts
        Lesions by data set and split, of the data sets that are read; INbreast's, which are halved, under ``all``.
    megapixels
        Of an image, by data set.
    """

    counts: dict[tuple[str, str], int]
    megapixels: dict[str, float]

    @property
    def lesions(self) -> dict[str, int]:
        """Lesions of each data set."""
        found: dict[str, int] = {}
        for (dataset, _), count in self.counts.items():
            found[dataset] = found.get(dataset, 0) + count
        return found

    @property
    def drawn(self) -> dict[str, int]:
        """Lesions of each data set that the segmenter draws: not those that it learned from."""
        return self.lesions | {SEGMENTER: self.counts.get((SEGMENTER, "test"), 0)}

    @property
    def segmenter_rows(self) -> int:
        """Lesions that the segmenter learns from."""
        return sum(self.counts.get((SEGMENTER, split), 0) for split in ("train", "val"))

    def rows(self, members: Members, params: Params) -> int:
        """Return the lesions of a split: of the data set's own, or of one half of its patients."""
        if members in self.counts:
            return self.counts[members]
        adapting = round(self.lesions[members.dataset] * params.data.adaptation_fraction)
        val = round(adapting * params.adaptation.validation_fraction)
        return {"train": adapting - val, "val": val}.get(members.split, self.lesions[members.dataset] - adapting)

    def fitted_rows(self, params: Params, settings: Settings, repeats: int) -> int:
        """Return the training rows of all settings that train a model, in so many repeats."""
        trained = [own for own in settings.values() if own.trains]
        return sum(len(own.repeats(repeats)) * self.rows(own.train, params) for own in trained)


def is_phantom(params: Params) -> bool:
    """Return whether the data sets are the synthetic ones."""
    return Path(params.data.root) == PHANTOM


def workload(params: Params, settings: Settings) -> Workload:
    """Return the workload of these parameters and settings."""
    phantom = is_phantom(params)
    pixels = params.phantom.rows * params.phantom.columns / 1e6
    counts: dict[tuple[str, str], int] = {}
    for dataset in settings.data_sets:
        parts = _drawn(getattr(params.phantom.masses, dataset), dataset) if phantom else RELEASED[dataset]
        if "val" in splits_of(dataset, classified=dataset in settings.measured):
            val = round(parts["train"] * params.data.validation_fraction)
            parts = {"train": parts["train"] - val, "val": val, "test": parts["test"]}
        counts |= {(dataset, split): count for split, count in parts.items()}
    return Workload(counts, {name: pixels if phantom else BY_FOLDER[name].megapixels for name in settings.data_sets})


def _drawn(masses: int, dataset: str) -> dict[str, int]:
    if dataset == inbreast.DATASET:
        return {"all": masses}
    test = round(HELD_OUT * masses)
    return {"train": masses - test, "test": test}


def feature_count(params: Params) -> int:
    """Return how many features a prompt names."""
    return len(FEATURES) if params.features.selection == "all" else params.features.count


def prompt_tokens(params: Params) -> int:
    """Return the tokens of one prompt."""
    a_feature = PACKAGED_TOKENS if params.llm.backbone.source == PACKAGED else OTHER_TOKENS
    return INSTRUCTION_TOKENS + feature_count(params) * a_feature
