"""Settings that hold for every test."""

import os

# Read when SciPy is imported: without it check_estimator skips its array API checks.
os.environ.setdefault("SCIPY_ARRAY_API", "1")
# The problems of the tests are small. On threads of BLAS that wait for each other, and for the
# workers of pytest-xdist, they take longer than on one.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import effort  # noqa: F401
import numpy as np
import pytest
from hypothesis import settings

# A few examples of each property. All of them: pytest --hypothesis-profile=thorough, as .ci/run
# does; others at each run, to search for new failures: --hypothesis-profile=explore.
settings.load_profile("quick")


@pytest.fixture
def rng():
    return np.random.default_rng(20240607)
