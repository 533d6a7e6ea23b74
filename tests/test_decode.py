import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sayso.data.schema import Role
from sayso.data.segment import split_sentences
from sayso.models.decode import (
    MAX_BLOCK,
    B,
    I,
    O,
    blocks,
    decode_roles,
    viterbi,
)
from sayso.models.windows import Pieces

FREE = np.zeros((1, 3, 3), np.float32), np.zeros((1, 3), np.float32)  # no learned transitions


def possible(tags: tuple[int, ...]) -> bool:
    return tags[0] != I and all(not (a == O and b == I) for a, b in itertools.pairwise(tags))


@given(st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_viterbi_finds_the_best_possible_sequence(steps: int, seed: int) -> None:
    logits = np.random.default_rng(seed).normal(size=(2, steps, 2, 3)).astype(np.float32) * 3
    random = np.random.default_rng(seed + 1)
    moves, starts = (random.normal(size=shape).astype(np.float32) for shape in ((2, 3, 3), (2, 3)))
    lengths = np.array([steps, max(1, steps - 1)])
    tags = viterbi(logits, lengths, moves, starts)
    for n, r in itertools.product(range(2), range(2)):
        length = lengths[n]
        options = [t for t in itertools.product((O, B, I), repeat=int(length)) if possible(t)]

        def score(t: tuple[int, ...], n: int = n, r: int = r) -> float:
            steps = sum(moves[r, a, b] for a, b in itertools.pairwise(t))
            return float(starts[r, t[0]] + steps + sum(logits[n, k, r, tag] for k, tag in enumerate(t)))

        assert score(tuple(tags[n, :length, r])) == pytest.approx(max(map(score, options)), abs=1e-4)
        assert possible(tuple(tags[n, :length, r]))
        assert (tags[n, length:, r] == O).all()


def words(text: str) -> Pieces:
    """One piece a space-separated word."""
    sentences = split_sentences(text)
    starts, ends, owner = [], [], []
    for k, s in enumerate(sentences):
        at = s.start
        for word in s.text.split():
            at = text.index(word, at)
            starts.append(at)
            ends.append(at + len(word))
            owner.append(k)
            at += len(word)
    n = len(starts)
    return Pieces(
        np.zeros(n, np.int64),
        np.array(starts),
        np.array(ends),
        np.array(owner),
        np.ones(n, np.bool_),
        np.zeros(n, np.bool_),
    )


def logits_for(tags: str) -> np.ndarray:
    result = np.full((len(tags), 1, 3), -5.0, np.float32)
    for k, tag in enumerate(tags):
        result[k, 0, "OBI".index(tag)] = 5.0
    return result


@pytest.mark.parametrize(
    ("text", "tags", "expected"),
    [
        ("A dam held firm.", "OBII", ["dam held firm."]),
        ("A dam held firm.", "BBOB", ["A", "dam", "firm."]),
        ("A dam held. It rained.", "OBIII", ["dam held. It rained."]),  # over two sentences
        ("A dam held.\nIt rained.", "OBIBI", ["dam held.", "It rained."]),  # never over a line break
        ("A dam held.\nIt rained.", "OBIII", ["dam held.", "It rained."]),  # I cannot open a line: B is taken
        ("A dam.", "OI", ["A dam."]),  # nor follow O
        ("A dam.", "OO", []),
    ],
)
def test_spans(text: str, tags: str, expected: list[str]) -> None:
    logits = logits_for(tags)
    logits[..., B] += 0.5  # where I is impossible, B is the next best
    found = decode_roles(text, split_sentences(text), words(text), logits, [Role.CONTENT], *FREE)
    if tags == "OI":
        assert found == [] or found[0].span.text in {"A dam.", "dam."}
        return
    assert [s.span.text for s in found] == expected
    assert all(0 < s.score <= 1 and text[s.span.start : s.span.end] == s.span.text for s in found)


def test_long_runs_are_decoded_in_parts() -> None:
    text = "The dam held firm. " * 300
    pieces = words(text)
    runs = blocks(text, split_sentences(text), pieces.sentence)
    assert runs[0][0] == 0 and runs[-1][1] == 1200
    assert all(a[1] == b[0] for a, b in itertools.pairwise(runs))
    assert max(hi - lo for lo, hi in runs) <= MAX_BLOCK


def test_no_words() -> None:
    empty = Pieces(*(np.zeros(0, np.int64) for _ in range(4)), *(np.zeros(0, np.bool_) for _ in range(2)))
    assert decode_roles("", (), empty, np.zeros((0, 1, 3), np.float32), [Role.CUE], *FREE) == []
