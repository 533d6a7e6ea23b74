"""One small configuration for a training run. An unknown key fails; a run folder keeps it as config.json."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any


class ConfigError(ValueError):
    """A configuration that cannot be used; one line."""


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """Sizes count word pieces (window, context, batch_tokens: positions of a padded batch); rates are AdamW's.

    corpora, dev: names for `sayso.data.corpora.load`, trained on and tuned on; "auto": the bundled corpus and what
    else is there of polnear, wire and (to train on) newsmtsc. encoder: a local folder, "auto" (see
    `sayso.training.base`), or a hub id. head_lr: rate of the fresh heads. layer_decay: factor on the rate from each
    layer to the one below. init: a trained model of ours to start from, instead of the bare encoder: the model/ of a
    run, or an exported one. teacher: the folder of a finished run, of a larger encoder say, whose probabilities are
    half of what is learned, and all where nothing is annotated. codebook_roles: weight of role tags from corpora other
    than PolNeAR, whose guidelines the spans follow and which marks more.
    frozen: "embeddings" keeps the word embeddings as they are, a number those of position and that many of the lower
    layers too. int8: learn to multiply in int8, as an exported graph does; "no" for a teacher, which is not exported.
    bf16: mixed precision, "auto" where hardware has it.
    patience: epochs without a better primary metric after which training stops. limit: documents a corpus, 0 for all.
    """

    corpora: tuple[str, ...] = ("auto",)
    dev: tuple[str, ...] = ("auto",)
    encoder: str = "auto"
    init: str = ""
    teacher: str = ""
    window: int = 384
    context: int = 64
    batch_tokens: int = 3072
    epochs: float = 10.0
    lr: float = 2e-4
    head_lr: float = 1e-3
    layer_decay: float = 0.9
    weight_decay: float = 0.01
    warmup: float = 0.06
    dropout: float = 0.1
    role_weight: float = 1.0
    facet_weight: float = 1.0
    codebook_roles: float = 0.25
    frozen: str = "embeddings"
    int8: str = "yes"
    bf16: str = "auto"
    patience: int = 3
    seed: int = 13
    limit: int = 0

    def __post_init__(self) -> None:
        choices = {"frozen": ("embeddings", "none"), "int8": ("yes", "no"), "bf16": ("auto", "yes", "no")}
        for name, allowed in choices.items():
            value = getattr(self, name)
            if value not in allowed and not (name == "frozen" and value.isdecimal()):
                raise ConfigError(f"config.{name}: expected one of {allowed}, found {getattr(self, name)!r}")
        if self.batch_tokens < self.window:
            raise ConfigError(
                f"config.batch_tokens: expected at least the window, {self.window}, found {self.batch_tokens}"
            )

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def load_config(file: Path | None = None, overrides: Sequence[str] = ()) -> TrainingConfig:
    """Defaults, then a TOML (or a run's config.json) file, then "key=value" overrides."""
    values: dict[str, Any] = {}
    if file is not None:
        try:
            text = file.read_text(encoding="utf-8")
            values = json.loads(text) if file.suffix == ".json" else tomllib.loads(text)
        except (OSError, ValueError) as error:
            raise ConfigError(f"{file}: {error}") from error
    for override in overrides:
        key, equals, value = override.partition("=")
        if not equals:
            raise ConfigError(f"--set {override}: expected key=value")
        values[key] = value
    defaults = {f.name: f.default for f in fields(TrainingConfig)}
    return TrainingConfig(**{key: _typed(key, value, defaults) for key, value in values.items()})


def _typed(key: str, value: Any, defaults: dict[str, Any]) -> Any:
    if key not in defaults:
        raise ConfigError(f"config.{key}: unknown key; expected one of {', '.join(defaults)}")
    kind = type(defaults[key])
    try:
        if kind is tuple:
            return tuple(value.split(",")) if isinstance(value, str) else tuple(value)
        return kind(value)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"config.{key}: expected {kind.__name__}, found {value!r}") from error
