"""Scores of tagged documents against gold, kept as counts that add up over documents.

Spans are compared by character, cut at line breaks between sentences in both; sentences are aligned by overlap, since
gold and prediction may be segmented differently. Only what a corpus annotates is counted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sayso.data.schema import Document, Facet, Gold, Head, Label, Role, Sentence, Span
from sayso.models.decode import gap_breaks

WORD = re.compile(r"\w+|[^\w\s]")


@dataclass
class Counts:
    """True positives, false positives, false negatives."""

    tp: int = 0
    fp: int = 0
    fn: int = 0

    def add(self, predicted: set[object], gold: set[object]) -> None:
        self.tp += len(predicted & gold)
        self.fp += len(predicted - gold)
        self.fn += len(gold - predicted)

    @property
    def precision(self) -> float:
        return self.tp / (self.tp + self.fp) if self.tp + self.fp else 0.0

    @property
    def recall(self) -> float:
        return self.tp / (self.tp + self.fn) if self.tp + self.fn else 0.0

    @property
    def f1(self) -> float:
        return 2 * self.tp / (2 * self.tp + self.fp + self.fn) if self.tp else 0.0


@dataclass
class Scores:
    """Everything counted on one corpus: `exact` and `word` by role, `facets`, `labels` as (gold, predicted) pairs.

    unaligned: gold sentences that no predicted sentence overlaps (always 0 unless something is lost).
    """

    exact: dict[Role, Counts] = field(default_factory=dict)
    word: dict[Role, Counts] = field(default_factory=dict)
    facets: dict[Facet, Counts] = field(default_factory=dict)
    labels: Counter[tuple[Label, Label]] = field(default_factory=Counter)
    documents: int = 0
    sentences: int = 0
    unaligned: int = 0

    @property
    def label_f1(self) -> dict[Label, float]:
        """F1 of each primary label that occurs in gold or prediction."""
        result = {}
        for label in Label:
            tp = self.labels[label, label]
            gold = sum(n for (g, _), n in self.labels.items() if g is label)
            predicted = sum(n for (_, p), n in self.labels.items() if p is label)
            if gold + predicted:
                result[label] = 2 * tp / (gold + predicted)
        return result

    @property
    def macro_f1(self) -> float:
        """Macro-F1 of the primary label, 0 where no sentence has one."""
        values = self.label_f1.values()
        return sum(values) / len(values) if values else 0.0

    def figures(self) -> dict[str, float]:
        """Name to figure, four digits: F1 of each role and facet, macro-F1 where primary labels are annotated."""
        result = {f"exact_{role.value}": c.f1 for role, c in self.exact.items()}
        result |= {f"word_{role.value}": c.f1 for role, c in self.word.items()}
        result |= {f"facet_{facet.value}": c.f1 for facet, c in self.facets.items()}
        result |= {f"label_{label.value}": f1 for label, f1 in self.label_f1.items()}
        if self.labels:
            result["label_macro"] = self.macro_f1
        return {name: round(value, 4) for name, value in result.items()}


def score(golds: Sequence[Gold], predictions: Iterable[Document], thresholds: Mapping[str, float]) -> Scores:
    """Count over pairs of gold and predicted document (same text, same order).

    thresholds: facet name to the probability from which it holds in a prediction.
    """
    scores = Scores()
    for gold, predicted in zip(golds, predictions, strict=True):
        if gold.document.text != predicted.text:
            raise ValueError(f"{gold.document.id}: gold and prediction differ in their text")
        scores.documents += 1
        _score_spans(gold, predicted, scores)
        _score_sentences(gold, predicted, thresholds, scores)
    return scores


def primary_metric(figures: dict[str, dict[str, float]]) -> float:
    """The one figure that training selects by: mean over corpora of the corpus's own mean of its main figures.

    Where primary labels are annotated: their macro-F1; where only roles are: mean exact F1 of source, cue, content.
    """
    values = []
    for corpus in figures.values():
        if "label_macro" in corpus:
            values.append(corpus["label_macro"])
        else:
            values.append(sum(corpus[f"exact_{r}"] for r in ("source", "cue", "content")) / 3)
    return sum(values) / len(values)


def role_spans(document: Document, role: Role) -> Iterator[Span]:
    """Every span of a role, attribution by attribution."""
    for attribution in document.attributions:
        if role is Role.TARGET:
            yield from (stance.target for stance in attribution.stance)
        else:
            spans: tuple[Span, ...] = getattr(attribution, role.value)
            yield from spans


def cut_at_breaks(gold: Gold, span: Span) -> Iterator[Span]:
    """The parts of a span between line breaks that separate sentences."""
    text, start = gold.document.text, span.start
    for before, after in zip(gold.document.sentences, gold.document.sentences[1:], strict=False):
        if start < before.end <= span.end and after.start < span.end and gap_breaks(text[before.end : after.start]):
            yield Span.of(text, start, before.end)
            start = after.start
    if start < span.end:
        yield Span.of(text, start, span.end)


def _annotated(gold: Gold, span: Span) -> bool:
    """Does the span begin in a sentence that somebody annotated."""
    return not any(gold.document.sentences[k].start <= span.start < gold.document.sentences[k].end for k in gold.masked)


def _spans(gold: Gold, spans: Iterable[Span]) -> set[Span]:
    return {part for span in spans for part in cut_at_breaks(gold, span) if _annotated(gold, part)}


def _words(text: str, spans: Iterable[Span]) -> set[tuple[int, int]]:
    return {(match.start(), match.end()) for span in spans for match in WORD.finditer(text, span.start, span.end)}


def _score_spans(gold: Gold, predicted: Document, scores: Scores) -> None:
    for role in Role:
        if Head(role.value) not in gold.heads:
            continue
        expected = _spans(gold, role_spans(gold.document, role))
        found = _spans(gold, role_spans(predicted, role))
        scores.exact.setdefault(role, Counts()).add(set(found), set(expected))
        text = gold.document.text
        scores.word.setdefault(role, Counts()).add(set(_words(text, found)), set(_words(text, expected)))


def align(gold: Sequence[Sentence], predicted: Sequence[Sentence]) -> Iterator[Sentence | None]:
    """For each gold sentence the predicted one that shares most characters with it, None where none does."""
    first = 0
    for sentence in gold:
        while first < len(predicted) and predicted[first].end <= sentence.start:
            first += 1
        best, most, k = None, 0, first
        while k < len(predicted) and predicted[k].start < sentence.end:
            shared = min(sentence.end, predicted[k].end) - max(sentence.start, predicted[k].start)
            if shared > most:
                best, most = predicted[k], shared
            k += 1
        yield best


def _score_sentences(gold: Gold, predicted: Document, thresholds: Mapping[str, float], scores: Scores) -> None:
    pairs = align(gold.document.sentences, predicted.sentences)
    for k, (expected, found) in enumerate(zip(gold.document.sentences, pairs, strict=True)):
        if k in gold.masked or not expected.facets:
            continue
        scores.sentences += 1
        if found is None:
            scores.unaligned += 1
            found = Sentence(expected.start, expected.end, expected.text, Label.OTHER)
        for facet, value in expected.facets.items():
            counts = scores.facets.setdefault(facet, Counts())
            holds = found.facets.get(facet, 0.0) >= thresholds[facet]
            counts.add({facet} if holds else set(), {facet} if value >= 0.5 else set())
        if expected.label is not None and found.label is not None:
            scores.labels[expected.label, found.label] += 1
