"""What is fitted on dev and kept in the manifest: scaling and thresholds of facets, readiness to open spans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from sayso.data.schema import Document, Facet, Gold, Head
from sayso.models.artifact import Manifest
from sayso.models.decode import B
from sayso.models.pipeline import Encode, tag
from sayso.models.windows import Logits, Window
from sayso.training.evaluate import evaluate
from sayso.training.metrics import align

Array = npt.NDArray[np.float64]


def facet_pairs(golds: Sequence[Gold], predictions: Sequence[Document], facet: Facet) -> tuple[Array, Array, Array]:
    """Probabilities, gold (0 or 1) and weights of one facet, (N,) each, over the sentences annotated with it.

    Corpora, which differ in how much they mark, weigh the same, whatever their sizes.
    """
    probabilities, truth, corpora = [], [], []
    for gold, document in zip(golds, predictions, strict=True):
        aligned = align(gold.document.sentences, document.sentences)
        for k, (expected, found) in enumerate(zip(gold.document.sentences, aligned, strict=True)):
            if k not in gold.masked and facet in expected.facets and found is not None:
                probabilities.append(found.facets[facet])
                truth.append(expected.facets[facet])
                corpora.append(gold.corpus)
    _, which, counts = np.unique(corpora, return_inverse=True, return_counts=True)
    return np.array(probabilities), np.array(truth), len(corpora) / len(counts) / counts[which]


def scaling(probabilities: Array, truth: Array, weights: Array) -> tuple[float, float]:
    """Temperature and bias that fit probabilities best: sigmoid(logit / temperature + bias) (Platt, 1999)."""
    if len(set(truth >= 0.5)) < 2:
        return 1.0, 0.0
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression().fit(logit(probabilities)[:, None], truth >= 0.5, weights)
    slope = float(np.clip(fitted.coef_[0, 0], 0.25, 2.5))  # few sentences may give any
    return round(1 / slope, 3), round(float(fitted.intercept_[0]), 3)


def logit(probabilities: Array) -> Array:
    """Log-odds, of probabilities as they are rounded in a record."""
    p = np.clip(probabilities, 1e-4, 1 - 1e-4)
    odds: Array = np.log(p / (1 - p))
    return odds


def threshold(probabilities: Array, truth: Array, weights: Array) -> float:
    """The middle of the widest stretch of thresholds from 0.2 to 0.8 whose F1 is within 0.002 of the best."""
    grid = np.arange(0.2, 0.8001, 0.01)
    f1 = []
    for t in grid:
        held = probabilities >= t
        tp = weights[held & (truth >= 0.5)].sum()
        f1.append(2 * tp / max(weights[held].sum() + weights[truth >= 0.5].sum(), 1e-9))
    good = np.array(f1) >= max(f1) - 0.002
    runs = np.split(np.arange(len(grid)), np.flatnonzero(np.diff(good)) + 1)
    widest = max((run for run in runs if good[run[0]]), key=len)
    return round(float(grid[widest].mean()), 3)


def calibrate(golds: Sequence[Gold], predictions: Sequence[Document], manifest: Manifest) -> Manifest:
    """With the scaling of each facet, and then its threshold, from predictions made without any.

    Thresholds are those of documents with all facets, where there are such: there the primary label hangs on them.
    """
    temperatures, biases, thresholds = {}, {}, {}
    labelled = [k for k, gold in enumerate(golds) if {Head(facet.value) for facet in Facet} <= gold.heads]
    labelled = labelled or list(range(len(golds)))
    for facet in Facet:
        t, bias = scaling(*facet_pairs(golds, predictions, facet))
        temperatures[facet.value], biases[facet.value] = t, bias
        p, truth, weights = facet_pairs([golds[k] for k in labelled], [predictions[k] for k in labelled], facet)
        thresholds[facet.value] = threshold(1 / (1 + np.exp(-logit(p) / t - bias)), truth, weights)
    return replace(manifest, temperatures=temperatures, biases=biases, thresholds=thresholds)


def tune_openings(
    golds: Mapping[str, Sequence[Gold]], encode: Encode, tokenizer: Tokenizer, manifest: Manifest
) -> Manifest:
    """The manifest with each role's score for opening a span shifted to where F1 is best on `golds`.

    A CRF is trained for likelihood, and tags too little or too much where corpora differ in how much they mark. The
    shift of a role is the one of `SHIFTS` with the highest sum of its exact-span and word F1 on PolNeAR, whose
    guidelines the spans follow; where that is not at hand or has no such role, on the other corpora.
    """
    shifted = {shift: _shift(manifest, [shift] * len(manifest.roles)) for shift in SHIFTS}
    figures = {
        shift: evaluate(golds, partial(tag, encode=encode, tokenizer=tokenizer, manifest=each), each.thresholds)
        for shift, each in shifted.items()
    }

    def gain(shift: float, role: str) -> float:
        scores = {name: corpus.figures() for name, corpus in figures[shift].items()}
        having = {name: f[f"exact_{role}"] + f[f"word_{role}"] for name, f in scores.items() if f"exact_{role}" in f}
        return having.get("polnear", sum(having.values()))

    # of equally good shifts the smallest
    best = [max(SHIFTS, key=lambda shift: (gain(shift, role), -abs(shift))) for role in manifest.roles]
    return _shift(manifest, best)


SHIFTS = (-1.0, -0.5, 0.0, 0.5, 1.0, 1.5)


def _shift(manifest: Manifest, shifts: Sequence[float]) -> Manifest:
    transitions, starts = np.array(manifest.transitions), np.array(manifest.starts)
    transitions[:, :, B] += np.array(shifts)[:, None]
    starts[:, B] += shifts
    return replace(manifest, transitions=transitions.round(5).tolist(), starts=starts.round(5).tolist())


def remember(encode: Encode) -> Encode:
    """`encode`, computed once for each window."""
    known: dict[bytes, Logits] = {}

    def encode_new(windows: Sequence[Window]) -> list[Logits]:
        keys = [w.ids.tobytes() + w.types.tobytes() + w.sentence.tobytes() for w in windows]
        new = [w for w, key in zip(windows, keys, strict=True) if key not in known]
        known.update(zip([key for key in keys if key not in known], encode(new), strict=True))
        return [known[key] for key in keys]

    return encode_new
