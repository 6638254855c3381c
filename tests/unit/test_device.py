"""Devices are chosen at run time, and absent ones refused by name."""

import pytest
import torch

from radprompt.device import computes_bf16, resolve_device
from radprompt.errors import InputError


def test_auto_is_the_gpu_where_there_is_one():
    assert resolve_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("name", ["gpu", "cuda:99"])
def test_absent_device_is_refused(name):
    with pytest.raises(InputError, match=r"^device: .*(no device is called 'gpu'|cuda:99: this machine has \d+ GPUs)"):
        resolve_device(name)


@pytest.mark.parametrize(("capabilities", "expected"), [({"amx_bf16": True}, True), ({"avx2": True}, False)])
def test_bf16_follows_the_processor(monkeypatch, capabilities, expected):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert computes_bf16(torch.device("cpu")) is expected
