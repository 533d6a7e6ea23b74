"""How fast sayso tags, beside what a user would write instead for the same work: `make bench`.

In alternation, in one run: (a) `sayso` end to end, text in, JSON Lines out; (b) two transformers pipelines over single
sentences, one for facets (text classification) and one for roles (token classification), each with the base encoder,
of the same shape and cost, batch 1 and 32; (c) the floor: the encoder's matrix products alone, in float32 and in int8.
Then (d) where sayso's time goes, stage by stage, on one thread; cold start and peak memory (`speed_processes`); and
with `--training` how fast it learns (`speed_training`). Needs the extra `train`.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import speed_processes
import torch
import transformers
from onnx import TensorProto, helper, numpy_helper
from rich.console import Console
from speed_tables import around_block, rich_table, tables, write
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    BertTokenizerFast,
    pipeline,
)

from sayso.data.corpora import CorpusError, available, load
from sayso.data.segment import split_sentences
from sayso.inference.reading import read_article
from sayso.inference.render import jsonl
from sayso.inference.runtime import cores
from sayso.inference.tagger import Tagger
from sayso.models import artifact
from sayso.models.artifact import TOKENIZER
from sayso.models.pipeline import finish, prepare
from sayso.models.windows import tokenize, windows
from sayso.training.base import find_base


def reports(count: int) -> tuple[str, list[str]]:
    """(where from, texts): real reports of the wire corpus where it is there, else the bundled and the examples."""
    if "wire" in available(("wire",)):
        return "wire, train", [gold.document.text for gold in load("wire", "train")[:count]]
    own = [path.read_text(encoding="utf-8") for path in sorted(speed_processes.EXAMPLES.glob("*.txt"))]
    own += [gold.document.text for gold in load("bundled", "heldout")]
    return "examples and bundled, heldout", own[:count]


def sayso(tagger: Tagger, texts: Sequence[str]) -> int:
    """(a): characters of JSON Lines."""
    return sum(len(jsonl(document)) for document in tagger.tag_batch(texts))


def pipelines(tokenizer_file: Path, n_facets: int, n_tags: int) -> list[Any]:
    """(b): the encoder that sayso starts from, of the same shape and cost, under the two usual heads."""
    base = find_base("auto")
    tokenizer = BertTokenizerFast(tokenizer_file=str(tokenizer_file), model_max_length=512)
    made = []
    for kind, task, labels in (
        (AutoModelForSequenceClassification, "text-classification", n_facets),
        (AutoModelForTokenClassification, "token-classification", n_tags),
    ):
        config = AutoConfig.from_pretrained(base, num_labels=labels)
        model = kind.from_pretrained(base, config=config, use_safetensors=True).eval()
        made.append(pipeline(task, model=model, tokenizer=tokenizer, device="cpu"))
    return made


def instead(pipes: Sequence[Any], texts: Sequence[str], batch_size: int) -> int:
    """(b) over the same sentences as sayso's, article by article."""
    total = 0
    for text in texts:
        sentences = [span.text for span in split_sentences(text)]
        for pipe in pipes:
            extra = {"truncation": True, "top_k": None} if pipe.task == "text-classification" else {}
            total += len(pipe(sentences, batch_size=batch_size, **extra))
    return total


def products(hidden: int, inner: int, layers: int, lengths: Sequence[int]) -> Callable[[], None]:
    """(c): the matrix products of the encoder for windows of these lengths, in float32, nothing else."""
    weights = [
        torch.randn(hidden, 3 * hidden),
        torch.randn(hidden, hidden),
        torch.randn(hidden, inner),
        torch.randn(inner, hidden),
    ]
    inputs = {n: (torch.randn(n, hidden), torch.randn(n, inner)) for n in set(lengths)}

    @torch.inference_mode()
    def run() -> None:
        for n in lengths:
            narrow, wide = inputs[n]
            for _ in range(layers):
                for weight in weights[:3]:
                    torch.mm(narrow, weight)
                torch.mm(wide, weights[3])
                # attention: every head's scores and mixtures cost n * n * hidden each
                torch.mm(torch.mm(narrow, narrow.T), narrow)

    return run


def int8_products(hidden: int, inner: int, layers: int, lengths: Sequence[int]) -> Callable[[], None]:
    """(c) with the layers' products in int8, as the artifact has them, by ONNX Runtime; side by side as windows are."""
    kinds = {"narrow": TensorProto.UINT8, "wide": TensorProto.UINT8, "exact": TensorProto.FLOAT}
    sizes = {"narrow": hidden, "wide": inner, "exact": hidden}
    random = np.random.default_rng(0)
    nodes, weights, outputs = [helper.make_node("Transpose", ["exact"], ["turned"], perm=[1, 0])], [], []
    for layer in range(layers):
        for source, out in (("narrow", 3 * hidden), ("narrow", hidden), ("narrow", inner), ("wide", hidden)):
            name = f"{layer}.{len(weights)}"
            values = random.integers(-64, 65, (sizes[source], out), np.int8)
            weights.append(numpy_helper.from_array(values, f"{name}.weight"))
            nodes.append(helper.make_node("MatMulInteger", [source, f"{name}.weight"], [name]))
            outputs.append(helper.make_tensor_value_info(name, TensorProto.INT32, ["n", out]))
        nodes.append(helper.make_node("MatMul", ["exact", "turned"], [f"{layer}.scores"]))
        nodes.append(helper.make_node("MatMul", [f"{layer}.scores", "exact"], [f"{layer}.mixed"]))
        outputs.append(helper.make_tensor_value_info(f"{layer}.mixed", TensorProto.FLOAT, ["n", hidden]))
    inputs = [helper.make_tensor_value_info(name, kind, ["n", sizes[name]]) for name, kind in kinds.items()]
    graph = helper.make_graph(nodes, "products", inputs, outputs, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL  # or equal products are run once
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    given = {
        n: {
            "narrow": random.integers(0, 256, (n, hidden), np.uint8),
            "wide": random.integers(0, 256, (n, inner), np.uint8),
            "exact": random.random((n, hidden), np.float32),
        }
        for n in set(lengths)
    }

    def run() -> None:
        with ThreadPoolExecutor(cores()) as pool:
            list(pool.map(lambda n: session.run(None, given[n]), lengths))

    return run


def stages(model: Path | None, texts: Sequence[str]) -> dict[str, float]:
    """(d): seconds of each stage on one thread, from a file to a line of JSON; "pack" is cutting windows."""
    tagger = Tagger.load(model, threads=1)
    manifest, tokenizer = tagger.manifest, tagger._tokenizer
    spent = dict.fromkeys(("read", "segment", "tokenize", "pack", "encode", "decode and link", "render"), 0.0)

    def timed(stage: str, work: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        started = time.perf_counter()
        result = work(*arguments, **options)
        spent[stage] += time.perf_counter() - started
        return result

    size = {name: getattr(manifest, name) for name in ("context", "cls", "sep")} | {"size": manifest.window}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "report.txt"
        for given in texts:
            file.write_text(given, encoding="utf-8", newline="")
            text = timed("read", read_article, str(file))
            sentences = timed("segment", split_sentences, text)
            pieces = timed("tokenize", tokenize, tokenizer, sentences)
            timed("pack", windows, pieces, len(sentences), **size)
            prepared = prepare(text, tokenizer, manifest)
            outputs = timed("encode", lambda cut: list(tagger._encode(cut)), prepared.windows)
            document = timed("decode and link", finish, prepared, outputs, manifest, model=manifest.info)
            timed("render", jsonl, document)
    return spent


def alternate(systems: dict[str, Callable[[], Any]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each system, round by round, one after the other; a first round warms up and is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in systems}
    for k in range(rounds + 1):
        for name, run in systems.items():
            started = time.perf_counter()
            run()
            if k:
                seconds[name].append(time.perf_counter() - started)
            print(f"round {k}/{rounds}: {name} {time.perf_counter() - started:.2f} s", file=sys.stderr)
    return seconds


def measure(texts: Sequence[str], rounds: int, model: Path | None = None) -> dict[str, Any]:
    """The figures of (a) to (d), JSON-ready."""
    tagger = Tagger.load(model)
    cut = [w for text in texts for w in prepare(text, tagger._tokenizer, tagger.manifest).windows]
    config = AutoConfig.from_pretrained(find_base("auto"))
    shape = (config.hidden_size, config.intermediate_size, config.num_hidden_layers, [len(w.ids) for w in cut])
    pipes = own_pipelines(tagger, model)
    seconds = alternate(
        {
            "sayso": lambda: sayso(tagger, texts),
            "sayso, encoder alone": lambda: list(tagger._encode(cut)),
            "pipelines, batch 32": lambda: instead(pipes, texts, 32),
            "pipelines, batch 1": lambda: instead(pipes, texts, 1),
            "matrix products, float32": products(*shape),
            "matrix products, int8": int8_products(*shape),
        },
        rounds,
    )
    median = {name: statistics.median(values) for name, values in seconds.items()}
    by_stage = stages(model, texts)
    return {
        "reports": len(texts),
        "characters": sum(map(len, texts)),
        "positions": sum(len(w.ids) for w in cut),
        "seconds": {name: [round(v, 3) for v in values] for name, values in seconds.items()},
        "of_floor": {
            f"{what}, of {kind}": round(median[f"matrix products, {kind}"] / median[name], 3)
            for what, name in (("encoder", "sayso, encoder alone"), ("end to end", "sayso"))
            for kind in ("int8", "float32")
        },
        "stages": {name: round(value / sum(by_stage.values()), 4) for name, value in by_stage.items()},
    }


def own_pipelines(tagger: Tagger, model: Path | None) -> list[Any]:
    """(b) with the tokenizer and as many labels as the model has."""
    manifest = tagger.manifest
    return pipelines(artifact.load(model).path / TOKENIZER, len(manifest.facets), 3 * len(manifest.roles))


def machine() -> dict[str, Any]:
    """What the figures hold for."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = (line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    return {
        "processor": next(names, platform.machine()),
        "cores": cores(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{name: version(name) for name in ("sayso", "onnxruntime", "tokenizers", "numpy", "torch", "transformers")},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reports", type=int, default=200, help="to tag in each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--stream", type=int, default=2000, help="short reports of the longer stream, for peak memory")
    parser.add_argument("--training", action="store_true", help="measure training too")
    parser.add_argument("--model", type=Path, default=None)
    parser.add_argument("--json", type=Path, default=None, help="write the figures here too")
    parser.add_argument("--write", type=Path, default=None, help="put the tables into this page, between its markers")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    transformers.logging.set_verbosity_error()
    try:
        if arguments.write:
            around_block(arguments.write)  # fails now rather than when all is measured
        source, texts = reports(arguments.reports)
    except (CorpusError, OSError, ValueError) as error:
        raise SystemExit(str(error)) from error
    result = {"texts": source, "machine": machine()} | measure(texts, arguments.rounds, arguments.model)
    result |= speed_processes.measure(arguments.model, max(5, arguments.rounds), arguments.stream)
    if arguments.training:
        import speed_training

        result["training"] = speed_training.measure(arguments.rounds)
    for table in tables(result):
        Console().print(rich_table(table))
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    if arguments.write:
        write(arguments.write, result)


if __name__ == "__main__":
    main()
