"""What is trained on at once fits the processor."""

import pytest
import torch

from radprompt.llm.inference import Encoded


@pytest.mark.parametrize(
    ("device", "bf16", "pieces"),
    [("cpu", False, [10, 10, 5]), ("cpu", True, [20, 5]), ("cuda", True, [25])],
)
def test_bfloat16_takes_twice_as_many_prompts_at_once_and_a_gpu_takes_all(device, bf16, pieces):
    tokens = torch.ones(25, 140, dtype=torch.long)
    found = Encoded(tokens, tokens, None, None, bf16).pieces(torch.device(device))
    assert [len(piece) for piece in found] == pieces


def test_one_prompt_is_a_piece_however_long_it_is():
    tokens = torch.ones(2, 5_000, dtype=torch.long)
    assert len(Encoded(tokens, tokens, None, None, False).pieces(torch.device("cpu"))) == 2
