"""Figures as text, for RESULTS.md and the site."""

import math
import statistics


def in_words(figures):
    """One figure; the lowest and highest of a check over several; or mean and standard deviation of the seeds."""
    if len(figures) >= 3:
        mean, sd = statistics.mean(figures), statistics.stdev(figures)
        if sd == 0:
            return f"{mean:.4g} ± 0 ({len(figures)})"
        decimals = max(0, 1 - math.floor(math.log10(sd)))  # two digits of the deviation
        return f"{mean:.{decimals}f} ± {sd:.{decimals}f} ({len(figures)})"
    low, high = (f"{figure:.4g}" for figure in figures)
    return low if low == high else f"{low} to {high}"
