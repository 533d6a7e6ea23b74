"""Runs the exported graph with ONNX Runtime, on the CPU.

Each window is a batch of its own; several run side by side, a thread each. Packing windows into padded batches would
compute the padding, and tie the last bits of an answer to what happens to be tagged beside it; threads do neither, and
keep all cores busier than one window spread over them does.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import onnxruntime as ort

from sayso.models.artifact import INPUTS
from sayso.models.windows import Logits, Window


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class OnnxEncode:
    """An `Encode` over an ONNX graph: one session, `threads` worker threads (None: a thread a core).

    The first worker loads the graph while the caller goes on; what goes wrong in that is raised by the first window.
    """

    def __init__(self, graph: Path, threads: int | None = None) -> None:
        options = ort.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = 1  # the worker's own
        options.enable_mem_pattern = False  # plans by shape: 47 MB more on a long article, and no faster
        self.threads = threads or cores()
        self._workers = ThreadPoolExecutor(self.threads, thread_name_prefix="sayso")
        self._session = self._workers.submit(
            ort.InferenceSession,
            str(graph),
            options,
            providers=["CPUExecutionProvider"],
            # the fused kernel takes a tenth of the time, the plain one a fortieth
            disabled_optimizers=["SkipLayerNormFusion"],
        )

    def start(self, windows: Sequence[Window]) -> list[Future[Logits]]:
        """Queue windows for the workers. Cancel what is no longer wanted: the interpreter waits for the rest."""
        return [self._workers.submit(self._run, window) for window in windows]

    def __call__(self, windows: Sequence[Window]) -> Iterator[Logits]:
        """The logits of each window, in order."""
        futures = self.start(windows)
        try:
            for future in futures:
                yield future.result()
        finally:
            cancel(futures)

    def _run(self, window: Window) -> Logits:
        inputs = (window.ids[None, :], window.types[None, :], window.sentence_mask[None, :, :])
        outputs = self._session.result().run(None, dict(zip(INPUTS, inputs, strict=True)))
        return Logits(*(output[0] for output in outputs))


def cancel(futures: Sequence[Future[Logits]]) -> None:
    """Take windows that no worker has begun out of the queue."""
    for future in futures:
        future.cancel()
