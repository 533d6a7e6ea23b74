"""How fast sayso tags, beside what a user would write instead for the same work: `make bench`.

In alternation, in one run: (a) `sayso` end to end, text in, JSON Lines out; (b) two transformers pipelines over single
sentences, one for facets (text classification) and one for roles (token classification), each with the base encoder,
of the same shape and cost, batch 1 and 32; (c) the floor: the encoder's matrix products alone, in float32. Then (d)
where sayso's time goes, stage by stage. Needs the extra `train`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
import transformers
from rich.console import Console
from rich.table import Table
from tokenizers import Tokenizer
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    BertTokenizerFast,
    pipeline,
)

from sayso.data.corpora import CorpusError, available, load
from sayso.data.segment import split_sentences
from sayso.inference.render import jsonl
from sayso.inference.tagger import Tagger
from sayso.models import artifact
from sayso.models.artifact import TOKENIZER
from sayso.models.pipeline import finish, prepare
from sayso.models.windows import tokenize, windows
from sayso.training.base import find_base

EXAMPLES = Path(__file__).parent.parent / "examples"


def reports(count: int) -> tuple[str, list[str]]:
    """(where from, texts): real reports of the wire corpus where it is there, else the bundled and the examples."""
    if "wire" in available(("wire",)):
        return "wire, train", [gold.document.text for gold in load("wire", "train")[:count]]
    own = [path.read_text(encoding="utf-8") for path in sorted(EXAMPLES.glob("*.txt"))]
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


def stages(tagger: Tagger, tokenizer: Tokenizer, texts: Sequence[str]) -> dict[str, float]:
    """(d): seconds of each stage, from text to JSON Lines; "pack" is cutting windows."""
    manifest, encode = tagger.manifest, tagger._encode
    spent = dict.fromkeys(("segment", "tokenize", "pack", "encode", "decode and link", "render"), 0.0)

    def timed(stage: str, work: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        started = time.perf_counter()
        result = work(*arguments, **options)
        spent[stage] += time.perf_counter() - started
        return result

    size = {name: getattr(manifest, name) for name in ("context", "cls", "sep")} | {"size": manifest.window}
    for text in texts:
        sentences = timed("segment", split_sentences, text)
        pieces = timed("tokenize", tokenize, tokenizer, sentences)
        timed("pack", windows, pieces, len(sentences), **size)
        prepared = prepare(text, tokenizer, manifest)
        outputs = timed("encode", lambda cut: list(encode(cut)), prepared.windows)
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


def measure(texts: Sequence[str], rounds: int, model: Path | None = None, slow: bool = True) -> dict[str, Any]:
    """All figures, JSON-ready; `slow`: batch 1 of (b) too."""
    tagger = Tagger.load(model)
    folder = artifact.load(model).path
    tokenizer = tagger._tokenizer
    cut = [w for text in texts for w in prepare(text, tokenizer, tagger.manifest).windows]
    config = AutoConfig.from_pretrained(find_base("auto"))
    floor = products(config.hidden_size, config.intermediate_size, config.num_hidden_layers, [len(w.ids) for w in cut])
    pipes = pipelines(folder / TOKENIZER, len(tagger.manifest.facets), 3 * len(tagger.manifest.roles))
    systems: dict[str, Callable[[], Any]] = {
        "sayso": lambda: sayso(tagger, texts),
        "sayso, encoder alone": lambda: list(tagger._encode(cut)),
        "pipelines, batch 32": lambda: instead(pipes, texts, 32),
        "matrix products": floor,
    }
    if slow:
        systems["pipelines, batch 1"] = lambda: instead(pipes, texts, 1)
    seconds = alternate(systems, rounds)
    median = {name: statistics.median(values) for name, values in seconds.items()}
    whole = median["sayso"]
    by_stage = stages(tagger, tokenizer, texts)
    return {
        "reports": len(texts),
        "characters": sum(map(len, texts)),
        "positions": sum(len(w.ids) for w in cut),
        "seconds": {name: [round(v, 3) for v in values] for name, values in seconds.items()},
        "median": {name: round(value, 3) for name, value in median.items()},
        "reports_per_second": round(len(texts) / whole, 1),
        "ratio": {name: round(value / whole, 2) for name, value in median.items() if name.startswith("pipelines")},
        "of_floor": {
            "encoder": round(median["matrix products"] / median["sayso, encoder alone"], 3),
            "end to end": round(median["matrix products"] / whole, 3),
        },
        "stages": {name: round(value / sum(by_stage.values()), 4) for name, value in by_stage.items()},
        "machine": {
            "processor": processor(),
            "cores": len(os.sched_getaffinity(0)),
            "python": platform.python_version(),
            **{name: version(name) for name in ("onnxruntime", "torch", "transformers", "tokenizers", "numpy")},
        },
    }


def processor() -> str:
    """The processor's name, where Linux tells it."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def tables(result: dict[str, Any]) -> Iterable[Table]:
    speed = Table("system", "median s", "spread s", "sayso is faster by", title=f"{result['reports']} reports")
    for name, values in result["seconds"].items():
        ratio = result["ratio"].get(name)
        speed.add_row(
            name,
            f"{statistics.median(values):.2f}",
            f"{min(values):.2f}-{max(values):.2f}",
            f"{ratio:.1f} x" if ratio else "",
        )
    yield speed
    where = Table("stage", "share", title="where the time goes")
    for name, share in result["stages"].items():
        where.add_row(name, f"{100 * share:.1f} %")
    yield where


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reports", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--model", type=Path, default=None)
    parser.add_argument("--json", type=Path, default=None, help="write the figures here too")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    transformers.logging.set_verbosity_error()
    try:
        source, texts = reports(arguments.reports)
    except CorpusError as error:
        raise SystemExit(str(error)) from error
    result = {"texts": source} | measure(texts, arguments.rounds, arguments.model)
    for table in tables(result):
        Console().print(table)
    shares = result["of_floor"]
    print(f"of the floor: encoder {100 * shares['encoder']:.0f} %, end to end {100 * shares['end to end']:.0f} %")
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
