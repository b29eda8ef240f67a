"""Reading and writing images: user files of every sort in, marked synthetic files out.

Reading turns whatever a user's folder holds into ``uint8 [H, W, 3]`` RGB, and explains in one line what it cannot use.
Writing goes through OpenCV's encoders, and splices in metadata that says the picture is synthetic: the IPTC property
*Digital Source Type* in an XMP packet (IPTC Photo Metadata Standard 2023.1; XMP specification part 3, sections on JPEG
and PNG), and a plain comment.
"""

from __future__ import annotations

import contextlib
import os
import re
import struct
import uuid
import warnings
import zlib
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage
from PIL import ImageOps

from seal2real.errors import Seal2RealError, UsageError
from seal2real.sample import Image

SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".tif", ".tiff", ".webp", ".bmp", ".gif", ".ppm", ".pgm"}
)
MAX_PIXELS = 120_000_000  # A3 at 600 dpi has 70 million
SYNTHETIC_SOURCE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
COMMENT = "Synthetic image made by Seal2Real. It shows no real document, seal or organisation."

_SOURCE_TYPES = tuple(
    f"cv.iptc.org/newscodes/digitalsourcetype/{name}".encode()
    for name in ("trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia", "algorithmicMedia")
)
_XMP = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"'
    ' xmlns:xmp="http://ns.adobe.com/xap/1.0/"'
    f' Iptc4xmpExt:DigitalSourceType="{SYNTHETIC_SOURCE}" xmp:CreatorTool="Seal2Real"/>'
    '</rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
).encode()
_XMP_JPEG_HEADER = b"http://ns.adobe.com/xap/1.0/\0"
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/(.*)", re.DOTALL)  # drives have one letter
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def find_images(folder: Path | str) -> list[Path]:
    """All files below ``folder`` whose suffix is one of `SUFFIXES`, sorted by path; hidden files are left out."""
    folder = Path(folder)
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()
    )


def load_rgb(path: Path | str, max_pixels: int = MAX_PIXELS) -> Image:
    """Read an image file as upright 8-bit RGB.

    The EXIF orientation is applied; transparency is laid over white; palette, CMYK, greyscale, 16-bit and float images
    are converted. Of an animation, the first frame is read.

    Args:
        path: the file.
        max_pixels: largest width * height that is decoded; the header is looked at first.

    Returns:
        ``uint8 [H, W, 3]``.

    Raises:
        Seal2RealError: the file is missing, damaged, truncated, not an image, or larger than ``max_pixels``.
    """
    path = Path(path)
    try:
        with warnings.catch_warnings(), path.open("rb") as stream:
            warnings.simplefilter("ignore")  # Pillow warns of large images and odd metadata; the size is checked here
            with PillowImage.open(stream) as opened:
                width, height = opened.size
                if width * height > max_pixels:
                    raise Seal2RealError(_too_large(path, f"{width} x {height} pixels", max_pixels))
                opened.load()
                return _to_rgb(ImageOps.exif_transpose(opened))
    except Seal2RealError:
        raise
    except PillowImage.DecompressionBombError:
        raise Seal2RealError(_too_large(path, "the image", max_pixels)) from None
    except PillowImage.UnidentifiedImageError:
        raise Seal2RealError(f"{path}: not an image that can be read; remove it or convert it to PNG or JPEG") from None
    except (FileNotFoundError, PermissionError, IsADirectoryError) as error:
        raise Seal2RealError(f"{path}: {(error.strerror or 'cannot be read').lower()}; check the path") from None
    except Exception as error:  # decoders raise nearly anything on damaged bytes
        reason = " ".join(str(error).split()) or type(error).__name__
        raise Seal2RealError(f"{path}: damaged image ({reason}); remove it or export it anew") from None


def _too_large(path: Path, what: str, max_pixels: int) -> str:
    return f"{path}: {what} is beyond the limit of {max_pixels / 1e6:.0f} million pixels; scale it down first"


def _to_rgb(image: PillowImage.Image) -> Image:
    if image.mode.startswith("I"):  # 16-bit greyscale, under "I;16" or "I"
        deep = np.asarray(image, dtype=np.float64)
        scale = 257.0 if deep.max(initial=0) > 255 else 1.0
        return _grey_to_rgb(deep / scale)
    if image.mode == "F":
        real = np.nan_to_num(np.asarray(image, dtype=np.float64))
        return _grey_to_rgb(real * (255.0 if real.max(initial=0) <= 1 else 1.0))
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        background = PillowImage.new("RGBA", image.size, (255, 255, 255, 255))
        image = PillowImage.alpha_composite(background, image)
    return np.array(image.convert("RGB"), dtype=np.uint8)


def _grey_to_rgb(grey: npt.NDArray[np.float64]) -> Image:
    level = np.clip(np.rint(grey), 0, 255).astype(np.uint8)
    return np.repeat(level[..., None], 3, axis=2)


def load_folder(
    folder: Path | str, max_pixels: int = MAX_PIXELS
) -> tuple[list[tuple[Path, Image]], list[tuple[Path, str]]]:
    """Read every image below a folder; the unusable are listed, not fatal.

    Returns:
        (good, skipped): ``good`` holds (path, ``uint8 [H, W, 3]``), ``skipped`` (path, reason in one line).

    Raises:
        Seal2RealError: the folder is missing, holds no image file, or none that can be read.
    """
    paths = require_images(folder)
    good: list[tuple[Path, Image]] = []
    skipped: list[tuple[Path, str]] = []
    for path in paths:
        try:
            good.append((path, load_rgb(path, max_pixels)))
        except Seal2RealError as error:  # noqa: PERF203
            skipped.append((path, str(error)))
    if not good:
        raise Seal2RealError(
            f"{folder}: none of its {len(paths)} image files can be used; the first: {skipped[0][1]}",
        )
    return good, skipped


def require_images(folder: Path | str) -> list[Path]:
    """`find_images`, but an error in one line where the folder is missing, not a folder, or without any image file."""
    folder = Path(folder)
    if not folder.exists():
        raise Seal2RealError(f"{folder}: no such folder; give a folder of scans or photos (PNG, JPEG, TIFF, WebP, BMP)")
    if not folder.is_dir():
        raise Seal2RealError(f"{folder}: not a folder; give the folder that holds the images")
    paths = find_images(folder)
    if not paths:
        raise Seal2RealError(f"{folder}: holds no image files; put PNG, JPEG, TIFF, WebP or BMP files there")
    return paths


def encode_jpeg(array: npt.NDArray[np.uint8], quality: int = 92, dpi: float | None = None) -> bytes:
    """Encode as baseline JPEG with the synthetic mark.

    Args:
        array: ``uint8 [H, W, 3]`` RGB or ``[H, W]``.
        quality: 1..100, the IJG scale. Chroma is subsampled 4:2:0.
        dpi: resolution for the JFIF header; None leaves it unsaid.

    Returns:
        The file's bytes; equal input gives equal bytes.
    """
    data = _encode(".jpg", array, [cv2.IMWRITE_JPEG_QUALITY, int(quality)])
    header_end = 4 + struct.unpack(">H", data[4:6])[0]  # start of image, then the JFIF segment
    start = data[:header_end]
    if dpi is not None:
        density = struct.pack(">BHH", 1, round(dpi), round(dpi))
        start = start[:13] + density + start[18:]
    xmp = _XMP_JPEG_HEADER + _XMP
    segments = b"\xff\xe1" + struct.pack(">H", len(xmp) + 2) + xmp
    comment = COMMENT.encode()
    segments += b"\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment
    return start + segments + data[header_end:]


def encode_png(array: npt.NDArray[np.uint8] | npt.NDArray[np.bool_], dpi: float | None = None, level: int = 1) -> bytes:
    """Encode as PNG with the synthetic mark.

    Args:
        array: ``uint8 [H, W, 3]`` RGB, ``uint8 [H, W, 4]`` RGBA (alpha not multiplied in), ``uint8 [H, W]``, or
            ``bool [H, W]`` (written as 0 and 255).
        dpi: resolution for the pHYs chunk; None leaves it unsaid.
        level: zlib level 0..9.

    Returns:
        The file's bytes; equal input gives equal bytes.
    """
    if array.dtype == np.bool_:
        array = array.astype(np.uint8) * np.uint8(255)
    data = _encode(".png", array, [cv2.IMWRITE_PNG_COMPRESSION, int(level)])
    header_end = len(_PNG_SIGNATURE) + 8 + 13 + 4
    chunks = b""
    if dpi is not None:
        per_metre = round(dpi / 0.0254)
        chunks += _png_chunk(b"pHYs", struct.pack(">IIB", per_metre, per_metre, 1))
    chunks += _png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + _XMP)
    chunks += _png_chunk(b"tEXt", b"Comment\0" + COMMENT.encode("latin-1"))
    return data[:header_end] + chunks + data[header_end:]


def save_image(path: Path | str, array: npt.NDArray[np.uint8] | npt.NDArray[np.bool_]) -> None:
    """Write an image or a mask atomically, with the synthetic mark; the suffix chooses PNG or JPEG.

    Raises:
        UsageError: another suffix.
    """
    suffix = Path(path).suffix.lower()
    if suffix == ".png":
        write_atomic(path, encode_png(array))
    elif suffix in (".jpg", ".jpeg"):
        write_atomic(path, encode_jpeg(array.astype(np.uint8) * 255 if array.dtype == np.bool_ else array))  # type: ignore[arg-type]
    else:
        raise UsageError(f"{path}: images are written as .png or .jpg, not {suffix or 'without a suffix'}")


def _encode(suffix: str, array: npt.NDArray[np.generic], parameters: list[int]) -> bytes:
    if (
        array.dtype != np.uint8
        or array.ndim not in (2, 3)
        or (array.ndim == 3 and array.shape[2] not in ((3, 4) if suffix == ".png" else (3,)))
    ):
        raise ValueError(
            f"an image is uint8 [H, W, 3], [H, W] or, as PNG, [H, W, 4], not {array.dtype} {list(array.shape)}"
        )
    if array.ndim == 3:
        order = cv2.COLOR_RGB2BGR if array.shape[2] == 3 else cv2.COLOR_RGBA2BGRA
        array = cv2.cvtColor(np.ascontiguousarray(array), order)
    done, encoded = cv2.imencode(suffix, np.ascontiguousarray(array), parameters)
    if not done:
        raise Seal2RealError(f"OpenCV could not encode an image of {list(array.shape)} as {suffix}")
    return encoded.tobytes()


def _png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def read_synthetic_mark(path: Path | str) -> bool:
    """Whether the file's XMP metadata names a synthetic IPTC digital source type.

    JPEG segments and PNG chunks are walked without decoding pixels; other formats are searched as bytes.

    Raises:
        Seal2RealError: the file cannot be opened.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Seal2RealError(f"{path}: {(error.strerror or 'cannot be read').lower()}; check the path") from None
    if data.startswith(b"\xff\xd8"):
        blocks = _jpeg_metadata(data)
    elif data.startswith(_PNG_SIGNATURE):
        blocks = _png_metadata(data)
    else:
        blocks = [data]
    return any(name in block for block in blocks for name in _SOURCE_TYPES)


def _jpeg_metadata(data: bytes) -> list[bytes]:
    blocks, at = [], 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != 0xDA:  # up to the start of scan
        length = struct.unpack(">H", data[at + 2 : at + 4])[0]
        if data[at + 1] == 0xE1:
            blocks.append(data[at + 4 : at + 2 + length])
        at += 2 + length
    return blocks


def _png_metadata(data: bytes) -> list[bytes]:
    blocks, at = [], len(_PNG_SIGNATURE)
    while at + 8 <= len(data):
        length = struct.unpack(">I", data[at : at + 4])[0]
        if data[at + 4 : at + 8] == b"iTXt":
            blocks.append(data[at + 8 : at + 8 + length])
        at += 12 + length
    return blocks


def as_url(path: Path) -> str | None:
    """The URL that a path was made from (``s3://bucket/x`` becomes ``s3:/bucket/x``); None if it is a path."""
    found = _URL.fullmatch(path.as_posix())
    if found is None or Path(f"{found[1]}:").exists():
        return None
    return f"{found[1]}://{'' if found[1] != 'file' else '/'}{found[2]}"


def write_atomic(path: Path | str, data: bytes) -> None:
    """Write a file so that it is either wholly there or not at all.

    The bytes go to a hidden temporary name in the same folder, are synced, and take the final name in one step. Missing
    parent folders are made. On failure the temporary file is removed, and an older file of that name is left as it was.

    Raises:
        UsageError: the path is a URL.
        Seal2RealError: the folder cannot be made or written, or the disk is full.
    """
    path = Path(path)
    url = as_url(path)
    if url is not None:
        raise UsageError(f"{url} is a URL; give a file or folder of this machine")
    temporary = path.parent / f".{path.name}.{uuid.uuid4().hex[:12]}.tmp"  # the name never reaches the result
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("xb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            temporary.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise Seal2RealError(
            f"{path}: cannot be written ({reason}); check the space and rights of its folder"
        ) from None
