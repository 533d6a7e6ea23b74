"""Who is behind a statement: what the source is called, is it official, and what does it think of what.

Scores come from the network (`sayso.models.windows.Logits`); here they are turned into the fields of attributions.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from sayso.data.schema import Attribution, Polarity, Span, Stance
from sayso.models.resolution import resolve
from sayso.models.windows import Floats, Ints, Logits, Pieces

POLARITIES = tuple(Polarity)


def judge(
    attributions: Sequence[Attribution],
    text: str,
    sentences: Sequence[Span],
    pieces: Pieces,
    logits: Logits,
    resolver: Mapping[str, Sequence[float]],
) -> list[Attribution]:
    """The attributions with resolved source, and whether it is official.

    resolver: see `sayso.models.resolution.resolve`.
    """
    names = resolve(attributions, text, sentences, resolver)
    result = [replace(each, resolved_source=name) for each, name in zip(attributions, names, strict=True)]
    for i, each in enumerate(result):
        # a source far away is judged by the sentence that continues it
        score = [float(logits.judged[k, 0]) for k in each.sentences[:1]]
        score += [float(logits.official[words(pieces, span)].mean()) for span in each.source[:1]]
        if score:
            result[i] = replace(each, official=round(1 / (1 + float(np.exp(-np.mean(score)))), 4))
    return result


def take_stances(
    attributions: Sequence[Attribution],
    targets: Sequence[Span],
    sentences: Sequence[Span],
    pieces: Pieces,
    polarity: Floats,
    *,
    alone: bool,
) -> list[Attribution]:
    """The attributions with a stance towards each of the targets in what they say; polarity (P, 3): logits.

    A target in a sentence without attribution is left out, or, with `alone`, has one of its own: the stance of the
    report itself. Without it, the targets are a model's, and a mark without a letter or digit is none.
    """
    targets = [t for t in targets if alone or any(map(str.isalnum, t.text))]
    result = list(attributions)
    for target, i in zip(targets, _holders(attributions, targets, sentences), strict=True):
        stance = stance_towards(target, pieces, polarity)
        if i is not None:
            result[i] = replace(result[i], stance=(*result[i].stance, stance))
        elif alone:
            result.append(Attribution(sentences=(_sentence_of(target, sentences),), stance=(stance,)))
    return result


def mentions_of(text: str, name: str) -> list[Span]:
    """Where a name stands in a text, as whole words, whatever its capitals."""
    found = re.finditer(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.IGNORECASE)
    return [Span.of(text, *match.span()) for match in found]


def stance_towards(target: Span, pieces: Pieces, polarity_logits: Floats) -> Stance:
    """The polarity towards a span of the text: the mean of its words' logits, (P, 3), through a softmax."""
    z = polarity_logits[words(pieces, target)].mean(0).astype(np.float64)
    p = np.exp(z - z.max())
    p /= p.sum()
    best = int(p.argmax())
    return Stance(target, POLARITIES[best], round(float(p[best]), 4))


def words(pieces: Pieces, span: Span) -> Ints:
    """First pieces of the words in a span, (W,); at least one."""
    lo = int(np.searchsorted(pieces.end, span.start, side="right"))
    hi = max(int(np.searchsorted(pieces.start, span.end, side="left")), lo + 1)
    inside: Ints = lo + np.flatnonzero(pieces.first[lo:hi])
    return inside if len(inside) else np.array([lo])


def _holders(
    attributions: Sequence[Attribution], targets: Sequence[Span], sentences: Sequence[Span]
) -> list[int | None]:
    """The attribution of each target: the innermost whose content holds it, else the nearest in its sentence."""
    result: list[int | None] = []
    in_sentence: dict[int, list[int]] = {}
    for i, attribution in enumerate(attributions):
        for k in attribution.sentences:
            in_sentence.setdefault(k, []).append(i)
    for target in targets:
        there = in_sentence.get(_sentence_of(target, sentences), [])
        holding = [
            (content.end - content.start, i)
            for i in there
            for content in attributions[i].content
            if content.start <= target.start and target.end <= content.end
        ]
        beside = [
            (min(max(s.start - target.end, target.start - s.end, 0) for s in attributions[i].spans), i) for i in there
        ]
        result.append(min(holding or beside)[1] if there else None)
    return result


def _sentence_of(span: Span, sentences: Sequence[Span]) -> int:
    return max(bisect_right(sentences, span.start, key=lambda s: s.start) - 1, 0)
