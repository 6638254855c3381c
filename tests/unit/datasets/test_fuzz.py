import pytest
from fuzz_targets import TARGETS
from hypothesis import HealthCheck, given, settings

EXAMPLES = {"cbis_table": 25, "vindr_table": 25, "inbreast_table": 25}
"""Where not 150; ``benchmarks/fuzz.py`` runs them by the hour."""


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", TARGETS)
def test_what_is_not_read_is_refused_in_words(name):
    target = TARGETS[name]

    @settings(
        max_examples=EXAMPLES.get(name, 150),
        derandomize=True,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(target.examples)
    def holds(example):
        target.run(example)

    holds()
