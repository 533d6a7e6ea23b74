"""From a run folder to the artifact: ONNX graph, int8 weights, calibration, parity report, manifest, card.

int8: every weight matrix is quantized per output channel, symmetric; activations are quantized as they come. Without
VNNI, AVX2 adds two 8-bit products in 16 bits, which saturates; so weights use 7 of the 8 bits (`reduce_range`), and the
sums cannot overflow. The word embeddings, half of all weights, are kept as int8 rows with a scale each.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.shape_inference import quant_pre_process

from sayso.data.corpora import load_golds
from sayso.data.schema import Facet, Gold, Head
from sayso.models.artifact import GRAPH, TOKENIZER, Manifest, save_manifest, sha256
from sayso.models.network import SaysoModel, torch_encode
from sayso.models.pipeline import Encode, tag
from sayso.models.windows import load_tokenizer
from sayso.training.calibrate import calibrate
from sayso.training.card import card
from sayso.training.config import TrainingConfig
from sayso.training.evaluate import evaluate, predict
from sayso.training.run import blank_manifest

MAX_LOSS = 0.003  # of any dev figure, between the torch model and what is shipped
INPUTS = ("input_ids", "attention_mask", "token_type_ids", "sentence_mask")
OUTPUTS = ("facet_logits", "role_logits")


class _Graph(torch.nn.Module):
    """The model with tuples for outputs, as the exporter wants it."""

    def __init__(self, model: SaysoModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, *inputs: torch.Tensor) -> Any:
        output = self.model(*inputs)
        return output.facet_logits, output.role_logits


def export_fp32(model: SaysoModel, path: Path) -> None:
    """Write the graph; inputs and outputs as in `network`, ids int64 and masks int64 and bool."""
    batch, sentences, length = 2, 3, 16
    ids = torch.ones((batch, length), dtype=torch.long)
    mask = torch.zeros((batch, sentences, length), dtype=torch.bool)
    mask[:, :, :4] = True
    dims = {name: {0: "B", 1: "L"} for name in INPUTS} | {"sentence_mask": {0: "B", 1: "S", 2: "L"}}
    dims |= {"facet_logits": {0: "B", 1: "S"}, "role_logits": {0: "B", 1: "L"}}
    torch.onnx.export(
        _Graph(model.eval()),
        (ids, torch.ones_like(ids), torch.zeros_like(ids), mask),
        str(path),
        input_names=list(INPUTS),
        output_names=list(OUTPUTS),
        dynamic_axes=dims,
        opset_version=17,
        dynamo=False,
    )


def quantize(source: Path, target: Path) -> None:
    """int8 weights for every matrix product with a constant, and for the word embeddings; see the module's head."""
    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / "prepared.onnx"
        quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
        graph = onnx.load(str(prepared))
        quantize_embeddings(graph)
        onnx.save(graph, str(prepared))
        quantize_dynamic(
            str(prepared),
            str(target),
            op_types_to_quantize=["MatMul"],
            per_channel=True,
            reduce_range=True,
            weight_type=QuantType.QInt8,
            extra_options={"MatMulConstBOnly": True},
        )


def quantize_embeddings(model: onnx.ModelProto) -> None:
    """Replace the largest table that a Gather reads by int8 rows and one float32 scale a row, in place."""
    tables = {t.name: t for t in model.graph.initializer}
    gathers = [n for n in model.graph.node if n.op_type == "Gather" and n.input[0] in tables]
    node = max(gathers, key=lambda n: int(np.prod(tables[n.input[0]].dims)))
    table = numpy_helper.to_array(tables[node.input[0]])
    scale = np.abs(table).max(1, keepdims=True).astype(np.float32) / 127
    rows = np.round(table / np.maximum(scale, 1e-12)).astype(np.int8)
    name, ids, out = node.input[0], node.input[1], node.output[0]
    at = list(model.graph.node).index(node)
    new = [
        helper.make_node("Gather", [f"{name}_rows", ids], [f"{out}_rows"], axis=0),
        helper.make_node("Cast", [f"{out}_rows"], [f"{out}_float"], to=TensorProto.FLOAT),
        helper.make_node("Gather", [f"{name}_scale", ids], [f"{out}_scale"], axis=0),
        helper.make_node("Mul", [f"{out}_float", f"{out}_scale"], [out]),
    ]
    model.graph.node.remove(node)
    for k, n in enumerate(new):
        model.graph.node.insert(at + k, n)
    model.graph.initializer.remove(tables[name])
    model.graph.initializer.extend(
        [numpy_helper.from_array(rows, f"{name}_rows"), numpy_helper.from_array(scale, f"{name}_scale")]
    )


def export(run_dir: Path, out_dir: Path, encode_graph: Callable[[Path], Encode]) -> Manifest:
    """Write the artifact of a finished run to out_dir, and measure it on the dev corpora of the run.

    encode_graph: opens an ONNX file (`sayso.inference.runtime.onnx_encode`). `ValueError` where the run is not finished
    or the quantized graph loses more than `MAX_LOSS` on a dev figure; nothing is left in out_dir then.
    """
    if not (run_dir / "model" / "config.json").is_file():
        raise ValueError(f"{run_dir}: expected a finished run with model/, found none; train it with `sayso train`")
    config = TrainingConfig(**json.loads((run_dir / "config.json").read_text(encoding="utf-8")))
    environment = json.loads((run_dir / "environment.json").read_text(encoding="utf-8"))
    model = SaysoModel.from_pretrained(run_dir / "model")
    tokenizer = load_tokenizer(str(run_dir / TOKENIZER))
    dev = load_golds(config.dev, "dev", config.limit)
    with tempfile.TemporaryDirectory(dir=run_dir) as folder:
        fp32, int8 = Path(folder) / "fp32.onnx", Path(folder) / GRAPH
        export_fp32(model, fp32)
        quantize(fp32, int8)
        manifest = blank_manifest(config, model, tokenizer)
        tag_torch = partial(tag, encode=torch_encode(model), tokenizer=tokenizer, manifest=manifest)
        labelled = [g for golds in dev.values() for g in golds if {Head(facet.value) for facet in Facet} <= g.heads]
        temperatures, thresholds = calibrate(labelled, predict(labelled, tag_torch, "calibrate"))
        manifest = replace(manifest, temperatures=temperatures, thresholds=thresholds)
        encoders = {"torch": torch_encode(model), "onnx_fp32": encode_graph(fp32), "shipped": encode_graph(int8)}
        parity = {
            name: {
                corpus: s.figures()
                for corpus, s in evaluate(
                    dev, partial(tag, encode=encode, tokenizer=tokenizer, manifest=manifest), thresholds, progress=True
                ).items()
            }
            for name, encode in encoders.items()
        }
        worst, where = largest_loss(parity["torch"], parity["shipped"])
        if worst > MAX_LOSS:
            raise ValueError(
                f"{run_dir}: the int8 graph loses {100 * worst:.2f} points on {where}, more than {100 * MAX_LOSS:.1f}"
            )
        shutil.copy(run_dir / TOKENIZER, Path(folder) / TOKENIZER)
        manifest = replace(
            manifest,
            name="sayso-minilm-l6",
            version=version("sayso"),
            files={name: sha256(Path(folder) / name) for name in (GRAPH, TOKENIZER)},
            data={
                name: data_record(golds) for name, golds in load_golds(config.corpora, "train", config.limit).items()
            },
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
    """How much the worst figure fell from `before` to `after`, and which it is."""
    losses = [(before[c][name] - after[c][name], f"{c} {name}") for c in before for name in before[c]]
    return max(losses)


def data_record(golds: Sequence[Gold]) -> dict[str, Any]:
    """How many documents a model was trained on, and the digest of their ids and texts."""
    digest = hashlib.sha256()
    for gold in golds:
        digest.update(f"{gold.document.id}\0{gold.document.text}\0".encode("utf-8", "surrogatepass"))
    return {"documents": len(golds), "digest": "sha256:" + digest.hexdigest()}
