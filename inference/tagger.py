"""The tagger: a loaded model that reads articles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from pathlib import Path

from sayso.data.schema import Document, Span
from sayso.inference.runtime import onnx_encode
from sayso.models import artifact
from sayso.models.artifact import GRAPH, TOKENIZER, Manifest
from sayso.models.pipeline import Encode, tag
from sayso.models.windows import load_tokenizer


class Tagger:
    """Tags news reports; make one with `Tagger.load` and keep it.

    >>> from sayso import Tagger
    >>> document = Tagger.load().tag("Ferry traffic fell 40 percent, the ministry said.")
    """

    def __init__(self, manifest: Manifest, encode: Encode, tokenizer_path: Path) -> None:
        self.manifest = manifest
        self._encode = encode
        self._tokenizer = load_tokenizer(str(tokenizer_path))

    @classmethod
    def load(cls, path: str | Path | None = None, *, threads: int | None = None) -> Tagger:
        """Load a model folder, the bundled one by default; `threads`: None for all cores.

        `sayso.models.artifact.ArtifactError` where the folder is not a whole, unaltered model of this schema.
        """
        loaded = artifact.load(Path(path) if path is not None else None)
        return cls(loaded.manifest, onnx_encode(loaded.path / GRAPH, threads), loaded.path / TOKENIZER)

    def tag(
        self, text: str, id: str = "", *, targets: Sequence[Span] | None = None, min_confidence: float = 0.0
    ) -> Document:
        """Tag one article of any length; offsets in the result count code points of `text` as given.

        targets: spans of the text that stances are wanted towards (`sayso.models.sources.mentions_of` finds those of a
        name); None: what the model finds. min_confidence: probability below which a sentence is left without a label.
        """
        return tag(
            text,
            self._encode,
            self._tokenizer,
            self.manifest,
            id=id,
            model=self.manifest.info,
            targets=targets,
            min_confidence=min_confidence,
        )

    def tag_batch(self, texts: Iterable[str], ids: Iterable[str] | None = None) -> Iterator[Document]:
        """Tag articles one after the other, lazily, in the order given; `ids` as many as texts."""
        pairs = zip(texts, repeat(""), strict=False) if ids is None else zip(texts, ids, strict=True)
        for text, id in pairs:
            yield self.tag(text, id)
