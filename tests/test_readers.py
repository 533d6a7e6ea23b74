"""The corpus readers, on invented mini corpora, and on the real ones where they are there. All text here is made up."""

from __future__ import annotations

import copy
import hashlib
import json
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sayso.data import corpora, heldout, mpqa, newsmtsc, polnear, wire
from sayso.data.corpora import CorpusError, load
from sayso.data.schema import Attribution, Facet, Gold, Head, Label, Polarity, Span, Stance

# -- what the tests share ---------------------------------------------------------------------------------------------


def span(text: str, words: str, start: int = 0) -> Span:
    """The first place of `words` in `text` from `start` on."""
    at = text.index(words, start)
    return Span.of(text, at, at + len(words))


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(text)
    return path


def put_json(path: Path, *values: Any) -> Path:
    return put(path, "".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values))


def fails_at(path: Path, line: int | None, message: str, call: Callable[[], object]) -> None:
    """`call` raises a `CorpusError` that starts with file and line and goes on with something about `message`."""
    with pytest.raises(CorpusError) as caught:
        call()
    where = f"{path}:{line}: " if line else f"{path}: "
    assert str(caught.value).startswith(where)
    assert message in str(caught.value)
    assert (caught.value.path, caught.value.line) == (path, line)


# -- the door ---------------------------------------------------------------------------------------------------------


def test_the_environment_names_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAYSO_CORPORA", str(tmp_path))
    assert corpora.corpora_dir() == tmp_path


def test_the_default_folder_lies_beside_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SAYSO_CORPORA", raising=False)
    (tmp_path / "project").mkdir()
    (tmp_path / "shared" / "corpora").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "project")
    assert corpora.corpora_dir().resolve() == (tmp_path / "shared" / "corpora").resolve()


@pytest.mark.parametrize("named", ["nowhere", None])
def test_without_corpora_the_error_says_what_to_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str | None
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SAYSO_CORPORA", raising=False)
    if named:
        monkeypatch.setenv("SAYSO_CORPORA", named)
    with pytest.raises(CorpusError, match="set SAYSO_CORPORA") as caught:
        corpora.corpora_dir()
    assert str(caught.value).startswith(f"{named or '../shared/corpora'}: ")
    assert all(home in str(caught.value) for home in corpora.HOMES.values())


def test_an_unknown_corpus_or_split_lists_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'gazette': expected one of bundled, polnear, wire, mpqa, newsmtsc"):
        load("gazette", "train", tmp_path)
    for name in corpora.HOMES:
        with pytest.raises(ValueError, match="'test': expected one of train, dev"):
            load(name, "test", tmp_path)


@pytest.mark.parametrize("name", corpora.HOMES)
def test_a_missing_corpus_names_its_public_home(tmp_path: Path, name: str) -> None:
    with pytest.raises(CorpusError, match=f"not found; {name} is expected there") as caught:
        load(name, "train", tmp_path)
    assert corpora.HOMES[name] in str(caught.value)


def test_load_sorts_by_id(tmp_path: Path) -> None:
    lines = [{"primary_gid": key, "sentence_normalized": "Aye.", "targets": []} for key in ("b", "c", "a")]
    put_json(tmp_path / "newsmtsc" / "train.jsonl", *lines)
    assert [gold.document.id for gold in load("newsmtsc", "train", tmp_path)] == ["a", "b", "c"]


def test_a_file_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    path = tmp_path / "newsmtsc" / "train.jsonl"
    path.parent.mkdir()
    path.write_bytes(b'{"a": "\xff"}')
    fails_at(path, None, "expected UTF-8, found byte 0xff at 7", lambda: load("newsmtsc", "train", tmp_path))


# -- PolNeAR ----------------------------------------------------------------------------------------------------------

ARTICLE = (
    "Harbour plan splits Varnholm\r\n"
    "By Ann Other\r\n"
    '"We will dig," said Mayor Ida Holm.  "We will\r\n'
    'dig deep," she  added.\r\n'
    "Trams stopped.\r\n"
)


def bound(key: str, kind: str, *words: str, text: str = ARTICLE, shown: str | None = None) -> str:
    """A T line over the given words, each piece looked for after the one before."""
    pieces: list[Span] = []
    for each in words:
        pieces.append(span(text, each, pieces[-1].end if pieces else 0))
    offsets = ";".join(f"{piece.start} {piece.end}" for piece in pieces)
    return f"{key}\t{kind} {offsets}\t{shown or ' '.join(words)}"


ANNOTATION = [
    bound("T1", "Source", "Mayor Ida Holm"),
    bound("T2", "Cue", "said"),
    bound("T3", "Content", '"We will dig,"', '"We will\r\ndig deep,"'),  # the text column runs over a line break
    bound("T4", "Attribution", "said"),
    "E1\tAttribution:T4 Source:T1 Cue:T2 Content:T3",
    bound("T5", "Discard", "By Ann Other\r\n", shown="By Ann Other"),
    "#1\tAnnotatorNotes T5\tby-line?",
    bound("T6", "Cue", "added"),
    bound("T7", "Content", '"We will\r\ndig deep,"', shown='"We will dig deep,"'),
    bound("T8", "Content", "deep,", '" '),  # lies within T7
    bound("T9", "Attribution-no-source", "added"),
    "E2\tAttribution-no-source:T9 Cue:T6 Content:T8 Content2:T7",
    bound("T10", "Discuss", "Harbour plan"),
    "E3\tAttribution-no-source:T9",
]


def put_polnear(root: Path, *lines: str, name: str = "gazette_2020-01-01_harbour", annotator: str = "a1") -> Path:
    put(root / "polnear" / "train" / "text" / f"{name}.txt", ARTICLE)
    return put(root / "polnear" / "train" / "attributions" / f"{name}_{annotator}.ann", "\n".join(lines) + "\n")


def test_polnear_reads_spans_links_and_facets(tmp_path: Path) -> None:
    put_polnear(tmp_path, *ANNOTATION)
    (gold,) = polnear.read(tmp_path, "train")
    document = gold.document
    assert (document.id, gold.outlet, gold.corpus, gold.split) == (
        "gazette_2020-01-01_harbour",
        "gazette",
        "polnear",
        "train",
    )
    assert gold.heads == {Head.ATTRIBUTION, Head.SOURCE, Head.CUE, Head.CONTENT, Head.LINKS}
    assert document.text == ARTICLE
    first, second = document.attributions
    quotes = span(ARTICLE, '"We will dig,"'), span(ARTICLE, '"We will\r\ndig deep,"')
    assert first.cue == (span(ARTICLE, "said"),)
    assert first.source == (span(ARTICLE, "Mayor Ida Holm"),)
    assert first.content == quotes
    assert second == Attribution(cue=(span(ARTICLE, "added"),), content=quotes[1:], sentences=second.sentences)
    overlapping = [
        tuple(
            i
            for i, sentence in enumerate(document.sentences)
            if any(sentence.span.overlaps(each) for each in attribution.cue + attribution.content)
        )
        for attribution in (first, second)
    ]
    assert [first.sentences, second.sentences] == overlapping
    for i, sentence in enumerate(document.sentences):
        assert sentence.facets == {Facet.ATTRIBUTION: float(i in {*first.sentences, *second.sentences})}
        assert (sentence.label, sentence.stance) == (None, None)
    assert [document.sentences[i].text for i in gold.masked] == ["By Ann Other"]
    assert document.sentences[-1].facets == {Facet.ATTRIBUTION: 0.0}


def test_polnear_takes_the_first_annotator_or_all(tmp_path: Path) -> None:
    put_polnear(tmp_path, *ANNOTATION, annotator="b2")
    put_polnear(tmp_path, *ANNOTATION[:5], annotator="a1")
    (first,) = polnear.read(tmp_path, "train")
    both = list(polnear.read(tmp_path, "train", annotators="all"))
    assert len(first.document.attributions) == 1
    assert [gold.document.id for gold in both] == [f"{first.document.id}@a1", f"{first.document.id}@b2"]
    assert [len(gold.document.attributions) for gold in both] == [1, 2]


def test_polnear_trims_white_space_at_the_edges(tmp_path: Path) -> None:
    put_polnear(tmp_path, bound("T1", "Content", '"We will dig," '), "E1\tContent:T1")
    (gold,) = polnear.read(tmp_path, "train")
    assert gold.document.attributions[0].content == (span(ARTICLE, '"We will dig,"'),)


def test_polnear_drops_a_link_to_a_span_of_another_type_with_a_warning(tmp_path: Path) -> None:
    path = put_polnear(tmp_path, *ANNOTATION, "E4\tAttribution:T4 Cue:T10 Source:T1")
    with pytest.warns(UserWarning, match="Cue:T10 is a Discuss") as caught:
        (gold,) = polnear.read(tmp_path, "train")
    assert str(caught[0].message).startswith(f"{path}:{len(ANNOTATION) + 2}: E4: ")  # one line more: T3 runs over two
    assert len(gold.document.attributions) == 2


@pytest.mark.parametrize(
    ("lines", "line", "message"),
    [
        (["T1 Cue 3 5 x"], 1, "expected a line that begins with an id and a tab"),
        ([ANNOTATION[0], "", "stray words"], 1, "expected the text 'Mayor Ida Holm'"),
        ([*ANNOTATION[:5], "stray words"], 7, "expected a line that begins with an id and a tab, found 'stray words'"),
        (["T1\tCue 3-5\tx"], 1, "expected 'Type start end[;start end]<tab>text'"),
        (["T1\tCue 3 5"], 1, "expected 'Type start end[;start end]<tab>text'"),
        ([ANNOTATION[1], "T1\tRumour 0 7\tHarbour"], 2, "found 'Rumour'"),
        (["T1\tCue 0 7\tHarbour", "T2\tCue 7 7\t"], 2, "expected start < end <= "),
        (["T1\tCue 0 9999\tHarbour"], 1, f"expected start < end <= {len(ARTICLE)}, found [0, 9999)"),
        (["T1\tCue 0 7\tHarbors"], 1, "expected the text 'Harbour' at its offsets, found 'Harbors'"),
        ([ANNOTATION[1], ANNOTATION[1]], 2, "T2: this id was used before"),
        ([ANNOTATION[1], "E1\tCue:T2 Content:T9"], 2, "Content:T9 refers to a span that is not in this file"),
        ([ANNOTATION[1], "E1\tCue"], 2, "found 'Cue'"),
        ([ANNOTATION[1], "E1\tRumour:T2"], 2, "found 'Rumour:T2'"),
        (["X1\tCue 0 7\tHarbour"], 1, "X1: expected a line of kind T, E or #"),
    ],
)
def test_polnear_names_the_line_of_a_fault(tmp_path: Path, lines: list[str], line: int, message: str) -> None:
    path = put_polnear(tmp_path, *lines)
    fails_at(path, line, message, lambda: list(polnear.read(tmp_path, "train")))


def test_polnear_needs_the_text_of_every_annotation(tmp_path: Path) -> None:
    put_polnear(tmp_path, *ANNOTATION)
    text = tmp_path / "polnear" / "train" / "text" / "gazette_2020-01-01_harbour.txt"
    text.unlink()
    fails_at(text, None, "not found", lambda: list(polnear.read(tmp_path, "train")))


# -- wire -------------------------------------------------------------------------------------------------------------

REPORT = (
    "VARNHOLM, May 4 (NordPress) — The harbour ministry “welcomes” the canal, minister Ida Holm said.\n"
    "“It will pay.” Trams stopped. Nobody knows. Unread coda"
)
SPLIT = ["VARNHOLM, May 4", "“It will pay.”", "Trams stopped.", "Nobody knows."]


def pair(words: str, text: str = REPORT) -> list[int]:
    found = span(text, words)
    return [found.start, found.end]


def wire_files() -> tuple[dict[str, Any], dict[str, Any]]:
    """A report and its annotation: an attribution, its continuation, a disputed sentence; the rest is not annotated."""
    ends = [REPORT.index("\n"), *(pair(words)[1] for words in SPLIT[1:])]
    bounds = [[pair(words)[0], end] for words, end in zip(SPLIT, ends, strict=True)]
    report = {"id": "np:1", "outlet": "NordPress", "text": REPORT, "sentences": bounds}
    holm = pair("minister Ida Holm")
    claim = {
        "source": holm,
        "cue": pair("said"),
        "content": [pair("The harbour ministry “welcomes” the canal")],
        "resolved_source": holm,
        "official": True,
        "stance": {"polarity": "supportive", "target": pair("the canal")},
    }
    continued = {
        "source": None,
        "cue": None,
        "content": [pair("“It will pay.”")],
        "resolved_source": holm,
        "official": False,
        "stance": {"polarity": "neutral", "target": None},
    }
    empty = {**continued, "source": pair("Trams"), "resolved_source": None, "content": []}
    sentences = [
        {"facets": ["attribution", "official_assessment"], "attributions": [claim, copy.deepcopy(continued)]},
        {"facets": ["attribution"], "attributions": [continued]},
        {"facets": ["reported_claim"], "attributions": [empty], "disputed": ["attribution", "reported_claim"]},
    ]
    annotation = {
        "id": "np:1",
        "outlet": "NordPress",
        "split": "dev",
        "text_sha256": hashlib.sha256(REPORT.encode()).hexdigest(),
        "sentences": [{"start": s, "end": e, **each} for (s, e), each in zip(bounds, sentences, strict=False)],
    }
    return report, annotation


def put_wire(root: Path, report: dict[str, Any], annotation: dict[str, Any]) -> tuple[Path, Path]:
    return put_json(root / "wire" / "np_1.json", report), put_json(root / "wire_annotations" / "np_1.json", annotation)


def test_wire_joins_text_and_annotation(tmp_path: Path) -> None:
    put_wire(tmp_path, *wire_files())
    assert list(wire.read(tmp_path, "train")) == []
    (gold,) = wire.read(tmp_path, "dev")
    assert (gold.document.id, gold.outlet, gold.corpus, gold.split) == ("np:1", "NordPress", "wire", "dev")
    assert gold.heads == frozenset(Head) - {Head.LINKS}
    assert gold.masked == {3, 4}
    sentences = gold.document.sentences
    assert [sentence.text for sentence in sentences] == [
        REPORT.split("\n")[0],
        "“It will pay.”",
        "Trams stopped.",
        "Nobody knows.",  # the report's own, not annotated
        "Unread coda",  # in neither file's sentences
    ]
    assert [dict(sentence.facets) for sentence in sentences] == [
        {Facet.REPORTED_CLAIM: 0.0, Facet.OFFICIAL_ASSESSMENT: 1.0, Facet.ATTRIBUTION: 1.0},
        {Facet.REPORTED_CLAIM: 0.0, Facet.OFFICIAL_ASSESSMENT: 0.0, Facet.ATTRIBUTION: 1.0},
        {Facet.OFFICIAL_ASSESSMENT: 0.0},
        {},
        {},
    ]
    assert [sentence.label for sentence in sentences] == [
        Label.OFFICIAL_ASSESSMENT,
        Label.ATTRIBUTION,
        None,
        None,
        None,
    ]
    assert [sentence.source for sentence in sentences] == [
        "minister Ida Holm",
        "minister Ida Holm",
        "Trams",
        None,
        None,
    ]
    assert [sentence.stance for sentence in sentences] == [
        Polarity.SUPPORTIVE,
        Polarity.NEUTRAL,
        Polarity.NEUTRAL,
        None,
        None,
    ]
    holm = span(REPORT, "minister Ida Holm")
    quoted = Attribution(content=(span(REPORT, "“It will pay.”"),), sentences=(1,), resolved_source=holm, official=0.0)
    assert gold.document.attributions == (
        Attribution(
            cue=(span(REPORT, "said"),),
            source=(holm,),
            content=(span(REPORT, "The harbour ministry “welcomes” the canal"),),
            sentences=(0,),
            resolved_source=holm,
            official=1.0,
            stance=(Stance(span(REPORT, "the canal"), Polarity.SUPPORTIVE),),
        ),
        Attribution(content=quoted.content, sentences=(0,), resolved_source=holm, official=0.0),
        quoted,
    )


def annotated(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    """The annotation after `change`."""
    annotation = wire_files()[1]
    change(annotation)
    return annotation


def first(annotation: dict[str, Any]) -> dict[str, Any]:
    return annotation["sentences"][0]["attributions"][0]  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: a.pop("split"), "expected the key 'split'"),
        (lambda a: a.update(split="test"), "split: expected one of train, dev, found 'test'"),
        (lambda a: a.update(text_sha256="0" * 64), "text_sha256: expected 0000"),
        (lambda a: a.pop("sentences"), "expected the key 'sentences'"),
        (lambda a: a["sentences"][1].update(start=3), "expected start >= "),
        (lambda a: a["sentences"][2].update(end=9999), "expected 9"),
        (lambda a: a["sentences"][0].update(facets=["rumour"]), "sentence at 0: 'rumour' is not a valid Facet"),
        (lambda a: first(a).pop("cue"), "sentence at 0: expected the key 'cue'"),
        (lambda a: first(a).update(cue=[5, 5]), "expected 0 <= start < end, found [5, 5)"),
        (lambda a: first(a).update(cue=[5]), "sentence at 0: "),
        (lambda a: first(a).update(source=[5, 9999]), "span [5, 9999)"),
        (lambda a: first(a).update(content=[[0, 9], [5, 12]]), "without overlap"),
        (lambda a: first(a).update(official=None), "sentence at 0: "),
        (lambda a: first(a).update(stance=None), "sentence at 0: "),
        (lambda a: first(a)["stance"].update(polarity="cross"), "sentence at 0: 'cross' is not a valid Polarity"),
    ],
)
def test_wire_names_the_file_of_a_fault(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], message: str
) -> None:
    _, path = put_wire(tmp_path, wire_files()[0], annotated(change))
    fails_at(path, 1, message, lambda: list(wire.read(tmp_path, "dev")))


def test_wire_names_the_line_of_broken_json(tmp_path: Path) -> None:
    report, annotation = put_wire(tmp_path, *wire_files())
    put(report, '{"id": "np:1",\n"text": }')
    fails_at(report, 2, "expected JSON", lambda: list(wire.read(tmp_path, "dev")))
    put(annotation, '{\n\n"id"}')
    fails_at(annotation, 3, "expected JSON", lambda: list(wire.read(tmp_path, "dev")))
    put(annotation, "[]")
    fails_at(annotation, 1, "expected a JSON object, found list", lambda: list(wire.read(tmp_path, "dev")))


def test_wire_names_a_report_that_is_missing_or_incomplete(tmp_path: Path) -> None:
    report, _ = put_wire(tmp_path, *wire_files())
    put_json(report, {"id": "np:1", "text": REPORT})
    fails_at(report, 1, "expected the key 'sentences'", lambda: list(wire.read(tmp_path, "dev")))
    put_json(report, {"id": "np:1", "text": REPORT, "sentences": [[1]]})
    fails_at(report, 1, "not enough values", lambda: list(wire.read(tmp_path, "dev")))
    report.unlink()
    fails_at(report, None, "not found", lambda: list(wire.read(tmp_path, "dev")))


# -- MPQA -------------------------------------------------------------------------------------------------------------


def frame(
    cue: list[int], holders: list[list[int]], *attitudes: tuple[str, list[list[int]]], implicit: bool = False
) -> Any:
    return {
        "cue": cue,
        "holders": holders,
        "implicit": implicit,
        "attitudes": [{"type": kind, "targets": targets} for kind, targets in attitudes],
    }


def mpqa_document() -> dict[str, Any]:
    frames = [
        frame([2], [[0, 1]], ("sentiment-neg", [[3, 4]]), ("agree-pos", [[6]]), ("intention-pos", [[6]])),
        frame([0], [], ("arguing-pos", [[3, 4]]), ("sentiment-neg", [[3, 4]]), implicit=True),
        frame([2], [], ("arguing-pos", [[3]]), ("arguing-neg", [[3]])),
        frame([0], [], ("speculation", [[3]]), implicit=True),
    ]
    tokens = ["The", "union", "hates", "the", "canal", "'s", "locks", "."]
    return {
        "id": "mpqa:1",
        "split": "train",
        "sentences": [{"tokens": ["Canal", "news", "."], "frames": []}, {"tokens": tokens, "frames": frames}],
    }


def test_mpqa_rebuilds_the_text_and_keeps_polar_attitudes(tmp_path: Path) -> None:
    put_json(tmp_path / "mpqa" / "mpqa.jsonl", mpqa_document(), {"id": "mpqa:2", "split": "dev", "sentences": []})
    (gold,) = mpqa.read(tmp_path, "train")
    assert (gold.document.id, gold.corpus, gold.split, gold.heads) == (
        "mpqa:1",
        "mpqa",
        "train",
        {Head.TARGET, Head.STANCE},
    )
    text = "Canal news .\nThe union hates the canal 's locks ."
    assert gold.document.text == text
    assert [sentence.text for sentence in gold.document.sentences] == text.split("\n")
    canal, hates = span(text, "the canal"), span(text, "hates")
    assert gold.document.attributions == (
        Attribution(
            cue=(hates,),
            source=(span(text, "The union"),),
            sentences=(1,),
            stance=(Stance(canal, Polarity.CRITICAL), Stance(span(text, "locks"), Polarity.SUPPORTIVE)),
        ),
        Attribution(sentences=(1,), stance=(Stance(canal, Polarity.CRITICAL),)),  # sentiment outweighs arguing
        Attribution(cue=(hates,), sentences=(1,)),  # argued both ways: no stance
    )
    (other,) = load("mpqa", "dev", tmp_path)
    assert other.document.text == ""


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.pop("id"), "expected the key 'id'"),
        (lambda d: d.update(split="test"), "split: expected one of train, dev, found 'test'"),
        (lambda d: d["sentences"][0].update(tokens=[]), "sentence 0: expected tokens, found none"),
        (lambda d: d["sentences"][0].update(tokens=None), "can only join an iterable"),
        (
            lambda d: d["sentences"][1]["frames"][0].update(cue=[8]),
            "token indices: expected some from 0 to 7, found [8]",
        ),
        (lambda d: d["sentences"][1]["frames"][0].update(holders=[[-1]]), "token indices"),
        (lambda d: d["sentences"][1]["frames"][0].update(holders=[[]]), "token indices"),
        (lambda d: d["sentences"][1]["frames"][0]["attitudes"][0].update(type="rage"), "found 'rage'"),
        (lambda d: d["sentences"][1]["frames"][0]["attitudes"][0].pop("targets"), "expected the key 'targets'"),
    ],
)
def test_mpqa_names_the_line_of_a_fault(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], message: str
) -> None:
    broken = mpqa_document()
    change(broken)
    path = put_json(tmp_path / "mpqa" / "mpqa.jsonl", mpqa_document(), broken)
    fails_at(path, 2, message, lambda: list(mpqa.read(tmp_path, "train")))


# -- NewsMTSC ---------------------------------------------------------------------------------------------------------

MIXED = "Hölm praised\nthe 🛶 crew; Varn did not."


def target(words: str, polarity: float) -> dict[str, Any]:
    found = span(MIXED, words)
    return {"Input.gid": words, "from": found.start, "to": found.end, "mention": words, "polarity": polarity}


def newsmtsc_line() -> dict[str, Any]:
    targets = [target("Hölm", 4.0), target("the 🛶 crew", 6.0), target("Varn", 2.0), target("Varn", 2.0)]
    return {"primary_gid": "g1", "sentence_normalized": MIXED, "targets": targets}


def test_newsmtsc_sentences_that_are_in_train_too_are_not_held_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = newsmtsc_line()
    other = {"primary_gid": "g2", "sentence_normalized": "It rained.", "targets": []}
    put(tmp_path / "newsmtsc" / "train.jsonl", json.dumps(line) + "\n")
    put(tmp_path / "newsmtsc" / "devtest_mt.jsonl", json.dumps(line | {"primary_gid": "g3"}) + "\n" + json.dumps(other))
    monkeypatch.setenv("SAYSO_CORPORA", str(tmp_path))
    assert [gold.document.id for gold in heldout.corpus("newsmtsc", "dev").golds] == ["g2"]


@pytest.mark.parametrize("escaped", [True, False])
def test_newsmtsc_reads_one_stance_a_target(tmp_path: Path, escaped: bool) -> None:
    put(tmp_path / "newsmtsc" / "devtest_mt.jsonl", json.dumps(newsmtsc_line(), ensure_ascii=escaped) + "\n\n")
    (gold,) = newsmtsc.read(tmp_path, "dev")
    assert (gold.document.id, gold.corpus, gold.split, gold.heads) == ("g1", "newsmtsc", "dev", {Head.STANCE})
    assert [sentence.text for sentence in gold.document.sentences] == [MIXED]
    assert gold.document.attributions == tuple(
        Attribution(sentences=(0,), stance=(Stance(span(MIXED, words), polarity),))
        for words, polarity in [
            ("Hölm", Polarity.NEUTRAL),
            ("the 🛶 crew", Polarity.SUPPORTIVE),
            ("Varn", Polarity.CRITICAL),
        ]
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.pop("targets"), "expected the key 'targets'"),
        (lambda d: d.update(sentence_normalized=""), "span"),
        (lambda d: d["targets"][0].update({"from": 1, "to": 5}), "target: expected 'Hölm' at [1, 5)"),
        (lambda d: d["targets"][0].update(to=9999), "span [0, 9999)"),
        (lambda d: d["targets"][0].update(polarity=5.0), "polarity: expected 2, 4 or 6, found 5.0"),
        (lambda d: d["targets"][0].update(polarity=None), "polarity: expected 2, 4 or 6, found None"),
    ],
)
def test_newsmtsc_names_the_line_of_a_fault(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], message: str
) -> None:
    broken = newsmtsc_line()
    change(broken)
    path = put_json(tmp_path / "newsmtsc" / "train.jsonl", newsmtsc_line(), broken)
    fails_at(path, 2, message, lambda: list(newsmtsc.read(tmp_path, "train")))


def test_newsmtsc_names_the_line_of_broken_json(tmp_path: Path) -> None:
    path = put_json(tmp_path / "newsmtsc" / "train.jsonl", newsmtsc_line())
    put(path, path.read_text(encoding="utf-8") + '{"primary_gid": ')
    fails_at(path, 2, "expected JSON", lambda: list(newsmtsc.read(tmp_path, "train")))


# -- the real corpora -------------------------------------------------------------------------------------------------

CORPORA = Path(os.environ.get("SAYSO_CORPORA") or "../shared/corpora")
real = pytest.mark.skipif(not CORPORA.is_dir(), reason=f"no corpora: SAYSO_CORPORA is unset and {CORPORA} is not there")

# Documents, attributions (PolNeAR: of the first annotator), stances.
REAL = {
    ("polnear", "train"): (840, 19_832, 0),
    ("polnear", "dev"): (84, 2_192, 0),
    ("wire", "train"): (570, 5_583, 2_119),
    ("wire", "dev"): (62, 587, 212),
    ("mpqa", "train"): (337, 4_224, 3_297),
    ("mpqa", "dev"): (132, 1_489, 1_227),
    ("newsmtsc", "train"): (7_758, 8_683, 8_683),
    ("newsmtsc", "dev"): (721, 1_473, 1_473),
}


def load_real(name: str, split: str) -> list[Gold]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r".*left this attribution out", category=UserWarning)
        return load(name, split, CORPORA)


@real
@pytest.mark.parametrize(("name", "split"), REAL)
def test_the_real_corpora_load_in_full(name: str, split: str) -> None:
    golds = load_real(name, split)
    attributions = [attribution for gold in golds for attribution in gold.document.attributions]
    stances = sum(len(attribution.stance) for attribution in attributions)
    assert (len(golds), len(attributions), stances) == REAL[name, split]
    assert [gold.document.id for gold in golds] == sorted({gold.document.id for gold in golds})
    for gold in golds:
        assert (gold.corpus, gold.split) == (name, split)
        covered = "".join(sentence.text for sentence in gold.document.sentences)
        assert "".join(covered.split()) == "".join(gold.document.text.split())


@real
def test_wire_annotates_at_most_22_sentences_and_masks_the_rest() -> None:
    golds = load_real("wire", "train") + load_real("wire", "dev")
    for gold in golds:
        annotated_count = len(gold.document.sentences) - len(gold.masked)
        assert annotated_count <= 22
        assert gold.masked == set(range(annotated_count, len(gold.document.sentences)))
    assert sum(len(gold.document.sentences) - len(gold.masked) for gold in golds) == 9_914


@real
def test_every_polnear_attribution_lies_in_a_sentence() -> None:
    for gold in load_real("polnear", "dev"):
        for attribution in gold.document.attributions:
            assert attribution.sentences
            assert all(gold.document.sentences[i].facets[Facet.ATTRIBUTION] == 1.0 for i in attribution.sentences)
