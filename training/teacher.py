"""A larger model's view of the training documents, for the small one to learn from (Hinton et al., 2015)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer

from sayso.data.schema import Facet, Gold, Head, Role
from sayso.models.artifact import Manifest
from sayso.models.decode import blocks
from sayso.models.network import IGNORE, N_JUDGED, SaysoModel, tag_marginals, torch_encode
from sayso.models.pipeline import Prepared, stitch
from sayso.models.windows import tokenize, windows
from sayso.training.base import has_bf16
from sayso.training.evaluate import text_hash
from sayso.training.features import Taught


class Teacher:
    """A trained model whose tokenizer cuts words as the student's does.

    What it says of a document is kept in the folder `kept`, in half precision, and is there for the next student.
    """

    def __init__(self, model: SaysoModel, tokenizer: Tokenizer, manifest: Manifest, kept: Path) -> None:
        self.model, self.tokenizer, self.manifest, self.kept = model, tokenizer, manifest, kept
        kept.mkdir(exist_ok=True)

    def __call__(self, gold: Gold) -> Taught:
        """Probabilities for a document; nothing, at no cost, where the corpus has neither roles nor facets to learn."""
        spans = tuple(s.span for s in gold.document.sentences)
        pieces = tokenize(self.tokenizer, spans)
        if not gold.heads & {Head(name) for name in (*Role, *Facet)}:
            shapes = ((len(pieces.ids), len(Role), 3), (len(spans), len(Facet)), (len(spans), N_JUDGED))
            return Taught(*(np.full(shape, IGNORE, np.float32) for shape in shapes))
        file = self.kept / f"{text_hash(gold.document.text)}.npz"
        if not file.exists():
            m = self.manifest
            cut = windows(pieces, len(spans), size=m.window, context=m.context, cls=m.cls, sep=m.sep)
            with torch.autocast("cuda" if torch.cuda.is_available() else "cpu", torch.bfloat16, enabled=has_bf16()):
                outputs = list(torch_encode(self.model)(cut))
            logits = stitch(Prepared(gold.document.text, spans, pieces, cut), outputs, m)
            words = np.flatnonzero(pieces.first)
            starts = np.zeros(len(words), np.bool_)
            starts[[lo for lo, _ in blocks(gold.document.text, spans, pieces.sentence[words])]] = True
            roles = np.zeros(logits.roles.shape, np.float16)
            roles[words] = tag_marginals(
                torch.from_numpy(logits.roles[words]),
                torch.from_numpy(starts),
                self.model.role_transitions,
                self.model.role_starts,
            ).numpy()
            judged, facets = torch.from_numpy(logits.judged), torch.from_numpy(logits.facets)
            judged = torch.cat([judged[:, :2].sigmoid(), judged[:, 2:].softmax(-1)], 1)
            np.savez(file, roles=roles, facets=facets.sigmoid().half().numpy(), judged=judged.half().numpy())
        with np.load(file) as arrays:
            return Taught(*(arrays[name].astype(np.float32) for name in Taught._fields))
