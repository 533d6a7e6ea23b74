"""Sources resolved to their fullest mention; with a resolver fitted on a part of the bundled corpus."""

from collections.abc import Mapping, Sequence

import pytest

from sayso.data.schema import Attribution, Span
from sayso.data.segment import split_sentences
from sayso.models.resolution import FEATURES, FULL_FEATURES, KINDS, NEW_FEATURES, mentions_in, resolve

Weights = Mapping[str, Sequence[float]]


@pytest.fixture
def weights(ranking: Mapping[str, Weights]) -> Weights:
    found = ranking["resolver"]
    sizes = dict.fromkeys(KINDS, len(FEATURES) + len(NEW_FEATURES)) | {"fullest": len(FULL_FEATURES)}
    assert {kind: len(w) for kind, w in found.items()} == sizes
    return found


def names(text: str, sources: Sequence[str | None], weights: Weights) -> list[str | None]:
    """What each source, one a sentence in order, is resolved to; None of a sentence without source: it is content."""
    attributions, sentences = [], split_sentences(text)
    assert len(sentences) >= len(sources)
    for sentence, source in zip(sentences, sources, strict=False):
        at = text.find(source, sentence.start) if source else -1
        attributions.append(
            Attribution(source=(Span.of(text, at, at + len(source)),), cue=(sentence,))
            if source
            else Attribution(content=(sentence,))
        )
    return [span.text if span else None for span in resolve(attributions, text, sentences, weights)]


def test_surnames_pronouns_and_continuations(weights: Weights) -> None:
    text = (
        "Deputy Mayor Ilse Brandt opened the bridge on Monday. Brandt said it would ease traffic. She added that tolls"
        " would stay low. They would be reviewed every year."
    )
    found = names(text, ["Deputy Mayor Ilse Brandt", "Brandt", "She", None], weights)
    assert found == ["Deputy Mayor Ilse Brandt"] * 4


def test_a_name_that_is_no_source_is_found(weights: Weights) -> None:
    text = "The harbour was closed by Captain Jonas Ekelund. Ekelund said the storm would pass by noon."
    attribution = Attribution(source=(Span.of(text, 49, 56),), cue=(Span.of(text, 57, 61),))
    found = resolve([attribution], text, split_sentences(text), weights)
    assert [span.text for span in found if span] == ["Captain Jonas Ekelund"]


def test_two_speakers_are_kept_apart(weights: Weights) -> None:
    text = "Union leader Petra Lind called a strike. Transport Minister Omar Haddad said so. Lind disagreed."
    found = names(text, ["Union leader Petra Lind", "Transport Minister Omar Haddad", "Lind"], weights)
    assert found == ["Union leader Petra Lind", "Transport Minister Omar Haddad", "Union leader Petra Lind"]


def test_a_name_after_title_or_comma_is_known(weights: Weights) -> None:
    for source in ("Secretary of State Ilse Brandt", "The centre's chief, Ilse Brandt", "Ilse Brandt, an adviser"):
        text = f"{source} was pleased. Nobody else was there. Brandt said it would last."
        found = names(text, [source, None, "Brandt"], weights)[2]
        assert found and found in source and "Ilse Brandt" in found
    text = "Grain rotted, the National Grain Agency (NGA) said. The NGA promised to help."
    found = names(text, ["the National Grain Agency (NGA)", "The NGA"], weights)
    assert found == ["the National Grain Agency (NGA)"] * 2


def test_names_in_what_is_said_of_a_source_are_others(weights: Weights) -> None:
    text = "Ilse Brandt, who met with Omar Haddad on Monday, was pleased. Haddad said the talks would go on."
    found = names(text, ["Ilse Brandt, who met with Omar Haddad on Monday", "Haddad"], weights)
    assert found == ["Ilse Brandt, who met with Omar Haddad on Monday", "Omar Haddad"]


def test_a_quotation_before_its_speaker(weights: Weights) -> None:
    text = 'The valley was cut off. "We saw the water rise all night." Farmer Petra Lind said she had lost everything.'
    quotation, speaker = text.index('"We'), text.index("Farmer")
    attributions = [
        Attribution(content=(Span.of(text, quotation, speaker - 1),)),
        Attribution(source=(Span.of(text, speaker, speaker + 17),), cue=(Span.of(text, speaker + 18, speaker + 22),)),
    ]
    found = resolve(attributions, text, split_sentences(text), weights)
    assert [span.text if span else None for span in found] == ["Farmer Petra Lind"] * 2


def test_nothing_to_resolve(weights: Weights) -> None:
    assert resolve([], "", [], weights) == []
    text = "It will rain."
    assert names(text, [None], weights) == [None]


def test_names_are_found_as_they_stand() -> None:
    text = "The U.S. Geological Survey (USGS) measured it. A quake struck Arvida's coast, the USGS said."
    sentences = split_sentences(text)
    found = [m.span for m in mentions_in(text, sentences, [])]
    assert [span.text for span in found if span] == ["U.S. Geological Survey (USGS)", "Arvida", "USGS"]
    assert all(span is not None and text[span.start : span.end] == span.text for span in found)


def test_long_articles_take_time_in_step_with_their_length(weights: Weights) -> None:
    """Candidates are bounded, so ten times the article makes ten times the comparisons."""
    import sayso.models.resolution as resolution

    counted = 0
    original = resolution._features

    def counting(*args: object) -> list[float]:
        nonlocal counted
        counted += 1
        return original(*args)  # type: ignore[arg-type]

    def comparisons(n: int) -> int:
        nonlocal counted
        counted = 0
        text = " ".join(f"Speaker Name{i} Surname{i} said it rained." for i in range(n))
        sentences = split_sentences(text)
        attributions = [
            Attribution((Span.of(text, s.end - 5, s.end),), (Span.of(text, s.start, text.index(" said", s.start)),))
            for s in sentences
        ]
        resolve(attributions, text, sentences, weights)
        return counted

    resolution._features = counting  # type: ignore[assignment]
    try:
        assert comparisons(1000) <= 12 * comparisons(100)
    finally:
        resolution._features = original
