"""Devices are chosen at run time, and absent ones refused by name."""

import pytest
import torch

from radprompt.core.device import attends_in_bf16, computes_bf16, resolve_device
from radprompt.core.errors import InputError


def test_auto_is_the_gpu_where_there_is_one():
    assert resolve_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("name", ["gpu", "cuda:99"])
def test_absent_device_is_refused(name):
    with pytest.raises(InputError, match=r"^device: .*(no device is called 'gpu'|cuda:99: this machine has \d+ GPUs)"):
        resolve_device(name)


@pytest.mark.parametrize(
    ("capabilities", "computes", "attends"),
    [({"amx_bf16": True}, True, True), ({"avx512_bf16": True}, True, False), ({"avx2": True}, False, False)],
)
def test_bf16_follows_the_processor(monkeypatch, capabilities, computes, attends):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert (computes_bf16(torch.device("cpu")), attends_in_bf16(torch.device("cpu"))) == (computes, attends)
    assert attends_in_bf16(torch.device("cuda"))
