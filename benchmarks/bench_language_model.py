"""LoRA training and inference: plain Transformers and PEFT against LanguageModelClassifier, on the same prompts.

The plain way is Transformers' `Trainer` around PEFT's `get_peft_model` in float32, its default, with the same batches
in the same order, the same rate and the same first weights. Ours is shown twice: in float32 with a plain head, which is
the same optimisation problem (losses must agree to rounding), and as the pipeline runs it (precision auto, the head
learns on standardised states, which is another problem with other losses).
"""

import json
import logging
import statistics
import sys
import tempfile
import time
import warnings
from contextlib import nullcontext
from itertools import pairwise
from pathlib import Path
from typing import Any

from measuring import Row, apart, median_s

BACKBONE, PROMPTS = Path("models/backbone"), Path("data/prompts/vindr.jsonl")
BATCH, SEED = 16, 7
GOALS = {"all": 1.5, "8": 6.0, "head": 100.0}
NAMES = {"all": "LoRA on all layers", "8": "LoRA on the last 8 layers", "head": "head only"}


def rows(count: int) -> tuple[list[str], list[int]]:
    """Return the first prompts and labels, both classes among them."""
    read = [json.loads(line) for line in PROMPTS.read_text(encoding="utf-8").splitlines()[:count]]
    return [row["prompt"] for row in read], [row["label"] for row in read]


def classifier(layers: str, epochs: int, precision: str) -> Any:
    """Return ours, as the paper reads a prompt: at its last token."""
    from radprompt.llm.classifier import LanguageModelClassifier

    return LanguageModelClassifier(
        BACKBONE,
        tuning="head" if layers == "head" else "lora",
        layers=layers if layers == "all" else 8,
        epochs=epochs,
        batch_size=BATCH,
        precision=precision,
        seed=SEED,
        device="cpu",
    )


def ours(layers: str, count: int, epochs: int, precision: str, plain_head: bool) -> dict[str, Any]:
    """Train ours; seconds of each epoch, the first with loading, and losses."""
    from radprompt.llm import training

    if plain_head:
        training.standardised_head = lambda *_: nullcontext()
    prompts, labels = rows(count)
    import peft  # noqa: F401 - imports are nobody's epoch

    times, model = [time.perf_counter()], classifier(layers, epochs, precision)
    model.fit(prompts, labels, on_epoch=lambda _: times.append(time.perf_counter()))
    return _times(times) | {"losses": [entry["train_loss"] for entry in model.state_.history]}


def plain(layers: str, count: int, epochs: int) -> dict[str, Any]:
    """Train the plain way."""
    import torch
    from peft import LoraConfig, TaskType, get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict
    from torch.nn import functional
    from transformers import Trainer, TrainerCallback, TrainingArguments

    from radprompt.llm.backbone import load_backbone
    from radprompt.llm.head import begin_at_zero
    from radprompt.llm.training import Schedule, _warm_cosine

    prompts, labels = rows(count)
    reference = classifier(layers, epochs, "fp32")
    reference._build()
    begin_at_zero(reference._split.model)
    first = {name: value.clone() for name, value in get_peft_model_state_dict(reference._adapter).items()}
    schedule = Schedule(epochs, BATCH, reference.learning_rate, reference.weight_decay, 0.05, "auc", None, SEED)
    del reference

    times = [time.perf_counter()]
    model, tokenizer = load_backbone(BACKBONE, bf16=False, device=torch.device("cpu"))
    depth = model.config.num_hidden_layers
    if layers == "head":
        for name, parameter in model.named_parameters():
            parameter.requires_grad = name.startswith("score")
        torch.nn.init.zeros_(model.score.weight)
    else:
        chosen = list(range(depth if layers == "all" else depth - int(layers), depth))
        model = get_peft_model(
            model,
            LoraConfig(
                task_type=TaskType.SEQ_CLS,
                r=16,
                lora_alpha=32,
                target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
                layers_to_transform=list(range(depth)) if layers == "all" else chosen,
                modules_to_save=["score"],
            ),
        )
        set_peft_model_state_dict(model, first)
    encoded = tokenizer(prompts)
    rows_ = [
        {"input_ids": ids, "attention_mask": mask, "labels": float(label)}
        for ids, mask, label in zip(encoded["input_ids"], encoded["attention_mask"], labels, strict=True)
    ]

    class Order(torch.utils.data.Sampler):
        epoch = 0

        def __iter__(self):
            self.epoch += 1
            torch.manual_seed(SEED * 100_003 + self.epoch)
            return iter(torch.randperm(count).tolist())

        def __len__(self):
            return count

    order, losses = Order(), []

    class PlainTrainer(Trainer):
        def _get_train_sampler(self, *_args):
            return order

    class Clock(TrainerCallback):
        def on_epoch_end(self, *_args, **_kwargs):
            times.append(time.perf_counter())

    def loss(outputs, target, **_):
        value = functional.binary_cross_entropy_with_logits(outputs.logits.squeeze(-1), target.float())
        losses.append(value.item() * len(target))
        return value

    learning = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(learning, lr=1.0, weight_decay=schedule.weight_decay)
    rate = torch.optim.lr_scheduler.LambdaLR(optimiser, _warm_cosine(schedule, -(-count // BATCH)))
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            folder,
            num_train_epochs=epochs,
            per_device_train_batch_size=BATCH,
            max_grad_norm=1.0,
            use_cpu=True,
            report_to=[],
            save_strategy="no",
            logging_strategy="no",
            disable_tqdm=True,
        )
        PlainTrainer(
            model,
            arguments,
            train_dataset=rows_,
            processing_class=tokenizer,
            compute_loss_func=loss,
            optimizers=(optimiser, rate),
            callbacks=[Clock()],
        ).train()
    steps = -(-count // BATCH)
    means = [sum(losses[start : start + steps]) / count for start in range(0, len(losses), steps)]
    return _times(times) | {"losses": means}


def _times(times: list[float]) -> dict[str, float]:
    epochs = [after - before for before, after in pairwise(times)]
    return {"first_s": epochs[0], "epoch_s": statistics.median(epochs[1:])}


def inference(count: int, repeats: int) -> dict[str, Any]:
    """Prompts a second of a LoRA model: the pipeline of Transformers, one by one and in batches, and ours."""
    import torch
    from transformers import pipeline

    prompts, _ = rows(count)
    model = classifier("8", 1, "auto")
    model.fit(*rows(2))

    def read(fitted: Any) -> Any:
        fitted.trunk_ = None
        return fitted.predict_proba(prompts)

    # The pipeline reads the float32 weights that Transformers loads; ours those that precision auto loads.
    exact = classifier("8", 1, "fp32")
    exact.fit(*rows(2))
    pipe = pipeline("text-classification", model=exact._adapter.get_base_model(), tokenizer=exact._tokenizer, device=-1)
    options = {"function_to_apply": "sigmoid"}
    plain_probability = torch.tensor([each["score"] for each in pipe(prompts, **options)])
    difference = float((plain_probability - torch.tensor(exact.predict_proba(prompts)[:, 1])).abs().max())
    found = {"difference": difference, "precision": "bf16" if model._bf16 else "fp32"}
    found["pipeline"] = count / median_s(lambda: pipe(prompts, **options), repeats)
    found["pipeline_batched"] = count / median_s(lambda: pipe(prompts, batch_size=BATCH, **options), repeats)
    found["ours"] = count / median_s(lambda: read(model), repeats)
    found["ours_fp32"] = count / median_s(lambda: read(exact), repeats) if model._bf16 else found["ours"]
    return found


def training(layers: str, count: int = BATCH, epochs: int = 3) -> list[Row]:
    """Compare the ways of training these layers."""
    trained = {
        "plain": apart(__file__, "plain", layers, str(count), str(epochs)),
        "same": apart(__file__, "ours", layers, str(count), str(epochs), "fp32", "plain_head"),
        "auto": apart(__file__, "ours", layers, str(count), str(epochs), "auto", "standardised_head"),
    }
    pairs = zip(trained["plain"]["losses"], trained["same"]["losses"], strict=True)
    difference = max(abs(one - other) for one, other in pairs)
    if difference > 1e-4:
        raise SystemExit(f"{layers}: losses {trained['plain']['losses']} and {trained['same']['losses']}")
    what, (plain_way, same, auto) = NAMES[layers], trained.values()
    note = f"float32, losses equal to {difference:.0e}"
    return [
        Row(f"{what}, an epoch", "s", plain_way["epoch_s"], auto["epoch_s"], GOALS[layers], "as the pipeline runs it"),
        Row(f"{what}, an epoch, same problem", "s", plain_way["epoch_s"], same["epoch_s"], None, note),
        Row(f"{what}, loading and first epoch", "s", plain_way["first_s"], auto["first_s"]),
    ]


def reading(count: int = BATCH, repeats: int = 3) -> list[Row]:
    """Compare the ways of predicting."""
    found = apart(__file__, "inference", str(count), str(repeats))
    note = f"in {found['precision']}; float32 probabilities equal to {found['difference']:.0e}"
    return [
        Row("inference", "prompts/s", found["pipeline"], found["ours"], 2, note),
        Row("inference, float32", "prompts/s", found["pipeline"], found["ours_fp32"]),
        Row(f"inference, pipeline in batches of {BATCH}", "prompts/s", found["pipeline_batched"], found["ours"]),
    ]


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    way, *given = sys.argv[1:]
    if way == "ours":
        result = ours(given[0], int(given[1]), int(given[2]), given[3], given[4] == "plain_head")
    elif way == "plain":
        result = plain(given[0], int(given[1]), int(given[2]))
    else:
        result = inference(int(given[0]), int(given[1]))
    print(json.dumps(result))
