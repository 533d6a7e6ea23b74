"""`sayso corpus ...`: the tools of the bundled corpus. Thin wrappers; what they need is imported when they run."""

from __future__ import annotations

import enum
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sayso.data.report import Report
    from sayso.data.statistics import Table

app = typer.Typer(
    no_args_is_help=True, help="Check, measure and convert the bundled corpus.", rich_markup_mode="markdown"
)


class Split(enum.StrEnum):
    """`report.SPLITS`, said here too so that --help need not load them."""

    TRAIN = "train"
    DEV = "dev"
    HELDOUT = "heldout"


Files = Annotated[
    list[Path] | None,
    typer.Argument(metavar="[FILE]...", exists=True, dir_okay=False, help="Reports; else the whole corpus."),
]


@app.command()
def check(files: Files = None) -> None:
    """Check reports of the bundled corpus: one line for each problem, exit code 1 if there is an error.

    Example: `sayso corpus check data/corpus/dev/*.txt`
    """
    from sayso.data import bundled

    reports, problems = bundled.check(files or [_short(path) for path in bundled.paths()])
    for problem in problems:
        typer.echo(str(problem))
    errors = sum(not problem.warning for problem in problems)
    sentences = sum(len(report.lines) for report in reports)
    warnings = len(problems) - errors
    typer.echo(
        f"sound: {len(reports)} reports, {sentences} sentences; errors: {errors}; warnings: {warnings}", err=True
    )
    if errors:
        raise typer.Exit(1)


@app.command("format")
def format_(files: Files = None) -> None:
    """Rewrite reports in the canonical form, as brat-import writes them; broken ones are left as they are.

    Example: `sayso corpus format data/corpus/dev/*.txt`
    """
    from sayso.data import bundled
    from sayso.data.inline import render, scan_file

    changed = 0
    wanted = files or bundled.paths()
    for path in wanted:
        report, _ = scan_file(path)
        if report is not None and path.read_bytes() != (canonical := render(report)).encode():
            _write(path, canonical)
            changed += 1
    typer.echo(f"rewritten: {changed} of {len(wanted)} reports", err=True)


@app.command()
def stats(
    json_out: Annotated[bool, typer.Option("--json", help="Print the tables as JSON.")] = False,
) -> None:
    """Print counts, labels and hard cases, and how varied the corpus is beside `corpora/wire`.

    The wire reports are read from $SAYSO_CORPORA; without them their column is left out.
    """
    from sayso.data import bundled
    from sayso.data.corpora import CorpusError, load
    from sayso.data.inline import scan_file
    from sayso.data.report import SPLITS
    from sayso.data.statistics import count_table, label_table, tag_table
    from sayso.data.variety import compare

    reports: dict[str, list[Report]] = {}
    for split in SPLITS:
        found = [scan_file(path)[0] for path in bundled.paths(split)]
        reports[split] = [report for report in found if report is not None]
        if broken := found.count(None):
            typer.echo(f"{split}: {broken} reports have errors and are left out; see `sayso corpus check`", err=True)
    golds = {split: [bundled.gold(report) for report in sound] for split, sound in reports.items()}
    every = list(itertools.chain.from_iterable(golds.values()))
    subjects = {report.path.stem: report.subject for report in itertools.chain.from_iterable(reports.values())}
    by_house, by_subject = (
        {name: [gold for gold in every if key(gold) == name] for name in sorted({key(gold) for gold in every})}
        for key in (lambda gold: gold.outlet, lambda gold: subjects[gold.document.id])
    )
    corpora = {"bundled": every}
    try:
        corpora["wire"] = load("wire", "train") + load("wire", "dev")
    except CorpusError as error:
        typer.echo(f"corpora/wire is not there, so nothing is compared with it: {error}", err=True)
    tables = [
        count_table("Splits", {**golds, "all": every}),
        count_table("Houses", by_house),
        count_table("Subjects", by_subject),
        label_table({**golds, **corpora}),
        tag_table({**reports, "all": list(itertools.chain.from_iterable(reports.values()))}),
        compare(corpora),
    ]
    _show(tables, json_out)


@app.command()
def brat_export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", file_okay=False, help="Where NAME.txt and NAME.ann go.")],
    split: Annotated[Split | None, typer.Option(help="Else all.")] = None,
) -> None:
    """Write the corpus as brat stand-off, with the configuration that brat needs.

    Example: `sayso corpus brat-export brat/ --split dev`
    """
    from sayso.data import brat, bundled
    from sayso.data.corpora import read_text
    from sayso.data.inline import parse

    with _one_line_errors():
        reports = [parse(read_text(path), path) for path in bundled.paths(split.value if split else None)]
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in brat.configuration().items():
            _write(folder / name, content)
        for report in reports:
            text, annotation = brat.export(report)
            _write(folder / f"{report.path.stem}.txt", text)
            _write(folder / f"{report.path.stem}.ann", annotation)
    typer.echo(f"{len(reports)} reports written to {folder}", err=True)


@app.command()
def brat_import(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", exists=True, file_okay=False, help="Holds NAME.txt and NAME.ann.")
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT", file_okay=False, help="Where the reports go.")],
) -> None:
    """Turn brat stand-off back into reports, and check them; all are written, or none if an .ann file is broken.

    Example: `sayso corpus brat-import brat/ data/corpus/dev`
    """
    from sayso.data import brat
    from sayso.data.corpora import CorpusError
    from sayso.data.inline import render, scan

    with _one_line_errors():
        found = sorted(folder.glob("*.ann"))
        if not found:
            raise CorpusError(folder, "expected .ann files in it, found none")
        rendered = {out / f"{ann.stem}.txt": render(brat.restore(ann, out / f"{ann.stem}.txt")) for ann in found}
        out.mkdir(parents=True, exist_ok=True)
        for path, text in rendered.items():
            _write(path, text)
    problems = [problem for path, text in rendered.items() for problem in scan(text, path)[1] if not problem.warning]
    for problem in problems:
        typer.echo(str(problem), err=True)
    typer.echo(f"{len(rendered)} reports written to {out}; {len(problems)} errors", err=True)
    if problems:
        raise typer.Exit(1)


@app.command()
def bare(
    out: Annotated[Path, typer.Argument(metavar="OUT", file_okay=False, help="Where the bare reports go.")],
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", exists=True, dir_okay=False, help="Reports.")],
) -> None:
    """Write reports without their annotation, for a second annotation by someone who has not seen the first.

    Example: `sayso corpus bare second/ data/corpus/dev/*.txt`
    """
    from sayso.data.agreement import bare as strip
    from sayso.data.corpora import CorpusError, read_text
    from sayso.data.inline import parse

    with _one_line_errors():
        written = {out / path.name: strip(parse(read_text(path), path)) for path in files}
        for path in written:
            if path.exists():
                raise CorpusError(path, "exists already; it may hold an annotation, and is not overwritten")
        out.mkdir(parents=True, exist_ok=True)
        for path, text in written.items():
            _write(path, text)
    typer.echo(f"{len(written)} bare reports written to {out}", err=True)


@app.command()
def agreement(
    first: Annotated[Path, typer.Argument(metavar="DIR_A", exists=True, file_okay=False, help="One annotation.")],
    second: Annotated[
        Path, typer.Argument(metavar="DIR_B", exists=True, file_okay=False, help="Another, of some reports or all.")
    ],
    differences: Annotated[bool, typer.Option("--differences", help="Print each difference too.")] = False,
    json_out: Annotated[bool, typer.Option("--json", help="Print the tables as JSON.")] = False,
) -> None:
    """Compare two annotations: Cohen's kappa of categories, F1 of spans, accuracy of resolved sources.

    A difference is a line `file:line: what: A says | B says`, at the file of A.

    Example: `sayso corpus agreement data/corpus second/ --differences`
    """
    from sayso.data.agreement import compare_folders

    with _one_line_errors():
        found = compare_folders(first, second)
    _show(found.tables(), json_out)
    if differences:
        for each in found.differences:
            typer.echo(str(each), err=json_out)


def _write(path: Path, text: str) -> None:
    """As it is: no line end is translated."""
    path.write_text(text, encoding="utf-8", newline="")


def _show(tables: list[Table], json_out: bool) -> None:
    """Tables on standard output, for people or as JSON."""
    import json

    if json_out:
        found = {
            each.title: [dict(zip(("name", *each.columns[1:]), row, strict=True)) for row in each.rows]
            for each in tables
        }
        typer.echo(json.dumps(found, ensure_ascii=False, indent=1))
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table as Screen

    console = Console()
    for table in tables:
        screen = Screen(title=table.title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
        for i, name in enumerate(table.columns):
            screen.add_column(name, justify="right" if i else "left", no_wrap=i > 0)
        for row in table.rows:
            screen.add_row(*map(_figure, row))
        console.print(screen)


def _figure(value: str | float | None) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.3f}" if value < 10 else f"{value:.1f}"
    return value if isinstance(value, str) else f"{value:,}"


@contextmanager
def _one_line_errors() -> Iterator[None]:
    """Ends the command with one line and exit code 1 where the data or the files are at fault."""
    from sayso.data.corpora import CorpusError

    try:
        yield
    except (CorpusError, OSError) as error:
        typer.echo(f"sayso: {error}", err=True)
        raise typer.Exit(1) from None


def _short(path: Path) -> Path:
    """Relative to the working folder where it lies in it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
