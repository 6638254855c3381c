"""What nnU-Net and the language model cost, from their operations and their weights."""

from collections.abc import Iterator
from dataclasses import dataclass

from radprompt.core.params import Params, Segmentation
from radprompt.llm.backbone import WORKING_GB
from radprompt.llm.packaged import PACKAGED
from radprompt.repository.doctor.shape import CHECKPOINT_BYTES, Shape
from radprompt.repository.doctor.stage import Estimate, Speed
from radprompt.repository.doctor.workload import Workload, adaptation_rows, prompt_tokens
from radprompt.tables.feature_names import FEATURES

NNUNET_IMPORTS, LLM_IMPORTS = 8.0, 12.0
"""Seconds until torch and nnU-Net, or transformers and peft, are there and the weights are read."""
BOXES = 4
"""Times that each training lesion is shown to nnU-Net, with boxes of its own."""
# Operations of one forward pass of one region, of nnU-Net's own plan at 512 px and of the small plan at 128 px, counted
# by torch's FlopCounterMode; both grow with the area.
FORWARD_FLOPS = {"default": 119.4e9 / 512**2, "small": 1.156e9 / 128**2}
OWN_BATCH = 12
"""Regions of 512 px in a batch of nnU-Net's own plan; smaller ones are more, by their area."""
AUGMENTING = 0.019 / 512**2
"""Core seconds a pixel of nnU-Net's augmentation. It runs in the training process, one batch after the other."""
PLANNED_GB = {"default": 8.0, "small": 1.0}
"""GPU memory that nnU-Net plans for."""
DECODING = 0.08
"""Seconds a megapixel."""
CASE_BYTES, CASE_DISK_BYTES = 9, 14.2
"""A pixel of a region: image and box in float32 and a mask; and what nnU-Net's temporary folder holds of it."""
DISK_WRITING = 1e9
"""Bytes a second that checkpoints are written with; assumed."""


@dataclass(frozen=True)
class Networks:
    """Estimates of the stages, and GB that they write for good and for the time being."""

    stages: list[Estimate]
    written_gb: float
    temporary_gb: float


def network_estimates(params: Params, work: Workload, shape: Shape | None, speed: Speed) -> Networks:
    """Estimate nnU-Net's stages and, where its shape is known, the language model's."""
    stages = list(_nnunet(params.segmentation, work, speed))
    temporary = work.cbis_train * BOXES * params.segmentation.roi_size**2 * CASE_DISK_BYTES / 1e9
    if shape is None:
        return Networks(stages, 0.0, temporary)
    model = _LanguageModel(params, work, shape, speed)
    adapters = model.runs * (shape.lora(params.llm.lora.rank, model.layers) * 4 / 1e9)
    return Networks([*stages, *model.stages()], adapters, temporary)


def training_gpu_gb(params: Params, shape: Shape, *, bf16: bool) -> float:
    """Return the GPU memory that training the language model takes: weights, what learns, activations, the rest."""
    layers = trained_layers(params, shape)
    tokens = params.llm.batch_size * prompt_tokens(params)
    rank = params.llm.lora.rank
    return (
        shape.weights_gb(params.llm.backbone.quantisation, bf16=bf16)
        + shape.state_gb(rank, layers)
        + shape.activation_gb(tokens, rank, layers, bf16=bf16)
        + WORKING_GB
    )


def trained_layers(params: Params, shape: Shape) -> int:
    """Return how many layers have adapters."""
    if params.llm.tuning == "head":
        return 0
    return shape.layers if params.llm.lora.layers == "all" else min(params.llm.lora.layers, shape.layers)


def _nnunet(options: Segmentation, work: Workload, speed: Speed) -> Iterator[Estimate]:
    area = options.roi_size**2
    batch = 4 if options.plan == "small" else max(2, round(OWN_BATCH * 512**2 / area))
    forward = FORWARD_FLOPS[options.plan] * area
    one = speed.seconds(3 * forward * batch, "convolution") + batch * area * AUGMENTING
    seconds = options.epochs * (options.iterations + options.validation_iterations / 3) * one
    memory = 2.5 + work.cbis_train * BOXES * area * CASE_BYTES / 1e9
    gpu = PLANNED_GB[options.plan] if speed.gpu else 0.0
    prepared = 4.0 + work.cbis_train * work.megapixels["cbis_ddsm"] * DECODING / speed.workers
    yield Estimate("segmenter", NNUNET_IMPORTS + prepared + seconds, memory, gpu, "operations and augmentation")
    drawn = {"cbis_ddsm": work.cbis_test, "vindr_mammo": work.lesions["vindr_mammo"], "inbreast": work.inbreast}
    decoded = sum(count * work.megapixels[name] for name, count in drawn.items()) * DECODING
    predicted = speed.seconds(4 * forward * sum(drawn.values()), "convolution") / 2
    memory = 2.0 + max(work.megapixels.values()) * 0.02
    seconds = 3 * NNUNET_IMPORTS + decoded + predicted
    yield Estimate("masks", seconds, memory, gpu / 4, "megapixels decoded, regions drawn")


class _LanguageModel:
    def __init__(self, params: Params, work: Workload, shape: Shape, speed: Speed) -> None:
        self.params, self.work, self.shape, self.speed = params, work, shape, speed
        self.length = prompt_tokens(params)
        self.layers = trained_layers(params, shape)
        self.rank, self.epochs = params.llm.lora.rank, params.llm.epochs
        self.seeds, self.halves = params.evaluation.seeds, params.adaptation.repeats.llm
        self.runs = (1 + 3 * self.halves) * self.seeds

    def stages(self) -> Iterator[Estimate]:
        params, work = self.params, self.work
        train, val = adaptation_rows(params, work)
        gpu = training_gpu_gb(params, self.shape, bf16=self.speed.bf16)
        memory = (
            1.5 + self.shape.weights_gb("none", bf16=self.speed.bf16) + (0.0 if self.speed.gpu else gpu - WORKING_GB)
        )
        on_card = gpu if self.speed.gpu else 0.0
        packaged = params.llm.backbone.source == PACKAGED
        yield Estimate("backbone", 26 if packaged else 5, 1.5, 0, "as on the demo")
        vindr = self._fit(work.vindr_train, work.vindr_val) + self._read(work.lesions["vindr_mammo"])
        half = self._fit(train, val) + self._read(work.inbreast) / self.halves
        unadapted = self._read(work.inbreast + work.vindr_val)
        seconds = 5 * LLM_IMPORTS + self.seeds * (vindr + 3 * self.halves * half + unadapted)
        yield Estimate("language_model", seconds, memory, on_card, "operations of five settings")
        few = [points for points in params.adaptation.curve if points < train + val]
        fits = sum(self._fit(points, 0, saved=False) for points in few) * 2 * self.halves
        seconds = LLM_IMPORTS + fits + 2 * self._read(work.inbreast)
        yield Estimate("learning_curve", seconds, memory, on_card, "operations at each point")
        seconds = LLM_IMPORTS + self._whole(params.explain.lesions * self._prompts_a_lesion())
        yield Estimate("explain", seconds, memory, on_card, "prompts of Shapley's orders")

    def _fit(self, train: int, val: int, *, saved: bool = True) -> float:
        """Seconds of all epochs: layers that learn, forward and back; forward over validation rows; a checkpoint."""
        learning = self.shape.training_flops(train * self.length, self.length, self.rank, self.layers)
        validating = self.shape.forward_flops(val * self.length, self.length, self.layers)
        checkpoint = saved * self.shape.lora(self.rank, self.layers) * CHECKPOINT_BYTES / DISK_WRITING
        an_epoch = self.speed.seconds(learning, "training") + self.speed.seconds(validating, "forward") + checkpoint
        return self.epochs * an_epoch

    def _read(self, prompts: int) -> float:
        """Seconds of the frozen layers, once for each prompt, and of the others for predictions and embeddings."""
        tokens, frozen = prompts * self.length, self.shape.layers - self.layers
        flops = self.shape.forward_flops(tokens, self.length, frozen + 2 * self.layers)
        return self.speed.seconds(flops, "forward")

    def _whole(self, prompts: int) -> float:
        flops = self.shape.forward_flops(prompts * self.length, self.length, self.shape.layers)
        return self.speed.seconds(flops, "forward")

    def _prompts_a_lesion(self) -> int:
        features, explain = self.params.features, self.params.explain
        count = len(FEATURES) if features.selection == "all" else features.count
        return explain.background * (2**count if explain.orders == "all" else explain.orders * count)
