"""The tables of README and model card, written from metrics.json: `python -m sayso.training.tables [MODEL_DIR]`."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sayso.models.artifact import bundled

METRICS = "metrics.json"
BEGIN, END = "<!-- scores:begin -->", "<!-- scores:end -->"
NAMES = {
    "polnear": "PolNeAR, dev (US political news)",
    "polnear-all": "the same, CofeNet's way of counting",
    "wire": "wire, dev (real reports)",
    "bundled": "bundled, held-out (invented reports of houses not trained on)",
    "newsmtsc": "NewsMTSC, devtest_mt (single sentences, target given)",
}
SPANS = {"source": "exact_source", "cue": "exact_cue", "content": "exact_content", "linked": "link_attribution"}
SENTENCES = {
    "attribution": "facet_attribution",
    "official_assessment": "facet_official_assessment",
    "reported_claim": "facet_reported_claim",
    "label, macro": "label_macro",
    "stance, macro": "stance_macro",
    "official": "official_accuracy",
    "stance to a target, macro": "stance_target_macro",
    "resolved source": "resolved_all",
    "named in another sentence": "resolved_out",
    "sentence ends": "boundaries",
}


def render(metrics: Mapping[str, Any]) -> str:
    """Markdown: spans, and sentences, of each corpus, with 95 % intervals."""
    corpora = metrics["corpora"]
    exact = _table("exact spans and whole attributions, F1", SPANS, corpora)
    rest = _table("sentences: F1 (accuracy for official and resolved)", SENTENCES, corpora)
    note = "In percent, with 95 % bootstrap intervals over documents; of the artifact, as `sayso tag` runs it."
    return f"{note}\n\n{exact}\n\n{rest}"


def _table(title: str, columns: Mapping[str, str], corpora: Mapping[str, Any]) -> str:
    # a head that the model lacks scores 0 everywhere: no column
    shown = {head: key for head, key in columns.items() if any(each["figures"].get(key) for each in corpora.values())}
    lines = [f"| {title} | {' | '.join(shown)} |", f"|---|{'---|' * len(shown)}"]
    for name, each in corpora.items():
        if not any(key in each["figures"] for key in shown.values()):
            continue
        cells = [_cell(each, key) for key in shown.values()]
        lines.append(f"| {NAMES.get(name, name)}: {each['documents']} documents | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(each: Mapping[str, Any], key: str) -> str:
    if key not in each["figures"]:
        return ""
    low, high = each["intervals"][key]
    return f"{100 * each['figures'][key]:.1f} ({100 * low:.0f}-{100 * high:.0f})"


def between(text: str) -> str:
    """What stands between the markers; `ValueError` where they are missing."""
    found = re.search(f"{re.escape(BEGIN)}\n(.*?)\n?{re.escape(END)}", text, re.DOTALL)
    if not found:
        raise ValueError(f"expected the markers {BEGIN} and {END}, found none")
    return found[1]


def rewrite(path: Path, metrics: Mapping[str, Any]) -> None:
    """Put the tables between the markers of a file, or a section with them at its end where it has none."""
    text = path.read_text(encoding="utf-8")
    if BEGIN not in text:
        text = f"{text.rstrip()}\n\n## Scores\n{BEGIN}\n{END}\n"
    head, rest = text.split(BEGIN, 1)
    path.write_text(f"{head}{BEGIN}\n{render(metrics)}\n{END}{rest.split(END, 1)[1]}", encoding="utf-8")


def main(folder: Path) -> None:
    """Rewrite the card of a model, and the README where the model is the bundled one."""
    metrics = json.loads((folder / METRICS).read_text(encoding="utf-8"))
    rewrite(folder / "README.md", metrics)
    if folder.resolve() == bundled().resolve():
        rewrite(bundled().parents[1] / "README.md", metrics)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else bundled())
