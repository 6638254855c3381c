"""LoRA training of a LLaMA2-7B on this machine's GPU: tokens a second, peak memory, model FLOP utilisation.

    python benchmarks/llama7b.py                      # one NVIDIA GPU with 24 GB, about 5 min
    python benchmarks/llama7b.py --quantisation 4bit  # 12 GB; needs bitsandbytes
    python benchmarks/llama7b.py --shape tiny         # on a CPU, in seconds: that the script works

No weights are downloaded: the model has LLaMA2-7B's shape and random weights, which cost the same. Two ways train the
same number of steps of the same prompts, one after the other, each in a process of its own:

plain   Transformers' Trainer with peft, bf16, LoRA on every linear layer, as their manuals write it
ours    radprompt's training loop on its assembled model (frozen layers bfloat16, the rest float32, bf16 autocast)

Model FLOP utilisation is training operations a second over the card's dense bfloat16 rate by its data sheet, and over
the rate of a plain 8192 x 8192 matrix product measured here. Operations a token, with N frozen weights in linear
layers, n in adapters, L layers, h the width of attention and s tokens a prompt:

    4 N + 6 n + 12 L h s

two a weight forward, two back to the states (a frozen weight has no gradient), six a weight that learns, and the two
products of attention three times. Embeddings, norms and the head are left out.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import fields
from pathlib import Path
from typing import Any

from radprompt.repository.doctor.shape import LLAMA2_7B, Shape

TINY = Shape(hidden=64, intermediate=192, layers=2, heads=4, key_value_heads=4, head_width=16, vocabulary=256)
SHAPES = {"llama7b": LLAMA2_7B, "tiny": TINY}
WAYS = ("plain", "ours")
BF16_TFLOPS = {
    "H200": 989.0,
    "H100 PCIe": 756.0,
    "H100 NVL": 835.0,
    "H100": 989.0,
    "A100": 312.0,
    "L40S": 362.0,
    "L40": 181.0,
    "RTX 6000 Ada": 364.0,
    "RTX A6000": 155.0,
    "RTX A5000": 111.0,
    "A40": 150.0,
    "A30": 165.0,
    "A10": 125.0,
    "L4": 121.0,
    "RTX 5090": 209.0,
    "RTX 4090": 165.0,
    "RTX 3090": 71.0,
}
"""Dense products a second in bfloat16 with float32 sums, 1e12, by the data sheets; the first name found counts."""
WARMUP = 5
"""Steps before the clock starts: memory is claimed and kernels are chosen in them."""


def main() -> None:
    """Run both ways and print the table, or one of them and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--shape", choices=SHAPES, default="llama7b")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--tokens", type=int, default=176, help="a prompt of eight features: 16 + 8 x 20")
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--quantisation", choices=("none", "4bit"), default="none")
    parser.add_argument("--output", type=Path, help="write the figures as JSON")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.way:
        print(json.dumps(measure(given)))
        return
    import torch

    if given.shape == "llama7b" and not torch.cuda.is_available():
        parser.error("no NVIDIA GPU that torch can use; --shape tiny runs on the CPU")
    results = [_in_its_own_process(way) for way in WAYS]
    print(table(results, given))
    if given.output:
        given.output.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


def measure(given: argparse.Namespace) -> dict[str, Any]:
    """Train one way and return its figures."""
    import torch

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device.type == "cpu":
        torch.set_num_threads(1)
    shape = SHAPES[given.shape]
    torch.manual_seed(0)
    ids = torch.randint(3, shape.vocabulary, (given.batch * given.steps, given.tokens))
    labels = torch.randint(0, 2, (len(ids),)).float()
    model = build(shape, device, given.quantisation)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    seconds = {"plain": train_plain, "ours": train_ours}[given.way](model, ids, labels, given, device)
    tokens = given.batch * given.tokens
    flops = training_flops(shape, tokens, given.tokens, given.rank)
    measured = matrix_rate(device)
    card = torch.cuda.get_device_name(device) if device.type == "cuda" else ""
    sheet = next((rate for name, rate in BF16_TFLOPS.items() if name in card), None)
    return {
        "way": given.way,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU, one thread",
        "shape": given.shape,
        "quantisation": given.quantisation,
        "batch": given.batch,
        "tokens": given.tokens,
        "steps": given.steps,
        "seconds_a_step": seconds,
        "tokens_a_second": tokens / seconds,
        "peak_gb": peak_gb(device),
        "tflops": flops / seconds / 1e12,
        "mfu_data_sheet": flops / seconds / 1e12 / sheet if sheet else None,
        "mfu_measured": flops / seconds / measured,
        "matrix_tflops": measured / 1e12,
    }


def training_flops(shape: Shape, tokens: int, length: int, rank: int) -> float:
    """Return the operations of one step with LoRA on all layers, by the formula above."""
    attention = 12.0 * shape.layers * length * shape.heads * shape.head_width
    return tokens * (4.0 * shape.linear + 6.0 * shape.lora(rank, shape.layers) + attention)


def build(shape: Shape, device: Any, quantisation: str) -> Any:
    """Make a LLaMA classifier of this shape on the device, bfloat16, with random weights."""
    import torch
    from transformers import LlamaConfig, LlamaForSequenceClassification

    config = LlamaConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        intermediate_size=shape.intermediate,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.key_value_heads,
        num_labels=1,
        pad_token_id=0,
        use_cache=False,
        problem_type="multi_label_classification",  # binary cross-entropy on the one logit
    )
    torch.set_default_dtype(torch.bfloat16)
    try:
        with torch.device("cpu") if quantisation == "4bit" else device:  # 13.5 GB, which the card need not have
            model = LlamaForSequenceClassification(config)
    finally:
        torch.set_default_dtype(torch.float32)
    with device:  # angles in bfloat16 would be coarse; transformers keeps them in float32
        model.model.rotary_emb = type(model.model.rotary_emb)(config)
    return quantised(model, device) if quantisation == "4bit" else model


def quantised(model: Any, device: Any) -> Any:
    """Put NF4 layers in place of the frozen linear ones, and the model on the device."""
    import bitsandbytes
    import torch

    for parent in list(model.model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, torch.nn.Linear):
                layer = bitsandbytes.nn.Linear4bit(
                    child.in_features,
                    child.out_features,
                    bias=False,
                    compute_dtype=torch.bfloat16,
                    quant_type="nf4",
                    compress_statistics=True,
                    device="meta",
                )
                layer.weight = bitsandbytes.nn.Params4bit(
                    child.weight.data.cpu(), requires_grad=False, quant_type="nf4", compress_statistics=True
                )
                setattr(parent, name, layer.to(device))
    model.is_loaded_in_4bit = True  # so that peft takes its layers for 4-bit ones
    return model.to(device)


def train_plain(model: Any, ids: Any, labels: Any, given: argparse.Namespace, device: Any) -> float:
    """Train by the Trainer and return the median seconds of a step after the first ones."""
    import tempfile

    import torch
    from peft import LoraConfig, TaskType, get_peft_model
    from transformers import Trainer, TrainerCallback, TrainingArguments

    class Clock(TrainerCallback):
        """Times each optimiser step."""

        def __init__(self) -> None:
            self.seconds: list[float] = []
            self.began = 0.0

        def on_step_begin(self, *_: Any, **__: Any) -> None:
            self.began = now(device)

        def on_step_end(self, *_: Any, **__: Any) -> None:
            self.seconds.append(now(device) - self.began)

    adapted = get_peft_model(
        model,
        LoraConfig(task_type=TaskType.SEQ_CLS, r=given.rank, lora_alpha=2 * given.rank, target_modules="all-linear"),
    )
    rows = [
        {"input_ids": row, "attention_mask": torch.ones_like(row), "labels": label[None]}
        for row, label in zip(ids, labels, strict=True)
    ]
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder,
            per_device_train_batch_size=given.batch,
            max_steps=given.steps + WARMUP,
            learning_rate=1e-4,
            lr_scheduler_type="cosine",
            bf16=True,
            use_cpu=device.type == "cpu",
            save_strategy="no",
            logging_strategy="no",
            report_to="none",
            disable_tqdm=True,
            dataloader_pin_memory=device.type == "cuda",
        )
        Trainer(model=adapted, args=arguments, train_dataset=rows, callbacks=[clock]).train()
    return statistics.median(clock.seconds[WARMUP:])


def train_ours(model: Any, ids: Any, labels: Any, given: argparse.Namespace, device: Any) -> float:
    """Train by radprompt's loop, two epochs of all steps, and return the seconds of a step of the second."""
    import torch

    from radprompt.core.params import load_params
    from radprompt.llm.inference import Encoded
    from radprompt.llm.lora import add_adapters
    from radprompt.llm.split import SplitModel
    from radprompt.llm.training import Schedule, train

    frozen = {id(module) for module in model.model.modules() if isinstance(module, torch.nn.Linear)}
    for module in model.modules():
        if id(module) not in frozen:
            for parameter in module.parameters(recurse=False):
                parameter.data = parameter.data.float()
    adapted = add_adapters(model, 0, rank=given.rank, alpha=2 * given.rank, dropout=0.0)
    split = SplitModel(adapted.get_base_model().to(device), 0)
    rows = Encoded(input_ids=ids, attention_mask=torch.ones_like(ids), weights=None, hidden=None, bf16=True)
    settings = dict(vars(load_params(Path(__file__).parents[1] / "params.yaml").llm))
    settings |= {"epochs": 2, "batch_size": given.batch, "learning_rate": 1e-4, "patience": None, "seed": 0}
    schedule = Schedule(**{field.name: settings[field.name] for field in fields(Schedule)})
    ends: list[float] = []
    train(split, rows, labels, None, schedule, on_epoch=lambda _: ends.append(now(device)), progress=False)
    return (ends[1] - ends[0]) / given.steps


def matrix_rate(device: Any) -> float:
    """Return the operations a second of a square bfloat16 matrix product."""
    import torch

    side = 8192 if device.type == "cuda" else 512
    left, right = (torch.randn(side, side, device=device, dtype=torch.bfloat16) for _ in range(2))
    seconds = []
    for _ in range(12):
        began = now(device)
        left @ right
        seconds.append(now(device) - began)
    return 2 * side**3 / statistics.median(seconds[2:])


def now(device: Any) -> float:
    """Return the time once the device has done all that it was asked."""
    import torch

    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def peak_gb(device: Any) -> float:
    """Return the most memory that was taken: the card's by torch, or this process's."""
    import resource

    import torch

    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e9
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def table(results: list[dict[str, Any]], given: argparse.Namespace) -> str:
    """Return both ways' figures as lines of text."""
    plain, ours = results
    first = (
        f"{ours['device']}; {given.shape}, {given.steps} steps of {given.batch} x {given.tokens} tokens, LoRA rank "
        f"{given.rank} on all layers, weights {given.quantisation if given.quantisation != 'none' else 'bfloat16'}; "
        f"matrix product {ours['matrix_tflops']:.2f} TFLOP/s"
    )
    lines = [first, f"{'':8}{'s/step':>9}{'tokens/s':>10}{'peak GB':>9}{'TFLOP/s':>9}{'of sheet':>10}{'of matmul':>10}"]
    for way in results:
        sheet = "-" if way["mfu_data_sheet"] is None else f"{way['mfu_data_sheet']:.1%}"
        lines.append(
            f"{way['way']:8}{way['seconds_a_step']:9.3f}{way['tokens_a_second']:10.0f}{way['peak_gb']:9.2f}"
            f"{way['tflops']:9.3f}{sheet:>10}{way['mfu_measured']:10.1%}"
        )
    ratio = plain["seconds_a_step"] / ours["seconds_a_step"]
    return "\n".join([*lines, f"ours is {ratio:.2f} times as fast as plain"])


def _in_its_own_process(way: str) -> dict[str, Any]:
    quiet = os.environ | {"TRANSFORMERS_VERBOSITY": "error", "HF_HUB_OFFLINE": "1", "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, __file__, *sys.argv[1:], "--way", way]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=quiet, check=False)  # noqa: S603
    if done.returncode:
        sys.exit(f"{way} ended with status {done.returncode}")
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
