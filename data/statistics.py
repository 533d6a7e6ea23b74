"""Figures about corpora: near-duplicates, counts of reports, labels and hard cases (`variety` has the rest)."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sayso.data.report import TAGS, Report
from sayso.data.schema import Attribution, Facet, Gold, Label, Polarity

_WORD = re.compile(r"\w+(?:['’.,-]\w+)*")


def words(text: str) -> list[str]:
    """The words of a text in lower case; numbers and hyphenated words count as one."""
    return [word[0].lower() for word in _WORD.finditer(text)]


def grams(tokens: Sequence[str], size: int) -> Iterator[tuple[str, ...]]:
    """Every run of `size` words."""
    return (tuple(tokens[i : i + size]) for i in range(len(tokens) - size + 1))


def near_duplicates(texts: Sequence[str], containment: float, size: int = 5) -> list[tuple[int, int, float]]:
    """Pairs of texts, and the share of the shorter one's distinct n-grams that both hold, from `containment` on.

    Containment rather than Jaccard resemblance, so that a short text inside a long one is found (Broder, "On the
    resemblance and containment of documents", 1997).
    """
    sets = [set(grams(words(text), size)) for text in texts]
    found = []
    for (first, second), shared in sorted(shared_grams(sets).items()):
        share = shared / min(len(sets[first]), len(sets[second]))
        if share >= containment:
            found.append((first, second, share))
    return found


def shared_grams(sets: Sequence[set[tuple[str, ...]]]) -> Counter[tuple[int, int]]:
    """How many n-grams each pair of texts shares; pairs that share none are left out."""
    holders: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for i, each in enumerate(sets):
        for gram in each:
            holders[gram].append(i)
    return Counter((a, b) for held in holders.values() for k, a in enumerate(held) for b in held[k + 1 :])


@dataclass(frozen=True, slots=True)
class Shared:
    """A run of words that two texts share: for each the text's index and the offset where the run starts."""

    places: tuple[tuple[int, int], tuple[int, int]]
    words: int
    text: str


def shared_runs(texts: Sequence[str], size: int) -> list[Shared]:
    """The longest shared run of each pair of texts that share `size` or more words in a row."""
    tokens = [list(_WORD.finditer(text)) for text in texts]
    plain = [[word[0].lower() for word in each] for each in tokens]
    holders: dict[tuple[str, ...], list[tuple[int, int]]] = defaultdict(list)
    for i, each in enumerate(plain):
        for k, gram in enumerate(grams(each, size)):
            holders[gram].append((i, k))
    best: dict[tuple[int, int], tuple[int, int, int]] = {}
    for places in holders.values():
        for n, (i, k) in enumerate(places):
            for j, m in places[n + 1 :]:
                if i == j or (k and m and plain[i][k - 1] == plain[j][m - 1]):  # inside one text, or inside a run
                    continue
                length = size
                while plain[i][k + length : k + length + 1] == plain[j][m + length : m + length + 1] != []:
                    length += 1
                best[i, j] = max(best.get((i, j), (0, 0, 0)), (length, k, m))
    return [
        Shared(
            ((i, tokens[i][k].start()), (j, tokens[j][m].start())),
            length,
            texts[i][tokens[i][k].start() : tokens[i][k + length - 1].end()],
        )
        for (i, j), (length, k, m) in sorted(best.items())
    ]


Cell = str | int | float | None


@dataclass(frozen=True, slots=True)
class Table:
    """A table of figures: the first column names the row. Shares are from 0 to 1; None where there is no figure."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def count_table(title: str, groups: Mapping[str, Sequence[Gold]]) -> Table:
    """Reports, sentences, words and attributions, a row a group."""
    rows = []
    for name, golds in groups.items():
        documents = [gold.document for gold in golds]
        rows.append(
            (
                name,
                len(documents),
                sum(len(document.sentences) for document in documents),
                sum(len(words(document.text)) for document in documents),
                sum(len(document.attributions) for document in documents),
            )
        )
    return Table(title, ("", "reports", "sentences", "words", "attributions"), tuple(rows))


def label_table(groups: Mapping[str, Sequence[Gold]]) -> Table:
    """Shares of facets, primary labels and stance of sentences, and of official and polarity of attributions."""
    columns: list[list[float | None]] = []
    names: list[str] = []
    for golds in groups.values():
        sentences = [s for gold in golds for i, s in enumerate(gold.document.sentences) if i not in gold.masked]
        attributions = [each for gold in golds for each in gold.document.attributions]
        stances = [stance.polarity for each in attributions for stance in each.stance]
        column = {f"facet {facet}": _share(s.facets.get(facet) == 1.0 for s in sentences) for facet in Facet}
        column |= {f"label {label}": _share(s.label is label for s in sentences) for label in Label}
        column |= {f"sentence stance {each}": _share(s.stance is each for s in sentences) for each in Polarity}
        column["sentence stance none"] = _share(s.stance is None for s in sentences)
        column["attribution official"] = _share(each.official == 1.0 for each in attributions)
        column["attribution without source"] = _share(each.source_name is None for each in attributions)
        column["attribution resolved elsewhere"] = _share(_elsewhere(each) for each in attributions)
        column |= {f"target {each}": _share(polarity is each for polarity in stances) for each in Polarity}
        column["targets per attribution"] = len(stances) / len(attributions) if attributions else None
        columns.append(list(column.values()))
        names = list(column)
    rows: list[tuple[Cell, ...]] = [(name, *(column[i] for column in columns)) for i, name in enumerate(names)]
    return Table("Labels", ("share", *groups), tuple(rows))


def tag_table(groups: Mapping[str, Sequence[Report]]) -> Table:
    """How many sentences show each hard case."""
    counts = [
        Counter(tag for report in reports for line in report.lines for tag in line.tags) for reports in groups.values()
    ]
    rows: list[tuple[Cell, ...]] = [(f"#{tag}", *(count[tag] for count in counts)) for tag in TAGS]
    return Table("Hard cases", ("sentences", *groups), tuple(rows))


def _elsewhere(attribution: Attribution) -> bool:
    """Whether its source is resolved to a place that is not its own mention."""
    return attribution.resolved_source is not None and attribution.resolved_source not in attribution.source


def _share(values: Iterable[bool]) -> float | None:
    found = list(values)
    return sum(found) / len(found) if found else None
