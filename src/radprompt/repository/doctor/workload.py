"""How much there is to do: lesions, prompts and models of a run with these parameters."""

from dataclasses import dataclass
from pathlib import Path

from radprompt.core.params import Params
from radprompt.llm.packaged import PACKAGED
from radprompt.repository.doctor.sources import BY_FOLDER
from radprompt.study.settings import Members, Settings
from radprompt.tables.feature_names import FEATURES

PHANTOM = Path("data/phantom/raw")
"""Where the synthetic data sets are drawn."""
HELD_OUT = 0.25
"""Share of the phantom's patients in the official test splits."""
INSTRUCTION_TOKENS = 16
PACKAGED_TOKENS, OTHER_TOKENS = 18, 20
"""Tokens of one feature's sentence: counted with SmolLM2's tokenizer, and assumed for LLaMA 2's smaller vocabulary."""


@dataclass(frozen=True)
class Workload:
    """Lesions that reach each part of the pipeline, and the size of their images.

    Of the release, the numbers are the paper's (VinDr-Mammo: 785 training, 197 validation and 235 test masses;
    INbreast: 111) and the official tables' (CBIS-DDSM); of the phantom, they follow from its parameters.
    """

    cbis_train: int
    cbis_test: int
    vindr_train: int
    vindr_val: int
    vindr_test: int
    inbreast: int
    megapixels: dict[str, float]

    @property
    def lesions(self) -> dict[str, int]:
        """Lesions of each data set."""
        return {
            "cbis_ddsm": self.cbis_train + self.cbis_test,
            "vindr_mammo": self.vindr_train + self.vindr_val + self.vindr_test,
            "inbreast": self.inbreast,
        }

    def rows(self, members: Members, params: Params) -> int:
        """Return the lesions of a split: of the data set's own, or of one half of its patients."""
        own = {
            ("cbis_ddsm", "train"): self.cbis_train,
            ("cbis_ddsm", "test"): self.cbis_test,
            ("vindr_mammo", "train"): self.vindr_train,
            ("vindr_mammo", "val"): self.vindr_val,
            ("vindr_mammo", "test"): self.vindr_test,
        }
        if members in own:
            return own[members]
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


def workload(params: Params) -> Workload:
    """Return the workload of these parameters."""
    if not is_phantom(params):
        return Workload(1318, 378, 785, 197, 235, 111, {name: source.megapixels for name, source in BY_FOLDER.items()})
    masses = params.phantom.masses
    vindr_test, cbis_test = (round(HELD_OUT * count) for count in (masses.vindr_mammo, masses.cbis_ddsm))
    vindr_val = round((masses.vindr_mammo - vindr_test) * params.data.validation_fraction)
    return Workload(
        masses.cbis_ddsm - cbis_test,
        cbis_test,
        masses.vindr_mammo - vindr_test - vindr_val,
        vindr_val,
        vindr_test,
        masses.inbreast,
        dict.fromkeys(BY_FOLDER, params.phantom.rows * params.phantom.columns / 1e6),
    )


def feature_count(params: Params) -> int:
    """Return how many features a prompt names."""
    return len(FEATURES) if params.features.selection == "all" else params.features.count


def prompt_tokens(params: Params) -> int:
    """Return the tokens of one prompt."""
    a_feature = PACKAGED_TOKENS if params.llm.backbone.source == PACKAGED else OTHER_TOKENS
    return INSTRUCTION_TOKENS + feature_count(params) * a_feature
