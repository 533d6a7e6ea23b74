"""What the commands write to the terminal and into files: results to standard output, all else to standard error."""

from __future__ import annotations

import io
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, cast

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from sayso.inference.render import ColorSystem, Screen

_WIDEST = 140  # columns; longer lines are hard to follow


def write(stream: TextIO, text: str) -> bool:
    """Write at once; False if the reader, `head` perhaps, has seen enough."""
    try:
        stream.write(f"{text}\n")
        stream.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else the flush at exit fails too
        return False
    return True


@contextmanager
def open_output(path: Path | None, console: Console, *, text_only: bool) -> Iterator[TextIO]:
    """Where results go. A file appears when it is whole; one that is there stays as it was until then.

    A run that is cut off leaves what it had in FILE.part and says so; one that wrote nothing leaves no file.
    """
    if path is None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            if text_only:
                sys.stdout.reconfigure(errors="replace")
            else:  # records are UTF-8 whatever the terminal speaks
                sys.stdout.reconfigure(encoding="utf-8", newline="\n")
        yield sys.stdout
        return
    path = Path(os.path.realpath(path))  # a link stays a link
    if path.exists() and not path.is_file():  # a device or a named pipe
        with path.open("w", encoding="utf-8", newline="\n") as stream:
            yield stream
        return
    part = path.with_name(f"{path.name}.part")
    stream = part.open("w", encoding="utf-8", newline="\n")
    try:
        with stream:
            yield stream
    except BaseException:
        if not _drop_if_empty(part):
            say(f"what was tagged until then is in {part}", console)
        raise
    if not _drop_if_empty(part):
        part.replace(path)


def _drop_if_empty(file: Path) -> bool:
    empty = file.stat().st_size == 0
    if empty:
        file.unlink()
    return empty


def screen_of_output() -> Screen:
    """Width and colours of standard output; NO_COLOR, FORCE_COLOR, TERM and COLUMNS are heeded."""
    from rich.console import Console

    from sayso.inference.render import Screen

    console = Console()
    told = console.is_terminal or "COLUMNS" in os.environ
    color = None if console.no_color else cast("ColorSystem | None", console.color_system)
    return Screen(min(console.width, _WIDEST), color) if told else Screen(color=color)


@contextmanager
def progress_bar(console: Console, total: int | None, hidden: bool) -> Iterator[Callable[[], None]]:
    """Reports done of `total` (None: nobody knows); call what it gives after each."""
    if hidden:
        yield lambda: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("reports"), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, redirect_stdout=False) as progress:
        task = progress.add_task("", total=total)
        yield lambda: progress.advance(task)


def stderr() -> Console:
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def say(message: object, console: Console | None = None, kind: str = "sayso") -> None:
    """One line on standard error, whatever the message holds."""
    from rich.text import Text

    from sayso.inference.render import visible

    (console or stderr()).print(Text(f"{kind}: ", "bold").append(visible(str(message)), "not bold"), soft_wrap=True)


class _LineHandler(logging.Handler):
    """Shows warnings of sayso as lines; those of libraries (how a page is parsed, say) are not for a user."""

    def __init__(self, console: Console) -> None:
        super().__init__(logging.WARNING)
        self.console = console
        self.addFilter(logging.Filter("sayso"))

    def emit(self, record: logging.LogRecord) -> None:
        say(record.getMessage(), self.console, "sayso: warning")


@contextmanager
def warnings_as_lines(console: Console) -> Iterator[None]:
    handler = _LineHandler(console)
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)


@contextmanager
def one_line_errors(debug: bool) -> Iterator[None]:
    """Ends the command with one line and exit code 1 (130 when interrupted) instead of a traceback."""
    try:
        yield
    except KeyboardInterrupt:
        say("interrupted")
        raise typer.Exit(130) from None
    except Exception as error:
        if debug:
            raise
        say(_explain(error))
        raise typer.Exit(1) from None


def _explain(error: Exception) -> str:
    if type(error).__module__.startswith("sayso."):  # written for users
        return str(error)
    match error:
        case ImportError() if not (error.name or "").startswith("sayso"):
            return f"{error.name or error} is not installed; pip install 'sayso[train]'"
        case OSError(filename=str() as name, strerror=str() as reason):
            return f"{name}: {reason}; check the path, its permissions and the free space"
        case _:
            return f"unexpected {type(error).__name__}: {error}; run it again with --debug and report what it shows"
