"""Warnings of their own class, so that each can be filtered or raised on its own."""

from __future__ import annotations

from sklearn.exceptions import ConvergenceWarning

__all__ = ["ConvergenceWarning", "ExactFitWarning"]


class ExactFitWarning(UserWarning):
    """So much of the data is fitted exactly that the scale of the residuals is zero."""
