"""Annotated reports of the user's own, for `sayso evaluate PATH`: a folder or a file of one of three formats.

NAME.txt alone is of the bundled corpus's format (corpus/FORMAT.md). NAME.txt beside NAME.ann is brat stand-off, as
`sayso corpus brat-export` writes it or as PolNeAR has it. NAME.json and NAME.jsonl hold records, corrected by hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from sayso.data import brat, bundled, polnear
from sayso.data.corpora import SPLITS, CorpusError, available, corpora_dir, load, read_text
from sayso.data.inline import parse, render
from sayso.data.report import Report
from sayso.data.schema import Document, Facet, Gold, Head, SchemaError, primary_label


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Annotated reports, and those of them that know subject and hard cases, by id."""

    golds: tuple[Gold, ...]
    reports: Mapping[str, Report] = field(default_factory=dict)


def corpus(name: str, split: str) -> HeldOut:
    """One split of a corpus; errors as for `corpora.load`."""
    reports = {report.path.stem: report for report in bundled.reports(split)} if name == "bundled" else {}
    golds = load(name, split)
    if name == "newsmtsc" and split != "train":  # two of its test sentences are in its train split too
        seen = {gold.document.text for gold in load(name, "train")}
        golds = [gold for gold in golds if gold.document.text not in seen]
    return HeldOut(tuple(golds), reports)


def corpora(names: Iterable[str], split: str) -> dict[str, HeldOut]:
    """Name to corpus, of names like "wire" and "bundled:heldout" or "auto"; PolNeAR also as CofeNet counts it.

    `CorpusNameError` on an unknown name or split.
    """
    found: dict[str, HeldOut] = {}
    for given in names:
        if given == "auto":
            there = available(("polnear", "wire", "bundled", "newsmtsc"))
            found |= corpora((f"{name}:{'heldout' if name == 'bundled' else 'dev'}" for name in there), split)
            continue
        name, _, own = given.partition(":")
        part = own or split
        allowed = SPLITS if name != "bundled" else (*SPLITS, "heldout")
        if name not in KNOWN or part not in allowed:
            expected = f"one of auto, {', '.join(KNOWN)}, with :{', :'.join(allowed)}"
            raise CorpusNameError(f"--corpus {given}: expected {expected}, found {name!r}, {part!r}")
        found[name] = corpus(name, part)
        if name == "polnear":
            found["polnear-all"] = cofenet(corpora_dir(), part)
    return found


def train_of(name: str) -> list[Gold]:
    """What baselines learn from: the train split of that corpus, of the bundled one for reports of the user's own."""
    own = name.removesuffix("-all")
    return load(own if own in KNOWN else "bundled", "train")


KNOWN = ("bundled", "polnear", "wire", "newsmtsc")


class CorpusNameError(ValueError):
    """An unknown corpus or split; one line."""


def cofenet(root: Path, split: str) -> HeldOut:
    """PolNeAR as Wang et al. (CofeNet, COLING 2022) count it: every annotation file, by line, spans alone."""
    return HeldOut(tuple(map(_by_line, polnear.read(root, split, annotators="all"))))


def _by_line(gold: Gold) -> Gold:
    text, at, lines = gold.document.text, 0, []
    for line in text.splitlines(keepends=True):
        if body := line.strip():
            start = text.index(body, at)
            lines.append((start, start + len(body)))
        at += len(line)
    sentences = tuple(replace(gold.document.sentences[0], start=a, end=b, text=text[a:b], facets={}) for a, b in lines)
    attributions = tuple(replace(each, sentences=()) for each in gold.document.attributions)
    document = replace(gold.document, sentences=sentences, attributions=attributions)
    return replace(gold, document=document, heads=frozenset({Head.SOURCE, Head.CUE, Head.CONTENT}), masked=frozenset())


def read(path: Path) -> HeldOut:
    """All annotated reports of a folder (and below) or file, in order of name.

    `CorpusError`, one line, on a folder without any, annotation without text, offsets outside the text, unknown labels.
    """
    if not path.exists():
        raise CorpusError(path, "no such file or folder; name one with annotated reports")
    files = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
    golds: list[Gold] = []
    reports: dict[str, Report] = {}
    records: list[tuple[Path, int, Document]] = []
    for file in files:
        if file.suffix == ".ann" or (file.suffix == ".txt" and file.with_suffix(".ann").is_file()):
            if file.suffix == ".ann" or path == file:
                _add(golds, reports, *_brat(file.with_suffix(".ann")))
        elif file.suffix == ".txt":
            report = parse(read_text(file), file)
            _add(golds, reports, bundled.gold(report), report)
        elif file.suffix in (".json", ".jsonl"):
            records += _records(file)
    golds += _record_golds(records)
    if not golds:
        expected = "reports with annotation: NAME.txt (corpus/FORMAT.md), NAME.txt with NAME.ann, .json or .jsonl"
        raise CorpusError(path, f"expected {expected}; found none")
    return HeldOut(tuple(golds), reports)


def _add(golds: list[Gold], reports: dict[str, Report], gold: Gold, report: Report | None) -> None:
    golds.append(gold)
    if report is not None:
        reports[gold.document.id] = report


def _brat(ann: Path) -> tuple[Gold, Report | None]:
    """Stand-off with sentences is ours; without, it is spans and attributions as in PolNeAR."""
    plain = ann.with_suffix(".txt")
    if not plain.is_file():
        raise CorpusError(ann, f"expected its text in {plain.name}, found no such file")
    if any("\tSentence " in line for line in read_text(ann).split("\n")):
        report = brat.restore(ann, plain)
        parse(render(report), ann)  # what holds of the inline format holds here
        return bundled.gold(report), report
    return polnear.read_file(ann, plain), None


def _records(file: Path) -> Iterator[tuple[Path, int, Document]]:
    lines = read_text(file).split("\n") if file.suffix == ".jsonl" else [read_text(file)]
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield file, number, Document.from_json(line)
            except SchemaError as error:
                raise CorpusError(file, str(error), number) from error


def _record_golds(records: Iterable[tuple[Path, int, Document]]) -> Iterator[Gold]:
    """Facets become 0 or 1; what no record fills is a head that nobody annotated."""
    found = list(records)
    attributions = [each for _, _, document in found for each in document.attributions]
    heads = {Head(facet.value) for facet in Facet} | {Head.SOURCE, Head.CUE, Head.CONTENT, Head.LINKS}
    if any(each.resolved_source for each in attributions):
        heads.add(Head.RESOLUTION)
    if any(each.official is not None for each in attributions):
        heads.add(Head.OFFICIAL)
    if any(each.stance for each in attributions):
        heads |= {Head.STANCE, Head.TARGET}
    for file, number, document in found:
        sentences = []
        for k, sentence in enumerate(document.sentences):
            holding = {facet for facet, value in sentence.facets.items() if value >= 0.5}
            label = primary_label(holding) if len(sentence.facets) == len(Facet) else None
            if label is not None and sentence.label not in (None, label):
                message = f"sentence {k}: facets from 0.5 on say {label.value!r}, label says {sentence.label!s}"
                raise CorpusError(file, f"{message}; set the facets to 0 or 1 and the label to what follows", number)
            facets = {facet: float(facet in holding) for facet in sentence.facets}
            sentences.append(replace(sentence, facets=facets, label=label))
        yield Gold(replace(document, sentences=tuple(sentences)), frozenset(heads), "records", "")
