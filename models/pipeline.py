"""One pass over an article: `prepare` cuts it into windows, a network answers each, `finish` makes the record.

Whoever runs the network (torch, ONNX Runtime) is an `Encode`; all else is the same in training and inference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from tokenizers import Tokenizer

from sayso.data.schema import Attribution, Document, Facet, Label, ModelInfo, Role, Sentence, Span, primary_label
from sayso.data.segment import split_sentences
from sayso.models.artifact import Manifest
from sayso.models.decode import decode
from sayso.models.sources import POLARITIES, judge, take_stances
from sayso.models.windows import Floats, Logits, Pieces, Window, tokenize, windows

OUTPUTS = ("facet_logits", "role_logits", "judged_logits", "official_logits", "polarity_logits")
BY_SENTENCE = ("facet_logits", "judged_logits")  # the others have a row a position


# Windows to the logits of each, in order.
Encode = Callable[[Sequence[Window]], Iterable[Logits]]


@dataclass(frozen=True, slots=True)
class Prepared:
    """An article cut for the network: its sentences, their word pieces, and the windows that hold them."""

    text: str
    sentences: tuple[Span, ...]
    pieces: Pieces
    windows: list[Window]


def tag(
    text: str,
    encode: Encode,
    tokenizer: Tokenizer,
    manifest: Manifest,
    *,
    id: str = "",
    model: ModelInfo | None = None,
    targets: Sequence[Span] | None = None,
    min_confidence: float = 0.0,
) -> Document:
    """Tag one article of any length; see `finish` for the options."""
    prepared = prepare(text, tokenizer, manifest)
    outputs = encode(prepared.windows)
    return finish(prepared, outputs, manifest, id=id, model=model, targets=targets, min_confidence=min_confidence)


def prepare(text: str, tokenizer: Tokenizer, manifest: Manifest) -> Prepared:
    """What comes before the network."""
    sentences = split_sentences(text)
    pieces = tokenize(tokenizer, sentences)
    cut = windows(
        pieces, len(sentences), size=manifest.window, context=manifest.context, cls=manifest.cls, sep=manifest.sep
    )
    return Prepared(text, sentences, pieces, cut)


def finish(
    prepared: Prepared,
    outputs: Iterable[Logits],
    manifest: Manifest,
    *,
    id: str = "",
    model: ModelInfo | None = None,
    targets: Sequence[Span] | None = None,
    min_confidence: float = 0.0,
) -> Document:
    """What comes after it; outputs: the logits of each of `prepared.windows`, in order.

    targets: what stances are wanted towards, each then answered, in an attribution or outside of any; None: what the
    model finds. min_confidence: probability below which a sentence is left without a label.
    """
    text, sentences = prepared.text, prepared.sentences
    logits = stitch(prepared, outputs, manifest)
    transitions, starts = np.array(manifest.transitions, np.float32), np.array(manifest.starts, np.float32)
    roles = [Role(r) for r in manifest.roles]
    spans, attributions = decode(
        text, sentences, prepared.pieces, logits.roles, roles, transitions, starts, manifest.linker
    )
    judged = judge(attributions, text, sentences, prepared.pieces, logits, manifest.resolver)
    found = targets if targets is not None else [s.span for s in spans if s.role is Role.TARGET]
    judged = take_stances(judged, found, sentences, prepared.pieces, logits.polarity, alone=targets is not None)
    return Document(
        id=id,
        text=text,
        sentences=tuple(_sentences(sentences, logits, judged, manifest, min_confidence)),
        attributions=tuple(judged),
        model=model,
    )


def stitch(prepared: Prepared, outputs: Iterable[Logits], manifest: Manifest) -> Logits:
    """The logits of a whole document: a row a sentence, a row a piece.

    A sentence cut over several windows takes the highest logit of its parts: a facet holds if it holds anywhere.
    """
    found = list(zip(prepared.windows, outputs, strict=True))
    n_sentences, n_pieces = len(prepared.sentences), len(prepared.pieces.ids)
    if not found:
        shapes = ((len(manifest.facets),), (len(manifest.roles), 3), (2 + len(POLARITIES),), (), (len(POLARITIES),))
        rows = (n_sentences if name in BY_SENTENCE else n_pieces for name in OUTPUTS)
        return Logits(*(np.zeros((n, *shape), np.float32) for n, shape in zip(rows, shapes, strict=True)))
    whole: list[Floats] = []
    for name, parts in zip(OUTPUTS, zip(*(logits for _, logits in found), strict=True), strict=True):
        if name in BY_SENTENCE:
            stitched = np.full((n_sentences, *parts[0].shape[1:]), -np.inf, np.float32)
            for (window, _), part in zip(found, parts, strict=True):
                stitched[window.sentences] = np.maximum(stitched[window.sentences], part)
        else:
            stitched = np.zeros((n_pieces, *parts[0].shape[1:]), np.float32)
            for (window, _), part in zip(found, parts, strict=True):
                stitched[window.lo : window.hi] = part[window.core]
        whole.append(stitched)
    return Logits(*whole)


def _sentences(
    spans: Sequence[Span],
    logits: Logits,
    attributions: Sequence[Attribution],
    manifest: Manifest,
    min_confidence: float,
) -> Iterable[Sentence]:
    names = [Facet(name) for name in manifest.facets]
    scale = np.array([manifest.temperatures[name] for name in names])
    bias = np.array([manifest.biases[name] for name in names])
    probabilities = 1 / (1 + np.exp(-logits.facets.astype(np.float64) / scale - bias))
    sources: dict[int, str] = {}
    for attribution in attributions:
        if attribution.source_name:
            for k in attribution.sentences:
                sources.setdefault(k, attribution.source_name)
    for k, span in enumerate(spans):
        facets = {name: round(float(p), 4) for name, p in zip(names, probabilities[k], strict=True)}
        primary = primary_label({name for name, p in facets.items() if p >= manifest.thresholds[name]})
        label = primary if confidence(primary, facets) >= min_confidence else None
        # a source is named only where the label speaks of one
        attributed = label in (Label.ATTRIBUTION, Label.OFFICIAL_ASSESSMENT)
        source = sources.get(k) if attributed else None
        stance = POLARITIES[int(logits.judged[k, 2:].argmax())] if attributed else None
        yield Sentence(span.start, span.end, span.text, label, facets, source, stance)


def confidence(label: Label, facets: Mapping[Facet, float]) -> float:
    """The probability of a primary label: that its facet holds and none that goes before it does, held independent."""
    result = 1.0
    for facet in (Facet.OFFICIAL_ASSESSMENT, Facet.ATTRIBUTION, Facet.REPORTED_CLAIM):
        if facet.value == label.value:
            return result * facets[facet]
        result *= 1 - facets[facet]
    return result
