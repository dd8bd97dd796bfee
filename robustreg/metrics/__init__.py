"""Robust metrics: the Huber loss, the smooth L1 loss and the D² score of the Huber loss."""

from robustreg.metrics.loss import d2_huber_score, huber_loss, smooth_l1_loss
from robustreg.metrics.scorer import make_huber_scorer

__all__ = ["d2_huber_score", "huber_loss", "make_huber_scorer", "smooth_l1_loss"]
