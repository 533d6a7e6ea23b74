"""How varied the reports of a corpus are written, in figures that may be laid side by side.

Most such figures grow or shrink with the size of the sample (a type-token ratio falls with every word), so corpora are
compared on samples of equal numbers of sentences, cues and words. Only annotated sentences count.
"""

from __future__ import annotations

import itertools
import random
import re
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence

from sayso.data.schema import Attribution, Gold, Sentence, Span
from sayso.data.statistics import Table, grams, shared_grams, words

SIZE = 5  # words of an n-gram
SOURCE_PLACES = {
    "before": "before the content",
    "after": "after the content",
    "inside": "between pieces of the content or in it",
    "elsewhere": "in another sentence only",
    "none": "not named at all",
}

_DOUBLE = re.compile(
    r"``.*?(?:''|$)|“[^”\n]*(?:”|$)|\"[^\"\n]*(?:\"|$)|«[^»\n]*(?:»|$)|„[^“”\n]*(?:[“”]|$)", re.MULTILINE
)
_SINGLE = re.compile(r"(?<!\w)(?:‘|'(?=\S))[^\n‘]{2,}?[^\s]['’](?!\w)")
_ARTICLES = {"the", "a", "an"}


def compare(corpora: Mapping[str, Sequence[Gold]], seed: int = 0) -> Table:
    """The rows of variety, a column a corpus, all on samples of the size of the smallest."""
    size = min(sum(len(_annotated(gold)) for gold in golds) for golds in corpora.values())
    samples = [sample(golds, size, seed) for golds in corpora.values()]
    cues = [_cues(golds) for golds in samples]
    tokens = [[word for gold in golds for s in _annotated(gold) for word in words(s.text)] for golds in samples]
    draw = random.Random(seed)
    fewest = min(map(len, cues))
    drawn = [draw.sample(each, fewest) for each in cues]
    shortest = min(map(len, tokens))
    columns = [
        {
            "reports in the sample": len(golds),
            "sentences in the sample": sum(len(_annotated(gold)) for gold in golds),
            **_similarity(golds),
            **_cue_forms(cue),
            **_lengths([s for gold in golds for s in _annotated(gold)]),
            **_openings(golds),
            **_vocabulary(token[:shortest]),
            **_forms(golds),
        }
        for golds, cue, token in zip(samples, drawn, tokens, strict=True)
    ]
    names = list(columns[0]) if columns else []
    rows = tuple((name, *(column[name] for column in columns)) for name in names)
    return Table(f"Variety (on {size} sentences each)", ("", *corpora), rows)


def sample(golds: Sequence[Gold], size: int, seed: int) -> list[Gold]:
    """Whole reports in random order until `size` annotated sentences are reached; the same for the same seed."""
    found, at = [], 0
    for gold in random.Random(seed).sample(list(golds), len(golds)):
        if at >= size:
            break
        found.append(gold)
        at += len(_annotated(gold))
    return found


def _annotated(gold: Gold) -> list[Sentence]:
    return [sentence for i, sentence in enumerate(gold.document.sentences) if i not in gold.masked]


def _similarity(golds: Sequence[Gold]) -> dict[str, float | None]:
    """Shares of distinct word 5-grams: of a report in any other, of a report in one other, of all in several."""
    sets = [set(grams(words("\n".join(s.text for s in _annotated(gold))), SIZE)) for gold in golds]
    holders = Counter(gram for each in sets for gram in each)
    shares = [sum(holders[gram] > 1 for gram in each) / len(each) for each in sets if each]
    pairs = [count / min(len(sets[a]), len(sets[b])) for (a, b), count in shared_grams(sets).items()]
    return {
        "5-grams of a report found in another: mean": statistics.fmean(shares) if shares else None,
        "5-grams of a report found in another: max": max(shares, default=None),
        "5-grams of a report shared with one other: max": max(pairs, default=0.0),
        "5-grams found in several reports": _ratio(sum(n > 1 for n in holders.values()), len(holders)),
    }


def _cues(golds: Sequence[Gold]) -> list[str]:
    """The words of every cue, pieces joined."""
    found = (" ".join(span.text.lower() for span in each.cue) for gold in golds for each in gold.document.attributions)
    return [cue for cue in found if cue]


def _cue_forms(cues: Sequence[str]) -> dict[str, float | None]:
    count = Counter(cues)
    return {
        "cues in the sample": len(cues),
        "distinct cues per 1,000": _ratio(1000 * len(count), len(cues)),
        "share of the commonest cue": _ratio(max(count.values(), default=0), len(cues)),
        "share of the 10 commonest cues": _ratio(sum(n for _, n in count.most_common(10)), len(cues)),
    }


def _lengths(sentences: Sequence[Sentence]) -> dict[str, float | None]:
    lengths = sorted(len(words(sentence.text)) for sentence in sentences)
    figures: dict[str, float | None] = {
        "sentence length in words: mean": statistics.fmean(lengths) if lengths else None,
        "sentence length in words: sd": statistics.pstdev(lengths) if lengths else None,
    }
    for percent in (5, 25, 50, 75, 95):
        place = round(percent / 100 * (len(lengths) - 1))
        figures[f"sentence length in words: {percent}th percentile"] = lengths[place] if lengths else None
    return figures


def _openings(golds: Sequence[Gold]) -> dict[str, float | None]:
    """How seldom sentences begin alike."""
    starts = [tuple(words(s.text)[:2]) for gold in golds for s in _annotated(gold)]
    return {"distinct first two words of a sentence per 1,000": _ratio(1000 * len(set(starts)), len(starts))}


def _vocabulary(tokens: Sequence[str]) -> dict[str, float | None]:
    count = Counter(tokens)
    return {
        "words in the sample": len(tokens),
        "distinct words": len(count),
        "share of distinct words that occur once": _ratio(sum(n == 1 for n in count.values()), len(count)),
    }


def _forms(golds: Sequence[Gold]) -> dict[str, float | None]:
    """Shares among attributions with content; see `quotation`, `joined` and `source_place`."""
    kinds, split, several, places, total = Counter[str](), 0, 0, Counter[str](), 0
    for gold in golds:
        quoted = quoted_places(gold.document.text)
        for group in joined(gold.document.attributions):
            pieces = [span for each in group for span in each.content]
            if not pieces:
                continue
            total += 1
            kinds[quotation(pieces, quoted)] += 1
            split += _is_split(gold, pieces)
            several += len({i for each in group for i in each.sentences}) > 1
            places[source_place(gold, group)] += 1
    figures: dict[str, float | None] = {"attributions with content": total}
    figures |= {f"quotation: {kind}": _ratio(kinds[kind], total) for kind in ("direct", "indirect", "mixed")}
    figures["content split around cue or source"] = _ratio(split, total)
    figures["content in several sentences"] = _ratio(several, total)
    for place in ("before", "after", "inside", "elsewhere", "none"):
        figures[f"source {SOURCE_PLACES[place]}"] = _ratio(places[place], total)
    return figures


def quoted_places(text: str) -> set[int]:
    """The offsets that lie in quotation marks, marks included.

    A quotation that is still open at the end of a paragraph runs to that end, as is the custom. Single marks count
    where no word can be written with them.
    """
    found = {i for match in _DOUBLE.finditer(text) for i in range(*match.span())}
    for match in _SINGLE.finditer(text):
        if match.start() not in found:
            found.update(range(*match.span()))
    return found


def quotation(pieces: Sequence[Span], quoted: set[int]) -> str:
    """ "direct" where all words of the content are in quotation marks, "indirect" where none is, else "mixed"."""
    inside = [i in quoted for span in pieces for i, sign in enumerate(span.text, span.start) if sign.isalnum()]
    return "direct" if all(inside) else "mixed" if any(inside) else "indirect"


def joined(attributions: Sequence[Attribution]) -> list[list[Attribution]]:
    """Attributions, each with those that continue it: without a cue, of the same source, in the next sentence.

    `corpora/wire` begins a new attribution in every sentence, the bundled corpus does not; this makes them alike.
    """
    groups: list[list[Attribution]] = []
    for each in sorted(attributions, key=lambda each: each.sentences):
        for group in reversed(groups):
            last = group[-1]
            follows = bool(each.sentences and last.sentences) and each.sentences[0] == last.sentences[-1] + 1
            if follows and not each.cue and _bare(each) is not None and _bare(each) == _bare(last):
                group.append(each)
                break
        else:
            groups.append([each])
    return groups


def _bare(attribution: Attribution) -> tuple[str, ...] | None:
    name = attribution.source_name
    return tuple(word for word in words(name) if word not in _ARTICLES) if name else None


def source_place(gold: Gold, group: Sequence[Attribution]) -> str:
    """Where the first source span stands, a key of `SOURCE_PLACES`."""
    sentences = [gold.document.sentences[i] for each in group for i in each.sentences]
    own = [span for each in group for span in each.source if any(s.start <= span.start < s.end for s in sentences)]
    if not own:
        return "elsewhere" if any(each.source_name for each in group) else "none"
    near = [i for i, s in enumerate(gold.document.sentences) if s.start <= own[0].start < s.end]
    pieces = [span for each in group for span in each.content]
    beside = [span for span in pieces if gold.document.sentences[near[0]].span.overlaps(span)] or pieces
    if own[0].start < min(span.start for span in beside):
        return "before"
    return "after" if own[0].start >= max(span.end for span in beside) else "inside"


def _is_split(gold: Gold, pieces: Sequence[Span]) -> bool:
    """Whether two pieces stand in one sentence with words between them."""
    text = gold.document.text
    for one, two in itertools.pairwise(pieces):
        between = text[one.end : two.start]
        if any(sign.isalnum() for sign in between) and any(
            s.start <= one.start and two.end <= s.end for s in gold.document.sentences
        ):
            return True
    return False


def _ratio(count: float, total: float) -> float | None:
    return count / total if total else None
