"""Sentence boundaries: `sayso.data.segment` beside sentencex, syntok and blingfire, on real reports.

    python benchmarks/segmentation.py            # SAYSO_CORPORA: the corpora, default ../shared/corpora

Gold: the sentence offsets of `wire/*.json`; the split (train: tuned on; dev: only reported) is that of
`wire_annotations/`. A boundary is the end of a sentence, written as the number of non-whitespace characters before it,
so that trimming and the layout of white space never matter. The end of a document is left out: every system finds it.
Precision, recall and F1 are micro-averaged over all boundaries of a split.

Three layouts of the same documents:
- raw      as stored: a line is a paragraph, a headline or a caption, and many sentences stand on a line of their own
- joined   every line break after final punctuation is a space, so that only the wording tells where a sentence ends;
           breaks after a line without a full stop (headlines, captions) stay, as nobody could find those
- wrapped  every line is wrapped at 72 columns, and an empty line follows it (mail, older archives)

The other systems run twice: on the document, and ("told") on each paragraph, where the benchmark tells them which
layout it is; sayso has to see for itself whether a line break ends a sentence.
They are no dependencies of sayso: `pip install sentencex syntok blingfire`; one that is missing is left out.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import sys
import textwrap
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from sayso.data.segment import split_sentences

Splitter = Callable[[str], Iterable[int]]  # text -> end offsets of its sentences, trailing white space allowed
LAYOUTS = {"raw": "\n", "joined": "\n", "wrapped": "\n\n"}  # and what separates their paragraphs
FINAL = re.compile(r"""(?<=[.?!…])(["'”’»)\]]*)\n(?=.)""")


def ours(text: str) -> Iterable[int]:
    return (span.end for span in split_sentences(text))


def competitors() -> dict[str, Splitter]:
    found: dict[str, Splitter] = {}

    def add(name: str, make: Callable[..., Splitter]) -> None:
        try:
            found[name] = make(importlib.import_module(name))
        except ImportError:
            print(f"{name}: not installed, left out (pip install {name.split('.')[0]})", file=sys.stderr)

    add("sentencex", lambda m: lambda text: (s["end_index"] for s in m.get_sentence_boundaries("en", text)))
    add(
        "syntok.segmenter",
        lambda m: (
            lambda text: (s[-1].offset + len(s[-1].value) for paragraph in m.analyze(text) for s in paragraph if s)
        ),
    )
    add("blingfire", lambda m: lambda text: (end for _, end in m.text_to_sentences_and_offsets(text)[1]))
    return found


def told(splitter: Splitter, separator: str) -> Splitter:
    """The splitter on one paragraph at a time."""

    def split(text: str) -> Iterable[int]:
        start = 0
        for paragraph in text.split(separator):
            if paragraph.strip():
                yield from (start + end for end in splitter(paragraph.rstrip()))
            start += len(paragraph) + len(separator)

    return split


def layout(text: str, name: str) -> str:
    if name == "joined":
        return FINAL.sub(r"\1 ", text)
    if name == "wrapped":
        return "\n\n".join(textwrap.fill(line, 72, break_on_hyphens=False) for line in text.splitlines())
    return text


def boundaries(text: str, ends: Iterable[int]) -> set[int]:
    """The sentence ends as counts of non-whitespace characters, without that of the document."""
    count = [0]
    for char in text:
        count.append(count[-1] + (not char.isspace()))
    return {count[end] for end in ends} - {0, count[-1]}


def load(corpora: Path) -> dict[str, list[tuple[str, set[int]]]]:
    splits: dict[str, list[tuple[str, set[int]]]] = {"train": [], "dev": []}
    for path in sorted((corpora / "wire").glob("*.json")):
        document = json.loads(path.read_text(encoding="utf-8"))
        split = json.loads((corpora / "wire_annotations" / path.name).read_text(encoding="utf-8"))["split"]
        splits[split].append((document["text"], boundaries(document["text"], (e for _, e in document["sentences"]))))
    return splits


def score(splitter: Splitter, documents: list[tuple[str, set[int]]]) -> tuple[float, float, float, float]:
    """Precision, recall, F1 and seconds per million characters."""
    hits = predicted = gold = characters = 0
    seconds = 0.0
    for text, expected in documents:
        begin = time.perf_counter()
        ends = list(splitter(text))
        seconds += time.perf_counter() - begin
        found = boundaries(text, ends)
        hits, predicted, gold = hits + len(found & expected), predicted + len(found), gold + len(expected)
        characters += len(text)
    precision, recall = hits / max(predicted, 1), hits / max(gold, 1)
    return precision, recall, 2 * hits / max(predicted + gold, 1), seconds / max(characters, 1) * 1e6


def main() -> int:
    corpora = Path(os.environ.get("SAYSO_CORPORA", "../shared/corpora"))
    if not any((corpora / "wire").glob("*.json")) or not (corpora / "wire_annotations").is_dir():
        print(f"segmentation: no wire/ and wire_annotations/ in {corpora}; set SAYSO_CORPORA to them", file=sys.stderr)
        return 1
    systems: dict[str, tuple[Splitter, bool]] = {"sayso": (ours, False)}
    for name, splitter in competitors().items():
        short = name.split(".")[0]
        systems |= {short: (splitter, False), f"{short}, told": (splitter, True)}
    splits = load(corpora)
    table = Table(title="Sentence boundaries: precision / recall / F1 in %")
    table.add_column("system")
    for split, documents in splits.items():
        for kind in LAYOUTS:
            table.add_column(f"{split} {kind}\n{sum(len(gold) for _, gold in documents)} boundaries", justify="right")
    table.add_column("s / MB", justify="right")
    for name, (splitter, is_told) in systems.items():
        cells, times = [], []
        for documents in splits.values():
            for kind, separator in LAYOUTS.items():
                laid_out = [(layout(text, kind), gold) for text, gold in documents]
                precision, recall, f1, seconds = score(told(splitter, separator) if is_told else splitter, laid_out)
                cells.append(f"{precision:.1%} {recall:.1%} {f1:.2%}".replace("%", ""))
                times.append(seconds)
        table.add_row(name, *cells, f"{sum(times) / len(times):.2f}")
    Console(width=None if sys.stdout.isatty() else 180).print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
