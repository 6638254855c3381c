"""Memory and disk that training takes, GB (1e9 bytes): counted from shapes, not measured."""

from dataclasses import replace

from radprompt.core.params import Params, reads_closings
from radprompt.llm.backbone import WORKING_GB
from radprompt.llm.frozen import LARGE
from radprompt.repository.doctor.shape import Shape
from radprompt.repository.doctor.workload import Workload, is_phantom, prompt_tokens
from radprompt.study.settings import Settings

PYTHON_GB = 1.5
"""Memory of a process with torch and Transformers, the model apart."""
SEGMENTER_GB = 2.5
"""The same with nnU-Net, its training regions apart."""
BOXES = 4
"""Regions that nnU-Net gets of each training lesion, with different boxes."""
REGION_BYTES, REGION_DISK_BYTES = 9, 14.2
"""Bytes a pixel of a region: in memory, image and box in float32 and a mask; in nnU-Net's temporary folder."""
SYNTHETIC_GB, RESULTS_GB = 0.6, 0.1
"""The demo's synthetic images; tables, figures and pages."""


def training_gb(params: Params, shape: Shape, *, bf16: bool) -> float:
    """Return the memory of the device that trains the language model: weights, adapters, activations, the rest."""
    layers = trained_layers(params, shape)
    tokens = params.llm.batch_size * prompt_tokens(params)
    rank = params.llm.lora.rank
    return (
        shape.weights_gb(params.llm.backbone.quantisation, bf16=bf16)
        + shape.state_gb(rank, layers)
        + shape.activation_gb(tokens, rank, layers, bf16=bf16)
        + WORKING_GB
    )


def language_model_gb(params: Params, shape: Shape, *, gpu: bool, bf16: bool) -> float:
    """Return the main memory of ``language_model``: of a GPU's run the weights, which pass through it, else all.

    Where ``llm.tuning`` is none, nothing is trained: it is that of ``names``, which reads with the backbone.
    """
    if params.llm.tuning == "none":
        return names_gb(params, shape)
    if gpu:
        return PYTHON_GB + shape.weights_gb("none", bf16=bf16)
    return PYTHON_GB + training_gb(params, shape, bf16=bf16)


def names_gb(params: Params, shape: Shape) -> float:
    """Return the main memory of ``names``: layers up to the one after that which is read, all to ask for directions."""
    layer = shape.layers // 2 if params.named.layer is None else params.named.layer
    read = shape.layers if params.named.elicit != "none" else min(layer + 1, shape.layers)
    loaded = replace(shape, layers=read)
    return PYTHON_GB + loaded.weights_gb("none", bf16=loaded.linear + loaded.other >= LARGE)


def segmenter_gb(params: Params, work: Workload) -> float:
    """Return the main memory of ``segmenter``, which holds all training regions."""
    return SEGMENTER_GB + _region_pixels(params, work) * REGION_BYTES / 1e9


def trained_layers(params: Params, shape: Shape) -> int:
    """Return how many layers have adapters."""
    if params.llm.tuning != "lora" or reads_closings(params.llm):
        return 0
    return shape.layers if params.llm.lora.layers == "all" else min(params.llm.lora.layers, shape.layers)


def language_models(params: Params, settings: Settings) -> int:
    """Return how many language models are trained."""
    if params.llm.tuning == "none":
        return 0
    trained = [own for own in settings.values() if own.trains]
    return sum(len(own.repeats(params.adaptation.repeats.llm)) for own in trained) * params.evaluation.seeds


def disk_gb(params: Params, shape: Shape | None, settings: Settings) -> float:
    """Return what the stages write, with DVC's copy."""
    models = language_models(params, settings)
    adapters = models * shape.lora(params.llm.lora.rank, trained_layers(params, shape)) * 4 / 1e9 if shape else 0.0
    return 2 * (adapters + RESULTS_GB + (SYNTHETIC_GB if is_phantom(params) else 0.0))


def temporary_gb(params: Params, work: Workload) -> float:
    """Return what nnU-Net's temporary folder holds."""
    return _region_pixels(params, work) * REGION_DISK_BYTES / 1e9


def _region_pixels(params: Params, work: Workload) -> int:
    return work.segmenter_rows * BOXES * params.segmentation.roi_size**2
