"""What each stage will cost, before anything runs: an arithmetic model, not a measurement.

Where a stage's time comes from
-------------------------------
- The seconds that it took on the demo (two cores; README, stage times), and what they grow with: megapixels decoded,
  lesions measured, rows fitted, draws.
- For networks, floating-point operations over a rate. On a CPU the rate is what the demo reached on two cores. On a
  card it is the data sheet's, times a utilisation that is *assumed* until ``benchmarks/llama7b.py`` has measured it.

Memory is counted: weights, adapters with their optimiser, activations, arrays. An estimate within a factor of two is
what this is for: hours or weeks, 20 GB or 40.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from radprompt.core.params import Params
from radprompt.repository.doctor.gpus import Gpu
from radprompt.repository.doctor.machine import Machine
from radprompt.repository.doctor.network import network_estimates
from radprompt.repository.doctor.shape import Shape
from radprompt.repository.doctor.stage import Estimate, Speed
from radprompt.repository.doctor.workload import Workload, adaptation_rows, is_phantom, workload

IMPORTS = 3.0
"""Seconds until a stage's modules are there."""
DRAWING = 0.4
"""Core seconds that the phantom takes a megapixel."""
DECODING = 0.08
"""Core seconds a megapixel, of JPEG 2000 and others mixed (1 s an image of 3500 x 2800 px in JPEG 2000)."""
MEASURING = 0.06
"""Core seconds of PyRadiomics a lesion."""
BYTES_A_PIXEL = 16
"""Of a decoded image and what is made of it: stored, as float32, twice, and masks."""
LIGHT_GB = 0.5
"""Memory of Python with pandas."""
SECONDS = {
    "code": 2,
    "halves": 3,
    "cohorts": 2,
    "standardise": 20,
    "select": 16,
    "prompts": 11,
    "segmentation_quality": 6,
    "drift": 5,
}
CHECKING = {
    "validate_raw": 7,
    "validate_lesions": 7,
    "segmenter_leakage": 2,
    "validate_features": 8,
    "validate_prompts": 9,
    "leakage": 7,
    "validate_predictions": 33,
    "validation": 6,
}
"""Seconds, most of them until Great Expectations is there; tables of some thousand rows add little."""
READING_MASKS = 0.02
"""Core seconds a megapixel of a contour's PNG."""
CLOSING = {"paper_comparison": 3, "report": 10}
FITTING = 0.045
"""Seconds that all baselines together take for a training row of one run, TransTab's epochs foremost."""


@dataclass(frozen=True)
class Costs:
    """All stages' estimates and what the machine must hold."""

    stages: list[Estimate]
    disk_gb: float
    temporary_gb: float

    @property
    def seconds(self) -> float:
        """Time of all stages, one after the other."""
        return sum(stage.seconds for stage in self.stages)

    def most(self, attribute: str) -> Estimate:
        """Return the stage that takes most ``memory_gb`` or ``gpu_gb``."""
        return max(self.stages, key=lambda stage: getattr(stage, attribute))


def estimate(params: Params, shape: Shape | None, machine: Machine, gpu: Gpu | None) -> Costs:
    """Estimate every stage of a run with these parameters.

    Parameters
    ----------
    params
        ``params.yaml``.
    shape
        Of the language model; None where it is unknown, and its stages are left out.
    machine
        Its cores are used.
    gpu
        The card to compute for; None: the CPU.
    """
    work = workload(params)
    speed = Speed.of(machine.cores, params.compute.workers, gpu, params)
    networks = network_estimates(params, work, shape, speed)
    tables = list(_tables(params, work, shape))
    ordered = [*_images(params, work, speed), *networks.stages, *tables]
    order = {name: place for place, name in enumerate(ORDER)}
    return Costs(
        sorted(ordered, key=lambda stage: order[stage.name]),
        disk_gb=2 * (networks.written_gb + 0.1 + (0.6 if is_phantom(params) else 0.0)),
        temporary_gb=networks.temporary_gb,
    )


ORDER = (
    "code",
    "phantom",
    "validate_raw",
    "lesions",
    "validate_lesions",
    "image_hashes",
    "segmenter_leakage",
    "segmenter",
    "masks",
    "segmentation_quality",
    "validate_masks",
    "features",
    "validate_features",
    "drift",
    "halves",
    "cohorts",
    "standardise",
    "select",
    "selection_stability",
    "prompts",
    "leakage",
    "backbone",
    "validate_prompts",
    "language_model",
    "baselines",
    "embedded_baselines",
    "validate_predictions",
    "learning_curve",
    "explain",
    "evaluate",
    "paper_comparison",
    "validation",
    "report",
)
"""The stages as they run, each with all of its settings; ``evaluate`` holds the summary."""


def _images(params: Params, work: Workload, speed: Speed) -> Iterator[Estimate]:
    workers, lesions = speed.workers, work.lesions
    area = {name: lesions[name] * work.megapixels[name] for name in lesions}
    largest = max(work.megapixels.values())
    each = 0.3 + largest * BYTES_A_PIXEL / 1000
    if is_phantom(params):
        drawn = sum(area.values()) * 1.15  # with images that show no mass
        yield Estimate("phantom", 3 * IMPORTS + drawn * DRAWING / workers, workers * each, 0, "megapixels drawn")
    masks = area["cbis_ddsm"] * 2  # mask and crop of each
    decoded = (sum(area.values()) + masks) * DECODING
    yield Estimate("lesions", 3 * IMPORTS + decoded / workers, workers * each, 0, "megapixels decoded")
    hashed = sum(area.values()) * DECODING / workers
    yield Estimate("image_hashes", IMPORTS + hashed, workers * each, 0, "megapixels decoded")
    read = sum(area.values()) * READING_MASKS / workers
    yield Estimate("validate_masks", 2 * IMPORTS + read, workers * each, 0, "megapixels of contours")
    again = area["vindr_mammo"] + area["inbreast"]
    measured = (again * DECODING / 2 + (lesions["vindr_mammo"] + lesions["inbreast"]) * MEASURING / 2) / workers
    yield Estimate("features", 2 * IMPORTS + measured, workers * each, 0, "megapixels decoded, lesions measured")


def _tables(params: Params, work: Workload, shape: Shape | None) -> Iterator[Estimate]:
    for name, seconds in (SECONDS | CHECKING | CLOSING).items():
        yield Estimate(name, seconds, LIGHT_GB, 0, "as on the demo")
    draws = params.features.mrmr.stability_draws
    mrmr = draws * (0.1 + 0.4 * work.vindr_train / 785)
    yield Estimate("selection_stability", IMPORTS + mrmr, LIGHT_GB, 0, "draws of mRMR")
    train, _ = adaptation_rows(params, work)
    seeds, halves = params.evaluation.seeds, params.adaptation.repeats.baselines
    rows = (2 * work.vindr_train + 3 * halves * train) * seeds
    share = len(params.baselines.models) / 11
    yield Estimate("baselines", 5 * 4 + rows * share * FITTING, 2.0, 0, "rows of all fits")
    width = (shape.hidden if shape else 576) / 576
    runs = (1 + 4 * params.adaptation.repeats.llm) * seeds / 9
    yield Estimate("embedded_baselines", 5 * 4 + 8 * width * runs, 1.0, 0, "runs and width of the embeddings")
    drawn = params.evaluation.bootstrap_draws / 2000 * halves / 20 * seeds
    yield Estimate("evaluate", 5 * 5 + 70 * drawn, 1.0, 0, "bootstrap draws, halves and seeds")
