"""Binary cross-entropy on one logit: AdamW, cosine schedule, the best validation epoch kept, resumable.

The head learns on standardised states (:mod:`radprompt.llm.head`). Several processes share each batch where there are
any (:mod:`radprompt.llm.parallel`).
"""

import hashlib
import json
import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - torch's own short name
from tqdm import tqdm

from radprompt.core.errors import InputError
from radprompt.core.outputs import atomic_folder
from radprompt.llm.head import standardised_head
from radprompt.llm.inference import Encoded, predict_logits, predict_states
from radprompt.llm.lora import trainable
from radprompt.llm.parallel import Processes, join
from radprompt.llm.split import SplitModel


@dataclass(frozen=True)
class Schedule:
    """How long and how fast; see ``llm`` in params.yaml."""

    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    warmup_fraction: float
    best_epoch_by: Literal["auc", "loss"]
    patience: int | None
    seed: int


@dataclass
class State:
    """Where training stands after an epoch."""

    history: list[dict[str, float]] = field(default_factory=list)
    best_score: float = -float("inf")
    best_epoch: int = 0
    best: dict[str, Tensor] = field(default_factory=dict)


def train(
    split: SplitModel,
    rows: Encoded,
    labels: Tensor,
    validation: tuple[Encoded, Tensor] | None,
    schedule: Schedule,
    *,
    row_weights: Tensor | None = None,
    on_epoch: Callable[[dict[str, float]], None] | None = None,
    checkpoint: Path | None = None,
    seen: Sequence[Any] = (),
    progress: bool = True,
) -> State:
    """Train what is trainable in ``split`` and leave it holding the best epoch's weights.

    Parameters
    ----------
    rows, labels
        Encoded prompts (with the trunk's hidden states where there is a trunk) and their 0/1 labels, shape (rows,).
    validation
        The same for the rows that choose the epoch. Without them, or if they hold one class only and the criterion is
        ``auc``, the last epoch is kept.
    row_weights
        Factors of the training rows' losses, shape (rows,); None: 1 each. Validation rows count alike, and so do all
        rows where the states that the head reads are standardised.
    on_epoch
        Called with ``epoch, train_loss, val_loss, val_auc, learning_rate`` after each epoch, also for epochs that a
        checkpoint had already done.
    checkpoint
        Folder rewritten after each epoch; an interrupted run that starts from the same weights continues from it.
    seen
        Further values that identify the run, as JSON holds them; a checkpoint with other values is ignored.
    progress
        Whether a bar shows the epochs, on a terminal.

    Returns
    -------
    State
        History (one dict an epoch), best epoch (1 = first) and its score.
    """
    fingerprint = "" if checkpoint is None else _fingerprint(split, seen)
    device = next(iter(trainable(split.model).values())).device
    processes = join(device)
    states = processes.of_all(lambda part: predict_states(split, part, schedule.batch_size), rows, device)
    with standardised_head(split.model, states):
        state = _epochs(
            split,
            rows,
            (labels, row_weights),
            validation,
            schedule,
            on_epoch,
            checkpoint,
            fingerprint,
            progress,
            processes,
        )
    split.model.eval()
    return state


def _epochs(
    split: SplitModel,
    rows: Encoded,
    targets: tuple[Tensor, Tensor | None],
    validation: tuple[Encoded, Tensor] | None,
    schedule: Schedule,
    on_epoch: Callable[[dict[str, float]], None] | None,
    checkpoint: Path | None,
    fingerprint: str,
    progress: bool,
    processes: Processes,
) -> State:
    labels, weights = targets
    parameters = trainable(split.model)
    optimiser = torch.optim.AdamW(parameters.values(), lr=schedule.learning_rate, weight_decay=schedule.weight_decay)
    steps_an_epoch = -(-len(rows) // schedule.batch_size)
    rate = _warm_cosine(schedule, steps_an_epoch)
    state = State()
    if checkpoint is not None:
        state = _resume(checkpoint, fingerprint, parameters, optimiser) or state
    device = next(iter(parameters.values())).device
    if processes.total(len(state.history), device) != processes.size * len(state.history):
        raise InputError(
            f"process {processes.rank} of {processes.size} does not see the same checkpoint as the others",
            where=str(checkpoint),
            fix="train on a file system that all processes share",
        )
    processes.agree(parameters.values())
    if on_epoch:
        for past in state.history:
            on_epoch(past)

    epochs = range(len(state.history) + 1, schedule.epochs + 1)
    hidden = None if progress and processes.rank == 0 else True  # None: unless on a terminal
    bar = tqdm(epochs, initial=len(state.history), total=schedule.epochs, desc="training", disable=hidden)
    for epoch in bar:
        if schedule.patience is not None and epoch - 1 - state.best_epoch >= schedule.patience:
            break
        split.model.train()
        torch.manual_seed(schedule.seed * 100_003 + epoch)  # an epoch's shuffle and dropout do not depend on the past
        losses = []
        for step, index in enumerate(torch.randperm(len(rows)).split(schedule.batch_size)):
            optimiser.param_groups[0]["lr"] = rate((epoch - 1) * steps_an_epoch + step)
            optimiser.zero_grad(set_to_none=True)
            mine = processes.share(index)
            if len(mine):
                own = None if weights is None else weights[mine].to(device)
                losses.append(add_gradients(split, rows[mine], labels[mine].to(device), len(index), own))
            processes.add_up(parameters.values())
            torch.nn.utils.clip_grad_norm_(parameters.values(), 1.0)
            optimiser.step()
        entry = {
            "epoch": epoch,
            "train_loss": processes.total(sum(losses), device) / len(rows),
            "learning_rate": optimiser.param_groups[0]["lr"],
        }
        if validation is not None:
            entry |= _validate(split, *validation, schedule.batch_size, processes, device)
        state.history.append(entry)
        score = _criterion(entry, schedule.best_epoch_by)
        if score is None or score > state.best_score:
            state.best_score = score if score is not None else state.best_score
            state.best_epoch = epoch
            state.best = {name: p.detach().clone() for name, p in parameters.items()}
        if checkpoint is not None and processes.rank == 0:
            _save(checkpoint, fingerprint, state, parameters, optimiser)
        if on_epoch:
            on_epoch(entry)
        bar.set_postfix({k: f"{v:.3f}" for k, v in entry.items() if k.endswith(("loss", "auc"))})

    processes.wait()  # for the first to have written its checkpoint
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(state.best[name])
    return state


def add_gradients(
    split: SplitModel, rows: Encoded, labels: Tensor, batch_size: int, weights: Tensor | None = None
) -> float:
    """Accumulate these rows' gradients, scaled for a batch of ``batch_size`` rows; return the sum of their losses.

    ``labels`` and the losses' ``weights``, shape (rows,), lie on the model's device; None: 1 each.
    """
    pieces, total = rows.pieces(labels.device), 0.0
    lengths = [len(piece) for piece in pieces]
    factors = [None] * len(pieces) if weights is None else weights.split(lengths)
    for piece, targets, factor in zip(pieces, labels.split(lengths), factors, strict=True):
        with piece.autocast(labels.device):
            logits = split.logits(*piece.to(labels.device))
        loss = F.binary_cross_entropy_with_logits(logits, targets, weight=factor, reduction="sum")
        (loss / batch_size).backward()
        total += loss.item()
    return total


def _fingerprint(split: SplitModel, seen: Sequence[Any]) -> str:
    start = hashlib.sha256()
    for tensor in trainable(split.model).values():  # after fit, adapt starts from other weights
        start.update(tensor.detach().cpu().numpy().tobytes())
    return hashlib.sha256(json.dumps([*seen, start.hexdigest()], sort_keys=True).encode()).hexdigest()


def validation_scores(kept: list[dict[str, float]]) -> dict[str, float]:
    """Sum up the kept epochs of several runs: mean of ``val_auc`` and ``val_loss``, and with ``_sd`` their spread."""
    scores: dict[str, float] = {"runs": len(kept)}
    for metric in ("val_auc", "val_loss"):
        values = [entry[metric] for entry in kept if metric in entry]
        if values:
            scores[metric] = round(statistics.fmean(values), 6)
        if len(values) > 1:
            scores[f"{metric}_sd"] = round(statistics.stdev(values), 6)
    return scores


def _criterion(entry: dict[str, float], by: str) -> float | None:
    if by == "loss":
        return -entry["val_loss"] if "val_loss" in entry else None
    # Among epochs with equal AUC, the one with the lower loss.
    return entry["val_auc"] - 1e-6 * entry["val_loss"] if "val_auc" in entry else None


def _validate(
    split: SplitModel, rows: Encoded, labels: Tensor, batch_size: int, processes: Processes, device: torch.device
) -> dict[str, float]:
    logits = processes.of_all(lambda part: predict_logits(split, part, batch_size), rows, device)
    scores = {"val_loss": F.binary_cross_entropy_with_logits(logits, labels).item()}
    if len(labels.unique()) == 2:
        scores["val_auc"] = float(roc_auc_score(labels.numpy(), logits.numpy()))
    return scores


def _warm_cosine(schedule: Schedule, steps_an_epoch: int) -> Callable[[int], float]:
    total = schedule.epochs * steps_an_epoch
    warmup = round(schedule.warmup_fraction * total)

    def rate(step: int) -> float:
        if step < warmup:
            return schedule.learning_rate * (step + 1) / (warmup + 1)
        done = (step - warmup) / max(1, total - warmup)
        return schedule.learning_rate * 0.5 * (1 + math.cos(done * math.pi))

    return rate


def _save(
    folder: Path, fingerprint: str, state: State, parameters: dict[str, Any], optimiser: torch.optim.Optimizer
) -> None:
    from safetensors.torch import save_file

    tensors = {f"now/{name}": p.detach().clone().cpu() for name, p in parameters.items()}
    tensors |= {f"best/{name}": value.cpu() for name, value in state.best.items()}
    for name, p in parameters.items():
        for moment, value in optimiser.state[p].items():
            tensors[f"adam/{moment}/{name}"] = value.detach().clone().cpu()
    record = {
        "fingerprint": fingerprint,
        "history": state.history,
        "best_score": None if state.best_score == -float("inf") else state.best_score,
        "best_epoch": state.best_epoch,
    }
    with atomic_folder(folder) as part:
        save_file(tensors, part / "state.safetensors")
        (part / "state.json").write_text(json.dumps(record), encoding="utf-8")


def _resume(
    folder: Path, fingerprint: str, parameters: dict[str, Any], optimiser: torch.optim.Optimizer
) -> State | None:
    from safetensors.torch import load_file

    try:
        record = json.loads((folder / "state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if record["fingerprint"] != fingerprint:
        return None
    tensors = load_file(folder / "state.safetensors")
    with torch.no_grad():
        for name, p in parameters.items():
            p.copy_(tensors[f"now/{name}"])
            optimiser.state[p] = {m: tensors[f"adam/{m}/{name}"] for m in ("step", "exp_avg", "exp_avg_sq")}
            for moment in ("exp_avg", "exp_avg_sq"):  # AdamW expects its step counter on the CPU
                optimiser.state[p][moment] = optimiser.state[p][moment].to(p.device)
    best_score = -float("inf") if record["best_score"] is None else record["best_score"]
    best = {n: tensors[f"best/{n}"].to(p.device) for n, p in parameters.items()}
    return State(record["history"], best_score, record["best_epoch"], best)
