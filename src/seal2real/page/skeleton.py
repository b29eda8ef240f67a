"""The strokes of a character: the centre lines of a typeface's outline, in a hand's order and direction."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pylopdf_fonts_zh_cn
import skia
from scipy.ndimage import label

from seal2real.seal.fonts import glyph

Strokes = tuple[npt.NDArray[np.float32], ...]  # [n, 2] each, in em, x right, y down, baseline at 0

_EM = 56  # pixels per em in which the centre lines are found
_EDGE = 6
_SPUR = 4  # pixels: shorter branches of the skeleton are artefacts of stroke ends
_SIDES_FIRST = ((1, 0), (0, 1), (-1, 0), (0, -1), (1, 1), (-1, 1), (-1, -1), (1, -1))
_SHIFTS = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))  # clockwise from above


def thin(shape: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Centre lines of one pixel's width (T. Y. Zhang and C. Y. Suen, 1984).

    Args:
        shape: ``bool [H, W]`` with an empty border.
    """
    image = shape.astype(np.uint8)
    while True:
        removed = 0
        for turn in (0, 1):
            ring = [np.roll(image, (-dy, -dx), (0, 1)) for dy, dx in _SHIFTS]
            count = np.sum(ring, axis=0)
            changes = sum((ring[k] == 0) & (ring[(k + 1) % 8] == 1) for k in range(8))
            n, e, s, w = ring[0], ring[2], ring[4], ring[6]
            gone = (n & e & s == 0) & (e & s & w == 0) if turn == 0 else (n & e & w == 0) & (n & s & w == 0)
            drop = (image == 1) & (count >= 2) & (count <= 6) & (changes == 1) & gone
            image[drop] = 0
            removed += int(drop.sum())
        if not removed:
            return image.astype(bool)


@lru_cache(maxsize=4096)
def strokes_of(character: str) -> tuple[Strokes, float]:
    """Centre lines of a character of Noto Sans SC.

    Returns:
        The strokes, from the top left on, each from left to right or from the top down; and the advance in em.

    Raises:
        MissingGlyphError: the typeface lacks the character.
    """
    shape = glyph(str(pylopdf_fonts_zh_cn.sans_path()), character)
    left, top, right, bottom = shape.bounds
    width, height = int((right - left) * _EM) + 2 * _EDGE + 1, int((bottom - top) * _EM) + 2 * _EDGE + 1
    pixels = np.zeros((height, width), np.uint8)
    surface = skia.Surface.MakeRasterDirect(skia.ImageInfo.MakeA8(width, height), pixels, width)
    matrix = skia.Matrix.MakeAll(_EM, 0, _EDGE - left * _EM, 0, _EM, _EDGE - top * _EM, 0, 0, 1)
    path = skia.Path(shape.path)
    path.transform(matrix)
    surface.getCanvas().drawPath(path, skia.Paint(AntiAlias=True))
    origin = np.array([_EDGE - left * _EM - 0.5, _EDGE - top * _EM - 0.5])
    chains = [(np.array(chain, float) - origin) / _EM for chain in trace(thin(pixels > 127))]
    chains = [_as_written(chain) for chain in chains]
    chains.sort(key=lambda c: float(c[0, 1] + 0.6 * c[0, 0]))
    return tuple(c.astype(np.float32) for c in chains), shape.advance


def _as_written(chain: np.ndarray) -> np.ndarray:
    across, down = chain[-1] - chain[0]
    backwards = across < 0 if abs(across) > 1.2 * abs(down) else down < 0
    return chain[::-1] if backwards else chain


Point = tuple[int, int]


def trace(skeleton: npt.NDArray[np.bool_]) -> list[list[Point]]:
    """Chains of pixels (x, y) along a skeleton; at a crossing a chain goes on straight ahead."""
    ys, xs = np.nonzero(skeleton)
    pixels = set(zip(xs.tolist(), ys.tolist(), strict=True))

    # A pixel where at least three arms meet; neighbours alone would count every step of a staircase.
    ring = [np.roll(skeleton, (-dy, -dx), (0, 1)) for dy, dx in _SHIFTS]
    arms = np.sum([~ring[k] & ring[(k + 1) % 8] for k in range(8)], axis=0)
    crossing = skeleton & (arms > 2)
    nodes, _ = label(crossing, np.ones((3, 3)))
    branches = _branches(pixels, nodes)
    ends: dict[int, list[tuple[int, int]]] = {}  # crossing -> (branch, which of its ends)
    for number, (points, first, last) in enumerate(branches):
        if len(points) < _SPUR and (first == 0) != (last == 0):
            continue
        for side, node in ((0, first), (1, last)):
            if node:
                ends.setdefault(node, []).append((number, side))
    partner = _partners(branches, ends)
    chains, used = [], set()
    for number, (points, first, last) in enumerate(branches):
        if number in used or (len(points) < _SPUR and (first == 0) != (last == 0)):
            continue
        used.add(number)
        chain = list(points)
        for side in (1, 0):
            here = (number, side)
            while (there := partner.get(here)) is not None and there[0] not in used:
                used.add(there[0])
                more = branches[there[0]][0]
                more = more if there[1] == 0 else more[::-1]
                chain = chain + more if side == 1 else more[::-1] + chain
                here = (there[0], 1 - there[1])
        if len(chain) == 1 and not first and not last and not any(_beside(chain[0], q) for q in pixels - {chain[0]}):
            chain.append((chain[0][0] + 1, chain[0][1]))  # a dot
        if len(chain) > 1:
            chains.append(chain)
    return chains


def _beside(p: Point, q: Point) -> bool:
    return max(abs(p[0] - q[0]), abs(p[1] - q[1])) == 1


def _branches(pixels: set[Point], nodes: np.ndarray) -> list[tuple[list[Point], int, int]]:
    """Runs of pixels between crossings or ends: (points, crossing at the start, crossing at the end); 0 is none."""
    plain = {p for p in pixels if not nodes[p[1], p[0]]}
    left = set(plain)

    def beside(p: Point) -> list[Point]:
        return [(p[0] + dx, p[1] + dy) for dx, dy in _SIDES_FIRST]

    def node_of(p: Point) -> int:
        return next((int(nodes[q[1], q[0]]) for q in beside(p) if nodes[q[1], q[0]]), 0)

    found = []
    starts = sorted(p for p in plain if sum(q in plain for q in beside(p)) <= 1)
    for start in [*starts, *sorted(plain)]:  # what is left after the ends are closed loops
        if start not in left:
            continue
        run = [start]
        left.discard(start)
        while (step := next((q for q in beside(run[-1]) if q in left), None)) is not None:
            run.append(step)
            left.discard(step)
        if len(run) > 6 and start in beside(run[-1]) and not node_of(start):
            run.append(start)
        one = node_of(run[0])
        two = node_of(run[-1]) if len(run) > 1 else 0
        found.append((run, one, two))
    return found


def _partners(
    branches: list[tuple[list[Point], int, int]], ends: dict[int, list[tuple[int, int]]]
) -> dict[tuple[int, int], tuple[int, int]]:
    """Which ends of branches continue each other: at a crossing the straightest pairs, bent 60 degrees at most."""

    def heading(end: tuple[int, int]) -> np.ndarray:
        points = branches[end[0]][0]
        points = points if end[1] == 0 else points[::-1]
        way = np.subtract(points[min(7, len(points) - 1)], points[0]).astype(float)
        return way / max(float(np.hypot(*way)), 1e-6)

    partner = {}
    for meeting in ends.values():
        pairs = sorted(
            (float(heading(a) @ heading(b)), a, b) for i, a in enumerate(meeting) for b in meeting[i + 1 :] if a != b
        )
        for cosine, a, b in pairs:
            if cosine < -0.5 and a not in partner and b not in partner:
                partner[a], partner[b] = b, a
    return partner
