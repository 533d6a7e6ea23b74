"""The figures of `speed.py` as tables: for the terminal, and between the markers of docs/performance.md."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table as RichTable

BEGIN, END = "<!-- speed:begin -->", "<!-- speed:end -->"


@dataclass(frozen=True, slots=True)
class Table:
    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


def tables(result: Mapping[str, Any]) -> Iterator[Table]:
    """What was measured, a table a question; of several rounds median, and spread from least to most."""
    median = {name: statistics.median(values) for name, values in result["seconds"].items()}
    rows = []
    for name, values in result["seconds"].items():
        faster = f"{median[name] / median['sayso']:.2f}" if name.startswith("pipelines") else ""
        rows.append([name, f"{median[name]:.2f}", _spread(values), f"{result['reports'] / median[name]:.1f}", faster])
    title = f"{result['reports']} reports ({result['texts']}), {result['characters']:,} characters"
    yield Table(title, ["system", "s", "spread", "reports a second", "sayso is faster, times"], rows)
    floor = [[name, f"{100 * share:.0f} %"] for name, share in result["of_floor"].items()]
    yield Table("speed, of that of the bare matrix products", ["what", "share"], floor)
    stages = [[name, f"{100 * share:.1f} %"] for name, share in result["stages"].items()]
    yield Table("where the time goes, on one thread", ["stage", "share"], stages)
    starts = [
        [name, f"{statistics.median(values):.2f}", _spread(values)] for name, values in result["cold_start"].items()
    ]
    heavy = ", ".join(result["heavy_imports"]) or "none"
    yield Table(f"cold start; of the heavy packages imported: {heavy}", ["process", "s", "spread"], starts)
    peaks = [[name, f"{value:.0f}"] for name, value in result["peak_mib"].items()]
    yield Table("peak memory of `sayso tag`", ["what", "MiB"], peaks)
    if learning := result.get("training"):
        speeds = {
            name: [learning["pieces"] / value for value in values] for name, values in learning["seconds"].items()
        }
        rows = [[name, f"{statistics.median(each):,.0f}", _spread(each, 0)] for name, each in speeds.items()]
        title = f"training: {learning['reports']} reports, {learning['pieces']:,} word pieces, each once"
        yield Table(title, ["system", "word pieces a second", "spread"], rows)
    yield Table("measured on", ["what", "which"], [[name, str(value)] for name, value in result["machine"].items()])


def _spread(values: Sequence[float], digits: int = 2) -> str:
    return f"{min(values):,.{digits}f}-{max(values):,.{digits}f}"


def rich_table(table: Table) -> RichTable:
    result = RichTable(*table.columns, title=table.title)
    for row in table.rows:
        result.add_row(*row)
    return result


def markdown(table: Table) -> str:
    lines = [f"**{table.title[0].upper()}{table.title[1:]}**", ""]
    lines += [f"| {' | '.join(cells)} |" for cells in (table.columns, ["---"] * len(table.columns), *table.rows)]
    return "\n".join(lines)


def around_block(page: Path) -> tuple[str, str]:
    """What stands before and after the markers of a page; `ValueError` where it has none."""
    head, begin, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page}: expected the markers {BEGIN} and {END}, found none")
    return head, tail


def write(page: Path, result: Mapping[str, Any]) -> None:
    """Put all tables between the markers of a page; `ValueError` where it has none."""
    head, tail = around_block(page)
    block = "\n\n".join(markdown(table) for table in tables(result))
    page.write_text(f"{head}{BEGIN}\n{block}\n{END}{tail}", encoding="utf-8")
