import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from sayso.data.segment import split_sentences
from sayso.models.windows import load_tokenizer, tokenize, windows

CLS, SEP = 1, 2


def tokenizer() -> Tokenizer:
    vocabulary = {"[UNK]": 0, "[CLS]": CLS, "[SEP]": SEP, "a": 3, "##a": 4, ".": 5, "b": 6, "##b": 7}
    result = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    result.normalizer = normalizers.BertNormalizer(lowercase=True)
    result.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return result


@given(st.text(st.characters()), st.integers(3, 40), st.integers(0, 20))
def test_every_piece_is_in_one_core(text: str, room: int, context: int) -> None:
    sentences = split_sentences(text)
    pieces = tokenize(tokenizer(), sentences)
    assert ((pieces.start <= pieces.end) & (pieces.end <= len(text))).all()
    size = context + room
    cut = windows(pieces, len(sentences), size=size, context=context, cls=CLS, sep=SEP)
    assert [k for w in cut for k in range(w.lo, w.hi)] == list(range(len(pieces.ids)))
    assert {int(k) for w in cut for k in w.sentences} == set(range(len(sentences)))
    for w in cut:
        assert len(w.ids) <= size
        assert (w.ids[w.core] == pieces.ids[w.lo : w.hi]).all()
        assert (w.types[w.core] == [text[i].isupper() for i in pieces.start[w.lo : w.hi]]).all()
        assert (w.types[~w.core & (w.ids <= SEP) & (w.ids > 0)] == 0).all()
        assert (w.sentences[w.sentence[w.core]] == pieces.sentence[w.lo : w.hi]).all()
        assert w.sentence_mask.any(1).all(), "a sentence without a position"


def test_context_and_long_sentences() -> None:
    text = "b. " + "a " * 30 + "."
    sentences = split_sentences(text)
    assert len(sentences) == 1  # lower case goes on
    sentences = split_sentences("Bb.\n" + "a " * 30)
    pieces = tokenize(tokenizer(), sentences)
    cut = windows(pieces, 2, size=16, context=4, cls=CLS, sep=SEP)
    assert [w.sentences.tolist() for w in cut] == [[0], [1], [1], [1]]
    assert cut[1].ids.tolist()[:5] == [CLS, *pieces.ids[:3], SEP]  # three pieces of context, and their [SEP]
    assert cut[2].ids.tolist()[:5] == [CLS, *pieces.ids[cut[2].lo - 4 : cut[2].lo]]


def test_words_begin_at_first_pieces() -> None:
    sentences = split_sentences("aab a. Ba")
    pieces = tokenize(tokenizer(), sentences)
    assert pieces.capital.tolist() == [False] * 5 + [True, False]
    assert pieces.first.tolist() == [True, False, False, True, True, True, False]


def test_surrogates_keep_their_place() -> None:
    text = "a \ud800b a"
    pieces = tokenize(tokenizer(), split_sentences(text))
    assert pieces.end[-1] == len(text)


def test_too_small_a_window_is_refused() -> None:
    pieces = tokenize(tokenizer(), split_sentences("a"))
    with pytest.raises(ValueError, match="context"):
        windows(pieces, 1, size=10, context=8, cls=CLS, sep=SEP)


def test_truncation_in_the_file_is_ignored(tmp_path: Path) -> None:
    cutting = tokenizer()
    cutting.enable_truncation(2)
    cutting.enable_padding(length=8)
    path = tmp_path / "tokenizer.json"
    cutting.save(str(path))
    assert json.loads(path.read_text())["truncation"]
    assert len(load_tokenizer(str(path)).encode("a a a a", add_special_tokens=False)) == 4


def test_an_empty_document() -> None:
    pieces = tokenize(tokenizer(), ())
    assert windows(pieces, 0, size=16, context=4, cls=CLS, sep=SEP) == []
    assert pieces.ids.dtype == np.int64
