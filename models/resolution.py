"""Who a source is: each resolved to the fullest earlier mention in the article, however far back.

Entity-mention ranking (Rahman and Ng, EMNLP 2009; the ranking of Denis and Baldridge, EMNLP 2008) over sources and
names, in order of text: each source joins one of the entities before it or begins a new one, whichever a log-linear
model of names, distance and use scores highest, with weights of its own for names, nouns, pronouns and statements that
name no source. Names elsewhere in the text are candidates, and join an entity whose last word they share. Which mention
of an entity is the fullest is scored likewise.
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
FAR = 3  # sentences; a quotation so far before its speaker is named is not theirs

_TOKEN = re.compile(r"\w+(?:[-.&'’]\w+)*\.?")
_CAPITAL = r"[^\W\d_a-zà-ÿ]"
_LINKS = ("of", "for", "de", "da", "del", "la", "le", "van", "von", "der", "bin", "al", "el")
_NAME = re.compile(
    rf"{_CAPITAL}[\w.&’'-]*"
    rf"(?: (?:(?:{'|'.join(_LINKS)}) (?:the )?)?{_CAPITAL}[\w.&’'-]*)*"
    rf"(?: \({_CAPITAL}{{2,}}\))?"
)
_QUOTES = frozenset("\"'“‘«„`")
_FIRST_NAME = re.compile(rf"[\"'“‘«]?({_CAPITAL}[\w’'-]*) {_CAPITAL}[^\W\d_]+")
_ACRONYM = re.compile(rf"\(({_CAPITAL}{{2,}})\)")
_TAIL = re.compile(r" \(.*|['’]s?$|[.’'-]+$")  # what is not of a name's last word
_CLAUSE = re.compile(r"[,;]| (?:who|whose|which|that|whom) ")
_CORE_ENDS = re.compile(r"[,;:(]| (?:of|for|in|at|from|on|with|to|by|close|who|whose|which|that|whom) ")
_PRONOUNS = {
    **dict.fromkeys(("he", "him", "she", "her"), "person"),
    **dict.fromkeys(("it", "they", "them", "this", "that", "which", "these", "those", "who", "whom", "both"), "thing"),
    **dict.fromkeys(("i", "we", "me", "us", "you"), "speaker"),
}
_PLURALS = frozenset(("they", "them", "these", "those", "both", "we", "us", "people", "police"))
_ARTICLES = frozenset(("the", "a", "an"))
_OPENERS = frozenset(  # words that begin a sentence, before a name, without being one
    """after although and as at because before but by during earlier following for from however if in last later like
    meanwhile monday tuesday wednesday thursday friday saturday sunday no not on once only or since so still then though
    through to today under unlike until what when where while why with without yesterday yet""".split()  # noqa: SIM905
)
_STARTS = _ARTICLES | _PRONOUNS.keys()
_NO_NAMES = _STARTS | {"mr", "mrs", "ms", "miss", "dr", "sir", "lord", "lady"}
_DEFINITE = frozenset(("the", "this", "that", "these", "those", "his", "her", "its", "their", "our", "both"))
_TEXTS = frozenset(  # they speak for whoever wrote them
    ("announcement", "article", "communique", "data", "declaration", "document", "editorial", "filing", "letter",
     "message", "note", "paper", "papers", "poll", "report", "reports", "resolution", "statement", "statements",
     "study", "survey", "text")
)  # fmt: skip
_PERSONS = frozenset(  # words for people
    """activist actor adviser advisor aide ambassador analyst attorney author bishop boss businessman candidate captain
    chairman chairwoman chancellor chief cleric coach colonel commander commissioner congressman congresswoman counsel
    critic dean deputy diplomat director doctor driver economist editor envoy executive expert father founder general
    governor head historian husband judge king lawmaker lawyer leader legislator lieutenant major man manager mayor
    member minister monarch mother mp negotiator officer official opponent owner parent physician player pope premier
    president priest prince princess producer professor prosecutor queen refugee reporter representative researcher
    resident scientist secretary senator sergeant sheriff singer soldier son source speaker spokesman spokesperson
    spokeswoman star strategist student suspect teacher trader victim victor villager whistleblower wife witness woman
    worker writer""".split()  # noqa: SIM905
)
_BODIES = frozenset(  # words for organisations
    """administration agency airline alliance army association authority bank board broadcaster brand bureau cabinet
    campaign carrier center centre channel chamber city club co coalition college commission committee company
    confederation congress corp corporation council country court daily department division embassy enterprise factory
    federation firm force foundation fund government group house inc industry institute institution journal kingdom
    knesset league ltd magazine maker manufacturer military ministry mission movement municipality museum nation
    network newspaper office operator organisation organization outlet paper parliament party police post province
    publisher regime regulator republic retailer school senate service side society state station team times treasury
    tribunal union unit university utility watchdog website""".split()  # noqa: SIM905
)
KINDS = ("name", "noun", "text", "person", "thing", "speaker", "none")
FEATURES = (
    "bias", "head is a head", "head is a word", "all names are words", "share of names missing", "initials",
    "sentences since", "same sentence", "sentence before", "sentences since source", "never source", "last source",
    "last mention", "uses", "from the start", "same pronoun", "other pronoun", "has name", "has two names", "plural",
    "place in sentence", "head is a head, fuller name", "head is a head, never source", "other number", "a text",
    "one name", "head is an inner name", "shares an inner name", "both persons", "both bodies", "a person, a body",
)  # fmt: skip
NEW_FEATURES = (  # of beginning a new entity
    "bias", "names", "indefinite", "definite", "words", "bare", "plural", "cue", "quotation",
    "source in the next sentence", "source in the next but one",
)  # fmt: skip
FULL_FEATURES = (  # of a mention that says who an entity is
    "name", "noun", "names before a comma", "names", "words before a comma", "words", "comma", "source", "first",
    "in the first sentence", "and", "definite",
)  # fmt: skip


@dataclass(slots=True)
class Mention:
    """A source, or a name in the text; `span` is None of a statement without a source, which stands at `at`."""

    at: int
    span: Span | None
    kind: str
    sentence: int
    index: int  # of the attribution; -1 of a name elsewhere
    head: str = ""  # last word of the core: what stands before the first comma or preposition
    heads: frozenset[str] = frozenset()  # the head, an acronym in brackets, the last word of a name set beside it
    words: frozenset[str] = frozenset()
    names: tuple[str, ...] = ()
    own: tuple[str, ...] = ()  # names of the core
    within: frozenset[str] = frozenset()  # last words of longer names: "powell" of "Secretary of State Colin Powell"
    core: int = 0  # words
    plural: bool = False
    person: bool = False
    body: bool = False  # an organisation
    # of a statement without a source
    cued: bool = False
    quoted: bool = False
    ahead: int = FAR  # sentences to the next source, at most FAR


@dataclass(slots=True)
class Entity:
    """What is known, so far, of one who is mentioned."""

    mentions: list[Mention] = field(default_factory=list)
    heads: set[str] = field(default_factory=set)
    within: set[str] = field(default_factory=set)
    words: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    pronouns: set[str] = field(default_factory=set)
    initials: set[str] = field(default_factory=set)
    plural: bool = False
    person: bool = False
    body: bool = False
    uses: int = 0  # as a source
    last_use: int = -1  # sentence
    fullest: Mention | None = None  # with its score in `resolve`
    fullness: float = 0.0

    def add(self, mention: Mention) -> None:
        self.mentions.append(mention)
        if mention.index >= 0:
            self.uses += 1
            self.last_use = mention.sentence
        if mention.span is None:
            return
        self.person |= mention.person
        self.body |= mention.body
        if mention.kind in ("name", "noun", "text"):
            self.heads |= mention.heads
            self.within |= mention.within
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
    # a sentence may start with a first name that is found nowhere else: before a name, and never in small letters
    small = {token for token in _TOKEN.findall(text) if token[0].islower()}
    for sentence, title in zip(sentences, titled, strict=True):
        if not title and (opening := _FIRST_NAME.match(sentence.text)):
            word = opening.group(1).casefold()
            if word not in small and word not in _OPENERS:
                inner.add(word)

    def mention(at: int, span: Span | None, index: int) -> Mention:
        k = max(bisect_right(starts, at) - 1, 0)
        if span is None:
            return Mention(at, None, "none", k, index)
        # names after a comma or in a clause are others', unless one stands beside the source: "the mayor, Ilse Brandt"
        beside = _NAME.match(span.text, span.text.find(",") + 2) if "," in span.text else None
        if beside and span.text[beside.end() : beside.end() + 1] not in ("", ","):
            beside = None
        clause = _CLAUSE.search(span.text, 1)
        phrase = span.text[: beside.end() if beside else clause.start() if clause else len(span.text)]
        tokens = [re.sub(r"['’]s$", "", t) for t in _TOKEN.findall(span.text)] or [span.text]
        low = [t.casefold().rstrip(".") for t in tokens]
        names = tuple(
            word
            for i, (token, word) in enumerate(list(zip(tokens, low, strict=True))[: len(_TOKEN.findall(phrase))])
            if token[0].isupper() and word not in _NO_NAMES
            and (i or span.start > starts[k] + 1 or word in inner)
        )  # fmt: skip
        end = _CORE_ENDS.search(span.text, 1)
        before = span.text[: end.start()] if end else span.text
        core = len(_TOKEN.findall(before)) or 1
        in_core = [word for word in low[:core] if word in names]
        if len(tokens) == 1 and low[0] in _PRONOUNS:
            kind, head = _PRONOUNS[low[0]], low[0]
        else:
            head = low[min(core, len(low)) - 1]
            kind = "name" if in_core or beside else "text" if head in _TEXTS else "noun"
        heads = {head, *(acronym.casefold() for acronym in _ACRONYM.findall(span.text))}
        if beside:
            heads.add(_TAIL.sub("", beside.group()).casefold().split()[-1])
        runs = [_TAIL.sub("", match.group()).casefold().split() for match in _NAME.finditer(phrase)]
        singular = {form for word in low[:core] for form in (word, word.removesuffix("s"), word.removesuffix("es"))}
        person = kind == "person" or not singular.isdisjoint(_PERSONS)
        return Mention(
            at,
            span,
            kind,
            k,
            index,
            head=head,
            heads=frozenset(heads),
            words=frozenset(low) - _ARTICLES,
            names=names,
            own=names if beside else tuple(in_core),
            within=frozenset(run[-1] for run in runs if len(run) > 1 and run[-2] not in (*_LINKS, "the")) - {head},
            core=core,
            plural=" and " in before or head in _PLURALS or (kind == "noun" and head.endswith("s")),
            person=person,
            body=head in ("it", "which") or (not person and not singular.isdisjoint(_BODIES)),
        )

    found = []
    taken = []
    for i, a in enumerate(attributions):
        if a.source:
            found.append(mention(a.source[0].start, a.source[0], i))
            for s in a.source:  # names after a comma or preposition are others', or say it again
                core = _CORE_ENDS.search(s.text, 1)
                taken.append((s.start, s.start + core.start() if core else s.end))
        elif a.content or a.cue:
            unnamed = mention((a.content or a.cue)[0].start, None, i)
            unnamed.cued = bool(a.cue)
            unnamed.quoted = not _QUOTES.isdisjoint(text[max(unnamed.at - 1, 0) : unnamed.at + 1])
            found.append(unnamed)
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
            if first and first.group().casefold() in _STARTS and first.end() < len(body):
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
    found.sort(key=lambda m: (m.at, m.index < 0))
    source = len(sentences) + FAR
    for m in reversed(found):
        if m.kind == "none":
            m.ahead = min(source - m.sentence, FAR)
        elif m.index >= 0:
            source = m.sentence
    return found


def _titled(sentence: str) -> bool:
    """Is it a headline with capitals throughout, which tell nothing about names."""
    if sentence.rstrip("\"'”’»").endswith((".", "?", "!")):
        return False
    tokens = [t for t in _TOKEN.findall(sentence) if len(t) > 3]
    return len(tokens) > 2 and sum(t[0].isupper() for t in tokens) > 0.7 * len(tokens)


Choose = Callable[[Mention, list[Entity], Floats, Floats], Entity | None]


def walk(mentions: Sequence[Mention], sentences: Sequence[Span], choose: Choose) -> Iterator[tuple[Mention, Entity]]:
    """Entities as they grow: each source, and name elsewhere, with the one it joined.

    choose: a source, its candidates (N), their features (N, len(FEATURES)) and those of a new entity
    (len(NEW_FEATURES),) to one of the candidates, or None for a new one.
    """
    recent: dict[int, Entity] = {}  # by id, the last mentioned last
    sharing: dict[str, list[Entity]] = {}
    last_source: Entity | None = None
    for mention in mentions:
        sharers = [e for word in (*mention.heads, *mention.names[:4]) for e in sharing.get(word, [])[-SHARING:]]
        if mention.index < 0:
            entity = next((e for e in reversed(sharers) if not e.heads.isdisjoint(mention.heads)), None)
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
    same = not e.heads.isdisjoint(m.heads)
    initials = m.kind == "name" and (m.head.replace(".", "") in e.initials or _initials(m) in e.heads)
    return [
        1.0,
        same,
        m.head in e.words,
        bool(m.own) and e.names.issuperset(m.own),
        len([n for n in m.own if n not in e.names]) / max(len(m.own), 1),
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
        same and len(e.names) > len(m.own),
        same and not e.uses,
        m.span is not None and m.kind != "speaker" and m.plural != e.plural,
        not e.heads.isdisjoint(_TEXTS),
        len(e.names) == 1,
        m.head in e.within,
        not same and not e.heads.isdisjoint(m.within),
        m.person and e.person,
        m.body and e.body,
        (m.person and e.body and not e.person) or (m.body and e.person and not e.body),
    ]  # fmt: skip


def _initials(m: Mention) -> str:
    """ "us" of one word u.s., "usgs" of U.S. Geological Survey."""
    return "".join(name.replace(".", "") if "." in name else name[0] for name in m.names)


def _new_features(m: Mention) -> list[float]:
    first = m.span.text.split()[0].casefold() if m.span and m.span.text.split() else ""
    indefinite = first in ("a", "an", "some", "many", "one", "another", "several", "other", "most", "two", "three")
    bare = not indefinite and first not in _DEFINITE and not m.names
    return [
        1.0,
        log1p(len(m.names)),
        indefinite,
        first in _DEFINITE,
        log1p(m.core),
        bare,
        m.plural,
        m.cued,
        m.quoted,
        *(m.ahead == n for n in range(1, FAR)),
    ]


def full_features(m: Mention, e: Entity) -> list[float]:
    """Of a mention that has a span, how much it says of who an entity is."""
    assert m.span is not None
    tokens = _TOKEN.findall(m.span.text)
    before = _TOKEN.findall(re.split("[,;(]", m.span.text, maxsplit=1)[0])
    capitals = sum(t[0].isupper() and t.casefold() not in _ARTICLES for t in before)
    return [
        m.kind == "name",
        m.kind in ("noun", "text"),
        min(capitals, 5),
        min(len(m.names), 8),
        log1p(len(before)),
        log1p(len(tokens)),
        "," in m.span.text,
        m.index >= 0,
        m is e.mentions[0],
        m.sentence == 0,
        " and " in m.span.text,
        bool(before) and before[0].casefold() in _DEFINITE,
    ]


def resolve(
    attributions: Sequence[Attribution], text: str, sentences: Sequence[Span], weights: Mapping[str, Sequence[float]]
) -> list[Span | None]:
    """The fullest mention, up to there, of each attribution's source; None where there is none.

    Statements that no earlier source fits, and no cue introduces, are those of the next source, if it is near.
    weights: of each kind of source (`KINDS`), for `FEATURES` and then `NEW_FEATURES`; "fullest", for `FULL_FEATURES`.
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
    waiting: list[int] = []  # statements before their source is named
    for mention, entity in walk(mentions_in(text, sentences, attributions), sentences, choose):
        if mention.span is not None:
            fullness = float(np.array(full_features(mention, entity), np.float32) @ tables["fullest"])
            if entity.fullest is None or fullness > entity.fullness:
                entity.fullest, entity.fullness = mention, fullness
        if mention.index >= 0:
            # a source that says as much as any mention before it stands for itself
            fullest = mention if entity.fullest and mention.words == entity.fullest.words else entity.fullest
            result[mention.index] = fullest.span if fullest else None
            if mention.kind != "none":
                for i in waiting:
                    result[i] = result[mention.index]
                waiting = []
            elif fullest is None and not mention.cued and mention.ahead < FAR:
                waiting.append(mention.index)
    return result
