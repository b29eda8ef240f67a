from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as PillowImage

from seal2real.errors import Seal2RealError
from seal2real.images import (
    COMMENT,
    SYNTHETIC_SOURCE,
    encode_jpeg,
    encode_png,
    find_images,
    load_folder,
    load_rgb,
    read_synthetic_mark,
    write_atomic,
)

IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"


def picture(height: int = 40, width: int = 60) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width]
    return np.stack([rows * 5 % 256, columns * 4 % 256, np.full_like(rows, 90)], axis=2).astype(np.uint8)


def huge_png(side: int) -> bytes:
    """A PNG whose header claims side x side pixels; the data hold next to nothing."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND", b"")
    )


@settings(max_examples=30, deadline=None)
@given(height=st.integers(1, 40), width=st.integers(1, 40), seed=st.integers(0, 99), level=st.integers(0, 3))
def test_png_round_trip_is_exact(tmp_path_factory, height, width, seed, level):
    path = tmp_path_factory.mktemp("png") / "a.png"
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    path.write_bytes(encode_png(image, level=level))
    assert np.array_equal(load_rgb(path), image)
    assert read_synthetic_mark(path)


def test_png_of_a_mask(tmp_path):
    mask = np.eye(7, dtype=bool)
    (tmp_path / "m.png").write_bytes(encode_png(mask, dpi=300))
    with PillowImage.open(tmp_path / "m.png") as opened:
        assert opened.mode == "L"
        assert np.array_equal(np.asarray(opened), mask * 255)
        assert opened.info["dpi"][0] == pytest.approx(300, abs=0.1)
        assert opened.info["Comment"] == COMMENT
        assert SYNTHETIC_SOURCE in str(opened.info["XML:com.adobe.xmp"])
    with PillowImage.open(tmp_path / "m.png") as opened:
        opened.verify()


def test_jpeg_carries_mark_comment_and_resolution(tmp_path):
    data = encode_jpeg(picture(), quality=95, dpi=200)
    assert data == encode_jpeg(picture(), quality=95, dpi=200)
    (tmp_path / "a.jpg").write_bytes(data)
    with PillowImage.open(io.BytesIO(data)) as opened:
        assert opened.info["dpi"] == (200, 200)
        assert opened.info["comment"] == COMMENT.encode()
        packet = ElementTree.fromstring(opened.info["xmp"])
        (description,) = packet.iter("{http://www.w3.org/1999/02/22-rdf-syntax-ns#}Description")
        assert description.get(f"{{{IPTC}}}DigitalSourceType") == SYNTHETIC_SOURCE
        assert opened.info["jfif_density"] == (200, 200)
    assert read_synthetic_mark(tmp_path / "a.jpg")
    smooth = np.broadcast_to(np.linspace(20, 230, 64, dtype=np.uint8)[:, None, None], (64, 64, 3))
    (tmp_path / "s.jpg").write_bytes(encode_jpeg(np.ascontiguousarray(smooth), quality=95))
    assert np.abs(load_rgb(tmp_path / "s.jpg").astype(int) - smooth).max() <= 4


def test_red_stays_red(tmp_path):
    red = np.zeros((16, 16, 3), dtype=np.uint8)
    red[..., 0] = 220
    for name, data in (("a.jpg", encode_jpeg(red)), ("a.png", encode_png(red))):
        (tmp_path / name).write_bytes(data)
        assert load_rgb(tmp_path / name)[8, 8, 0] > 200
        assert load_rgb(tmp_path / name)[8, 8, 2] < 20


def test_foreign_files_have_no_mark(tmp_path):
    for name in ("a.png", "a.jpg", "a.bmp"):
        PillowImage.fromarray(picture()).save(tmp_path / name)
        assert not read_synthetic_mark(tmp_path / name)


def test_mark_survives_only_in_metadata(tmp_path):
    """The words in the pixel data, or after the end of the scan, are not a mark."""
    plain = io.BytesIO()
    PillowImage.fromarray(picture()).save(plain, "JPEG")
    (tmp_path / "a.jpg").write_bytes(plain.getvalue() + SYNTHETIC_SOURCE.encode())
    assert not read_synthetic_mark(tmp_path / "a.jpg")


def test_exif_rotation_is_applied(tmp_path):
    image = PillowImage.fromarray(picture(20, 50))
    exif = PillowImage.Exif()
    exif[0x0112] = 6  # the camera was turned: rotate by 90 degrees clockwise to view
    image.save(tmp_path / "r.png", exif=exif)
    assert np.array_equal(load_rgb(tmp_path / "r.png"), np.rot90(picture(20, 50), k=-1))


def test_alpha_lies_over_white(tmp_path):
    rgba = np.zeros((4, 4, 4), dtype=np.uint8)
    rgba[0, 0] = (200, 10, 10, 255)
    PillowImage.fromarray(rgba, "RGBA").save(tmp_path / "a.png")
    loaded = load_rgb(tmp_path / "a.png")
    assert tuple(loaded[0, 0]) == (200, 10, 10)
    assert tuple(loaded[3, 3]) == (255, 255, 255)


@pytest.mark.parametrize("suffix", ["tif", "webp", "bmp", "gif"])
def test_other_formats(tmp_path, suffix):
    PillowImage.fromarray(np.full((9, 12, 3), 200, np.uint8)).save(tmp_path / f"a.{suffix}")
    loaded = load_rgb(tmp_path / f"a.{suffix}")
    assert loaded.shape == (9, 12, 3)
    assert np.abs(loaded.astype(int) - 200).max() <= 2


def test_palette_greyscale_cmyk_and_sixteen_bit(tmp_path):
    grey = PillowImage.fromarray(np.full((5, 6), 77, np.uint8))
    grey.save(tmp_path / "grey.png")
    grey.convert("P").save(tmp_path / "palette.png")
    PillowImage.fromarray(np.full((5, 6), 77 * 257, np.uint16)).save(tmp_path / "deep.png")
    PillowImage.fromarray(np.full((5, 6), 77 * 257, np.uint16)).save(tmp_path / "deep.tif")
    PillowImage.fromarray(np.full((5, 6), 77 / 255, np.float32)).save(tmp_path / "real.tif")
    grey.convert("1").save(tmp_path / "bilevel.png")
    for name in ("grey.png", "palette.png", "deep.png", "deep.tif", "real.tif"):
        assert np.array_equal(load_rgb(tmp_path / name), np.full((5, 6, 3), 77)), name
    assert set(np.unique(load_rgb(tmp_path / "bilevel.png"))) <= {0, 255}
    PillowImage.new("CMYK", (6, 5), (0, 255, 255, 0)).save(tmp_path / "cmyk.jpg")
    red = load_rgb(tmp_path / "cmyk.jpg")[2, 2]
    assert red[0] > 200
    assert red[1] < 60


def test_a_huge_image_is_refused_by_its_header(tmp_path):
    (tmp_path / "huge.png").write_bytes(huge_png(30_000))
    with pytest.raises(Seal2RealError, match="120 million pixels"):
        load_rgb(tmp_path / "huge.png")
    (tmp_path / "large.png").write_bytes(huge_png(12_000))
    with pytest.raises(Seal2RealError, match="12000 x 12000"):
        load_rgb(tmp_path / "large.png")


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_damaged_files_give_one_line(tmp_path_factory, data):
    """Any cut or any flipped bytes: either an image of the right shape, or the one error, in one line."""
    kind = data.draw(st.sampled_from(["png", "jpg", "tif", "webp", "bmp", "gif"]))
    stream = io.BytesIO()
    PillowImage.fromarray(picture()).save(stream, {"jpg": "JPEG", "tif": "TIFF"}.get(kind, kind.upper()))
    raw = bytearray(stream.getvalue())
    raw = raw[: data.draw(st.integers(0, len(raw)))]
    for _ in range(data.draw(st.integers(0, 4)) if raw else 0):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("damaged") / f"a.{kind}"
    path.write_bytes(bytes(raw))
    try:
        assert load_rgb(path, max_pixels=10_000).shape[2] == 3
    except Seal2RealError as error:
        assert "\n" not in str(error)
        assert path.name in str(error)


def test_truncated_jpeg_is_refused(tmp_path):
    data = encode_jpeg(picture(200, 200))
    (tmp_path / "cut.jpg").write_bytes(data[: len(data) // 2])
    with pytest.raises(Seal2RealError, match=r"cut\.jpg: damaged image"):
        load_rgb(tmp_path / "cut.jpg")


def test_folder_lists_what_it_skips(tmp_path):
    (tmp_path / "deep").mkdir()
    PillowImage.fromarray(picture()).save(tmp_path / "deep" / "b.JPG", "JPEG")
    PillowImage.fromarray(picture()).save(tmp_path / "a.png")
    (tmp_path / "c.png").write_bytes(b"these are words")
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / ".hidden.png").write_bytes(b"")
    assert [path.name for path in find_images(tmp_path)] == ["a.png", "c.png", "b.JPG"]
    good, skipped = load_folder(tmp_path)
    assert [path.name for path, _ in good] == ["a.png", "b.JPG"]
    assert [path.name for path, _ in skipped] == ["c.png"]
    assert "not an image" in skipped[0][1]


def test_useless_folders(tmp_path):
    with pytest.raises(Seal2RealError, match="no such folder"):
        load_folder(tmp_path / "nowhere")
    with pytest.raises(Seal2RealError, match="holds no image files"):
        load_folder(tmp_path)
    (tmp_path / "a.png").write_text("words")
    with pytest.raises(Seal2RealError, match="none of its 1 image files"):
        load_folder(tmp_path)
    with pytest.raises(Seal2RealError, match="not a folder"):
        load_folder(tmp_path / "a.png")


def test_write_atomic_makes_parents_and_replaces(tmp_path):
    path = tmp_path / "a" / "b" / "c.bin"
    write_atomic(path, b"one")
    write_atomic(path, b"two")
    assert path.read_bytes() == b"two"
    assert [p.name for p in path.parent.iterdir()] == ["c.bin"]


def test_write_atomic_explains_failure_and_leaves_nothing(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(Seal2RealError, match="cannot be written"):
        write_atomic(tmp_path / "file" / "x.png", b"data")
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "inner").write_bytes(b"")
    with pytest.raises(Seal2RealError, match="cannot be written"):
        write_atomic(tmp_path / "taken", b"data")  # a folder stands there: the rename fails after the write
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "taken"]


def test_write_atomic_on_a_full_disk(tmp_path):
    """A file-size limit stands in for a full disk: the write fails half way, and nothing is left."""
    script = (
        "import resource, signal, sys\n"
        "from seal2real.images import write_atomic\n"
        "from seal2real.errors import Seal2RealError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try:\n    write_atomic(sys.argv[1], b'x' * 100_000)\n"
        "except Seal2RealError as error:\n    print(error)\n"
    )
    target = tmp_path / "big.bin"
    done = subprocess.run([sys.executable, "-c", script, str(target)], capture_output=True, text=True, check=True)
    assert "cannot be written" in done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("array", [np.zeros((4, 4, 5), np.uint8), np.zeros((4, 4), np.float32)])
def test_only_images_are_encoded(array):
    with pytest.raises(ValueError, match="uint8"):
        encode_png(array)


def test_paths_may_be_text(tmp_path: Path):
    write_atomic(str(tmp_path / "a.png"), encode_png(picture()))
    assert load_rgb(str(tmp_path / "a.png")).shape == (40, 60, 3)
