"""Which source a cue belongs to, and which cue a piece of content: ranked by a log-linear model of where spans stand.

Candidates are those in the same and the two neighbouring sentences; each has a score, none of them has another, and
the highest wins (mention ranking as of Denis and Baldridge, EMNLP 2008, applied to attributions).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from math import log1p

import numpy as np

from sayso.data.schema import Role, Span
from sayso.models.windows import Floats

NEIGHBOURS, NEAREST = 2, 12  # sentences around a span, and spans before and after it, that candidates are among
QUOTES = frozenset("\"“”«»'‘’`")
FEATURES = (
    "bias", "characters between", "touching", "before", "sentences before", "sentences after", "asked between",
    "asking between", "third between", "comma between", "quote between", "candidate in a content", "span in a content",
    "candidate in the span", "nearest", "only one in the sentence", "opens with a quote", "words",
)  # fmt: skip
NONE_FEATURES = ("none", "one in the sentence", "quoted", "words of the span")
ROLES = (Role.SOURCE, Role.CUE, Role.CONTENT)
PAIRS = {"source": (Role.CUE, Role.SOURCE), "cue": (Role.CONTENT, Role.CUE)}  # who asks for whom


class Places:
    """Spans by role in order of text, and the sentences they begin in."""

    def __init__(self, text: str, sentences: Sequence[Span], spans: Mapping[Role, Sequence[Span]]) -> None:
        self.text = text
        self.starts = [s.start for s in sentences]
        self.spans = {role: sorted(found) for role, found in spans.items()}
        self.at = {role: [s.start for s in found] for role, found in self.spans.items()}
        self._holders: dict[Span, list[Span]] = {}  # asked for again with every span nearby

    def sentence(self, at: int) -> int:
        return max(bisect_right(self.starts, at) - 1, 0)

    def near(self, role: Role, span: Span) -> list[Span]:
        """The candidates of a role for a span."""
        first = max(self.sentence(span.start) - NEIGHBOURS, 0)
        last = self.sentence(span.end - 1) + NEIGHBOURS + 1
        lo = bisect_left(self.at[role], self.starts[first]) if self.starts else 0
        hi = bisect_left(self.at[role], self.starts[last]) if last < len(self.starts) else len(self.at[role])
        here = bisect_left(self.at[role], span.start)  # a sentence may be a book
        return [s for s in self.spans[role][max(lo, here - NEAREST) : min(hi, here + NEAREST)] if s != span]

    def within(self, role: Role, lo: int, hi: int) -> int:
        """How many spans of a role begin in [lo, hi)."""
        return max(bisect_left(self.at[role], hi) - bisect_left(self.at[role], lo), 0)

    def holders(self, span: Span) -> list[Span]:
        """The contents that hold a span; a content is looked for among the last eight that begin before it."""
        if span not in self._holders:
            hi = bisect_right(self.at[Role.CONTENT], span.start)
            self._holders[span] = [
                c
                for c in self.spans[Role.CONTENT][max(hi - 8, 0) : hi]
                if c != span and c.start <= span.start and span.end <= c.end
            ]
        return self._holders[span]

    def features(self, kind: str, span: Span, candidates: Sequence[Span]) -> tuple[Floats, Floats]:
        """(N, len(FEATURES)) of a span with its N candidates, and (len(NONE_FEATURES),) of its belonging to none."""
        asking, asked = PAIRS[kind]
        (third,) = set(ROLES) - {asking, asked}
        first, last = self.sentence(span.start), self.sentence(span.end - 1)
        gaps = [max(span.start - c.end, c.start - span.end, 0) for c in candidates]
        here = [first <= self.sentence(c.start) <= last for c in candidates]
        nearest, alone, opens = min(gaps, default=0), sum(here) == 1, span.text[0] in QUOTES
        holders = self.holders(span)
        rows = []
        for c, gap, inside in zip(candidates, gaps, here, strict=True):
            lo, hi = min(c.end, span.end), max(c.start, span.start)
            between = self.text[lo : min(hi, lo + 400)]
            k = self.sentence(c.start)
            rows.append(
                [
                    1.0,
                    log1p(gap),
                    gap <= 2,
                    c.start < span.start,
                    float(max(first - k, 0)),
                    float(max(k - last, 0)),
                    log1p(self.within(asked, lo, hi)),
                    log1p(self.within(asking, lo, hi)),
                    log1p(self.within(third, lo, hi)),
                    "," in between,
                    not QUOTES.isdisjoint(between),
                    any(h not in holders for h in self.holders(c)),
                    any(not (h.start <= c.start and c.end <= h.end) for h in holders),
                    span.start <= c.start and c.end <= span.end,
                    gap == nearest,
                    inside and alone,
                    opens and k < first,
                    log1p(len(c.text.split())),
                ]
            )  # fmt: skip
        none = [1.0, any(here), opens, log1p(len(span.text.split()))]
        return np.array(rows, np.float32).reshape(len(rows), len(FEATURES)), np.array(none, np.float32)


def link(kind: str, spans: Sequence[Span], places: Places, weights: Sequence[float]) -> list[Span | None]:
    """For each cue its source (kind "source"), for each content its cue ("cue"); None where none is likelier."""
    w = np.array(weights, np.float32)
    found: list[Span | None] = []
    for span in spans:
        candidates = places.near(PAIRS[kind][1], span)
        if not candidates:
            found.append(None)
            continue
        pairs, none = places.features(kind, span, candidates)
        scores = pairs @ w[: len(FEATURES)]
        best = int(scores.argmax())
        found.append(candidates[best] if scores[best] > none @ w[len(FEATURES) :] else None)
    return found
