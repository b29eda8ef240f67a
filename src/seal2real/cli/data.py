"""Commands that make data: generate, forge, preview."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from seal2real.cli.progress import counting
from seal2real.physics.strength import USUAL_CAPTURE, USUAL_WEAR, parse_strength, written


def generate(
    out: Annotated[
        str, typer.Argument(metavar="OUT", help="Folder or URL (s3://...) to make; new or empty, unless --resume.")
    ],
    count: Annotated[int, typer.Option("--count", "-n", help="Samples to make.")] = 100,
    forger: Annotated[
        str,
        typer.Option(
            metavar="NAME|DIR|ID",
            help="default (shipped weights), untrained, none (flat pastes), a RUN folder or a hub id (OWNER/NAME).",
        ),
    ] = "default",
    wear: Annotated[
        str,
        typer.Option(
            metavar="0..1|LOW-HIGH",
            help="Wear of the impressions: 0 pristine, 0.5 as learned, 1 heavy; of a range, drawn for every sample.",
        ),
    ] = written(USUAL_WEAR),
    capture: Annotated[
        str,
        typer.Option(metavar="0..1|LOW-HIGH", help="Flaws of the scan: 0 none, 0.5 as learned, 1 heavy; or a range."),
    ] = written(USUAL_CAPTURE),
    capture_device: Annotated[
        str | None,
        typer.Option(
            metavar="DEVICE",
            help="scan, phone or photocopy, or shares: scan=0.7,phone=0.3.  [default: the mixture that was learned]",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed; sample i depends on the settings, the seed and i alone.")] = 0,
    pages: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Your own pages, PDFs and images.  [default: templates]"),
    ] = None,
    template: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Page template (docs/pages.md); repeatable.  [default: all]"),
    ] = None,
    language: Annotated[
        str | None, typer.Option(metavar="CODE", help="Only templates in zh, en or mixed.  [default: all]")
    ] = None,
    pen: Annotated[
        float | None,
        typer.Option(help="Share of pages signed and dated by hand.  [default: 0.6; own pages: 0]"),
    ] = None,
    red: Annotated[
        float | None,
        typer.Option(help="Share of pages with red things that are no seals.  [default: 0.15; own pages: 0]"),
    ] = None,
    coloured_paper: Annotated[
        float | None,
        typer.Option(help="Share of pages on coloured paper.  [default: 0.08; own pages: 0]"),
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
    designs: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="Your own seals: a YAML design or a folder of them (docs/designs.md).  [default: invented]",
        ),
    ] = None,
    design_share: Annotated[
        float, typer.Option(help="Share of the seals that are of DESIGNS; others are invented.")
    ] = 1.0,
    colour: Annotated[
        str | None, typer.Option(metavar="INK", help="red, blue, violet or black.  [default: as usual, mostly red]")
    ] = None,
    seals: Annotated[int | None, typer.Option(help="Seals on each page.  [default: as people do, mostly 1]")] = None,
    riding_sheets: Annotated[
        int | None,
        typer.Option(
            metavar="SHEETS",
            help="Every SHEETS samples are a document with one seal over its edges, a part on each.  "
            "[default: single pages]",
        ),
    ] = None,
    negatives: Annotated[
        float, typer.Option(help="Share of samples without a seal; most have red things that are none.")
    ] = 0.0,
    press: Annotated[
        str | None,
        typer.Option(
            metavar="RATES",
            help="How often seals are struck how: double-strike=0.1,riding=0,... (docs/authenticity.md).  "
            "[default: as people do]",
        ),
    ] = None,
    authenticity: Annotated[
        str | None,
        typer.Option(
            metavar="SHARES",
            help="For verification: impression=0.4,paste=0.2,copy=0.2,altered=0.2, each seal with a reference.  "
            "[default: impressions]",
        ),
    ] = None,
    jpeg_quality: Annotated[int, typer.Option(help="Quality of stamped and clean images, 1 to 100.")] = 92,
    validation: Annotated[float, typer.Option(help="Share of samples in the validation split.")] = 0.1,
    test: Annotated[float, typer.Option(help="Share of samples in the test split.")] = 0.1,
    engine: Annotated[str, typer.Option(help="local, or ray for a cluster.")] = "local",
    workers: Annotated[int | None, typer.Option("--workers", "-j", help="Processes.  [default: one per core]")] = None,
    ray_address: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="A running Ray cluster: HOST:PORT or auto.  [default: one started here]"),
    ] = None,
    max_failures: Annotated[int, typer.Option(help="Samples that may fail before the run ends.")] = 10,
    formats: Annotated[
        list[str] | None,
        typer.Option("--format", metavar="FORMAT", help="Also write it as coco, yolo, ... in OUT-FORMAT; repeatable."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue a run that was interrupted; try failed samples again.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only tell the time and the disk space that it takes.")
    ] = False,
    preview: Annotated[int, typer.Option(min=0, help="Samples shown in preview.jpg; 0 makes none.")] = 24,
) -> None:
    """Make a labelled dataset in **OUT**: stamped, clean, ink, masks, polygons, texts (Hugging Face imagefolder)."""
    from seal2real.dataset.generate import GenerateConfig
    from seal2real.dataset.generate import generate as make
    from seal2real.dataset.store import FAILURES, local_path

    config = GenerateConfig(
        count=count,
        seed=seed,
        forger=forger,
        wear=parse_strength(wear, "wear"),
        capture=parse_strength(capture, "capture"),
        capture_device=capture_device,
        pages=None if pages is None else str(pages),
        templates=tuple(template) if template else None,
        language=language,
        pen=pen,
        red=red,
        coloured_paper=coloured_paper,
        dpi=dpi,
        crops=crops,
        kinds=tuple(kind) if kind else None,
        designs=None if designs is None else str(designs),
        design_share=design_share,
        colour=colour,
        seals=seals,
        riding_sheets=riding_sheets,
        negatives=negatives,
        press=press,
        authenticity=authenticity,
        jpeg_quality=jpeg_quality,
        validation=validation,
        test=test,
    )
    if dry_run:
        from seal2real.dataset.estimate import estimate

        print("\n".join(estimate(config, out, workers).lines()))
        return
    with counting("generate", count) as advance:
        made = make(
            config,
            out,
            workers=workers,
            resume=resume,
            progress=advance,
            engine=engine,
            ray_address=ray_address,
            max_failures=max_failures,
            formats=formats or (),
        )
    name = out.rstrip("/")
    print(f"{count - len(made.failures)} samples in {out} (labels: {name}/metadata.jsonl, fields: {name}/README.md)")
    for target, folder in made.converted.items():
        print(f"{target} in {folder}")
    if made.failures:
        first = made.failures[0]
        print(
            f"{len(made.failures)} samples failed, the first: sample {first.index}: {first.error} "
            f"(all: {name}/{FAILURES}; try them again: --resume)",
            file=sys.stderr,
        )
    path = local_path(out)
    if preview > 0 and path is not None:
        from seal2real.report.sheet import write_preview

        print(f"look at {write_preview(path, count=preview)}")


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


def forge(
    images: Annotated[Path, typer.Argument(metavar="IMAGES", help="Folder of images with flat pasted seals.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder to write the forged images to.")],
    forger: Annotated[
        str,
        typer.Option(metavar="NAME|DIR|ID", help="default (shipped weights), a RUN folder or a hub id (OWNER/NAME)."),
    ] = "default",
    capture_device: Annotated[
        str | None, typer.Option(metavar="DEVICE", help="scan, phone or photocopy.  [default: the mixture learned]")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed; each image depends on it and on its path in IMAGES alone.")] = 0,
    dpi: Annotated[float, typer.Option(help="Resolution of the images, dots per inch.")] = 200,
    jpeg_quality: Annotated[int, typer.Option(help="Quality of JPEG files, 1 to 100.")] = 92,
) -> None:
    """Make the pasted seals in **IMAGES** look real; sizes, names and so your own labels stay as they are."""
    from seal2real.dataset.forge_images import forge_folder

    with counting("forge", None) as advance:
        report = forge_folder(
            images, out, forger, seed=seed, dpi=dpi, jpeg_quality=jpeg_quality, device=capture_device, progress=advance
        )
    print(f"{len(report.written)} images in {out}")
    for _, reason in report.skipped:
        print(f"skipped {reason}", file=sys.stderr)
