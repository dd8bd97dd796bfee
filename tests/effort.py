"""Set how much of the tests runs by default, and how much only in .ci/run."""

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings

FEWEST = 4

# The examples are the same on every machine and in every run, so that failures can be repeated.
settings.register_profile(
    "thorough",
    max_examples=100,
    deadline=None,
    derandomize=True,
    database=None,
    # Failures are not explained, since that takes longer than finding them.
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow],
)
THOROUGH = settings.get_profile("thorough")
settings.register_profile("quick", parent=THOROUGH, max_examples=12)
settings.register_profile("explore", parent=THOROUGH, derandomize=False)


def examples(most: int) -> settings:
    """Use this number of examples in the profile "thorough", and a share of it in others."""
    share = settings.default.max_examples / THOROUGH.max_examples
    return settings(max_examples=max(round(share * most), FEWEST))


def slow(*cases: Any) -> list[Any]:
    """Return cases of ``parametrize`` that run only with the slow tests."""
    return [
        pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=pytest.mark.slow)
        for case in cases
    ]
