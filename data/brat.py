"""The bundled corpus as brat stand-off, to be corrected in that tool, and back.

A report becomes NAME.txt, its text, and NAME.ann (Stenetorp et al., "brat: a Web-based Tool for NLP-Assisted Text
Annotation", EACL 2012; https://brat.nlplab.org/standoff.html):

    T1  Sentence 0 42 ...                      with the attributes Attributed, Assessed, Claimed, and the hard cases
    T9  Source 31 40 ...                       likewise Cue, Content, and Target with the attribute Polarity
    T12 Attribution 20 24 ...                  the trigger of an event: any span will do, the cue's is used
    E3  Attribution:T12 Source:T9 Cue:T10      attribution 3, all its spans; Name: the words that resolve its source
    A8  Official E3
    #1  House T1 ...                           the head of the file, as notes on the first sentence

What the tool changes comes back; an unchanged export comes back as the file that `inline.render` writes.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from sayso.data.corpora import CorpusError, read_text
from sayso.data.report import SUBJECTS, TAGS, Line, Mark, Report
from sayso.data.schema import Facet, Polarity, Role

FACETS = {
    "Attributed": Facet.ATTRIBUTION,
    "Assessed": Facet.OFFICIAL_ASSESSMENT,
    "Claimed": Facet.REPORTED_CLAIM,
}
ROLES = {role.value.capitalize(): role for role in Role}
HARD = {tag.capitalize(): tag for tag in TAGS}
HEAD = ("House", "Subject", "Note")

_TEXT_BOUND = re.compile(r"(T[0-9]+)\t(\w+) ([0-9]+) ([0-9]+)\t(.*)")
_EVENT = re.compile(r"E([0-9]+)\t(\w+):(T[0-9]+)((?: \w+:T[0-9]+)*) ?")
_ATTRIBUTE = re.compile(r"A[0-9]+\t(\w+) ([TE][0-9]+)(?: (\w+))?")
_NOTE = re.compile(r"#[0-9]+\t(\w+) (\w+)\t(.*)")


def configuration() -> dict[str, str]:
    """Name and content of the files that tell brat what may be annotated, and in which colours."""
    spans = ("Sentence", *ROLES, "Name")
    roles = ", ".join(f"{name}*:{name}" for name in ROLES)
    attributes = [f"{name}\tArg:Sentence" for name in (*FACETS, *HARD)]
    attributes += ["Official\tArg:Attribution", f"Polarity\tArg:Target, Value:{'|'.join(Polarity)}"]
    events = f"Attribution\t{roles}, Name?:Name"
    annotation = ("[entities]", *spans, "", "[relations]", "", "[events]", events, "", "[attributes]", *attributes, "")
    colours = {"Sentence": "#eeeeee", "Source": "#8fb2ff", "Cue": "#ffd08f", "Content": "#a8e0a8", "Target": "#e0a8d8"}
    drawing = [f"{name}\tbgColor:{colour}" for name, colour in colours.items()]
    visual = ("[labels]", *spans, "Attribution", "", "[drawing]", *drawing, "")
    return {"annotation.conf": "\n".join(annotation), "visual.conf": "\n".join(visual)}


def export(report: Report) -> tuple[str, str]:
    """Content of NAME.txt and of NAME.ann."""
    text, starts = report.text, report.starts
    bound: list[str] = []
    rest: list[str] = []

    def put(kind: str, start: int, end: int) -> str:
        bound.append(f"T{len(bound) + 1}\t{kind} {start} {end}\t{text[start:end]}")
        return f"T{len(bound)}"

    def mark(attribute: str, of: str, value: str = "") -> None:
        rest.append(f"A{len(rest) + 1}\t{attribute} {of}{value and ' '}{value}")

    facets = {facet: name for name, facet in FACETS.items()}
    for start, line in zip(starts, report.lines, strict=True):
        name = put("Sentence", start, start + len(line.text))
        for facet in (facet for facet in facets if facet in line.facets):
            mark(facets[facet], name)
        for tag in line.tags:
            mark(tag.capitalize(), name)
    arguments: dict[int, list[str]] = defaultdict(list)
    for start, line in zip(starts, report.lines, strict=True):
        for span in line.marks:
            name = put(span.role.value.capitalize(), start + span.start, start + span.end)
            if span.polarity:
                mark("Polarity", name, span.polarity.value)
            for number in span.numbers:
                arguments[number].append(f"{span.role.value.capitalize()}:{name}")
    events = []
    for number in report.numbers:
        i, trigger = min(report.spans(number), key=lambda found: tuple(Role).index(found[1].role) or len(Role))
        name = put("Attribution", starts[i] + trigger.start, starts[i] + trigger.end)
        if number in report.names:
            start = report.find(report.names[number])
            arguments[number].append(f"Name:{put('Name', start, start + len(report.names[number]))}")
        if number in report.official:
            mark("Official", f"E{number}")
        events.append(f"E{number}\tAttribution:{name} {' '.join(_counted(arguments[number]))}")
    notes = [
        f"#{i}\t{key} T1\t{value}"
        for i, (key, value) in enumerate(zip(HEAD, (report.house, report.subject, report.note), strict=True), 1)
        if value
    ]
    return text + "\n", "\n".join(bound + events + rest + notes) + "\n"


def _counted(arguments: list[str]) -> list[str]:
    """brat tells arguments of one role apart by number: Content, Content2, Content3."""
    seen: dict[str, int] = defaultdict(int)
    found = []
    for argument in arguments:
        role, _, span = argument.partition(":")
        seen[role] += 1
        found.append(f"{role}{seen[role] if seen[role] > 1 else ''}:{span}")
    return found


def restore(ann: Path, path: Path) -> Report:
    """The report that NAME.txt and NAME.ann hold, to be written to `path`; `CorpusError` names the broken line.

    Whether the annotation is sound is not judged: `inline.scan` does, on what is rendered of it.
    """
    return _Reader(ann).report(path)


@dataclass(frozen=True, slots=True)
class _Bound:
    kind: str
    start: int
    end: int
    line: int


@dataclass(frozen=True, slots=True)
class _Event:
    arguments: tuple[tuple[str, str], ...]  # role and span
    line: int


class _Reader:
    """One .ann file with its text."""

    def __init__(self, ann: Path) -> None:
        self.ann = ann
        plain = ann.with_suffix(".txt")
        if not plain.is_file():
            raise CorpusError(plain, f"expected the text of {ann.name}, found no such file")
        self.text = read_text(plain).removesuffix("\n")
        self.bound: dict[str, _Bound] = {}
        self.events: dict[int, _Event] = {}
        self.attributes: dict[str, dict[str, tuple[str, int]]] = defaultdict(dict)
        self.head: dict[str, str] = {}
        for number, line in enumerate(read_text(ann).split("\n"), 1):
            if line:
                self.read(line, number)
        self.refer()

    def wrong(self, line: int, message: str) -> CorpusError:
        return CorpusError(self.ann, message, line)

    def read(self, written: str, number: int) -> None:
        if found := _TEXT_BOUND.fullmatch(written):
            name, kind, start, end = found[1], found[2], int(found[3]), int(found[4])
            if kind not in ("Sentence", "Attribution", "Name", *ROLES):
                raise self.wrong(
                    number, f"{name}: expected Sentence, Attribution, Name or {', '.join(ROLES)}, found {kind!r}"
                )
            if start >= end or self.text[start:end] != found[5]:
                raise self.wrong(
                    number, f"{name}: expected {self.text[start:end][:60]!r} at {start} {end}, found {found[5][:60]!r}"
                )
            if name in self.bound:
                raise self.wrong(number, f"expected {name} once, found it in line {self.bound[name].line} too")
            self.bound[name] = _Bound(kind, start, end, number)
        elif found := _EVENT.fullmatch(written):
            arguments = tuple((role, span) for role, _, span in (each.partition(":") for each in found[4].split()))
            if found[2] != "Attribution":
                raise self.wrong(number, f"E{found[1]}: expected an event of the type Attribution, found {found[2]!r}")
            if int(found[1]) in self.events or int(found[1]) < 1:
                raise self.wrong(number, f"expected E1, E2, ... once each, found E{found[1]}")
            self.events[int(found[1])] = _Event(arguments, number)
        elif found := _ATTRIBUTE.fullmatch(written):
            self.attributes[found[2]][found[1]] = (found[3] or "", number)
        elif found := _NOTE.fullmatch(written):
            if found[1] in HEAD:
                self.head[found[1]] = found[3].strip()
        else:
            expected = "expected a line of brat stand-off that is a span in one piece, an event, an attribute or a note"
            raise self.wrong(number, f"{expected}, found {written[:60]!r}")

    def refer(self) -> None:
        """Everything must refer to something of the right type."""
        for event in self.events.values():
            for role, name in event.arguments:
                kind = re.sub("[0-9]+$", "", role)
                if name not in self.bound or self.bound[name].kind != kind or kind not in ("Name", *ROLES):
                    found = self.bound[name].kind if name in self.bound else "no such span"
                    raise self.wrong(event.line, f"{role}:{name}: expected a span of the type {kind}, found {found}")
        for of, attributes in self.attributes.items():
            event_ = of.startswith("E") and int(of[1:]) in self.events
            kind = "Attribution" if event_ else self.bound[of].kind if of in self.bound else ""
            allowed = {
                "Attribution": ("Official",) if event_ else (),
                "Sentence": (*FACETS, *HARD),
                "Target": ("Polarity",),
            }
            for attribute, (value, line) in attributes.items():
                if attribute not in allowed.get(kind, ()):
                    raise self.wrong(
                        line, f"{attribute} {of}: expected an attribute that {kind or 'a span or event'} has"
                    )
                if attribute == "Polarity" and value not in list(Polarity):
                    raise self.wrong(line, f"Polarity {of}: expected {', '.join(Polarity)}, found {value!r}")
        for key in HEAD[:2]:
            if not self.head.get(key):
                raise self.wrong(1, f"expected a note {key} ('#1\t{key} T1\t...'), found none")
        if self.head["Subject"] not in SUBJECTS:
            raise self.wrong(1, f"Subject: expected one of {', '.join(SUBJECTS)}, found {self.head['Subject']!r}")

    def report(self, path: Path) -> Report:
        numbers = defaultdict[str, list[int]](list)
        names = {}
        for number, event in sorted(self.events.items()):
            for _, name in event.arguments:
                if self.bound[name].kind == "Name":
                    names[number] = self.text[self.bound[name].start : self.bound[name].end]
                else:
                    numbers[name].append(number)
            if not any(number in found for found in numbers.values()):
                raise self.wrong(event.line, f"E{number}: expected a span besides the trigger, found none")
        official = frozenset(number for number in self.events if "Official" in self.attributes[f"E{number}"])
        marks = defaultdict[int, list[Mark]](list)
        sentences = self.sentences()
        starts = [self.bound[name].start for name in sentences]
        for name in self.ordered(*ROLES):
            each = self.bound[name]
            where = sum(start <= each.start for start in starts) - 1
            if where < 0 or each.end > self.bound[sentences[where]].end:
                raise self.wrong(
                    each.line, f"{name}: expected a span inside one sentence, found [{each.start}, {each.end})"
                )
            if not numbers[name]:
                raise self.wrong(
                    each.line, f"{name}: expected an event (E line) that this {each.kind} belongs to, found none"
                )
            role = ROLES[each.kind]
            if role is Role.SOURCE and 0 < len(official.intersection(numbers[name])) < len(set(numbers[name])):
                raise self.wrong(each.line, f"{name}: expected events that are all official or none, found both")
            if role is Role.TARGET and "Polarity" not in self.attributes[name]:
                raise self.wrong(each.line, f"{name}: expected the attribute Polarity, found none")
            polarity = Polarity(self.attributes[name]["Polarity"][0]) if role is Role.TARGET else None
            start, end = each.start - starts[where], each.end - starts[where]
            if any(other.start < start < other.end < end for other in marks[where]):
                raise self.wrong(
                    each.line, f"{name}: expected spans that nest or lie apart, found one that crosses another"
                )
            marks[where].append(Mark(role, start, end, tuple(sorted(set(numbers[name]))), polarity))
        lines = tuple(self.line(name, marks[i]) for i, name in enumerate(sentences))
        return Report(path, self.head["House"], self.head["Subject"], lines, names, official, self.head.get("Note", ""))

    def ordered(self, *kinds: str) -> list[str]:
        """Spans in order of text; of two that start alike the longer first, of two on the same words the older."""
        found = [name for name, each in self.bound.items() if each.kind in kinds]
        return sorted(found, key=lambda name: (self.bound[name].start, -self.bound[name].end, int(name[1:])))

    def sentences(self) -> list[str]:
        """The sentences, which must cover the text but for one space or line break between two of them."""
        found, at = self.ordered("Sentence"), 0
        for name in found:
            each = self.bound[name]
            if each.start != at or "\n" in self.text[each.start : each.end]:
                raise self.wrong(each.line, f"{name}: expected a sentence that starts at {at}, found {each.start}")
            at = each.end + 1
            if self.text[each.end : at] not in ("", " ", "\n"):
                raise self.wrong(
                    each.line, f"{name}: expected a space or line break after it, found {self.text[each.end]!r}"
                )
        if at != len(self.text) + 1:
            raise self.wrong(
                1, f"expected sentences to the end of the text, {len(self.text)}, found none after {at - 1}"
            )
        return found

    def line(self, name: str, marks: list[Mark]) -> Line:
        each, attributes = self.bound[name], self.attributes[name]
        return Line(
            text=self.text[each.start : each.end],
            facets=frozenset(facet for key, facet in FACETS.items() if key in attributes),
            marks=tuple(marks),
            tags=tuple(HARD[key] for key in attributes if key in HARD),
            opens=each.start == 0 or self.text[each.start - 1] == "\n",
        )
