"""MPQA 2.0 direct-subjective frames (github amarasovic/naacl-mpqa-srl4orl): who takes which stance towards what.

`mpqa/mpqa.jsonl` holds one document a line: tokens, and frames whose cue, holders and attitude targets are lists of
token indices in their sentence. The text is rebuilt: tokens joined by one space, sentences by a line break.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sayso.data.corpora import SPLITS, blaming, check_split, need, read_lines
from sayso.data.schema import Attribution, Document, Gold, Head, Polarity, Sentence, Span, Stance

HEADS = frozenset({Head.TARGET, Head.STANCE})  # its cues and sources follow other conventions than PolNeAR's
POLARITIES = {
    f"{kind}-{sign}": polarity
    for kind in ("sentiment", "arguing", "agree")
    for sign, polarity in (("pos", Polarity.SUPPORTIVE), ("neg", Polarity.CRITICAL))
}
# The other attitude types of the real corpus; they say nothing about polarity and are left out.
OTHER_TYPES = frozenset(
    {"intention-pos", "intention-neg", "speculation", "specilation", "other-attitude", "other", "none"}
)


def read(root: Path, split: str) -> Iterator[Gold]:
    """The documents of one split ("train" or "dev") of `root`/mpqa/mpqa.jsonl, in order of the file.

    An implicit frame has no words for a cue; a frame that has neither cue nor stance is left out, and so is a target
    that one frame rates both ways, where sentiment outweighs arguing and agreement. `CorpusError` with file and line
    on a missing or broken file.
    """
    check_split(split)
    path = need(root / "mpqa" / "mpqa.jsonl", "mpqa")
    for line, given in read_lines(path):
        with blaming(path, line):
            if given["split"] not in SPLITS:
                raise ValueError(f"split: expected one of {', '.join(SPLITS)}, found {given['split']!r}")
            document = _document(given) if given["split"] == split else None
        if document is not None:
            yield Gold(document, HEADS, "mpqa", split)


def _document(given: dict[str, Any]) -> Document:
    text = "\n".join(" ".join(each["tokens"]) for each in given["sentences"])
    sentences: list[Sentence] = []
    attributions: list[Attribution] = []
    at = 0
    for index, each in enumerate(given["sentences"]):
        tokens = []
        for token in each["tokens"]:
            tokens.append(Span.of(text, at, at + len(token)))
            at += len(token) + 1  # the space or line break after it
        if not tokens:
            raise ValueError(f"sentence {index}: expected tokens, found none")
        sentences.append(Sentence(tokens[0].start, tokens[-1].end, text[tokens[0].start : tokens[-1].end]))
        found = (_attribution(text, tokens, index, frame) for frame in each["frames"])
        attributions += [attribution for attribution in found if attribution is not None]
    return Document(given["id"], text, tuple(sentences), tuple(attributions))


def _attribution(text: str, tokens: list[Span], index: int, frame: dict[str, Any]) -> Attribution | None:
    """The attribution of one frame of sentence `index`, one stance for each target of an attitude with polarity."""
    found: dict[Span, dict[str, set[Polarity]]] = {}
    for attitude in frame["attitudes"]:
        kind = attitude["type"]
        if kind in POLARITIES:
            for target in attitude["targets"]:
                found.setdefault(_span(text, tokens, target), {}).setdefault(kind[:-4], set()).add(POLARITIES[kind])
        elif kind not in OTHER_TYPES:
            expected = ", ".join([*POLARITIES, *sorted(OTHER_TYPES)])
            raise ValueError(f"attitude type: expected one of {expected}, found {kind!r}")
    stances = []
    for target, rated in found.items():
        polarity, *contrary = rated.get("sentiment") or set[Polarity]().union(*rated.values())
        if not contrary:
            stances.append(Stance(target, polarity))
    cue = () if frame["implicit"] else (_span(text, tokens, frame["cue"]),)
    if not (cue or stances):
        return None
    source = sorted(_span(text, tokens, holder) for holder in frame["holders"])
    return Attribution(cue, tuple(source), sentences=(index,), stance=tuple(stances))


def _span(text: str, tokens: list[Span], indices: list[int]) -> Span:
    """The span from the first to the last of the given tokens."""
    if not indices or not 0 <= min(indices) <= max(indices) < len(tokens):
        raise ValueError(f"token indices: expected some from 0 to {len(tokens) - 1}, found {indices}")
    return Span.of(text, tokens[min(indices)].start, tokens[max(indices)].end)
