"""Wire reports annotated by the codebook: `wire/<name>.json` holds a report, `wire_annotations/<name>.json` its labels.

Offsets count code points of the report's text. Every facet, role, resolved source, officiality and stance of the first
sentences (at most 22) is annotated; the sentences after them are masked. Texts: NewsDiscourse, NTREX, MPQA, Giveme5W1H.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sayso.data.corpora import SPLITS, CorpusError, blaming, check_split, need, parse_object, read_text
from sayso.data.schema import (
    Attribution,
    Document,
    Facet,
    Gold,
    Head,
    Polarity,
    Sentence,
    Span,
    Stance,
    primary_label,
)

HEADS = frozenset(Head) - {Head.LINKS}  # a source named in another sentence is resolved, not linked


def read(root: Path, split: str) -> Iterator[Gold]:
    """The reports of one split ("train" or "dev") under `root`, in order of file name.

    A sentence's facets are 0 or 1; those that two annotators disputed are left out of the mapping, and its label is
    then None. `CorpusError` on a missing or broken file, and where the annotation is about another text.
    """
    check_split(split)
    texts = need(root / "wire", "wire")
    for path in sorted(need(root / "wire_annotations", "wire").glob("*.json")):
        annotation = parse_object(read_text(path), path)
        with blaming(path):
            if annotation["split"] not in SPLITS:
                raise ValueError(f"split: expected one of {', '.join(SPLITS)}, found {annotation['split']!r}")
            gold = _gold(path, annotation, texts / path.name) if annotation["split"] == split else None
        if gold is not None:
            yield gold


def _report(path: Path) -> tuple[str, list[tuple[int, int]]]:
    """Text and sentence offsets of a report."""
    report = parse_object(read_text(need(path, "wire")), path)
    with blaming(path):
        return report["text"], [(start, end) for start, end in report["sentences"]]


def _gold(path: Path, annotation: dict[str, Any], report: Path) -> Gold:
    """The record: the annotated sentences, and between and after them the report's own, masked."""
    text, own = _report(report)
    digest = hashlib.sha256(text.encode()).hexdigest()
    if digest != annotation["text_sha256"]:
        expected = annotation["text_sha256"]
        raise CorpusError(path, f"text_sha256: expected {expected}, found {digest} in {report}", 1)
    annotated = {(given["start"], given["end"]): given for given in annotation["sentences"]}
    sentences: list[Sentence] = []
    attributions: list[Attribution] = []
    masked = set()
    for start, end in _cover(text, list(annotated), own):
        given = annotated.get((start, end))
        if given is None:
            masked.add(len(sentences))
            sentences.append(Sentence(start, end, text[start:end]))
        else:
            with blaming(path, where=f"sentence at {start}: "):
                attributions += _attributions(text, len(sentences), given["attributions"])
                sentences.append(_sentence(text, given))
    document = Document(annotation["id"], text, tuple(sentences), tuple(attributions))
    return Gold(document, HEADS, "wire", annotation["split"], annotation["outlet"], frozenset(masked))


def _cover(text: str, annotated: list[tuple[int, int]], own: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The annotated sentences, those of the report's own that overlap none, and what text is left over; in order."""
    found = sorted(annotated + [(a, b) for a, b in own if not any(a < d and c < b for c, d in annotated)])
    gaps = zip([0, *(end for _, end in found)], [*(start for start, _ in found), len(text)], strict=True)
    left = [(a, b, text[a:b].strip()) for a, b in gaps]
    extra = [(text.index(body, a, b), text.index(body, a, b) + len(body)) for a, b, body in left if body]
    return sorted(found + extra)


def _sentence(text: str, given: dict[str, Any]) -> Sentence:
    """One annotated sentence; its source is that of its first attribution, its stance the first that evaluates."""
    holding = {Facet(name) for name in given["facets"]}
    disputed = {Facet(name) for name in given.get("disputed", ())}
    polarities = [Polarity(each["stance"]["polarity"]) for each in given["attributions"]]
    sources = [_span(text, each["resolved_source"] or each["source"]) for each in given["attributions"]]
    return Sentence(
        start=given["start"],
        end=given["end"],
        text=text[given["start"] : given["end"]],
        label=None if disputed else primary_label(holding),
        facets={facet: float(facet in holding) for facet in Facet if facet not in disputed},
        source=sources[0].text if sources and sources[0] else None,
        stance=next((each for each in polarities if each is not Polarity.NEUTRAL), next(iter(polarities), None)),
    )


def _attributions(text: str, index: int, given: list[dict[str, Any]]) -> list[Attribution]:
    """The attributions of sentence `index`. One that is a source alone says nothing: left out."""
    found = []
    for each in given:
        source, cue, resolved, target = (
            _span(text, value)
            for value in (each["source"], each["cue"], each["resolved_source"], each["stance"]["target"])
        )
        content = tuple(sorted(Span.of(text, start, end) for start, end in each["content"]))
        polarity = Polarity(each["stance"]["polarity"])
        if cue or content or target:
            attribution = Attribution(
                cue=(cue,) if cue else (),
                source=(source,) if source else (),
                content=content,
                sentences=(index,),
                resolved_source=resolved,
                official=float(each["official"]),
                stance=(Stance(target, polarity),) if target else (),
            )
            found.append(attribution)
    return found


def _span(text: str, given: list[int] | None) -> Span | None:
    if given is None:
        return None
    start, end = given
    return Span.of(text, start, end)
