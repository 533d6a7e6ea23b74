"""`sayso evaluate --html`: one page, self-contained, with tables, plots and a browser of errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from jinja2 import Environment
from markupsafe import Markup, escape

from sayso.data.schema import Facet, Label, Polarity, Span
from sayso.models.artifact import Manifest
from sayso.training.errors import Mistake, mistakes
from sayso.training.evaluate import Result, counts_of
from sayso.training.metrics import BINS, Scores
from sayso.training.plots import bar, square
from sayso.training.template import TEMPLATE

SHOWN = 400  # errors of a corpus, the surest


def page(results: Mapping[str, Result], manifest: Manifest) -> str:
    """The HTML of the page; it holds the text of wrong sentences and of their neighbours."""
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    corpora = [_corpus(name, result, manifest) for name, result in results.items()]
    return environment.from_string(TEMPLATE).render(model=manifest.info, corpora=corpora)


def _corpus(name: str, result: Result, manifest: Manifest) -> dict[str, Any]:
    s = result.scores
    figures = s.figures(everything=True)
    rivals = {title: each.figures(everything=True) for title, each in result.baselines.items()}
    wrong = mistakes(result.heldout.golds, result.predictions, manifest.thresholds)
    kinds = dict.fromkeys(kind for each in wrong[:SHOWN] for kind in each.kinds)
    rows = []
    for figure, value in figures.items():
        c = counts_of(s, figure)
        row = {"name": figure, "value": value, "interval": result.intervals[figure], "bar": Markup(bar(value))}
        row |= {"precision": c.precision if c else None, "recall": c.recall if c else None}
        rows.append(row | {"support": c.tp + c.fn if c else None, "rivals": [r.get(figure) for r in rivals.values()]})
    return {
        "name": name,
        "scores": s,
        "rows": rows,
        "rivals": list(rivals),
        "confusions": _confusions(s),
        "plots": [Markup(plot) for plot in _plots(s)],
        "slices": _slices(result.slices),
        "differences": result.differences,
        "kinds": sorted(kinds),
        "wrong": len(wrong),
        "errors": [_shown(each) for each in wrong[:SHOWN]],
    }


def _confusions(s: Scores) -> list[dict[str, Any]]:
    found = []
    for name, classes in (("label", list(Label)), ("stance", list(Polarity)), ("target", list(Polarity))):
        if pairs := s.pairs(name):
            gold = [each.value for each in classes]
            predicted = gold if name == "label" else [*gold, "none"]
            most = max(pairs.values())
            cells = [[(pairs[a, b], round(0.85 * pairs[a, b] / most, 2)) for b in predicted] for a in gold]
            found.append({"name": name, "columns": predicted, "rows": list(zip(gold, cells, strict=True))})
    return found


def _plots(s: Scores) -> list[str]:
    if not s.facets:
        return []
    calibrated = [(f.value, [(p / n, y / n) for n, p, y in s.reliability(f) if n]) for f in s.facets]
    curves = [(f.value, _curve(s, f)) for f in s.facets]
    return [
        square("Reliability", "probability said", "share that holds", calibrated, diagonal=True),
        square("Precision and recall", "recall", "precision", curves),
    ]


def _curve(s: Scores, facet: Facet) -> list[tuple[float, float]]:
    """(recall, precision) at every threshold that a bin begins with, from high to low."""
    bins = s.reliability(facet, BINS)
    positive, said, right, points = sum(y for _, _, y in bins), 0, 0.0, []
    for n, _, y in reversed(bins):
        said, right = said + n, right + y
        if said and positive:
            points.append((right / positive, right / said))
    return points


def _slices(slices: Mapping[tuple[str, str], Scores]) -> list[dict[str, Any]]:
    names = ("facet_attribution", "facet_official_assessment", "facet_reported_claim", "label_macro")
    names += ("exact_source", "exact_cue", "exact_content", "link_attribution")
    found = {key: s.figures() for key, s in slices.items()}
    shown = [n for n in names if any(n in f for f in found.values())]
    tables = []
    for kind in dict.fromkeys(kind for kind, _ in slices):
        rows = [
            (part, slices[kind, part].sentences, [(f[n], Markup(bar(f[n]))) if n in f else None for n in shown])
            for (each, part), f in found.items()
            if each == kind
        ]
        tables.append({"kind": kind, "columns": shown, "rows": rows})
    return tables


def _shown(mistake: Mistake) -> dict[str, Any]:
    marked = [_marked(mistake.sentence, marks) for marks in (mistake.gold_marks, mistake.found_marks)]
    return {"mistake": mistake, "gold": marked[0], "found": marked[1]}


def _marked(sentence: Span, marks: Sequence[tuple[int, int, str]]) -> Markup:
    """The sentence with its spans highlighted; where they nest, the stretch has both classes."""
    inside = [(max(a, sentence.start), min(b, sentence.end), role) for a, b, role in marks]
    edges = sorted({sentence.start, sentence.end, *(at for a, b, _ in inside for at in (a, b))})
    pieces = Markup("")
    for a, b in pairwise(edges):
        words = escape(sentence.text[a - sentence.start : b - sentence.start])
        roles = " ".join(dict.fromkeys(role for start, end, role in inside if start <= a and b <= end))
        pieces += Markup('<mark class="{}" title="{}">{}</mark>').format(roles, roles, words) if roles else words
    return pieces
