"""The bundled corpus: where it lies, its records, and what must hold across its files.

The corpus is the project's own (`corpus/FORMAT.md`, CC BY 4.0) and ships with the package. Splits are by house:
"train", "dev", and "heldout", whose houses do not occur in "train".
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from sayso.data.corpora import read_text
from sayso.data.inline import parse, scan_file
from sayso.data.report import SPLITS, Problem, Report
from sayso.data.schema import (
    Attribution,
    Document,
    Facet,
    Gold,
    Head,
    Polarity,
    Role,
    Sentence,
    Span,
    Stance,
    primary_label,
)
from sayso.data.statistics import Shared, near_duplicates, shared_runs

FOLDER = Path(__file__).parent / "corpus"
CONTAINMENT = (
    0.1  # of the shorter report's word 5-grams: from here on two reports of different splits are near-duplicates
)
RUN = 12  # words in a row that no two reports may share

_NAME = re.compile(r"(?P<house>[a-z0-9-]+)-(?P<number>[0-9]{2,3})-(?P<subject>[a-z-]+)")


def read(split: str) -> Iterator[Gold]:
    """The records of one split, in order of name; `ValueError` on an unknown split, `CorpusError` on a bad file."""
    return map(gold, reports(split))


def reports(split: str) -> Iterator[Report]:
    """The reports of one split, in order of file name; errors as for `read`."""
    return (parse(read_text(path), path) for path in paths(split))


def paths(split: str | None = None) -> list[Path]:
    """The files of one split, or of all, in order of split and name; `ValueError` on an unknown split."""
    if split is not None and split not in SPLITS:
        raise ValueError(f"split {split!r}: expected one of {', '.join(SPLITS)}")
    wanted = SPLITS if split is None else (split,)
    return list(itertools.chain.from_iterable(sorted((FOLDER / each).glob("*.txt")) for each in wanted))


def gold(report: Report) -> Gold:
    """The record. Attributions stand in order of their first cue or content, of two that start alike the longer first.

    A resolved source is the first place of its `@n=` words, else the first source span. A sentence's source is that of
    its first attribution, its stance that of the first target in it that is not neutral.
    """
    text, starts = report.text, report.starts
    attributions = sorted((_attribution(report, number) for number in report.numbers), key=_position)
    sentences = tuple(_sentence(report, i, start, attributions) for i, start in enumerate(starts))
    document = Document(report.path.stem, text, sentences, tuple(attributions))
    return Gold(document, frozenset(Head), "bundled", report.split, report.house)


def _position(attribution: Attribution) -> tuple[int, int]:
    spans = attribution.cue + attribution.content or tuple(stance.target for stance in attribution.stance)
    first = min(spans, key=lambda span: (span.start, -span.end))
    return first.start, -first.end


def _attribution(report: Report, number: int) -> Attribution:
    text, starts = report.text, report.starts
    spans: dict[Role, list[Span]] = {role: [] for role in Role}
    stances, saying, judging = list[Stance](), set[int](), set[int]()
    for i, mark in report.spans(number):
        span = Span.of(text, starts[i] + mark.start, starts[i] + mark.end)
        spans[mark.role].append(span)
        if mark.polarity is not None:
            stances.append(Stance(span, mark.polarity))
            judging.add(i)
        elif mark.role is not Role.SOURCE:
            saying.add(i)
    resolved = next(iter(spans[Role.SOURCE]), None)
    if (name := report.names.get(number)) is not None:
        start = report.find(name)
        resolved = Span.of(text, start, start + len(name))
    return Attribution(
        cue=tuple(spans[Role.CUE]),
        source=tuple(spans[Role.SOURCE]),
        content=tuple(spans[Role.CONTENT]),
        sentences=tuple(sorted(saying or judging)),
        resolved_source=resolved,
        official=float(number in report.official),
        stance=tuple(stances),
    )


def _sentence(report: Report, index: int, start: int, attributions: list[Attribution]) -> Sentence:
    line = report.lines[index]
    first = next((each for each in attributions if index in each.sentences), None)
    source = first.source_name if first else None
    polarities = [mark.polarity for mark in line.marks if mark.polarity is not None]
    stance: Polarity | None = next((each for each in polarities if each is not Polarity.NEUTRAL), None)
    if stance is None and source and line.facets & {Facet.ATTRIBUTION, Facet.OFFICIAL_ASSESSMENT}:
        stance = Polarity.NEUTRAL
    return Sentence(
        start=start,
        end=start + len(line.text),
        text=line.text,
        label=primary_label(line.facets),
        facets={facet: float(facet in line.facets) for facet in Facet},
        source=source,
        stance=stance,
    )


def check(files: Iterable[Path] | None = None) -> tuple[list[Report], list[Problem]]:
    """The sound reports among `files` (default: the whole corpus), and all that is wrong with them, in order of files.

    Each file is checked by itself, then against the others and the rest of the corpus, as far as that is sound.
    """
    wanted = list(files) if files is not None else paths()
    asked = {path.resolve() for path in wanted}
    scanned = {path: scan_file(path) for path in wanted}
    rest = [scan_file(path)[0] for path in paths() if path.resolve() not in asked]
    sound = [report for report, _ in scanned.values() if report is not None]
    problems = [problem for _, found in scanned.values() for problem in found]
    problems += [problem for report in sound for problem in doubtful_tags(report)]
    across = check_across(sound + [report for report in rest if report is not None])
    problems += [problem for problem in across if problem.path in scanned]
    order = {path: i for i, path in enumerate(scanned)}
    return sound, sorted(problems, key=lambda problem: (order[problem.path], problem.line))


def check_across(reports: list[Report]) -> list[Problem]:
    """What is wrong between reports: names, houses, near-duplicates, shared runs; both sides of a pair are told."""
    return [*_names(reports), *_houses(reports), *_likenesses(reports)]


def _names(reports: list[Report]) -> Iterator[Problem]:
    seen: dict[str, Path] = {}
    for report in reports:
        path = report.path
        if seen.setdefault(path.stem, path) != path:
            yield Problem(path, 1, f"expected a file name of its own, found the same in {seen[path.stem]}")
        name = _NAME.fullmatch(path.stem)
        if name is None:
            yield Problem(path, 1, f"expected a file name like 'nordpress-01-diplomacy.txt', found {path.name!r}")
        elif not path.stem.endswith(f"-{report.subject}"):
            yield Problem(
                path, 2, f"expected the subject of the file name, {name['subject']!r}, found {report.subject!r}"
            )


def _houses(reports: list[Report]) -> Iterator[Problem]:
    by_slug: dict[str, Report] = {}
    by_house: dict[str, Report] = {}
    trained = {report.house: report for report in reports if report.split == "train"}
    for report in reports:
        slug = re.sub(r"-[0-9]{2,3}-.*", "", report.path.stem)
        first = by_slug.setdefault(slug, report)
        if first.house != report.house:
            yield Problem(
                report.path, 1, f"expected the house {first.house!r} as in {first.path.name}, found {report.house!r}"
            )
        first = by_house.setdefault(report.house, report)
        if re.sub(r"-[0-9]{2,3}-.*", "", first.path.stem) != slug:
            yield Problem(report.path, 1, f"expected the house's file names to start alike, as {first.path.name} does")
        if report.split == "heldout" and report.house in trained:
            other = trained[report.house].path
            yield Problem(
                report.path, 1, f"expected a house that does not occur in train, found {report.house!r} in {other}"
            )


def _likenesses(reports: list[Report]) -> Iterator[Problem]:
    texts = [report.text for report in reports]
    for first, second, share in near_duplicates(texts, CONTAINMENT):
        for one, other in ((reports[first], reports[second]), (reports[second], reports[first])):
            if one.split != other.split:
                yield Problem(
                    one.path, 1, f"shares {share:.0%} of its word 5-grams with {other.path}, of another split"
                )
    for run in shared_runs(texts, RUN):
        yield from _run(reports, run)


def _run(reports: list[Report], run: Shared) -> Iterator[Problem]:
    (first, start), (second, begin) = run.places
    one, other = reports[first], reports[second]
    here, there = _line(one, start), _line(other, begin)
    message = f"shares {run.words} words in a row with {{}}:{{}}: {run.text[:70]!r}"
    warning = one.split == other.split
    yield Problem(one.path, here, message.format(other.path, there), warning)
    yield Problem(other.path, there, message.format(one.path, here), warning)


def _line(report: Report, at: int) -> int:
    """The line of the file that holds the sentence at that offset of the text."""
    return [line.number for start, line in zip(report.starts, report.lines, strict=True) if start <= at][-1]


def doubtful_tags(report: Report) -> Iterator[Problem]:
    """Warnings about hard-case tags that the annotation of their sentence does not bear out."""
    for i, line in enumerate(report.lines):
        here = {number for mark in line.marks for number in mark.numbers}
        sources = [mark for mark in line.marks if mark.role is Role.SOURCE]
        named = {number for mark in sources for number in mark.numbers}
        contents = [mark for mark in line.marks if mark.role is Role.CONTENT]
        polarities = {mark.polarity for mark in line.marks}
        said = Facet.ATTRIBUTION in line.facets
        assessed = Facet.OFFICIAL_ASSESSMENT in line.facets
        elsewhere = {
            n for n in here - named if n in report.names or any(m.role is Role.SOURCE for _, m in report.spans(n))
        }
        borne = {
            "far": (bool(elsewhere), "an attribution whose source stands in another sentence"),
            "pron": (bool(named & report.names.keys()), "a source span that is resolved by an @n= note"),
            "cueless": (assessed, "O"),
            "runon": (bool(contents), "a content span"),
            "headline": (i < 3 and line.opens, "one of the first paragraphs"),
            "unoff": (bool(here - report.official) and not assessed, "an unofficial attribution and no O"),
            "plain": (bool(here & report.official) and not assessed, "an official attribution and no O"),
            "denial": (said, "A"),
            "nested": (
                any(c.start <= s.start and s.end <= c.end for c in contents for s in sources)
                or any(a.start <= b.start and b.end <= a.end for a in contents for b in contents if a is not b),
                "a source or content inside a content span",
            ),
            "scare": (bool(re.search("[\"'“‘]", line.text)), "quotation marks"),
            "anon": (bool(here & report.official), "an official attribution"),
            "doc": (said, "A"),
            "two": (len({mark.numbers for mark in sources}) > 1, "two source spans"),
            "opposed": ({Polarity.SUPPORTIVE, Polarity.CRITICAL} <= polarities, "a target with + and one with -"),
        }
        for tag in line.tags:
            holds, expected = borne.get(tag, (True, ""))
            if not holds:
                yield Problem(
                    report.path, line.number, f"#{tag}: expected {expected} in the sentence, found none", True
                )
