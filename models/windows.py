"""From sentences to the encoder's windows, and back: one implementation for training and inference.

A document is cut into word pieces sentence by sentence. Windows hold whole sentences (`core`), each followed by [SEP],
and before them the pieces that precede in the article (`context`). Every piece is in the core of exactly one window, so
per-piece logits of all windows, put side by side, are the logits of the document: nothing is dropped or seen twice.
A sentence longer than a core is cut inside; its parts are stitched by `Windowed.sentence_of`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from sayso.data.schema import Span

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]

_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Pieces:
    """Word pieces of a document, all arrays (P,).

    Vocabulary id, character offsets, sentence index; whether a word begins here; whether it does so with a capital,
    which an uncased vocabulary does not show.
    """

    ids: Ints
    start: Ints
    end: Ints
    sentence: Ints
    first: Bools
    capital: Bools


@dataclass(frozen=True, slots=True)
class Window:
    """One encoder input of L positions ([CLS], context, core; [SEP] after each sentence).

    `ids` (L,): vocabulary ids. `types` (L,): 1 where a piece begins with a capital, else 0. `core` (L,): is it a piece
    of the core. `sentence` (L,): row in `sentences` of the core's pieces and of the [SEP] that ends each
    sentence, -1 elsewhere. `sentences` (S,): their indices in the document. `lo`, `hi`: the core is pieces [lo, hi) of
    the document.
    """

    ids: Ints
    types: Ints
    core: Bools
    sentence: Ints
    sentences: Ints
    lo: int
    hi: int

    @property
    def sentence_mask(self) -> Bools:
        """(S, L): which positions make up each sentence of the core."""
        mask: Bools = self.sentence[None, :] == np.arange(len(self.sentences))[:, None]
        return mask


class Logits(NamedTuple):
    """What the network says about one window, in the order of the graph's outputs; stitched, about a whole document.

    A row a sentence: facets (S, F); judged (S, 5): is the source official, does the sentence evaluate, and its stance
    in the order of `Polarity`. A row a position, or stitched a row a piece: roles (L, R, 3); official (L,), of a source
    there; polarity (L, 3), towards a target there.
    """

    facets: Floats
    roles: Floats
    judged: Floats
    official: Floats
    polarity: Floats


def load_tokenizer(path: str) -> Tokenizer:
    """A tokenizer.json, without the truncation and padding that some of them bring along."""
    tokenizer = Tokenizer.from_file(path)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def tokenize(tokenizer: Tokenizer, sentences: Sequence[Span]) -> Pieces:
    """Word pieces of each sentence, with offsets into the document.

    A lone surrogate, which no tokenizer takes, is read as U+FFFD: same length, so offsets hold.
    """
    texts = [_SURROGATE.sub("\ufffd", s.text) for s in sentences]
    encodings = tokenizer.encode_batch(texts, add_special_tokens=False)
    counts = [len(e) for e in encodings]
    total = sum(counts)
    sentence = np.repeat(np.arange(len(sentences)), counts)
    shift = np.repeat(np.fromiter((s.start for s in sentences), np.int64, len(sentences)), counts)
    ids = np.fromiter((i for e in encodings for i in e.ids), np.int64, total)
    offsets = np.fromiter((o for e in encodings for pair in e.offsets for o in pair), np.int64, 2 * total).reshape(
        -1, 2
    )
    words = np.fromiter((w for e in encodings for w in e.word_ids), np.int64, total)
    first = np.ones(total, np.bool_)
    first[1:] = (words[1:] != words[:-1]) | (sentence[1:] != sentence[:-1])
    capital = np.fromiter(
        (t[o[0]].isupper() for t, e in zip(texts, encodings, strict=True) for o in e.offsets), np.bool_
    )
    return Pieces(ids, offsets[:, 0] + shift, offsets[:, 1] + shift, sentence, first, capital)


def windows(pieces: Pieces, n_sentences: int, *, size: int, context: int, cls: int, sep: int) -> list[Window]:
    """Cut a document into windows of at most `size` positions, up to `context` of them pieces of what precedes.

    cls, sep: vocabulary ids of the special tokens.
    """
    room = size - context - 1  # positions for the core and its [SEP]s, after [CLS]
    if context < 0 or room < 2:
        raise ValueError(f"expected a window of at least context + 3 positions, found size {size}, context {context}")
    bounds = np.searchsorted(pieces.sentence, np.arange(n_sentences + 1))
    cores: list[list[tuple[int, int, int]]] = [[]]  # per window: (sentence, first piece, end piece)
    used = 0
    for k in range(n_sentences):
        lo, hi = int(bounds[k]), int(bounds[k + 1])
        while True:
            if used + min(hi - lo, room - 1) + 1 > room:
                cores.append([])
                used = 0
            part = min(hi, lo + room - 1)
            cores[-1].append((k, lo, part))
            used += part - lo + 1
            lo = part
            if lo >= hi:
                break
    return [_window(pieces, core, context, cls, sep) for core in cores if core]


def _window(pieces: Pieces, core: list[tuple[int, int, int]], context: int, cls: int, sep: int) -> Window:
    lo, hi = core[0][1], core[-1][2]
    before = max(0, lo - context)
    # [SEP]s of the context count too: drop pieces at its far end until it fits
    while lo - before + (n_seps := _breaks(pieces, before, lo)) > context:
        before += lo - before + n_seps - context
    where = [-1]  # piece at each position; -1 and -2 are [CLS] and [SEP], put behind the pieces below
    for piece in range(before, lo):
        where.append(piece)
        if piece + 1 < len(pieces.ids) and pieces.sentence[piece + 1] != pieces.sentence[piece]:
            where.append(-2)
    sentence = [-1] * len(where)
    for row, (_, start, end) in enumerate(core):
        where += [*range(start, end), -2]
        sentence += [row] * (end - start + 1)
    at = np.array(where, np.int64)
    return Window(
        ids=np.append(pieces.ids, [sep, cls])[at],
        types=np.append(pieces.capital, [False, False])[at].astype(np.int64),
        core=at >= lo,
        sentence=np.array(sentence, np.int64),
        sentences=np.array([k for k, _, _ in core], np.int64),
        lo=lo,
        hi=hi,
    )


def _breaks(pieces: Pieces, lo: int, hi: int) -> int:
    """How many sentences end in pieces [lo, hi), the last one counted if a new sentence follows."""
    following = pieces.sentence[lo + 1 : hi + 1]
    return int(np.count_nonzero(following != pieces.sentence[lo : lo + len(following)]))
