"""Make a labelled dataset: page, press, crop, forge, write."""

from __future__ import annotations

import dataclasses
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import seal2real
from seal2real.dataset.card import dataset_card
from seal2real.dataset.engine import Progress, run_shards
from seal2real.dataset.formats.native import encode_sample
from seal2real.dataset.store import SETTINGS, Shard, Store, plan_shards
from seal2real.errors import Seal2RealError, UsageError
from seal2real.sample import Sample
from seal2real.seeding import rng_for

if TYPE_CHECKING:
    from seal2real.forger import Forger
    from seal2real.page import PageSource

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class GenerateConfig:
    """What to make. Sample ``i`` depends on these values and ``i`` alone, whatever the count and the workers.

    Raises:
        UsageError: a value is out of its range.
    """

    count: int = 100  # samples
    seed: int = 0
    forger: str = "default"  # "default", "untrained", "none" (flat pasted seals) or a RUN folder of `seal2real train`
    wear: float | None = None  # how worn the impressions are: 0 pristine, 0.5 as learned, 1 twice as much; None = 0.5
    capture: float | None = None  # how poor the scan is, on the same scale
    pages: str | None = None  # folder of PDFs and images; None typesets pages from templates
    dpi: int = 200  # resolution of pages
    crops: int | None = None  # side in pixels of a square crop around one seal; None keeps whole pages
    kinds: tuple[str, ...] | None = None  # seal kinds to draw from; None = all
    colour: str | None = None  # ink: "red", "blue", "violet" or "black"; None = the usual mix
    seals: int | None = None  # seals per page; None = as people do, mostly one
    jpeg_quality: int = 92  # 1..100
    validation: float = 0.1  # share of samples in the validation split
    test: float = 0.1  # share of samples in the test split

    def __post_init__(self) -> None:
        _require(self.count >= 1, "count", self.count, "at least 1")
        _require(self.seed >= 0, "seed", self.seed, "0 or more")
        for name in ("wear", "capture"):
            strength = getattr(self, name)
            _require(strength is None or 0 <= strength <= 1, name, strength, "0 to 1")
        _require(36 <= self.dpi <= 1200, "dpi", self.dpi, "36 to 1200")
        _require(self.crops is None or 32 <= self.crops <= 8192, "crops", self.crops, "32 to 8192 pixels")
        _require(self.seals is None or 1 <= self.seals <= 20, "seals", self.seals, "1 to 20")
        _require(1 <= self.jpeg_quality <= 100, "jpeg-quality", self.jpeg_quality, "1 to 100")
        _require(0 <= self.validation <= 1, "validation", self.validation, "a share, 0 to 1")
        _require(0 <= self.test <= 1 - self.validation, "test", self.test, "a share, with validation at most 1")


@dataclass(frozen=True)
class Context:
    """What all samples share: loaded once in each process."""

    pages: PageSource
    forger: Forger | None


def load_context(config: GenerateConfig) -> Context:
    """Open the page source and the forger, and check the names in the config.

    Raises:
        UsageError: unknown kind or colour.
        Seal2RealError: the pages' folder or the forger cannot be used.
    """
    from seal2real.page import FolderPages, TemplatePages
    from seal2real.press import COLOURS
    from seal2real.seal import kind_of

    for kind in config.kinds or ():
        kind_of(kind)
    if config.colour is not None and config.colour not in COLOURS:
        raise UsageError(f"no ink colour {config.colour!r}; choose from {', '.join(COLOURS)}")
    pages: PageSource
    pages = TemplatePages(config.dpi) if config.pages is None else FolderPages(Path(config.pages), config.dpi)
    if config.forger == "none":
        return Context(pages, None)
    from seal2real.forger import load_forger

    return Context(pages, load_forger(config.forger))


def make_sample(config: GenerateConfig, index: int, context: Context) -> Sample:
    """Sample ``index`` of the dataset: a pure function of the config and the index.

    Args:
        config: what to make.
        index: number of the sample, >= 0.
        context: from `load_context` of the same config.
    """
    from seal2real.press import crop_sample, stamp_page

    page = context.pages.page(rng_for(config.seed, index, "page"))
    sample = stamp_page(
        page,
        rng_for(config.seed, index, "press"),
        kinds=config.kinds,
        colour=config.colour,
        count=config.seals,
    )
    if config.crops is not None and sample.seals:
        rng = rng_for(config.seed, index, "crop")
        sample = crop_sample(sample, int(rng.integers(len(sample.seals))), config.crops, rng)
    if context.forger is not None:
        dials = {"wear": config.wear, "capture": config.capture}
        style = {key: value for key, value in dials.items() if value is not None}
        sample = context.forger.forge(sample, rng_for(config.seed, index, "forge"), style)
    return sample.with_provenance(
        seed=config.seed,
        index=index,
        forger=context.forger.name if context.forger is not None else "none",
        page=page.source,
        version=seal2real.__version__,
    )


def split_of(config: GenerateConfig, index: int) -> str:
    """The split of a sample: drawn by its number, so that a longer dataset keeps the splits of a shorter one."""
    draw = rng_for(config.seed, index, "split").random()
    if draw < config.test:
        return "test"
    return "validation" if draw < config.test + config.validation else "train"


def default_workers() -> int:
    """One worker per core that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def generate(
    config: GenerateConfig,
    out: Path,
    *,
    workers: int | None = None,
    resume: bool = False,
    progress: Progress = lambda done: None,
) -> None:
    """Write a dataset in the native format. The files' bytes do not depend on ``workers``, nor on interruptions.

    Args:
        config: what to make.
        out: folder to make; it must be new or empty unless ``resume``.
        workers: processes; None = one per core.
        resume: continue a run that was interrupted.
        progress: called with the count of samples that were just finished or found finished.

    Raises:
        UsageError: ``out`` holds something else, or was begun with other settings; or a value is out of range.
        Seal2RealError: a sample failed (it names the index), or ``out`` cannot be written.
    """
    if workers is not None and workers < 1:
        raise UsageError(f"workers is {workers}; it must be at least 1")
    settings: dict[str, Any] = {**dataclasses.asdict(config), "version": seal2real.__version__}
    shards = plan_shards(config.count)
    job = GenerateJob(config)
    if not (out / SETTINGS).is_file():
        job.prepare()  # a wrong forger or folder shows before anything is written
    store = Store.open(out, settings, resume=resume)
    if store.complete:
        progress(config.count)
        return
    job.prepare()
    for _, reason in job.skipped_pages:
        _log.warning("skipped %s", reason)
    missing = [shard for shard in shards if not store.has(shard)]
    progress(config.count - sum(map(len, missing)))
    if missing:
        run_shards(job, missing, store, min(workers or default_workers(), len(missing)), progress)
    store.finish(shards, dataset_card(settings))


class GenerateJob:
    """The work of one process: see `seal2real.dataset.engine.Job`."""

    def __init__(self, config: GenerateConfig):
        self.config = config
        self._context: Context | None = None

    def __getstate__(self) -> GenerateConfig:  # models do not travel; each process loads its own
        return self.config

    def __setstate__(self, state: GenerateConfig) -> None:
        self.__init__(state)  # type: ignore[misc]

    def prepare(self) -> None:
        """Load pages and forger, once."""
        if self._context is None:
            self._context = load_context(self.config)

    @property
    def skipped_pages(self) -> list[tuple[Path, str]]:
        """Files of the user's pages that cannot be used, with the reason."""
        return getattr(self._context.pages, "skipped", []) if self._context else []

    def run(self, shard: Shard, store: Store, stopped: Callable[[], bool]) -> None:
        """Make and write the samples of a shard."""
        assert self._context is not None, "prepare() comes first"
        with store.shard(shard) as writer:
            for index in range(shard.start, shard.stop):
                if stopped():
                    raise Seal2RealError("stopped")
                try:
                    sample = make_sample(self.config, index, self._context)
                    encoded = encode_sample(sample, index, split_of(self.config, index), self.config.jpeg_quality)
                except MemoryError:
                    raise Seal2RealError(
                        f"sample {index}: out of memory; use fewer --workers or a lower --dpi"
                    ) from None
                except UsageError:
                    raise  # true of every sample: an unknown kind, say
                except Exception as error:
                    reason = str(error) if isinstance(error, Seal2RealError) else repr(error)
                    raise Seal2RealError(f"sample {index} of seed {self.config.seed}: {reason}") from error
                writer.add(encoded)


def _require(holds: bool, name: str, value: object, wanted: str) -> None:
    if not holds:
        raise UsageError(f"{name} is {value}; it must be {wanted}")
