"""The test of conditional independence that the stand-in uses."""

import numpy as np
from scipy.stats import chi2


def chisq(data, x, y, given, _cardinalities=None):
    """Pearson's chi-squared test of `x` and `y` within each combination of `given`, summed; the p value."""
    columns = [data[:, column] for column in given]
    strata = np.unique(np.stack(columns, axis=1), axis=0, return_inverse=True)[1].ravel() if columns else None
    statistic, freedom = 0.0, 0
    for stratum in np.unique(strata) if columns else [None]:
        rows = slice(None) if stratum is None else strata == stratum
        left = np.unique(data[rows, x], return_inverse=True)[1].ravel()
        right = np.unique(data[rows, y], return_inverse=True)[1].ravel()
        counts = np.zeros((left.max() + 1, right.max() + 1))
        np.add.at(counts, (left, right), 1)
        expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / counts.sum()
        statistic += ((counts - expected) ** 2 / expected).sum()
        freedom += (counts.shape[0] - 1) * (counts.shape[1] - 1)
    return 1.0 if freedom == 0 else float(chi2.sf(statistic, freedom))
