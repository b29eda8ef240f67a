"""A dataset at a URL: any file system that fsspec knows (s3, gs, az, sftp, hdfs, memory, ...).

An object store has no rename. So a shard's files are written under their final names, and its manifest after them:
what no manifest names is not there. A run that was killed leaves files that the shard's next maker overwrites.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seal2real.dataset.formats.native import FOLDERS, METADATA, EncodedSample, dump_row
from seal2real.dataset.store import (
    CARD,
    FAILURES,
    SETTINGS,
    WORK,
    Shard,
    Writer,
    compare_settings,
    explained,
    failure_lines,
    manifest_name,
)
from seal2real.errors import Seal2RealError, UsageError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem


class _RemoteWriter:
    def __init__(self, store: RemoteStore):
        self._store = store
        self.rows: list[str] = []
        self.whole = True

    def add(self, encoded: EncodedSample) -> None:
        for path, data in encoded.files.items():
            self._store.put(path, data)
        self.rows.append(dump_row(encoded.row))

    def skip(self) -> None:
        self.whole = False


class RemoteStore:
    """A dataset's folder at a URL.

    Args:
        url: of the folder, with its scheme.

    Raises:
        UsageError: fsspec, or its part for this scheme, is not installed, or the scheme is unknown.
        Seal2RealError: the file system cannot be opened.
    """

    def __init__(self, url: str):
        scheme, _, rest = url.partition("://")
        self.url = f"{scheme}://{rest.rstrip('/')}"
        self._fs, self._root = _file_system(self.url)

    def __reduce__(self) -> tuple[type[RemoteStore], tuple[str]]:
        return RemoteStore, (self.url,)

    @property
    def name(self) -> str:
        return self.url

    @property
    def one_process(self) -> bool:
        return "memory" in self._fs.protocol

    @classmethod
    def open(cls, url: str, settings: Mapping[str, Any], *, resume: bool) -> RemoteStore:
        """See `seal2real.dataset.store.open_store`."""
        store = cls(url)
        with _explained(url):
            store._fs.invalidate_cache()
            if store._fs.isfile(store._root):
                raise UsageError(f"{url} is a file; give a folder for the dataset")
            if store._exists(SETTINGS):
                if not resume:
                    raise UsageError(f"{url} already holds a dataset; give another URL, or continue it: --resume")
                text = store._fs.cat_file(store._path(SETTINGS)).decode()
                compare_settings(store._path(SETTINGS), text, url, settings)
            elif [name for name in store._names("") if name != WORK]:
                raise UsageError(f"{url} is not empty and holds no dataset of ours; give a new or an empty folder")
            if not store.complete:
                for folder in (*FOLDERS, WORK):
                    store._fs.makedirs(store._path(folder), exist_ok=True)
                if not store._exists(SETTINGS):
                    store.put(SETTINGS, (json.dumps(settings, indent=1, ensure_ascii=False) + "\n").encode())
        return store

    def put(self, path: str, data: bytes) -> None:
        """Write one file under the dataset's folder."""
        self._fs.pipe_file(self._path(path), data)

    @property
    def complete(self) -> bool:
        return self._exists(METADATA) and not self._exists(WORK)

    def missing(self, shards: Iterable[Shard]) -> list[Shard]:
        """Those without a manifest: one listing, as asking for every file of a large dataset would take hours."""
        with _explained(self.url):
            self._fs.invalidate_cache()
            there = set(self._names(WORK))
        return [shard for shard in shards if manifest_name(shard) not in there]

    @contextmanager
    def shard(self, shard: Shard) -> Iterator[Writer]:
        """Write one shard.

        Raises:
            Seal2RealError: the URL cannot be written.
        """
        writer = _RemoteWriter(self)
        with _explained(self.url):
            yield writer
            self.put(f"{WORK}/{manifest_name(shard, whole=writer.whole)}", "".join(writer.rows).encode())
            if writer.whole:
                self._remove(f"{WORK}/{manifest_name(shard, whole=False)}")

    def report(self, failures: Iterable[Mapping[str, Any]]) -> None:
        lines = failure_lines(failures)
        with _explained(self.url):
            if lines:
                self.put(FAILURES, "".join(lines).encode())
            else:
                self._remove(FAILURES)

    def finish(self, shards: list[Shard], card: str, *, whole: bool) -> None:
        with _explained(self.url):
            self._fs.invalidate_cache()
            there = set(self._names(WORK))
            with tempfile.TemporaryDirectory() as folder:  # uploaded at once: half a list must never be seen
                joined = Path(folder) / METADATA
                with joined.open("wb") as file:
                    for shard in shards:
                        name = manifest_name(shard, whole=manifest_name(shard) in there)
                        file.write(self._fs.cat_file(self._path(f"{WORK}/{name}")))
                self._fs.put_file(str(joined), self._path(METADATA))
            self.put(CARD, card.encode())
            if whole:
                self._fs.rm(self._path(WORK), recursive=True)

    def leave(self) -> None:
        with contextlib.suppress(Exception):
            self._fs.invalidate_cache()
            if not any(name.endswith(".jsonl") for name in self._names(WORK)) and not self._exists(METADATA):
                listed = self._fs.find(self._root)
                if {path.rsplit("/", 1)[-1] for path in listed} <= {SETTINGS}:
                    self._fs.rm(self._root, recursive=True)

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}" if name else self._root

    def _exists(self, name: str) -> bool:
        return bool(self._fs.exists(self._path(name)))

    def _names(self, folder: str) -> list[str]:
        try:
            return [path.rstrip("/").rsplit("/", 1)[-1] for path in self._fs.ls(self._path(folder), detail=False)]
        except FileNotFoundError:
            return []

    def _remove(self, path: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            self._fs.rm_file(self._path(path))


def _file_system(url: str) -> tuple[AbstractFileSystem, str]:
    try:
        fsspec = importlib.import_module("fsspec")
    except ImportError:
        raise UsageError(f"{url} needs the package fsspec; install seal2real[remote]") from None
    scheme = url.split("://", 1)[0]
    if scheme not in fsspec.available_protocols():
        raise UsageError(f"{url}: no file system is known as {scheme!r}; give a path, or a URL such as s3://BUCKET/DIR")
    try:
        fs, root = fsspec.core.url_to_fs(url)
    except ImportError as error:
        raise UsageError(f"{url} needs a package that is not installed ({' '.join(str(error).split())})") from None
    except Exception as error:
        raise Seal2RealError(f"{url}: cannot be opened ({' '.join(str(error).split())})") from error
    root = root.rstrip("/")
    if not root:
        raise UsageError(f"{url} names no folder; give one below it")
    return fs, root


@contextmanager
def _explained(url: str) -> Iterator[None]:
    """One line for whatever the file system's client raises: their errors share no class."""
    try:
        with explained(url):
            yield
    except (Seal2RealError, MemoryError):
        raise
    except Exception as error:
        if type(error).__module__.split(".")[0] in ("seal2real", "builtins"):
            raise
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise Seal2RealError(
            f"{url}: cannot be written ({reason}); check its rights, then continue with --resume"
        ) from error
