"""Shards on a Ray cluster: a running one, or one that is started on this machine for the run."""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import socket
import subprocess
import sys
import uuid
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from seal2real.dataset.engines.worker import (
    Deaths,
    Job,
    Outcome,
    Trouble,
    default_workers,
    keep_memory,
    one_thread_in_children,
    serve,
)
from seal2real.dataset.store import Shard, Store
from seal2real.errors import Seal2RealError, UsageError

_CONNECT_SECONDS = 5.0
_HEALTH_SECONDS = 25.0
_LIVES = 3  # of a cluster of our own
_STARTS = 3  # a new cluster has 30 s to come up, which is short on a busy machine
_OBJECT_STORE_BYTES = 80 << 20  # nothing but outcomes travels through it
_AHEAD = 2  # shards queued per core of the cluster, so that none waits for the driver

_prepared: dict[str, Job] = {}  # of a worker process: Ray keeps processes between tasks


def run_ray(
    job: Job, shards: Sequence[Shard], store: Store, workers: int | None, address: str | None
) -> Iterator[Outcome]:
    """Make the shards; see `seal2real.dataset.engines.run_shards`.

    A task is one shard on one core. Ray's own retries are off: a dead worker, or node, is noticed here, and its shard
    is given to another with the same bound as on the local engine. A cluster of our own that dies is started again.
    """
    waiting, deaths = deque(shards), Deaths()
    for _ in range(_LIVES):
        with _cluster(address, workers, len(waiting)) as (ray, ours):
            try:
                yield from _make(ray, job, waiting, deaths, store, workers)
                return
            except _NodeDied as error:
                if not ours:
                    raise Seal2RealError(f"this machine's Ray node died ({error}); continue with --resume") from None
    raise Seal2RealError(f"Ray died {_LIVES} times on this machine; continue with --resume and fewer --workers")


class _NodeDied(Exception):
    """Ray's process on this machine is gone; no task can run any more."""


def _make(
    ray: Any, job: Job, waiting: deque[Shard], deaths: Deaths, store: Store, workers: int | None
) -> Iterator[Outcome]:
    """Make what is waiting. Shards that were under way when the node died are waiting again."""
    task = ray.remote(num_cpus=1, max_retries=0)(_task)
    run = uuid.uuid4().hex
    running: dict[Any, Shard] = {}
    try:
        while waiting or running:
            room = workers or _AHEAD * max(1, int(ray.cluster_resources().get("CPU", 1)))
            while waiting and len(running) < room:
                shard = waiting.popleft()
                running[task.remote(run, job, store, shard)] = shard
            ready, _ = ray.wait(list(running), num_returns=1, timeout=5.0)
            for reference in ready:
                try:
                    reply = ray.get(reference)
                except (ray.exceptions.LocalRayletDiedError, ray.exceptions.RaySystemError):
                    raise
                except ray.exceptions.RayError as error:
                    shard = running.pop(reference)
                    waiting.appendleft(shard)
                    deaths.add(shard, _cause(error))
                    continue
                del running[reference]
                if isinstance(reply, Trouble):
                    reply.raise_here()
                yield reply
    except (ray.exceptions.LocalRayletDiedError, ray.exceptions.RaySystemError) as error:
        waiting.extendleft(running.values())
        running.clear()
        raise _NodeDied(_cause(error)) from None
    finally:
        for reference in running:
            with contextlib.suppress(ray.exceptions.RayError):
                ray.cancel(reference, force=True)


def _task(run: str, job: Job, store: Store, shard: Shard) -> Outcome | Trouble:
    if run not in _prepared:
        import cv2

        _prepared.clear()
        _prepared[run] = job
        cv2.setNumThreads(1)
        keep_memory()
    return serve(_prepared[run], store, shard, lambda: False)


def _cause(error: BaseException) -> str:
    """The first line of what Ray says, which is followed by advice on its log files."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__


@contextmanager
def _cluster(address: str | None, workers: int | None, shards: int) -> Iterator[tuple[Any, bool]]:
    """Ray, connected, and whether it was started here; what was started here ends here.

    Raises:
        UsageError: Ray is not installed.
        Seal2RealError: nothing answers at the address.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_health_check_failure_threshold", "20")  # a busy machine is not a dead one
    # A worker that is killed before it has registered would hold up the start for ever.
    os.environ.setdefault("RAY_prestart_worker_first_driver", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # silences a notice of a coming default
    try:
        ray = importlib.import_module("ray")
    except ImportError:
        raise UsageError("the engine 'ray' needs the package ray; install seal2real[ray]") from None
    if ray.is_initialized():  # the caller's own connection, which is the caller's to close
        yield ray, False
        return
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address is None:
        quiet |= {
            "num_cpus": min(workers or default_workers(), shards),
            "include_dashboard": False,
            "object_store_memory": _OBJECT_STORE_BYTES,
        }
    else:
        _check_address(address)
    with one_thread_in_children():
        _connect(ray, address, quiet)
        try:
            yield ray, address is None
        finally:
            ray.shutdown()


def _connect(ray: Any, address: str | None, options: dict[str, Any]) -> None:
    attempts = 1 if address else _STARTS
    for attempt in range(attempts):
        try:
            ray.init(address=address or "local", **options)
            return
        except (Exception, SystemExit) as error:  # noqa: PERF203  # it leaves by either
            if attempt + 1 == attempts:
                where = f"the Ray cluster at {address!r} cannot be used" if address else "Ray could not be started here"
                raise Seal2RealError(f"{where} ({_cause(error)}); check it with: ray status") from None
            ray.shutdown()


def _check_address(address: str) -> None:
    """Find out within half a minute that nothing answers; `ray.init` itself would try for minutes, and loudly.

    Raises:
        UsageError: it is no address.
        Seal2RealError: nothing answers there, or what answers is not Ray.
    """
    if address in ("auto", "local"):
        return
    scheme, _, rest = address.rpartition("://")
    host, colon, port = rest.rpartition(":")
    if not colon or not host or not port.isdigit() or scheme not in ("", "ray"):
        raise UsageError(f"{address!r} is no Ray address; give HOST:PORT (usually 6379), ray://HOST:10001 or auto")
    hint = "check that the cluster runs (ray status) and that this machine may reach it"
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise Seal2RealError(f"nothing answers at the Ray address {address} ({reason}); {hint}") from None
    if scheme:
        return  # the client gives up by itself after 30 s
    code = "from ray.scripts.scripts import main; main()"
    try:
        done = subprocess.run(
            [sys.executable, "-c", code, "health-check", "--address", rest],
            capture_output=True,
            timeout=_HEALTH_SECONDS,
            check=False,
        )
        healthy = done.returncode == 0
    except subprocess.TimeoutExpired:
        healthy = False
    if not healthy:
        raise Seal2RealError(f"what answers at {address} is no Ray cluster that is well; {hint}")
