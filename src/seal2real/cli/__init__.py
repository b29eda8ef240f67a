"""The command line. The modules here hold commands only: each parses, calls one function and prints."""

from __future__ import annotations

import errno
import logging
import os
import sys
from typing import Annotated

import typer

from seal2real import __version__
from seal2real.cli import checking, converting, data, drawing, exporting, learning, measuring, sampling, using
from seal2real.cli.progress import is_main_process
from seal2real.errors import Seal2RealError, UsageError

# Two spinning OpenMP threads collapse on a machine whose cores are shared; it must be said before torch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

_INTERRUPTED = 130  # 128 + SIGINT
_DISK_ERRORS = (  # of a user's disk or path, wherever they come up
    *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EACCES, errno.EPERM, errno.EROFS),
    *(errno.ENOTDIR, errno.EISDIR, errno.ENOENT, errno.EEXIST, errno.ENAMETOOLONG, errno.ELOOP),
)

app = typer.Typer(
    name="seal2real",
    help="Labelled images of documents with realistic seals, learned from unlabelled real ones.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"seal2real {__version__}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Tell more of what is done.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Labelled images of documents with realistic seals, learned from unlabelled real ones."""
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.WARNING, force=True)
    quiet = logging.WARNING if is_main_process() else logging.CRITICAL
    logging.getLogger("seal2real").setLevel(logging.DEBUG if verbose and is_main_process() else quiet)


app.command(rich_help_panel="Data")(data.generate)
app.command(rich_help_panel="Data")(data.forge)
app.command(rich_help_panel="Data")(data.preview)
app.command(rich_help_panel="Data")(converting.convert)
app.command(rich_help_panel="Seals")(drawing.draw)
app.command(rich_help_panel="Seals")(drawing.fonts)
app.command(rich_help_panel="Learning")(learning.train)
app.command(rich_help_panel="Learning")(learning.calibrate)
app.command(rich_help_panel="Learning")(learning.pretrain)
app.command("pretrain-estimator", rich_help_panel="Learning")(learning.pretrain_estimator)
app.command("export-onnx", rich_help_panel="Learning")(exporting.export_onnx)
app.command(rich_help_panel="Learning")(sampling.sample)
app.command(rich_help_panel="Learning")(sampling.edit)
app.command(rich_help_panel="Scans")(using.segment)
app.command(rich_help_panel="Scans")(using.read)
app.command(rich_help_panel="Scans")(using.verify)
app.command(rich_help_panel="Scans")(using.remove)
app.command("train-task", rich_help_panel="Learning")(using.train_task)
app.command(rich_help_panel="Measuring")(measuring.evaluate)
app.command(rich_help_panel="Measuring")(measuring.benchmark)
app.command(rich_help_panel="Checking")(checking.validate)
app.command(rich_help_panel="Checking")(checking.stats)


def main() -> None:
    """Run the command line; leaves with 0, 1 (a failure), 2 (bad usage) or 130 (interrupted)."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command and return its exit status; every foreseen error becomes one line on stderr."""
    debug = "--debug" in arguments
    try:
        status = app(arguments, prog_name="seal2real", standalone_mode=False)
        if status == _INTERRUPTED:  # the library below has turned Ctrl-C into this status
            raise KeyboardInterrupt
        return status if isinstance(status, int) else 0
    except Exception as error:
        if debug and not _is_click(error):
            raise
        return _explain(error)
    except KeyboardInterrupt:
        _complain("interrupted")
        return _INTERRUPTED


def _is_click(error: BaseException) -> bool:
    return hasattr(error, "exit_code") and hasattr(error, "format_message")


def _explain(error: Exception) -> int:
    if _is_click(error):
        error.show()  # type: ignore[attr-defined]
        return int(error.exit_code)  # type: ignore[attr-defined]
    if isinstance(error, Seal2RealError):
        _complain(str(error))
        return 2 if isinstance(error, UsageError) else 1
    if isinstance(error, OSError) and error.errno in _DISK_ERRORS:
        where = f"{error.filename}: " if error.filename else ""
        _complain(f"{where}{(error.strerror or str(error)).lower()}")
        return 1
    raise error


def _complain(message: str) -> None:
    if is_main_process():
        print(f"seal2real: {message}", file=sys.stderr)
