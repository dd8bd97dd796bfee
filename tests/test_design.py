"""Sums over rows compared with their formulas, for every kind of X that has its own code."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose

from robustreg.design.base import Point
from robustreg.design.dense import DenseDesign
from robustreg.design.small import SmallDesign
from robustreg.design.sparse import SparseDesign
from robustreg.losses import Bisquare, Huber
from robustreg.losses_redescending import Lqq, Optimal


def misaligned(X):
    """Return an array at an address that is not a multiple of eight, as after network transfer."""
    moved = np.empty(X.nbytes + 3, np.uint8)[3:].view(np.float64).reshape(X.shape)
    moved[:] = X
    assert not moved.flags.aligned
    return moved


KINDS = {
    "C": (DenseDesign, np.ascontiguousarray),
    "F": (DenseDesign, np.asfortranarray),
    "float32": (DenseDesign, lambda X: X.astype(np.float32)),
    "a view": (DenseDesign, lambda X: np.repeat(X, 2, axis=1)[:, ::2]),
    "misaligned": (DenseDesign, misaligned),
    "small": (SmallDesign, np.asarray),
    "small, float32": (SmallDesign, lambda X: X.astype(np.float32)),
    "CSR": (SparseDesign, sp.csr_array),
}
#: Mixing of the curvature: 0 is the second derivative, 1 the weight, None means 1 for every row.
MIXING = [0.0, 1e-3, 1.0, None]
N, P = 5000, 4  # two blocks


def make(kind, density, offset, weighted):
    """Return a design and X, y, frequencies, with entries that float32 holds exactly."""
    rng = np.random.default_rng(7)
    X = np.round(rng.standard_normal((N, P)) * 64) / 64 * (rng.random((N, P)) < density) + offset
    y = X.sum(axis=1) + rng.standard_t(2, N)
    weights = rng.integers(0, 3, N).astype(float) if weighted else None
    design, convert = KINDS[kind]
    return (
        design(convert(X), y, weights, centered=True),
        X,
        y,
        np.ones(N) * (1.0 if weights is None else weights),
    )


def explicit(design, X, y, s, point, mixing):
    """Return sums and the Gram matrix of the augmented rows by their definitions."""
    units = design.units
    Z = (X - units.center) / units.column_scale
    e = y / units.response_scale - Z @ point.coef - point.intercept
    t = point.threshold
    psi, inside = np.clip(e, -t, t), np.abs(e) <= t
    loss = s @ np.where(inside, e**2 / 2, t * (np.abs(e) - t / 2))
    last = inside * e
    if mixing is None:
        factor, last = np.ones(N), psi
    else:
        factor = (1 - mixing) * inside + mixing * np.minimum(1.0, t / np.abs(e))
    A = np.column_stack((Z, np.ones(N)))
    gram = np.zeros((P + 2, P + 2))
    gram[:-1, :-1] = A.T @ ((s * factor)[:, None] * A)
    gram[-1, :-1] = gram[:-1, -1] = A.T @ (s * last)
    gram[-1, -1] = (s * last) @ (psi if mixing is None else e)
    return (loss, s @ psi**2, s @ psi, s @ (np.abs(e) <= t), (s * psi) @ Z), gram


@pytest.fixture(params=[(0.0, 1.0), (3.0, 1.0), (50.0, 1.0), (1e4, 1.0), (0.0, 0.05)], ids=str)
def column(request):
    return request.param


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", KINDS)
class TestSums:
    @pytest.mark.parametrize("mixing", MIXING)
    def test_gram_and_factor(self, kind, weighted, column, mixing):
        design, *data = make(kind, column[1], column[0], weighted)
        point = Point(np.array([1.0, 0.5, -0.2, 0.0]), 0.3, 0.8, Huber(1.0))
        expected, gram = explicit(design, *data, point, mixing)
        size = np.sqrt(np.outer(np.diag(gram), np.diag(gram)))
        # Columns far from zero are shifted before products are computed, except in sparse X.
        tolerance = 1e-6 if kind == "CSR" and column[0] else 1e-10
        for _ in range(2):  # the second time, facts about the columns are known
            sums, found = design.gram(point, mixing)
            upper = np.triu(np.ones_like(gram)) > 0
            assert_allclose((found / size)[upper], (gram / size)[upper], atol=tolerance)
            for value, wanted in zip(sums, expected, strict=True):
                assert_allclose(value, wanted, rtol=1e-8, atol=1e-6)
        _, factor = design.triangular_factor(point, mixing)
        assert_allclose(factor.T @ factor / size, gram / size, atol=1e-10)
        _, (diagonal, row) = design.gram_diagonal(point, mixing)
        assert_allclose(diagonal / np.diag(gram), 1.0, atol=tolerance)
        assert_allclose(row / size[P], gram[P] / size[P], atol=tolerance)

    def test_other_sums_agree(self, kind, weighted, column):
        design, *data = make(kind, column[1], column[0], weighted)
        points = [
            Point(np.full(P, c), 0.1 * c, t, Huber(1.0))
            for c, t in [(1.0, 0.5), (0.9, 2.0), (0.5, 1.0)]
        ]
        one_by_one = [design.value_and_gradient(point) for point in points]
        precisely = [design.precise_gradient(point) for point in points]
        for other in (design.values_and_gradients(points), precisely):
            for found, wanted in zip(other, one_by_one, strict=True):
                for value, expected in zip(found, wanted, strict=True):
                    assert_allclose(value, expected, rtol=1e-8, atol=1e-6)
        vector = np.arange(1.0, P + 3)
        _, gram = explicit(design, *data, points[0], 0.0)
        product = design.gram_product(points[0], vector)
        assert_allclose(product, gram @ vector, rtol=1e-6, atol=1e-6 * np.abs(gram).max())


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "loss", [Bisquare(1.5), Lqq(0.3), Optimal(0.5)], ids=lambda loss: type(loss).__name__
)
def test_sums_of_a_loss_that_is_not_convex(kind, weighted, loss, column):
    design, X, y, s = make(kind, column[1], column[0], weighted)
    point = Point(np.array([1.0, 0.5, -0.2, 0.0]), 0.3, 0.8, loss)
    units = design.units
    A = np.column_stack(((X - units.center) / units.column_scale, np.ones(N)))
    e = y / units.response_scale - A @ np.append(point.coef, point.intercept)
    u, scale = e / point.scale, point.scale
    psi, slope = scale * loss.psi(u), loss.psi_prime(u)
    assert (slope < 0.0).mean() > 0.05
    A = np.column_stack((A, e))
    gram = A.T @ ((s * slope)[:, None] * A)
    values = (scale**2 * (s @ loss.rho(u)), s @ psi**2, s @ psi, s @ slope, (s * psi) @ A[:, :P])
    size = np.sqrt(np.outer(*2 * [np.diag(A.T @ ((s * np.abs(slope))[:, None] * A))]))
    tolerance = 1e-6 if kind == "CSR" and column[0] else 1e-9
    for _ in range(2):  # the second time, facts about the columns are known
        sums, found = design.gram(point, 0.0)
        upper = np.triu(np.ones_like(gram)) > 0
        assert_allclose((found / size)[upper], (gram / size)[upper], atol=tolerance)
        for several in (sums, design.values_and_gradients([point, point])[1]):
            for value, wanted in zip(several, values, strict=True):
                assert_allclose(value, wanted, rtol=1e-8, atol=1e-6)


def test_a_constant_column_is_exactly_zero():
    rng = np.random.default_rng(0)
    X = np.column_stack((rng.standard_normal(N), np.full(N, 0.1)))
    design = DenseDesign(X, rng.standard_normal(N), None, centered=True)
    _, gram = design.gram(Point(np.zeros(2), 0.0, 1.0, Huber(1.0)), None)
    assert gram[1, 1] == 0.0
