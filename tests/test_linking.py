"""Spans put together to attributions, with a linker fitted on a part of the bundled corpus."""

from collections.abc import Mapping, Sequence

from sayso.data.schema import Role, Span
from sayso.data.segment import split_sentences
from sayso.models import decode
from sayso.models.decode import ScoredSpan
from sayso.models.linking import FEATURES, NONE_FEATURES, PAIRS

Ranking = Mapping[str, Mapping[str, Sequence[float]]]


def test_a_weight_for_every_feature(ranking: Ranking) -> None:
    assert {kind: len(w) for kind, w in ranking["linker"].items()} == dict.fromkeys(
        PAIRS, len(FEATURES) + len(NONE_FEATURES)
    )


def group(ranking: Ranking, text: str, *parts: tuple[Role, str]) -> list[tuple[str, str, str]]:
    sentences = split_sentences(text)
    spans, at = [], 0
    for role, part in parts:
        start = text.index(part, at)
        spans.append(ScoredSpan(role, 0, 1, Span.of(text, start, start + len(part)), 0.9))
    attributions = decode.group(text, sorted(spans, key=lambda s: s.span), sentences, ranking["linker"])
    join = lambda spans: " + ".join(s.text for s in spans)  # noqa: E731
    return [(join(a.source), join(a.cue), join(a.content)) for a in attributions]


def test_a_split_quotation_is_one_attribution(ranking: Ranking) -> None:
    text = '"We won," Ann said, "and it rained."'
    parts = [(Role.CONTENT, '"We won,"'), (Role.SOURCE, "Ann"), (Role.CUE, "said"), (Role.CONTENT, '"and it rained."')]
    assert group(ranking, text, *parts) == [("Ann", "said", '"We won," + "and it rained."')]


def test_two_attributions_in_a_sentence(ranking: Ranking) -> None:
    text = "Ann said it rained but Bob denied it."
    parts = [
        (Role.SOURCE, "Ann"),
        (Role.CUE, "said"),
        (Role.CONTENT, "it rained"),
        (Role.SOURCE, "Bob"),
        (Role.CUE, "denied"),
        (Role.CONTENT, "it."),
    ]
    assert group(ranking, text, *parts) == [("Ann", "said", "it rained"), ("Bob", "denied", "it.")]


def test_a_content_without_cue_continues_what_is_just_before(ranking: Ranking) -> None:
    text = 'Ann said: "We won. It rained." "It will be dry." Nothing happened. Nothing at all. "Who am I?"'
    parts = [
        (Role.SOURCE, "Ann"),
        (Role.CUE, "said:"),
        (Role.CONTENT, '"We won. It rained."'),
        (Role.CONTENT, '"It will be dry."'),
        (Role.CONTENT, '"Who am I?"'),
    ]
    assert group(ranking, text, *parts) == [
        ("Ann", "said:", '"We won. It rained." + "It will be dry."'),
        ("", "", '"Who am I?"'),
    ]
