"""Shares of a batch, and who writes."""

import torch

from radprompt.llm.parallel import Processes
from radprompt.outputs import write_text


def test_shares_hold_each_row_once():
    index = torch.tensor([4, 0, 3, 2, 1])
    shares = [Processes(rank, 3).share(index).tolist() for rank in range(3)]
    assert shares == [[4, 0], [3, 2], [1]]
    assert Processes(2, 3).share(index[:2]).tolist() == []


def test_alone_nothing_changes():
    alone, weight = Processes(), torch.nn.Parameter(torch.ones(2))
    alone.add_up([weight])
    assert weight.grad is None
    assert alone.total(0.1, torch.device("cpu")) == 0.1
    assert alone.of_all(lambda rows: rows * 2, torch.arange(3), torch.device("cpu")).tolist() == [0, 2, 4]


def test_a_process_that_is_not_the_first_leaves_files_alone(tmp_path, monkeypatch):
    write_text(tmp_path / "a.txt", "first")
    monkeypatch.setenv("RANK", "1")
    write_text(tmp_path / "a.txt", "second")
    write_text(tmp_path / "b.txt", "second")
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "first"
