"""The model card, written from what the manifest records and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sayso.models.artifact import GRAPH, Manifest


def card(manifest: Manifest, folder: Path) -> str:
    """Markdown: what the model is, what it was trained on, its dev figures, what the export changed, how to make it."""
    megabytes = (folder / GRAPH).stat().st_size / 1e6
    data = "\n".join(
        f"- {name}: {record['documents']} documents (train split), `{record['digest'][:23]}…`"
        for name, record in manifest.data.items()
    )
    thresholds = ", ".join(f"{name} {value:g}" for name, value in manifest.thresholds.items())
    before = ""
    if manifest.config.get("init"):
        before += "It began with the weights of an earlier model (`init`), which docs/LOG.md tells of.\n"
    if manifest.config.get("teacher"):
        before += "Half of each target was what a larger model said (`teacher`), which docs/LOG.md tells of too.\n"
    environment = ", ".join(f"{name} {value}" for name, value in manifest.environment.items())
    return f"""# {manifest.name} {manifest.version}

<!-- written by `sayso export` from manifest.json; do not edit -->

A small Transformer that tags a news report sentence by sentence: reported claim, official assessment, attribution; and
the spans of source, cue and content, the name a source resolves to, whether it is official, and its stance. One ONNX
graph of {megabytes:.1f} MB (the encoder multiplies in int8, the heads in float32); runs offline on a CPU.

- **Encoder**: all-MiniLM-L6-v2 (22.7 M parameters), fine-tuned
- **Windows**: {manifest.window} word pieces, up to {manifest.context} of them context
- **Facets hold from** (after Platt scaling): {thresholds}
- **Attributions**: spans linked, and sources resolved to names, by two log-linear models of
  {sum(map(len, (*manifest.linker.values(), *manifest.resolver.values())))} weights in all

## Intended use and limits
Finding and reading attributed statements in English news, with a person who checks. The primary label says what kind of
statement a sentence is, never whether it is true. Trained on US political news (2015-16), wire reports (2001-02,
2017-18) and invented reports; other genres, other languages and machine-translated text were not measured. Do not rank
or judge people by it.

## Training data
{data}

## Dev scores of this artifact (percent)
{figures_table({"shipped": manifest.scores["dev"]})}

## What the export changed (dev, percent)
{figures_table({name: manifest.parity[name] for name in ("torch", "onnx_fp32", "shipped")})}

Largest loss of a figure from torch to the shipped graph: {100 * manifest.parity["largest_loss"]:.2f} points
({manifest.parity["largest_loss_on"]}).

## How to make it again
`{manifest.command}`, then `sayso export RUN DIR`; every setting is in manifest.json. {environment}.
{before}"""


def figures_table(columns: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """Markdown table: one row a corpus and figure, one column a system."""
    names = list(columns)
    lines = [f"| corpus | figure | {' | '.join(names)} |", f"|---|---|{'---|' * len(names)}"]
    for corpus, figures in columns[names[0]].items():
        for figure in figures:
            cells = " | ".join(f"{100 * columns[name][corpus][figure]:.1f}" for name in names)
            lines.append(f"| {corpus} | {figure} | {cells} |")
    return "\n".join(lines)
