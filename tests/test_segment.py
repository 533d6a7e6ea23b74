"""Sentence segmentation: a table of invented cases, and invariants on any input."""

from __future__ import annotations

import textwrap
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sayso.data.segment import split_sentences

# One case a line, sentences separated by " ¦ " (a space in the text).
ON_ONE_LINE = """
    The dam held. ¦ Nobody was hurt. ¦ Work goes on
    MOSCOW, July 13. /TASS/. The plant reopened. ¦ Work began.
    MOSCOW, July 13./TASS/. The plant reopened. ¦ Work began.
    TEHRAN, Oct 21, IRNA -- The envoy left. ¦ He flew home.
    STOCKHOLM (Reuters) - Prices rose. ¦ They fell.
    BEIJING, May 5 (Xinhua) -- Talks opened. ¦ They closed.
    VARNHOLM, May 4 (NordPress) — The dam held. ¦ It rained.
    Kabul, 3 Dec. (Agency) -- A convoy left. ¦ It came back.
    PORT ORR. April 4 (Agency) - A convoy left. ¦ It came back.
    ORRVILLE, Fla. (AP) — The dam held. ¦ It rained.
    VARNHOLM, May 4. Nordfax - The dam held.
    Police said so on July 13. ¦ The dam held.
    Mr. Roe, Mrs. Poe and Dr. No met Gen. J. K. Orr and Lt. Col. Ann Poe. ¦ They left.
    Sen. Roe, Rep. Poe, Gov. Zoe and Prof. Loe dined at No. 5 St. James Sq. with Ms. So.
    It is cold in the U.S. ¦ The president stayed home.
    It is cold in the U.S. ¦ "We stayed home," she said.
    They buy in the U.S. and sell in the U.K. ¦ He knows.
    U.S. President Lee met U.S. Senate leaders and Sino-U.S. envoys. ¦ He left.
    U.N. Secretary-General Roe spoke to the U.N. Security Council.
    George W. Orr met J. Poe. ¦ They ate.
    Mr. Orr (George W.) Poe left.
    The shop opens at 5 p.m. ¦ The owner sleeps until 9 a.m. ¦ Police came.
    It opens at 5 p.m. Monday, 9 a.m. EST or 11 a.m. local time. ¦ It shuts.
    She works for Varn Inc. ¦ It sells nets.
    She joined Varn Inc. Chief Ann Poe, of Orr Corp. and Orr Co. Ltd. in Jan. 2019.
    He heads Loe Bros. in Boise, Wash. ¦ They sell nets.
    Varn vs. Poe was heard on Sept. 5. ¦ It fell in Dec. ¦ Nobody knew.
    He said no. ¦ The vote failed. ¦ No. 5 won.
    Nets, ropes, etc. are sold there, e.g. Orr nets. ¦ He sells nets, ropes, etc. ¦ Few buy.
    It costs $3.5 million, or 4.25 percent more. ¦ It was 2.
    It rose by 5. ¦ It fell in 2013. ¦ 20 people came. ¦ The 1940's. ¦ Quite so.
    See http://a.example/b.html?x=1. ¦ It is at www.a.example. ¦ Write to a.b@c.example now.
    He paused ... and went on. ¦ He paused… ¦ Then he left. ¦ He waited. . . . ¦ Then he left.
    He paused. . . and went on. ¦ "... and so on," she said. ¦ "...We know."
    1. The dam. ¦ 2. The road. ¦ 3. The bridge.
    • The dam held. ¦ It rained.
    Al-Qods is a paper. ¦ al-Qods said so. ¦ iPhone sales fell. ¦ He saw it.
    The dam held.¦The mayor left. ¦ Visit Example.Com or v1.2 today.
    "Is it true?" he asked. ¦ "Stop!" the minister said. ¦ “Really…” she said.
    "It is over." ¦ He left. ¦ “It is over.” ¦ Mr. Varn left.
    "We won!" Varn said. ¦ "Is it so?" Deputy Minister Orr asked. ¦ "We won." ¦ Mr Varn agreed.
    "Have we won?" ¦ He said we had.
    "It is over. ¦ We can go. ¦ Now what?" she asked.
    “First. ¦ Second. ¦ Third,” she said. ¦ ‘Fourth.’ ¦ ``Fifth.'' ¦ Sixth (seventh.) ¦ Eighth [ninth.] ¦ Tenth.
    He called it "a win." ¦ "It is not", she wrote. ¦ It is "over". ¦ "'Go!'" ¦ She went.
    « Oui. » ¦ Il part. ¦ „Ja.“ ¦ Er geht. ¦ »Nein.« ¦ »Doch.«
    " Stop. " he said. ¦ " Go. " ¦ She left.
    They sell in the "U.S." ¦ Companies buy.
    Is it so?! ¦ Yes. ¦ What?? ¦ No... ¦ Maybe. ¦ (He came back.) ¦ [She left.]
    Nobody came. — Ann Poe (@annpoe)
    Yahoo! News wrote it. ¦ World War II. ¦ Then peace came.
    今日は雨です。¦「明日は晴れです。」¦そうです。
"""
CASES = [line.strip() for line in ON_ONE_LINE.strip().splitlines()]


def texts(text: str) -> list[str]:
    return [span.text for span in split_sentences(text)]


@pytest.mark.parametrize("case", CASES)
def test_one_line(case: str) -> None:
    expected = [sentence.strip() for sentence in case.split("¦")]
    assert texts(case.replace(" ¦ ", " ").replace("¦", "")) == expected


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r", "\u2028", "\u2029", "\n\n", "\n \t\n", "\x0b", "\x85"])
def test_a_line_break_ends_a_sentence(newline: str) -> None:
    lines = [
        "Harbour talks fail again",
        "Mayor: no new dues",
        "VARNHOLM, May 4 (NordPress) -- The mayor said on Monday that the talks had failed, and that nobody would pay"
        " the new dues before the council had met.",
        "- nets",
        "- ropes",
        "1. Dues stay",
        "more on this",
        "The council meets on Friday to hear the owners of the boats, the mayor of the town and two experts.",
    ]
    assert texts(newline.join(lines)) == lines


PARAGRAPHS = [
    ["Harbour talks fail again as owners walk out"],
    [
        "VARNHOLM, May 4 (NordPress) -- The mayor of the old harbour town said on Monday that the talks had failed.",
        '"We will meet again," Mr. Orr told reporters after the owners of some 40 boats had left the hall in anger.',
        "Nobody expects the U.S. envoy to come.",
    ],
    [
        "The owners say that the new dues, which rise to 4.5 crowns a tonne in June, would close the port in a year.",
        '"Who would pay that?" asked the owner of three boats.',
    ],
]


@pytest.mark.parametrize("width", [60, 72, 80, 90])
@pytest.mark.parametrize("separator", ["\n\n", "\n   ", "\r\n\r\n"])
def test_hard_wrapped(width: int, separator: str) -> None:
    newline = "\r\n" if "\r" in separator else "\n"
    text = separator.join(newline.join(textwrap.wrap(" ".join(sentences), width)) for sentences in PARAGRAPHS)
    expected = [sentence for sentences in PARAGRAPHS for sentence in sentences]
    assert [" ".join(sentence.split()) for sentence in texts(text)] == expected


def test_hard_wrapped_bullets_and_short_lines_stay_apart() -> None:
    text = (
        "The council of the old harbour town will hear three experts on\nits dues on Monday and vote on these"
        " points at the end of the week:\n- dues\n- nets and the\n  ropes that hold them\n- The dam"
    )
    assert texts(text) == [
        "The council of the old harbour town will hear three experts on\n"
        "its dues on Monday and vote on these points at the end of the week:",
        "- dues",
        "- nets and the\n  ropes that hold them",
        "- The dam",
    ]


@pytest.mark.parametrize("text", ["", " ", "\n\r\n\u2028\t\xa0"])
def test_nothing(text: str) -> None:
    assert split_sentences(text) == ()


@pytest.mark.parametrize(
    "text", ['"', "'\"”»", "...", ". . .", "?!", "\ud800", "\u200b", "\ufeff", "\x00\x07", "***", "😀"]
)
def test_no_words_is_one_sentence(text: str) -> None:
    assert texts(f" {text}\n") == [text]


def test_what_shows_nothing_stays_with_its_neighbour() -> None:
    assert texts("\ufeffThe dam held.\u200b It rained.\n\u200b\nWork goes on.") == [
        "\ufeffThe dam held.\u200b",
        "It rained.",
        "\u200b\nWork goes on.",
    ]
    assert texts('He left. "') == ['He left. "']
    assert texts("He left! 😀") == ["He left! 😀"]


NEWS = """The mayor said . . ? ! … .. " " “ ” ‘ ’ « » ( ) [ ] `` '' -- — - , : ; Mr. U.S. J. K. p.m. No. Inc. Oct. 5 3.5
    1. MOSCOW, (Agency) /Agency/. he "No." 。 • \u200b \ufeff \ud800 é ß https://a.example/"""
WORDS = st.sampled_from(NEWS.split())
SPACES = st.sampled_from(["", " ", " ", " ", "\n", "\n\n", "\r\n", "\t", "\xa0", "\u2028", "\n    "])
NEWSLIKE = st.lists(st.tuples(WORDS, SPACES), max_size=80).map(lambda pairs: "".join(map("".join, pairs)))


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.text(alphabet=st.characters()), NEWSLIKE))
def test_invariants(text: str) -> None:
    spans = split_sentences(text)
    covered = 0
    for span in spans:
        assert text[span.start : span.end] == span.text == span.text.strip() != ""
        assert span.start >= covered
        assert not text[covered : span.start].strip()
        covered = span.end
    assert not text[covered:].strip()
    assert split_sentences(text) == spans


@settings(max_examples=200, deadline=None)
@given(NEWSLIKE, st.sampled_from(["\n\n", "\r\n \r\n"]))
def test_space_around_a_text_changes_nothing(text: str, space: str) -> None:
    inner = split_sentences(text.strip())
    outer = split_sentences(space + text.strip() + space)
    assert [(s.start + len(space), s.text) for s in inner] == [(s.start, s.text) for s in outer]


@pytest.mark.parametrize(
    "unit",
    [
        'Mr. Roe of the U.S. said "no." He left. ',
        "A. ",
        "A.",
        '." ',
        "Roe, ",
        '"Oh!" Roe Poe Zoe Loe Boe ',
        ".          ",
        "The mayor of the town said on Monday that the dam would\nhold. ",
        "\u200b\n",
        "x\n",
    ],
)
def test_time_is_linear(unit: str) -> None:
    def seconds(characters: int) -> float:
        text = (unit * (characters // len(unit) + 1))[:characters]
        begin = time.process_time()
        split_sentences(text)
        return time.process_time() - begin

    small, large = min(seconds(50_000) for _ in range(3)), seconds(800_000)
    assert large < 16 * 4 * small + 0.5  # a quadratic step would take 256 times as long


def test_a_long_line() -> None:
    text = "The dam held, the mayor said on Monday. " * 125_000  # 5 MB
    begin = time.process_time()
    assert len(split_sentences(text)) == 125_000
    assert time.process_time() - begin < 20  # about 1 s on one core; the margin is for busy machines
