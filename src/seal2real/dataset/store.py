"""The folder of a dataset while it is being written: shards that are there wholly or not at all.

A shard's files are made under a hidden folder, synced, and renamed into place; its rows, written last, say that it is
done. A run that was killed at any moment leaves finished shards, and rubbish in the hidden folder. Where the output is
a URL, `seal2real.dataset.remote` keeps the same promise without a rename.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from seal2real.dataset.formats.native import FOLDERS, METADATA, EncodedSample, dump_row, row_files
from seal2real.errors import Seal2RealError, UsageError

try:
    import fcntl
except ImportError:  # not on Windows: there, two runs into one folder are not told apart
    fcntl = None  # type: ignore[assignment]

SETTINGS = "generate.json"
FAILURES = "failures.jsonl"
CARD = "README.md"
WORK = ".work"
LOCK = "lock"
SHARD_SIZE = 8  # samples; small enough that little is redone, and that the last shard keeps no worker waiting long
_MOST_SHARDS = 10_000  # beyond it shards grow, up to the largest size: a manifest each must not be a burden of its own
_LARGEST_SHARD = 1_000


@dataclass(frozen=True)
class Shard:
    """Samples ``start`` to ``stop`` - 1, written together."""

    number: int
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start


def plan_shards(count: int) -> list[Shard]:
    """The shards of a dataset of ``count`` samples, in order: of 8 samples, up to 1,000 where there are many."""
    size = min(max(SHARD_SIZE, -(-count // _MOST_SHARDS)), _LARGEST_SHARD)
    starts = range(0, count, size)
    return [Shard(number, start, min(start + size, count)) for number, start in enumerate(starts)]


class Writer(Protocol):
    """Takes a shard's samples."""

    def add(self, encoded: EncodedSample) -> None:
        """Write a sample's files, not yet in sight."""

    def skip(self) -> None:
        """Note that a sample is missing: the shard will be there, yet made again by a resumed run."""


class Store(Protocol):
    """Where a dataset is written to. It travels to the workers by pickle."""

    @property
    def name(self) -> str:
        """The path or URL."""

    @property
    def one_process(self) -> bool:
        """Whether other processes would not see what is written."""

    @property
    def complete(self) -> bool:
        """Whether all is written."""

    def missing(self, shards: Iterable[Shard]) -> list[Shard]:
        """Those that are not wholly there."""

    def shard(self, shard: Shard) -> AbstractContextManager[Writer]:
        """Write one shard; it appears when the block ends well, and leaves no trace when it does not."""

    def report(self, failures: Iterable[Mapping[str, Any]]) -> None:
        """Write the list of failed samples; an empty one removes it."""

    def finish(self, shards: list[Shard], card: str, *, whole: bool) -> None:
        """Join the rows into ``metadata.jsonl``, write the card, and remove the manifests if the samples are whole."""

    def leave(self) -> None:
        """End a run that did not finish: remove what no resumed run could use, and the folder if nothing is in it."""


def open_store(out: Path | str, settings: Mapping[str, Any], *, resume: bool) -> Store:
    """Make the dataset's folder, or check that a run with the same settings left it.

    Args:
        out: a path, or a URL of any file system that fsspec knows (``s3://bucket/folder``). ``file://`` is a path.
        settings: what the dataset is made with; they are kept in ``generate.json``.
        resume: continue what is there.

    Raises:
        UsageError: the folder holds something else, or a dataset made with other settings; or an unknown kind of URL.
        Seal2RealError: it cannot be written.
    """
    path = local_path(out)
    if path is not None:
        return LocalStore.open(path, settings, resume=resume)
    from seal2real.dataset.remote import RemoteStore

    return RemoteStore.open(str(out), settings, resume=resume)


def local_path(out: Path | str) -> Path | None:
    """The path that ``out`` names, None for a URL of another file system."""
    if isinstance(out, Path) or "://" not in out:
        return Path(out)
    parts = urlsplit(out)
    return Path(unquote(parts.netloc + parts.path)) if parts.scheme == "file" else None


class _LocalWriter:
    """Collects a shard's samples in a hidden folder until `LocalStore.shard` puts them in place."""

    def __init__(self, staging: Path):
        self._staging = staging
        self._rows: list[str] = []
        self._files: list[str] = []
        self._whole = True
        for folder in FOLDERS:
            (staging / folder).mkdir()

    def add(self, encoded: EncodedSample) -> None:
        for path, data in encoded.files.items():
            (self._staging / path).write_bytes(data)
            self._files.append(path)
        self._rows.append(dump_row(encoded.row))

    def skip(self) -> None:
        self._whole = False

    def commit(self, root: Path, shard: Shard) -> None:
        """Sync the files, move them into place, and then write the manifest."""
        for path in self._files:  # all at once: by now most have reached the disk by themselves
            _sync(self._staging / path)
        for path in self._files:
            (self._staging / path).replace(root / path)
        for folder in FOLDERS:
            _sync(root / folder)
        _write(root / WORK / manifest_name(shard, whole=self._whole), self._rows)


class LocalStore:
    """A dataset's folder on this machine, or on a file system that its nodes share.

    Args:
        root: the folder. `open` makes it; a worker process takes one that exists.
    """

    one_process = False

    def __init__(self, root: Path):
        self.root = root
        self._work = root / WORK
        self._lock: Any = None
        self._made: list[Path] = []  # folders above the dataset and itself, innermost first

    def __reduce__(self) -> tuple[type[LocalStore], tuple[Path]]:  # the lock stays with the parent
        return LocalStore, (self.root.absolute(),)

    @property
    def name(self) -> str:
        return str(self.root)

    @classmethod
    def open(cls, root: Path, settings: Mapping[str, Any], *, resume: bool) -> LocalStore:
        """See `open_store`."""
        store = cls(root)
        try:
            with explained(root):
                store._open(settings, resume)
        except BaseException:
            store.leave()
            raise
        return store

    def _open(self, settings: Mapping[str, Any], resume: bool) -> None:
        root = self.root
        if root.exists() and not root.is_dir():
            raise UsageError(f"{root} is a file; give a folder for the dataset")
        if (root / SETTINGS).is_file():
            if not resume:
                raise UsageError(f"{root} already holds a dataset; give another folder, or continue it: --resume")
            compare_settings(str(root / SETTINGS), (root / SETTINGS).read_text(encoding="utf-8"), str(root), settings)
        elif root.is_dir() and any(entry.name != WORK for entry in root.iterdir()):
            raise UsageError(f"{root} is not empty and holds no dataset of ours; give a new or an empty folder")
        if self.complete:
            return
        self._made = [folder for folder in (root, *root.parents) if not folder.exists()]
        self._work.mkdir(parents=True, exist_ok=True)
        self._take_lock()
        for folder in FOLDERS:
            (root / folder).mkdir(exist_ok=True)
        self._sweep()
        if not (root / SETTINGS).is_file():
            _write(root / SETTINGS, [json.dumps(settings, indent=1, ensure_ascii=False), "\n"])

    def _take_lock(self) -> None:
        """One run at a time; the system drops the lock of a process that was killed."""
        if fcntl is None:
            return
        handle = (self._work / LOCK).open("a")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.close()
            self._made = []
            raise UsageError(f"another run is writing {self.root}; let it end, or give another folder") from None
        except OSError:
            pass  # a file system without locks
        self._lock = handle

    def _sweep(self) -> None:
        for rubbish in self._work.iterdir():
            if rubbish.is_dir():
                shutil.rmtree(rubbish, ignore_errors=True)
            elif rubbish.suffix != ".jsonl" and rubbish.name != LOCK:
                rubbish.unlink(missing_ok=True)

    @property
    def complete(self) -> bool:
        return (self.root / METADATA).is_file() and not self._work.exists()

    def missing(self, shards: Iterable[Shard]) -> list[Shard]:
        """Those whose rows, or any file that the rows name, are not in place."""
        return [shard for shard in shards if not self._has(shard)]

    def _has(self, shard: Shard) -> bool:
        try:
            text = (self._work / manifest_name(shard)).read_text(encoding="utf-8")
            rows = [json.loads(line) for line in text.splitlines()]
            indices = [row["provenance"]["index"] for row in rows]
            files = [path for row in rows for path in row_files(row)]
        except (OSError, ValueError, KeyError, TypeError):
            return False
        return indices == list(range(shard.start, shard.stop)) and all((self.root / path).is_file() for path in files)

    @contextmanager
    def shard(self, shard: Shard) -> Iterator[Writer]:
        """Write one shard.

        Raises:
            Seal2RealError: the folder cannot be written, or the disk is full.
        """
        with explained(self.root):
            for whole in (True, False):
                (self._work / manifest_name(shard, whole=whole)).unlink(missing_ok=True)
            staging = Path(tempfile.mkdtemp(prefix=f"{shard.number:05d}-", dir=self._work))
            try:
                writer = _LocalWriter(staging)
                yield writer
                writer.commit(self.root, shard)
            finally:
                shutil.rmtree(staging, ignore_errors=True)

    def report(self, failures: Iterable[Mapping[str, Any]]) -> None:
        lines = failure_lines(failures)
        with explained(self.root):
            if lines:
                _write(self.root / FAILURES, lines)
            else:
                (self.root / FAILURES).unlink(missing_ok=True)

    def finish(self, shards: list[Shard], card: str, *, whole: bool) -> None:
        with explained(self.root):
            _write(self.root / METADATA, (self._rows(shard) for shard in shards))
            _write(self.root / CARD, [card])
            if whole:
                shutil.rmtree(self._work)
        self._release()

    def _rows(self, shard: Shard) -> str:
        path = self._work / manifest_name(shard)
        if not path.is_file():
            path = self._work / manifest_name(shard, whole=False)
        return path.read_text(encoding="utf-8")

    def leave(self) -> None:
        with contextlib.suppress(OSError):
            if self._lock is not None:
                self._sweep()
            if self._lock is not None and not any(self._work.glob("*.jsonl")):
                names = [self._work / LOCK, self._work, *(self.root / folder for folder in FOLDERS)]
                for path in names:  # a folder with files in it stays
                    path.unlink(missing_ok=True) if path.name == LOCK else _remove_empty(path)
                if {path.name for path in self.root.iterdir()} == {SETTINGS}:
                    (self.root / SETTINGS).unlink()
        for folder in self._made:
            _remove_empty(folder)
        self._release()

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def manifest_name(shard: Shard, *, whole: bool = True) -> str:
    """Name of the file that holds a shard's rows; another one where samples are missing."""
    return f"{shard.number:05d}.jsonl" if whole else f"{shard.number:05d}.part.jsonl"


def failure_lines(failures: Iterable[Mapping[str, Any]]) -> list[str]:
    """The lines of ``failures.jsonl``, by sample."""
    rows = sorted(failures, key=lambda failure: failure["index"])
    return [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]


def compare_settings(path: str, text: str, root: str, settings: Mapping[str, Any]) -> None:
    """Check that a dataset was begun with these settings.

    Args:
        path: of the file that holds the dataset's.
        text: what is in it.
        root: the dataset.
        settings: those of this run.

    Raises:
        UsageError: it was not; the differences are named.
        Seal2RealError: the file is damaged.
    """
    try:
        saved = json.loads(text)
        names = sorted(saved.keys() | settings.keys())
    except (ValueError, AttributeError):
        raise Seal2RealError(f"{path} is damaged; give another folder") from None
    wanted = json.loads(json.dumps(settings))
    differing = [name for name in names if saved.get(name) != wanted.get(name)]
    if differing:
        changes = ", ".join(_change(name, saved.get(name), wanted.get(name)) for name in differing)
        raise UsageError(f"{root} was begun with other settings ({changes}); repeat those, or give another folder")


def _change(name: str, there: Any, now: Any) -> str:
    """One setting that differs; of files told by their digests, which ones."""
    if isinstance(there, dict) and isinstance(now, dict):
        files = [file for file in sorted({*there, *now}) if there.get(file) != now.get(file)]
        ways = {(True, False): "is missing", (False, True): "is new", (True, True): "has changed"}
        return ", ".join(f"{file} {ways[file in there, file in now]}" for file in files)
    return f"{name}: {there!r} there, {now!r} now"


def _write(path: Path, parts: Iterable[str]) -> None:
    """Write a text file of the dataset atomically; temporary names live in the hidden folder."""
    work = path.parent if path.parent.name == WORK else path.parent / WORK
    temporary = work / f"{path.name}.tmp"
    try:
        with temporary.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(parts)
        _sync(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    _sync(path.parent)


def _remove_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):
        folder.rmdir()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def explained(root: Path | str) -> Iterator[None]:
    """Turn the file system's errors into one line."""
    try:
        yield
    except OSError as error:
        where = error.filename or root
        raise Seal2RealError(
            f"{where}: cannot be written ({(error.strerror or str(error)).lower()}); "
            "check the folder's rights and free space, then continue with --resume"
        ) from error
