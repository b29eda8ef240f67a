"""Make a labelled dataset: page, press, crop, forge, write."""

from __future__ import annotations

import dataclasses
import logging
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import seal2real
from seal2real.dataset.card import dataset_card
from seal2real.dataset.engines import check_engine, run_shards
from seal2real.dataset.engines.worker import Failure
from seal2real.dataset.formats.native import EncodedSample, encode_sample
from seal2real.dataset.splits import (
    design_accepter,
    folder_parts,
    page_identity,
    shares_of,
    split_at,
    template_part,
)
from seal2real.dataset.store import FAILURES, SETTINGS, Shard, Store, local_path, open_store, plan_shards
from seal2real.errors import Seal2RealError, UsageError
from seal2real.sample import Sample
from seal2real.seeding import rng_for

if TYPE_CHECKING:
    from seal2real.forger import Forger
    from seal2real.page import PageSource
    from seal2real.press import PressSettings

Progress = Callable[[int], None]  # called with the count of samples that were just finished
MAX_FAILURES = 10
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
    negatives: float = 0.0  # share of samples without any seal
    press: str | None = None  # rates of strikes, "double-strike=0.1,riding=0"; see `seal2real.press.PressSettings`
    authenticity: str | None = None  # shares of cases for verification; see `seal2real.dataset.authenticity`
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
        _require(0 <= self.negatives <= 1, "negatives", self.negatives, "a share, 0 to 1")
        self.press_settings()
        if self.authenticity is not None:
            from seal2real.dataset.authenticity import AuthenticityMix

            AuthenticityMix.parse(self.authenticity)
            if self.forger == "none":
                raise UsageError(
                    "authenticity wants impressions that look real, and forger is none; give default or a RUN folder"
                )
        _require(1 <= self.jpeg_quality <= 100, "jpeg-quality", self.jpeg_quality, "1 to 100")
        _require(0 <= self.validation <= 1, "validation", self.validation, "a share, 0 to 1")
        _require(0 <= self.test <= 1 - self.validation, "test", self.test, "a share, with validation at most 1")

    def press_settings(self) -> PressSettings:
        """How pages are stamped.

        Raises:
            UsageError: unknown rate, or out of range.
        """
        from seal2real.press import PressSettings

        return dataclasses.replace(PressSettings.parse(self.press), negatives=self.negatives)


@dataclass(frozen=True)
class Context:
    """What all samples share: loaded once in each process.

    Attributes:
        pages: where pages come from.
        forger: None for flat pasted seals.
        parts: split -> the pages that belong to it; empty to take any page for every split.
    """

    pages: PageSource
    forger: Forger | None
    parts: Mapping[str, PageSource] = dataclasses.field(default_factory=dict)

    def shares(self, config: GenerateConfig) -> dict[str, float]:
        """The shares of the splits for which there are pages."""
        shares = shares_of(config.validation, config.test)
        return {name: share for name, share in shares.items() if not self.parts or name in self.parts}


def load_context(config: GenerateConfig) -> Context:
    """Open the page source and the forger, and check the names in the config.

    Raises:
        UsageError: unknown kind or colour.
        Seal2RealError: the pages' folder or the forger cannot be used.
    """
    from seal2real.page import FolderPages, TemplatePages
    from seal2real.press import COLOURS
    from seal2real.seal import kind_of

    shares = shares_of(config.validation, config.test)

    for kind in config.kinds or ():
        kind_of(kind)
    if config.colour is not None and config.colour not in COLOURS:
        raise UsageError(f"no ink colour {config.colour!r}; choose from {', '.join(COLOURS)}")
    pages: PageSource
    parts: Mapping[str, PageSource]
    if config.pages is None:
        pages = templates = TemplatePages(config.dpi)
        parts = {split: template_part(templates, split, shares) for split in shares}
    else:
        pages = folder = FolderPages(Path(config.pages), config.dpi)
        parts = folder_parts(folder, shares)
    if config.forger == "none":
        return Context(pages, None, parts)
    from seal2real.forger import load_forger

    return Context(pages, load_forger(config.forger), parts)


def make_sample(config: GenerateConfig, index: int, context: Context) -> Sample:
    """Sample ``index`` of the dataset: a pure function of the config and the index.

    Args:
        config: what to make.
        index: number of the sample, >= 0.
        context: from `load_context` of the same config.
    """
    from seal2real.press import crop_page, crop_sample, stamp_page

    shares = context.shares(config)
    split = split_at(_split_place(config, index), shares)
    page = context.parts.get(split, context.pages).page(rng_for(config.seed, index, "page"))
    sample = stamp_page(
        page,
        rng_for(config.seed, index, "press"),
        kinds=config.kinds,
        colour=config.colour,
        count=config.seals,
        accept=design_accepter(split, shares),
        settings=config.press_settings(),
    )
    page_id = page_identity(page)
    if config.crops is not None:
        rng = rng_for(config.seed, index, "crop")
        if sample.seals:
            sample = crop_sample(sample, int(rng.integers(len(sample.seals))), config.crops, rng)
        else:
            sample = crop_page(sample, config.crops, rng)
    if context.forger is not None:
        dials = {"wear": config.wear, "capture": config.capture}
        style = {key: value for key, value in dials.items() if value is not None}
        rng = rng_for(config.seed, index, "forge")
        if config.authenticity is None:
            sample = context.forger.forge(sample, rng, style)
        else:
            from seal2real.dataset.authenticity import AuthenticityMix, make_case

            case = AuthenticityMix.parse(config.authenticity).draw(rng_for(config.seed, index, "authenticity"))
            sample = make_case(sample, case, context.forger, rng, style)
    return sample.with_provenance(
        seed=config.seed,
        index=index,
        forger=context.forger.name if context.forger is not None else "none",
        page=sample.page.source,
        page_id=page_id,
        version=seal2real.__version__,
    )


def split_of(config: GenerateConfig, index: int, context: Context | None = None) -> str:
    """The split of a sample: drawn by its number, so that a longer dataset keeps the splits of a shorter one.

    Args:
        config: what is made.
        index: number of the sample.
        context: leaves out the splits for which the user's pages are too few.
    """
    shares = shares_of(config.validation, config.test) if context is None else context.shares(config)
    return split_at(_split_place(config, index), shares)


def _split_place(config: GenerateConfig, index: int) -> float:
    return float(rng_for(config.seed, index, "split").random())


def encode(config: GenerateConfig, index: int, context: Context) -> EncodedSample:
    """Row and files of sample ``index``."""
    sample = make_sample(config, index, context)
    return encode_sample(sample, index, split_of(config, index, context), config.jpeg_quality)


@dataclass(frozen=True)
class Generated:
    """What a run left.

    Attributes:
        failures: samples that are missing, with the reason.
        converted: format -> its folder.
    """

    failures: tuple[Failure, ...] = ()
    converted: Mapping[str, Path] = dataclasses.field(default_factory=dict)


def generate(
    config: GenerateConfig,
    out: Path | str,
    *,
    workers: int | None = None,
    resume: bool = False,
    progress: Progress = lambda done: None,
    engine: str = "local",
    ray_address: str | None = None,
    max_failures: int = MAX_FAILURES,
    formats: Sequence[str] = (),
) -> Generated:
    """Write a dataset in the native format. The bytes depend on neither engine nor workers, nor on interruptions.

    Args:
        config: what to make.
        out: folder to make, a path or a URL that fsspec knows; it must be new or empty unless ``resume``.
        workers: processes; None = one per core.
        resume: continue a run that was interrupted, and try samples that failed once more.
        progress: called with the count of samples that were just finished or found finished.
        engine: "local" or "ray".
        ray_address: of a running Ray cluster; None starts one on this machine.
        max_failures: how many samples may fail before the run ends; they are listed in ``failures.jsonl``.
        formats: more formats to write, each into a folder beside ``out`` (``out-coco``).

    Raises:
        UsageError: ``out`` holds something else, or was begun with other settings; or a value is out of range.
        Seal2RealError: too many samples failed (it names the first), or ``out`` cannot be written.
    """
    _check_run(out, workers, engine, ray_address, max_failures, formats)
    settings: dict[str, Any] = {**dataclasses.asdict(config), "version": seal2real.__version__}
    shards = plan_shards(config.count)
    job = GenerateJob(config)
    folder = local_path(out)
    if folder is None or not (folder / SETTINGS).is_file():
        job.prepare()  # a wrong forger or folder shows before anything is written
    store = open_store(out, settings, resume=resume)
    failures: list[Failure] = []
    if store.complete:
        progress(config.count)
        return Generated((), _convert(folder, formats))
    try:
        workers = _check_processes(store, workers, engine)
        job.prepare()
        job.warn()
        missing = store.missing(shards)
        progress(config.count - sum(map(len, missing)))

        def finished(shard: Shard, failed: tuple[Failure, ...]) -> None:
            if failed:
                failures.extend(failed)
                store.report({**dataclasses.asdict(failure), "config": settings} for failure in failures)
            progress(len(shard))
            if len(failures) > max_failures:
                raise Seal2RealError(_too_many(failures, max_failures, config, store))

        if missing:
            run_shards(job, missing, store, engine=engine, workers=workers, ray_address=ray_address, finished=finished)
        if len(failures) == config.count:
            raise Seal2RealError(_too_many(failures, max_failures, config, store))
        if not failures:
            store.report(())
        store.finish(shards, dataset_card({**settings, "count": config.count - len(failures)}), whole=not failures)
    except BaseException:
        store.leave()
        raise
    return Generated(tuple(sorted(failures, key=lambda failure: failure.index)), _convert(folder, formats))


def _check_run(
    out: Path | str,
    workers: int | None,
    engine: str,
    ray_address: str | None,
    max_failures: int,
    formats: Sequence[str],
) -> None:
    from seal2real.dataset.formats import format_of

    if workers is not None and workers < 1:
        raise UsageError(f"workers is {workers}; it must be at least 1")
    if max_failures < 0:
        raise UsageError(f"max-failures is {max_failures}; it must be 0 or more")
    check_engine(engine, ray_address)
    for name in formats:
        format_of(name)
    if formats and local_path(out) is None:
        raise UsageError(f"--format needs a dataset in a local folder, not at {out}; generate it here, then copy it")


def _check_processes(store: Store, workers: int | None, engine: str) -> int | None:
    if not store.one_process:
        return workers
    if engine != "local" or (workers or 1) > 1:
        raise UsageError(f"{store.name} is seen by one process only; give --engine local --workers 1, or another URL")
    return 1


def _too_many(failures: Sequence[Failure], limit: int, config: GenerateConfig, store: Store) -> str:
    first = min(failures, key=lambda failure: failure.index)
    return (
        f"{len(failures)} samples failed (--max-failures {limit}); the first is sample {first.index} of seed "
        f"{config.seed}: {first.error}; all are in {store.name}/{FAILURES}; try them again with --resume"
    )


def _convert(folder: Path | None, formats: Sequence[str]) -> dict[str, Path]:
    """Write the dataset in more formats, each beside it; what is there already is whole, and stays."""
    from seal2real.dataset.convert import convert

    folders: dict[str, Path] = {}
    for name in dict.fromkeys(formats):
        assert folder is not None
        folders[name] = folder.absolute().with_name(f"{folder.absolute().name}-{name}")
        if not folders[name].exists():
            convert(folder, [name], folders[name], "native")
    return folders


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

    def warn(self) -> None:
        """Tell of pages that cannot be used, and of splits for which there are too few."""
        assert self._context is not None, "prepare() comes first"
        for _, reason in getattr(self._context.pages, "skipped", []):
            _log.warning("skipped %s", reason)
        wanted = shares_of(self.config.validation, self.config.test)
        without = [split for split in wanted if split not in self._context.parts]
        if without:
            _log.warning("too few pages in %s for every split: there will be no %s", self.config.pages, without)

    def run(self, shard: Shard, store: Store, stopped: Callable[[], bool]) -> tuple[Failure, ...]:
        """Make and write the samples of a shard. One that fails is left out, and told."""
        assert self._context is not None, "prepare() comes first"
        failures: list[Failure] = []
        with store.shard(shard) as writer:
            for index in range(shard.start, shard.stop):
                if stopped():
                    raise Seal2RealError("stopped")
                try:
                    encoded = encode(self.config, index, self._context)
                except MemoryError:
                    raise Seal2RealError(
                        f"sample {index}: out of memory; use fewer --workers or a lower --dpi"
                    ) from None
                except UsageError:
                    raise  # true of every sample: an unknown kind, say
                except Exception as error:
                    reason = str(error) if isinstance(error, Seal2RealError) else repr(error)
                    failures.append(Failure(index, " ".join(reason.split()), traceback.format_exc()))
                    writer.skip()
                else:
                    writer.add(encoded)
        return tuple(failures)


def _require(holds: bool, name: str, value: object, wanted: str) -> None:
    if not holds:
        raise UsageError(f"{name} is {value}; it must be {wanted}")
