"""What the stages' times grow with, and how much of it a run with these parameters has.

Only ratios of amounts are used, between this run and the one that was measured. Half of a stage's time is often the
start of its process, which the ratio scales too: small stages come out too slow on larger data.
"""

from collections.abc import Iterator
from typing import NamedTuple

from radprompt.core.params import Params, Segmentation
from radprompt.repository.doctor.memory import trained_layers
from radprompt.repository.doctor.shape import Shape
from radprompt.repository.doctor.workload import Workload, feature_count, prompt_tokens
from radprompt.study.settings import Settings

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
    halves, seeds = params.adaptation.repeats.baselines, params.evaluation.seeds
    repeats = sum(len(own.repeats(halves)) for own in settings.values())
    megapixels, drawn, measured = (
        Amount("megapixels", sum(count * work.megapixels[name] for name, count in lesions.items()))
        for lesions in (work.lesions, work.drawn, {name: work.lesions[name] for name in settings.measured})
    )
    fitted = work.fitted_rows(params, settings, halves)
    rows = Amount("rows of all fits", fitted)
    models = len(params.baselines.models)
    resampled = params.features.mrmr.stability_draws * _explained_rows(params, work, settings)
    return {
        **dict.fromkeys(("phantom", "lesions", "image_hashes"), megapixels),
        "features": measured,
        **dict.fromkeys(("masks", "validate_masks"), drawn),
        **dict.fromkeys(("standardise", "select", "prompts", "leakage"), Amount("repeats", repeats)),
        "named": rows,
        "named_curve": rows if settings.curve else Amount(rows.of, 0),
        "drift": UNCHANGED if settings.drift else Amount(UNCHANGED.of, 0),
        "segmenter": Amount("operations of nnU-Net's steps", _nnunet(params.segmentation)),
        "selection_stability": Amount("resampled rows", resampled),
        "baselines": Amount("rows, seeds and models of all fits", fitted * seeds * models),
        "evaluate": Amount("resamples of patients", params.evaluation.bootstrap_draws * repeats * seeds),
        **{name: Amount("tokens times weights", value) for name, value in _tokens(params, work, settings, shape)},
    }


def _explained_rows(params: Params, work: Workload, settings: Settings) -> int:
    return sum(work.rows(settings[name].train, params) for name in settings.explained)


def _nnunet(options: Segmentation) -> float:
    area = options.roi_size**2
    batch = BATCH[options.plan] * (512**2 / area if options.plan == "default" else 1)
    steps = options.epochs * (options.iterations + options.validation_iterations / 3)
    return steps * batch * area * PLAN_OPERATIONS[options.plan]


def _second_site(work: Workload, settings: Settings) -> int:
    """Return the lesions of the curve's site, all of which are read; without a curve nothing is."""
    curve = settings.curve
    return work.lesions[settings[curve.continued].train.dataset] if curve else 0


def _tokens(
    params: Params, work: Workload, settings: Settings, shape: Shape | None
) -> Iterator[tuple[str, float | None]]:
    """Count weights that tokens pass: every layer once to read a prompt, those that are trained in each epoch."""
    if shape is None:
        yield from dict.fromkeys(("language_model", "learning_curve", "explain", "names")).items()
        return
    count, explain, halves = feature_count(params), params.explain, params.adaptation.repeats.llm
    a_layer = shape.linear_of_a_layer * prompt_tokens(params)
    trained_row = a_layer * trained_layers(params, shape) * TRAINING * params.llm.epochs
    read_row = a_layer * shape.layers
    fitted = work.fitted_rows(params, settings, halves)
    known = sum(work.rows(members, params) for own in settings.values() for members in own.members.values())
    prompts = explain.lesions * explain.background * (2**count if explain.orders == "all" else explain.orders * count)
    if params.llm.tuning == "none":
        yield from dict.fromkeys(("language_model", "learning_curve", "explain"), 0.0).items()
        yield "names", shape.linear
        return
    yield "language_model", params.evaluation.seeds * (fitted * trained_row + known * read_row)
    points = sum(params.adaptation.curve) * 2 * halves if settings.curve else 0
    yield "learning_curve", points * trained_row + _second_site(work, settings) * read_row
    yield "explain", prompts * read_row
    yield "names", shape.linear
