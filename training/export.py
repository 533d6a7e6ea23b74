"""From a run folder to the artifact: ONNX graph with packed weights, calibration, parity report, manifest, card.

Large matrices (word embeddings, feed-forward layers) are stored as int8 with a float16 scale for each 16 or 32
values, small ones as float16; the arithmetic is float32, and the runtime unfolds the matrices once, when it loads the
graph. Dynamic quantization, which multiplies in int8 too, moved dev figures by up to a point: see docs/LOG.md.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

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
from sayso.training.run import RANKING, blank_manifest

MAX_LOSS = 0.003  # of any dev figure, between the torch model and what is shipped
SMALL = 200_000  # values; matrices up to this size are kept in float16
GROUP, ROWS_GROUP = 16, 32  # values that share a scale: of a matrix that multiplies, of a row of word embeddings


class ExportError(ValueError):
    """A run that cannot be shipped; one line."""


class _Graph(torch.nn.Module):
    """The model with tuples for outputs, as the exporter wants it."""

    def __init__(self, model: SaysoModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, *inputs: torch.Tensor) -> Any:
        output = self.model(*inputs)
        return tuple(output[name] for name in OUTPUTS)


def export_fp32(model: SaysoModel, path: Path) -> None:
    """Write the graph; inputs and outputs as in `network`, ids int64 and masks int64 and bool."""
    batch, sentences, length = 2, 3, 16
    ids = torch.ones((batch, length), dtype=torch.long)
    mask = torch.zeros((batch, sentences, length), dtype=torch.bool)
    mask[:, :, :4] = True
    dims = {name: {0: "B", 1: "L"} for name in INPUTS} | {"sentence_mask": {0: "B", 1: "S", 2: "L"}}
    dims |= {name: {0: "B", 1: "S" if name in BY_SENTENCE else "L"} for name in OUTPUTS}
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


def pack(source: Path, target: Path) -> None:
    """Rewrite a float32 graph with packed weights; see the module's head."""
    model = onnx.load(str(source))
    graph = model.graph
    weights = {t.name: t for t in graph.initializer if t.data_type == TensorProto.FLOAT and len(t.dims) == 2}
    for node in list(graph.node):
        table = 0 if node.op_type == "Gather" else 1 if node.op_type == "MatMul" else None
        if table is None or node.input[table] not in weights:
            continue
        weight = weights.pop(node.input[table])
        values = numpy_helper.to_array(weight)
        graph.initializer.remove(weight)
        at = list(graph.node).index(node)
        if node.op_type == "MatMul":  # (in, out): groups run down a column
            made, tensors = _packed(weight.name, np.ascontiguousarray(values.T), f"{weight.name}_rows")
            made.append(helper.make_node("Transpose", [f"{weight.name}_rows"], [f"{weight.name}_full"], perm=[1, 0]))
            node.input[1] = f"{weight.name}_full"
        else:  # embeddings: only the rows that are read are unfolded
            made, tensors = _packed(weight.name, values, node.output[0], rows=node.input[1])
            graph.node.remove(node)
        for k, new in enumerate(made):
            graph.node.insert(at + k, new)
        graph.initializer.extend(tensors)
    onnx.save(model, str(target))


def _packed(
    name: str, values: npt.NDArray[np.float32], output: str, rows: str | None = None
) -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
    """Nodes that unfold a packed (N, H) matrix, or those of its rows that `rows` names, into `output`; its tensors."""
    if values.size <= SMALL:
        parts = {"half": values.astype(np.float16)}
    else:
        groups = values.reshape(len(values), -1, GROUP if rows is None else ROWS_GROUP)
        scale = np.maximum(np.abs(groups).max(-1, keepdims=True) / 127, 1e-7).astype(np.float16)
        parts = {"int8": np.round(groups / scale.astype(np.float32)).clip(-127, 127).astype(np.int8), "scale": scale}
    nodes, floats = [], []
    for kind in parts:
        read = f"{name}_{kind}"
        if rows is not None:
            nodes.append(helper.make_node("Gather", [read, rows], [f"{output}_{kind}"], axis=0))
            read = f"{output}_{kind}"
        floats.append(output if len(parts) == 1 else f"{output}_{kind}_float")
        nodes.append(helper.make_node("Cast", [read], [floats[-1]], to=TensorProto.FLOAT))
    tensors = [numpy_helper.from_array(part, f"{name}_{kind}") for kind, part in parts.items()]
    if len(parts) == 2:
        # (..., groups, values of a group) back to (..., H): word ids are (B, L), a matrix has its rows alone
        shape = [0, 0, -1] if rows is not None else [0, -1]
        tensors.append(numpy_helper.from_array(np.array(shape), f"{output}_shape"))
        nodes.append(helper.make_node("Mul", floats, [f"{output}_groups"]))
        nodes.append(helper.make_node("Reshape", [f"{output}_groups", f"{output}_shape"], [output]))
    return nodes, tensors


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
    model = SaysoModel.from_pretrained(run_dir / "model")
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
        labelled = [g for golds in dev.values() for g in golds if {Head(facet.value) for facet in Facet} <= g.heads]
        temperatures, thresholds = calibrate(labelled, predict(labelled, tag_shipped, "calibrate"))
        manifest = replace(manifest, temperatures=temperatures, thresholds=thresholds)
        encoders = {"torch": torch_encode(model), "onnx_fp32": encode_graph(fp32), "shipped": shipped}
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
