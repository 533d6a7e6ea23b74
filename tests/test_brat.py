"""To brat stand-off and back: nothing is lost, corrections arrive, broken lines are named. All text is made up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_inline import PORT, invented

from sayso.data import brat, bundled
from sayso.data.corpora import CorpusError
from sayso.data.inline import parse, render, scan_file
from sayso.data.report import Report

NAME = "nordpress-01-diplomacy"


def put(folder: Path, report: Report) -> Path:
    """The .ann file of the report, its text beside it."""
    text, annotation = brat.export(report)
    (folder / f"{NAME}.txt").write_text(text, encoding="utf-8", newline="")
    ann = folder / f"{NAME}.ann"
    ann.write_text(annotation, encoding="utf-8", newline="")
    return ann


def back(ann: Path) -> str:
    return render(brat.restore(ann, Path(f"train/{NAME}.txt")))


@pytest.fixture
def ann(tmp_path: Path) -> Path:
    return put(tmp_path, parse(PORT, Path(f"{NAME}.txt")))


def change(ann: Path, old: str, new: str) -> int:
    """Replace what occurs once, and say in which line."""
    text = ann.read_text(encoding="utf-8")
    assert text.count(old) == 1
    ann.write_text(text.replace(old, new), encoding="utf-8", newline="")
    return text[: text.index(old)].count("\n") + 1


def test_the_stand_off_can_be_read(ann: Path) -> None:
    assert (
        ann.with_suffix(".txt").read_text(encoding="utf-8").startswith("Port talks productive — Transport Ministry\n")
    )
    lines = ann.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "T1\tSentence 0 42\tPort talks productive — Transport Ministry"
    assert "T6\tContent 0 21\tPort talks productive" in lines
    assert any(line.startswith("E1\tAttribution:T") and " Target:T7 " in line for line in lines)
    assert lines[-2:] == ["#1\tHouse T1\tNordPress", "#2\tSubject T1\tdiplomacy"]


def test_an_unchanged_export_comes_back_unchanged(ann: Path) -> None:
    assert back(ann) == PORT


@settings(deadline=None, max_examples=50)
@given(st.integers(0))
def test_any_report_comes_back_unchanged(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    report = invented(seed)
    assert back(put(tmp_path_factory.mktemp("brat"), report)) == render(report)


def test_the_corpus_comes_back_unchanged(tmp_path: Path) -> None:
    for path in bundled.paths():
        report, _ = scan_file(path)
        if report is not None:
            assert back(put(tmp_path, report)) == render(report)


def test_corrections_arrive(ann: Path) -> None:
    change(ann, "Polarity T7 supportive", "Polarity T7 critical")
    change(ann, "\tOfficial E3", "\tOfficial E4")
    change(ann, "\tUnoff T5", "\tClaimed T5")
    ann.write_text(ann.read_text(encoding="utf-8") + "T90\tTarget 34 42\tMinistry\nA90\tPolarity T90 neutral\n")
    first = next(line for line in ann.read_text(encoding="utf-8").splitlines() if line.startswith("E1\t"))
    change(ann, first, f"{first} Target2:T90 ")  # the tool leaves a space there
    found = back(ann).splitlines()
    assert found[3] == "AO- | [c1 [t1- Port talks] productive] [q1 —] [s1! Transport [t1= Ministry]]  #headline"
    assert "| [s3 It]" in found[8]
    assert found[10] == "A-C | [s4! A fishermen's union] [q4 called] [c4 [t4- the ministry's plan] \"a joke\"]."


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("T6\tContent 0 21", "T6\tContent 0 22", "T6: expected 'Port talks productive '"),
        ("T6\tContent 0 21", "T6\tContents 0 21", "T6: expected Sentence, Attribution, Name"),
        ("T6\tContent 0 21", "T6\tContent 0 4;5 21", "expected a line of brat stand-off that is a span in one piece"),
        ("T7\tTarget 0 10", "T6\tTarget 0 10", "expected T6 once"),
        ("T7\tTarget 0 10\tPort talks", "T7\tTarget 5 23\ttalks productive —", "crosses another"),
        ("T7\tTarget 0 10\tPort talks", "T7\tTarget 188 191\t. I", "T7: expected a span inside one sentence"),
        ("E1\tAttribution:", "E2\tAttribution:", "expected E1, E2, ... once each, found E2"),
        ("E1\tAttribution:", "E1\tEvent:", "expected an event of the type Attribution"),
        (" Target:T7", " Target:T8", "Target:T8: expected a span of the type Target, found Cue"),
        (" Target:T7", " Target:T777", "Target:T777: expected a span of the type Target, found no such span"),
        (" Target:T7", "", "T7: expected an event (E line) that this Target belongs to, found none"),
        ("\tPolarity T7 supportive", "\tPolarity T7 good", "Polarity T7: expected supportive, critical, neutral"),
        ("\tPolarity T7 supportive", "\tPolarity T700 neutral", "expected an attribute that a span or event has"),
        ("\tUnoff T5", "\tOfficial T5", "expected an attribute that Sentence has"),
        ("#1\tHouse T1\tNordPress", "#1\tHouse T1\t", "expected a note House"),
        ("Subject T1\tdiplomacy", "Subject T1\tcooking", "Subject: expected one of diplomacy"),
        ("T1\tSentence 0 42\tP", "T1\tSentence 1 42\t", "T1: expected a sentence that starts at 0, found 1"),
    ],
)
def test_a_broken_line_is_named(ann: Path, old: str, new: str, message: str) -> None:
    change(ann, old, new)
    with pytest.raises(CorpusError) as caught:
        back(ann)
    assert str(caught.value).startswith(f"{ann}:")
    assert message in str(caught.value)
    told = ann.read_text(encoding="utf-8").splitlines()[(caught.value.line or 0) - 1]
    assert caught.value.line == 1 or told.startswith(tuple("TEA"))


def test_a_shared_mention_cannot_be_half_official(tmp_path: Path) -> None:
    report = parse(
        "house: X\nsubject: sport\n\nA-- | [s1,2! He] [q1 said] [c1 a] and [q2 denied] [c2 b].\n", Path(f"{NAME}.txt")
    )
    ann = put(tmp_path, report)
    change(ann, "A2\tOfficial E1\n", "")
    refuses(ann, "expected events that are all official or none", lambda: back(ann))


def test_the_text_must_be_there(ann: Path) -> None:
    ann.with_suffix(".txt").unlink()
    refuses(ann.with_suffix(".txt"), "expected the text of", lambda: back(ann))


def test_the_text_must_be_covered(ann: Path) -> None:
    plain = ann.with_suffix(".txt")
    plain.write_text(plain.read_text(encoding="utf-8") + "More.\n", encoding="utf-8")
    refuses(ann, "expected sentences to the end of the text", lambda: back(ann))


def refuses(path: Path, message: str, call: Callable[[], object]) -> None:
    with pytest.raises(CorpusError) as caught:
        call()
    assert str(caught.value).startswith(f"{path}:")
    assert message in str(caught.value)


def test_the_configuration_names_all_that_is_exported(ann: Path) -> None:
    files = brat.configuration()
    assert set(files) == {"annotation.conf", "visual.conf"}
    for name in ("Sentence", "Source", "Cue", "Content", "Target", "Attribution", "Official", "Polarity", "Unoff"):
        assert f"\n{name}" in files["annotation.conf"]
