"""Waiting for DVC's queue, whose view of it has a gap while a worker takes an entry."""

import pytest

from radprompt.repository.ablations import queue, running
from radprompt.study.ablation_tables import Row, Table


@pytest.fixture
def looks(monkeypatch):
    """What each look at the queue finds, to fill in; nothing waits, and one worker is alive."""
    found: list[list[str]] = []
    monkeypatch.setattr(queue, "tasks", lambda: [queue.Task("table3-a", "0123456", state) for state in found.pop(0)])
    monkeypatch.setattr(queue, "workers", lambda: 1)
    monkeypatch.setattr(queue, "minutes", lambda: {"0123456": 0.5})
    monkeypatch.setattr(queue, "stages_run", lambda log: ["evaluate@vindr"])
    monkeypatch.setattr(running.time, "sleep", lambda seconds: None)
    return found


def follow() -> list[str]:
    said: list[str] = []
    row = Row(name="a", paper="", set={"llm.lora.rank": 8})
    running.follow(Table("Rank", ["evaluate@vindr"], ["vindr"], ["llm"], [row], name="table3"), 1, said.append, str)
    return said


@pytest.mark.parametrize("before", [[["queued"]], [["queued"], ["queued"]], []])
def test_an_entry_that_is_nowhere_for_a_moment_is_waited_for(looks, before):
    looks[:] = [*before, [], ["running"], ["running"], ["success"], ["success"]]
    assert follow() == ["table3-a: runs", "table3-a: done in 0.5 min (evaluate@vindr)"]
    assert looks == []


def test_two_looks_at_an_empty_queue_end_it(looks):
    looks[:] = [[], []]
    assert follow() == []
    assert looks == []
