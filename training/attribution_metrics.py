"""Scores of whole attributions: linked, resolved, official, stance towards targets; as counts that add up."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sayso.data.schema import Attribution, Document, Gold, Head, Span
from sayso.training.metrics import Counts, Scores, annotated

LINKED = frozenset({Head.SOURCE, Head.CUE, Head.CONTENT, Head.LINKS})


def score_attributions(gold: Gold, predicted: Document, scores: Scores) -> None:
    """Count what the corpus annotates. What a prediction leaves open (None) is a miss."""
    expected, found = _judged(gold, gold.document), _judged(gold, predicted)
    if gold.heads >= LINKED:
        spoken = [[a for a in side if a.cue or a.content] for side in (expected, found)]
        tp = len(pair(*spoken, lambda a, b: float(linked(a, b))))
        scores.add(("link",), Counts(tp, len(spoken[1]) - tp, len(spoken[0]) - tp))
    if Head.RESOLUTION in gold.heads:
        scores.counts["filled", "resolution"] += sum(a.resolved_source is not None for a in found)
    if Head.OFFICIAL in gold.heads:
        scores.counts["filled", "official"] += sum(a.official is not None for a in found)
    for one in expected:
        # several sentences of one speaker may be several attributions in gold and one in the prediction
        other = max(found, key=lambda each: nearness(one, each), default=None)
        if other is not None and not nearness(one, other):
            other = None
        if Head.RESOLUTION in gold.heads and one.resolved_source is not None:
            kind = "right" if other is not None and resolved(one.resolved_source, other) else "wrong"
            inside = [gold.document.sentences[k].span for k in one.sentences]
            where = "in" if any(one.resolved_source.overlaps(each) for each in inside) else "out"
            scores.counts.update({("resolved", "all", kind): 1, ("resolved", where, kind): 1})
        if Head.OFFICIAL in gold.heads and one.official is not None:
            if other is None:
                kind = "unmatched"
            elif other.official is None:
                kind = "unanswered"
            else:
                kind = "right" if (other.official >= 0.5) == (one.official >= 0.5) else "wrong"
            scores.counts["official", kind] += 1
    if Head.STANCE in gold.heads:
        _score_targets(expected, found, scores)


def _score_targets(expected: Sequence[Attribution], found: Sequence[Attribution], scores: Scores) -> None:
    given = [stance for attribution in found for stance in attribution.stance]
    scores.counts["filled", "target"] += len(given)
    for stance in (stance for attribution in expected for stance in attribution.stance):
        over = [(_shared([stance.target], [s.target]), s.polarity.value) for s in given]
        most, polarity = max(over, default=(0, "none"))
        scores.counts["target", stance.polarity.value, polarity if most else "none"] += 1


def linked(gold: Attribution, found: Attribution) -> bool:
    """Do the cues overlap, and source and content each by half of the longer at least; absent in both is right."""
    cue = bool(_shared(gold.cue, found.cue)) if gold.cue and found.cue else not (gold.cue or found.cue)
    return cue and _alike(gold.source, found.source) and _alike(gold.content, found.content)


def resolved(gold: Span, found: Attribution) -> bool:
    """Is the source the same place of the text, or the same words."""
    spans = (found.resolved_source,) if found.resolved_source else found.source
    same = (found.source_name or "").casefold() == gold.text.casefold()
    return same or any(span.overlaps(gold) for span in spans)


def pair(
    gold: Sequence[Attribution], found: Sequence[Attribution], likeness: Callable[[Attribution, Attribution], float]
) -> list[tuple[int, int]]:
    """Indices of gold and found that belong together: most alike first, each once, none of likeness 0."""
    likes = [(likeness(a, b), -i, -j) for i, a in enumerate(gold) for j, b in enumerate(found)]
    pairs, left, right = [], set[int](), set[int]()
    for like, i, j in sorted(likes, reverse=True):
        if like > 0 and i not in left and j not in right:
            left.add(i)
            right.add(j)
            pairs.append((-i, -j))
    return pairs


def nearness(gold: Attribution, found: Attribution) -> float:
    """2 where cues overlap, and the share of their words' characters that they have in common; 0 where none."""
    a, b = (x.cue + x.content or tuple(s.target for s in x.stance) for x in (gold, found))
    shared = _shared(a, b)
    if not shared:
        return 0.0
    return 2.0 * bool(_shared(gold.cue, found.cue)) + shared / max(_length(a), _length(b))


def _judged(gold: Gold, document: Document) -> list[Attribution]:
    """The attributions that begin in a sentence that somebody annotated."""
    return [
        each
        for each in document.attributions
        if annotated(gold, min(each.cue + each.content or tuple(s.target for s in each.stance)))
    ]


def _alike(a: Sequence[Span], b: Sequence[Span]) -> bool:
    longer = max(_length(a), _length(b))
    return not longer or 2 * _shared(a, b) >= longer


def _length(spans: Sequence[Span]) -> int:
    return sum(span.end - span.start for span in spans)


def _shared(a: Sequence[Span], b: Sequence[Span]) -> int:
    return sum(max(0, min(x.end, y.end) - max(x.start, y.start)) for x in a for y in b)
