"""A report of the bundled corpus as its file has it: sentences with marked spans, facets, notes and hard cases.

`corpus/FORMAT.md` says what they mean; `inline` reads and writes them, `bundled.gold` makes records of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sayso.data.schema import Facet, Polarity, Role

SPLITS = ("train", "dev", "heldout")
SUBJECTS = (
    *("diplomacy", "armed-conflict", "economy", "central-banks", "elections", "courts", "disasters", "health"),
    *("energy", "migration", "science", "sport", "culture", "trade", "environment", "technology"),
)
TAGS = (
    *("far", "pron", "cueless", "runon", "headline", "unoff", "plain", "denial"),
    *("nested", "scare", "anon", "doc", "two", "opposed", "other"),
)
FACETS = {"A": Facet.ATTRIBUTION, "O": Facet.OFFICIAL_ASSESSMENT, "C": Facet.REPORTED_CLAIM}
ROLES = {"s": Role.SOURCE, "q": Role.CUE, "c": Role.CONTENT, "t": Role.TARGET}
SIGNS = {"+": Polarity.SUPPORTIVE, "-": Polarity.CRITICAL, "=": Polarity.NEUTRAL}


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong at a line of a file; a warning is worth a look and no error."""

    path: Path
    line: int
    message: str
    warning: bool = False

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {'warning: ' if self.warning else ''}{self.message}"


@dataclass(frozen=True, slots=True)
class Mark:
    """A marked span, as offsets into its sentence; `numbers` are the attributions that it serves, increasing."""

    role: Role
    start: int
    end: int
    numbers: tuple[int, ...]
    polarity: Polarity | None = None  # of targets


@dataclass(frozen=True, slots=True)
class Line:
    """One sentence. `marks` are in order of their opening brackets: of two on the same words the outer comes first."""

    text: str
    facets: frozenset[Facet] = frozenset()
    marks: tuple[Mark, ...] = ()
    tags: tuple[str, ...] = ()
    opens: bool = False  # a paragraph
    number: int = field(default=0, compare=False)  # in the file, from 1; 0 where there is none


@dataclass(frozen=True, slots=True)
class Report:
    """A report as its file has it. `names` are the `@n=` notes, `official` the attributions with an official source."""

    path: Path = field(compare=False)
    house: str
    subject: str
    lines: tuple[Line, ...]
    names: Mapping[int, str] = field(default_factory=dict)
    official: frozenset[int] = frozenset()
    note: str = ""

    @property
    def starts(self) -> list[int]:
        """Where in `text` each sentence starts."""
        found, at = [], 0
        for line in self.lines:
            found.append(at)
            at += len(line.text) + 1
        return found

    @property
    def text(self) -> str:
        """Sentences of a paragraph are joined by a space, paragraphs by a line break."""
        return "".join(("\n" if line.opens else " ") + line.text for line in self.lines)[1:]

    @property
    def split(self) -> str:
        """The name of the folder where it is one of a split, else nothing."""
        return self.path.parent.name if self.path.parent.name in SPLITS else ""

    def spans(self, number: int) -> Iterator[tuple[int, Mark]]:
        """Index of the sentence and mark, for every span of one attribution in order of text."""
        return ((i, mark) for i, line in enumerate(self.lines) for mark in line.marks if number in mark.numbers)

    @property
    def numbers(self) -> list[int]:
        """The attributions that have a span."""
        return sorted({number for line in self.lines for mark in line.marks for number in mark.numbers})

    def find(self, name: str) -> int:
        """Where `name` first stands in the text as whole words, or -1."""
        found = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", self.text)
        return found.start() if found else -1
