"""From logits to the record: tag sequences, spans, attributions. One implementation for training and inference.

Roles are decoded one by one over words (the first piece of a word speaks for it), so a source may lie inside another
attribution's content. No span crosses a line break between sentences.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import exp

import numpy as np
import numpy.typing as npt

from sayso.data.schema import Attribution, Role, Span
from sayso.models import linking
from sayso.models.windows import Bools, Floats, Ints, Pieces

O, B, I = range(3)  # noqa: E741 - the field's names for these tags
SECOND_CHANCE = 2.0  # of a logit
BATCH = 32_768  # words
MAX_BLOCK = 512  # words; a longer run of sentences without a line break is decoded in parts

# What may follow what, tag after tag: I only after B or I, and never first.
_IMPOSSIBLE = np.array([[0, 0, -np.inf], [0, 0, 0], [0, 0, 0]], np.float32)
_NOT_FIRST = np.array([0, 0, -np.inf], np.float32)


@dataclass(frozen=True, slots=True)
class ScoredSpan:
    """A decoded span: words [lo, hi) of the document, its characters, and a score in (0, 1]."""

    role: Role
    lo: int
    hi: int
    span: Span
    score: float


def log_softmax(logits: Floats) -> Floats:
    """Over the last axis."""
    shifted = logits - logits.max(-1, keepdims=True)
    result: Floats = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    return result


def viterbi(emissions: Floats, lengths: Ints, transitions: Floats, starts: Floats) -> npt.NDArray[np.int8]:
    """Best possible tag sequences: the highest sum of emissions, transitions and start (Viterbi 1967).

    emissions: (N, T, R, 3) scores of O, B, I; lengths: (N,), the rest of each row is padding, tagged O. transitions:
    (R, 3, 3), score of a tag (last) after another; starts: (R, 3). Returns (N, T, R) tags; whatever the scores, I never
    opens a sequence and never follows O.
    """
    n, steps, roles, tags_ = emissions.shape
    order = np.argsort(-lengths, kind="stable")  # longest first, so the rows that still go on at a step are the first
    going_on = (lengths[:, None] > np.arange(steps)).sum(0).tolist()
    by_step = np.ascontiguousarray(emissions[order].swapaxes(0, 1))
    moves = transitions + _IMPOSSIBLE
    back = np.zeros((steps, n, roles, tags_), np.int8)
    score = by_step[0] + starts + _NOT_FIRST
    for t in range(1, steps):
        k = going_on[t]
        candidates = score[:k, :, :, None] + moves  # (N, R, from, to)
        back[t, :k] = candidates.argmax(-2)
        score[:k] = by_step[t, :k] + candidates.max(-2)
    best = score.argmax(-1).ravel()  # of each row's last step
    found, flat, cells = np.zeros((steps, n * roles), np.int8), back.reshape(steps, -1), np.arange(n * roles) * tags_
    for t in range(steps - 1, -1, -1):
        k = going_on[t] * roles
        found[t, :k] = best[:k]
        best[:k] = flat[t, cells[:k] + best[:k]]
    result = np.empty((n, steps, roles), np.int8)
    result[order] = found.reshape(steps, n, roles).swapaxes(0, 1)
    return result


def blocks(text: str, sentences: Sequence[Span], word_sentence: Ints) -> list[tuple[int, int]]:
    """Runs of words [lo, hi) that one span may lie in: consecutive sentences without a line break between them."""
    starts = np.searchsorted(word_sentence, np.arange(len(sentences) + 1))
    result: list[tuple[int, int]] = []
    for k, sentence in enumerate(sentences):
        lo, hi = int(starts[k]), int(starts[k + 1])
        if lo == hi:
            continue
        gap = text[sentences[k - 1].end : sentence.start] if k else "\n"
        if result and not gap_breaks(gap) and hi - result[-1][0] <= MAX_BLOCK:
            result[-1] = (result[-1][0], hi)
        else:
            result.append((lo, hi))
    return result


def gap_breaks(gap: str) -> bool:
    """Does what stands between two sentences hold a line break."""
    return len(("x" + gap + "x").splitlines()) > 1


def decode_roles(
    text: str,
    sentences: Sequence[Span],
    pieces: Pieces,
    logits: Floats,
    roles: Sequence[Role],
    transitions: Floats,
    starts: Floats,
    among: Bools | None = None,
) -> list[ScoredSpan]:
    """Spans of every role, in order of text.

    logits: (P, R, 3), per piece of the document; transitions, starts: see `viterbi`. among: (words,), blocks that hold
    none of these are left out. The score of a span is the geometric mean of its tags' probabilities.
    """
    first = np.flatnonzero(pieces.first)
    if not len(first):
        return []
    begins = pieces.start[first]
    ends = pieces.end[np.append(first[1:], len(pieces.ids)) - 1]
    emissions = logits[first]
    logp = log_softmax(emissions)
    runs = sorted(blocks(text, sentences, pieces.sentence[first]), key=lambda run: run[1] - run[0])
    if among is not None:
        runs = [(lo, hi) for lo, hi in runs if among[lo:hi].any()]
    tags = np.zeros(logp.shape[:2], np.int8)
    for batch in _similar(runs):
        lengths = np.array([hi - lo for lo, hi in batch])
        padded = np.zeros((len(batch), int(lengths.max()), *logp.shape[1:]), np.float32)
        for row, (lo, hi) in enumerate(batch):
            padded[row, : hi - lo] = emissions[lo:hi]
        for row, ((lo, hi), best) in enumerate(zip(batch, viterbi(padded, lengths, transitions, starts), strict=True)):
            tags[lo:hi] = best[: lengths[row]]
    run_start = np.zeros(len(first), np.bool_)
    run_start[[lo for lo, _ in runs]] = True
    found = []
    for r, role in enumerate(roles):
        chosen = np.take_along_axis(logp[:, r], tags[:, r, None].astype(np.int64), -1)
        sums = np.append(0.0, np.cumsum(chosen, dtype=np.float64))
        for lo, hi in _tagged(tags[:, r], run_start):
            score = min(exp((sums[hi] - sums[lo]) / (hi - lo)), 1.0)
            found.append(ScoredSpan(role, lo, hi, Span.of(text, int(begins[lo]), int(ends[hi - 1])), score))
    return sorted(found, key=_place)


def _similar(runs: list[tuple[int, int]]) -> list[list[tuple[int, int]]]:
    """Batches of runs sorted by length, padded to at most `BATCH` words, or of one run."""
    result: list[list[tuple[int, int]]] = []
    for run in runs:
        if result and (len(result[-1]) + 1) * (run[1] - run[0]) <= BATCH:
            result[-1].append(run)
        else:
            result.append([run])
    return result


def _tagged(tags: npt.NDArray[np.int8], run_start: Bools) -> list[tuple[int, int]]:
    """Stretches [lo, hi) of one role: each B with the I that follow it."""
    opens = np.flatnonzero(tags == B)
    stops = np.flatnonzero((tags != I) | run_start)
    after = np.searchsorted(stops, opens, side="right")
    return [(int(lo), int(stops[k]) if k < len(stops) else len(tags)) for lo, k in zip(opens, after, strict=True)]


def decode(
    text: str,
    sentences: Sequence[Span],
    pieces: Pieces,
    logits: Floats,
    roles: Sequence[Role],
    transitions: Floats,
    starts: Floats,
    linker: Mapping[str, Sequence[float]],
) -> tuple[list[ScoredSpan], list[Attribution]]:
    """Spans of every role, and the attributions that they make; see `decode_roles` and `group`.

    A cue that is left without source or content has a second chance: a span in its sentences may open with
    `SECOND_CHANCE` more, and is kept if it is then linked to the cue.
    """
    spans = decode_roles(text, sentences, pieces, logits, roles, transitions, starts)
    found = group(text, spans, sentences, linker)
    for role in (Role.SOURCE, Role.CONTENT):
        bare = [a for a in found if a.cue and not getattr(a, role.value)]
        if not bare or role not in roles:
            continue
        cues = {cue for a in bare for cue in a.cue}
        free = np.isin(pieces.sentence[pieces.first], [k for a in bare for k in a.sentences])
        for s in spans:
            if s.role is role or s.span in cues:
                free[s.lo : s.hi] = False
        r = [roles.index(role)]
        moves, opening = transitions[r], starts[r]  # copies
        moves[..., B] += SECOND_CHANCE
        opening[..., B] += SECOND_CHANCE
        again = decode_roles(text, sentences, pieces, logits[:, r], [role], moves, opening, free)
        offered = [s for s in again if free[s.lo : s.hi].all()]
        tried = group(text, sorted(spans + offered, key=_place), sentences, linker) if offered else []
        taken = {span for a in tried if not cues.isdisjoint(a.cue) for span in getattr(a, role.value)}
        kept = [s for s in offered if s.span in taken]
        if kept:
            spans = sorted(spans + kept, key=_place)
            found = tried if len(kept) == len(offered) else group(text, spans, sentences, linker)
    return spans, found


def _place(s: ScoredSpan) -> tuple[int, int, int]:
    return s.span.start, -s.span.end, list(Role).index(s.role)


def group(
    text: str, spans: Sequence[ScoredSpan], sentences: Sequence[Span], linker: Mapping[str, Sequence[float]]
) -> list[Attribution]:
    """Attributions from spans: each cue with its source, each content with its cue, as `sayso.models.linking` has it.

    A source may serve several cues. A content that belongs to no cue is an attribution of its own.
    """
    by_role = {role: [s for s in spans if s.role is role] for role in linking.ROLES}
    places = linking.Places(text, sentences, {role: [s.span for s in found] for role, found in by_role.items()})
    sources = {s.span: s for s in by_role[Role.SOURCE]}
    cues, contents = by_role[Role.CUE], by_role[Role.CONTENT]
    groups = {cue.span: [cue] for cue in cues}
    for cue, source in zip(cues, linking.link("source", [s.span for s in cues], places, linker["source"]), strict=True):
        if source is not None:
            groups[cue.span].append(sources[source])
    alone = []
    found = linking.link("cue", [s.span for s in contents], places, linker["cue"])
    for content, of in zip(contents, found, strict=True):
        if of is None:
            alone.append([content])
        else:
            groups[of].append(content)
    starts = [s.start for s in sentences]

    def sentence_of(at: int) -> int:
        return bisect_right(starts, at) - 1

    ordered = sorted([*groups.values(), *alone], key=lambda group: min(p.span.start for p in group))
    return [_attribution(each, sentence_of) for each in ordered]


def _attribution(group: Sequence[ScoredSpan], sentence_of: Callable[[int], int]) -> Attribution:
    covered = {
        k
        for p in group
        if p.role is not Role.SOURCE
        for k in range(sentence_of(p.span.start), sentence_of(p.span.end - 1) + 1)
    }
    return Attribution(
        cue=tuple(sorted(p.span for p in group if p.role is Role.CUE)),
        source=tuple(sorted(p.span for p in group if p.role is Role.SOURCE)),
        content=tuple(sorted(p.span for p in group if p.role is Role.CONTENT)),
        sentences=tuple(sorted(covered)),
        score=float(np.exp(np.mean([np.log(p.score) for p in group]))),
    )
