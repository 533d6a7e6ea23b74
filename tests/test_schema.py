import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sayso.data.schema import (
    SCHEMA,
    Attribution,
    Document,
    Facet,
    Label,
    ModelInfo,
    Polarity,
    SchemaError,
    Sentence,
    Span,
    Stance,
    primary_label,
)

TEXT = "The dam held, the mayor said. She praised the crews."


def example() -> Document:
    span = lambda part: Span.of(TEXT, TEXT.index(part), TEXT.index(part) + len(part))  # noqa: E731
    first, second = span("The dam held, the mayor said."), span("She praised the crews.")
    return Document(
        "dam.txt",
        TEXT,
        (
            Sentence(first.start, first.end, first.text, Label.ATTRIBUTION, {Facet.ATTRIBUTION: 0.9}, "the mayor"),
            Sentence(second.start, second.end, second.text, Label.OTHER, dict.fromkeys(Facet, 0.1)),
        ),
        (
            Attribution((span("said"),), (span("the mayor"),), (span("The dam held"),), (0,), official=0.8, score=0.7),
            Attribution(
                (span("praised"),),
                (span("She"),),
                (),
                (1,),
                span("the mayor"),
                stance=(Stance(span("the crews"), Polarity.SUPPORTIVE, 0.6),),
            ),
        ),
        ModelInfo("m", "1", "sha256:0"),
    )


def test_round_trip() -> None:
    document = example()
    value = document.to_json()
    assert value["schema"] == SCHEMA
    assert Document.from_json(json.loads(json.dumps(value))) == document
    assert Document.from_json(json.dumps(value)) == document


def test_facets_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        example().sentences[0].facets[Facet.ATTRIBUTION] = 0.1  # type: ignore[index]


def test_source_name_prefers_the_resolved_source() -> None:
    document = example()
    assert [a.source_name for a in document.attributions] == ["the mayor", "the mayor"]


@pytest.mark.parametrize(
    ("facets", "label"),
    [
        (set(), Label.OTHER),
        ({Facet.REPORTED_CLAIM}, Label.REPORTED_CLAIM),
        ({Facet.REPORTED_CLAIM, Facet.ATTRIBUTION}, Label.ATTRIBUTION),
        (set(Facet), Label.OFFICIAL_ASSESSMENT),
    ],
)
def test_primary_label(facets: set[Facet], label: Label) -> None:
    assert primary_label(facets) is label


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(schema="sayso/document/9"), "expected schema"),
        (lambda d: d.pop("attributions"), "'attributions'"),
        (lambda d: d["sentences"][0].update(text="The dam fell, the mayor said."), "expected 'The dam fell"),
        (lambda d: d["sentences"][1].update(start=3), "expected 49 characters"),
        (lambda d: d["sentences"].reverse(), "sentences in order"),
        (lambda d: d["sentences"][0].update(label="rumour"), "rumour"),
        (lambda d: d["sentences"][0]["facets"].update(attribution=1.2), "probability"),
        (lambda d: d["attributions"][0]["cue"][0].update(start=5, end=5), "start < end"),
        (lambda d: d["attributions"][0].update(sentences=[7]), "sentence indices below 2"),
        (lambda d: d["attributions"][0].update(sentences=[1, 0]), "increasing"),
        (lambda d: d["attributions"][0].update(cue=[], content=[]), "expected a cue"),
        (lambda d: d["attributions"][0].update(official=-1), "official"),
        (lambda d: d.update(sentences=None), "dam.txt"),
    ],
)
def test_broken_records_are_refused(change, message) -> None:  # type: ignore[no-untyped-def]
    value = json.loads(json.dumps(example().to_json()))
    change(value)
    with pytest.raises(SchemaError, match=message):
        Document.from_json(value)


@pytest.mark.parametrize("value", ["[", "[]", "null"])
def test_not_a_record(value: str) -> None:
    with pytest.raises(SchemaError, match="record: expected"):
        Document.from_json(value)


@given(st.text(st.characters(), min_size=1), st.data())
def test_spans_index_any_text(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    span = Span.of(text, start, end)
    document = Document("x", text, (Sentence(span.start, span.end, span.text),))
    assert Document.from_json(json.dumps(document.to_json())) == document
    with pytest.raises(SchemaError):
        Span.of(text, start, len(text) + 1)
