"""The inline format: what is read, what is refused and how, and that what is written is read back. Text is made up."""

from __future__ import annotations

import random
import string
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sayso.data import bundled
from sayso.data.corpora import CorpusError
from sayso.data.inline import parse, render, scan, scan_file
from sayso.data.report import SUBJECTS, TAGS, Line, Mark, Report
from sayso.data.schema import Facet, Polarity, Role

PATH = Path("corpus/train/nordpress-01-diplomacy.txt")
HEAD = "house: NordPress\nsubject: diplomacy\n\n"
PORT = (
    HEAD
    + r"""AO- | [c1 [t1+ Port talks] productive] [q1 —] [s1! Transport Ministry]  #headline

--C | VARNHOLM, May 4 (NordPress) — Delegations met on Tuesday \[sic\] to discuss the closed strait.

A-- | [c2 "The sides spoke of [t2= shipping],"] [s2! the ministry] [q2 reported].  @2=Transport Ministry #pron
AO- | [s3! It] [q3 added] [c3 that [t3- the blockade] "serves smugglers" and must end].  @3=Transport Ministry #pron

A-- | [s4 A fishermen's union] [q4 called] [c4 [t4- the ministry's plan] "a joke"].  #unoff
"""
)


def sentence(line: str) -> str:
    """A file with that one sentence, which stands in line 4."""
    return f"{HEAD}{line}\n"


# -- reading ----------------------------------------------------------------------------------------------------------


def test_a_report_is_read() -> None:
    report = parse(PORT, PATH)
    assert (report.house, report.subject, report.note, report.split) == ("NordPress", "diplomacy", "", "train")
    assert report.text.split("\n")[:2] == [
        "Port talks productive — Transport Ministry",
        "VARNHOLM, May 4 (NordPress) — Delegations met on Tuesday [sic] to discuss the closed strait.",
    ]
    assert [line.opens for line in report.lines] == [True, True, True, False, True]
    assert [line.number for line in report.lines] == [4, 6, 8, 9, 11]
    assert report.text.count(" It added that") == 1
    assert (dict(report.names), set(report.official)) == (
        {2: "Transport Ministry", 3: "Transport Ministry"},
        {1, 2, 3},
    )
    first = report.lines[0]
    assert first.facets == {Facet.ATTRIBUTION, Facet.OFFICIAL_ASSESSMENT}
    assert first.tags == ("headline",)
    assert [(mark.role, first.text[mark.start : mark.end], mark.polarity) for mark in first.marks] == [
        (Role.CONTENT, "Port talks productive", None),
        (Role.TARGET, "Port talks", Polarity.SUPPORTIVE),
        (Role.CUE, "—", None),
        (Role.SOURCE, "Transport Ministry", None),
    ]


def test_one_mention_may_serve_several() -> None:
    report = parse(sentence("A-- | [s3,1! The ministry] [q1 denied] [c1 it] and [q3 said] [c3 no]."), PATH)
    assert report.lines[0].marks[0].numbers == (1, 3)
    assert report.official == {1, 3}


def test_a_note_alone_makes_a_source_official() -> None:
    report = parse(sentence('--C | Mr. Ode came.\nA-- | [c1 "We go."]  @1=Ode! #far').replace("Ode!", "Mr. Ode!"), PATH)
    assert (dict(report.names), set(report.official)) == ({1: "Mr. Ode"}, {1})


def test_a_cueless_assessment_has_holder_and_target() -> None:
    report = parse(sentence("-O- | [s1! Diplomats] were cool to [t1- the plan].  #cueless"), PATH)
    assert report.numbers == [1]


def test_names_are_whole_words_in_the_text() -> None:
    report = parse(sentence("A-- | Odessa's Ode came, [s1 he] [q1 said].  @1=Ode"), PATH)
    assert report.find("Ode") == report.text.index("Ode came")


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "expected 'house: ...'"),
        ("house: X\n\n--- | Yes.", 1, "expected 'subject: ...' in the head"),
        ("house: X\nsubject: cooking\n\n--- | Yes.", 2, "subject: expected one of diplomacy"),
        ("house: X\nhouse: Y\nsubject: sport\n\n--- | Yes.", 2, "house: expected once"),
        ("house: X\ntopic: sport\n\n--- | Yes.", 2, "expected 'house: ...', 'subject: ...' or 'note: ...'"),
        ("house: X\nsubject:\n\n--- | Yes.", 2, "subject: expected a value"),
        ("house: X\nsubject: sport\n", 3, "expected at least one sentence"),
        (sentence("A-X | [q1 Yes]."), 4, "expected three facets"),
        (sentence("??? | Yes."), 4, "expected three facets"),
        (sentence("Yes."), 4, "expected three facets"),
        (sentence("--- |Yes."), 4, "expected three facets"),
        (sentence("--- | Yes\there."), 4, "expected plain characters, found '\\t' at column 10"),
        (sentence("A-- | [x1 Yes]."), 4, "expected a mark like s1, s1!, q1, c1, t1+"),
        (sentence("A-- | [c01 Yes]."), 4, "expected a mark like"),
        (sentence("A-- | [sic] yes."), 4, "'\\[' for a real bracket"),
        (sentence("A-- | [q1! Yes]."), 4, "expected the mark q1, found 'q1!'"),
        (sentence("A-- | [t1 Yes]."), 4, "expected the mark t1+ or t1- or t1="),
        (sentence("A-- | [s1+ Yes]."), 4, "expected the mark s1 or s1!"),
        (sentence("A-- | [q1,1 Yes]."), 4, "expected different numbers"),
        (sentence("A-- | [q1 Yes."), 4, "expected ']' for each '['"),
        (sentence("A-- | q1 Yes]."), 4, "expected '[' before ']'"),
        (sentence("A-- | [q1 ] yes."), 4, "expected words without a space at either end"),
        (sentence("A-- | [q1 yes ] no."), 4, "expected words without a space at either end"),
        (sentence("--- | yes\\no"), 4, "after a backslash, found 'n'"),
        (sentence("A-- | [c1 a [c1 b] c]."), 4, "expected no c1 inside another c1"),
        (sentence("A-- | [q1 Yes]. #pron"), 4, "expected two spaces before the notes"),
        (sentence("A-- | [q1 Yes].  @1=Yes  and"), 4, "expected words that stand in the report"),
        (sentence("A-- | [q1 Yes].  well"), 4, "expected '@n=Name' or '#tag' after two spaces"),
        (sentence("A-- | [q1 Yes].  #headlines"), 4, "expected a tag (#far"),
        (sentence("A-- | [q1 Yes].  @1"), 4, "expected a note like '@3=Transport Ministry'"),
        (sentence("A-- | [q1 Yes].  @1=!"), 4, "expected a note like '@3=Transport Ministry'"),
        (sentence("A-- | [q1 Yes].  @2=Yes"), 4, "@2: expected the number of an attribution"),
        (sentence("A-- | [q1 Yes].  @1=No"), 4, "@1: expected words that stand in the report, found 'No'"),
        (sentence("A-- | [q1 Yes].  @1=yes"), 4, "(it has 'Yes')"),
        (sentence("A-- | [q1 Yes] no.  @1=Yes\n--- | No.  @1=no"), 5, "expected @1 once, found 'Yes' in line 4"),
        (sentence("A-- | [s1! He] [q1 said].\nA-- | [s1 He], [c1 no]."), 5, "expected s1! as in line 4, found 's1'"),
        (sentence("A-- | [s1 He] [q1 said].  @1=He!"), 4, "@1: expected no '!', for s1 in line 4 has none"),
        (sentence("A-- | He said."), 4, "expected a cue or content span in a sentence with A"),
        (sentence("--- | He [q1 said]."), 4, "expected A in a sentence with cue or content"),
        (sentence("A-- | [s2 He] [q1 said]."), 4, "expected a cue q2 or content c2, found neither"),
        (sentence("A-- | He [q1 saw] [t2+ her]."), 4, "expected a cue q2 or content c2, found neither"),
        (sentence("--- | Yes.\n\n--- | No.\n--- | [q Oh]."), 7, "expected a mark like"),
    ],
)
def test_what_is_wrong_is_named(text: str, line: int, message: str) -> None:
    with pytest.raises(CorpusError) as caught:
        parse(text, PATH)
    assert str(caught.value).startswith(f"{PATH}:{line}: ")
    assert message in str(caught.value)


def test_a_file_of_another_encoding_has_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_bytes(b"house: caf\xe9")
    report, (problem,) = scan_file(path)
    assert report is None
    assert str(problem) == f"{path}:1: expected UTF-8, found byte 0xe9 at 10"


def test_all_that_is_wrong_is_found() -> None:
    report, problems = scan("house: X\nsubject: cooking\n\nA-- | [q1 Yes.\n--- | No.  #no\n", PATH)
    assert report is None
    assert [problem.line for problem in problems] == [2, 4, 5]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("-O- | It was a disgrace.", "no span of an attribution"),
        ("AO- | [s1 He] [q1 said] [c1 no].", "no attribution with an official source"),
    ],
)
def test_what_is_odd_is_a_warning(line: str, message: str) -> None:
    report, problems = scan(sentence(line), PATH)
    assert report is not None
    assert [(problem.line, problem.warning) for problem in problems] == [(4, True)]
    assert message in str(problems[0])


# -- writing ----------------------------------------------------------------------------------------------------------


def test_the_canonical_form_is_left_as_it_is() -> None:
    assert render(parse(PORT, PATH)) == PORT


def test_other_forms_become_canonical() -> None:
    head = "note:  x \nsubject: sport\nhouse: X\n\n\n"
    loose = head + "A-- | [c2,1 No].   #pron  @2=No #far #pron\nA-- | [s2! He], [c2 no].  \r\n"
    assert render(parse(loose, PATH)) == (
        "house: X\nsubject: sport\nnote: x\n\nA-- | [c1,2 No].  #pron #far\nA-- | [s2! He], [c2 no].  @2=No\n"
    )


def invented_line(draw: random.Random, opens: bool) -> Line:
    """A sentence of words, some of them odd, over which nested spans are drawn."""
    signs = string.ascii_letters + "[]\\.,\"'—é"
    tokens = ["".join(draw.choices(signs, k=draw.randint(1, 5))) for _ in range(draw.randint(1, 8))]
    bounds, at = [], 0
    for token in tokens:
        bounds.append((at, at + len(token)))
        at += len(token) + 1
    marks: list[Mark] = []

    def fill(low: int, high: int, depth: int, used: frozenset[tuple[Role, int]]) -> None:
        at = low
        while at < high and depth < 4:
            to = at + 1
            if draw.random() < 0.5:
                to = draw.randint(at + 1, high)
                role, numbers = draw.choice(list(Role)), tuple(sorted(draw.sample(range(1, 9), draw.choice((1, 1, 2)))))
                if not used & {(role, number) for number in numbers}:
                    polarity = draw.choice(list(Polarity)) if role is Role.TARGET else None
                    marks.append(Mark(role, bounds[at][0], bounds[to - 1][1], numbers, polarity))
                    fill(at, to, depth + 1, used | {(role, number) for number in numbers})
            at = to

    fill(0, len(tokens), 0, frozenset())
    facets = {facet for facet in (Facet.OFFICIAL_ASSESSMENT, Facet.REPORTED_CLAIM) if draw.random() < 0.5}
    if any(mark.role in (Role.CUE, Role.CONTENT) for mark in marks):
        facets.add(Facet.ATTRIBUTION)
    tags = tuple(draw.sample(TAGS, draw.choice((0, 0, 1, 2))))
    return Line(" ".join(tokens), frozenset(facets), tuple(marks), tags, opens)


def invented(seed: int, path: Path = PATH) -> Report:
    """A sound report: every attribution has a cue, in a last sentence; sources are official all or none."""
    draw = random.Random(seed)
    found = [invented_line(draw, i == 0 or draw.random() < 0.5) for i in range(draw.randint(1, 5))]
    numbers = sorted({n for line in found for mark in line.marks for n in mark.numbers})
    for number in numbers:
        mark = Mark(Role.CUE, 0, 4, (number,))
        found.append(Line("said so", frozenset({Facet.ATTRIBUTION}), (mark,), (), draw.random() < 0.5))
    named = {n: draw.choice(["said", "said so"]) for n in numbers if draw.random() < 0.5}
    own = {n for line in found for mark in line.marks if mark.role is Role.SOURCE for n in mark.numbers}
    official = set(own) if draw.random() < 0.5 else set[int]()
    official |= {n for n in named if n not in own and draw.random() < 0.5}
    note = draw.choice(["", "x: y  z"])
    return Report(path, "House: of [X]", draw.choice(SUBJECTS), tuple(found), named, frozenset(official), note)


@settings(deadline=None)
@given(st.integers(0))
def test_what_is_written_is_read_back(seed: int) -> None:
    report = invented(seed)
    written = render(report)
    assert parse(written, PATH) == report
    assert render(parse(written, PATH)) == written


@settings(deadline=None)
@given(st.text(string.printable, max_size=200))
def test_any_text_is_read_or_has_a_problem(text: str) -> None:
    for written in (text, HEAD + "A-- | " + text):
        report, problems = scan(written, PATH)
        assert all(1 <= problem.line <= written.count("\n") + 1 for problem in problems)
        assert report is None or parse(render(report), PATH) == report


def test_every_report_of_the_corpus_is_written_as_it_is_read() -> None:
    for path in bundled.paths():
        report, _ = scan_file(path)
        if report is not None:
            written = render(report)
            assert parse(written, path) == report
            assert render(parse(written, path)) == written
