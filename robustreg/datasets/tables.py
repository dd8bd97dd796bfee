"""Classical data sets of the literature on robust regression, shipped with the library."""

from __future__ import annotations

from importlib import resources
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from robustreg.parameters import checked_parameters

__all__ = ["load_phones", "load_stackloss", "load_stars"]

_PACKAGE = "robustreg.datasets"
_OPTIONS = {"return_X_y": ["boolean"], "as_frame": ["boolean"]}


@checked_parameters(_OPTIONS)
def load_phones(*, return_X_y: bool = False, as_frame: bool = False) -> Any:
    """Load the numbers of international telephone calls from Belgium, 1950 to 1973.

    The data [1]_ have 24 rows. From 1964 to 1969 minutes were recorded instead of calls, so that
    these six years are outliers in y.

    Parameters
    ----------
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` instead of a Bunch.
    as_frame : bool, default=False
        Whether the data are a pandas DataFrame and the target a pandas Series.

    Returns
    -------
    sklearn.utils.Bunch or tuple
        ``data`` of shape (24, 1): the year, counted from 1900. ``target`` of shape (24,): calls in
        tens of millions. ``frame`` (DataFrame of shape (24, 2), or None), ``feature_names``,
        ``target_names``, ``DESCR`` with the source, ``data_filename``, ``data_module``.

    Raises
    ------
    ValueError
        If a parameter is not a boolean.
    ImportError
        If ``as_frame=True`` and pandas is not installed.

    References
    ----------
    .. [1] P. J. Rousseeuw and A. M. Leroy, "Robust Regression and Outlier Detection", Wiley (1987),
       p. 26.

    Examples
    --------
    >>> from robustreg.datasets import load_phones
    >>> X, y = load_phones(return_X_y=True)
    >>> print(X[13:15, 0], y[13:15])
    [63. 64.] [ 21.2 119. ]
    """
    return _table("load_phones", "phones", return_X_y, as_frame)


@checked_parameters(_OPTIONS)
def load_stackloss(*, return_X_y: bool = False, as_frame: bool = False) -> Any:
    """Load the stack loss of a plant that oxidises ammonia.

    The data [1]_ have 21 rows, one for each day, of which about four are outliers.

    Parameters
    ----------
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` instead of a Bunch.
    as_frame : bool, default=False
        Whether the data are a pandas DataFrame and the target a pandas Series.

    Returns
    -------
    sklearn.utils.Bunch or tuple
        ``data`` of shape (21, 3): air flow, temperature of the cooling water in degrees Celsius,
        ten times (acid percentage minus 50). ``target`` of shape (21,): ten times the percentage of
        ammonia lost. The other entries are those of :func:`load_phones`.

    Raises
    ------
    ValueError
        If a parameter is not a boolean.
    ImportError
        If ``as_frame=True`` and pandas is not installed.

    References
    ----------
    .. [1] K. A. Brownlee, "Statistical Theory and Methodology in Science and Engineering", 2nd
       edition, Wiley (1965), pp. 491-500.

    Examples
    --------
    >>> from robustreg.datasets import load_stackloss
    >>> load_stackloss().feature_names
    ['air_flow', 'water_temp', 'acid_conc']
    """
    return _table("load_stackloss", "stackloss", return_X_y, as_frame)


@checked_parameters(_OPTIONS)
def load_stars(*, return_X_y: bool = False, as_frame: bool = False) -> Any:
    """Load the Hertzsprung-Russell diagram of the star cluster CYG OB1.

    The data [1]_ have 47 rows, one for each star. Four stars are giants. They are outliers in X,
    and Huber regression does not resist them: use :class:`~robustreg.MMRegressor`.

    Parameters
    ----------
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` instead of a Bunch.
    as_frame : bool, default=False
        Whether the data are a pandas DataFrame and the target a pandas Series.

    Returns
    -------
    sklearn.utils.Bunch or tuple
        ``data`` of shape (47, 1): decimal logarithm of the surface temperature. ``target`` of shape
        (47,): decimal logarithm of the light intensity. The other entries are those of
        :func:`load_phones`.

    Raises
    ------
    ValueError
        If a parameter is not a boolean.
    ImportError
        If ``as_frame=True`` and pandas is not installed.

    References
    ----------
    .. [1] P. J. Rousseeuw and A. M. Leroy, "Robust Regression and Outlier Detection", Wiley (1987),
       p. 27.

    Examples
    --------
    >>> from robustreg.datasets import load_stars
    >>> X, y = load_stars(return_X_y=True)
    >>> print(X[[10, 19, 29, 33], 0])  # the giants
    [3.49 3.49 3.48 3.49]
    """
    return _table("load_stars", "stars", return_X_y, as_frame)


def _table(caller: str, name: str, return_X_y: bool, as_frame: bool) -> Any:
    """Read ``data/<name>.csv``, whose last column is the target."""
    folder = resources.files(_PACKAGE)
    lines = (folder / "data" / f"{name}.csv").read_text(encoding="utf-8").splitlines()
    *feature_names, target_name = lines[0].split(",")
    values = np.loadtxt(lines[1:], delimiter=",", ndmin=2)
    frame, data, target = None, values[:, :-1].copy(), values[:, -1].copy()
    if as_frame:
        frame = _pandas(caller).DataFrame(values, columns=[*feature_names, target_name])
        data, target = frame[feature_names], frame[target_name]
    if return_X_y:
        return data, target
    return Bunch(
        data=data,
        target=target,
        frame=frame,
        feature_names=feature_names,
        target_names=[target_name],
        DESCR=(folder / "descr" / f"{name}.rst").read_text(encoding="utf-8"),
        data_filename=f"data/{name}.csv",
        data_module=_PACKAGE,
    )


def _pandas(caller: str) -> Any:
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError(
            f"{caller}(as_frame=True) returns pandas objects, and pandas is not installed: "
            "run `pip install pandas`, or use as_frame=False for arrays."
        ) from error
    return pd
