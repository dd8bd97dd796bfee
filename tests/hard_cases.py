"""Data with a cluster of leverage points, for which the lowest known minimum of S is known."""

import numpy as np
from numpy.typing import NDArray

from robustreg.losses_redescending import loss_for_breakdown
from robustreg.m_scale import m_scale

#: Rows, columns, share and position of the wrong rows: see shared/oracles/hard_cases.md.
CASES = (
    (500, 20, 0.30, 8),
    (500, 30, 0.25, 8),
    (500, 30, 0.30, 3),
    (500, 30, 0.35, 8),
    (300, 10, 0.40, 4),
    (200, 10, 0.30, 3),
)


def hard_case(n, p, share, far, seed):
    """Return data of which the first ``share * n`` rows are wrong in x_1 and in y."""
    r = np.random.default_rng(seed)
    X = r.normal(size=(n, p))
    b = np.linspace(1, 2, p)
    y = 1 + X @ b + r.normal(size=n)
    k = int(share * n)
    X[:k, 0] = far + 0.3 * r.normal(size=k)
    y[:k] = -3 * far + r.normal(size=k) + X[:k, 1:] @ b[1:]
    return X, y


def scale_from(X, y, rows: NDArray[np.bool_], steps: int = 500) -> float:
    """Return the S scale that iterated least squares reaches from least squares on some rows."""
    n = len(y)
    Z = np.column_stack((np.ones(n), X))
    loss = loss_for_breakdown("bisquare", 0.5)
    target = 0.5 * (n - Z.shape[1])
    coef = np.linalg.lstsq(Z[rows], y[rows], rcond=None)[0]
    for _ in range(steps):
        residuals = y - Z @ coef
        root = np.sqrt(loss.weight(residuals / m_scale(residuals, loss, target)))
        last, coef = coef, np.linalg.lstsq(Z * root[:, None], y * root, rcond=None)[0]
        if np.abs(coef - last).max() <= 1e-12 * np.abs(coef).max():
            break
    return m_scale(y - Z @ coef, loss, target)
