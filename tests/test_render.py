"""What a user sees: the whole text, on any width, and nothing in it that acts on the terminal."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from sayso.data.schema import Attribution, Document, Label, Polarity, Sentence, Span, Stance
from sayso.inference.render import FORMATS, Screen, jsonl, table

TEXT = (
    "Talks productive — Harbour Ministry\n\n"
    'It added that the blockade "serves no one but the smugglers of the northern shore, who have grown rich on it",'
    ' and must end at once. "We have waited long enough. Ferry traffic fell." What\'s next?'
)


def span(words: str) -> Span:
    start = TEXT.index(words)
    return Span.of(TEXT, start, start + len(words))


def sentence(
    text: str, words: str, label: Label, source: str | None = None, stance: Polarity | None = None
) -> Sentence:
    start = text.index(words)
    return Sentence(start, start + len(words), words, label, {}, source, stance)


def report() -> Document:
    ministry = span("Harbour Ministry")
    first, second = TEXT.partition(' "We have waited')[0].split("\n\n")
    return Document(
        "talks.txt",
        TEXT,
        (
            sentence(TEXT, first, Label.ATTRIBUTION, "Harbour Ministry", Polarity.SUPPORTIVE),
            sentence(TEXT, second, Label.OFFICIAL_ASSESSMENT, "Harbour Ministry", Polarity.CRITICAL),
            sentence(TEXT, '"We have waited long enough.', Label.ATTRIBUTION, "Harbour Ministry"),
            sentence(TEXT, 'Ferry traffic fell."', Label.REPORTED_CLAIM),
            sentence(TEXT, "What's next?", Label.OTHER),
        ),
        (
            Attribution((span("—"),), (ministry,), (span("Talks productive"),), (0,)),
            Attribution(
                (span("added"),),
                (span("It"),),
                (span("the blockade"),),
                (1, 2),
                resolved_source=ministry,
                stance=(Stance(span("the blockade"), Polarity.CRITICAL),),
            ),
        ),
    )


def single(text: str) -> Document:
    return Document("a.txt", text, (Sentence(0, len(text), text, Label.OTHER),))


def test_table_of_a_report() -> None:
    assert table(report(), Screen(72)) == (
        "\n"
        "talks.txt  5 sentences · 1 assessment · 2 attribution · 1 claim · 1\n"
        "other\n"
        "\n"
        "  1  attribution  Talks productive — Harbour Ministry\n"
        "                  └ source Harbour Ministry  cue —  supportive\n"
        "\n"
        '  2  assessment   It added that the blockade "serves no one but the\n'
        "                  smugglers of the northern shore, who have grown rich\n"
        '                  on it", and must end at once.\n'
        "                  └ source It → Harbour Ministry  cue added  critical of\n"
        "                    the blockade\n"
        '  3  attribution  "We have waited long enough.\n'
        "                  └ source Harbour Ministry\n"
        '  4  claim        Ferry traffic fell."\n'
        "  5  other        What's next?"
    )


def test_colours_mark_label_source_and_cue_and_nothing_else_changes() -> None:
    coloured = table(report(), Screen(100, "standard"))
    assert "\x1b[1;35massessment " in coloured
    assert "\x1b[1mHarbour Ministry\x1b[0m" in coloured
    assert "\x1b[4madded\x1b[0m" in coloured
    assert re.sub(r" +\n", "\n", re.sub(r"\x1b\[[\d;]*m", "", coloured)) == table(report(), Screen(100))


@settings(deadline=None)  # a busy machine is no failure
@given(
    text=st.text(st.characters(exclude_categories=["Cc", "Cs", "Cf", "Zs", "Zl", "Zp", "M"]), min_size=1),
    width=st.sampled_from([40, 80, 140]),
)
def test_no_character_is_lost_and_no_line_is_too_long(text: str, width: int) -> None:
    lines = table(single(text), Screen(width)).split("\n")[3:]
    assert "".join(lines).replace(" ", "") == "1other" + text
    assert all(cell_len(line) <= width for line in lines)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("A [bold]tag[/bold] and [/] :smile: stay", "A [bold]tag[/bold] and [/] :smile: stay"),
        ("Hard\nwrapped\r\nlines\tjoin\u2028up", "Hard wrapped lines join up"),
        ("\x1b[2J\x1b]0;pwned\x07gone", "<U+001B>[2J<U+001B>]0;pwned<U+0007>gone"),
        ("\x9b31m", "<U+009B>31m"),
        ("txt.\u202eexe", "txt.<U+202E>exe"),
        ("half \ud83d pair", "half <U+D83D> pair"),
    ],
)
def test_text_cannot_act_on_the_terminal(text: str, shown: str) -> None:
    assert f"  1  other  {shown}" in table(single(text))
    named = Document(text, "x")
    assert shown in table(named)


def test_report_without_sentences() -> None:
    assert table(Document("a.txt", " ")) == "\na.txt  0 sentences"


def test_jsonl_is_the_record_on_one_line() -> None:
    line = jsonl(report())
    assert Document.from_json(line) == report()
    assert "—" in line


@settings(deadline=None)  # a busy machine is no failure
@given(st.text(st.characters(), min_size=1))
def test_jsonl_holds_any_text(text: str) -> None:
    line = jsonl(single(text))
    assert len(line.encode("utf-8").decode("utf-8").splitlines()) == 1
    assert Document.from_json(line) == single(text)


def test_formats_take_the_same_arguments() -> None:
    assert {name: bool(render(report(), Screen())) for name, render in FORMATS.items()} == {
        "table": True,
        "jsonl": True,
    }
    assert json.loads(FORMATS["jsonl"](report(), Screen(40)))["schema"] == "sayso/document/1"
