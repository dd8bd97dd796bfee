"""Settings that hold for every test."""

import os

# SciPy reads this when it is imported. Without it check_estimator skips its array API checks.
os.environ.setdefault("SCIPY_ARRAY_API", "1")
# The problems of the tests are small. Several threads of BLAS, which wait for each other and for
# the workers of pytest-xdist, would take longer than one.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import effort  # noqa: F401
import numpy as np
import pytest
from hypothesis import settings

# By default each property is tested with a few examples. --hypothesis-profile=thorough, as in
# .ci/run, tests all of them. --hypothesis-profile=explore uses new examples in each run.
settings.load_profile("quick")


@pytest.fixture
def rng():
    return np.random.default_rng(20240607)
