"""From gold documents to training examples: the windows that inference uses, with masked labels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from tokenizers import Tokenizer

from sayso.data.schema import Facet, Gold, Head, Polarity, Role, Span
from sayso.models.decode import B, I, O, blocks
from sayso.models.network import IGNORE, N_JUDGED
from sayso.models.sources import POLARITIES
from sayso.models.windows import Floats, Ints, Pieces, tokenize, windows
from sayso.training.metrics import cut_at_breaks, role_spans


def role_labels(gold: Gold, pieces: Pieces, roles: Sequence[str]) -> Ints:
    """(P, R): O, B or I for the first piece of each word, IGNORE elsewhere and where the role was not annotated.

    Of overlapping spans of one role the longer is kept. A span is cut at line breaks between sentences, as decoding is.
    """
    labels = np.full((len(pieces.ids), len(roles)), IGNORE, np.int64)
    known = pieces.first & ~np.isin(pieces.sentence, list(gold.masked))
    for r, role in enumerate(roles):
        if Head(role) not in gold.heads:
            continue
        labels[known, r] = O
        spans = {span for part in role_spans(gold.document, Role(role)) for span in cut_at_breaks(gold, part)}
        taken = np.zeros(len(pieces.ids), np.bool_)
        for span in sorted(spans, key=lambda s: (s.start - s.end, s.start)):
            inside = np.flatnonzero((pieces.start < span.end) & (pieces.end > span.start) & pieces.first)
            if not len(inside) or taken[inside].any():
                continue
            taken[inside] = True
            tags = np.where(np.arange(len(inside)) == 0, B, I)
            labels[inside, r] = np.where(known[inside], tags, IGNORE)
    return labels


def facet_labels(gold: Gold, facets: Sequence[str]) -> Ints:
    """(N, F): 0 or 1, IGNORE where not annotated or disputed."""
    labels = np.full((len(gold.document.sentences), len(facets)), IGNORE, np.int64)
    for k, sentence in enumerate(gold.document.sentences):
        for f, facet in enumerate(facets):
            if k not in gold.masked and Facet(facet) in sentence.facets:
                labels[k, f] = int(sentence.facets[Facet(facet)] >= 0.5)
    return labels


class Taught(NamedTuple):
    """A teacher's probabilities for a document: roles (P, R, 3), facets (N, F); judged (N, 5) as in `judged_labels`.

    IGNORE where it says nothing.
    """

    roles: Floats
    facets: Floats
    judged: Floats


POSITION_LABELS = ("official_labels", "polarity_labels")


def judged_labels(gold: Gold) -> Ints:
    """(N, 2 + 3), 0 or 1: has the sentence an official source, does it evaluate; is its stance this polarity or that.

    IGNORE where not annotated, and for the stance where the sentence has none.
    """
    document = gold.document
    labels = np.full((len(document.sentences), N_JUDGED), IGNORE, np.int64)
    if not {Head.OFFICIAL, Head.STANCE, Head.OFFICIAL_ASSESSMENT} <= gold.heads:
        return labels
    for k, sentence in enumerate(document.sentences):
        if k in gold.masked:
            continue
        official = [a.official for a in document.attributions if k in a.sentences and a.official is not None]
        labels[k, 0] = int(official[0] >= 0.5) if official else 0
        if sentence.stance is not None:
            labels[k, 2:] = [sentence.stance is polarity for polarity in POLARITIES]
        evaluates = sentence.stance not in (None, Polarity.NEUTRAL)
        if Facet.OFFICIAL_ASSESSMENT in sentence.facets:
            labels[k, 1] = int(evaluates or sentence.facets[Facet.OFFICIAL_ASSESSMENT] >= 0.5)
    return labels


def word_labels(gold: Gold, pieces: Pieces) -> tuple[Ints, Ints]:
    """Each (P,): official on the words of sources, index of the polarity on those of targets; IGNORE elsewhere."""
    official, polarity = (np.full(len(pieces.ids), IGNORE, np.int64) for _ in range(2))
    for attribution in gold.document.attributions:
        if Head.STANCE in gold.heads:
            for stance in attribution.stance:
                polarity[_words(pieces, stance.target)] = POLARITIES.index(stance.polarity)
        if Head.OFFICIAL in gold.heads and attribution.official is not None:
            for span in attribution.source:
                official[_words(pieces, span)] = int(attribution.official >= 0.5)
    return official, polarity


def _words(pieces: Pieces, span: Span) -> Ints:
    inside: Ints = np.flatnonzero((pieces.start < span.end) & (pieces.end > span.start) & pieces.first)
    return inside


def examples(
    golds: Iterable[Gold],
    tokenizer: Tokenizer,
    *,
    window: int,
    context: int,
    cls: int,
    sep: int,
    facets: Sequence[str],
    roles: Sequence[str],
    codebook_roles: float,
    teacher: Callable[[Gold], Taught] | None = None,
) -> Iterator[dict[str, Any]]:
    """Windows that hold at least one label.

    ids, types, sentence, block_starts (L,), facet_labels (S, F), role_labels (L, R), role_weight, length; judged_labels
    (S, 5), official_labels, polarity_labels (L,). With a teacher facets and judged are half its probabilities, and
    all where nobody annotated them; role_targets (L, R, 3) half its, half the annotated tag.
    """
    for gold in golds:
        spans = [s.span for s in gold.document.sentences]
        pieces = tokenize(tokenizer, spans)
        by_piece = role_labels(gold, pieces, roles)
        by_sentence, judged = facet_labels(gold, facets), judged_labels(gold)
        if teacher is not None:
            taught = teacher(gold)
            by_tag = (np.eye(3, dtype=np.float32)[by_piece.clip(min=0)] + taught.roles) / 2
            by_sentence, judged = by_sentence.astype(np.float64), judged.astype(np.float64)
            for labels, said in ((by_sentence, taught.facets), (judged, taught.judged)):
                labels[:] = np.where(labels == IGNORE, said, (labels + said) / 2)
            # a stance is somebody's: a teacher's word for it counts only where something is attributed
            judged[by_sentence[:, facets.index(Facet.ATTRIBUTION)] < 0.5, 2:] = IGNORE
        of_words = word_labels(gold, pieces)
        block_starts = np.zeros(len(pieces.ids), np.bool_)
        block_starts[[lo for lo, _ in blocks(gold.document.text, spans, pieces.sentence)]] = True
        for w in windows(pieces, len(spans), size=window, context=context, cls=cls, sep=sep):
            tags = np.full((len(w.ids), len(roles)), IGNORE, np.int64)
            tags[w.core] = by_piece[w.lo : w.hi]
            labels = by_sentence[w.sentences]
            by_position = []
            for values in of_words:
                row = np.full(len(w.ids), IGNORE, np.int64)
                row[w.core] = values[w.lo : w.hi]
                by_position.append(row.tolist())
            if (tags == IGNORE).all() and (labels == IGNORE).all() and set(by_position[1]) == {IGNORE}:
                continue
            opens = np.zeros(len(w.ids), np.bool_)
            opens[w.core] = block_starts[w.lo : w.hi]
            row = {
                "ids": w.ids.tolist(),
                "types": w.types.tolist(),
                "sentence": w.sentence.tolist(),
                "facet_labels": labels.tolist(),
                "role_labels": tags.tolist(),
                "judged_labels": judged[w.sentences].tolist(),
                **dict(zip(POSITION_LABELS, by_position, strict=True)),
                "block_starts": opens.tolist(),
                "role_weight": 1.0 if gold.corpus == "polnear" else codebook_roles,
                "length": len(w.ids),
            }
            if teacher is not None:
                targets = np.zeros((len(w.ids), len(roles), 3), np.float32)
                targets[w.core] = by_tag[w.lo : w.hi]
                row["role_targets"] = targets.tolist()
            yield row


def collate(rows: Sequence[dict[str, Any]], pad: int) -> dict[str, torch.Tensor]:
    """A padded batch for `SaysoModel.forward`."""
    length = max(len(row["ids"]) for row in rows)
    count = max(len(row["facet_labels"]) for row in rows)
    n_facets, n_roles = len(rows[0]["facet_labels"][0]), len(rows[0]["role_labels"][0])
    ids = torch.full((len(rows), length), pad)
    attention, types = (torch.zeros((len(rows), length), dtype=torch.long) for _ in range(2))
    sentence_mask = torch.zeros((len(rows), count, length), dtype=torch.bool)
    facets = torch.full((len(rows), count, n_facets), float(IGNORE))
    tags = torch.full((len(rows), length, n_roles), IGNORE)
    opens = torch.zeros((len(rows), length), dtype=torch.bool)
    judged = torch.full((len(rows), count, N_JUDGED), float(IGNORE))
    by_position = {name: torch.full((len(rows), length), IGNORE) for name in POSITION_LABELS}
    for b, row in enumerate(rows):
        n, s = len(row["ids"]), len(row["facet_labels"])
        ids[b, :n] = torch.tensor(row["ids"])
        types[b, :n] = torch.tensor(row["types"])
        attention[b, :n] = 1
        sentence_mask[b, :s, :n] = torch.tensor(row["sentence"])[None, :] == torch.arange(s)[:, None]
        facets[b, :s] = torch.tensor(row["facet_labels"])
        tags[b, :n] = torch.tensor(row["role_labels"])
        opens[b, :n] = torch.tensor(row["block_starts"])
        judged[b, :s] = torch.tensor(row["judged_labels"])
        for name, values in by_position.items():
            values[b, :n] = torch.tensor(row[name])
    taught = {}
    if "role_targets" in rows[0]:
        taught["role_targets"] = torch.zeros((len(rows), length, n_roles, 3))
        for b, row in enumerate(rows):
            taught["role_targets"][b, : len(row["ids"])] = torch.tensor(row["role_targets"])
    return {
        "input_ids": ids,
        "attention_mask": attention,
        "token_type_ids": types,
        "sentence_mask": sentence_mask,
        "facet_labels": facets,
        "role_labels": tags,
        "block_starts": opens,
        "role_weights": torch.tensor([row["role_weight"] for row in rows]),
        "judged_labels": judged,
        **by_position,
        **taught,
    }


class TokenBudgetBatches:
    """Batches of similar length whose padded size stays within a token budget; reshuffled each epoch by seed.

    A batch sampler for torch's DataLoader: lengths (N,), budget in positions. Batches are drawn inside buckets of 32
    positions, so that an epoch always has the same number of them.
    """

    def __init__(self, lengths: Sequence[int], budget: int, seed: int) -> None:
        self.budget, self.seed, self.epoch = budget, seed, 0
        rounded = -(-np.asarray(lengths) // 32) * 32
        self.buckets = [(int(length), np.flatnonzero(rounded == length)) for length in np.unique(rounded)]

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __iter__(self) -> Iterator[list[int]]:
        random = np.random.default_rng((self.seed, self.epoch))
        batches = []
        for length, members in self.buckets:
            size = max(1, self.budget // length)
            order = random.permutation(members).tolist()
            batches += [order[i : i + size] for i in range(0, len(order), size)]
        random.shuffle(batches)
        return iter(batches)

    def __len__(self) -> int:
        return sum(-(-len(members) // max(1, self.budget // length)) for length, members in self.buckets)
