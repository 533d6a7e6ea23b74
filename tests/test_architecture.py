"""The picture of the layers, read from the imports: data <- models <- training, inference <- app."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BELOW = {
    "data": set[str](),
    "models": {"data"},
    "training": {"data", "models"},
    "inference": {"data", "models"},
    "app": {"data", "models", "training", "inference"},
}
TORCH_FAMILY = {"torch", "transformers", "datasets", "accelerate", "onnx", "onnxscript", "sklearn"}
NETWORK = "sayso.models.network"


def imports(tree: ast.AST, package: str) -> Iterator[tuple[int, str]]:
    """Line and full name of everything that is imported, at any depth; relative imports are resolved."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
            module = ".".join([*parents, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)


def violations(source: str, file: str) -> list[str]:
    """What `file` ("layer/.../name.py") imports against the picture, as "file:line: ..." lines."""
    layer = file.split("/")[0]
    package = ".".join(["sayso", *(file.split("/")[:-1] if layer != "app" else file.split("/")[1:-1])])
    found = []
    for line, name in imports(ast.parse(source), package):
        top, *rest = name.split(".")
        if top == "sayso":
            target = rest[0] if rest and rest[0] in BELOW else "app"
            if target != layer and target not in BELOW[layer]:
                found.append(f"{file}:{line}: {layer} imports {target} ({name})")
            if name.startswith(NETWORK) and layer != "training":
                found.append(f"{file}:{line}: {layer} imports the torch file of models ({name})")
        elif top in TORCH_FAMILY and layer != "training" and file != "models/network.py":
            found.append(f"{file}:{line}: {top} outside of training and models/network.py")
    return found


def test_imports_follow_the_picture() -> None:
    files = [path for layer in BELOW for path in sorted((ROOT / layer).rglob("*.py"))]
    assert len(files) > len(BELOW)
    assert [v for f in files for v in violations(f.read_text("utf-8"), f.relative_to(ROOT).as_posix())] == []


@pytest.mark.parametrize(
    ("file", "source", "problem"),
    [
        ("data/a.py", "from sayso.models.windows import cut", "data imports models"),
        ("data/a.py", "from sayso import Tagger", "data imports app"),
        ("data/a.py", "def f():\n    import torch.nn", "torch outside"),
        ("models/a.py", "import sayso.training.run", "models imports training"),
        ("models/a.py", "from ..inference import tagger", "models imports inference"),
        ("models/a.py", "from . import network", "models imports the torch file"),
        ("models/a.py", "import transformers", "transformers outside"),
        ("training/a.py", "from sayso.inference.tagger import Tagger", "training imports inference"),
        ("inference/a.py", "from sayso import training", "inference imports training"),
        ("inference/a.py", "from sayso.models.network import Network", "inference imports the torch file"),
        ("inference/a.py", "from sayso.cli import app", "inference imports app"),
        ("app/a.py", "import torch", "torch outside"),
    ],
)
def test_a_violation_is_found(file: str, source: str, problem: str) -> None:
    found = violations(source, file)
    assert len(found) == 1
    assert problem in found[0]


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("models/network.py", "import torch\nfrom sayso.data.schema import Role"),
        ("training/a.py", "import torch\nfrom sayso.models.network import Network\nfrom . import config"),
        ("inference/a.py", "from sayso.models import decode\nfrom .render import table\nimport datasets_of_mine"),
        ("app/cli.py", "def f():\n    from sayso.training import run\n    from .data import schema"),
    ],
)
def test_what_the_picture_allows_passes(file: str, source: str) -> None:
    assert violations(source, file) == []


@pytest.mark.parametrize(
    "module",
    ["sayso", "sayso.cli", *(f"sayso.inference.{f.stem}" for f in sorted((ROOT / "inference").glob("[!_]*.py")))],
)
def test_inference_brings_no_torch_along(module: str) -> None:
    code = f"import sys, {module}; print(*sorted({TORCH_FAMILY!r} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert run.stdout.strip() == ""
