"""Who a source is: each resolved to the fullest earlier mention in the article, however far back.

Entity-mention ranking (Rahman and Ng, EMNLP 2009; the ranking of Denis and Baldridge, EMNLP 2008) over sources and
names, in order of text: each source joins one of the entities before it or begins a new one, whichever a log-linear
model of names, distance and use scores highest, with weights of its own for names, nouns, pronouns and statements that
name no source. Names elsewhere in the text are candidates, and join an entity whose last word they share.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import log1p

import numpy as np

from sayso.data.schema import Attribution, Span
from sayso.models.windows import Floats

RECENT = 30  # entities that are candidates whatever they are called
SHARING = 5  # and so many more that share a word with the source

_TOKEN = re.compile(r"\w+(?:[-.&'’]\w+)*\.?")
_CAPITAL = r"[^\W\d_a-zà-ÿ]"
_NAME = re.compile(
    rf"{_CAPITAL}[\w.&’'-]*"
    rf"(?: (?:(?:of|for|de|da|del|la|le|van|von|der|bin|al|el) (?:the )?)?{_CAPITAL}[\w.&’'-]*)*"
    rf"(?: \({_CAPITAL}{{2,}}\))?"
)
_CORE_ENDS = re.compile(r"[,;:(]| (?:of|for|in|at|from|on|with|to|by|close|who|whose|which|that|whom) ")
_PRONOUNS = {
    **dict.fromkeys(("he", "him", "she", "her"), "person"),
    **dict.fromkeys(("it", "they", "them", "this", "that", "which", "these", "those", "who", "whom", "both"), "thing"),
    **dict.fromkeys(("i", "we", "me", "us", "you"), "speaker"),
}
_PLURALS = frozenset(("they", "them", "these", "those", "both", "we", "us", "people", "police"))
_ARTICLES = frozenset(("the", "a", "an"))
_DEFINITE = frozenset(("the", "this", "that", "these", "those", "his", "her", "its", "their", "our", "both"))
_TEXTS = frozenset(  # they speak for whoever wrote them
    ("announcement", "article", "communique", "data", "declaration", "document", "editorial", "filing", "letter",
     "message", "note", "paper", "papers", "poll", "report", "reports", "resolution", "statement", "statements",
     "study", "survey", "text")
)  # fmt: skip
KINDS = ("name", "noun", "text", "person", "thing", "speaker", "none")
FEATURES = (
    "bias", "head is a head", "head is a word", "all names are words", "share of names missing", "initials",
    "sentences since", "same sentence", "sentence before", "sentences since source", "never source", "last source",
    "last mention", "uses", "from the start", "same pronoun", "other pronoun", "has name", "has two names", "plural",
    "place in sentence", "head is a head, fuller name", "head is a head, never source", "other number", "a text",
    "one name",
)  # fmt: skip
NEW_FEATURES = ("bias", "names", "indefinite", "definite", "words", "bare", "plural")  # of beginning a new entity


@dataclass(slots=True)
class Mention:
    """A source, or a name in the text; `span` is None of a statement without a source, which stands at `at`."""

    at: int
    span: Span | None
    kind: str
    head: str
    words: frozenset[str]
    names: tuple[str, ...]
    core: int  # words before the first comma or preposition
    plural: bool
    sentence: int
    index: int = -1  # of the attribution; -1 of a name elsewhere

    @property
    def fullness(self) -> tuple[int, int, int]:
        return {"name": 2, "noun": 1, "text": 1}.get(self.kind, 0), min(self.core, 8), -self.at


@dataclass(slots=True)
class Entity:
    """What is known, so far, of one who is mentioned."""

    mentions: list[Mention] = field(default_factory=list)
    heads: set[str] = field(default_factory=set)
    words: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    pronouns: set[str] = field(default_factory=set)
    initials: set[str] = field(default_factory=set)
    plural: bool = False
    uses: int = 0  # as a source
    last_use: int = -1  # sentence
    fullest: Mention | None = None  # says most before its first comma; a name before a noun, a noun before a pronoun

    def add(self, mention: Mention) -> None:
        self.mentions.append(mention)
        if mention.index >= 0:
            self.uses += 1
            self.last_use = mention.sentence
        if mention.span is None:
            return
        if self.fullest is None or mention.fullness > self.fullest.fullness:
            self.fullest = mention
        if mention.kind in ("name", "noun", "text"):
            self.heads.add(mention.head)
            self.words |= mention.words
            self.names |= set(mention.names)
            self.plural |= mention.plural
            self.initials.add(_initials(mention))
        else:
            self.pronouns.add(mention.head)


def mentions_in(text: str, sentences: Sequence[Span], attributions: Sequence[Attribution]) -> list[Mention]:
    """The source of each attribution and the names outside of sources, in order of text."""
    starts = [s.start for s in sentences]
    titled = [_titled(s.text) for s in sentences]
    inner = {  # words with a capital inside a sentence: at its start they are names too
        token.group().casefold()
        for sentence, title in zip(sentences, titled, strict=True)
        if not title
        for token in _TOKEN.finditer(sentence.text, len(sentence.text) - len(sentence.text.lstrip("\"'“‘«")) + 1)
        if token.group()[0].isupper()
    }

    def mention(at: int, span: Span | None, index: int) -> Mention:
        k = max(bisect_right(starts, at) - 1, 0)
        if span is None:
            return Mention(at, None, "none", "", frozenset(), (), 0, False, k, index)
        tokens = [re.sub(r"['’]s$", "", t) for t in _TOKEN.findall(span.text)] or [span.text]
        low = [t.casefold().rstrip(".") for t in tokens]
        names = tuple(
            word
            for i, (token, word) in enumerate(zip(tokens, low, strict=True))
            if token[0].isupper() and word not in _ARTICLES and word not in _PRONOUNS
            and (i or span.start > starts[k] + 1 or word in inner)
        )  # fmt: skip
        end = _CORE_ENDS.search(span.text, 1)
        core = len(_TOKEN.findall(span.text[: end.start()] if end else span.text)) or 1
        in_core = [word for word in low[:core] if word in names]
        if len(tokens) == 1 and low[0] in _PRONOUNS:
            kind, head = _PRONOUNS[low[0]], low[0]
        elif in_core:
            kind, head = "name", in_core[-1] if low[core - 1] in in_core else low[core - 1]
        else:
            head = low[min(core, len(low)) - 1]
            kind = "text" if head in _TEXTS else "noun"
        plural = " and " in span.text or head in _PLURALS or (kind == "noun" and head.endswith("s"))
        return Mention(at, span, kind, head, frozenset(low) - _ARTICLES, names, core, plural, k, index)

    found = []
    taken = []
    for i, a in enumerate(attributions):
        if a.source:
            found.append(mention(a.source[0].start, a.source[0], i))
            taken += [(s.start, s.end) for s in a.source]
        elif a.content or a.cue:
            found.append(mention((a.content or a.cue)[0].start, None, i))
    taken.sort()
    reach = 0
    borders = []  # the same stretches, without overlaps
    for start, end in taken:
        if end > reach:
            borders.append((max(start, reach), end))
            reach = end
    for sentence, title in zip(sentences, titled, strict=True):
        if title:
            continue
        for match in _NAME.finditer(sentence.text):
            start, end = match.span()
            body = re.sub(r"['’]s?$|[.’'-]+$", "", match.group())
            first = _TOKEN.match(body)
            if first and first.group().casefold() in _ARTICLES | _PRONOUNS.keys() and first.end() < len(body):
                skipped = len(body) - len(body[first.end() :].lstrip())
                start, body = start + skipped, body[skipped:]
            start, end = sentence.start + start, sentence.start + start + len(body)
            after = bisect_right(borders, (start, len(text) + 1))
            beside = borders[max(after - 1, 0) : after + 1]
            if not body or len(body.split()) > 10 or any(lo < end and start < hi for lo, hi in beside):
                continue
            name = mention(start, Span(start, end, body), -1)
            if name.kind == "name":
                found.append(name)
    return sorted(found, key=lambda m: (m.at, m.index < 0))


def _titled(sentence: str) -> bool:
    """Is it a headline with capitals throughout, which tell nothing about names."""
    if sentence.rstrip("\"'”’»").endswith((".", "?", "!")):
        return False
    tokens = [t for t in _TOKEN.findall(sentence) if len(t) > 3]
    return len(tokens) > 2 and sum(t[0].isupper() for t in tokens) > 0.7 * len(tokens)


Choose = Callable[[Mention, list[Entity], Floats, Floats], Entity | None]


def walk(mentions: Sequence[Mention], sentences: Sequence[Span], choose: Choose) -> Iterator[tuple[Mention, Entity]]:
    """Entities as they grow: each source with the one it joined.

    choose: a source, its candidates (N), their features (N, len(FEATURES)) and those of a new entity
    (len(NEW_FEATURES),) to one of the candidates, or None for a new one.
    """
    recent: dict[int, Entity] = {}  # by id, the last mentioned last
    sharing: dict[str, list[Entity]] = {}
    last_source: Entity | None = None
    for mention in mentions:
        sharers = [e for word in (mention.head, *mention.names[:4]) for e in sharing.get(word, [])[-SHARING:]]
        if mention.index < 0:
            entity = next((e for e in reversed(sharers) if mention.head in e.heads), None)
        else:
            near = list(recent.values())[-RECENT:]
            candidates = list({id(e): e for e in [*sharers, *near]}.values())
            last = next(reversed(recent.values()), None)
            pairs = [_features(mention, e, sentences, last_source is e, last is e) for e in candidates]
            entity = choose(
                mention,
                candidates,
                np.array(pairs, np.float32).reshape(len(candidates), len(FEATURES)),
                np.array(_new_features(mention), np.float32),
            )
        if entity is None:
            entity = Entity()
        known = set(entity.words)
        entity.add(mention)
        recent.pop(id(entity), None)
        recent[id(entity)] = entity
        if len(recent) > 4 * RECENT:
            for key in list(recent)[: -2 * RECENT]:
                del recent[key]
        for word in entity.words - known:
            sharing.setdefault(word, []).append(entity)
        if mention.index >= 0:
            last_source = entity
            yield mention, entity


def _features(m: Mention, e: Entity, sentences: Sequence[Span], last_source: bool, last: bool) -> list[float]:
    before = e.mentions[-1]
    since = m.sentence - before.sentence
    place = before.at - sentences[before.sentence].start
    same = m.head in e.heads
    initials = m.kind == "name" and (m.head.replace(".", "") in e.initials or _initials(m) in e.heads)
    return [
        1.0,
        same,
        m.head in e.words,
        bool(m.names) and e.names.issuperset(m.names),
        len([n for n in m.names if n not in e.names]) / max(len(m.names), 1),
        initials,
        log1p(max(since, 0)),
        since == 0,
        since == 1,
        log1p(max(m.sentence - e.last_use, 0)) if e.uses else 0.0,
        not e.uses,
        last_source,
        last,
        log1p(e.uses),
        e.mentions[0].sentence < 2,
        m.head in e.pronouns,
        bool(e.pronouns) and m.head not in e.pronouns,
        bool(e.names),
        len(e.names) > 1,
        e.plural,
        log1p(place) / 5,
        same and len(e.names) > len(m.names),
        same and not e.uses,
        m.span is not None and m.kind != "speaker" and m.plural != e.plural,
        not e.heads.isdisjoint(_TEXTS),
        len(e.names) == 1,
    ]  # fmt: skip


def _initials(m: Mention) -> str:
    """ "us" of one word u.s., "usgs" of U.S. Geological Survey."""
    return "".join(name.replace(".", "") if "." in name else name[0] for name in m.names)


def _new_features(m: Mention) -> list[float]:
    first = m.span.text.split()[0].casefold() if m.span and m.span.text.split() else ""
    indefinite = first in ("a", "an", "some", "many", "one", "another", "several", "other", "most", "two", "three")
    bare = not indefinite and first not in _DEFINITE and not m.names
    return [1.0, log1p(len(m.names)), indefinite, first in _DEFINITE, log1p(m.core), bare, m.plural]


def resolve(
    attributions: Sequence[Attribution], text: str, sentences: Sequence[Span], weights: Mapping[str, Sequence[float]]
) -> list[Span | None]:
    """The fullest mention, up to there, of each attribution's source; None where there is none.

    weights: of each kind of source (`KINDS`), for `FEATURES` and then `NEW_FEATURES`.
    """
    tables = {kind: np.array(w, np.float32) for kind, w in weights.items()}

    def choose(mention: Mention, candidates: list[Entity], pairs: Floats, new: Floats) -> Entity | None:
        w = tables[mention.kind]
        if not candidates:
            return None
        scores = pairs @ w[: len(FEATURES)]
        best = int(scores.argmax())
        return candidates[best] if scores[best] > new @ w[len(FEATURES) :] else None

    result: list[Span | None] = [None] * len(attributions)
    for mention, entity in walk(mentions_in(text, sentences, attributions), sentences, choose):
        result[mention.index] = entity.fullest.span if entity.fullest else None
    return result
