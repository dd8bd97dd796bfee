"""How much of the tests runs by default, and how much in .ci/run alone."""

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings

FEWEST = 4

# The same examples on every machine and in every run: a failure in CI can be repeated.
settings.register_profile(
    "thorough",
    max_examples=100,
    deadline=None,
    derandomize=True,
    database=None,
    # Without the explanation of a failure, which takes longer than the search for it.
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow],
)
THOROUGH = settings.get_profile("thorough")
settings.register_profile("quick", parent=THOROUGH, max_examples=12)
settings.register_profile("explore", parent=THOROUGH, derandomize=False)


def examples(most: int) -> settings:
    """So many examples in the profile "thorough", and the profile's share of them in another."""
    share = settings.default.max_examples / THOROUGH.max_examples
    return settings(max_examples=max(round(share * most), FEWEST))


def slow(*cases: Any) -> list[Any]:
    """Cases of ``parametrize`` that run with the slow tests alone."""
    return [
        pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=pytest.mark.slow)
        for case in cases
    ]
