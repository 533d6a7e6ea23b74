"""Officials and stances, from logits made by hand."""

import re

import numpy as np

from sayso.data.schema import Attribution, Polarity, Span
from sayso.models.resolution import FEATURES, FULL_FEATURES, KINDS, NEW_FEATURES
from sayso.models.sources import judge, mentions_of, stance_towards, take_stances, words
from sayso.models.windows import Logits, Pieces

TEXT = "Minister Ada Holm praised the bridge. She called the toll unfair. The union agreed."
SENTENCES = [Span.of(TEXT, 0, 37), Span.of(TEXT, 38, 65), Span.of(TEXT, 66, len(TEXT))]


def pieces() -> Pieces:
    """A piece a word or mark."""
    found = [m.span() for m in re.finditer(r"\w+|[^\w\s]", TEXT)]
    start, end = (np.array(x) for x in zip(*found, strict=True))
    sentence = np.searchsorted([s.start for s in SENTENCES], start, side="right") - 1
    return Pieces(np.zeros(len(start), np.int64), start, end, sentence, np.ones(len(start), bool), start >= 0)


def span(part: str) -> Span:
    return Span.of(TEXT, TEXT.index(part), TEXT.index(part) + len(part))


def said(source: str | None, cue: str, k: int) -> Attribution:
    return Attribution(cue=(span(cue),), source=(span(source),) if source else (), sentences=(k,))


ATTRIBUTIONS = [said("Minister Ada Holm", "praised", 0), said("She", "called", 1), said("The union", "agreed", 2)]


NO_LINKS = {kind: [0.0] * (len(FEATURES) + len(NEW_FEATURES)) for kind in KINDS}  # everybody stands for himself
NO_LINKS["fullest"] = [0.0] * len(FULL_FEATURES)


def logits(official: str, critical: str) -> Logits:
    p = pieces()
    n = len(p.ids)
    polarity = np.tile(np.array([3.0, 0.0, 0.0], np.float32), (n, 1))
    polarity[words(p, span(critical))] = [0, 3, 0]
    by_word = np.full(n, -4, np.float32)
    by_word[words(p, span(official))] = 4
    judged = np.zeros((3, 5), np.float32)
    return Logits(np.zeros((3, 3)), np.zeros((n, 4, 3)), judged, by_word, polarity)


def test_judgements_reach_the_record() -> None:
    targets = [span("the bridge"), span("the toll")]
    said_so = logits("Minister Ada Holm", "the toll")
    found = judge(ATTRIBUTIONS, TEXT, SENTENCES, pieces(), said_so, NO_LINKS)
    assert [a.official is not None and a.official > 0.5 for a in found] == [True, False, False]
    assert [a.resolved_source for a in found] == [a.source[0] for a in ATTRIBUTIONS]
    found = take_stances(found, targets, SENTENCES, pieces(), said_so.polarity, alone=False)
    assert [[(s.target, s.polarity) for s in a.stance] for a in found] == [
        [(span("the bridge"), Polarity.SUPPORTIVE)],
        [(span("the toll"), Polarity.CRITICAL)],
        [],
    ]


def test_a_target_goes_to_the_innermost_content_that_holds_it() -> None:
    outer = Attribution(cue=(span("praised"),), content=(Span.of(TEXT, 0, 65),), sentences=(0, 1))
    inner = Attribution(cue=(span("called"),), content=(span("the toll unfair"),), sentences=(1,))
    polarity = logits("She", "the toll").polarity
    found = take_stances([outer, inner], [span("the toll")], SENTENCES, pieces(), polarity, alone=False)
    assert [len(a.stance) for a in found] == [0, 1]


def test_a_target_that_nobody_speaks_of_is_left_out_or_alone() -> None:
    polarity = logits("She", "the toll").polarity
    targets = mentions_of(TEXT, "THE Toll")
    assert targets == [span("the toll")] and mentions_of(TEXT, "the tol") == []
    only = ATTRIBUTIONS[:1]
    assert take_stances(only, targets, SENTENCES, pieces(), polarity, alone=False) == only
    assert take_stances(only, [span("."), *targets], SENTENCES, pieces(), polarity, alone=False) == only
    (_, alone) = take_stances(only, targets, SENTENCES, pieces(), polarity, alone=True)
    assert (alone.sentences, [s.polarity for s in alone.stance]) == ((1,), [Polarity.CRITICAL])


def test_words_of_a_span_are_never_none() -> None:
    p = pieces()
    assert words(p, span("Ada Holm")).tolist() == [1, 2]
    assert len(words(p, Span.of(TEXT, 17, 18))) == 1  # a blank
    assert stance_towards(span("the toll"), p, logits("She", "the toll").polarity).score > 0.8
