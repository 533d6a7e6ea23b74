"""Scores of parts of the sentences: by outlet, subject, length, quotation, place in the article, hard case."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from sayso.data.report import Report
from sayso.data.schema import Document, Gold
from sayso.data.variety import quotation, quoted_places
from sayso.training.metrics import Scores, score

LENGTHS = (10, 20, 30, 40)  # words


def slices(
    golds: Sequence[Gold],
    predictions: Sequence[Document],
    thresholds: Mapping[str, float],
    reports: Mapping[str, Report],
) -> dict[tuple[str, str], Scores]:
    """(kind, slice) to the scores of its sentences, all others masked. One may be in several of a kind."""
    found: dict[tuple[str, str], Scores] = defaultdict(Scores)
    for gold, predicted in zip(golds, predictions, strict=True):
        members = defaultdict[tuple[str, str], set[int]](set)
        for k in range(len(gold.document.sentences)):
            if k not in gold.masked:
                for name in _names(gold, k, reports.get(gold.document.id)):
                    members[name].add(k)
        everything = frozenset(range(len(gold.document.sentences)))
        for name, inside in members.items():
            part = replace(gold, masked=everything - inside)
            found[name] = found[name] + score([part], [predicted], thresholds)
    return dict(sorted(found.items()))


def _names(gold: Gold, k: int, report: Report | None) -> Iterator[tuple[str, str]]:
    sentence = gold.document.sentences[k]
    if gold.outlet:
        yield "outlet", gold.outlet
    if report is not None:
        yield "subject", report.subject
        for tag in report.lines[k].tags:
            yield "hard case", f"#{tag}"
    words = len(sentence.text.split())
    longer = [n for n in LENGTHS if words > n]
    yield (
        "length",
        f"{longer[-1] + 1 if longer else 1:02}{f'-{LENGTHS[len(longer)]}' if len(longer) < 4 else ' on'} words",
    )
    place = k / max(len(gold.document.sentences) - 1, 1)
    yield (
        "position",
        "1 headline or first" if k == 0 else f"{2 + min(int(3 * place), 2)} {_THIRDS[min(int(3 * place), 2)]}",
    )
    pieces = [span for each in gold.document.attributions for span in each.content if span.overlaps(sentence.span)]
    if pieces:
        yield "quotation", quotation(pieces, quoted_places(gold.document.text))


_THIRDS = ("first third", "second third", "last third")
