"""Work over processes: same results, same order, errors that survive the way back."""

import pytest

from radprompt.compute import for_each
from radprompt.errors import ImageError
from radprompt.params import Compute


def _square(x, *, plus=0):
    if x == 13:
        raise ImageError("truncated", where="a.dcm", fix="download it again")
    return x * x + plus


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_results_come_in_the_order_given(workers, backend):
    assert for_each(_square, [3, 1, 2], Compute(backend, workers), "t", plus=1) == [10, 2, 5]


def test_an_image_error_keeps_its_parts_across_processes():
    with pytest.raises(ImageError) as caught:
        for_each(_square, [1, 13], Compute("loky", 2), "t")
    assert (caught.value.what, caught.value.where, caught.value.fix) == ("truncated", "a.dcm", "download it again")
    assert str(caught.value) == "a.dcm: truncated\nFix: download it again"
