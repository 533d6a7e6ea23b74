"""`sayso evaluate`: tag the texts of annotated corpora through a model artifact, as a user would, and score them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from rich.console import Console
from rich.progress import track
from rich.table import Table

from sayso.data.schema import Document, Gold
from sayso.models.artifact import Manifest
from sayso.training.metrics import Scores, score


class Tag(Protocol):
    """What tags a text: `Tagger.tag`, or `pipeline.tag` over some network."""

    def __call__(self, text: str, *, id: str) -> Document: ...


def predict(golds: Sequence[Gold], tag: Tag, progress: str = "") -> list[Document]:
    """Tag the text of each gold document from scratch; its annotation is not looked at."""
    shown = track(golds, progress, console=Console(stderr=True), transient=True, disable=not progress)
    return [tag(g.document.text, id=g.document.id) for g in shown]


def evaluate(
    golds: Mapping[str, Sequence[Gold]], tag: Tag, thresholds: Mapping[str, float], progress: bool = False
) -> dict[str, Scores]:
    """Corpus to scores. thresholds: facet to the probability from which it holds."""
    return {
        name: score(documents, predict(documents, tag, name if progress else ""), thresholds)
        for name, documents in golds.items()
    }


def table(scores: Mapping[str, Scores], split: str) -> Table:
    """Precision, recall and F1 of everything counted, for the terminal."""
    result = Table("corpus", "what", "P", "R", "F1", "support", title=f"{split}: scores in percent")
    for name, s in scores.items():
        rows = [(f"{role.value}, exact span", c) for role, c in s.exact.items()]
        rows += [(f"{role.value}, word", c) for role, c in s.word.items()]
        rows += [(f"facet {facet.value}", c) for facet, c in s.facets.items()]
        for what, c in rows:
            cells = [f"{100 * value:.1f}" for value in (c.precision, c.recall, c.f1)]
            result.add_row(name, what, *cells, str(c.tp + c.fn))
        for label, f1 in s.label_f1.items():
            support = sum(n for (gold, _), n in s.labels.items() if gold is label)
            result.add_row(name, f"label {label.value}", "", "", f"{100 * f1:.1f}", str(support))
        if s.labels:
            result.add_row(name, "label, macro-F1", "", "", f"{100 * s.macro_f1:.1f}", str(s.labels.total()))
        result.add_row(
            name,
            f"{s.documents} documents, {s.sentences} sentences, {s.unaligned} unaligned",
            "",
            "",
            "",
            "",
            end_section=True,
        )
    return result


def report(scores: Mapping[str, Scores], split: str, manifest: Manifest) -> dict[str, Any]:
    """What `--json` writes: figures, and the model that they are of."""
    return {"split": split, "model": manifest.info.to_json(), "scores": {n: s.figures() for n, s in scores.items()}}
