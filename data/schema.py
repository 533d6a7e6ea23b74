"""The record `sayso/document/1`: what a tagged (or annotated) report is.

One set of frozen dataclasses serves predictions, gold annotation and records that a user corrected by hand.
Offsets are half-open, count Unicode code points, and index the text exactly as it was decoded. Every class checks its
invariants at construction and raises `SchemaError`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from types import MappingProxyType
from typing import Any

SCHEMA = "sayso/document/1"


class SchemaError(ValueError):
    """A record that breaks an invariant; the message names the field, what was expected and what was found."""


class Facet(StrEnum):
    """The three yes/no questions that every sentence answers (codebook, first table)."""

    REPORTED_CLAIM = "reported_claim"
    OFFICIAL_ASSESSMENT = "official_assessment"
    ATTRIBUTION = "attribution"


class Label(StrEnum):
    """Primary label of a sentence, in order of precedence."""

    OFFICIAL_ASSESSMENT = "official_assessment"
    ATTRIBUTION = "attribution"
    REPORTED_CLAIM = "reported_claim"
    OTHER = "other"


class Role(StrEnum):
    """Span roles of an attribution (PolNeAR guidelines), and the target of a stance."""

    SOURCE = "source"
    CUE = "cue"
    CONTENT = "content"
    TARGET = "target"


class Polarity(StrEnum):
    SUPPORTIVE = "supportive"
    CRITICAL = "critical"
    NEUTRAL = "neutral"


class Head(StrEnum):
    """What a corpus annotates, and so supervises: a head that is absent is masked, never a negative."""

    REPORTED_CLAIM = "reported_claim"
    OFFICIAL_ASSESSMENT = "official_assessment"
    ATTRIBUTION = "attribution"
    SOURCE = "source"
    CUE = "cue"
    CONTENT = "content"
    TARGET = "target"
    LINKS = "links"
    RESOLUTION = "resolution"
    OFFICIAL = "official"
    STANCE = "stance"


def primary_label(facets: frozenset[Facet] | set[Facet]) -> Label:
    """The primary label that follows from the facets that hold (codebook, second paragraph)."""
    for label in (Label.OFFICIAL_ASSESSMENT, Label.ATTRIBUTION, Label.REPORTED_CLAIM):
        if Facet(label.value) in facets:
            return label
    return Label.OTHER


def _check_probability(name: str, value: float) -> None:
    if not 0.0 <= value <= 1.0:
        raise SchemaError(f"{name}: expected a probability from 0 to 1, found {value!r}")


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A non-empty stretch of the text: `document.text[start:end] == text`."""

    start: int
    end: int
    text: str

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise SchemaError(f"span: expected 0 <= start < end, found [{self.start}, {self.end})")
        if len(self.text) != self.end - self.start:
            raise SchemaError(
                f"span [{self.start}, {self.end}): expected {self.end - self.start} characters, found {len(self.text)}"
            )

    @classmethod
    def of(cls, text: str, start: int, end: int) -> Span:
        """The span [start, end) of `text`; `SchemaError` if it lies outside."""
        return cls(start, end, text[start:end])

    def overlaps(self, other: Span) -> bool:
        return self.start < other.end and other.start < self.end

    def to_json(self) -> dict[str, Any]:
        return {"start": self.start, "end": self.end, "text": self.text}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Span:
        return cls(value["start"], value["end"], value["text"])


@dataclass(frozen=True, slots=True)
class Stance:
    """Stance of an attribution's source towards one target."""

    target: Span
    polarity: Polarity
    score: float = 1.0

    def __post_init__(self) -> None:
        _check_probability("stance.score", self.score)

    def to_json(self) -> dict[str, Any]:
        return {"target": self.target.to_json(), "polarity": self.polarity.value, "score": self.score}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Stance:
        return cls(Span.from_json(value["target"]), Polarity(value["polarity"]), value["score"])


@dataclass(frozen=True, slots=True)
class Attribution:
    """Who (source) signals (cue) what (content); `sentences` are the indices of the sentences its content or cue is in.

    `official` is the probability that the source is official, None where nothing judged it.
    """

    cue: tuple[Span, ...] = ()
    source: tuple[Span, ...] = ()
    content: tuple[Span, ...] = ()
    sentences: tuple[int, ...] = ()
    resolved_source: Span | None = None
    official: float | None = None
    score: float = 1.0
    stance: tuple[Stance, ...] = ()

    def __post_init__(self) -> None:
        _check_probability("attribution.score", self.score)
        if self.official is not None:
            _check_probability("attribution.official", self.official)
        if not (self.cue or self.content or self.stance):
            raise SchemaError("attribution: expected a cue, a content or a stance, found none")
        for name in ("cue", "source", "content"):
            spans: tuple[Span, ...] = getattr(self, name)
            if any(b.start < a.end for a, b in pairwise(spans)):
                raise SchemaError(f"attribution.{name}: expected spans in order of text without overlap, found {spans}")
        if any(b <= a for a, b in pairwise(self.sentences)):
            raise SchemaError(f"attribution.sentences: expected increasing indices, found {self.sentences}")

    @property
    def spans(self) -> tuple[Span, ...]:
        """Every span of the attribution, for checks and highlighting."""
        resolved = (self.resolved_source,) if self.resolved_source else ()
        return self.cue + self.source + self.content + resolved + tuple(s.target for s in self.stance)

    @property
    def source_name(self) -> str | None:
        """The resolved source's words, else the source's own, else None."""
        if self.resolved_source is not None:
            return self.resolved_source.text
        return " ".join(span.text for span in self.source) or None

    def to_json(self) -> dict[str, Any]:
        return {
            "cue": [s.to_json() for s in self.cue],
            "source": [s.to_json() for s in self.source],
            "content": [s.to_json() for s in self.content],
            "sentences": list(self.sentences),
            "resolved_source": self.resolved_source.to_json() if self.resolved_source else None,
            "official": self.official,
            "score": self.score,
            "stance": [s.to_json() for s in self.stance],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Attribution:
        resolved = value["resolved_source"]
        return cls(
            cue=tuple(map(Span.from_json, value["cue"])),
            source=tuple(map(Span.from_json, value["source"])),
            content=tuple(map(Span.from_json, value["content"])),
            sentences=tuple(value["sentences"]),
            resolved_source=Span.from_json(resolved) if resolved is not None else None,
            official=value["official"],
            score=value["score"],
            stance=tuple(map(Stance.from_json, value["stance"])),
        )


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence. A facet absent from `facets` was not annotated; `label` is None unless all three are known."""

    start: int
    end: int
    text: str
    label: Label | None = None
    facets: Mapping[Facet, float] = field(default_factory=dict)
    source: str | None = None
    stance: Polarity | None = None

    def __post_init__(self) -> None:
        Span(self.start, self.end, self.text)
        for name, value in self.facets.items():
            _check_probability(f"sentence.facets.{name}", value)
        object.__setattr__(self, "facets", MappingProxyType({Facet(k): v for k, v in self.facets.items()}))

    @property
    def span(self) -> Span:
        return Span(self.start, self.end, self.text)

    def to_json(self) -> dict[str, Any]:
        return {
            "start": self.start,
            "end": self.end,
            "text": self.text,
            "label": self.label.value if self.label else None,
            "facets": {name.value: self.facets[name] for name in Facet if name in self.facets},
            "source": self.source,
            "stance": self.stance.value if self.stance else None,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Sentence:
        return cls(
            start=value["start"],
            end=value["end"],
            text=value["text"],
            label=Label(value["label"]) if value["label"] is not None else None,
            facets={Facet(k): v for k, v in value["facets"].items()},
            source=value["source"],
            stance=Polarity(value["stance"]) if value["stance"] is not None else None,
        )


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """Which weights made a record; `digest` is "sha256:..." of the graph."""

    name: str
    version: str
    digest: str

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "version": self.version, "digest": self.digest}


@dataclass(frozen=True, slots=True)
class Document:
    """A report, its sentences in order, and its attributions. `model` is None for human annotation."""

    id: str
    text: str
    sentences: tuple[Sentence, ...] = ()
    attributions: tuple[Attribution, ...] = ()
    model: ModelInfo | None = None

    def __post_init__(self) -> None:
        end = 0
        for i, sentence in enumerate(self.sentences):
            if sentence.start < end:
                raise SchemaError(
                    f"{self.id}: sentence {i}: expected start >= {end} (sentences in order, without overlap),"
                    f" found {sentence.start}"
                )
            end = sentence.end
            self._check_span(f"sentence {i}", sentence)
        for i, attribution in enumerate(self.attributions):
            for span in attribution.spans:
                self._check_span(f"attribution {i}", span)
            if any(not 0 <= k < len(self.sentences) for k in attribution.sentences):
                raise SchemaError(
                    f"{self.id}: attribution {i}: expected sentence indices below {len(self.sentences)},"
                    f" found {attribution.sentences}"
                )

    def _check_span(self, where: str, span: Span | Sentence) -> None:
        found = self.text[span.start : span.end]
        if found != span.text:
            raise SchemaError(
                f"{self.id}: {where}: expected {span.text[:60]!r} at [{span.start}, {span.end}), found {found[:60]!r}"
            )

    def to_json(self) -> dict[str, Any]:
        """The record as JSON-ready dicts and lists; keys in the order of the schema."""
        return {
            "schema": SCHEMA,
            "id": self.id,
            "text": self.text,
            "model": self.model.to_json() if self.model else None,
            "sentences": [s.to_json() for s in self.sentences],
            "attributions": [a.to_json() for a in self.attributions],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any] | str) -> Document:
        """Read a record, given as JSON text or as parsed; `SchemaError` on another schema, a missing or a bad field."""
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except json.JSONDecodeError as error:
                raise SchemaError(f"record: expected JSON, found {error}") from error
        if not isinstance(value, Mapping) or value.get("schema") != SCHEMA:
            found = value.get("schema") if isinstance(value, Mapping) else type(value).__name__
            raise SchemaError(f"record: expected schema {SCHEMA!r}, found {found!r}")
        try:
            return cls(
                id=value["id"],
                text=value["text"],
                model=ModelInfo(**value["model"]) if value["model"] is not None else None,
                sentences=tuple(map(Sentence.from_json, value["sentences"])),
                attributions=tuple(map(Attribution.from_json, value["attributions"])),
            )
        except KeyError as error:
            raise SchemaError(f"record {value.get('id')!r}: expected the key {error}, found none") from error
        except SchemaError:
            raise
        except (TypeError, ValueError, AttributeError) as error:
            raise SchemaError(f"record {value.get('id')!r}: {error}") from error


@dataclass(frozen=True, slots=True)
class Gold:
    """An annotated report: the record (facets 0 or 1), the heads its corpus annotates, and where it comes from.

    `masked` holds the indices of sentences that nobody annotated (a corpus may stop after some sentences).
    """

    document: Document
    heads: frozenset[Head]
    corpus: str
    split: str
    outlet: str = ""
    masked: frozenset[int] = frozenset()
