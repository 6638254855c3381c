"""Tiny data sets in the real layouts, and what must hold of a loaded one."""

import csv

import pytest
from tiny_sets import Cbis, Inbreast, Vindr

from radprompt.core.params import Compute


@pytest.fixture(autouse=True)
def _longest_field():
    """Keep the limit of csv: some libraries raise it for a whole process, and messages would depend on them."""
    before = csv.field_size_limit(131_072)
    yield
    csv.field_size_limit(before)


@pytest.fixture
def compute():
    return Compute("loky", 1)


@pytest.fixture
def cbis(tmp_path):
    return Cbis(tmp_path / "cbis_ddsm")


@pytest.fixture
def vindr(tmp_path):
    return Vindr(tmp_path / "vindr_mammo")


@pytest.fixture
def inbreast(tmp_path):
    return Inbreast(tmp_path / "inbreast")


@pytest.fixture
def check():
    """Assert what holds of every loaded set: rows are accounted for once, and the flow adds up."""

    def accounted(found, rows: int) -> dict[str, str]:
        flow = found.flow
        excluded = {step: count for step, count in flow.items() if step.startswith("excluded: ")}
        assert flow["rows"] == rows == len(found.lesions) + len(found.exclusions)
        assert flow["rows"] - sum(excluded.values()) == flow["lesions"] == len(found.lesions)
        steps = list(flow)
        after = sum(excluded[step] for step in steps[steps.index("mass") :] if step in excluded)
        assert flow["mass"] - after == flow["lesions"]
        for lesion in found.lesions:
            assert 0 <= lesion.xmin < lesion.xmax
            assert 0 <= lesion.ymin < lesion.ymax
        return {exclusion.record: exclusion.reason for exclusion in found.exclusions}

    return accounted
