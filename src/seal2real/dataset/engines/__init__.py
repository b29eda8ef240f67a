"""Where shards are made: processes of this machine (`local`), or a Ray cluster (`ray`).

An engine is a generator of `Outcome`; one that is closed early stops its workers. Every engine runs the same
`seal2real.dataset.engines.worker.serve` on a shard, so that the files do not depend on the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from difflib import get_close_matches

from seal2real.dataset.engines.worker import Failure, Job, Outcome
from seal2real.dataset.store import Shard, Store
from seal2real.errors import UsageError

__all__ = ["ENGINES", "Failure", "Job", "Outcome", "check_engine", "run_shards"]

ENGINES = ("local", "ray")


def check_engine(name: str, ray_address: str | None = None) -> None:
    """Check an engine's name and that an address is given only to Ray.

    Raises:
        UsageError: unknown engine, or an address for one that takes none.
    """
    if name not in ENGINES:
        near = get_close_matches(name, ENGINES, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise UsageError(f"no engine {name!r}; {hint}known: {', '.join(ENGINES)}")
    if ray_address is not None and name != "ray":
        raise UsageError(f"a Ray address goes with --engine ray, not with --engine {name}")


def run_shards(
    job: Job,
    shards: Sequence[Shard],
    store: Store,
    *,
    engine: str = "local",
    workers: int | None = None,
    ray_address: str | None = None,
    finished: Callable[[Shard, tuple[Failure, ...]], None],
) -> None:
    """Write the shards.

    Args:
        job: what to do with each.
        shards: those that are still missing.
        store: where to.
        engine: one of `ENGINES`.
        workers: processes at once; None for one per core (of the cluster). One local worker is this process itself.
        ray_address: of a running cluster; None starts one here for this run.
        finished: told of every finished shard and of its samples that failed; what it raises ends the run.

    Raises:
        UsageError: unknown engine.
        Seal2RealError: the disk is full, workers keep dying, or the cluster cannot be reached. Finished shards stay.
    """
    check_engine(engine, ray_address)
    outcomes: Iterator[Outcome]
    if engine == "ray":
        from seal2real.dataset.engines.ray import run_ray

        outcomes = run_ray(job, shards, store, workers, ray_address)
    else:
        from seal2real.dataset.engines.local import run_local

        outcomes = run_local(job, shards, store, workers)
    with closing(outcomes):  # type: ignore[type-var]  # both are generators
        for outcome in outcomes:
            finished(outcome.shard, outcome.failures)
