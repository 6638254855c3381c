"""Training shared by the processes that ``accelerate launch`` or ``torchrun`` start: one batch, each its share of rows.

Every process holds the whole model and computes the gradients of its rows; added up, they are those of the batch, so
the losses are those of one process to rounding (dropout apart, which each draws for itself). Only the first process
writes (:func:`radprompt.core.outputs.whole`).
"""

import atexit
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol, Self, TypeVar

import torch
from torch import Tensor, distributed, nn


class _Rows(Protocol):
    def __len__(self) -> int: ...

    def __getitem__(self, index: Tensor) -> Self: ...


Rows = TypeVar("Rows", bound=_Rows)


@dataclass(frozen=True)
class Processes:
    """Which of how many processes this is; alone, nothing is exchanged."""

    rank: int = 0
    size: int = 1

    def share(self, index: Tensor) -> Tensor:
        """Return this process's part of a batch's rows; empty where there are more processes than rows."""
        return index.tensor_split(self.size)[self.rank]

    def add_up(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace each gradient by its sum over all processes; a process without rows adds nothing."""
        if self.size == 1:
            return
        parameters = list(parameters)
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        joined = torch.cat([parameter.grad.flatten() for parameter in parameters if parameter.grad is not None])
        distributed.all_reduce(joined)
        for parameter, part in zip(parameters, joined.split([p.numel() for p in parameters]), strict=True):
            parameter.grad = part.view_as(parameter)

    def total(self, value: float, device: torch.device) -> float:
        """Return the sum of a number over all processes."""
        if self.size == 1:
            return value
        held = torch.tensor(value, dtype=torch.float64, device=device)
        distributed.all_reduce(held)
        return held.item()

    def of_all(self, function: Callable[[Rows], Tensor], rows: Rows, device: torch.device) -> Tensor:
        """Return ``function(rows)``, one result a row on the CPU, computed in shares."""
        if self.size == 1:
            return function(rows)
        mine = self.share(torch.arange(len(rows)))
        part = function(rows[mine if len(mine) else torch.tensor([0])])  # without rows, one shows the result's shape
        result = torch.zeros(len(rows), *part.shape[1:], dtype=part.dtype, device=device)
        if len(mine):
            result[mine] = part.to(device)
        distributed.all_reduce(result)
        return result.cpu()

    def agree(self, parameters: Iterable[nn.Parameter]) -> None:
        """Give every process the first one's weights."""
        if self.size > 1:
            for parameter in parameters:
                distributed.broadcast(parameter.data, 0)

    def wait(self) -> None:
        """Go on when all are here."""
        if self.size > 1:
            distributed.barrier()


def join(device: torch.device) -> Processes:
    """Meet the other processes that the environment names (``WORLD_SIZE``, ``RANK``, ``MASTER_ADDR``), if any."""
    if not distributed.is_available():
        return Processes()
    if not distributed.is_initialized():
        if int(os.environ.get("WORLD_SIZE", "1")) == 1:
            return Processes()
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
        atexit.register(distributed.destroy_process_group)
    return Processes(distributed.get_rank(), distributed.get_world_size())
