"""The command line: each command parses, calls one function and prints."""

from __future__ import annotations

import errno
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from seal2real import __version__
from seal2real.errors import Seal2RealError, UsageError

# Two spinning OpenMP threads collapse on a machine whose cores are shared; it must be said before torch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

_INTERRUPTED = 130  # 128 + SIGINT
_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS)

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
    logging.getLogger("seal2real").setLevel(logging.DEBUG if verbose else logging.WARNING)


@app.command(rich_help_panel="Data")
def generate(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to make; new or empty, unless --resume.")],
    count: Annotated[int, typer.Option("--count", "-n", help="Samples to make.")] = 100,
    forger: Annotated[
        str,
        typer.Option(
            metavar="NAME|DIR", help="default (shipped weights), untrained, none (flat pastes) or a RUN folder."
        ),
    ] = "default",
    wear: Annotated[
        float | None, typer.Option(help="Wear of the impressions: 0 pristine, 0.5 as learned, 1 heavy.  [default: 0.5]")
    ] = None,
    capture: Annotated[
        float | None, typer.Option(help="Flaws of the scan: 0 none, 0.5 as learned, 1 heavy.  [default: 0.5]")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed; sample i depends on the settings, the seed and i alone.")] = 0,
    pages: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Your own pages, PDFs and images.  [default: templates]"),
    ] = None,
    dpi: Annotated[int, typer.Option(help="Resolution of the pages, dots per inch.")] = 200,
    crops: Annotated[
        int | None,
        typer.Option(metavar="SIZE", help="Square crops around one seal, SIZE pixels wide.  [default: whole pages]"),
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(metavar="KIND", help="Seal kind; repeatable.  [default: all]"),
    ] = None,
    colour: Annotated[
        str | None, typer.Option(metavar="INK", help="red, blue, violet or black.  [default: as usual, mostly red]")
    ] = None,
    seals: Annotated[int | None, typer.Option(help="Seals on each page.  [default: as people do, mostly 1]")] = None,
    jpeg_quality: Annotated[int, typer.Option(help="Quality of stamped and clean images, 1 to 100.")] = 92,
    validation: Annotated[float, typer.Option(help="Share of samples in the validation split.")] = 0.1,
    test: Annotated[float, typer.Option(help="Share of samples in the test split.")] = 0.1,
    workers: Annotated[int | None, typer.Option("--workers", "-j", help="Processes.  [default: one per core]")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue a run that was interrupted.")] = False,
    preview: Annotated[int, typer.Option(help="Samples shown in preview.jpg; 0 makes none.")] = 24,
) -> None:
    """Make a labelled dataset in **OUT**: stamped, clean, ink, masks, polygons, texts (Hugging Face imagefolder)."""
    from seal2real.dataset.generate import GenerateConfig
    from seal2real.dataset.generate import generate as make
    from seal2real.report.sheet import write_preview

    config = GenerateConfig(
        count=count,
        seed=seed,
        forger=forger,
        wear=wear,
        capture=capture,
        pages=None if pages is None else str(pages),
        dpi=dpi,
        crops=crops,
        kinds=tuple(kind) if kind else None,
        colour=colour,
        seals=seals,
        jpeg_quality=jpeg_quality,
        validation=validation,
        test=test,
    )
    with _progress("generate", count) as advance:
        make(config, out, workers=workers, resume=resume, progress=advance)
    print(f"{count} samples in {out} (labels: {out / 'metadata.jsonl'}, fields: {out / 'README.md'})")
    if preview > 0:
        print(f"look at {write_preview(out, count=preview)}")


@app.command(rich_help_panel="Data")
def preview(
    dataset: Annotated[Path, typer.Argument(metavar="DATASET", help="Folder with metadata.jsonl.")],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="JPEG to write.  [default: DATASET/preview.jpg]")
    ] = None,
    count: Annotated[int, typer.Option("--count", "-n", help="Most samples to show.")] = 24,
) -> None:
    """Write a contact sheet of **DATASET**: stamped, clean and masks side by side, with the seals enlarged."""
    from seal2real.report.sheet import write_preview

    print(f"look at {write_preview(dataset, out, count)}")


@app.command(rich_help_panel="Data")
def forge(
    images: Annotated[Path, typer.Argument(metavar="IMAGES", help="Folder of images with flat pasted seals.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder to write the forged images to.")],
    forger: Annotated[
        str, typer.Option(metavar="NAME|DIR", help="default (shipped weights) or a RUN folder.")
    ] = "default",
    seed: Annotated[int, typer.Option(help="Seed; each image depends on it and on its path in IMAGES alone.")] = 0,
    dpi: Annotated[float, typer.Option(help="Resolution of the images, dots per inch.")] = 200,
    jpeg_quality: Annotated[int, typer.Option(help="Quality of JPEG files, 1 to 100.")] = 92,
) -> None:
    """Make the pasted seals in **IMAGES** look real; sizes, names and so your own labels stay as they are."""
    from seal2real.dataset.forge_images import forge_folder

    with _progress("forge", None) as advance:
        report = forge_folder(images, out, forger, seed=seed, dpi=dpi, jpeg_quality=jpeg_quality, progress=advance)
    print(f"{len(report.forged)} images in {out}")
    for _, reason in report.skipped:
        print(f"skipped {reason}", file=sys.stderr)


@app.command(rich_help_panel="Measuring")
def evaluate(
    dataset: Annotated[Path, typer.Argument(metavar="DATASET", help="Folder with metadata.jsonl.")],
    real: Annotated[Path, typer.Option(metavar="DIR", help="Folder of real seal images.")],
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder for the JSON report and the plot.  [default: none]"),
    ] = None,
) -> None:
    """Measure how real **DATASET** looks (C2ST, KID, with floor and ceiling) and whether its labels hold."""
    from rich.console import Console

    from seal2real.report.evaluate import evaluate as measure

    Console().print(measure(dataset, real, out))


@contextmanager
def _progress(what: str, total: int | None) -> Iterator[Callable[..., None]]:
    """A bar on stderr: done, rate, time left. Yields a function ``advance(done, total=None)``."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        TextColumn("left"),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=total, rate="")

        def advance(done: int, total: int | None = None) -> None:
            bar.update(task, advance=done, total=total)
            state = bar.tasks[0]
            if state.elapsed:
                bar.update(task, rate=f"{state.completed / state.elapsed:.2f}/s")

        yield advance


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
        print("seal2real: interrupted", file=sys.stderr)
        return _INTERRUPTED


def _is_click(error: BaseException) -> bool:
    return hasattr(error, "exit_code") and hasattr(error, "format_message")


def _explain(error: Exception) -> int:
    if _is_click(error):
        error.show()  # type: ignore[attr-defined]
        return int(error.exit_code)  # type: ignore[attr-defined]
    if isinstance(error, Seal2RealError):
        print(f"seal2real: {error}", file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1
    if isinstance(error, OSError) and error.errno in _DISK_ERRORS:
        where = f"{error.filename}: " if error.filename else ""
        print(f"seal2real: {where}{(error.strerror or str(error)).lower()}", file=sys.stderr)
        return 1
    raise error


if __name__ == "__main__":
    main()
