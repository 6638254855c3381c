"""Which device computes, and in which precision, decided at run time."""

import os

import torch

from radprompt.core.errors import InputError


def resolve_device(name: str) -> torch.device:
    """Return the device called ``name``; ``auto`` is the GPU where there is one.

    Raises
    ------
    InputError
        If there is no such device on this machine.
    """
    if name == "auto":
        own = os.environ.get("LOCAL_RANK")  # of processes that train together, each has its own GPU
        gpu = "cuda" if own is None else f"cuda:{own}"
        return torch.device(gpu if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise InputError(f"no device is called {name!r}", where="device", fix="auto, cpu, cuda or cuda:1") from None
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise InputError(
            f"{name}: this machine has {torch.cuda.device_count()} GPUs that torch can use",
            where="device",
            fix="set auto or cpu, or install a CUDA build: `make setup TORCH=...`",
        )
    return device


def computes_bf16(device: torch.device) -> bool:
    """Return whether the device multiplies bfloat16 in hardware; elsewhere it is slower than float32."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device)[0] >= 8
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16") or capabilities.get("bf16"))


def attends_in_bf16(device: torch.device) -> bool:
    """Return whether attention belongs in bfloat16 there: without AMX its backward pass takes twice as long."""
    return device.type != "cpu" or bool(torch.cpu.get_capabilities().get("amx_bf16"))
