"""Where a training step on the CPU spends its time: the whole plain model with peft, and ours,
also in bfloat16 where the processor computes it.

    python benchmarks/profiles.py [all | 8]

Reads   models/backbone/, data/prompts/vindr.jsonl (`dvc repro prompts backbone` leaves them)
Writes  nothing: it prints a table, in seconds of a step on 16 prompts; `page faults` are what the kernel hands memory
        out with, out of the wall time of a step without the profiler
"""

import json
import os
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from bench_language_model import BATCH, classifier, rows
from measuring import apart
from torch.nn import functional

from radprompt.core.device import computes_bf16
from radprompt.llm.training import add_gradients

STEPS = 5
GROUPS = {
    "matrix products": ("aten::mm", "aten::addmm", "aten::bmm"),
    "attention": ("aten::_scaled_dot_product",),
    "element by element": ("aten::",),
}


def ours(layers: str, precision: str = "fp32") -> Callable[[], Any]:
    """Return a step of ours, the trunk read before."""
    model = classifier(layers, 1, precision)
    model._build()
    prompts, labels = rows(BATCH)
    read, targets = model._encode(prompts), torch.tensor(labels).float()
    model._split.model.train()
    return lambda: add_gradients(model._split, read, targets, BATCH)


def plain(layers: str) -> Callable[[], Any]:
    """Return a step of Transformers' model with peft's own layers, on the whole batch."""
    from peft.tuners import lora

    model = classifier(layers, 1, "fp32")
    model._build()
    for module in model._adapter.modules():
        if isinstance(module, lora.Linear):
            module.__class__ = lora.Linear
    prompts, labels = rows(BATCH)
    tokens, targets = model._tokenizer(prompts, padding=True, return_tensors="pt"), torch.tensor(labels).float()
    model._adapter.train()

    def step() -> None:
        logits = model._adapter(**tokens).logits.squeeze(-1)
        functional.binary_cross_entropy_with_logits(logits, targets).backward()

    return step


WAYS: dict[str, Callable[[str], Callable[[], Any]]] = {"plain": plain, "ours": ours}
if computes_bf16(torch.device("cpu")):
    WAYS["ours, bf16"] = partial(ours, precision="bf16")


def profiled(step: Callable[[], Any]) -> dict[str, float]:
    """Return seconds by group; of steps without the profiler the median."""
    step()
    walls, kernel = [], []
    for _ in range(STEPS):
        before, start = os.times(), time.perf_counter()
        step()
        walls.append(time.perf_counter() - start)
        kernel.append(os.times().system - before.system)
    found = {"a step": statistics.median(walls), "page faults": statistics.median(kernel)}
    with torch.profiler.profile() as profile:
        step()
    seconds: dict[str, float] = defaultdict(float)
    for event in profile.key_averages():
        group = next((name for name, starts in GROUPS.items() if event.key.startswith(starts)), "the rest")
        seconds[group] += event.self_cpu_time_total / 1e6
    return found | {name: seconds[name] for name in (*GROUPS, "the rest")}


def main(layers: str) -> None:
    """Print all ways, each measured in a process of its own."""
    found = {way: apart(__file__, layers, way) for way in WAYS}
    print(f"{'s a step of ' + str(BATCH) + ' prompts':24}" + "".join(f"{way:>12}" for way in WAYS))
    for name in found["plain"]:
        print(f"{name:24}" + "".join(f"{seconds[name]:12.2f}" for seconds in found.values()))


if __name__ == "__main__":
    chosen = sys.argv[1] if len(sys.argv) > 1 else "all"
    if len(sys.argv) > 2:
        print(json.dumps(profiled(WAYS[sys.argv[2]](chosen))))
    else:
        main(chosen)
