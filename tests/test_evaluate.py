"""`sayso evaluate`: scores of attributions, intervals, slices, baselines, the page, the tables, and refusals."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from sayso.data import brat, bundled, heldout
from sayso.data.inline import parse
from sayso.data.schema import Document, Facet, Gold, Head, Polarity
from sayso.models.artifact import bundled as release
from sayso.training import tables
from sayso.training.baselines import baselines, by_sentence
from sayso.training.bootstrap import compare, intervals, resampled
from sayso.training.evaluate import SeenError, measure, predict, refuse_seen, report, text_hash
from sayso.training.metrics import Counts, Scores, score, score_each

ROOT = Path(__file__).parents[1]
HALF = {facet.value: 0.5 for facet in Facet}
REPORT = """house: NordPress
subject: diplomacy

AO- | [c1 [t1+ Port talks] productive] [q1 —] [s1! Transport Ministry]  #headline

--C | VARNHOLM, May 4 (NordPress) — Delegations from Aldia and Soren met on Tuesday to discuss the closed strait.

A-- | [c2 "The sides spoke of [t2= shipping],"] [s2! the ministry] [q2 reported].  @2=Transport Ministry #pron
AO- | [s3! It] [q3 added] [c3 that [t3- the blockade] "serves smugglers" and must end].  @3=Transport Ministry

A-- | [s4 A fishermen's union] [q4 called] [c4 [t4- the ministry's plan] "a joke"].  #unoff
"""


def gold() -> Gold:
    return bundled.gold(parse(REPORT, Path("nordpress-01-diplomacy.txt")))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "nordpress-01-diplomacy.txt").write_text(REPORT, encoding="utf-8")
    return tmp_path


def test_gold_against_itself_is_right_in_everything() -> None:
    figures = score([gold()], [gold().document], HALF).figures(everything=True)
    assert figures["ece_attribution"] == figures["brier_attribution"] == 0
    wanted = ("link_attribution", "resolved_in", "resolved_out", "official_accuracy", "stance_macro", "boundaries")
    assert [figures[name] for name in (*wanted, "stance_target_macro")] == [1.0] * 7


def test_continuations_that_a_model_holds_for_one_attribution_are_resolved_too() -> None:
    document = gold().document
    ministry = [a for a in document.attributions if a.source_name == "Transport Ministry"]
    assert len(ministry) == 3
    spans = {name: tuple(s for a in ministry for s in getattr(a, name)) for name in ("cue", "content", "sentences")}
    one = replace(ministry[0], **spans)
    others = tuple(a for a in document.attributions if a not in ministry)
    scores = score([gold()], [replace(document, attributions=(one, *others))], HALF)
    assert scores.counts["resolved", "all", "wrong"] == 0
    assert scores.count("link").fn == 3  # which linking does count


def test_where_stance_alone_is_annotated_the_targets_are_given() -> None:
    full = gold()
    alone = replace(full, heads=frozenset({Head.STANCE}))
    asked: list[object] = []

    def tag(text: str, *, id: str, targets: object = None) -> Document:
        asked.append(targets)
        return replace(full.document, id=id)

    predict([full, alone], tag)
    wanted = [s.target for a in full.document.attributions for s in a.stance]
    assert asked == [None, wanted]


def test_what_a_model_leaves_open_is_a_miss_and_no_figure_of_a_run() -> None:
    document = gold().document
    bare = [replace(a, resolved_source=None, official=None, stance=()) for a in document.attributions]
    sentences = [replace(s, stance=None) for s in document.sentences]
    scores = score([gold()], [replace(document, attributions=tuple(bare), sentences=tuple(sentences))], HALF)
    assert scores.counts["official", "unanswered"] == 4
    assert scores.counts["resolved", "out", "wrong"] == 2  # "the ministry" and "It" are not the name
    figures = scores.figures(everything=True)
    assert figures["stance_macro"] == figures["official_accuracy"] == 0
    assert not {"stance_macro", "official_accuracy", "resolved_all"} & scores.figures().keys()


def test_a_link_needs_cue_source_and_content() -> None:
    document = gold().document
    first, second, *rest = document.attributions
    swapped = (replace(first, source=second.source), replace(second, content=()), *rest)
    scores = score([gold()], [replace(document, attributions=swapped)], HALF)
    assert scores.count("link") == Counts(tp=2, fp=2, fn=2)


def test_stance_is_counted_by_class() -> None:
    document = gold().document
    sentences = tuple(replace(s, stance=Polarity.NEUTRAL if s.stance else None) for s in document.sentences)
    pairs = score([gold()], [replace(document, sentences=sentences)], HALF).pairs("stance")
    assert pairs == {("supportive", "neutral"): 1, ("neutral", "neutral"): 1, ("critical", "neutral"): 2}


def test_scores_add_up_and_intervals_hold_them() -> None:
    empty = Document("x", gold().document.text)
    each = score_each([gold()] * 6, [gold().document] * 4 + [empty] * 2, HALF)
    whole = sum(each, Scores()).figures()
    samples = resampled(each, 200)
    assert samples == resampled(each, 200)
    low, high = intervals(samples)["exact_cue"]
    assert low < whole["exact_cue"] < high
    same = compare(each, each, 50)["exact_cue"]
    assert (same.low, same.high, same.disagree) == (0, 0, 0)
    better = compare(each, score_each([gold()] * 6, [gold().document] * 6, HALF), 200)["exact_cue"]
    assert better.second == 1 and better.low >= 0 and better.disagree < 0.2


def test_a_folder_of_reports_is_read_and_sliced(folder: Path) -> None:
    held = heldout.read(folder)
    result = measure(held, lambda text, *, id: gold().document, HALF, resamples=20)
    assert result.scores.sentences == 5
    assert result.slices["hard case", "#pron"].sentences == 1
    assert result.slices["subject", "diplomacy"].sentences == result.slices["outlet", "NordPress"].sentences == 5
    assert result.slices["quotation", "direct"].sentences == 1
    assert sum(s.sentences for (kind, _), s in result.slices.items() if kind == "length") == 5
    assert sum(s.sentences for (kind, _), s in result.slices.items() if kind == "position") == 5


def test_brat_and_records_are_read_as_the_same_gold(folder: Path) -> None:
    text, ann = brat.export(parse(REPORT, Path("x.txt")))
    (folder / "brat").mkdir()
    (folder / "brat" / "x.txt").write_text(text, encoding="utf-8")
    (folder / "brat" / "x.ann").write_text(ann, encoding="utf-8")
    (folder / "records").mkdir()
    record = json.dumps(gold().document.to_json())
    (folder / "records" / "all.jsonl").write_text(record + "\n", encoding="utf-8")
    for name in ("brat", "records"):
        (found,) = heldout.read(folder / name).golds
        figures = score([found], [gold().document], HALF).figures()
        assert set(figures.values()) == {1.0}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "expected reports with annotation"),
        ({"a.ann": "T1\tCue 0 4\tsaid\n"}, "expected its text in a.txt, found no such file"),
        ({"a.txt": "He said so.", "a.ann": "T1\tCue 3 99\tsaid\n"}, "a.ann:1: T1: expected start < end <= 11"),
        ({"a.txt": "He said so.", "a.ann": "T1\tVerb 3 7\tsaid\n"}, "a.ann:1: T1: expected one of the types"),
        ({"a.jsonl": '{"schema": "other"}'}, "a.jsonl:1: record: expected schema"),
        ({"a.txt": REPORT.replace("[q1", "[z1")}, "expected a mark like"),
    ],
)
def test_refusals_are_one_line(tmp_path: Path, files: dict[str, str], message: str) -> None:
    for name, content in files.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        heldout.read(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_record_whose_label_contradicts_its_facets_is_refused(tmp_path: Path) -> None:
    value = gold().document.to_json()
    value["sentences"][0]["label"] = "other"
    (tmp_path / "a.json").write_text(json.dumps(value), encoding="utf-8")
    with pytest.raises(ValueError, match="set the facets to 0 or 1"):
        heldout.read(tmp_path)


def test_reports_trained_on_are_refused() -> None:
    manifest = json.loads((release() / "manifest.json").read_text())
    known = type(
        "M", (), {"data": {"bundled": {"hashes": [text_hash(gold().document.text)]}, "old": {"documents": 1}}}
    )()
    with pytest.raises(SeenError, match=r"nordpress-01-diplomacy: .* pass --allow-seen"):
        refuse_seen([gold()], known)
    refuse_seen([gold()], type("M", (), {"data": {k: {"documents": 1} for k in manifest["data"]}})())


def test_baselines_learn_and_tag() -> None:
    pytest.importorskip("sklearn")
    made = baselines([gold()] * 3, lambda text, *, id: Document(id, text))
    document = made["tf-idf + logistic regression"](gold().document.text, id="x")
    assert [s.label for s in document.sentences] == [s.label for s in gold().document.sentences]
    found = score([gold()], [made["cue lexicon + quotation marks"](gold().document.text, id="x")], HALF).figures()
    assert found["facet_attribution"] > 0.8 and found["exact_cue"] > 0.5
    assert made["majority"](gold().document.text, id="x").sentences[1].label == "attribution"


def test_sentence_by_sentence_keeps_offsets() -> None:
    def tag(text: str, *, id: str) -> Document:
        whole = gold().document
        start = whole.text.index(text)
        found = parse(REPORT, Path("x.txt"))
        k = found.starts.index(start)
        alone = replace(found, lines=(replace(found.lines[k], opens=True),), names={})
        return bundled.gold(alone).document

    document = by_sentence(gold().document.text, id="x", tag=tag)
    assert score([gold()], [document], HALF).figures()["exact_cue"] == 1.0


@pytest.fixture
def html(folder: Path) -> str:
    pytest.importorskip("jinja2")
    from sayso.inference.tagger import Tagger
    from sayso.training.page import page

    tagger = Tagger.load()
    held = heldout.read(folder)
    results = {"mine": measure(held, tagger.tag, tagger.manifest.thresholds, resamples=20)}
    json.dumps(report(results, tagger.manifest))
    return page(results, tagger.manifest)


def test_the_page_needs_no_network(html: str) -> None:
    assert html.count("<section>") == 1
    assert "<svg" in html and "http" not in html and "src=" not in html


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium")
def test_the_page_opens_without_console_errors(html: str, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    probe = "<script>document.querySelector('select').dispatchEvent(new Event('change'));document.title='ran'</script>"
    file.write_text(html.replace("</body>", probe + "</body>"), encoding="utf-8")
    command = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--v=0"]
    command += [f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", file.as_uri()]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert "<title>ran</title>" in run.stdout
    assert [line for line in run.stderr.splitlines() if "CONSOLE" in line] == []


@pytest.mark.skipif(not (release() / tables.METRICS).exists(), reason="the release has no metrics")
@pytest.mark.parametrize("file", [ROOT / "README.md", release() / "README.md"])
def test_readme_and_card_say_what_was_measured(file: Path) -> None:
    metrics = json.loads((release() / tables.METRICS).read_text())
    written = tables.between(file.read_text(encoding="utf-8"))
    assert written == tables.render(metrics), "run `python -m sayso.training.tables`"
    digest = json.loads((release() / "manifest.json").read_text())["files"]["model.onnx"]
    assert metrics["model"]["digest"] == digest, "run `make evaluate`"


def test_unknown_corpora_are_named(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sayso", "evaluate", "--corpus", "wire:heldout"]
    run = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=60, check=False)
    assert run.returncode == 1
    assert "--corpus wire:heldout: expected" in run.stderr and len(run.stderr.splitlines()) == 1
