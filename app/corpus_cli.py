"""`sayso corpus ...`: the tools of the bundled corpus. Thin wrappers; what they need is imported when they run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    no_args_is_help=True, help="Check, measure and convert the bundled corpus.", rich_markup_mode="markdown"
)

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
    typer.echo(
        f"{len(reports)} reports with {sentences} sentences are sound; {errors} errors,"
        f" {len(problems) - errors} warnings",
        err=True,
    )
    if errors:
        raise typer.Exit(1)


def _short(path: Path) -> Path:
    """Relative to the working folder where it lies in it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
