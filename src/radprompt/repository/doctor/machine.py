"""The machine: cores, memory, disk and the graphics card that torch can use."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from radprompt.repository.doctor.finding import Finding

GB = 1e9
TIGHT = 0.9
"""Share of a card's memory from which an estimate that fits is called tight."""

SMALLER = {
    "segmenter": "lower segmentation.roi_size",
    "language_model": "lower llm.batch_size or llm.lora.layers, choose a smaller model, or set llm.tuning: none",
    "weights": "choose a smaller model (llm.backbone.source): its weights pass through main memory as a whole",
}
"""What makes a stage take less main memory; ``weights``: of the language model, where they alone count."""


@dataclass(frozen=True)
class Gpu:
    """A graphics card: its name, all of its memory and what nothing uses, GB, and whether it multiplies bfloat16."""

    name: str
    memory_gb: float
    free_gb: float
    bf16: bool = True


@dataclass(frozen=True)
class Machine:
    """What a run has at its disposal; memory and disk in GB (1e9 bytes).

    ``disk_gb`` is free where the repository lies, ``temporary_gb`` where temporary files go. ``no_gpu`` says why there
    is no card, empty where there is one.
    """

    cores: int
    memory_gb: float
    disk_gb: float
    temporary_gb: float
    gpu: Gpu | None
    no_gpu: str = ""


def probe(repository: Path, device: str) -> Machine:
    """Look at this machine; torch is imported only where its build can use a card and ``device`` lets it."""
    import psutil

    gpu, why = (None, f"llm.device is {device}") if device == "cpu" else _gpu(device)
    return Machine(
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        memory_gb=psutil.virtual_memory().total / GB,
        disk_gb=shutil.disk_usage(repository).free / GB,
        temporary_gb=shutil.disk_usage(tempfile.gettempdir()).free / GB,
        gpu=gpu,
        no_gpu=why,
    )


def _gpu(device: str) -> tuple[Gpu | None, str]:
    try:
        build = version("torch")
    except PackageNotFoundError:
        return None, "torch is not installed"
    if "+cpu" in build:
        return None, f"torch {build} is a build without CUDA"
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    index = int(device.partition(":")[2] or 0)
    if index >= count:
        return None, f"torch {build} sees {count} card(s)" + (f", and llm.device is {device}" if count else "")
    free, total = torch.cuda.mem_get_info(index)
    bf16 = torch.cuda.get_device_capability(index)[0] >= 8
    return Gpu(torch.cuda.get_device_name(index), total / GB, free / GB, bf16), ""


def check_gpu(machine: Machine, device: str, needed_gb: float, required: bool) -> Finding:
    """Compare the card with what the language model takes while it trains.

    Parameters
    ----------
    machine
        This machine.
    device
        ``llm.device``.
    needed_gb
        Of GPU memory; 0: no language model is trained.
    required
        Whether the model is out of a CPU's reach.
    """
    gpu = machine.gpu
    if not needed_gb:
        return Finding("machine", "GPU", "ok", f"{gpu.name if gpu else 'none'}; no language model is trained")
    if gpu is None:
        found = f"none: {machine.no_gpu}"
        if required:
            found += f"; training takes about {needed_gb:.1f} GB"
            fix = (
                "the tables need none: `dvc repro names named baselines` first (docs/clinical.md); training needs "
                "an NVIDIA GPU and a CUDA build: `make setup TORCH=...`"
            )
            return Finding("machine", "GPU", "error", found, fix)
        if device.startswith("cuda"):
            return Finding("machine", "GPU", "error", found, "set llm.device: auto, or `make setup TORCH=...`")
        return Finding("machine", "GPU", "ok", f"{found}; the CPU computes")
    found = f"{gpu.name}, {gpu.memory_gb:.0f} GB, {gpu.free_gb:.0f} GB free; training takes about {needed_gb:.1f} GB"
    smaller = "lower llm.batch_size, set llm.backbone.quantisation: 4bit, or choose a smaller model"
    if needed_gb > gpu.memory_gb:
        return Finding("machine", "GPU", "error", found, smaller)
    if needed_gb > gpu.free_gb:
        return Finding("machine", "GPU", "error", found, f"end what else runs on it (`nvidia-smi`), or {smaller}")
    if needed_gb > TIGHT * gpu.free_gb:
        return Finding("machine", "GPU", "warning", f"{found}: tight", smaller)
    return Finding("machine", "GPU", "ok", found)


def check_memory(machine: Machine, needs: Mapping[str, float], smaller: Mapping[str, str] = SMALLER) -> Finding:
    """Compare the machine's memory with what the stages that need most take.

    Parameters
    ----------
    machine
        Cores, memory and card.
    needs
        Memory that each stage needs, GB.
    smaller
        Advice for each stage that needs less memory.
    """
    most = max(needs, key=lambda name: needs[name])
    too_much = [name for name, needed in needs.items() if needed > machine.memory_gb]
    shown = ", ".join(f"{name} takes about {needs[name]:.1f} GB" for name in too_much or [most])
    found = f"{machine.memory_gb:.0f} GB; {shown}"
    if too_much:
        advice = [smaller[name] if len(too_much) == 1 else f"{name}: {smaller[name]}" for name in too_much]
        return Finding("machine", "memory", "error", found, "; ".join(advice))
    return Finding("machine", "memory", "ok", found)


def check_disk(machine: Machine, needed_gb: float, temporary_gb: float) -> list[Finding]:
    """Compare free disk with what the stages write, and with nnU-Net's temporary folder."""
    findings = []
    for subject, free, needed, fix in (
        ("disk", machine.disk_gb, needed_gb, "make room, or move the repository"),
        ("temporary disk", machine.temporary_gb, temporary_gb, "set TMPDIR to a folder on a larger disk"),
    ):
        found = f"{free:.0f} GB free; about {needed:.1f} GB are written"
        findings.append(
            Finding("machine", subject, "error", found, fix)
            if needed > free
            else Finding("machine", subject, "ok", found)
        )
    return findings
