"""How a tagged report is shown: pure functions from a `Document` to text, by name in `FORMATS`."""

from __future__ import annotations

import io
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sayso.data.schema import Attribution, Document, Label, Polarity, Sentence, Span

ColorSystem = Literal["standard", "256", "truecolor", "windows"]

# Short names: beside 80 columns of text every character of a label is taken from the sentence.
LABEL_NAMES: Mapping[Label | None, str] = {
    Label.OFFICIAL_ASSESSMENT: "assessment",
    Label.ATTRIBUTION: "attribution",
    Label.REPORTED_CLAIM: "claim",
    Label.OTHER: "other",
    None: "unlabelled",
}
_LABEL_STYLES: Mapping[Label | None, str] = {
    Label.OFFICIAL_ASSESSMENT: "bold magenta",
    Label.ATTRIBUTION: "cyan",
    Label.REPORTED_CLAIM: "green",
    Label.OTHER: "dim",
    None: "dim",
}
_POLARITY_STYLES = {Polarity.SUPPORTIVE: "green", Polarity.CRITICAL: "red"}
# No colours: they are the labels'; and yellow or blue is unreadable on one ground or the other.
_SOURCE_STYLE, _CUE_STYLE = "bold", "underline"

_NARROWEST = 40
_LINE_BREAKS = re.compile(r"[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]+")
# Terminal controls (an escape sequence could repaint the screen), directional overrides (they would reorder the
# whole row), and surrogates (no terminal encoding has them).
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
# A line of JSON may hold these raw, but many readers split lines at them.
_JSON_LINE_BREAKS = str.maketrans({"\x85": "\\u0085", "\u2028": "\\u2028", "\u2029": "\\u2029"})


@dataclass(frozen=True, slots=True)
class Screen:
    """What the text is shown on: its width in columns, and its colours (None: no styles at all).

    stances_only: show the sentences that hold the target of a stance, and no others.
    """

    width: int = 100
    color: ColorSystem | None = None
    stances_only: bool = False


def jsonl(document: Document, screen: Screen | None = None) -> str:
    """The record as one line of JSON without a line end, the same on any screen; always encodable as UTF-8."""
    record = document.to_json()
    line = json.dumps(record, ensure_ascii=False)
    try:
        line.encode("utf-8")
    except UnicodeEncodeError:  # an unpaired surrogate in the text: JSON can say it in ASCII only
        return json.dumps(record)
    return line.translate(_JSON_LINE_BREAKS)


def table(document: Document, screen: Screen | None = None) -> str:
    """The report for a reader: a row a sentence with number, label and whole text; under it, source, cue and stance.

    A blank line stands before the report, and in it where the text goes on in a new line; no line end comes last.
    Characters that would act on the terminal are shown as their code.
    """
    screen = screen or Screen()
    file = io.StringIO()
    console = Console(
        file=file,
        width=max(screen.width, _NARROWEST),
        color_system=screen.color,
        force_terminal=screen.color is not None,
        no_color=screen.color is None,
        legacy_windows=False,
        emoji=False,
        markup=False,
        highlight=False,
    )
    console.print(_heading(document))
    console.print(_rows(document, screen.stances_only))
    # Cells are padded to the column's width, which a pipe does not need and a narrowed terminal wraps.
    return re.sub(r" +$", "", file.getvalue(), flags=re.MULTILINE).rstrip("\n")


def _heading(document: Document) -> Text:
    counts = Counter(sentence.label for sentence in document.sentences)
    total = len(document.sentences)
    heading = Text("\n").append(visible(document.id or "report"), "bold underline")
    heading.append(f"  {total} sentence{'s' * (total != 1)}", "dim")
    for label, name in LABEL_NAMES.items():
        if counts[label]:
            heading.append(" · ", "dim").append(f"{counts[label]} {name}", _LABEL_STYLES[label])
    return heading


def _rows(document: Document, stances_only: bool) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(justify="right", style="dim", min_width=3, no_wrap=True)
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    of_sentence: dict[int, list[Attribution]] = defaultdict(list)
    for attribution in document.attributions:
        for index in attribution.sentences:
            of_sentence[index].append(attribution)
    end = 0
    for index, sentence in enumerate(document.sentences):
        if stances_only and not any(s.target.overlaps(sentence.span) for a in of_sentence[index] for s in a.stance):
            continue
        if index == 0 or _LINE_BREAKS.search(document.text, end, sentence.start):
            grid.add_row()
        end = sentence.end
        label = Text(LABEL_NAMES[sentence.label], _LABEL_STYLES[sentence.label])
        grid.add_row(str(index + 1), label, _sentence(sentence, of_sentence[index]))
        for note in _notes(sentence, of_sentence[index]):
            grid.add_row("", "", _hanging(note))
    return grid


def _sentence(sentence: Sentence, attributions: list[Attribution]) -> Text:
    """The sentence, whole, with its sources and cues in style."""
    styles = [""] * len(sentence.text)
    for attribution in attributions:
        for spans, style in ((attribution.source, _SOURCE_STYLE), (attribution.cue, _CUE_STYLE)):
            for span in spans:
                start, end = (min(max(at - sentence.start, 0), len(styles)) for at in (span.start, span.end))
                styles[start:end] = [style] * (end - start)
    text = Text()
    start = 0
    for end in range(1, len(styles) + 1):
        if end == len(styles) or styles[end] != styles[start]:
            text.append(visible(sentence.text[start:end]), styles[start])
            start = end
    return text


def _notes(sentence: Sentence, attributions: list[Attribution]) -> Iterator[Text]:
    """A line for each attribution with cue or target in the sentence; failing that, for the source it continues."""
    here = [
        a
        for a in attributions
        if any(span.overlaps(sentence.span) for span in a.cue + tuple(stance.target for stance in a.stance))
    ]
    for attribution in here:
        cue = " … ".join(visible(span.text) for span in attribution.cue if span.overlaps(sentence.span))
        note = _note(_source(attribution) if (attribution.cue or attribution.content) else "the report")
        if (attribution.official or 0) >= 0.5:
            note.append(" (official)", "dim")
        if cue:
            note.append("  cue ", "dim").append(cue, _CUE_STYLE)
        yield _add_stance(note, sentence, attribution)
    if not here and sentence.source is not None:
        yield _add_stance(_note(visible(sentence.source)), sentence, None)


def _hanging(note: Text) -> Table:
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(style="dim")
    grid.add_column(overflow="fold")
    grid.add_row("└", note)
    return grid


def _note(source: str) -> Text:
    return Text("source ", "dim").append(source, _SOURCE_STYLE)


def _source(attribution: Attribution) -> str:
    """The source as it stands, and the fullest mention that it resolves to."""
    own = " … ".join(visible(span.text) for span in attribution.source)
    resolved = attribution.resolved_source
    if resolved is None:
        return own or "not named"
    full = visible(resolved.text)
    return f"{own} → {full}" if own and own != full else full


def _add_stance(note: Text, sentence: Sentence, attribution: Attribution | None) -> Text:
    targets: list[tuple[Polarity, Span]] = []
    if attribution is not None:
        targets = [(s.polarity, s.target) for s in attribution.stance if s.target.overlaps(sentence.span)]
    for polarity, target in targets:
        word = "on" if polarity is Polarity.NEUTRAL else "of"
        note.append(f"  {polarity} {word} ", _POLARITY_STYLES.get(polarity, "dim")).append(visible(target.text))
    if not targets and (style := _POLARITY_STYLES.get(sentence.stance or Polarity.NEUTRAL)):
        note.append(f"  {sentence.stance}", style)
    return note


def visible(text: str) -> str:
    """Text that is safe to print on one line: line breaks as a space, what would act on the terminal as its code."""
    return _UNSAFE.sub(lambda match: f"<U+{ord(match[0]):04X}>", _LINE_BREAKS.sub(" ", text))


FORMATS: Mapping[str, Callable[[Document, Screen | None], str]] = {"table": table, "jsonl": jsonl}
