"""`sayso evaluate`: tag the texts of annotated corpora through a model artifact, as a user would, and score them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

from rich.console import Console
from rich.progress import track
from rich.table import Table

from sayso.data.heldout import HeldOut
from sayso.data.schema import Document, Facet, Gold, Head, Span
from sayso.models.artifact import Manifest
from sayso.training.bootstrap import RESAMPLES, Difference, compare, intervals, resampled
from sayso.training.metrics import Counts, Scores, score, score_each
from sayso.training.slices import slices


class Tag(Protocol):
    """What tags a text: `Tagger.tag`, or `pipeline.tag` over some network."""

    def __call__(self, text: str, *, id: str, targets: Sequence[Span] | None = None) -> Document: ...


def predict(golds: Sequence[Gold], tag: Tag, progress: str = "") -> list[Document]:
    """Tag the text of each gold document from scratch; its annotation is not looked at.

    But where a corpus annotates nothing except stance towards targets (NewsMTSC), these targets are given, as there.
    """
    found = []
    known: dict[str, Document] = {}  # several annotators may have read one text
    shown = track(golds, progress, console=Console(stderr=True), transient=True, disable=not progress)
    for gold in shown:
        text, targets = gold.document.text, given(gold)
        if text not in known or targets is not None:
            asked = {} if targets is None else {"targets": targets}
            known[text] = tag(text, id=gold.document.id, **asked)
        found.append(replace(known[text], id=gold.document.id))
    return found


def evaluate(
    golds: Mapping[str, Sequence[Gold]], tag: Tag, thresholds: Mapping[str, float], progress: bool = False
) -> dict[str, Scores]:
    """Corpus to scores. thresholds: facet to the probability from which it holds."""
    return {
        name: score(documents, predict(documents, tag, name if progress else ""), thresholds)
        for name, documents in golds.items()
    }


def given(gold: Gold) -> list[Span] | None:
    """The targets of a document that annotates nothing else."""
    if gold.heads != {Head.STANCE}:
        return None
    return [stance.target for attribution in gold.document.attributions for stance in attribution.stance]


class SeenError(ValueError):
    """Held-out reports that the model was trained on; one line."""


@dataclass(frozen=True, slots=True)
class Result:
    """One corpus, tagged and scored. `baselines` and `others`: name of another system to its scores by document."""

    heldout: HeldOut
    predictions: list[Document]
    each: list[Scores]
    intervals: Mapping[str, tuple[float, float]]
    slices: Mapping[tuple[str, str], Scores]
    baselines: Mapping[str, Scores]
    differences: Mapping[str, Difference]

    @property
    def scores(self) -> Scores:
        return sum(self.each, Scores())


def seen(golds: Sequence[Gold], manifest: Manifest) -> list[str]:
    """Ids of the reports whose text is among what the manifest says the model was trained on, as far as it does."""
    known = {each for record in manifest.data.values() for each in record.get("hashes", ())}
    return [gold.document.id for gold in golds if text_hash(gold.document.text) in known]


def text_hash(text: str) -> str:
    """First 12 hex digits of the sha256 of a text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def refuse_seen(golds: Sequence[Gold], manifest: Manifest) -> None:
    """`SeenError` where the model was trained on one of the reports."""
    if ids := seen(golds, manifest):
        raise SeenError(
            f"{ids[0]}: expected a report that the model was not trained on, found it in its training data"
            f" ({len(ids)} of {len(golds)} reports); leave such reports out, or pass --allow-seen"
        )


def measure(
    heldout: HeldOut,
    tag: Tag,
    thresholds: Mapping[str, float],
    *,
    name: str = "",
    baselines: Mapping[str, Tag] | None = None,
    other: tuple[Tag, Mapping[str, float]] | None = None,
    resamples: int = RESAMPLES,
) -> Result:
    """Tag and score one corpus, with intervals and slices; `other`: a second model, to tell the difference of."""
    golds = heldout.golds
    predictions = predict(golds, tag, name)
    each = score_each(golds, predictions, thresholds)
    half = {facet.value: 0.5 for facet in Facet}
    compared = {}
    if other is not None:
        compared = compare(each, score_each(golds, predict(golds, other[0], "other model"), other[1]), resamples)
    return Result(
        heldout,
        predictions,
        each,
        intervals(resampled(each, resamples)),
        slices(golds, predictions, thresholds, heldout.reports),
        {
            title: score(golds, predict(golds, system, title), thresholds if title == BY_SENTENCE else half)
            for title, system in (baselines or {}).items()
        },
        compared,
    )


BY_SENTENCE = "the model, sentence by sentence"


def table(results: Mapping[str, Result], title: str = "scores in percent") -> Table:
    """Every figure of every corpus with its interval, precision and recall where there are; baselines beside it."""
    others = list(dict.fromkeys(name for r in results.values() for name in r.baselines))
    result = Table("corpus", "what", "P", "R", "score", "95 %", "support", *others, title=title)
    for name, r in results.items():
        s = r.scores
        rivals = {title: r.baselines[title].figures(everything=True) for title in r.baselines}
        for figure, value in s.figures(everything=True).items():
            c = counts_of(s, figure)
            cells = [_percent(c.precision), _percent(c.recall)] if c else ["", ""]
            low, high = r.intervals[figure]
            cells += [_percent(value), f"{_percent(low)}-{_percent(high)}", str(c.tp + c.fn) if c else ""]
            cells += [_percent(rivals[each][figure]) if figure in rivals.get(each, {}) else "" for each in others]
            result.add_row(name, figure, *cells)
        total = f"{s.documents} documents, {s.sentences} sentences, {s.unaligned} unaligned"
        official = [f"{kind} {n:.0f}" for (head, kind), n in _kinds(s) if head == "official"]
        result.add_row(
            name, ", official: ".join([total, *([", ".join(official)] if official else [])]), end_section=True
        )
    return result


def difference_table(results: Mapping[str, Result]) -> Table:
    """What `--compare` tells: the other model's figures less the model's, over the same resampled documents."""
    result = Table("corpus", "what", "model", "other", "difference", "95 %", "disagree", title="paired bootstrap")
    for name, r in results.items():
        for figure, d in r.differences.items():
            cells = [_percent(x) for x in (d.first, d.second, d.second - d.first)]
            interval = f"{_percent(d.low)} to {_percent(d.high)}"
            result.add_row(name, figure, *cells, interval, f"{100 * d.disagree:.0f} %")
    return result


def counts_of(scores: Scores, figure: str) -> Counts | None:
    """The counts below a figure that is an F1."""
    kind, _, what = figure.partition("_")
    key = {"link": ("link",), "boundaries": ("boundary",)}.get(kind, (kind, what))
    return scores.count(*key) if scores.has(*key) else None


def _kinds(scores: Scores) -> list[tuple[tuple[str, str], float]]:
    return [((key[0], key[1]), n) for key, n in scores.counts.items() if len(key) == 2]


def _percent(value: float) -> str:
    return f"{100 * value:.1f}"


def report(results: Mapping[str, Result], manifest: Manifest) -> dict[str, Any]:
    """What `--json` writes: by corpus figures, intervals, confusion, calibration, slices; and the model they are of."""
    return {"model": manifest.info.to_json(), "corpora": {name: _report(r) for name, r in results.items()}}


def _report(r: Result) -> dict[str, Any]:
    s = r.scores
    counts = {figure: c for figure in s.figures(everything=True) if (c := counts_of(s, figure))}
    result: dict[str, Any] = {
        "documents": s.documents,
        "sentences": s.sentences,
        "unaligned": s.unaligned,
        "figures": s.figures(everything=True),
        "intervals": {name: list(pair) for name, pair in r.intervals.items()},
        "counts": {name: {"tp": c.tp, "fp": c.fp, "fn": c.fn} for name, c in counts.items()},
        "confusion": {name: [[a, b, n] for (a, b), n in sorted(s.pairs(name).items())] for name in CONFUSIONS},
        "accuracy": {" ".join(k): n for k, n in sorted(s.counts.items()) if k[0] in ("official", "resolved")},
        "reliability": {f.value: [[n, round(p, 3), y] for n, p, y in s.reliability(f)] for f in s.facets},
        "slices": [
            {"kind": kind, "slice": part, "sentences": each.sentences, "figures": each.figures()}
            for (kind, part), each in r.slices.items()
        ],
        "baselines": {name: each.figures(everything=True) for name, each in r.baselines.items()},
        "differences": {name: asdict(d) for name, d in r.differences.items()},
    }
    return {key: value for key, value in result.items() if value not in ({}, [])}


CONFUSIONS = ("label", "stance", "target")
