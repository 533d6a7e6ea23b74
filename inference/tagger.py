"""The tagger: a loaded model that reads articles."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import Future
from itertools import islice, repeat
from pathlib import Path

from sayso.data.schema import Document, Span
from sayso.inference.runtime import OnnxEncode, cancel
from sayso.models import artifact
from sayso.models.artifact import GRAPH, TOKENIZER, Manifest
from sayso.models.pipeline import Prepared, finish, prepare, tag
from sayso.models.sources import mentions_of
from sayso.models.windows import Logits, load_tokenizer

READ_AHEAD = 4  # windows a thread: enough to work on while an article is finished and the next one prepared


class Tagger:
    """Tags news reports; make one with `Tagger.load` and keep it.

    >>> from sayso import Tagger
    >>> document = Tagger.load().tag("Ferry traffic fell 40 percent, the ministry said.")
    """

    def __init__(self, manifest: Manifest, encode: OnnxEncode, tokenizer_path: Path) -> None:
        self.manifest = manifest
        self._encode = encode
        self._tokenizer = load_tokenizer(str(tokenizer_path))

    @classmethod
    def load(cls, path: str | Path | None = None, *, threads: int | None = None) -> Tagger:
        """Load a model folder, the bundled one by default; `threads` encode, None for one a core.

        `sayso.models.artifact.ArtifactError` where the folder is not a whole, unaltered model of this schema.
        """
        folder = Path(path) if path is not None else artifact.bundled()
        encode = OnnxEncode(folder / GRAPH, threads)  # loads beside what follows, and is asked only if that goes well
        return cls(artifact.load(folder).manifest, encode, folder / TOKENIZER)

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

    def tag_batch(
        self,
        texts: Iterable[str],
        ids: Iterable[str] | None = None,
        *,
        target: str | None = None,
        min_confidence: float = 0.0,
    ) -> Generator[Document, None, None]:
        """Tag articles, lazily, in the order given; `ids` as many as texts.

        target: a name, for stances towards its mentions alone; min_confidence: see `tag`.

        The answers are those of `tag`, faster: windows of several articles are encoded side by side. What is read ahead
        of the document that comes next is bounded (`READ_AHEAD`, and one article), so texts may be an endless stream.
        Close the generator to stop the work early.
        """
        pairs = zip(texts, repeat(""), strict=False) if ids is None else zip(texts, ids, strict=True)
        begun: deque[tuple[str, Prepared, list[Future[Logits]]]] = deque()

        def finish_first() -> Document:
            id, prepared, futures = begun[0]
            outputs = (future.result() for future in futures)
            document = finish(
                prepared,
                outputs,
                self.manifest,
                id=id,
                model=self.manifest.info,
                targets=mentions_of(prepared.text, target) if target else None,
                min_confidence=min_confidence,
            )
            begun.popleft()
            return document

        def is_due() -> bool:
            """Is the first article answered, or so much begun behind it that the workers can do without more."""
            behind = sum(max(1, len(futures)) for _, _, futures in islice(begun, 1, None))
            return behind >= READ_AHEAD * self._encode.threads or all(future.done() for future in begun[0][2])

        try:
            for text, id in pairs:
                prepared = prepare(text, self._tokenizer, self.manifest)
                begun.append((id, prepared, self._encode.start(prepared.windows)))
                while begun and is_due():
                    yield finish_first()
            while begun:
                yield finish_first()
        finally:
            for _, _, futures in begun:
                cancel(futures)
