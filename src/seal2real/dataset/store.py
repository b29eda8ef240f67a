"""The folder of a dataset while it is being written: shards that are there wholly or not at all.

A shard's files are made under a hidden folder, synced, and renamed into place; its rows, written last, say that it is
done. A run that was killed at any moment leaves finished shards, and rubbish in the hidden folder.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seal2real.dataset.formats.native import FOLDERS, METADATA, EncodedSample, dump_row, row_files
from seal2real.errors import Seal2RealError, UsageError

SETTINGS = "generate.json"
WORK = ".work"
SHARD_SIZE = 8  # samples; small enough that little is redone, and that the last shard keeps no worker waiting long


@dataclass(frozen=True)
class Shard:
    """Samples ``start`` to ``stop`` - 1, written together."""

    number: int
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start


def plan_shards(count: int) -> list[Shard]:
    """The shards of a dataset of ``count`` samples, in order."""
    starts = range(0, count, SHARD_SIZE)
    return [Shard(number, start, min(start + SHARD_SIZE, count)) for number, start in enumerate(starts)]


class ShardWriter:
    """Collects a shard's samples in a hidden folder until `Store.shard` puts them in place."""

    def __init__(self, staging: Path):
        self._staging = staging
        self._rows: list[str] = []
        self._files: list[str] = []
        for folder in FOLDERS:
            (staging / folder).mkdir()

    def add(self, encoded: EncodedSample) -> None:
        """Write a sample's files, not yet in sight."""
        for path, data in encoded.files.items():
            (self._staging / path).write_bytes(data)
            self._files.append(path)
        self._rows.append(dump_row(encoded.row))

    def commit(self, root: Path, manifest: Path) -> None:
        """Sync the files, move them into place, and then write the manifest."""
        for path in self._files:  # all at once: by now most have reached the disk by themselves
            _sync(self._staging / path)
        for path in self._files:
            (self._staging / path).replace(root / path)
        for folder in FOLDERS:
            _sync(root / folder)
        _write(manifest, self._rows)


class Store:
    """A dataset's folder.

    Args:
        root: the folder. `open` makes it; a worker process takes one that exists.
    """

    def __init__(self, root: Path):
        self.root = root
        self._work = root / WORK

    @classmethod
    def open(cls, root: Path, settings: Mapping[str, Any], *, resume: bool) -> Store:
        """Make the folder, or check that a run with the same settings left it.

        Raises:
            UsageError: the folder holds something else, or a dataset made with other settings.
            Seal2RealError: it cannot be written.
        """
        with _explained(root):
            store = cls(root)
            if root.exists() and not root.is_dir():
                raise UsageError(f"{root} is a file; give a folder for the dataset")
            if (root / SETTINGS).is_file():
                if not resume:
                    raise UsageError(f"{root} already holds a dataset; give another folder, or continue it: --resume")
                _compare(root, settings)
            elif root.is_dir() and any(entry.name != WORK for entry in root.iterdir()):
                raise UsageError(f"{root} is not empty and holds no dataset of ours; give a new or an empty folder")
            if not store.complete:
                for folder in (*FOLDERS, WORK):
                    (root / folder).mkdir(parents=True, exist_ok=True)
                for rubbish in store._work.iterdir():
                    if rubbish.is_dir():
                        shutil.rmtree(rubbish)
                    elif rubbish.suffix != ".jsonl":
                        rubbish.unlink()
                if not (root / SETTINGS).is_file():
                    _write(root / SETTINGS, [json.dumps(settings, indent=1, ensure_ascii=False), "\n"])
            return store

    @property
    def complete(self) -> bool:
        """Whether all is written."""
        return (self.root / METADATA).is_file() and not self._work.exists()

    def has(self, shard: Shard) -> bool:
        """Whether a shard's rows and every file that they name are in place."""
        try:
            rows = [json.loads(line) for line in self._manifest(shard).read_text(encoding="utf-8").splitlines()]
            indices = [row["provenance"]["index"] for row in rows]
            files = [path for row in rows for path in row_files(row)]
        except (OSError, ValueError, KeyError, TypeError):
            return False
        return indices == list(range(shard.start, shard.stop)) and all((self.root / path).is_file() for path in files)

    @contextmanager
    def shard(self, shard: Shard) -> Iterator[ShardWriter]:
        """Write one shard; it appears when the block ends well, and leaves no trace when it does not.

        Raises:
            Seal2RealError: the folder cannot be written, or the disk is full.
        """
        with _explained(self.root):
            self._manifest(shard).unlink(missing_ok=True)
            staging = Path(tempfile.mkdtemp(prefix=f"{shard.number:05d}-", dir=self._work))
            try:
                writer = ShardWriter(staging)
                yield writer
                writer.commit(self.root, self._manifest(shard))
            finally:
                shutil.rmtree(staging, ignore_errors=True)

    def finish(self, shards: list[Shard], card: str) -> None:
        """Join the shards' rows into ``metadata.jsonl``, write the dataset card and remove the hidden folder."""
        with _explained(self.root):
            _write(self.root / METADATA, (self._manifest(shard).read_text(encoding="utf-8") for shard in shards))
            _write(self.root / "README.md", [card])
            shutil.rmtree(self._work)

    def _manifest(self, shard: Shard) -> Path:
        return self._work / f"{shard.number:05d}.jsonl"


def _compare(root: Path, settings: Mapping[str, Any]) -> None:
    path = root / SETTINGS
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
        names = sorted(saved.keys() | settings.keys())
    except (ValueError, AttributeError):
        raise Seal2RealError(f"{path} is damaged; give another folder") from None
    wanted = json.loads(json.dumps(settings))
    differing = [name for name in names if saved.get(name) != wanted.get(name)]
    if differing:
        changes = ", ".join(f"{name}: {saved.get(name)!r} there, {wanted.get(name)!r} now" for name in differing)
        raise UsageError(f"{root} was begun with other settings ({changes}); repeat those, or give another folder")


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


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _explained(root: Path) -> Iterator[None]:
    """Turn the file system's errors into one line."""
    try:
        yield
    except OSError as error:
        where = error.filename or root
        raise Seal2RealError(
            f"{where}: cannot be written ({(error.strerror or str(error)).lower()}); "
            "check the folder's rights and free space, then continue with --resume"
        ) from error
