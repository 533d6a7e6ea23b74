"""One pass over an article: windows in, logits out, stitched and decoded into the record.

Whoever runs the network (torch, ONNX Runtime) is an `Encode`; all else is the same in training and inference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from tokenizers import Tokenizer

from sayso.data.schema import Attribution, Document, Facet, Label, ModelInfo, Role, Sentence, Span, primary_label
from sayso.data.segment import split_sentences
from sayso.models.artifact import Manifest
from sayso.models.decode import decode_roles, group_by_nearness
from sayso.models.windows import Floats, Pieces, Window, tokenize, windows

# Windows to (facet logits (S, F), role logits (L, R, 3)) of each, in order.
Encode = Callable[[Sequence[Window]], Iterable[tuple[Floats, Floats]]]


def tag(
    text: str,
    encode: Encode,
    tokenizer: Tokenizer,
    manifest: Manifest,
    *,
    id: str = "",
    model: ModelInfo | None = None,
) -> Document:
    """Tag one article of any length."""
    sentences = split_sentences(text)
    facets, roles, pieces = logits(sentences, encode, tokenizer, manifest)
    transitions, starts = np.array(manifest.transitions, np.float32), np.array(manifest.starts, np.float32)
    spans = decode_roles(text, sentences, pieces, roles, [Role(r) for r in manifest.roles], transitions, starts)
    attributions = group_by_nearness(spans, sentences)
    return Document(
        id=id,
        text=text,
        sentences=tuple(_sentences(sentences, facets, attributions, manifest)),
        attributions=tuple(attributions),
        model=model,
    )


def logits(
    sentences: Sequence[Span], encode: Encode, tokenizer: Tokenizer, manifest: Manifest
) -> tuple[Floats, Floats, Pieces]:
    """Facet logits (N sentences, F), role logits (P pieces, R, 3), and the pieces, of a whole document.

    A sentence cut over several windows takes the highest logit of its parts: a facet holds if it holds anywhere.
    """
    pieces = tokenize(tokenizer, sentences)
    cut = windows(
        pieces, len(sentences), size=manifest.window, context=manifest.context, cls=manifest.cls, sep=manifest.sep
    )
    facets = np.full((len(sentences), len(manifest.facets)), -np.inf, np.float32)
    roles = np.zeros((len(pieces.ids), len(manifest.roles), 3), np.float32)
    for window, (facet_logits, role_logits) in zip(cut, encode(cut), strict=True):
        facets[window.sentences] = np.maximum(facets[window.sentences], facet_logits)
        roles[window.lo : window.hi] = role_logits[window.core]
    return facets, roles, pieces


def _sentences(
    spans: Sequence[Span], facet_logits: Floats, attributions: Sequence[Attribution], manifest: Manifest
) -> Iterable[Sentence]:
    names = [Facet(name) for name in manifest.facets]
    scale = np.array([manifest.temperatures[name] for name in names])
    probabilities = 1 / (1 + np.exp(-facet_logits.astype(np.float64) / scale))
    sources: dict[int, str] = {}
    for attribution in attributions:
        if attribution.source_name:
            for k in attribution.sentences:
                sources.setdefault(k, attribution.source_name)
    for k, span in enumerate(spans):
        facets = {name: round(float(p), 4) for name, p in zip(names, probabilities[k], strict=True)}
        label = primary_label({name for name, p in facets.items() if p >= manifest.thresholds[name]})
        # a source is named only where the label speaks of one
        attributed = label in (Label.ATTRIBUTION, Label.OFFICIAL_ASSESSMENT)
        yield Sentence(span.start, span.end, span.text, label, facets, sources.get(k) if attributed else None)
