"""Where the training corpora lie, and one door to all of them: `load("wire", "dev")`.

All but the bundled one are copyrighted news and no part of the project; `HOMES` says where each is published. Here is
also what the readers share: the error, and JSON and text files that name themselves when they are broken.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sayso.data.schema import Gold

ENVIRONMENT = "SAYSO_CORPORA"
DEFAULT = Path("../shared/corpora")

HOMES = {
    "polnear": "https://github.com/networkdynamics/PolNeAR",
    "wire": "https://github.com/prafulla77/Discourse_Profiling, https://github.com/MicrosoftTranslator/NTREX,"
    " https://github.com/fhamborg/Giveme5W1H and the MPQA documents",
    "mpqa": "https://github.com/amarasovic/naacl-mpqa-srl4orl",
    "newsmtsc": "https://github.com/fhamborg/NewsMTSC",
}
SPLITS = ("train", "dev")


class CorpusError(ValueError):
    """A corpus that is missing or broken; the message starts with `path:line: ` (or `path: `)."""

    def __init__(self, path: Path, message: str, line: int | None = None) -> None:
        self.path, self.line = path, line
        super().__init__(f"{path}:{line}: {message}" if line is not None else f"{path}: {message}")


def corpora_dir() -> Path:
    """The folder that holds the corpora: $SAYSO_CORPORA, else ../shared/corpora; `CorpusError` if there is none."""
    named = os.environ.get(ENVIRONMENT)
    folder = Path(named) if named else DEFAULT
    if folder.is_dir():
        return folder
    homes = "".join(f"\n  {name}: {home}" for name, home in HOMES.items())
    raise CorpusError(
        folder,
        f"no such folder; set {ENVIRONMENT} to the folder that holds {', '.join(HOMES)}. Their public homes:{homes}",
    )


def load(name: str, split: str, root: Path | None = None) -> list[Gold]:
    """All documents of one split of one corpus, sorted by id.

    "bundled" is the project's own; the others lie under `root` (default: `corpora_dir()`).
    `ValueError` on an unknown name or split, `CorpusError` on a missing or broken corpus.
    """
    from sayso.data import bundled, mpqa, newsmtsc, polnear, wire  # they import this module

    if name == "bundled":  # lies in the package, and has a split of its own
        return sorted(bundled.read(split), key=lambda gold: gold.document.id)

    readers: dict[str, Callable[[Path, str], Iterator[Gold]]] = {
        "polnear": polnear.read,
        "wire": wire.read,
        "mpqa": mpqa.read,
        "newsmtsc": newsmtsc.read,
    }
    if name not in readers:
        raise ValueError(f"corpus {name!r}: expected one of bundled, {', '.join(readers)}")
    check_split(split)
    return sorted(readers[name](root if root is not None else corpora_dir(), split), key=lambda gold: gold.document.id)


def available(names: Iterable[str]) -> tuple[str, ...]:
    """Those of the named corpora that are there: the bundled one always, others where `corpora_dir()` holds them."""
    try:
        folder = corpora_dir()
    except CorpusError:
        return tuple(name for name in names if name == "bundled")
    return tuple(name for name in names if name == "bundled" or (folder / name).is_dir())


def load_golds(names: Iterable[str], split: str, limit: int = 0) -> dict[str, list[Gold]]:
    """Corpus to its documents; `limit`: only the first so many of each (0: all)."""
    return {name: load(name, split)[: limit or None] for name in names}


def check_split(split: str) -> None:
    """`ValueError` unless `split` is one of `SPLITS`."""
    if split not in SPLITS:
        raise ValueError(f"split {split!r}: expected one of {', '.join(SPLITS)}")


def need(path: Path, corpus: str) -> Path:
    """`path` if it exists; else a `CorpusError` that names the public home of `corpus`."""
    if not path.exists():
        raise CorpusError(path, f"not found; {corpus} is expected there, its public home is {HOMES[corpus]}")
    return path


def read_text(path: Path) -> str:
    """The file's text exactly as it is, line ends included, so that offsets hold; `CorpusError` if it isn't UTF-8."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return file.read()
    except UnicodeDecodeError as error:
        raise CorpusError(
            path, f"expected UTF-8, found byte {error.object[error.start]:#04x} at {error.start}"
        ) from error


def parse_object(text: str, path: Path, line: int = 1) -> dict[str, Any]:
    """The JSON object that `text` holds, which begins on `line` of `path`; `CorpusError` if it holds none."""
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise CorpusError(path, f"expected JSON, found {error.msg}", line + error.lineno - 1) from error
    if not isinstance(value, dict):
        raise CorpusError(path, f"expected a JSON object, found {type(value).__name__}", line)
    return value


@contextmanager
def blaming(path: Path, line: int = 1, where: str = "") -> Iterator[None]:
    """Turn what goes wrong on the way from parsed JSON to the record into a `CorpusError` at that line of `path`."""
    try:
        yield
    except CorpusError:
        raise
    except KeyError as error:
        raise CorpusError(path, f"{where}expected the key {error}, found none", line) from error
    except (TypeError, ValueError, AttributeError) as error:
        raise CorpusError(path, f"{where}{error}", line) from error


def read_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Number (from 1) and object of every non-blank line of a JSON Lines file."""
    for number, line in enumerate(read_text(path).split("\n"), 1):
        if line.strip():
            yield number, parse_object(line, path, number)
