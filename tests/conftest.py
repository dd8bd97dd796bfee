"""Settings that hold for every test."""

import os

# Read when SciPy is imported: without it check_estimator skips its array API checks.
os.environ.setdefault("SCIPY_ARRAY_API", "1")

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, settings

# The same examples on every machine and in every run: a failure in CI can be repeated. To search
# for new ones, pytest --hypothesis-profile=explore.
settings.register_profile(
    "ci",
    deadline=None,
    derandomize=True,
    database=None,
    # Without the explanation of a failure, which takes longer than the search for it.
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("explore", parent=settings.get_profile("ci"), derandomize=False)
settings.load_profile("ci")


@pytest.fixture
def rng():
    return np.random.default_rng(20240607)
