"""NewsMTSC (Hamborg and Donnay, EACL 2021; github fhamborg/NewsMTSC, MIT): polarity towards mentions in the news.

`newsmtsc/train.jsonl` and `newsmtsc/devtest_mt.jsonl` hold one sentence a line with its targets; offsets count code
points of `sentence_normalized`, which may contain line breaks.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sayso.data.corpora import blaming, check_split, need, read_lines
from sayso.data.schema import Attribution, Document, Gold, Head, Polarity, Sentence, Span, Stance

HEADS = frozenset({Head.STANCE})
FILES = {"train": "train.jsonl", "dev": "devtest_mt.jsonl"}
POLARITIES = {2.0: Polarity.CRITICAL, 4.0: Polarity.NEUTRAL, 6.0: Polarity.SUPPORTIVE}


def read(root: Path, split: str) -> Iterator[Gold]:
    """The sentences of one split ("train" or "dev") under `root`/newsmtsc, one document each, in order of the file.

    Every target is an attribution that has a stance and nothing else. `CorpusError` with file and line on a missing or
    broken file.
    """
    check_split(split)
    path = need(root / "newsmtsc" / FILES[split], "newsmtsc")
    for line, given in read_lines(path):
        with blaming(path, line):
            document = _document(given)
        yield Gold(document, HEADS, "newsmtsc", split)


def _document(given: dict[str, Any]) -> Document:
    text = given["sentence_normalized"]
    stances = dict.fromkeys(_stance(text, target) for target in given["targets"])  # a target may be listed twice
    return Document(
        id=given["primary_gid"],
        text=text,
        sentences=(Sentence(0, len(text), text),),
        attributions=tuple(Attribution(sentences=(0,), stance=(stance,)) for stance in stances),
    )


def _stance(text: str, target: dict[str, Any]) -> Stance:
    span = Span.of(text, target["from"], target["to"])
    if span.text != target["mention"]:
        raise ValueError(f"target: expected {target['mention']!r} at [{span.start}, {span.end}), found {span.text!r}")
    if target["polarity"] not in POLARITIES:
        raise ValueError(f"polarity: expected 2, 4 or 6, found {target['polarity']!r}")
    return Stance(span, POLARITIES[target["polarity"]])
