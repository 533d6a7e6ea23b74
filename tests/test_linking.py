"""Spans put together to attributions, with a linker fitted on a part of the bundled corpus."""

from collections.abc import Mapping, Sequence

import numpy as np
from test_decode import words

from sayso.data.schema import Role, Span
from sayso.data.segment import split_sentences
from sayso.models import decode
from sayso.models.decode import B, I, O, ScoredSpan
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


def test_a_cue_left_alone_has_a_second_chance(ranking: Ranking) -> None:
    """Source and content are just short of found, and are taken where a cue wants them, and nowhere else."""
    text = "Ann said it rained. Bob slept while it rained."
    roles = [Role.SOURCE, Role.CUE, Role.CONTENT]
    opening = {"Ann": (0, 5.0), "Bob": (0, 5.0), "said": (1, 9.0), "it": (2, 5.0)}
    pieces = words(text)
    logits = np.zeros((len(pieces.ids), 3, 3), np.float32)
    logits[..., O] = 6.0
    for k, (start, end) in enumerate(zip(pieces.start, pieces.end, strict=True)):
        word = text[start:end]
        if word in opening:
            role, score = opening[word]
            logits[k, role, B] = score
        if word == "rained.":
            logits[k, 2, I] = 6.5
    free = np.zeros((3, 3, 3), np.float32), np.zeros((3, 3), np.float32)

    def found(logits: np.ndarray) -> list[tuple[str, str, str]]:
        _, attributions = decode.decode(
            text, split_sentences(text), pieces, logits, roles, *free, linker=ranking["linker"]
        )
        return [tuple("".join(s.text for s in part) for part in (a.source, a.cue, a.content)) for a in attributions]

    assert found(logits) == [("Ann", "said", "it rained.")]
    logits[1, 1, B] = 0.0
    assert found(logits) == []
