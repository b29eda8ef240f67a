"""Make a labelled dataset: page, press, crop, forge, write."""

from __future__ import annotations

import dataclasses
import logging
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import seal2real
from seal2real.dataset.card import dataset_card
from seal2real.dataset.config import GenerateConfig
from seal2real.dataset.engines import check_engine, run_shards
from seal2real.dataset.engines.worker import Failure, spare_memory
from seal2real.dataset.samples import Context, encode, load_context, make_sample, split_of
from seal2real.dataset.splits import shares_of
from seal2real.dataset.store import FAILURES, SETTINGS, SHARD_SIZE, Shard, Store, local_path, open_store, plan_shards
from seal2real.errors import Seal2RealError, UsageError

__all__ = [
    "Context",
    "GenerateConfig",
    "GenerateJob",
    "Generated",
    "encode",
    "generate",
    "load_context",
    "make_sample",
    "split_of",
]

Progress = Callable[[int], None]  # called with the count of samples that were just finished
MAX_FAILURES = 10
_log = logging.getLogger(__name__)


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
    settings = _settings(config)
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


def _settings(config: GenerateConfig) -> dict[str, Any]:
    """What is kept with the dataset; a run with other settings must not go on with it."""
    settings: dict[str, Any] = {**dataclasses.asdict(config), "version": seal2real.__version__}
    if config.designs is not None:
        from seal2real.dataset.designs import load_designs

        settings["design_files"] = dict(load_designs(config.designs).digests)
    return settings


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
        """Tell of pages that cannot be used, and of splits for which there are too few pages or designs."""
        assert self._context is not None, "prepare() comes first"
        for _, reason in getattr(self._context.pages, "skipped", []):
            _log.warning("skipped %s", reason)
        wanted = shares_of(self.config.validation, self.config.test)
        for what, where in (("pages", self.config.pages), ("designs", self.config.designs)):
            without = [split for split in wanted if self._context.lacks(split) == what]
            if without:
                _log.warning("too few %s in %s for every split: there will be no %s", what, where, ", ".join(without))

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
                if index % SHARD_SIZE == SHARD_SIZE - 1:
                    spare_memory()
        return tuple(failures)
