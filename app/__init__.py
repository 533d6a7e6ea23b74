"""sayso: tags a news report sentence by sentence - claim, official assessment or attribution, and on whose say-so.

    from sayso import Tagger
    document = Tagger.load().tag(text)

Names are imported when they are first used: `import sayso` loads neither a model nor a runtime.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sayso.data.schema import Document as Document
    from sayso.inference.tagger import Tagger as Tagger

    __version__: str

__all__ = ["Document", "Tagger", "__version__"]


def __getattr__(name: str) -> object:
    match name:
        case "Tagger":
            from sayso.inference.tagger import Tagger

            return Tagger
        case "Document":
            from sayso.data.schema import Document

            return Document
        case "__version__":
            from importlib.metadata import version

            return version("sayso")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
