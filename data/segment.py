"""Sentence segmentation of raw news text, with exact offsets.

Two steps, both linear in the length of the text. `_blocks` finds the stretches that a sentence cannot leave: a line,
or several lines where the text is hard-wrapped. `_sentence_ends` looks at every run of final punctuation in a block and
says whether a sentence ends there. The rules are our own, tuned on the train part of the `wire` corpus;
`benchmarks/segmentation.py` compares them with sentencex, syntok and blingfire.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from sayso.data.schema import Span

# -- characters ------------------------------------------------------------------------------------------------------

_HIDDEN = "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"  # soft hyphen, zero width, direction and byte order marks
_QUOTES = "\"'`´\u2018-\u201f\u2039\u203a«»"
# Final punctuation with all quotes and brackets that close behind it, also those set off by a space (« ... »), and
# spaced ellipses. It ends the pattern, so it never backtracks; made possessive, Python 3.11.2 would miss matches.
_FINAL = re.compile(
    rf"[.?!…。！？؟।](?:[.?!…。！？؟।{_QUOTES})\]}}）」』】{_HIDDEN}]|[ \u00a0\u202f](?:[”»](?!\w)|\.(?=[\s.]|\Z)))*"
)
_NEXT = re.compile(rf"[\s{_QUOTES}(\[{{{_HIDDEN}]*+")  # from the end of a sentence to the next one's first character
_ALNUM = re.compile(r"[^\W_]")
_LAST_WORD = re.compile(r"[^\W_](?:[\w.'’]*\w)?\Z")
_FIRST_WORD = re.compile(r"[\w’']{1,24}")
_WITHIN = frozenset("-–—,;:/|&=#.?!…")  # no sentence begins with one of these
_QUOTE = frozenset("\"'`´‘’‚‛“”„‟‹›«»")

# -- words that carry a full stop --------------------------------------------------------------------------------------


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Always followed by what they belong to: no sentence ends here.
_BOUND = _words(
    """Mr Mrs Ms Mx Dr Prof Gen Lt Col Maj Capt Cmdr Cdr Comdr Adm Brig Sgt Cpl Pvt Pfc Sen Sens Rep Reps Gov Govs Pres
    Rev Hon Fr Msgr Messrs Mme Mlle Amb Atty Asst Dep Det Supt Insp Lieut Lt.Col Lt.Gen Maj.Gen Brig.Gen Ven Sra Yahoo
    e.g i.e cf vs v viz approx ca incl"""
)
# Belong to a number that follows.
_NUMBERED = _words(
    "No Nos no nos Art Sec Fig Figs Vol vol Ch pp p para ft lb lbs oz Jan Feb Mar Apr Jun Jul Aug Sep Sept Oct Nov Dec"
)
# May end a sentence, and do so only where the next word would not be capitalised otherwise. Initials and acronyms with
# full stops (J, U.S, Ph.D) count among them.
_OPEN = _words(
    """St Mt Ft Inc Corp Co Cos Ltd Bros Jr Sr Plc Pty Ave Blvd Rd Bldg Univ Dept Assn Intl Govt Natl Est Esq al Ala
    Ariz Ark Calif Colo Conn Del Fla Ill Ind Kan Ky Md Mich Minn Miss Mo Mont Neb Nev Okla Ore Pa Tenn Tex Vt Va Wash
    Wis Wyo Ga La Mass Ont Que"""
)
_ACRONYM = re.compile(r"(?:[^\W\d_]{1,2}\.)*[^\W\d_]|(?:[^\W\d_]\.)+[^\W\d_]{1,2}")
_CLOCK = frozenset(("a.m", "p.m", "A.M", "P.M"))
_AFTER_CLOCK = re.compile(
    r"(?:[A-Z]{2,5}|Eastern|Central|Pacific|Mountain|Greenwich|Moscow|Beijing|Local|Mon|Tues|Wednes|Thurs|Fri|Satur|Sun"
    r"|(?:Jan|Febr)uary|March|April|May|June|July|August|(?:Septem|Octo|Novem|Decem)ber)(?:day)?\b"
)
_STARTERS = _words(
    """The A An This That These Those He She It They We You I His Her Its Their Our My Your There Here In On At By For
    From With Since After Before When While If As But And Or Nor So Yet However Meanwhile Also Although Though Both Some
    Many Most All Any Not One What Who Why How Where Earlier Later Now Then According Asked Until Despite Among During
    Because Each Such Still Even Instead Once It's He's She's They're We're I'm That's There's Don't Another Several
    Neither Either Nobody Nothing Everyone Two Three Four Five Last Next Police Officials"""
)

# -- what may follow final punctuation within a sentence ---------------------------------------------------------------

# A lower-case word goes on with the sentence, save the few names that are written so: "al-Name", "iName", "eName".
_LOWER_NAME = re.compile(r"(?:al-|el-|[deio]|[dl]['’])[A-Z]\w")
_SPEAKER = re.compile(
    r"(?:[^\W\d_a-z][\w.’'-]*+,?\s++){1,5}?(?:said|says|asked|asks|added|adds|told|wrote|writes|reported|reports|replied"
    r"|tweeted|shouted|exclaimed|cried|continued|declared|recalled|noted|wondered|stated)\b"
)
# A dateline: only capitalised words and numbers, up to the agency or the dash.
_DASH = r"(?:--+|[-–—])\s"
_DATELINE = re.compile(
    r"\W{0,4}(?:(?:[^\W\d_a-z][\w.’'-]*+(?:/[\w.’'-]++(?!/))*+|\d{1,4}|de|del|la|of|the|and|al)"
    r"[.,:]*+(?:\s++|(?=/))){1,9}?"
    rf"(?:/[^/\n]{{2,40}}/[.,:]*(?:\s*{_DASH})?|[(\[][^()\[\]\n]{{2,60}}[)\]][.,:]*\s*{_DASH}|{_DASH})"
)

# -- hard-wrapped lines ------------------------------------------------------------------------------------------------

_NARROW, _WIDE = 40, 110  # a line of fewer characters is no evidence of wrapping, one of more is not wrapped
# Hard-wrapped: at least so many line breaks stand before a lower-case word, and so many after no final punctuation.
# In wire (train) as stored, the first share is 0 and the second at most 0.2 in 99 documents of 100; wrapped at 60 to 90
# columns they are at least 0.2 and 0.4 in 99 of 100, and 0.8 and 1 in most.
_RUN_ON, _UNFINISHED = 0.1, 0.4
_RAGGED = 0.85  # a line that fills less of the usual width than this ends what it says
_BULLET = re.compile(r"(?:[-+*•·▪●◦‣]|\(?\d{1,3}[.)]|\(?[A-Za-z]\))\s")
_LINE_FINAL = re.compile(rf"[.?!…:][{_QUOTES})\]{_HIDDEN}]*\Z")


def split_sentences(text: str) -> tuple[Span, ...]:
    """The sentences of a news report, in order, without overlap.

    Offsets are half-open, count code points and index `text` as given: `text[s.start:s.end] == s.text`. A sentence has
    no white space at its ends, and every character that is not white space (`str.isspace`) lies in exactly one. Any
    string is accepted, lone surrogates included; time is linear in its length. A line break ends a sentence unless the
    lines are hard-wrapped; a headline is a sentence, and a dateline belongs to the sentence behind it.
    """
    spans = []
    for start, end in _blocks(text):
        for stop in _sentence_ends(text, start, end):
            spans.append(Span.of(text, start, stop))
            start = stop
            while start < end and text[start].isspace():
                start += 1
    return tuple(spans)


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    """Trimmed [start, end) of each line, or of each run of hard-wrapped lines."""
    lines: list[tuple[int, int, int]] = []  # start, end, indent; an empty line has start == end
    at = end = 0
    for line in text.splitlines(keepends=True):
        body = line.strip()
        indent = len(line) - len(line.lstrip()) if body else 0
        lines.append((at + indent, at + indent + len(body), indent))
        end = lines[-1][1] if body else end
        at += len(line)
    joins = _wrapped(text, lines)
    start = None
    for i, (a, b, _) in enumerate(lines):
        if a < b:
            start = a if start is None else start
            if i in joins or (text[a] in _HIDDEN and not text[a:b].strip(_HIDDEN)):
                continue  # a line that shows nothing is no sentence of its own either: it goes with the next one
            yield start, b
            start = None
    if start is not None:
        yield start, end


def _wrapped(text: str, lines: list[tuple[int, int, int]]) -> set[int]:
    """Indices of the lines that go on in the next line; empty for text that is not hard-wrapped."""
    joins, widths = [], []
    run_ons = unfinished = 0
    for i, ((a, b, indent), (c, d, next_indent)) in enumerate(pairwise(lines)):
        if a == b or c == d or b - a > _WIDE or d - c > _WIDE:
            continue
        open_end = not _LINE_FINAL.search(text, max(a, b - 8), b)
        begin = _skip(text, c, d)
        run_on = open_end and text[begin : begin + 1].islower() and not _BULLET.match(text, c, d)
        fits = indent + b - a + 1 + len(text[c : min(d, c + 40)].split(None, 1)[0])
        unfinished += open_end
        run_ons += run_on and fits >= _NARROW
        widths.append(indent + b - a)
        joins.append((i, run_on, fits, next_indent <= indent and (open_end or not _BULLET.match(text, c, d))))
    breaks = len(joins) + sum((b - a) // 80 for a, b, _ in lines if b - a > _WIDE)  # a wide line counts as many
    if not joins or not run_ons or run_ons < _RUN_ON * breaks or unfinished < _UNFINISHED * breaks:
        return set()
    column = sorted(widths)[len(widths) * 9 // 10]
    # Wrapping leaves a line when the next word does not fit any more. A shorter line ends its paragraph or headline,
    # and so does one before an indent or a bullet.
    return {i for i, run_on, fits, may in joins if run_on or (may and fits > _RAGGED * column)}


def _skip(text: str, start: int, end: int) -> int:
    """Where the opening quotes, brackets and white space from `start` on end."""
    found = _NEXT.match(text, start, end)
    return found.end() if found else start


def _sentence_ends(text: str, start: int, end: int) -> Iterator[int]:
    """End offsets of the sentences of the block [start, end); the last one is `end`."""
    dateline = _DATELINE.match(text, start, min(end, start + 160))
    content = _alnum(text, dateline.end() if dateline else start, end)  # where the sentence's wording begins
    quotes, counted = 0, start
    for run in _FINAL.finditer(text, content, end):
        if run.start() < content:
            continue
        stop = run.end()
        if stop >= end or not _ends(text, run, content, end):
            continue
        # A straight quote that stands alone belongs here if it closes one that was opened.
        quotes, counted = quotes + text.count('"', counted, stop), stop
        if quotes % 2 and text.startswith(' "', stop) and (stop + 2 == end or text[stop + 2].isspace()):
            stop += 2
        following = _alnum(text, stop, end)
        if following == end:
            break  # a tail without letters or digits is no sentence of its own
        yield stop
        content = following
    yield end


def _alnum(text: str, start: int, end: int) -> int:
    found = _ALNUM.search(text, start, end)
    return found.start() if found else end


def _ends(text: str, run: re.Match[str], content: int, end: int) -> bool:
    """Whether a sentence whose first letter or digit is at `content` ends with this run of final punctuation."""
    at, stop = run.span()
    word = _LAST_WORD.search(text, max(content, at - 24), at)
    before = word.group() if word else ""
    begin = _skip(text, stop, end)
    following = text[begin : begin + 1]
    first = _FIRST_WORD.match(text, begin, end)
    after = first.group().replace("’", "'") if first else ""
    starter = after in _STARTERS and text[begin + len(after) : begin + len(after) + 1] not in ("-", ".")
    if not text[stop].isspace():
        # Chinese full stops need no space; elsewhere it was lost only if both words say so ("ended.The").
        return text[at] in "。！？" or (starter and len(before) > 2 and before.islower() and stop == begin)
    if following in _WITHIN and (text[begin - 1].isspace() or following in "-–—"):
        return False
    if before in _BOUND:
        return False
    if following.islower():
        return bool(_LOWER_NAME.match(text, begin, end))
    mark = run.group()
    if mark[0] != "." or mark.startswith(".."):
        # "Stop!" Minister Name said.
        return starter or _QUOTE.isdisjoint(mark) or not _SPEAKER.match(text, begin, min(end, begin + 90))
    if content == at - len(before) and (len(before) == 1 or (before.isdigit() and len(before) < 4)):
        return False  # "1." or "B." at the start: a list
    if before in _NUMBERED:
        return not following.isdigit()
    if before in _CLOCK:
        return starter or not (following.isdigit() or _AFTER_CLOCK.match(text, begin, end))
    if before in _OPEN or (not before.isdigit() and _ACRONYM.fullmatch(before)):
        return starter or not _QUOTE.isdisjoint(mark)
    return True
