import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from sayso.data.schema import Attribution, Document, Facet, Gold, Head, Label, Role, Sentence, Span
from sayso.data.wire import read
from sayso.models.artifact import load
from sayso.models.decode import B, I, O
from sayso.models.network import SaysoModel, torch_encode
from sayso.models.pipeline import tag
from sayso.models.windows import Window, load_tokenizer
from sayso.training.calibrate import SHIFTS, _shift, calibrate, facet_pairs, remember, scaling, threshold, tune_openings
from sayso.training.config import load_config
from sayso.training.evaluate import evaluate
from sayso.training.metrics import Counts, primary_metric, score
from sayso.training.run import RANKING, blank_manifest

TEXT = "Ann said it rained.\nBob denied it."
HALF = {facet.value: 0.5 for facet in Facet}
ALL = frozenset(Head)


def span(part: str) -> Span:
    start = TEXT.index(part)
    return Span.of(TEXT, start, start + len(part))


def sentence(part: str, label: Label, **facets: float) -> Sentence:
    found = span(part)
    values = {facet: facets.get(facet.value, 0.0) for facet in Facet}
    return Sentence(found.start, found.end, found.text, label, values)


def document(*attributions: Attribution, sentences: tuple[Sentence, ...] | None = None) -> Document:
    both = sentences or (
        sentence("Ann said it rained.", Label.ATTRIBUTION, attribution=1.0, reported_claim=1.0),
        sentence("Bob denied it.", Label.ATTRIBUTION, attribution=1.0),
    )
    return Document("x", TEXT, both, attributions)


ANN = Attribution((span("said"),), (span("Ann"),), (span("it rained"),), (0,))
BOB = Attribution((span("denied"),), (span("Bob"),), (span("it."),), (1,))
GOLD = Gold(document(ANN, BOB), ALL, "test", "dev")


def test_gold_against_itself_is_perfect() -> None:
    figures = score([GOLD], [GOLD.document], HALF).figures()
    assert figures.pop("exact_target") == 0 and figures.pop("word_target") == 0  # nothing annotated
    assert figures.pop("facet_official_assessment") == 0
    assert set(figures.values()) == {1.0}


def test_spans_are_counted_exactly_and_by_word() -> None:
    wrong = replace(BOB, content=(span("denied it."),), cue=())
    scores = score([GOLD], [document(ANN, wrong)], HALF)
    assert scores.exact[Role.CUE] == Counts(tp=1, fn=1)
    assert scores.exact[Role.CONTENT] == Counts(tp=1, fp=1, fn=1)
    assert scores.word[Role.CONTENT] == Counts(tp=4, fp=1)  # it, rained, it, "." and the wrong "denied"


def test_a_span_over_a_line_break_counts_as_its_parts() -> None:
    both = replace(ANN, content=(Span.of(TEXT, span("it rained").start, len(TEXT)),), sentences=(0, 1))
    gold = replace(GOLD, document=document(both))
    parts = replace(ANN, content=(span("it rained."), span("Bob denied it.")), sentences=(0, 1))
    assert score([gold], [document(parts)], HALF).exact[Role.CONTENT] == Counts(tp=2)


def test_what_nobody_annotated_is_not_counted() -> None:
    gold = replace(GOLD, masked=frozenset({1}), heads=frozenset({Head.CUE}))
    scores = score([gold], [document(ANN, BOB)], HALF)
    assert scores.exact == {Role.CUE: Counts(tp=1)}
    assert scores.sentences == 1


def test_sentences_are_aligned_by_overlap_and_none_is_lost() -> None:
    cut = (
        sentence("Ann", Label.OTHER),
        sentence("said it rained.", Label.REPORTED_CLAIM, reported_claim=0.9),
    )
    scores = score([GOLD], [document(sentences=cut)], HALF)
    assert scores.labels == {(Label.ATTRIBUTION, Label.REPORTED_CLAIM): 1, (Label.ATTRIBUTION, Label.OTHER): 1}
    assert (scores.unaligned, scores.sentences) == (1, 2)
    assert scores.facets[Facet.REPORTED_CLAIM] == Counts(tp=1)
    assert scores.facets[Facet.ATTRIBUTION] == Counts(fn=2)


def test_thresholds_decide_what_holds() -> None:
    weak = document(sentences=tuple(replace(s, facets=dict.fromkeys(Facet, 0.3)) for s in GOLD.document.sentences))
    assert score([GOLD], [weak], HALF | {"attribution": 0.25}).facets[Facet.ATTRIBUTION].recall == 1
    assert score([GOLD], [weak], HALF).facets[Facet.ATTRIBUTION].recall == 0


def test_disputed_facets_are_left_out() -> None:
    first, second = GOLD.document.sentences
    disputed = replace(first, facets={Facet.ATTRIBUTION: 1.0}, label=None)
    gold = replace(GOLD, document=document(sentences=(disputed, second)))
    scores = score([gold], [GOLD.document], HALF)
    assert scores.labels.total() == 1
    assert scores.facets[Facet.REPORTED_CLAIM] == Counts()


def test_another_text_is_refused() -> None:
    with pytest.raises(ValueError, match="differ in their text"):
        score([GOLD], [Document("x", "Another text.")], HALF)


def test_primary_metric() -> None:
    roles = {"exact_source": 0.6, "exact_cue": 0.7, "exact_content": 0.8}
    assert primary_metric({"a": roles, "b": roles | {"label_macro": 0.5}}) == pytest.approx(0.6)


def test_scaling_and_threshold() -> None:
    random = np.random.default_rng(0)
    z = random.normal(size=20_000) * 2
    truth = (random.random(20_000) < 1 / (1 + np.exp(-z))).astype(float)
    eager = 1 / (1 + np.exp(-z * 2 - 1))  # too sure of itself by a factor of two, and too ready to say yes
    even = np.ones(20_000)
    assert scaling(eager, truth, even) == pytest.approx((2.0, -0.5), rel=0.08)
    assert scaling(1 / (1 + np.exp(-z)), truth, even) == pytest.approx((1.0, 0.0), rel=0.08, abs=0.05)
    assert scaling(eager, even, even) == (1.0, 0.0)
    p = np.array([0.1, 0.2, 0.3, 0.6, 0.7, 0.9])
    assert 0.3 < threshold(p, np.array([0, 0, 0, 1, 1, 1.0]), np.ones(6)) <= 0.6


def test_calibrate_reads_the_facets(artifact: Path) -> None:
    fitted = calibrate([GOLD], [GOLD.document], load(artifact).manifest)
    assert set(fitted.temperatures) == set(fitted.biases) == set(fitted.thresholds) == {facet.value for facet in Facet}


def test_corpora_weigh_the_same_in_calibration() -> None:
    golds = [GOLD, GOLD, GOLD, replace(GOLD, corpus="another")]
    p, _, weights = facet_pairs(golds, [gold.document for gold in golds], Facet.ATTRIBUTION)
    one = len(p) // 4
    assert weights[: 3 * one].sum() == pytest.approx(weights[3 * one :].sum())
    assert weights.sum() == pytest.approx(len(p))


def test_openings_are_shifted_to_the_best_f1(run: Path, corpora: Path) -> None:
    """A model that has learned never to open a span gets its spans back."""
    config = load_config(run / "config.json")
    model, tokenizer = SaysoModel.from_pretrained(run / "model"), load_tokenizer(str(run / "tokenizer.json"))
    manifest = blank_manifest(config, model, tokenizer, json.loads((run / RANKING).read_text()))
    shy = _shift(manifest, [-0.8] * len(manifest.roles))
    tuned = tune_openings({"wire": list(read(corpora, "dev"))}, torch_encode(model), tokenizer, shy)
    for before, after in ((shy.starts, tuned.starts), (shy.transitions, tuned.transitions)):
        moved = np.array(after) - np.array(before)
        assert (np.abs(moved[..., [O, I]]) < 1e-5).all()
        assert {round(float(x), 4) for x in moved[..., B].ravel()} <= set(SHIFTS)
    figures = evaluate(
        {"wire": list(read(corpora, "dev"))},
        partial(tag, encode=torch_encode(model), tokenizer=tokenizer, manifest=tuned),
        tuned.thresholds,
    )["wire"].figures()
    assert [figures[f"exact_{role}"] for role in ("source", "cue", "content")] == [1.0, 1.0, 1.0]


def test_windows_are_encoded_once() -> None:
    seen: list[int] = []

    def encode(windows):  # type: ignore[no-untyped-def]
        seen.extend(w.lo for w in windows)
        return [(w.ids, w.ids) for w in windows]

    none = np.zeros(0, np.int64)
    a, b = (Window(np.array([i]), none, none, np.array([0]), none, i, i) for i in (1, 2))
    known = remember(encode)
    assert [f[0] for f, _ in known([a, b])] == [1, 2]
    assert [f[0] for f, _ in known([b, a, b])] == [2, 1, 2]
    assert seen == [1, 2]
