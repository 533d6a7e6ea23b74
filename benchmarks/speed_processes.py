"""What a process of sayso costs: seconds from its start to its last byte, peak memory, and what it imports."""

from __future__ import annotations

import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from sayso.data.segment import split_sentences
from sayso.inference.tagger import Tagger

EXAMPLES = Path(__file__).parent.parent / "examples"
SAYSO = (sys.executable, "-m", "sayso")
HEAVY = {"torch", "transformers", "datasets", "sklearn", "accelerate", "onnx"}

# The peak that a process reports is at least that of its parent, so a small parent stands between.
_LAUNCHER = """
import resource, subprocess, sys, time
started = time.perf_counter()
code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL)
seconds = time.perf_counter() - started
print(code, seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def cost(arguments: Sequence[str], lines: Iterable[str] = ()) -> tuple[float, float]:
    """(seconds, peak MiB) of `sayso ARGUMENTS` with `lines` on standard input; `RuntimeError` if it fails."""
    command = [sys.executable, "-S", "-c", _LAUNCHER, *SAYSO, *arguments]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.writelines(lines)
        process.stdin.close()
        code, seconds, peak = process.stdout.read().split()
    if code != "0":
        raise RuntimeError(f"expected exit code 0 of sayso {' '.join(arguments)}, found {code}")
    return float(seconds), float(peak) / (2**20 if sys.platform == "darwin" else 2**10)


def peak_memory(arguments: Sequence[str], lines: Iterable[str] = ()) -> float:
    """Peak MiB; see `cost`."""
    return cost(arguments, lines)[1]


def short_reports(count: int) -> Iterator[str]:
    """JSON Lines of `count` reports, each of one to four sentences of the examples; always the same."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(EXAMPLES.glob("*.txt"))]
    sentences = [span.text for text in texts for span in split_sentences(text)]
    draw = random.Random(13)
    for _ in range(count):
        yield json.dumps({"text": " ".join(draw.choices(sentences, k=draw.randint(1, 4)))}) + "\n"


def imported(arguments: Sequence[str]) -> set[str]:
    """Top-level names of all that `sayso ARGUMENTS` imports."""
    command = [sys.executable, "-X", "importtime", "-m", "sayso", *arguments]
    run = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=True)
    lines = (line for line in run.stderr.splitlines() if line.startswith("import time:"))
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}


def measure(model: Path | None, repeats: int, stream: int) -> dict[str, Any]:
    """Cold start (medians of `repeats`) and peak memory (streams of 100 and `stream` short reports), JSON-ready."""
    example = str(EXAMPLES / "port-talks.txt")
    options = ["--model", str(model)] if model else []
    tagger, text = Tagger.load(model), Path(example).read_text(encoding="utf-8")
    seconds: dict[str, list[float]] = {"sayso tag, one report": [], "sayso --help": [], "tagging alone": []}
    peaks = []
    for _ in range(repeats):
        whole, peak = cost(["tag", example, *options])
        seconds["sayso tag, one report"].append(whole)
        peaks.append(peak)
        seconds["sayso --help"].append(cost(["--help"])[0])
        started = time.perf_counter()
        tagger.tag(text)
        seconds["tagging alone"].append(time.perf_counter() - started)
    memory = {"one report": statistics.median(peaks)}
    for count in (100, stream):
        memory[f"a stream of {count:,}"] = peak_memory(["tag", "--format", "jsonl", *options], short_reports(count))
    return {
        "cold_start": {name: [round(value, 3) for value in values] for name, values in seconds.items()},
        "peak_mib": {name: round(value, 1) for name, value in memory.items()},
        "heavy_imports": sorted(HEAVY & (imported(["tag", example, *options]) | imported(["--help"]))),
    }
