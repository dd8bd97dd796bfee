"""A refit that fails or is interrupted leaves the previous fit."""

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from problems import plain
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError

import robustreg
from robustreg import ExactFitWarning, HuberRegressor, HuberRegressorCV
from robustreg.estimators import huber, huber_cv, huber_search

pd = pytest.importorskip("pandas")

PACKAGE = str(Path(robustreg.__file__).parent)


def state(model):
    """Return the attributes of a fit in a form that can be compared."""
    return {
        name: value.tolist() if hasattr(value, "tolist") else value
        for name, value in vars(model).items()
        if name.endswith("_") and name not in ("cv_results_", "scorer_")
    }


class TestRefit:
    """A fit that does not finish leaves the previous one."""

    MODELS = (HuberRegressor(), HuberRegressor(delta="auto"), HuberRegressorCV(cv=3))

    @pytest.fixture(params=MODELS, ids=str)
    def fitted(self, request, rng):
        X, y = plain(rng, n=60, p=3)
        return clone(request.param).fit(pd.DataFrame(X, columns=list("abc")), y)

    @pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, ValueError, SystemExit])
    @pytest.mark.parametrize(
        "where", ["as_design", "fit_huber", "warn_of_doubt", "restored_on_failure"]
    )
    def test_interrupted_anywhere(self, fitted, rng, monkeypatch, where, error):
        def fail(*arguments, **options):
            raise error

        before = state(fitted)
        X, y = plain(rng, n=40, p=5)
        for module in (huber, huber_cv, huber_search):
            if hasattr(module, where):
                monkeypatch.setattr(module, where, fail)
        with pytest.raises(error):
            fitted.fit(pd.DataFrame(X, columns=list("vwxyz")), y)
        assert state(fitted) == before
        assert fitted.predict(pd.DataFrame(np.ones((1, 3)), columns=list("abc"))).shape == (1,)

    @given(lines=st.integers(1, 2500))
    def test_interrupted_at_any_line(self, lines):
        """Interrupt a fit as by Ctrl-C, at a given line that the package executes."""
        rng = np.random.default_rng(0)
        model = HuberRegressor().fit(*plain(rng, n=30, p=2))
        before, left = state(model), lines

        def trace(frame, event, argument):
            nonlocal left
            file = frame.f_code.co_filename
            # An environment may be in a folder of the same name.
            if not file.startswith(PACKAGE) or "refit" in file:
                return None
            left -= event == "line"
            if left == 0:
                raise KeyboardInterrupt
            return trace

        X, y = plain(rng, n=30, p=4)
        previous = sys.gettrace()
        try:
            # An interruption at the end of such a block would leave its state behind.
            with np.errstate(), config_context():
                sys.settrace(trace)
                model.fit(X, y)
        except KeyboardInterrupt:
            assert state(model) == before
        else:
            assert model.n_features_in_ == model.coef_.size == 4
        finally:
            sys.settrace(previous)

    def test_bad_data_and_warnings_that_are_errors(self, fitted, rng):
        before = state(fitted)
        X, y = plain(rng, n=40, p=5)
        with pytest.raises(ValueError, match="NaN"):
            fitted.fit(X, np.where(y > 0.0, np.nan, y))
        with pytest.raises(ValueError, match="zero for every row"):
            fitted.fit(X, y, np.zeros(40))
        with pytest.raises(ExactFitWarning):  # warnings are errors here
            fitted.fit(X, np.zeros(40))
        fitted.set_params(max_iter=1, tol=1e-13)
        with pytest.raises(ConvergenceWarning):
            fitted.fit(X, y)
        assert state(fitted) == before

    @pytest.mark.parametrize("model", MODELS, ids=str)
    def test_the_first_fit_leaves_nothing(self, model, rng):
        X, y = plain(rng, n=40, p=2)
        unfitted = clone(model)
        with pytest.raises(ValueError, match="negative"):
            unfitted.fit(X, y, -np.ones(40))
        assert state(unfitted) == {}
        with pytest.raises(NotFittedError):
            unfitted.predict(X)

    def test_names_of_the_last_fit_only(self, fitted, rng):
        fitted.fit(*plain(rng, n=40, p=2))
        assert fitted.n_features_in_ == 2
        assert not hasattr(fitted, "feature_names_in_")
