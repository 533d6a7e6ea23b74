"""From a run folder to the artifact: ONNX graph with packed weights, calibration, parity report, manifest, card."""

from __future__ import annotations

import json
import shutil
import tempfile
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from sayso.data.corpora import load_golds
from sayso.data.schema import Facet, Head
from sayso.models.artifact import GRAPH, INPUTS, TOKENIZER, Manifest, save_manifest, sha256
from sayso.models.network import SaysoModel, torch_encode
from sayso.models.pipeline import BY_SENTENCE, OUTPUTS, Encode, tag
from sayso.models.windows import load_tokenizer
from sayso.training.calibrate import calibrate, remember, tune_openings
from sayso.training.card import card
from sayso.training.config import TrainingConfig
from sayso.training.evaluate import evaluate, predict
from sayso.training.packing import pack
from sayso.training.run import RANKING, blank_manifest

MAX_LOSS = 0.003  # of any dev figure, between the torch model and what is shipped


class ExportError(ValueError):
    """A run that cannot be shipped; one line."""


class _Graph(torch.nn.Module):
    """The model with tuples for outputs, as the exporter wants it, for windows without padding."""

    def __init__(self, model: SaysoModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, ids: torch.Tensor, types: torch.Tensor, sentences: torch.Tensor) -> Any:
        output = self.model(ids, None, types, sentences)
        return tuple(output[name] for name in OUTPUTS)


def export_fp32(model: SaysoModel, path: Path) -> None:
    """Write the graph of an `exact` model; inputs and outputs as in `network`, ids and types int64, the mask bool."""
    batch, sentences, length = 2, 3, 16
    ids = torch.ones((batch, length), dtype=torch.long)
    mask = torch.zeros((batch, sentences, length), dtype=torch.bool)
    mask[:, :, :4] = True
    dims = {name: {0: "B", 1: "L"} for name in INPUTS} | {"sentence_mask": {0: "B", 1: "S", 2: "L"}}
    dims |= {name: {0: "B", 1: "S" if name in BY_SENTENCE else "L"} for name in OUTPUTS}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", torch.jit.TracerWarning)  # of a length that the graph does not depend on
        torch.onnx.export(
            _Graph(model.eval()),
            (ids, torch.zeros_like(ids), mask),
            str(path),
            input_names=list(INPUTS),
            output_names=list(OUTPUTS),
            dynamic_axes=dims,
            opset_version=17,
            dynamo=False,
        )


def export(run_dir: Path, out_dir: Path, encode_graph: Callable[[Path], Encode]) -> Manifest:
    """Write the artifact of a finished run to out_dir, and measure it on the dev corpora of the run.

    encode_graph: opens an ONNX file (`sayso.inference.runtime.OnnxEncode`). `ExportError` where the run is not
    finished or the packed graph loses more than `MAX_LOSS` on a dev figure; nothing is left in out_dir then.
    """
    if not (run_dir / "model" / "config.json").is_file():
        raise ExportError(f"{run_dir}: expected a finished run with model/, found none; train it with `sayso train`")
    config = TrainingConfig(**json.loads((run_dir / "config.json").read_text(encoding="utf-8")))
    environment = json.loads((run_dir / "environment.json").read_text(encoding="utf-8"))
    ranking = json.loads((run_dir / RANKING).read_text(encoding="utf-8"))
    model = SaysoModel.from_pretrained(run_dir / "model").exact()
    tokenizer = load_tokenizer(str(run_dir / TOKENIZER))
    dev = load_golds(config.dev, "dev", config.limit)
    with tempfile.TemporaryDirectory(dir=run_dir) as folder:
        fp32, packed = Path(folder) / "fp32.onnx", Path(folder) / GRAPH
        export_fp32(model, fp32)
        pack(fp32, packed)
        manifest = blank_manifest(config, model, tokenizer, ranking)
        shipped = remember(encode_graph(packed))  # tuned, calibrated and measured on the same windows
        manifest = tune_openings(dev, shipped, tokenizer, manifest)
        tag_shipped = partial(tag, encode=shipped, tokenizer=tokenizer, manifest=manifest)
        labelled = [g for golds in dev.values() for g in golds if {Head(facet.value) for facet in Facet} & g.heads]
        manifest = calibrate(labelled, predict(labelled, tag_shipped, "calibrate"), manifest)
        encoders = {"torch": torch_encode(model), "onnx_fp32": encode_graph(fp32), "shipped": shipped}
        parity = {}
        for name, encode in encoders.items():
            tag_text = partial(tag, encode=encode, tokenizer=tokenizer, manifest=manifest)
            found = evaluate(dev, tag_text, manifest.thresholds, progress=True)
            parity[name] = {corpus: s.figures() for corpus, s in found.items()}
        worst, where = largest_loss(parity["torch"], parity["shipped"])
        if worst > MAX_LOSS:
            raise ExportError(
                f"{run_dir}: the packed graph loses {100 * worst:.2f} points on {where}, more than {100 * MAX_LOSS:.1f}"
            )
        tokenizer.save(str(Path(folder) / TOKENIZER), pretty=False)
        manifest = replace(
            manifest,
            name="sayso-minilm-l6",
            version=version("sayso"),
            files={name: sha256(Path(folder) / name) for name in (GRAPH, TOKENIZER)},
            data=json.loads((run_dir / "data.json").read_text(encoding="utf-8")),
            scores={"dev": parity["shipped"]},
            parity=parity | {"largest_loss": round(worst, 4), "largest_loss_on": where},
            command=environment.pop("command"),
            config=config.to_json(),
            environment=environment,
        )
        out_dir.mkdir(parents=True, exist_ok=True)
        for name in (GRAPH, TOKENIZER):
            shutil.copy(Path(folder) / name, out_dir / name)
    save_manifest(out_dir, manifest)
    (out_dir / "README.md").write_text(card(manifest, out_dir), encoding="utf-8")
    return manifest


def largest_loss(
    before: Mapping[str, Mapping[str, float]], after: Mapping[str, Mapping[str, float]]
) -> tuple[float, str]:
    """How much the worst figure that counts fell from `before` to `after`, and which it is.

    Figures of few cases (targets, the two other stances, sources outside the sentence) move by more when one case
    does, and are reported beside the others without being a bar.
    """
    losses = [
        (before[c][name] - after[c].get(name, 0.0), f"{c} {name}")
        for c in before
        for name in before[c]
        if not name.endswith("target") and not name.startswith(("stance", "resolved", "official_acc"))
    ]
    return max(losses)
