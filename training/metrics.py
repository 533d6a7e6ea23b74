"""Scores of tagged documents against gold, kept as counts that add up over documents.

Spans are compared by character, cut at line breaks between sentences in both; sentences are aligned by overlap, since
gold and prediction may be segmented differently. Only what a corpus annotates is counted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sayso.data.schema import Document, Facet, Gold, Head, Label, Polarity, Role, Sentence, Span
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


Key = tuple[str, ...]
BINS, RELIABILITY = 50, 10  # of probabilities: kept, and shown


@dataclass
class Scores:
    """Everything counted on one corpus, as numbers by name that add up over documents.

    `exact`, `overlap`, `word` by role, `facets`, `labels` as (gold, predicted) pairs are views of it. `unaligned`: gold
    sentences that no predicted sentence overlaps (always 0 unless something is lost).
    """

    counts: Counter[Key] = field(default_factory=Counter)

    def __add__(self, other: Scores) -> Scores:
        total = Scores(self.counts.copy())
        total.counts.update(other.counts)
        return total

    def count(self, *name: str) -> Counts:
        """True positives, false positives, false negatives under a name."""
        return Counts(*(int(self.counts[*name, kind]) for kind in ("tp", "fp", "fn")))

    def add(self, name: Key, counts: Counts) -> None:
        self.counts.update({(*name, "tp"): counts.tp, (*name, "fp"): counts.fp, (*name, "fn"): counts.fn})

    def has(self, *name: str) -> bool:
        """Was anything counted under the name, nought included."""
        return (*name, "tp") in self.counts

    def _roles(self, kind: str) -> dict[Role, Counts]:
        return {role: self.count(kind, role.value) for role in Role if self.has(kind, role.value)}

    @property
    def exact(self) -> dict[Role, Counts]:
        return self._roles("exact")

    @property
    def overlap(self) -> dict[Role, Counts]:
        return self._roles("overlap")

    @property
    def word(self) -> dict[Role, Counts]:
        return self._roles("word")

    @property
    def facets(self) -> dict[Facet, Counts]:
        return {facet: self.count("facet", facet.value) for facet in Facet if self.has("facet", facet.value)}

    @property
    def labels(self) -> Counter[tuple[Label, Label]]:
        return Counter({(Label(k[1]), Label(k[2])): int(n) for k, n in self.counts.items() if k[0] == "label"})

    @property
    def documents(self) -> int:
        return int(self.counts["documents",])

    @property
    def sentences(self) -> int:
        return int(self.counts["sentences",])

    @property
    def unaligned(self) -> int:
        return int(self.counts["unaligned",])

    @property
    def label_f1(self) -> dict[Label, float]:
        """F1 of each primary label that occurs in gold or prediction."""
        labels = self.labels
        return {Label(name): f1 for name, f1 in class_f1(labels, [label.value for label in Label]).items()}

    @property
    def macro_f1(self) -> float:
        """Macro-F1 of the primary label, 0 where no sentence has one."""
        values = self.label_f1.values()
        return sum(values) / len(values) if values else 0.0

    def pairs(self, name: str) -> Counter[tuple[str, str]]:
        """(gold, predicted) pairs counted under a name: "label", "stance", "target"."""
        return Counter({(k[1], k[2]): int(n) for k, n in self.counts.items() if k[0] == name and len(k) == 3})

    def reliability(self, facet: Facet, bins: int = RELIABILITY) -> list[tuple[int, float, float]]:
        """Sentences, sum of probabilities and of gold in each of `bins` equal bins of the probability."""
        found = [[0.0, 0.0, 0.0] for _ in range(bins)]
        for k in range(BINS):
            for i, kind in enumerate(("n", "p", "y")):
                found[k * bins // BINS][i] += self.counts["bin", facet.value, str(k), kind]
        return [(int(n), p, y) for n, p, y in found]

    def figures(self, everything: bool = False) -> dict[str, float]:
        """Name to figure, four digits, of what gold annotates and some prediction fills.

        everything: what no prediction fills too, span overlap, boundaries, and calibration (where less is better).
        """
        result = {f"exact_{role.value}": c.f1 for role, c in self.exact.items()}
        result |= {f"word_{role.value}": c.f1 for role, c in self.word.items()}
        result |= {f"facet_{facet.value}": c.f1 for facet, c in self.facets.items()}
        label_f1 = self.label_f1
        result |= {f"label_{label.value}": f1 for label, f1 in label_f1.items()}
        if label_f1:
            result["label_macro"] = sum(label_f1.values()) / len(label_f1)
        if self.has("link"):
            result["link_attribution"] = self.count("link").f1
        for where in ("all", "in", "out"):
            right, wrong = (self.counts["resolved", where, kind] for kind in ("right", "wrong"))
            if right + wrong and (everything or self.counts["filled", "resolution"]):
                result[f"resolved_{where}"] = right / (right + wrong)
        asked = sum(self.counts["official", kind] for kind in ("right", "wrong", "unanswered"))
        if asked and (everything or self.counts["filled", "official"]):
            result["official_accuracy"] = self.counts["official", "right"] / asked
        for name in ("stance", "target"):
            f1 = class_f1(self.pairs(name), [each.value for each in Polarity])
            if f1 and (everything or self.counts["filled", name]):
                result["stance_macro" if name == "stance" else "stance_target_macro"] = sum(f1.values()) / len(f1)
        if everything:
            result |= {f"overlap_{role.value}": c.f1 for role, c in self.overlap.items()}
            if self.has("boundary"):
                result["boundaries"] = self.count("boundary").f1
            for facet in self.facets:
                bins = self.reliability(facet)
                if total := sum(n for n, _, _ in bins):
                    result[f"ece_{facet.value}"] = sum(abs(p - y) for _, p, y in bins) / total
                    result[f"brier_{facet.value}"] = self.counts["brier", facet.value] / total
        return {name: round(value, 4) for name, value in result.items()}


def class_f1(pairs: Mapping[tuple[Any, Any], int], classes: Sequence[str]) -> dict[str, float]:
    """F1 of each class that occurs, from counts of (gold, predicted); a prediction may be no class at all."""
    result = {}
    for each in classes:
        gold = sum(n for (g, _), n in pairs.items() if g == each)
        predicted = sum(n for (_, p), n in pairs.items() if p == each)
        if gold + predicted:
            result[each] = 2 * pairs.get((each, each), 0) / (gold + predicted)
    return result


def score(golds: Sequence[Gold], predictions: Iterable[Document], thresholds: Mapping[str, float]) -> Scores:
    """Count over pairs of gold and predicted document (same text, same order).

    thresholds: facet name to the probability from which it holds in a prediction.
    """
    return sum(score_each(golds, predictions, thresholds), Scores())


def score_each(golds: Sequence[Gold], predictions: Iterable[Document], thresholds: Mapping[str, float]) -> list[Scores]:
    """As `score`, one `Scores` a document."""
    from sayso.training.attribution_metrics import score_attributions  # it imports this module

    found = []
    for gold, predicted in zip(golds, predictions, strict=True):
        if gold.document.text != predicted.text:
            raise ValueError(f"{gold.document.id}: gold and prediction differ in their text")
        scores = Scores(Counter({("documents",): 1}))
        _score_spans(gold, predicted, scores)
        _score_sentences(gold, predicted, thresholds, scores)
        score_attributions(gold, predicted, scores)
        found.append(scores)
    return found


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


def annotated(gold: Gold, span: Span) -> bool:
    """Does the span begin in a sentence that somebody annotated."""
    return not any(gold.document.sentences[k].start <= span.start < gold.document.sentences[k].end for k in gold.masked)


def _spans(gold: Gold, spans: Iterable[Span]) -> set[Span]:
    return {part for span in spans for part in cut_at_breaks(gold, span) if annotated(gold, part)}


def _words(text: str, spans: Iterable[Span]) -> set[tuple[int, int]]:
    return {(match.start(), match.end()) for span in spans for match in WORD.finditer(text, span.start, span.end)}


def _score_spans(gold: Gold, predicted: Document, scores: Scores) -> None:
    for role in Role:
        if Head(role.value) not in gold.heads:
            continue
        expected = _spans(gold, role_spans(gold.document, role))
        found = _spans(gold, role_spans(predicted, role))
        text = gold.document.text
        for kind, a, b in (
            ("exact", set(found), set(expected)),
            ("word", set(_words(text, found)), set(_words(text, expected))),
        ):
            counts = Counts()
            counts.add(a, b)
            scores.add((kind, role.value), counts)
        pairs = [(min(a.end, b.end) - max(a.start, b.start), a, b) for a in expected for b in found if a.overlaps(b)]
        once: set[tuple[str, Span]] = set()  # each span counts once
        for _, a, b in sorted(pairs, reverse=True):
            if ("gold", a) not in once and ("found", b) not in once:
                once |= {("gold", a), ("found", b)}
        tp = len(once) // 2
        scores.add(("overlap", role.value), Counts(tp, len(found) - tp, len(expected) - tp))


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
    counts = scores.counts
    for k, (expected, found) in enumerate(zip(gold.document.sentences, pairs, strict=True)):
        if k in gold.masked:
            continue
        if expected.stance is not None and Head.STANCE in gold.heads:
            given = found.stance if found is not None else None
            counts["stance", expected.stance.value, given.value if given else "none"] += 1
            counts["filled", "stance"] += given is not None
        if not expected.facets:
            continue
        counts["sentences",] += 1
        if found is None:
            counts["unaligned",] += 1
            found = Sentence(expected.start, expected.end, expected.text, Label.OTHER)
        for facet, value in expected.facets.items():
            p, holds = found.facets.get(facet, 0.0), value >= 0.5
            one = Counts()
            one.add({facet} if p >= thresholds[facet] else set(), {facet} if holds else set())
            scores.add(("facet", facet.value), one)
            place = str(min(int(p * BINS), BINS - 1))
            counts.update({("bin", facet.value, place, "n"): 1, ("bin", facet.value, place, "y"): int(holds)})
            counts["bin", facet.value, place, "p"] += p
            counts["brier", facet.value] += (p - holds) ** 2
        if expected.label is not None and found.label is not None:
            counts["label", expected.label.value, found.label.value] += 1
    if Head.REPORTED_CLAIM in gold.heads:  # elsewhere the sentences are our own, not a person's
        one = Counts()
        one.add(set(_ends(gold, predicted.sentences)), set(_ends(gold, gold.document.sentences)))
        scores.add(("boundary",), one)


def _ends(gold: Gold, sentences: Sequence[Sentence]) -> set[int]:
    """Where annotated sentences end, but for the end of the document."""
    given = gold.document.sentences
    shown = [s for k, s in enumerate(given) if k not in gold.masked]
    last = len(gold.document.text.rstrip())
    ends = {s.end for s in sentences if s.end < last}
    return {end for end in ends if any(s.start < end <= s.end for s in shown)}
