"""Statistics of patches, without weights: what an encoder is when none is given.

Colour moments, ink in absorbance space, gradients, power spectra, noise, edge profiles and paper: `DIMENSIONS` numbers
per patch. They hold what a scan of a stamped sheet differs by from a drawing, and nothing of what is written there.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from seal2real.errors import Seal2RealError, UsageError
from seal2real.sample import FloatMap, Image

Patches = npt.NDArray[np.uint8]  # [N, S, S, 3]
Features = npt.NDArray[np.float64]  # [N, D]
Encoder = Callable[[Patches], Features]

_EDGE_BINS = 8  # signed distances -3.5 .. 3.5 px
_PLANES = ("luma", "red-green", "yellow-blue")
_PLACES = ("paper", "ink")

FEATURE_NAMES: tuple[str, ...] = (
    *(f"{plane} {moment}" for plane in _PLANES for moment in ("mean", "log spread", "skewness", "log kurtosis")),
    *(f"ink absorbance {what} {c}" for what in ("mean", "spread") for c in "RGB"),
    *(f"ink strength {what}" for what in ("p10", "p50", "p90", "p99", "(p90-p10)/p50")),
    *("ink colour line length", "ink colour line width", "ink corr RG", "ink corr RB", "ink corr GB", "ink share"),
    *(
        f"{plane} gradient {what}"
        for plane in _PLANES[:2]
        for what in ("mean", "p25", "p50", "p90", "p99", "laplacian")
    ),
    *(f"luma power band {band} of 8" for band in range(1, 9)),
    *(f"red-green power band {band} of 8" for band in range(4, 9)),
    *(f"{plane} noise on {place}" for plane in _PLANES for place in _PLACES),
    *(f"noise corr on {place} lag {lag}{axis}" for place in _PLACES for lag in (1, 2) for axis in "xy"),
    *(f"mottle on {place}" for place in _PLACES),
    *(f"edge profile {what} at {d - 3.5:+.1f} px" for what in ("mean", "spread") for d in range(_EDGE_BINS)),
    *("ink edge length", "pinholes", "specks", "ink parts", "ink thickest"),
    *(f"paper {c}" for c in "RGB"),
    *("paper clipped white", "paper unevenness"),
    *("8-px grid across", "8-px grid down"),
)


def statistics(patches: Patches) -> Features:
    """The statistics of patches: ``uint8 [N, S, S, 3]`` to ``float64 [N, D]``, not standardised."""
    if not len(patches):
        return np.zeros((0, 0))
    size = patches.shape[1]
    bands = _spectral_bands(size)
    return np.array([_describe(patch, bands) for patch in patches], dtype=np.float64)


def standardise(reference: Features, *others: Features, clip: float = 5.0) -> list[Features]:
    """Scale by mean and standard deviation of ``reference``, cut at ``clip``; returns [reference, *others] scaled."""
    mean, spread = reference.mean(axis=0), reference.std(axis=0)
    spread = np.where(spread > 1e-9, spread, 1.0)
    return [np.clip((each - mean) / spread, -clip, clip) for each in (reference, *others)]


def _describe(patch: Image, bands: npt.NDArray[np.int64]) -> list[float]:
    rgb = patch.astype(np.float32) / 255.0
    luma = rgb @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    red_green = rgb[..., 0] - rgb[..., 1]
    yellow_blue = 0.5 * (rgb[..., 0] + rgb[..., 1]) - rgb[..., 2]
    paper = np.percentile(rgb.reshape(-1, 3), 90, axis=0).astype(np.float32)
    absorbance = -np.log((rgb + 0.02) / (paper + 0.02))
    absorptance = np.clip(1.0 - rgb / (paper + 1e-3), 0.0, 1.0).max(axis=2)
    threshold, _ = cv2.threshold((absorptance * 255).astype(np.uint8), 0, 255, cv2.THRESH_OTSU)
    ink = absorptance > max(threshold / 255.0, 0.08)
    values: list[float] = []
    for channel in (luma, red_green, yellow_blue):
        values += _moments(channel)
    values += _ink_colour(absorbance, ink)
    values += _gradients(luma, red_green)
    values += _spectrum(luma, bands, 8) + _spectrum(red_green, bands, 5)
    values += _noise(luma, red_green, yellow_blue, ink)
    values += _edges(absorptance, ink)
    values += [float(v) for v in paper] + _paper_shade(luma, ink)
    values += _blockiness(luma)
    return values


def _moments(channel: FloatMap) -> list[float]:
    mean, spread = float(channel.mean()), float(channel.std()) + 1e-4
    centred = (channel - mean) / spread
    return [mean, float(np.log(spread)), float((centred**3).mean()), float(np.log1p((centred**4).mean()))]


def _ink_colour(absorbance: FloatMap, ink: npt.NDArray[np.bool_]) -> list[float]:
    """Ink's mean, spread, percentiles and colour; how straight its colour line is (Beer-Lambert: one ink, one line)."""
    if ink.sum() < 12:
        return [0.0] * 17
    inside = absorbance[ink].astype(np.float64)
    mean, spread = inside.mean(axis=0), inside.std(axis=0)
    strongest = inside.max(axis=1)
    low, middle, high, top = np.percentile(strongest, (10, 50, 90, 99))
    covariance = np.cov(inside.T) + 1e-6 * np.eye(3)
    eigen = np.linalg.eigvalsh(covariance)
    correlation = covariance / np.sqrt(np.outer(np.diag(covariance), np.diag(covariance)))
    return [
        *mean,
        *spread,
        low,
        middle,
        high,
        top,
        (high - low) / (middle + 0.05),
        float(np.log(eigen[2])),
        float(np.log(eigen[1] / eigen[2])),
        float(correlation[0, 1]),
        float(correlation[0, 2]),
        float(correlation[1, 2]),
        float(ink.mean()),
    ]


def _gradients(luma: FloatMap, chroma: FloatMap) -> list[float]:
    values = []
    for channel in (luma, chroma):
        magnitude = np.hypot(cv2.Sobel(channel, cv2.CV_32F, 1, 0) / 8, cv2.Sobel(channel, cv2.CV_32F, 0, 1) / 8)
        values += [float(np.log(v + 1e-4)) for v in (magnitude.mean(), *np.percentile(magnitude, (25, 50, 90, 99)))]
        laplacian = cv2.Laplacian(channel, cv2.CV_32F)
        values.append(float(np.log(laplacian.std() + 1e-4)))
    return values


def _spectral_bands(size: int) -> npt.NDArray[np.int64]:
    """Octave-like rings of the power spectrum: the ring's number for each frequency, -1 for the mean."""
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None])
    edges = np.array([1e-6, 0.02, 0.045, 0.08, 0.13, 0.2, 0.28, 0.37, 0.5])
    return (np.digitize(frequency, edges) - 1).clip(-1, 7)


def _spectrum(channel: FloatMap, bands: npt.NDArray[np.int64], count: int) -> list[float]:
    window = np.hanning(channel.shape[0])[:, None] * np.hanning(channel.shape[1])[None]
    power = np.abs(np.fft.rfft2((channel - channel.mean()) * window)) ** 2
    sums = np.bincount(bands.ravel() + 1, power.ravel(), 9)[1:]
    number = np.bincount(bands.ravel() + 1, minlength=9)[1:]
    log_power = np.log(sums / np.maximum(number, 1) + 1e-7)
    return [float(v) for v in log_power[8 - count :]]


def _noise(luma: FloatMap, red_green: FloatMap, yellow_blue: FloatMap, ink: npt.NDArray[np.bool_]) -> list[float]:
    """High-pass residual where it is flat: strength on paper and in ink, correlation with the neighbours."""
    kernel = np.ones((5, 5), np.uint8)
    solid = ink.astype(np.uint8)
    on_paper = cv2.dilate(solid, kernel) == 0
    in_ink = cv2.erode(solid, np.ones((3, 3), np.uint8)) > 0
    values: list[float] = []
    for channel in (luma, red_green, yellow_blue):
        residual = channel - cv2.GaussianBlur(channel, (0, 0), 1.5)
        values += [_log_spread(residual[place]) for place in (on_paper, in_ink)]
    residual = luma - cv2.GaussianBlur(luma, (0, 0), 2.0)
    for place in (on_paper, in_ink):
        for lag in (1, 2):
            values.append(_correlation(residual, place, 0, lag))
            values.append(_correlation(residual, place, lag, 0))
    broad = cv2.GaussianBlur(luma, (0, 0), 1.0) - cv2.GaussianBlur(luma, (0, 0), 4.0)
    values += [_log_spread(broad[on_paper]), _log_spread(broad[in_ink])]
    return values


def _log_spread(values: npt.NDArray[np.float32]) -> float:
    return float(np.log(values.std() + 5e-4)) if values.size >= 12 else -5.0


def _correlation(residual: FloatMap, place: npt.NDArray[np.bool_], dy: int, dx: int) -> float:
    height, width = residual.shape
    here, there = residual[: height - dy, : width - dx], residual[dy:, dx:]
    both = place[: height - dy, : width - dx] & place[dy:, dx:]
    if both.sum() < 16:
        return 0.0
    a, b = here[both] - here[both].mean(), there[both] - there[both].mean()
    return float((a * b).mean() / (np.sqrt((a * a).mean() * (b * b).mean()) + 1e-9))


def _edges(absorptance: FloatMap, ink: npt.NDArray[np.bool_]) -> list[float]:
    """Mean and spread of darkness by signed distance to the ink's edge, edge length, texture inside the ink."""
    if not 12 <= ink.sum() <= ink.size - 12:
        return [0.0] * (2 * _EDGE_BINS + 5)
    inner = cv2.distanceTransform(ink.astype(np.uint8), cv2.DIST_L2, 3)
    outer = cv2.distanceTransform((~ink).astype(np.uint8), cv2.DIST_L2, 3)
    distance = np.where(ink, inner - 0.5, 0.5 - outer)
    level = float(absorptance[ink].mean()) + 1e-3
    place = np.clip(np.floor(distance + _EDGE_BINS / 2), 0, _EDGE_BINS - 1).astype(int).ravel()
    number = np.bincount(place, minlength=_EDGE_BINS) + 1e-6
    mean = np.bincount(place, absorptance.ravel(), _EDGE_BINS) / number / level
    square = np.bincount(place, absorptance.ravel() ** 2, _EDGE_BINS) / number / level**2
    spread = np.sqrt(np.maximum(square - mean**2, 0))
    edge = float(((inner > 0) & (inner <= 1)).sum() / ink.sum())
    count, _, stats, _ = cv2.connectedComponentsWithStats((~ink).astype(np.uint8), connectivity=4)
    holes = float((stats[1:, cv2.CC_STAT_AREA] < 12).sum()) if count > 1 else 0.0
    parts, _, sizes, _ = cv2.connectedComponentsWithStats(ink.astype(np.uint8), connectivity=8)
    specks = float((sizes[1:, cv2.CC_STAT_AREA] < 12).sum()) if parts > 1 else 0.0
    return [
        *(float(v) for v in mean),
        *(float(v) for v in spread),
        edge,
        float(np.log1p(holes)),
        float(np.log1p(specks)),
        float(np.log1p(parts)),
        float(np.log(inner.max() + 1)),
    ]


def _paper_shade(luma: FloatMap, ink: npt.NDArray[np.bool_]) -> list[float]:
    """How much the paper is clipped to white, and how uneven it is."""
    bare = luma[cv2.dilate(ink.astype(np.uint8), np.ones((5, 5), np.uint8)) == 0]
    if bare.size < 20:
        return [0.0, 0.0]
    return [float((bare > 0.992).mean()), float(np.log(np.percentile(bare, 90) - np.percentile(bare, 10) + 1e-3))]


def _blockiness(luma: FloatMap) -> list[float]:
    """Strongest of the eight grid phases against their mean, across and down: the trace of an earlier JPEG."""
    values = []
    for steps in (np.abs(np.diff(luma, axis=1)).mean(axis=0), np.abs(np.diff(luma, axis=0)).mean(axis=1)):
        smooth = np.median(steps) + 1e-4
        phases = np.array([np.median(steps[phase::8]) for phase in range(8)])
        values.append(float(np.log(phases.max() / smooth + 0.1)))
    return values


DIMENSIONS = len(_describe(np.zeros((64, 64, 3), np.uint8), _spectral_bands(64)))


def onnx_encoder(path: Path | str, batch: int = 32) -> Encoder:
    """An encoder from a local ONNX file.

    The model takes float ``[N, 3, h, w]`` normalised by the ImageNet mean and deviation, and gives ``[N, D]`` (further
    axes are averaged). Patches are resized to its input, 224 where that is free.

    Raises:
        UsageError: the file is missing, or onnxruntime is not installed.
        Seal2RealError: the file is no usable model.
    """
    path = Path(path)
    if not path.is_file():
        raise UsageError(f"{path}: no such encoder; give the path of an ONNX file")
    try:
        import onnxruntime
    except ImportError:
        raise UsageError("an ONNX encoder needs onnxruntime; install it with: pip install 'seal2real[ocr]'") from None
    try:
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    except Exception as error:
        raise Seal2RealError(f"{path}: not a usable ONNX model ({' '.join(str(error).split())[:120]})") from None
    entry = session.get_inputs()[0]
    sides = [side if isinstance(side, int) and side > 0 else 224 for side in entry.shape[2:4]]
    mean = np.array([0.485, 0.456, 0.406], dtype=np.float32)
    spread = np.array([0.229, 0.224, 0.225], dtype=np.float32)

    def encode(patches: Patches) -> Features:
        rows = []
        for start in range(0, len(patches), batch):
            part = [
                cv2.resize(p, (sides[1], sides[0]), interpolation=cv2.INTER_LINEAR) for p in patches[start:][:batch]
            ]
            tensor = ((np.stack(part).astype(np.float32) / 255 - mean) / spread).transpose(0, 3, 1, 2)
            out = np.asarray(session.run(None, {entry.name: np.ascontiguousarray(tensor)})[0], dtype=np.float64)
            rows.append(out.reshape(len(out), out.shape[1], -1).mean(axis=2))
        return np.concatenate(rows)

    return encode
