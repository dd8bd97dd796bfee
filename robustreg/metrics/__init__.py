"""Scores that one gross error cannot decide: Huber loss, smooth L1 loss and D² for them."""

from robustreg.metrics.loss import d2_huber_score, huber_loss, smooth_l1_loss
from robustreg.metrics.scorer import make_huber_scorer

__all__ = ["d2_huber_score", "huber_loss", "make_huber_scorer", "smooth_l1_loss"]
