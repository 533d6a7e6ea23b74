"""Figures about corpora: near-duplicates, counts, and how varied the writing is beside real wire reports."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

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
    for (first, second), shared in sorted(_shared(sets).items()):
        share = shared / min(len(sets[first]), len(sets[second]))
        if share >= containment:
            found.append((first, second, share))
    return found


def _shared(sets: Sequence[set[tuple[str, ...]]]) -> Counter[tuple[int, int]]:
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
