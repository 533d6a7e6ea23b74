"""Intervals of figures by resampling documents, for one model and for the difference of two (paired)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sayso.training.metrics import Scores

RESAMPLES, SEED = 1000, 13


@dataclass(frozen=True, slots=True)
class Difference:
    """Of a figure of model B from that of A: its interval, and the share of resamples that do not share its sign."""

    first: float
    second: float
    low: float
    high: float
    disagree: float


def resampled(scores: Sequence[Scores], resamples: int = RESAMPLES, seed: int = SEED) -> list[dict[str, float]]:
    """Figures of samples of the documents, drawn with replacement; equal seeds draw the same documents."""
    keys = list(dict.fromkeys(key for each in scores for key in each.counts))
    matrix = np.array([[each.counts.get(key, 0) for key in keys] for each in scores], dtype=np.float64)
    n = len(scores)
    weights = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=resamples)
    totals = weights @ matrix
    return [Scores(Counter(dict(zip(keys, row.tolist(), strict=True)))).figures(everything=True) for row in totals]


def intervals(samples: Sequence[dict[str, float]]) -> dict[str, tuple[float, float]]:
    """Figure to its 2.5th and 97.5th percentile."""
    found = {}
    for name in dict.fromkeys(name for sample in samples for name in sample):
        low, high = np.percentile([sample[name] for sample in samples if name in sample], [2.5, 97.5])
        found[name] = (round(float(low), 4), round(float(high), 4))
    return found


def compare(
    first: Sequence[Scores], second: Sequence[Scores], resamples: int = RESAMPLES, seed: int = SEED
) -> dict[str, Difference]:
    """Figure to the difference of two models over the same documents, in the same order."""
    if len(first) != len(second):
        raise ValueError(f"expected as many documents of both models, found {len(first)} and {len(second)}")
    whole = [sum(scores, Scores()).figures(everything=True) for scores in (first, second)]
    drawn = list(zip(*(resampled(scores, resamples, seed) for scores in (first, second)), strict=True))
    found = {}
    for name in (name for name in whole[0] if name in whole[1]):
        d = np.array([b[name] - a[name] for a, b in drawn if name in a and name in b])
        observed = whole[1][name] - whole[0][name]
        low, high = np.percentile(d, [2.5, 97.5])
        disagree = float((np.sign(d) != np.sign(observed)).mean())
        values = (round(float(x), 4) for x in (low, high, disagree))
        found[name] = Difference(whole[0][name], whole[1][name], *values)
    return found
