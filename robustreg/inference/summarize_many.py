"""Standard errors, tests and intervals of all responses of a fit, in one table."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from scipy.sparse import issparse
from sklearn.utils.validation import _check_feature_names, validate_data

from robustreg.data import check_weights
from robustreg.exceptions import UndeterminedWarning
from robustreg.inference.cluster import numbered_groups
from robustreg.inference.covariance import Coupling
from robustreg.inference.frames import pandas
from robustreg.inference.levels import check_level
from robustreg.inference.models import last_step, refuse_penalty
from robustreg.inference.moderated import fitted_prior
from robustreg.inference.options import COVARIANCES, check_covariance_options, refuse_groups
from robustreg.inference.regression import MANY_ROWS
from robustreg.inference.response_block import (
    OrthonormalRows,
    ResponseResiduals,
    ResponsesFit,
    orthonormal_rows,
)
from robustreg.inference.response_errors import (
    Groups,
    cluster_errors,
    huber_errors,
    sandwich_errors,
)
from robustreg.inference.scale_equations import FOREIGN_DATA, OTHER_SCALE
