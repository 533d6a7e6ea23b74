"""The artifact on disk: a folder with manifest.json, tokenizer.json and one ONNX graph.

The manifest carries all that inference needs and all that its card tells; every file is checked against its hash when
the artifact is loaded, and an unknown schema version is refused, never patched.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from sayso.data.schema import Facet, ModelInfo, Role

SCHEMA = "sayso/model/4"
MANIFEST, TOKENIZER, GRAPH = "manifest.json", "tokenizer.json", "model.onnx"
INPUTS = ("input_ids", "token_type_ids", "sentence_mask")  # of the graph, in order


class ArtifactError(ValueError):
    """A model folder that cannot be used; one line: what is wrong, and what to do."""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """Everything about a trained model but its weights.

    facets, roles: order of the graph's outputs. thresholds: probability from which a facet holds. temperatures, biases:
    what each facet's logit is divided by, and what is added then, before the sigmoid (Platt, 1999). transitions (role
    by tag by tag) and starts (role by tag) are added to the tags' scores in decoding. window, context: positions. cls,
    sep: vocabulary ids. linker, resolver: weights of `sayso.models.linking` and `sayso.models.resolution`.
    files: name to "sha256:...". data: corpus to "sha256:..." of what it was trained on. scores: split and metric to
    figure, measured through this artifact. parity: what the export changed. environment: versions.
    """

    name: str
    version: str
    encoder: str
    facets: tuple[str, ...]
    roles: tuple[str, ...]
    thresholds: Mapping[str, float]
    temperatures: Mapping[str, float]
    biases: Mapping[str, float]
    transitions: Sequence[Sequence[Sequence[float]]]
    starts: Sequence[Sequence[float]]
    window: int
    context: int
    cls: int
    sep: int
    linker: Mapping[str, Sequence[float]]
    resolver: Mapping[str, Sequence[float]]
    files: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    scores: Mapping[str, Any] = field(default_factory=dict)
    parity: Mapping[str, Any] = field(default_factory=dict)
    command: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def info(self) -> ModelInfo:
        return ModelInfo(self.name, self.version, self.files.get(GRAPH, ""))

    def to_json(self) -> dict[str, Any]:
        return {"schema": SCHEMA} | asdict(self)


@dataclass(frozen=True)
class Artifact:
    """A checked model folder."""

    path: Path
    manifest: Manifest


def sha256(path: Path) -> str:
    """The file's digest, "sha256:<hex>"."""
    with path.open("rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()


def save_manifest(path: Path, manifest: Manifest) -> None:
    (path / MANIFEST).write_text(json.dumps(manifest.to_json(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def bundled() -> Path:
    """Where the released model lies in an installed sayso."""
    return Path(__file__).parent / "release"


def load(path: Path | None = None) -> Artifact:
    """Read and check a model folder, the bundled one by default.

    `ArtifactError` where the folder, the manifest or a file is missing, the schema is another, or a hash differs.
    """
    folder = bundled() if path is None else path
    manifest = _read_manifest(folder)
    missing = [name for name in (TOKENIZER, GRAPH) if name not in manifest.files]
    if missing:
        raise ArtifactError(f"{folder / MANIFEST}: expected hashes of {TOKENIZER} and {GRAPH}, found none of {missing}")
    for name, expected in manifest.files.items():
        file = folder / name
        if not file.is_file():
            raise ArtifactError(f"{file}: expected this file of the model, found none; {_AGAIN}")
        found = sha256(file)
        if found != expected:
            raise ArtifactError(f"{file}: expected {expected}, found {found}: damaged or edited; {_AGAIN}")
    return Artifact(folder, manifest)


_AGAIN = "export it again with `sayso export`, or leave out --model to use the bundled model"


def _read_manifest(folder: Path) -> Manifest:
    path = folder / MANIFEST
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ArtifactError(f"{folder}: expected a model folder with {MANIFEST}, found none; {_AGAIN}") from error
    except ValueError as error:
        raise ArtifactError(f"{path}: expected JSON, found {error}; {_AGAIN}") from error
    found = value.pop("schema", None) if isinstance(value, dict) else None
    if found != SCHEMA:
        raise ArtifactError(
            f"{path}: expected schema {SCHEMA!r}, found {found!r}: made by another version of sayso; {_AGAIN}"
        )
    known = {f.name for f in fields(Manifest)}
    required = {f.name for f in fields(Manifest) if f.name not in _OPTIONAL}
    if not required <= value.keys() <= known:
        raise ArtifactError(
            f"{path}: expected the keys of {SCHEMA}; missing {sorted(required - value.keys())},"
            f" unknown {sorted(value.keys() - known)}; {_AGAIN}"
        )
    manifest = Manifest(**value | {"facets": tuple(value["facets"]), "roles": tuple(value["roles"])})
    for name, enum in (("facets", Facet), ("roles", Role)):
        unknown = set(getattr(manifest, name)) - set(enum)
        if unknown:
            raise ArtifactError(f"{path}: expected {name} among {[e.value for e in enum]}, found {sorted(unknown)}")
    return manifest


_OPTIONAL = {"data", "scores", "parity", "command", "config", "environment"}
