"""Work over processes: same results, same order, errors that survive the way back."""

import os
import sys
import time

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from radprompt.core import compute as module
from radprompt.core.compute import parallel_map
from radprompt.core.errors import ImageError, InputError
from radprompt.core.params import Compute


def _square(x, *, plus=0):
    if x == 13:
        raise ImageError("truncated", where="a.dcm", fix="download it again")
    if x == 14:
        raise KeyError("spacing")
    return x * x + plus


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_results_come_in_the_order_given(workers, backend):
    assert parallel_map(_square, [3, 1, 2], Compute(backend, workers), "t", plus=1) == [10, 2, 5]


def test_an_image_error_keeps_its_parts_across_processes():
    with pytest.raises(ImageError) as caught:
        parallel_map(_square, [1, 13], Compute("loky", 2), "t")
    assert (caught.value.what, caught.value.where, caught.value.fix) == ("truncated", "a.dcm", "download it again")
    assert str(caught.value) == "a.dcm: truncated\nFix: download it again"


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_any_other_error_names_its_item(backend):
    with pytest.raises(KeyError, match="spacing") as caught:
        parallel_map(_square, [1, 14, 2], Compute(backend, 2), "t", unit="image")
    assert caught.value.__notes__ == ["image 2: 14"]


@pytest.mark.parametrize(("backend", "package"), [("dask", "distributed"), ("ray", "ray")])
def test_a_cluster_that_is_not_installed_says_what_to_install(backend, package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=f"{package} is not installed") as caught:
        parallel_map(_square, [1], Compute(backend, 1), "t")
    assert caught.value.where == "params.yaml, compute.backend"
    assert f"pip install {package}" in caught.value.fix


def test_no_scheduler_at_the_address(monkeypatch):
    monkeypatch.setattr(module, "_WAIT_S", 1)
    with pytest.raises(InputError, match=r"no Dask scheduler answers at 'tcp://127\.0\.0\.1:9'") as caught:
        parallel_map(_square, [1], Compute("dask", 1, "tcp://127.0.0.1:9"), "t")
    assert caught.value.where == "params.yaml, compute.address"


def test_a_cluster_never_holds_more_than_so_many_items(monkeypatch):
    monkeypatch.setattr(module, "_AHEAD", 3)
    handed, most, done = set(), [], []

    def submit(number, item):
        handed.add(number)
        most.append(len(handed) - len(done))
        return item

    def result(future, named):
        done.append(named)
        return future

    task = module._Task(_square, {}, "lesion")
    assert list(module._in_turn(submit, result, task, list("abcdefg"))) == list("abcdefg")
    assert max(most) == 3
    assert done[-1] == "lesion 7: g"


def test_a_worker_elsewhere_works_where_the_caller_does(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    task = module._Task(lambda item: os.getcwd() + item, {}, "lesion").here()
    monkeypatch.chdir("/")
    assert task(0, "!") == f"{tmp_path}!"
    monkeypatch.chdir("/")
    tmp_path.rmdir()
    with pytest.raises(InputError, match="cannot enter the working directory") as caught:
        task(0, "!")
    assert caught.value.where == str(tmp_path)


def _process(item: int, *, pause: float) -> tuple[int, int, list[int]]:
    time.sleep(pause)
    np.ones((2, 2)) @ np.ones((2, 2))
    return item, os.getpid(), [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


@pytest.mark.parametrize(("pause", "others_here"), [(0.0, True), (0.2, False)])
def test_light_work_stays_in_this_process_by_one_thread_until_workers_pay(monkeypatch, pause, others_here):
    monkeypatch.setattr(module, "_START_S", 0.5)
    found = parallel_map(_process, [3, 1, 2, 5], Compute("loky", 2), "t", light=True, pause=pause)
    assert [item for item, _, _ in found] == [3, 1, 2, 5]
    assert [process == os.getpid() for _, process, _ in found] == [True, *[others_here] * 3]
    assert set(found[0][2]) <= {1}
    assert parallel_map(_process, [], Compute("loky", 2), "t", light=True, pause=0.0) == []
