"""An estimate of one stage, and the rates that estimates divide by."""

from dataclasses import dataclass
from typing import Literal

from radprompt.core.params import Params
from radprompt.llm.backbone import FOUR_BIT
from radprompt.repository.doctor.gpus import Gpu

# TFLOP/s of one core, bf16 with AMX: what the demo's stages reached on two.
CPU_TRAINING, CPU_FORWARD, CPU_CONVOLUTION = 0.06, 0.12, 0.05
# Of a card's data sheet. Assumed: batches are short (batch x tokens under 2,000), kernels are not fused.
GPU_TRAINING, GPU_FORWARD, GPU_CONVOLUTION = 0.35, 0.40, 0.20
DEQUANTISING = 0.7
"""What is left of the rate when every weight is unpacked from four bits first; assumed."""

Work = Literal["training", "forward", "convolution"]


@dataclass(frozen=True)
class Estimate:
    """A stage's time, memory (GB, also the card's) and what its time grows with."""

    name: str
    seconds: float
    memory_gb: float
    gpu_gb: float
    basis: str


@dataclass(frozen=True)
class Speed:
    """How fast this machine is.

    Parameters
    ----------
    workers
        Processes of per-lesion work.
    training, forward, convolution
        Operations a second of a language model that learns, of one that only reads, and of nnU-Net.
    bf16
        Whether they are in bfloat16.
    gpu
        Whether a card computes.
    """

    workers: int
    training: float
    forward: float
    convolution: float
    bf16: bool
    gpu: bool

    @classmethod
    def of(cls, cores: int, workers: int, gpu: Gpu | None, params: Params) -> "Speed":
        """Return the speed of so many cores, or of the card where there is one."""
        spread = cores if workers == -1 else max(1, min(workers, cores))
        if gpu is None:
            training, forward, convolution = CPU_TRAINING * cores, CPU_FORWARD * cores, CPU_CONVOLUTION * cores
        else:
            language = gpu.tflops * (DEQUANTISING if params.llm.backbone.quantisation == FOUR_BIT else 1.0)
            training, forward = language * GPU_TRAINING, language * GPU_FORWARD
            convolution = gpu.tflops * GPU_CONVOLUTION
        bf16 = params.llm.precision != "fp32" and (gpu is None or gpu.bf16)
        return cls(spread, training * 1e12, forward * 1e12, convolution * 1e12, bf16, gpu is not None)

    def seconds(self, flops: float, work: Work) -> float:
        """Return how long so many operations take."""
        return flops / getattr(self, work)
