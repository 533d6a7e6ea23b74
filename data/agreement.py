"""Agreement of two annotations of the same reports, and the bare reports that a second annotator gets.

Categories are compared by Cohen's kappa ("A coefficient of agreement for nominal scales", 1960), spans by F1, which
nears kappa where negatives abound (Hripcsak and Rothschild, "Agreement, the F-measure, and reliability in
information retrieval", JAMIA 2005). Everything is counted first, so that counts of several folders may be added.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sayso.data.bundled import gold
from sayso.data.corpora import CorpusError, read_text
from sayso.data.inline import escape, parse
from sayso.data.report import Report
from sayso.data.schema import Attribution, Facet, Gold, Role, Span
from sayso.data.statistics import Table, words

ARTICLES = frozenset({"a", "an", "the"})


@dataclass(frozen=True, slots=True)
class Difference:
    """What the two say of one sentence, at the lines of their files."""

    path: Path
    line: int
    what: str
    first: str
    second: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}: {self.first} | {self.second}"


@dataclass(slots=True)
class Agreement:
    """Counts. `pairs` are what the two said, by category; `spans` are spans by role, `source` resolved sources."""

    reports: int = 0
    sentences: int = 0
    pairs: dict[str, Counter[tuple[Hashable, Hashable]]] = field(default_factory=dict)
    spans: dict[Role, Counter[str]] = field(default_factory=lambda: {role: Counter() for role in Role})
    attributions: Counter[str] = field(default_factory=Counter)  # first, second, matched
    source: Counter[str] = field(default_factory=Counter)  # either resolves it, same, overlap
    differences: list[Difference] = field(default_factory=list)

    def count(self, category: str, first: Hashable, second: Hashable) -> None:
        self.pairs.setdefault(category, Counter())[first, second] += 1

    def tables(self) -> list[Table]:
        """Kappas, spans, sources."""
        kappas = [
            (name, pairs.total(), _ratio(sum(n for (a, b), n in pairs.items() if a == b), pairs.total()), kappa(pairs))
            for name, pairs in self.pairs.items()
        ]
        spans = [
            (role.value, n["first"], n["second"], f1(n["exact"], n["exact"], n), f1(n["touched"], n["touching"], n))
            for role, n in self.spans.items()
        ]
        found, source = self.attributions, self.source
        rest = [
            ("reports", self.reports, None),
            ("sentences", self.sentences, None),
            ("attributions of A", found["first"], None),
            ("attributions of B", found["second"], None),
            ("matched by cue or content", found["matched"], f1(found["matched"], found["matched"], found)),
            ("resolved source: the same words", source["either"], _ratio(source["same"], source["either"])),
            ("resolved source: the same words or place", source["either"], _ratio(source["overlap"], source["either"])),
        ]
        return [
            Table("Categories", ("", "n", "agreed", "kappa"), tuple(kappas)),
            Table("Spans", ("", "A", "B", "F1 exact", "F1 overlap"), tuple(spans)),
            Table("Attributions", ("", "n", "share"), tuple(rest)),
        ]


def kappa(pairs: Counter[tuple[Hashable, Hashable]]) -> float | None:
    """Cohen's kappa of what two annotators said; 1 where both always said the same one thing, None of nothing."""
    total = pairs.total()
    if not total:
        return None
    observed = sum(n for (a, b), n in pairs.items() if a == b) / total
    first, second = Counter[Hashable](), Counter[Hashable]()
    for (a, b), n in pairs.items():
        first[a] += n
        second[b] += n
    chance = sum(first[each] * second[each] for each in first) / total**2
    return 1.0 if chance == 1 else (observed - chance) / (1 - chance)


def f1(hit_first: int, hit_second: int, sizes: Counter[str]) -> float | None:
    """Harmonic mean of the shares of A's (`sizes["first"]`) and of B's (`sizes["second"]`) that were hit."""
    if not sizes["first"] or not sizes["second"]:
        return None if not sizes["first"] + sizes["second"] else 0.0
    one, two = hit_first / sizes["first"], hit_second / sizes["second"]
    return 2 * one * two / (one + two) if one + two else 0.0


def bare(report: Report) -> str:
    """The report without annotation, facets as '???', to be annotated anew; the note, which may tell, is left out."""
    written = [f"house: {report.house}", f"subject: {report.subject}"]
    for line in report.lines:
        written += [""] * line.opens + [f"??? | {escape(line.text)}"]
    return "\n".join(written) + "\n"


def compare_folders(first: Path, second: Path) -> Agreement:
    """All reports under `second` (*.txt) with those of the same names under `first`.

    `CorpusError` on a file that is broken, that `first` has not, or whose text is another.
    """
    homes = {path.name: path for path in sorted(first.rglob("*.txt"))}
    agreement = Agreement()
    others = sorted(second.rglob("*.txt"))
    if not others:
        raise CorpusError(second, "expected reports (*.txt) in it, found none")
    for path in others:
        if path.name not in homes:
            raise CorpusError(path, f"expected a report that {first} has too, found none of that name there")
        compare(agreement, *(parse(read_text(each), each) for each in (homes[path.name], path)))
    return agreement


def compare(agreement: Agreement, first: Report, second: Report) -> None:
    """Add the counts and differences of one report; `CorpusError` where the second is about another text."""
    for one, two in zip(first.lines, second.lines, strict=False):
        if (one.text, one.opens) != (two.text, two.opens):
            message = f"expected the sentence of {first.path}:{one.number}, {one.text[:50]!r}, found {two.text[:50]!r}"
            raise CorpusError(second.path, message, two.number)
    if len(first.lines) != len(second.lines):
        message = f"expected {len(first.lines)} sentences as in {first.path}, found {len(second.lines)}"
        raise CorpusError(second.path, message, second.lines[-1].number)
    agreement.reports += 1
    agreement.sentences += len(first.lines)
    golds = gold(first), gold(second)
    found = [*_sentences(agreement, *golds), *_spans(agreement, *golds), *_attributions(agreement, *golds)]
    numbers = [line.number for line in first.lines]
    agreement.differences += [
        Difference(first.path, numbers[i], *rest) for i, *rest in sorted(found, key=lambda each: each[0])
    ]


_Found = tuple[int, str, str, str]  # sentence, what, first, second


def _sentences(agreement: Agreement, first: Gold, second: Gold) -> Iterator[_Found]:
    for i, (one, two) in enumerate(zip(first.document.sentences, second.document.sentences, strict=True)):
        for facet in Facet:
            agreement.count(facet.value, one.facets[facet], two.facets[facet])
            if one.facets[facet] != two.facets[facet]:
                yield i, facet.value, _told(one.facets[facet]), _told(two.facets[facet])
        agreement.count("primary label", one.label, two.label)
        agreement.count("stance of the sentence", one.stance, two.stance)
        if one.stance is not two.stance:
            yield i, "stance", one.stance or "none", two.stance or "none"


def _spans(agreement: Agreement, first: Gold, second: Gold) -> Iterator[_Found]:
    for role in Role:
        one, two = _of(first, role), _of(second, role)
        agreement.spans[role].update(
            first=len(one),
            second=len(two),
            exact=len(one.keys() & two.keys()),
            touched=sum(any(span.overlaps(other) for other in two) for span in one),
            touching=sum(any(span.overlaps(other) for other in one) for span in two),
        )
        if role is Role.TARGET:
            for span in sorted(one.keys() & two.keys()):
                agreement.count("polarity of a target that both mark", one[span], two[span])
        for i, sentence in enumerate(first.document.sentences):
            here = [
                [
                    f"{span.text!r}{sign and f' ({sign})'}"
                    for span, sign in found.items()
                    if sentence.span.overlaps(span)
                ]
                for found in (one, two)
            ]
            if here[0] != here[1]:
                yield i, role.value, "; ".join(here[0]) or "none", "; ".join(here[1]) or "none"


def _of(gold: Gold, role: Role) -> dict[Span, str]:
    """The distinct spans of a role in order of text, targets with their polarity."""
    attributions = gold.document.attributions
    if role is Role.TARGET:
        return dict(sorted((stance.target, stance.polarity.value) for each in attributions for stance in each.stance))
    return dict.fromkeys(sorted(span for each in attributions for span in getattr(each, role.value)), "")


def _attributions(agreement: Agreement, first: Gold, second: Gold) -> Iterator[_Found]:
    one, two = first.document.attributions, second.document.attributions
    pairs = match(one, two)
    agreement.attributions.update(first=len(one), second=len(two), matched=len(pairs))
    for a, b in pairs:
        agreement.count("official source", a.official, b.official)
        sentence = min(a.sentences)
        if a.official != b.official:
            yield sentence, "official", _told(a.official), _told(b.official)
        if a.resolved_source is None and b.resolved_source is None:
            continue
        agreement.source["either"] += 1
        same = bare_name(a.source_name) == bare_name(b.source_name)
        touching = a.resolved_source and b.resolved_source and a.resolved_source.overlaps(b.resolved_source)
        agreement.source["same"] += same
        agreement.source["overlap"] += bool(same or touching)
        if not same:
            yield sentence, "resolved source", repr(a.source_name), repr(b.source_name)


def match(first: Sequence[Attribution], second: Sequence[Attribution]) -> list[tuple[Attribution, Attribution]]:
    """Pairs of attributions, one to one, of which cue or content overlap; those that share most characters first."""
    marked = [[_places(each) for each in found] for found in (first, second)]
    shared = {(i, k): len(a & b) for i, a in enumerate(marked[0]) for k, b in enumerate(marked[1]) if a & b}
    pairs: dict[int, int] = {}
    for (i, k), _ in sorted(shared.items(), key=lambda each: (-each[1], each[0])):
        if i not in pairs and k not in pairs.values():
            pairs[i] = k
    return [(first[i], second[k]) for i, k in sorted(pairs.items())]


def _places(attribution: Attribution) -> set[int]:
    return {i for span in attribution.cue + attribution.content for i in range(span.start, span.end)}


def bare_name(name: str | None) -> tuple[str, ...] | None:
    """A source's words in lower case without articles, to compare names by; None of none."""
    return tuple(word for word in words(name) if word not in ARTICLES) if name else None


def _told(value: float | None) -> str:
    return "yes" if value else "no"


def _ratio(count: int, total: int) -> float | None:
    return count / total if total else None
