"""What the stages' times grow with, and how much of it a run with these parameters has.

Only ratios of amounts are used, between this run and the one that was measured. Half of a stage's time is often the
start of its process, which the ratio scales too: small stages come out too slow on larger data.
"""

from typing import NamedTuple

from radprompt.core.params import Params
from radprompt.repository.doctor.memory import trained_layers
from radprompt.repository.doctor.shape import Shape
from radprompt.repository.doctor.workload import Workload, prompt_tokens
from radprompt.study.settings import Setting, Settings
from radprompt.tables.feature_names import FEATURES

TRAINING = 4
"""Times that a token takes longer in a layer that is trained than in one that is only read; measured on a CPU."""
PLAN_OPERATIONS = {"small": 1.0, "default": 6.5}
"""Operations a pixel of nnU-Net's plans, relative to the small one; counted by torch's FlopCounterMode."""
BATCH = {"small": 4, "default": 12}
"""Regions in a batch: of the small plan, and of nnU-Net's own at 512 px."""


class Amount(NamedTuple):
    """An amount and what it counts; None: unknown, since the language model's shape is."""

    of: str
    value: float | None


UNCHANGED = Amount("", 1)
"""Amount of a stage that takes the same time whatever is set."""


def amounts(params: Params, work: Workload, settings: Settings, shape: Shape | None) -> dict[str, Amount]:
    """Return the amount by stage; a stage that is not here takes the same time whatever is set."""
    megapixels = Amount("megapixels", sum(work.lesions[name] * work.megapixels[name] for name in work.lesions))
    fitted = _fitted(params, work, settings, params.adaptation.repeats.baselines)
    rows = Amount("rows of all fits", fitted)
    repeats = sum(len(own.repeats(params.adaptation.repeats.baselines)) for own in settings.values())
    resamples = params.features.mrmr.stability_draws * work.vindr_train
    segmentation, seeds = params.segmentation, params.evaluation.seeds
    area = segmentation.roi_size**2
    batch = BATCH[segmentation.plan] * (512**2 / area if segmentation.plan == "default" else 1)
    steps = segmentation.epochs * (segmentation.iterations + segmentation.validation_iterations / 3)
    found = dict.fromkeys(("phantom", "lesions", "image_hashes", "masks", "validate_masks", "features"), megapixels)
    found["segmenter"] = Amount("pixels of nnU-Net's steps", steps * batch * area * PLAN_OPERATIONS[segmentation.plan])
    found |= dict.fromkeys(("standardise", "select", "prompts", "leakage"), Amount("repeats", repeats))
    found["selection_stability"] = Amount("resampled rows", resamples)
    found |= {"named": rows, "named_curve": rows}
    found["baselines"] = Amount("rows and models of all fits", fitted * seeds * len(params.baselines.models))
    found["evaluate"] = Amount("resamples of patients", params.evaluation.bootstrap_draws * repeats * seeds)
    return found | _language_model(params, work, settings, shape)


def language_models(params: Params, settings: Settings) -> int:
    """Return how many language models are trained."""
    trained = [own for own in settings.values() if own.trains]
    return sum(len(own.repeats(params.adaptation.repeats.llm)) for own in trained) * params.evaluation.seeds


def _language_model(params: Params, work: Workload, settings: Settings, shape: Shape | None) -> dict[str, Amount]:
    """Count weights that tokens pass: every layer once to read a prompt, those that are trained in each epoch."""
    of = "tokens times weights"
    if shape is None:
        return dict.fromkeys(("language_model", "learning_curve", "explain", "names"), Amount(of, None))
    a_layer = shape.linear_of_a_layer * prompt_tokens(params)
    trained_row = a_layer * trained_layers(params, shape) * TRAINING * params.llm.epochs
    read_row = a_layer * shape.layers
    halves = params.adaptation.repeats.llm
    fitted = _fitted(params, work, settings, halves)
    known = sum(_lesions(own, params, work) for own in settings.values())
    points = sum(params.adaptation.curve) * 2 * halves
    count = len(FEATURES) if params.features.selection == "all" else params.features.count
    explain = params.explain
    prompts = explain.lesions * explain.background * (2**count if explain.orders == "all" else explain.orders * count)
    return {
        "language_model": Amount(of, params.evaluation.seeds * (fitted * trained_row + known * read_row)),
        "learning_curve": Amount(of, points * trained_row + work.inbreast * read_row),
        "explain": Amount(of, prompts * read_row),
        "names": Amount(of, shape.linear),
    }


def _fitted(params: Params, work: Workload, settings: Settings, repeats: int) -> int:
    """Return the training rows of all settings and repeats."""
    trained = [own for own in settings.values() if own.trains]
    return sum(len(own.repeats(repeats)) * work.rows(own.train, params) for own in trained)


def _lesions(setting: Setting, params: Params, work: Workload) -> int:
    """Return the lesions of one repeat of a setting."""
    return sum(work.rows(each, params) for each in setting.members.values())
