"""Who is behind a statement: which mentions of a source are one, is it official, and what does it think of what.

Scores come from the network (`sayso.models.windows.Logits`); here they are turned into the fields of attributions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sayso.data.schema import Attribution, Polarity, Span, Stance
from sayso.models.windows import Floats, Ints, Logits, Pieces

POLARITIES = tuple(Polarity)
REACH = 400  # pieces; links are learned inside a window


def judge(
    attributions: Sequence[Attribution],
    targets: Sequence[Span],
    sentences: Sequence[Span],
    pieces: Pieces,
    logits: Logits,
) -> list[Attribution]:
    """The attributions with resolved source, official, and a stance towards each of the targets in what they say.

    A model without these heads leaves them as they are.
    """
    judged, official, polarity, links = logits.judged, logits.official, logits.polarity, logits.links
    if judged is None or official is None or polarity is None or links is None:
        return list(attributions)
    resolved = resolve(attributions, pieces, links)
    own_targets = _targets(attributions, targets, sentences)
    result = []
    for attribution, name, own in zip(attributions, resolved, own_targets, strict=True):
        # a source far away is judged by the sentence that continues it
        score = [float(judged[k, 0]) for k in attribution.sentences[:1]]
        score += [float(official[words(pieces, span)].mean()) for span in attribution.source[:1]]
        result.append(
            replace(
                attribution,
                resolved_source=name,
                official=round(1 / (1 + float(np.exp(-np.mean(score)))), 4) if score else None,
                stance=tuple(stance_towards(target, pieces, polarity) for target in own),
            )
        )
    return result


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


def resolve(attributions: Sequence[Attribution], pieces: Pieces, links: Floats) -> list[Span | None]:
    """The fullest mention of each attribution's source: the source itself, or one that it is linked to.

    links (P, 2, D): queries and keys. Each source takes the mention that its query scores highest, within `REACH`, if
    that is above 0; mentions linked directly or through others are one source. Its fullest mention is the longest up to
    here, or of all if none comes before; an attribution without a source of its own has only what it is linked to.
    """
    if not attributions:
        return []
    place = np.array([int(words(pieces, (a.source or a.content or a.cue)[0])[0]) for a in attributions])
    mentions = np.array([i for i, a in enumerate(attributions) if a.source], np.int64)
    mentions = mentions[np.argsort(place[mentions], kind="stable")]
    keys = links[place[mentions], 1]
    cluster = list(range(len(attributions)))

    def root(i: int) -> int:
        while cluster[i] != i:
            cluster[i] = cluster[cluster[i]]
            i = cluster[i]
        return i

    for i in range(len(attributions)):
        lo, hi = np.searchsorted(place[mentions], (place[i] - REACH, place[i] + REACH + 1))
        scores = np.where(place[mentions[lo:hi]] == place[i], -np.inf, keys[lo:hi] @ links[place[i], 0])
        if len(scores) and scores.max() > 0:
            cluster[root(i)] = root(int(mentions[lo + int(scores.argmax())]))
    fullest: dict[int, Span] = {}  # of a cluster as a whole
    for i in mentions:
        _keep_longer(fullest, root(int(i)), attributions[i].source[0])
    so_far: dict[int, Span] = {}
    result: list[Span | None] = [None] * len(attributions)
    for i in np.argsort(place, kind="stable").tolist():
        first = root(i) not in so_far
        if attributions[i].source:
            _keep_longer(so_far, root(i), attributions[i].source[0])
        result[i] = (fullest if first else so_far).get(root(i))
    return result


def _keep_longer(spans: dict[int, Span], cluster: int, span: Span) -> None:
    """Of two that are equally long the one that was there."""
    if cluster not in spans or len(span.text) > len(spans[cluster].text):
        spans[cluster] = span


def _targets(
    attributions: Sequence[Attribution], targets: Sequence[Span], sentences: Sequence[Span]
) -> list[list[Span]]:
    """Each target to the attribution whose content holds it (the innermost), else to the nearest in its sentence."""
    result: list[list[Span]] = [[] for _ in attributions]
    starts = np.array([s.start for s in sentences])
    in_sentence: dict[int, list[int]] = {}
    for i, attribution in enumerate(attributions):
        for k in attribution.sentences:
            in_sentence.setdefault(k, []).append(i)
    for target in targets:
        there = in_sentence.get(int(np.searchsorted(starts, target.start, side="right") - 1), [])
        holding = [
            (content.end - content.start, i)
            for i in there
            for content in attributions[i].content
            if content.start <= target.start and target.end <= content.end
        ]
        beside = [
            (min(max(s.start - target.end, target.start - s.end, 0) for s in attributions[i].spans), i) for i in there
        ]
        if there:
            result[min(holding or beside)[1]].append(target)
    return result
