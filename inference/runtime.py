"""Runs the exported graph with ONNX Runtime.

Each window is a batch of its own: no padding is computed, and the answer for a window cannot depend on what happens to
be tagged beside it (the int8 graph scales its activations by their range over the whole batch).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import onnxruntime as ort

from sayso.models.artifact import INPUTS
from sayso.models.pipeline import Encode
from sayso.models.windows import Logits, Window


def onnx_encode(graph: Path, threads: int | None = None) -> Encode:
    """Run a document's windows through an ONNX graph on the CPU; `threads`: None for all cores."""
    options = ort.SessionOptions()
    options.log_severity_level = 3
    if threads:
        options.intra_op_num_threads = threads
    session = ort.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])

    def encode(windows: Sequence[Window]) -> Iterator[Logits]:
        for window in windows:
            ids = window.ids[None, :]
            inputs = (ids, np.ones_like(ids), window.types[None, :], window.sentence_mask[None, :, :])
            yield Logits(*(output[0] for output in session.run(None, dict(zip(INPUTS, inputs, strict=True)))))

    return encode
