"""Every sentence that a model got wrong, and how: what the error browser of the page shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sayso.data.schema import Document, Facet, Gold, Head, Role, Span
from sayso.training.metrics import align, role_spans


@dataclass(frozen=True, slots=True)
class Mistake:
    """A wrong sentence. `kinds`: "missed cue", "false attribution", ...; `confidence`: how sure the model was, 0 to 1.

    Marks are (start, end, role) in the text.
    """

    id: str
    before: str
    sentence: Span
    after: str
    kinds: tuple[str, ...]
    confidence: float
    gold: str
    found: str
    gold_marks: tuple[tuple[int, int, str], ...]
    found_marks: tuple[tuple[int, int, str], ...]


def mistakes(golds: Sequence[Gold], predictions: Sequence[Document], thresholds: Mapping[str, float]) -> list[Mistake]:
    """The wrong sentences, those first of which the model was surest."""
    found = [m for g, p in zip(golds, predictions, strict=True) for m in _of(g, p, thresholds)]
    return sorted(found, key=lambda m: -m.confidence)


def _of(gold: Gold, predicted: Document, thresholds: Mapping[str, float]) -> Iterator[Mistake]:
    text, sentences = gold.document.text, gold.document.sentences
    roles = [role for role in Role if Head(role.value) in gold.heads]
    marks = {r: (set(role_spans(gold.document, r)), set(role_spans(predicted, r))) for r in roles}
    scored = {(a.score, span) for a in predicted.attributions for span in a.spans}
    for k, (sentence, match) in enumerate(zip(sentences, align(sentences, predicted.sentences), strict=True)):
        if k in gold.masked:
            continue
        kinds, sure = [], [0.0]
        for facet, value in sentence.facets.items():
            p = match.facets.get(facet, 0.0) if match else 0.0
            if (p >= thresholds[facet]) != (value >= 0.5):
                kinds.append(f"{'false' if value < 0.5 else 'missed'} {facet.value}")
                sure.append(p if value < 0.5 else 1 - p)
        here = [
            {role: {s for s in side[n] if s.overlaps(sentence.span)} for role, side in marks.items()} for n in (0, 1)
        ]
        for role in roles:
            for span in here[0][role] - here[1][role]:
                near = any(span.overlaps(other) for other in here[1][role])
                kinds.append(f"{'other bounds of' if near else 'missed'} {role.value}")
            for span in here[1][role] - here[0][role]:
                near = any(span.overlaps(other) for other in here[0][role])
                kinds.append(f"{'other bounds of' if near else 'false'} {role.value}")
                sure.append(max((score for score, each in scored if each == span), default=0.0))
        if match is None:
            kinds.append("sentence lost")
        if kinds:
            yield Mistake(
                gold.document.id,
                sentences[k - 1].text if k else "",
                Span.of(text, sentence.start, sentence.end),
                sentences[k + 1].text if k + 1 < len(sentences) else "",
                tuple(dict.fromkeys(kinds)),
                round(max(sure), 3),
                _says(sentence.facets, {facet.value: 0.5 for facet in Facet}),
                _says(match.facets if match else {}, thresholds),
                *(
                    tuple((s.start, s.end, r.value) for r, spans in side.items() for s in sorted(spans))
                    for side in here
                ),
            )


def _says(facets: Mapping[Facet, float], thresholds: Mapping[str, float]) -> str:
    return ", ".join(f.value for f, p in facets.items() if p >= thresholds[f]) or "no facet"
