"""How real do the forgers look? The same drawn seals, pasted, simulated and forged, against real scans.

python benchmarks/realism.py --real DIR --other-real DIR --forger RUN --out DIR --explain
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from rich.console import Console

from seal2real.errors import Seal2RealError
from seal2real.forger import Forger, load_forger
from seal2real.forger.layered import LayeredForger
from seal2real.images import encode_png, write_atomic
from seal2real.page import FolderPages, TemplatePages, mixed
from seal2real.report.c2st import JudgeBudget
from seal2real.report.compare import compare
from seal2real.report.evaluate import patch_sheet, plot_comparison, seal_sheet
from seal2real.report.sources import real_seals
from seal2real.report.variants import Variant, crops_of, drawn_samples, forged_by, made, pasted, simulated
from seal2real.weights import read_json, read_tensors

EVALUATION_SEED = 7001  # not a seed that training draws its pool from


def main() -> None:
    """Parse, compare, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real", type=Path, required=True, help="real images to compare with")
    parser.add_argument("--other-real", type=Path, help="real images of other origin: the floor")
    parser.add_argument("--forger", nargs="*", help="forgers: 'default', or a RUN folder (finished or running)")
    parser.add_argument("--count", type=int, default=120, help="seals per variant")
    parser.add_argument("--dpi", type=int, default=200)
    parser.add_argument("--pages", type=Path, help="folder of pages for half of the seals; the others are typeset")
    parser.add_argument("--black", action="store_true", help="also compare black seals")
    parser.add_argument("--seed", type=int, default=EVALUATION_SEED)
    parser.add_argument("--quick", action="store_true", help="without the network judge and the split floor")
    parser.add_argument("--explain", type=int, nargs="?", const=15, default=0, help="print the telling statistics")
    parser.add_argument("--out", type=Path, help="folder for realism.json, realism.png, patches.png, seals.png")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    started = time.process_time()
    console = Console(width=150)

    pages = TemplatePages(arguments.dpi)
    source = mixed((pages, FolderPages(arguments.pages, arguments.dpi))) if arguments.pages else pages
    variants: dict[str, Variant] = {"pasted": pasted, "simulated": simulated, **forgers(arguments.forger)}
    samples = drawn_samples(arguments.count, source, arguments.dpi, arguments.seed)
    crops = {}
    for name, variant in variants.items():
        crops[name] = crops_of(made(samples, variant, arguments.seed))
        console.print(f"{name}: {len(crops[name])} seals, {time.process_time() - started:.0f} s of CPU", style="dim")
    real = real_seals(arguments.real, arguments.black)
    other = real_seals(arguments.other_real, arguments.black) if arguments.other_real else None
    budget = JudgeBudget(cnn_steps=0) if arguments.quick else JudgeBudget()
    splits = 0 if arguments.quick else 4
    comparison = compare(real, crops, other_real=other, budget=budget, floor_splits=splits, seed=arguments.seed)
    console.print(comparison.to_table())
    for note in comparison.notes:
        console.print(f"note: {note}")
    if arguments.explain:
        for name in variants:
            console.print(comparison.explain(name, arguments.explain))
    console.print(f"{time.process_time() - started:.0f} s of CPU", style="dim")
    if arguments.out:
        text = json.dumps(comparison.to_json(), indent=1, ensure_ascii=False) + "\n"
        write_atomic(arguments.out / "realism.json", text.encode())
        write_atomic(arguments.out / "patches.png", encode_png(patch_sheet(comparison, 3)))
        rng = np.random.default_rng(arguments.seed)
        write_atomic(arguments.out / "seals.png", encode_png(seal_sheet({"real": real, **crops}, rng)))
        plot = plot_comparison(comparison)
        if plot is not None:
            write_atomic(arguments.out / "realism.png", plot)
        console.print(f"written to {arguments.out}")


def forgers(names: list[str] | None) -> dict[str, Variant]:
    """The untrained forger and those asked for; without any, the shipped one where there is one."""
    found: dict[str, Variant] = {"untrained": forged_by(loaded("untrained"))}
    if names is None:
        try:
            found["default"] = forged_by(loaded("default"))
        except Seal2RealError as error:
            Console(stderr=True).print(f"without the default forger: {error}", style="dim")
    for name in names or ():
        found[name] = forged_by(loaded(name))
    return found


def loaded(name: str) -> Forger:
    """A forger by name or folder; of a run that still goes on, the averaged weights of its newest state."""
    pointer = Path(name) / "state" / "stage2.json"
    if pointer.is_file() and not (Path(name) / "forger").is_dir():
        tensors = read_tensors(pointer.parent / read_json(pointer)["folder"] / "tensors.safetensors")
        network = LayeredForger()
        network.load_state_dict({k[4:]: v for k, v in tensors.items() if k.startswith("ema/")})
        return Forger(network, name)
    forger = load_forger(name)
    if forger is None:
        raise Seal2RealError("forger 'none' changes nothing: that is the variant 'pasted'")
    return forger


if __name__ == "__main__":
    try:
        main()
    except Seal2RealError as error:
        raise SystemExit(str(error)) from None
