"""PolNeAR (Newell et al., LREC 2018; github networkdynamics/PolNeAR): attributions in US news, as brat stand-off.

`polnear/<split>/text/NAME.txt` holds an article, `polnear/<split>/attributions/NAME_<annotator>.ann` what one annotator
marked. Offsets count code points of the text as it is on disk, line ends included.
"""

from __future__ import annotations

import re
import warnings
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from sayso.data.corpora import CorpusError, check_split, need, read_text
from sayso.data.schema import Attribution, Document, Facet, Gold, Head, Sentence, Span
from sayso.data.segment import split_sentences

HEADS = frozenset({Head.ATTRIBUTION, Head.SOURCE, Head.CUE, Head.CONTENT, Head.LINKS})
ROLES = ("Source", "Cue", "Content")
# The trigger of an event (it repeats the cue); talk about a topic without content; text that is no part of the article.
OTHER_TYPES = frozenset({"Attribution", "Attribution-no-source", "Discuss", "Discard"})

_RECORD = re.compile(r"[A-Z#*]\d*\t")  # begins a line of brat's format; any other line continues the one before
_TEXT_BOUND = re.compile(r"(\S+) (\d+ \d+(?:;\d+ \d+)*)\t(.*)", re.DOTALL)


@dataclass(slots=True)
class _Annotation:
    """One .ann file: its spans by id (type, pieces in order of text), and its attributions."""

    spans: dict[str, tuple[str, tuple[Span, ...]]] = field(default_factory=dict)
    attributions: list[Attribution] = field(default_factory=list)

    def of_type(self, *types: str) -> list[Span]:
        return [span for kind, spans in self.spans.values() if kind in types for span in spans]


def read(root: Path, split: str, annotators: Literal["first", "all"] = "first") -> Iterator[Gold]:
    """The articles of one split ("train" or "dev") under `root`/polnear, in order of file name.

    "first" takes the first annotator (by file name) of each article, "all" gives one `Gold` per annotator with the id
    NAME@annotator. Sentences that lie mostly within a Discard span (by-lines, "Follow ... on Twitter", embedded tweets)
    were set aside by the annotators, and are masked. `CorpusError` on a missing or broken file; a link that names a
    span of another type (two in the real corpus) drops its attribution with a warning.
    """
    check_split(split)
    folder = need(need(root / "polnear", "polnear") / split, "polnear")
    files: dict[str, list[Path]] = {}
    for file in sorted(need(folder / "attributions", "polnear").glob("*.ann")):
        files.setdefault(file.stem.rpartition("_")[0], []).append(file)
    for name in sorted(files):
        path = need(folder / "text" / f"{name}.txt", "polnear")
        own = files[name] if annotators == "all" else files[name][:1]
        text = read_text(path)
        sentences = split_sentences(text)
        for file in own:
            key = name if annotators == "first" else f"{name}@{file.stem.rpartition('_')[2]}"
            yield _gold(key, text, sentences, parse(file, text), split)


def read_file(ann: Path, plain: Path) -> Gold:
    """One annotated article outside of a split; `CorpusError` as for `read`."""
    text = read_text(plain)
    return _gold(ann.stem, text, split_sentences(text), parse(ann, text), "")


def parse(path: Path, text: str) -> _Annotation:
    """Read one .ann file about `text`; `CorpusError` with file and line on malformed lines and impossible offsets."""
    found = _Annotation()
    events = []
    for number, record in _records(path):
        kind, _, rest = record.partition("\t")
        if kind[0] == "T":
            if kind in found.spans:
                raise CorpusError(path, f"{kind}: this id was used before", number)
            found.spans[kind] = _text_bound(path, number, kind, rest, text)
        elif kind[0] == "E":
            events.append((number, kind, rest))
        elif kind[0] not in "#A*R":
            raise CorpusError(path, f"{kind}: expected a line of kind T, E or #", number)
    for number, kind, rest in events:
        attribution = _event(path, number, kind, rest, found.spans)
        if attribution is not None:
            found.attributions.append(attribution)
    return found


def _records(path: Path) -> Iterator[tuple[int, str]]:
    """Line number and text of every record; a text column with line breaks runs on over the physical lines after it."""
    start, parts = 0, list[str]()
    for number, line in enumerate(read_text(path).split("\n"), 1):
        if _RECORD.match(line):
            if parts:
                yield start, "\n".join(parts)
            start, parts = number, [line.rstrip("\r")]
        elif parts and parts[0].startswith("T"):
            parts.append(line)
        elif line.strip():
            raise CorpusError(path, f"expected a line that begins with an id and a tab, found {line[:40]!r}", number)
    if parts:
        yield start, "\n".join(parts)


def _text_bound(path: Path, number: int, key: str, rest: str, text: str) -> tuple[str, tuple[Span, ...]]:
    """Type and pieces of a T line ("Content 12 30;40 55<tab>words"); pieces that overlap are merged, edges trimmed."""
    match = _TEXT_BOUND.fullmatch(rest)
    if not match:
        raise CorpusError(path, f"{key}: expected 'Type start end[;start end]<tab>text', found {rest[:60]!r}", number)
    kind, offsets, words = match.groups()
    if kind not in ROLES and kind not in OTHER_TYPES:
        expected = ", ".join(sorted([*ROLES, *OTHER_TYPES]))
        raise CorpusError(path, f"{key}: expected one of the types {expected}, found {kind!r}", number)
    pieces = []
    for piece in offsets.split(";"):
        start, end = map(int, piece.split(" "))
        if not start < end <= len(text):
            raise CorpusError(path, f"{key}: expected start < end <= {len(text)}, found [{start}, {end})", number)
        pieces.append((start, end))
    quoted = "".join(text[start:end] for start, end in pieces)
    if "".join(quoted.split()) != "".join(words.split()):
        raise CorpusError(
            path, f"{key}: expected the text {quoted[:40]!r} at its offsets, found {words.strip()[:40]!r}", number
        )
    return kind, _union([span for piece in pieces for span in _trimmed(text, *piece)])


def _trimmed(text: str, start: int, end: int) -> list[Span]:
    """The span [start, end) without white space at its edges; none if it holds nothing else."""
    body = text[start:end].strip()
    if not body:
        return []
    start = text.index(body, start)
    return [Span.of(text, start, start + len(body))]


def _event(
    path: Path, number: int, key: str, rest: str, spans: dict[str, tuple[str, tuple[Span, ...]]]
) -> Attribution | None:
    """The attribution of an E line ("Attribution:T4 Content:T3 Cue:T2 Source:T1"); None without cue and content."""
    found: dict[str, list[Span]] = {role: [] for role in ROLES}
    faulty = False
    for argument in rest.split():
        name, colon, target = argument.partition(":")
        kind = name.rstrip("0123456789")  # a second content is called Content2
        if not colon or (kind not in ROLES and kind not in OTHER_TYPES):
            raise CorpusError(path, f"{key}: expected arguments like 'Content:T3', found {argument!r}", number)
        if target not in spans:
            raise CorpusError(path, f"{key}: {argument} refers to a span that is not in this file", number)
        if spans[target][0] != kind:
            message = f"{path}:{number}: {key}: {argument} is a {spans[target][0]}; left this attribution out"
            warnings.warn(message, stacklevel=4)
            faulty = True
        elif kind in ROLES:
            found[kind].extend(spans[target][1])
    if faulty or not (found["Cue"] or found["Content"]):
        return None
    return Attribution(_union(found["Cue"]), _union(found["Source"]), _union(found["Content"]))


def _union(spans: list[Span]) -> tuple[Span, ...]:
    """The spans in order of text, those that overlap made one."""
    joined: list[Span] = []
    for span in sorted(spans):
        if joined and span.start < joined[-1].end:
            last = joined.pop()
            span = Span(last.start, max(last.end, span.end), last.text + span.text[max(0, last.end - span.start) :])
        joined.append(span)
    return tuple(joined)


def _gold(key: str, text: str, sentences: tuple[Span, ...], annotation: _Annotation, split: str) -> Gold:
    """The record of one annotated article; a facet is 1 in every sentence that a cue or a content overlaps."""
    marked = overlapped(sentences, annotation.of_type("Cue", "Content"))
    discarded = annotation.of_type("Discard")
    masked = {
        i
        for i in overlapped(sentences, discarded)
        if i not in marked and 2 * sum(_shared(sentences[i], span) for span in discarded) > len(sentences[i].text)
    }
    document = Document(
        id=key,
        text=text,
        sentences=tuple(
            Sentence(span.start, span.end, span.text, facets={Facet.ATTRIBUTION: float(i in marked)})
            for i, span in enumerate(sentences)
        ),
        attributions=tuple(
            replace(found, sentences=tuple(overlapped(sentences, found.cue + found.content)))
            for found in annotation.attributions
        ),
    )
    return Gold(document, HEADS, "polnear", split, outlet=key.partition("_")[0], masked=frozenset(masked))


def overlapped(sentences: tuple[Span, ...], spans: Iterable[Span]) -> list[int]:
    """Indices, increasing, of the sentences (in order of text) that any of the spans overlaps."""
    ends = [sentence.end for sentence in sentences]
    found = set()
    for span in spans:
        i = bisect_right(ends, span.start)
        while i < len(sentences) and sentences[i].start < span.end:
            found.add(i)
            i += 1
    return sorted(found)


def _shared(a: Span, b: Span) -> int:
    """Characters that both spans hold."""
    return max(0, min(a.end, b.end) - max(a.start, b.start))
