"""The command line: each command is a thin wrapper over a plain function, imported when the command runs."""

from __future__ import annotations

import enum
import json
import os
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from itertools import tee
from pathlib import Path
from typing import Annotated

import typer

from sayso import corpus_cli
from sayso.terminal import (
    one_line_errors,
    open_output,
    progress_bar,
    say,
    screen_of_output,
    stderr,
    warnings_as_lines,
    write,
)

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(corpus_cli.app, name="corpus")


class Format(enum.StrEnum):
    """Names of `inference.render.FORMATS`, said here too so that --help need not load the renderers."""

    TABLE = "table"
    JSONL = "jsonl"


Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
ModelDir = Annotated[
    Path | None, typer.Option("--model", metavar="DIR", help="A model made by `sayso export`; else the bundled one.")
]


def main() -> None:
    """Entry point of the console script `sayso`."""
    app(prog_name="sayso")


def _show_version(wanted: bool) -> None:
    if wanted:
        from sayso import __version__

        typer.echo(f"sayso {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Reads news reports and says, sentence by sentence, what kind of statement each is and on whose say-so.

    Start with `sayso tag report.txt`; `sayso tag --help` has more examples.
    """


@app.command()
def tag(
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PATH]", help="Files, folders, or - for standard input.", show_default=False),
    ] = None,
    format: Annotated[
        Format | None,
        typer.Option("--format", "-f", help="Unless given: table on standard output, jsonl into a file."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", dir_okay=False, help="File to write, whole or not at all."),
    ] = None,
    model: ModelDir = None,
    threads: Annotated[int | None, typer.Option(min=1, metavar="N", help="Worker threads; else one a core.")] = None,
    target: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only stance towards what is called so, and only where it is.")
    ] = None,
    min_confidence: Annotated[
        float, typer.Option(min=0, max=1, metavar="P", help="Leave sentences less certain than this without a label.")
    ] = 0.0,
    debug: Debug = False,
) -> None:
    """Tag reports, in the order in which they are given.

    Reads text in any common encoding and web pages; a folder stands for the articles in it and below (.txt .text .md
    .html .htm). A .jsonl file that is named, or JSON Lines on standard input, hold a report a line: an object with
    "text" and maybe "id". An input or a line that cannot be read costs a line on standard error and exit code 1; the
    others are tagged.

    Examples:

    - `sayso tag report.txt`: a report for a reader in the terminal

    - `sayso tag archive/ -o tagged.jsonl`: a folder into a file, a record a line

    - `sayso tag archive/ --target NATO`: who says what of NATO

    - `zcat archive.jsonl.gz | sayso tag -f jsonl > tagged.jsonl`: a corpus of any size, as a stream

    - `cat report.txt | sayso tag -f jsonl | python -m json.tool`: in a pipe
    """
    if not paths:
        if sys.stdin.isatty():
            raise typer.BadParameter("name a file or a folder, or pipe a text in", param_hint="PATH")
        paths = ["-"]
    if output and output.exists() and any(os.path.exists(path) and output.samefile(path) for path in paths):
        raise typer.BadParameter("this file is an input too, and would be overwritten", param_hint="--output")
    with one_line_errors(debug):
        whole = tag_paths(
            paths, format or (Format.JSONL if output else Format.TABLE), output, model, threads, target, min_confidence
        )
    if not whole:
        raise typer.Exit(1)


@app.command()
def train(
    run_dir: Annotated[Path, typer.Option("--run", metavar="DIR", help="Folder for weights, metrics, config.")],
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", exists=True, dir_okay=False, help="Settings in TOML."),
    ] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="One setting; may be given several times.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was cut off.")] = False,
    debug: Debug = False,
) -> None:
    """Train a model (needs the extra `train`).

    Example: `sayso train --run runs/mine --set epochs=3`
    """
    with one_line_errors(debug):
        from sayso.training.run import main as run

        run(config, overrides or [], run_dir, resume)


@app.command()
def export(
    run_dir: Annotated[Path, typer.Argument(metavar="RUN_DIR", exists=True, file_okay=False, help="A finished run.")],
    out_dir: Annotated[Path, typer.Argument(metavar="OUT_DIR", file_okay=False, help="Folder for the model.")],
    debug: Debug = False,
) -> None:
    """Turn a trained run into a model for `sayso tag --model` (needs the extra `train`).

    Writes an ONNX graph of packed weights, its manifest and its card, measures it on the dev corpora beside the trained
    model, and refuses one that loses more than 0.3 points on any figure.

    Example: `sayso export runs/mine models/mine`
    """
    with one_line_errors(debug):
        from sayso.inference.runtime import OnnxEncode
        from sayso.training.export import export as write_artifact

        manifest = write_artifact(run_dir, out_dir, OnnxEncode)
        loss, where = manifest.parity["largest_loss"], manifest.parity["largest_loss_on"]
        say(f"{out_dir}: exported; the largest loss of a dev figure is {100 * loss:.2f} points ({where})")


@app.command()
def evaluate(
    path: Annotated[
        Path | None, typer.Argument(metavar="[PATH]", help="Annotated reports: a folder or a file.", show_default=False)
    ] = None,
    corpora: Annotated[
        list[str] | None,
        typer.Option(
            "--corpus",
            metavar="NAME[:SPLIT]",
            help="bundled, polnear, wire or newsmtsc, each with train, dev or (bundled) heldout; auto: all there are.",
        ),
    ] = None,
    split: Annotated[str, typer.Option(metavar="SPLIT", help="Of a corpus named without one.")] = "dev",
    model: ModelDir = None,
    compare: Annotated[
        Path | None, typer.Option(metavar="DIR", help="A second model, to tell the difference of.")
    ] = None,
    baselines: Annotated[
        bool, typer.Option("--baselines", help="Learn and score what a model must beat (needs the extra `train`).")
    ] = False,
    html_out: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", dir_okay=False, help="Write a page with errors and plots.")
    ] = None,
    json_out: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", dir_okay=False, help="Write the scores here too.")
    ] = None,
    allow_seen: Annotated[bool, typer.Option("--allow-seen", help="Score reports the model was trained on.")] = False,
    debug: Debug = False,
) -> None:
    """Tag annotated reports, as `sayso tag` does, and score the result against the annotation.

    PATH holds reports of the bundled corpus's format (.txt), brat stand-off (.txt and .ann) or records that were
    corrected by hand (.json, .jsonl). Corpora but the bundled one are found through SAYSO_CORPORA.

    Examples:

    - `sayso evaluate mine/ --html errors.html`: reports of your own

    - `sayso evaluate --corpus bundled:heldout --baselines`: what the simplest systems reach
    """
    if path is None and not corpora:
        raise typer.BadParameter("name a folder of annotated reports, or a --corpus", param_hint="PATH")
    with one_line_errors(debug):
        from rich.console import Console

        from sayso.data import heldout
        from sayso.inference.tagger import Tagger
        from sayso.training import evaluate as scoring

        data = {path.name or str(path): heldout.read(path)} if path is not None else {}
        data |= heldout.corpora(corpora or [], split)
        tagger = Tagger.load(model)
        second = Tagger.load(compare) if compare else None
        if not allow_seen:  # before anything is tagged
            for held in data.values():
                scoring.refuse_seen(held.golds, tagger.manifest)
        results = {}
        for name, held in data.items():
            rivals = None
            if baselines and scoring.given(held.golds[0]) is None:
                from sayso.training.baselines import baselines as learn

                rivals = learn(heldout.train_of(name), tagger.tag)
            other = (second.tag, second.manifest.thresholds) if second else None
            results[name] = scoring.measure(
                held, tagger.tag, tagger.manifest.thresholds, name=name, baselines=rivals, other=other
            )
        screen = Console(width=None if sys.stdout.isatty() else 160)
        screen.print(scoring.table(results))
        if second:
            screen.print(scoring.difference_table(results))
        if json_out:
            result = scoring.report(results, tagger.manifest)
            json_out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        if html_out:
            from sayso.training.page import page

            html_out.write_text(page(results, tagger.manifest), encoding="utf-8")


def tag_paths(
    paths: list[str],
    format: Format,
    output: Path | None,
    model: Path | None,
    threads: int | None,
    target: str | None = None,
    min_confidence: float = 0.0,
) -> bool:
    """Tag the reports under `paths` and write them as they come; False if an input could not be read.

    target: stances towards its mentions alone, and of the reports only those that mention it.

    `ArtifactError` if the model cannot be loaded, `OSError` if the output cannot be written.
    """
    from sayso.inference.reading import STDIN, InputError, find_articles, is_jsonl, read_articles

    articles, problems = find_articles(paths)
    if articles:
        from sayso.inference.tagger import Tagger

        tagger = Tagger.load(model, threads=threads)  # first, for its graph loads beside the imports that follow
    console = stderr()
    for problem in problems:
        say(problem, console)
    if not articles:
        return False
    from sayso.inference.render import FORMATS, Screen
    from sayso.models.sources import mentions_of

    total = None if any(path == STDIN or is_jsonl(path) for path in articles) else len(articles)
    # Where results scroll by in the same terminal, they are the progress; a bar would be torn by them.
    hidden = total == 1 or not console.is_terminal or (output is None and sys.stdout.isatty())
    with (
        warnings_as_lines(console),
        open_output(output, console, text_only=format is Format.TABLE) as stream,
        progress_bar(console, total, hidden) as advance,
    ):
        screen = replace(screen_of_output() if output is None else Screen(), stances_only=target is not None)
        mentioned = target is None

        def readable() -> Iterator[tuple[str, str]]:
            nonlocal mentioned
            for id, text in read_articles(articles):
                if isinstance(text, InputError):
                    problems.append(text)
                    say(text, console)
                    advance()
                elif target is None or mentions_of(text, target):
                    mentioned = True
                    yield id, text
                else:
                    advance()

        ids, texts = tee(readable())  # read in step
        batch = tagger.tag_batch(
            (text for _, text in texts), (id for id, _ in ids), target=target, min_confidence=min_confidence
        )
        with closing(batch) as documents:
            for document in documents:
                if not write(stream, FORMATS[format](document, screen)):
                    break
                advance()
        if not mentioned:
            say(f"no mention of {target} in what was read", console)
    return not problems
