"""Weights as the artifact stores them: an ONNX graph packed, and unpacked to train on from it.

The encoder's matrices multiply in int8 (dynamic quantization, each column its scale), as `Int8Linear` was trained to.
Word embeddings are stored as int8 with a float16 scale for each 32 values, other matrices as float16; the runtime
unfolds what it reads of those to float32.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import quantize_dynamic
from onnxruntime.quantization.quant_utils import add_pre_process_metadata

from sayso.models.artifact import GRAPH, MANIFEST

SMALL = 200_000  # values; tables up to this size are kept in float16
GROUP = 32  # values of a row of word embeddings that share a scale
ENCODER = "/model/encoder/"  # how the names of its nodes begin


def pack(source: Path, target: Path) -> None:
    """Rewrite a float32 graph with packed weights; see the module's head."""
    exact = onnx.load(str(source))
    add_pre_process_metadata(exact)  # or it advises to fuse nodes first, which the runtime does itself
    layers = [node.name for node in exact.graph.node if node.op_type == "MatMul" and node.name.startswith(ENCODER)]
    quantize_dynamic(exact, target, ["MatMul"], nodes_to_quantize=layers, per_channel=True, reduce_range=True)
    model = onnx.load(str(target))
    graph = model.graph
    weights = {t.name: t for t in graph.initializer if t.data_type == TensorProto.FLOAT and len(t.dims) == 2}
    for node in list(graph.node):
        table = 0 if node.op_type == "Gather" else 1 if node.op_type == "MatMul" else None
        if table is None or node.input[table] not in weights:
            continue
        weight = weights.pop(node.input[table])
        graph.initializer.remove(weight)
        at = list(graph.node).index(node)
        values = numpy_helper.to_array(weight)
        if node.op_type == "MatMul":
            made, tensors = _packed(weight.name, values, f"{weight.name}_full")
            node.input[1] = f"{weight.name}_full"
        else:  # embeddings: only the rows that are read are unfolded
            made, tensors = _packed(weight.name, values, node.output[0], rows=node.input[1])
            graph.node.remove(node)
        for k, new in enumerate(made):
            graph.node.insert(at + k, new)
        graph.initializer.extend(tensors)
    onnx.save(model, str(target))


def unpack(artifact: Path) -> dict[str, torch.Tensor]:
    """The weights of an artifact by their names in `SaysoModel`, as they were rounded: to train on from a release."""
    graph = onnx.load(str(artifact / GRAPH)).graph
    tensors = {t.name: numpy_helper.to_array(t) for t in graph.initializer}

    def full(name: str) -> torch.Tensor:
        if f"{name}_int8" in tensors:
            groups = tensors[f"{name}_int8"] * tensors[f"{name}_scale"].astype(np.float32)
            return torch.from_numpy(groups.reshape(len(groups), -1))
        return torch.from_numpy(tensors.get(f"{name}_half", tensors.get(name)).astype(np.float32))

    # the exporter keeps the names of biases and tables; a matrix has that of the module whose node multiplies by it
    names = {name.removesuffix("_half").removesuffix("_int8") for name in tensors if not name.endswith("_scale")}
    kept = {name.removeprefix("model."): full(name) for name in names if name.startswith("model.")}
    for node in graph.node:
        module = node.name.removeprefix("/model/").removesuffix("_quant").removesuffix("/MatMul").replace("/", ".")
        if node.op_type == "MatMulInteger":
            name = node.input[1].removesuffix("_quantized")
            columns = tensors[node.input[1]] * tensors[f"{name}_scale"]
            kept[f"{module}.weight"] = torch.from_numpy(np.ascontiguousarray(columns.T))
        elif node.op_type == "MatMul" and node.input[1].endswith("_full"):
            kept[f"{module}.weight"] = full(node.input[1].removesuffix("_full")).T.contiguous()
    manifest = json.loads((artifact / MANIFEST).read_text(encoding="utf-8"))  # of whatever schema
    kept |= {f"role_{name}": torch.tensor(manifest[name]) for name in ("transitions", "starts")}
    shape = (len(manifest["facets"]), 1, len(kept["facet_dense.bias"]))  # folded with its new axis, under no name
    kept["facet_out.weight"] = next(full(name).squeeze(1) for name in names if full(name).shape == shape)
    return kept


def _packed(
    name: str, values: npt.NDArray[np.float32], output: str, rows: str | None = None
) -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
    """Nodes that unfold a packed (N, H) matrix, or those of its rows that `rows` names, into `output`; its tensors."""
    if rows is None or values.size <= SMALL:
        parts = {"half": values.astype(np.float16)}
    else:
        groups = values.reshape(len(values), -1, GROUP)
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
        # (B, L, groups, values of a group) back to (B, L, H)
        tensors.append(numpy_helper.from_array(np.array([0, 0, -1]), f"{output}_shape"))
        nodes.append(helper.make_node("Mul", floats, [f"{output}_groups"]))
        nodes.append(helper.make_node("Reshape", [f"{output}_groups", f"{output}_shape"], [output]))
    return nodes, tensors
