"""Resolved sources, officials and stances, from logits made by hand."""

import re

import numpy as np

from sayso.data.schema import Attribution, Polarity, Span
from sayso.models.sources import judge, resolve, stance_towards, words
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


def linked(*pairs: tuple[str, str]) -> np.ndarray:
    """Links of which the query at the first word scores the key at the second highest, and no other above 0."""
    p = pieces()
    links = np.zeros((len(p.ids), 2, len(p.ids)), np.float32)
    for query, key in pairs:
        links[words(p, span(query))[0], 0, words(p, span(key))[0]] = 9
        links[words(p, span(key))[0], 1, words(p, span(key))[0]] = 9
    return links


def test_a_pronoun_gets_the_fullest_mention_and_others_their_own() -> None:
    names = resolve(ATTRIBUTIONS, pieces(), linked(("She", "Minister")))
    assert names == [span("Minister Ada Holm"), span("Minister Ada Holm"), span("The union")]


def test_mentions_linked_through_others_are_one() -> None:
    names = resolve(ATTRIBUTIONS, pieces(), linked(("She", "Minister"), ("The union", "She")))
    assert [name.text for name in names if name] == ["Minister Ada Holm"] * 3


def test_an_attribution_without_source_is_resolved_or_nameless() -> None:
    attributions = [ATTRIBUTIONS[0], said(None, "called", 1)]
    assert resolve(attributions, pieces(), linked())[1] is None
    assert resolve(attributions, pieces(), linked(("called", "Minister")))[1] == span("Minister Ada Holm")
    assert resolve([], pieces(), linked()) == []


def test_a_name_that_follows_serves_only_where_none_comes_before() -> None:
    attributions = [said(None, "praised", 0), said("She", "called", 1), said("The union", "agreed", 2)]
    names = resolve(attributions, pieces(), linked(("praised", "The union"), ("She", "The union")))
    assert names[0] == span("The union")
    assert names[1] == span("The union")


def logits(official: str, critical: str) -> Logits:
    p = pieces()
    n = len(p.ids)
    polarity = np.tile(np.array([3.0, 0.0, 0.0], np.float32), (n, 1))
    polarity[words(p, span(critical))] = [0, 3, 0]
    by_word = np.full(n, -4, np.float32)
    by_word[words(p, span(official))] = 4
    judged = np.zeros((3, 5), np.float32)
    return Logits(np.zeros((3, 3)), np.zeros((n, 4, 3)), judged, by_word, polarity, linked(("She", "Minister")))


def test_judgements_reach_the_record() -> None:
    targets = [span("the bridge"), span("the toll")]
    found = judge(ATTRIBUTIONS, targets, SENTENCES, pieces(), logits("Minister Ada Holm", "the toll"))
    assert [a.official is not None and a.official > 0.5 for a in found] == [True, False, False]
    assert [[(s.target, s.polarity) for s in a.stance] for a in found] == [
        [(span("the bridge"), Polarity.SUPPORTIVE)],
        [(span("the toll"), Polarity.CRITICAL)],
        [],
    ]
    assert found[1].source_name == "Minister Ada Holm"


def test_a_target_goes_to_the_innermost_content_that_holds_it() -> None:
    outer = Attribution(cue=(span("praised"),), content=(Span.of(TEXT, 0, 65),), sentences=(0, 1))
    inner = Attribution(cue=(span("called"),), content=(span("the toll unfair"),), sentences=(1,))
    found = judge([outer, inner], [span("the toll")], SENTENCES, pieces(), logits("She", "the toll"))
    assert [len(a.stance) for a in found] == [0, 1]


def test_words_of_a_span_are_never_none() -> None:
    p = pieces()
    assert words(p, span("Ada Holm")).tolist() == [1, 2]
    assert len(words(p, Span.of(TEXT, 17, 18))) == 1  # a blank
    assert stance_towards(span("the toll"), p, logits("She", "the toll").polarity).score > 0.8
