"""The inline format of the bundled corpus, read and written: one text file holds a report and its annotation.

`corpus/FORMAT.md` is the specification. `scan` finds everything that is wrong with a file, `parse` raises the first of
it, `render` writes the canonical form: `parse(render(report)) == report`.
"""

from __future__ import annotations

import re
from pathlib import Path

from sayso.data.corpora import CorpusError, read_text
from sayso.data.report import FACETS, ROLES, SIGNS, SUBJECTS, TAGS, Line, Mark, Problem, Report
from sayso.data.schema import Facet, Role

_LETTERS = {role: letter for letter, role in ROLES.items()}
_POLARITIES = {polarity: sign for sign, polarity in SIGNS.items()}
_MARK = re.compile(r"([scqt])([1-9][0-9]*(?:,[1-9][0-9]*)*)([!+=-]?)")
_NOTE = re.compile(r"(?:^|\s+)(?:@([0-9]+)=(.*?)|(@\S*)|#(\S*))(?=\s+@[0-9]|\s+#[a-z]|$)")
_LATE = re.compile(r" (?:@[0-9]+=| ?#(?:" + "|".join(TAGS) + r")(?!\w))")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")


def parse(text: str, path: Path) -> Report:
    """The report that `text`, the content of `path`, holds; `CorpusError` names the first line that is wrong."""
    report, problems = scan(text, path)
    for problem in problems:
        if not problem.warning:
            raise CorpusError(path, problem.message, problem.line)
    if report is None:
        raise AssertionError("a file without an error has a report")
    return report


def scan(text: str, path: Path) -> tuple[Report | None, list[Problem]]:
    """The report, None if an error was found, and all that is wrong, in order of lines."""
    scanner = _Scanner(path)
    report = scanner.read(text.removeprefix("\ufeff").split("\n"))
    problems = sorted(scanner.problems, key=lambda problem: problem.line)
    return (None if any(not problem.warning for problem in problems) else report), problems


def scan_file(path: Path) -> tuple[Report | None, list[Problem]]:
    """As `scan`, of the file; one that is no UTF-8 has that problem."""
    try:
        return scan(read_text(path), path)
    except CorpusError as error:
        return None, [Problem(path, 1, str(error).removeprefix(f"{path}: "))]


def render(report: Report) -> str:
    """The canonical file. An `@n=` note stands where the attribution has its first source, else its first span."""
    head = {"house": report.house, "subject": report.subject, "note": report.note}
    written = [f"{key}: {value}" for key, value in head.items() if value]
    homes = {number: _home(report, number) for number in report.names}
    for i, line in enumerate(report.lines):
        facets = "".join(letter if facet in line.facets else "-" for letter, facet in FACETS.items())
        notes = [_name(report, number) for number in sorted(homes) if homes[number] == i]
        notes += [f"#{tag}" for tag in line.tags]
        sentence = f"{facets} | {_sentence(line, report.official)}"
        written += [""] * line.opens + [f"{sentence}  {' '.join(notes)}" if notes else sentence]
    return "\n".join(written) + "\n"


def escape(text: str) -> str:
    """Text as it is written in a file."""
    return re.sub(r"[\[\]\\]", r"\\\g<0>", text)


def _home(report: Report, number: int) -> int:
    spans = list(report.spans(number))
    return next((i for i, mark in spans if mark.role is Role.SOURCE), spans[0][0])


def _name(report: Report, number: int) -> str:
    own = any(mark.role is Role.SOURCE for _, mark in report.spans(number))
    return f"@{number}={report.names[number]}{'!' if number in report.official and not own else ''}"


def _sentence(line: Line, official: frozenset[int]) -> str:
    """The sentence with its marks."""
    written, at, ends = "", 0, list[int]()

    def advance(to: int) -> None:
        nonlocal written, at
        written, at = written + escape(line.text[at:to]), to

    for mark in (*line.marks, None):
        while ends and (mark is None or ends[-1] <= mark.start):
            advance(ends.pop())
            written += "]"
        advance(len(line.text) if mark is None else mark.start)
        if mark is not None:
            sign = _POLARITIES[mark.polarity] if mark.polarity else ""
            if mark.role is Role.SOURCE and official.issuperset(mark.numbers):
                sign = "!"
            written += f"[{_LETTERS[mark.role]}{','.join(map(str, mark.numbers))}{sign} "
            ends.append(mark.end)
    return written


class _LineError(Exception):
    """What is wrong with a sentence."""


class _Scanner:
    """Reads one file and notes what is wrong with it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problems: list[Problem] = []
        self.names: dict[int, tuple[str, bool, int]] = {}  # name, official, line
        self.signs: dict[int, tuple[bool, int]] = {}  # official by its source spans, line of the first

    def wrong(self, line: int, message: str, warning: bool = False) -> None:
        self.problems.append(Problem(self.path, line, message, warning))

    def read(self, written: list[str]) -> Report:
        end = next((i for i, line in enumerate(written) if not line.strip()), len(written))
        head = self.head(written[:end])
        lines, opens = [], True
        for number, line in enumerate(written[end:], end + 1):
            if not line.strip():
                opens = True
                continue
            try:
                lines.append(self.line(line.rstrip(), number, opens))
            except _LineError as error:
                self.wrong(number, str(error))
            opens = False
        if not lines and not self.problems:
            self.wrong(
                len(written), "expected at least one sentence, 'AOC | sentence', after the head and a blank line"
            )
        names = {number: name for number, (name, _, _) in sorted(self.names.items())}
        own = {number for number, (official, _) in self.signs.items() if official}
        elsewhere = {number for number, (_, official, _) in self.names.items() if official}
        report = Report(
            self.path, head["house"], head["subject"], tuple(lines), names, frozenset(own | elsewhere), head["note"]
        )
        if all(problem.warning for problem in self.problems):  # else what follows would only be echoes
            self.check(report)
        return report

    def head(self, written: list[str]) -> dict[str, str]:
        head = dict.fromkeys(("house", "subject", "note"), "")
        for number, line in enumerate(written, 1):
            key, colon, value = line.partition(":")
            if not colon or key not in head:
                expected = "expected 'house: ...', 'subject: ...' or 'note: ...' before the first blank line"
                self.wrong(number, f"{expected}, found {line[:60]!r}")
            elif head[key]:
                self.wrong(number, f"{key}: expected once, found again")
            elif not value.strip():
                self.wrong(number, f"{key}: expected a value, found none")
            else:
                head[key] = value.strip()
                if key == "subject" and head[key] not in SUBJECTS:
                    self.wrong(number, f"subject: expected one of {', '.join(SUBJECTS)}, found {head[key]!r}")
        for key in ("house", "subject"):
            if not head[key] and not self.problems:
                self.wrong(1, f"expected '{key}: ...' in the head, found none")
        return head

    def line(self, written: str, number: int, opens: bool) -> Line:
        """One sentence with facets and notes; `_LineError` if it is not well-formed."""
        if control := _CONTROL.search(written):
            raise _LineError(f"expected plain characters, found {control[0]!r} at column {control.start() + 1}")
        facets, bar, rest = written.partition(" | ")
        if not bar or not re.fullmatch("[A-][O-][C-]", facets):
            raise _LineError(
                "expected three facets, each its letter or '-', a bar and a sentence ('A-C | sentence'),"
                f" found {written[:40]!r}"
            )
        sentence, gap, notes = rest.partition("  ")
        if late := _LATE.search(sentence):
            raise _LineError(
                f"expected two spaces before the notes, found {sentence[late.start() :][:40]!r} in the sentence"
            )
        text, marks = self.marks(sentence, number)
        if not text.strip() or text != text.strip():
            raise _LineError(f"expected a sentence that begins and ends without a space, found {text!r}")
        holding = frozenset(FACETS[letter] for letter in facets if letter != "-")
        return Line(text, holding, marks, self.notes(notes.strip(), number) if gap else (), opens, number)

    def marks(self, written: str, line: int) -> tuple[str, tuple[Mark, ...]]:
        """Text and marks of a sentence."""
        text, open_, found, at = "", list[int](), list[Mark](), 0
        while at < len(written):
            match written[at]:
                case "\\":
                    at += 1
                    if written[at : at + 1] not in ("[", "]", "\\"):
                        raise _LineError(f"expected '[', ']' or '\\' after a backslash, found {written[at : at + 1]!r}")
                    text += written[at]
                case "[":
                    word = re.compile(r"[^\s\[\]]*").match(written, at + 1)
                    if word is None or written[word.end() : word.end() + 1] != " ":
                        raise _LineError(
                            f"expected '[MARK words]', found {written[at : at + 30]!r} ('\\[' for a real bracket)"
                        )
                    open_.append(len(found))
                    found.append(self.mark(word[0], len(text), line))
                    at = word.end()
                case "]":
                    if not open_:
                        raise _LineError(
                            f"expected '[' before ']', found none; after {written[max(0, at - 30) : at]!r}"
                        )
                    mark = found[i := open_.pop()]
                    if not text[mark.start :].strip() or text[mark.start :] != text[mark.start :].strip():
                        raise _LineError(
                            f"expected words without a space at either end, found {text[mark.start :]!r} in a span"
                        )
                    found[i] = Mark(mark.role, mark.start, len(text), mark.numbers, mark.polarity)
                case character:
                    text += character
            at += 1
        if open_:
            words = text[found[open_[-1]].start :]
            raise _LineError(
                f"expected ']' for each '[' (a span ends with its sentence), found none for {words[:40]!r}"
            )
        return text, tuple(found)

    def mark(self, word: str, start: int, line: int) -> Mark:
        """The mark `word`, end still to come."""
        parts = _MARK.fullmatch(word)
        if not parts:
            raise _LineError(f"expected a mark like s1, s1!, q1, c1, t1+, t1-, t1= or s1,2, found {word!r}")
        role, sign = ROLES[parts[1]], parts[3]
        allowed = {Role.SOURCE: ("", "!"), Role.TARGET: tuple(SIGNS)}.get(role, ("",))
        if sign not in allowed:
            expected = " or ".join(parts[1] + parts[2] + each for each in allowed)
            raise _LineError(f"expected the mark {expected}, found {word!r}")
        numbers = tuple(sorted(map(int, parts[2].split(","))))
        if len(set(numbers)) < len(numbers):
            raise _LineError(f"expected different numbers, found {word!r}")
        for number in numbers if role is Role.SOURCE else ():
            official, first = self.signs.setdefault(number, (sign == "!", line))
            if official != (sign == "!"):
                raise _LineError(f"expected s{number}{'!' if official else ''} as in line {first}, found {word!r}")
        return Mark(role, start, start, numbers, SIGNS.get(sign))

    def notes(self, written: str, line: int) -> tuple[str, ...]:
        """The tags; `@n=` notes are kept for the whole report."""
        tags, end = list[str](), 0
        for note in _NOTE.finditer(written):
            if note.start() != end:
                break
            end = note.end()
            if note[1] and note[2].strip(" !"):
                name, official = note[2].removesuffix("!").strip(), note[2].endswith("!")
                before = self.names.setdefault(int(note[1]), (name, official, line))
                if before[:2] != (name, official):
                    raise _LineError(
                        f"expected @{note[1]} once, found {before[0]!r} in line {before[2]} and {name!r} here"
                    )
            elif note[4] in TAGS:
                tags.append(note[4])
            elif note[4] is not None:
                raise _LineError(f"expected a tag ({' '.join('#' + tag for tag in TAGS)}), found '#{note[4]}'")
            else:
                raise _LineError(f"expected a note like '@3=Transport Ministry', found {note[0].strip()!r}")
        if end != len(written) or not written:
            raise _LineError(f"expected '@n=Name' or '#tag' after two spaces, found {written[end:][:40]!r}")
        return tuple(dict.fromkeys(tags))

    def check(self, report: Report) -> None:
        """What can be judged only of the whole report."""
        for number in report.numbers:
            self.attribution(report, number)
        for number, (name, official, line) in self.names.items():
            if number not in report.numbers:
                self.wrong(line, f"@{number}: expected the number of an attribution with a span, found none")
            elif report.find(name) < 0:
                like = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", report.text, re.IGNORECASE)
                hint = f" (it has {like[0]!r})" if like else ""
                self.wrong(line, f"@{number}: expected words that stand in the report, found {name!r}{hint}")
            if official and number in self.signs and not self.signs[number][0]:
                self.wrong(line, f"@{number}: expected no '!', for s{number} in line {self.signs[number][1]} has none")
        for line_ in report.lines:
            held = [mark for mark in line_.marks if mark.role in (Role.CUE, Role.CONTENT)]
            if Facet.ATTRIBUTION in line_.facets and not held:
                self.wrong(line_.number, "expected a cue or content span in a sentence with A, found none")
            elif held and Facet.ATTRIBUTION not in line_.facets:
                words = line_.text[held[0].start : held[0].end]
                self.wrong(
                    line_.number, f"expected A in a sentence with cue or content, found none, but {words[:40]!r}"
                )
            if Facet.OFFICIAL_ASSESSMENT in line_.facets:
                numbers = {number for mark in line_.marks for number in mark.numbers}
                if not numbers:
                    self.wrong(line_.number, "a sentence with O has no span of an attribution", warning=True)
                elif not numbers & report.official:
                    self.wrong(
                        line_.number, "a sentence with O has no attribution with an official source", warning=True
                    )

    def attribution(self, report: Report, number: int) -> None:
        last: dict[Role, tuple[int, int]] = {}
        for i, mark in report.spans(number):
            if mark.role in last and last[mark.role] > (i, mark.start):
                words = report.lines[i].text[mark.start : mark.end]
                what = f"{_LETTERS[mark.role]}{number}"
                self.wrong(report.lines[i].number, f"expected no {what} inside another {what}, found {words[:40]!r}")
            last[mark.role] = (i, mark.end)
        if not last.keys() & {Role.CUE, Role.CONTENT}:
            first = report.lines[next(report.spans(number))[0]]
            # A cue-less assessment, which is no attribution, still has a holder and a target.
            if Role.TARGET not in last or Facet.ATTRIBUTION in first.facets:
                self.wrong(first.number, f"expected a cue q{number} or content c{number}, found neither")
