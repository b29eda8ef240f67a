"""Datasets at URLs: the same files as in a folder; the shard's manifest is what makes it be there."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

fsspec = pytest.importorskip("fsspec")

from seal2real.dataset.generate import GenerateConfig, generate  # noqa: E402
from seal2real.dataset.store import SHARD_SIZE, WORK, local_path  # noqa: E402
from seal2real.errors import UsageError  # noqa: E402

CONFIG = GenerateConfig(count=SHARD_SIZE + 2, seed=4, forger="none", dpi=36, crops=64)


def contents(url: str) -> dict[str, str]:
    fs, root = fsspec.core.url_to_fs(url)
    return {path[len(root) + 1 :]: hashlib.sha256(fs.cat_file(path)).hexdigest() for path in fs.find(root)}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("plain") / "dataset"
    generate(CONFIG, out, workers=1)
    return out


@pytest.fixture
def memory() -> Iterator[str]:
    url = f"memory://{uuid.uuid4().hex}/data/set"
    yield url
    fsspec.filesystem("memory").store.clear()


def test_file_url_is_a_folder(plain: Path, tmp_path: Path) -> None:
    out = tmp_path / "with space"
    generate(CONFIG, "file://" + str(out).replace(" ", "%20"), workers=1)
    assert contents(f"local://{out}") == contents(f"local://{plain}")
    assert local_path("s3://bucket/x") is None and local_path("dir/x") == Path("dir/x")


def test_memory(plain: Path, memory: str) -> None:
    seen: list[int] = []
    generate(CONFIG, memory, progress=seen.append)
    assert sum(seen) == CONFIG.count
    assert contents(memory) == contents(f"local://{plain}")
    with pytest.raises(UsageError, match="already holds a dataset"):
        generate(CONFIG, memory)
    generate(CONFIG, memory, resume=True)
    with pytest.raises(UsageError, match="count: 10 there, 11 now"):
        generate(GenerateConfig(**{**vars(CONFIG), "count": 11}), memory, resume=True)


def test_interrupted_upload_resumes(plain: Path, memory: str) -> None:
    def stop(done: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(CONFIG, memory, progress=stop)
    fs, root = fsspec.core.url_to_fs(memory)
    assert not fs.exists(f"{root}/metadata.jsonl") and fs.exists(f"{root}/{WORK}/00000.jsonl")
    fs.pipe_file(f"{root}/stamped/000009.jpg", b"half of it")  # what a killed worker leaves
    seen: list[int] = []
    generate(CONFIG, memory, resume=True, progress=seen.append)
    assert seen == [SHARD_SIZE, 2], "the first shard is kept"
    assert contents(memory) == contents(f"local://{plain}")


def test_several_processes_write_to_a_url(plain: Path, tmp_path: Path) -> None:
    url = f"local://{tmp_path}/out"  # the same disk, through fsspec and without a rename
    generate(CONFIG, url, workers=2)
    assert contents(url) == contents(f"local://{plain}")


def test_mistakes(memory: str) -> None:
    with pytest.raises(UsageError, match="one process only"):
        generate(CONFIG, memory, workers=2)
    assert contents(memory) == {}
    with pytest.raises(UsageError, match="no file system is known as 'moon'"):
        generate(CONFIG, "moon://bucket/out")
    with pytest.raises(UsageError, match="names no folder"):
        generate(CONFIG, "memory://")
    with pytest.raises(UsageError, match="needs a dataset in a local folder"):
        generate(CONFIG, memory, formats=["coco"])
    fsspec.filesystem("memory").pipe_file(f"{memory}/notes.txt", b"mine")
    with pytest.raises(UsageError, match="not empty"):
        generate(CONFIG, memory, resume=True)
    with pytest.raises(UsageError, match="is a file"):
        generate(CONFIG, f"{memory}/notes.txt")
