"""Published data sets with outliers, and a generator of contaminated regression problems."""

from robustreg.datasets.contaminated import make_contaminated_regression
from robustreg.datasets.tables import load_phones, load_stackloss, load_stars

__all__ = ["load_phones", "load_stackloss", "load_stars", "make_contaminated_regression"]
