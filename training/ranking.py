"""The weights of `sayso.models.resolution` and `sayso.models.linking`, fitted on gold attributions.

Maximum marginal likelihood over the right candidates (Lee et al., EMNLP 2017), with a ridge prior.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from sayso.data import bundled
from sayso.data.schema import Gold, Head, Span
from sayso.models import linking
from sayso.models.resolution import (
    FEATURES,
    FULL_FEATURES,
    KINDS,
    NEW_FEATURES,
    Entity,
    Mention,
    full_features,
    mentions_in,
    walk,
)
from sayso.models.windows import Floats
from sayso.training.metrics import cut_at_breaks

Case = tuple[Floats, Floats, list[int]]  # candidates, the alternative to all of them, and which are right: -1 for it
STAND_INS = 60
LINKED = 300  # documents that the linker is fitted on: it has few weights
RIDGE = 0.0005


def fit(golds: Sequence[Gold]) -> dict[str, dict[str, list[float]]]:
    """The manifest's "resolver" and "linker" from documents whose sources are resolved, and that are linked.

    Where none is, reports of the bundled corpus stand in: a model without these weights would lose sources it finds.
    """
    resolved = [gold for gold in golds if Head.RESOLUTION in gold.heads]
    linked = [gold for gold in golds if Head.LINKS in gold.heads]
    if not (resolved and linked):
        stand_ins = list(islice(bundled.read("train"), STAND_INS))
        resolved, linked = resolved or stand_ins, linked or stand_ins
    return {
        "resolver": fit_resolver(resolved),
        "linker": fit_linker(linked[:: max(len(linked) // LINKED, 1)]),
    }


def fit_resolver(golds: Sequence[Gold]) -> dict[str, list[float]]:
    """Weights by kind of source, and of what makes a mention the fullest."""
    cases: dict[str, list[Case]] = {kind: [] for kind in KINDS}
    fullest: list[Case] = []
    for gold in golds:
        _cases(gold, cases, fullest)
    weights = {kind: _fit(found, len(FEATURES), len(NEW_FEATURES)) for kind, found in cases.items()}
    return weights | {"fullest": _fit(fullest, len(FULL_FEATURES), 0)}


def fit_linker(golds: Sequence[Gold]) -> dict[str, list[float]]:
    """Weights by what is looked for: a cue's source, a content's cue."""
    cases: dict[str, list[Case]] = {kind: [] for kind in linking.PAIRS}
    for gold in golds:
        parts = [
            {role: [cut for s in getattr(a, role.value) for cut in cut_at_breaks(gold, s)] for role in linking.ROLES}
            for a in gold.document.attributions
        ]
        spans = {role: sorted({s for part in parts for s in part[role]}) for role in linking.ROLES}
        places = linking.Places(gold.document.text, [s.span for s in gold.document.sentences], spans)
        for kind, (asking, asked) in linking.PAIRS.items():
            for span in spans[asking]:
                wanted = {s for part in parts if span in part[asking] for s in part[asked]}
                candidates = places.near(asked, span)
                right = [i for i, each in enumerate(candidates) if each in wanted]
                if candidates and (right or not wanted):
                    cases[kind].append((*places.features(kind, span, candidates), right or [-1]))
    return {kind: _fit(found, len(linking.FEATURES), len(linking.NONE_FEATURES)) for kind, found in cases.items()}


def _cases(gold: Gold, cases: dict[str, list[Case]], fullest: list[Case]) -> None:
    """Every source with its candidates, and which are right: -1 for a new entity; of its mentions, the fullest."""
    document = gold.document
    spans = [s.span for s in document.sentences]
    of: dict[int, tuple[Entity, Span | None]] = {}  # by id: the gold source that an entity is

    def choose(mention: Mention, candidates: list[Entity], pairs: Floats, new: Floats) -> Entity | None:
        attribution = document.attributions[mention.index]
        resolved = attribution.resolved_source
        right = [i for i, e in enumerate(candidates) if resolved is not None and _is(e, resolved, of)]
        first = resolved is not None and (
            resolved.start > mention.at if mention.span is None else resolved.overlaps(mention.span)
        )
        if right or first or resolved is None:
            cases[mention.kind].append((pairs, new, right or [-1]))
        for i in right:
            of[id(candidates[i])] = candidates[i], resolved
        return candidates[right[-1]] if right else None

    for mention, entity in walk(mentions_in(document.text, spans, document.attributions), spans, choose):
        if mention.index < 0:
            continue
        resolved = document.attributions[mention.index].resolved_source
        of.setdefault(id(entity), (entity, resolved))
        said = [m for m in entity.mentions if m.span is not None]
        right = [i for i, m in enumerate(said) if resolved is not None and m.span and m.span.overlaps(resolved)]
        if right and len(right) < len(said):
            features = [full_features(m, entity) for m in said]
            fullest.append((np.array(features, np.float32), np.zeros(0, np.float32), right))


def _is(entity: Entity, resolved: Span, of: dict[int, tuple[Entity, Span | None]]) -> bool:
    if id(entity) in of:
        return of[id(entity)][1] == resolved
    return any(m.span is not None and m.span.overlaps(resolved) for m in entity.mentions)


def _fit(cases: Sequence[Case], n_features: int, n_alternative: int) -> list[float]:
    weights = torch.zeros(n_features + n_alternative, requires_grad=True)
    if not cases:
        return weights.tolist()
    width = max(len(pairs) for pairs, _, _ in cases) + 1
    x = torch.zeros(len(cases), width, len(weights))
    there, right = (torch.zeros(len(cases), width, dtype=torch.bool) for _ in range(2))
    for row, (pairs, new, gold) in enumerate(cases):
        x[row, : len(pairs), :n_features] = torch.from_numpy(pairs)
        x[row, -1, n_features:] = torch.from_numpy(new)
        there[row, : len(pairs)] = True
        there[row, -1] = n_alternative > 0
        right[row, gold] = True
    optimizer = torch.optim.LBFGS([weights], max_iter=60, tolerance_change=1e-6, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        scores = x @ weights
        total = torch.logsumexp(scores.masked_fill(~there, -1e4), 1)
        found = torch.logsumexp(scores.masked_fill(~right, -1e4), 1)
        value = (total - found).mean() + RIDGE * weights.square().sum()
        value.backward()
        return value

    optimizer.step(loss)
    return [round(float(w), 3) for w in weights.detach()]
