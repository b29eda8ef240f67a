"""A seal-script look from an ordinary typeface: strokes of even weight that fill the cell, squared where they can be.

No free seal-script font covers simplified Chinese, so the look is made from the outlines of a sans-serif font, in the
manner of the squared script of Han seals (缪篆):

1. the glyph fills its square and is thinned to its middle lines (Zhang and Suen, "A fast parallel algorithm for
   thinning digital patterns", 1984);
2. the middle lines become a graph of nodes and polylines; those that nearly lie or stand are made to do so exactly, and
   share their level with what they touch;
3. the levels are moved apart where strokes crowd and together where there is room (nonlinear shape normalisation by
   stroke density, as in Tsukumo and Tanaka, 1988);
4. the lines are stroked with one width, after they are laid into the cell, so that a tall cell does not thicken them.

The forms remain those of the modern character: it is the look of a seal, not the historical script.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import cv2
import numpy as np
import skia
from scipy.ndimage import gaussian_filter1d, label

from seal2real.seal.fonts import glyph

_SIZE = 168  # pixels of the thinned square
_PAD = 10
_NEIGHBOURS = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))  # clockwise from north
_STRAIGHT_FIRST = ((-1, 0), (0, 1), (1, 0), (0, -1), (-1, 1), (1, 1), (1, -1), (-1, -1))

Stroke = np.ndarray  # [n, 2] points in the unit square, y down


@lru_cache(maxsize=2048)
def strokes(path: str, character: str) -> tuple[Stroke, ...]:
    """Middle lines of a character that fill the unit square.

    Args:
        path: font file, best a sans-serif of even weight.
        character: one character.

    Returns:
        Polylines ``[n, 2]`` in 0..1 (x right, y down).

    Raises:
        MissingGlyphError: if the font lacks the character.
    """
    image, pen = _raster(path, character)
    if not image.any():
        return ()
    nodes, edges = _graph(thin(image), pen)
    lines = _snap(nodes, edges, pen)
    return tuple(_spread(lines))


def _raster(path: str, character: str) -> tuple[np.ndarray, float]:
    """The glyph filling a square, and the width of its strokes in pixels."""
    shape = glyph(path, character)
    left, top, right, bottom = shape.bounds
    width, height = max(right - left, 1e-3), max(bottom - top, 1e-3)
    # a flat glyph such as 一 keeps some of its flatness
    wide, tall = max(width, height / 2.2), max(height, width / 2.2)
    scale = _SIZE - 2 * _PAD
    matrix = skia.Matrix.MakeAll(
        scale / wide,
        0.0,
        _SIZE / 2.0 - (left + right) / 2.0 * scale / wide,
        0.0,
        scale / tall,
        _SIZE / 2.0 - (top + bottom) / 2.0 * scale / tall,
        0.0,
        0.0,
        1.0,
    )
    pixels = np.zeros((_SIZE, _SIZE), dtype=np.uint8)
    surface = skia.Surface.MakeRasterDirect(skia.ImageInfo.MakeA8(_SIZE, _SIZE), pixels, _SIZE)
    canvas = surface.getCanvas()
    canvas.concat(matrix)
    canvas.drawPath(shape.path, skia.Paint(AntiAlias=True))
    surface.flushAndSubmit()
    image = pixels >= 128
    distance = cv2.distanceTransform(image.astype(np.uint8), cv2.DIST_L2, 5)
    pen = 2.0 * float(np.percentile(distance[image], 85)) if image.any() else 1.0
    return image, max(pen, 3.0)


def _rings(image: np.ndarray) -> np.ndarray:
    """``uint8 [H, W]``: the neighbours of every pixel, a bit each, clockwise from north; zeros past the border."""
    padded = np.pad(image, 1).astype(np.uint8)
    height, width = image.shape
    ring = np.zeros((height, width), dtype=np.uint8)
    for bit, (dy, dx) in enumerate(_NEIGHBOURS):
        ring |= padded[1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width] << bit
    return ring


def _tables() -> tuple[np.ndarray, np.ndarray]:
    """Over the 256 rings: how often bare turns to ink on the way around, and whether each step of thinning takes the
    pixel ``bool [2, 256]``."""
    n = (np.arange(256)[:, None] >> np.arange(8)) & 1 > 0
    count = n.sum(axis=1)
    turns = (~n & np.roll(n, -1, axis=1)).sum(axis=1)
    north, east, south, west = n[:, 0], n[:, 2], n[:, 4], n[:, 6]
    first = ~(north & east & south) & ~(east & south & west)
    second = ~(north & east & west) & ~(north & south & west)
    loose = (count >= 2) & (count <= 6) & (turns == 1)
    return turns, np.stack([loose & first, loose & second])


_RING_TURNS, _TAKEN = _tables()


def thin(image: np.ndarray) -> np.ndarray:
    """Middle lines one pixel wide of a mask ``bool [H, W]`` (Zhang and Suen 1984)."""
    image = image.copy()
    while True:
        before = np.count_nonzero(image)
        for taken in _TAKEN:
            image &= ~taken[_rings(image)]
        if np.count_nonzero(image) == before:
            return image


def _graph(skeleton: np.ndarray, pen: float) -> tuple[list[np.ndarray], list[tuple[int, int, np.ndarray]]]:
    """Nodes (points) and edges (first node, last node, points between them) of thinned lines."""
    turns = _RING_TURNS[_rings(skeleton)]
    block = skeleton[:-1, :-1] & skeleton[1:, :-1] & skeleton[:-1, 1:] & skeleton[1:, 1:]
    joints = skeleton & (turns >= 3)
    for dy, dx in ((0, 0), (0, 1), (1, 0), (1, 1)):  # slanting lines that cross leave a square of four pixels
        joints[dy : dy + block.shape[0], dx : dx + block.shape[1]] |= block
    # with their neighbours, or the arms of a crossing would touch each other at its corners
    joints = skeleton & (joints | (_rings(joints) > 0))
    eight = np.ones((3, 3), dtype=int)
    clusters, count = label(joints, eight)
    nodes = [pixels.mean(axis=0)[::-1] for pixels in _parts(clusters, count)]
    rest, pieces = label(skeleton & ~joints, eight)
    padded = np.pad(clusters, 1)
    edges: list[tuple[int, int, np.ndarray]] = []
    for pixels in _parts(rest, pieces):
        chain, closed = _chain(pixels)
        ends = []
        for y, x in (chain[0], chain[-1]):
            near = padded[y : y + 3, x : x + 3]
            ends.append([int(v) - 1 for v in np.unique(near[near > 0])])
        first = ends[0][0] if ends[0] else None
        last = next((v for v in ends[1] if v != first or len(chain) > 2 * pen), ends[1][0] if ends[1] else None)
        if len(chain) == 1:  # a single pixel between two joints
            first, last = (ends[0][0], ends[0][1]) if len(ends[0]) > 1 else (first, None)
        points = chain[:, ::-1].astype(float)
        length = np.hypot(*np.diff(points, axis=0).T).sum()
        if (first is None) != (last is None) and length < 0.75 * pen:
            continue  # a spur of the thinning
        if closed and first is None:
            points = np.concatenate([points, points[:1]])
            nodes.append(points[0])
            first = last = len(nodes) - 1
        for side in (0, 1):
            if (first, last)[side] is None:
                nodes.append(points[-side])
                first, last = (len(nodes) - 1, last) if side == 0 else (first, len(nodes) - 1)
        edges.append((int(first), int(last), points))  # type: ignore[arg-type]
    return _merged(nodes, edges, pen)


def _parts(labels: np.ndarray, count: int) -> list[np.ndarray]:
    """The pixels ``[n, 2]`` (row, column) of each label from 1 to ``count``, row by row."""
    pixels = np.argwhere(labels)
    label_of = labels[pixels[:, 0], pixels[:, 1]]
    order = np.argsort(label_of, kind="stable")
    return np.split(pixels[order], np.searchsorted(label_of[order], np.arange(2, count + 1))) if count else []


def _chain(pixels: np.ndarray) -> tuple[np.ndarray, bool]:
    """Pixels ``[n, 2]`` of one line in order, and whether the line is closed."""
    left = set(map(tuple, pixels.tolist()))

    def around(p: tuple[int, int]) -> list[tuple[int, int]]:
        return [q for dy, dx in _STRAIGHT_FIRST if (q := (p[0] + dy, p[1] + dx)) in left]

    ends = sorted(p for p in left if len(around(p)) <= 1)
    here = ends[0] if ends else min(left)
    order = [here]
    left.discard(here)
    while near := around(here):
        here = near[0]
        order.append(here)
        left.discard(here)
    return np.array(order), not ends and len(order) > 4


def _merged(
    nodes: list[np.ndarray], edges: list[tuple[int, int, np.ndarray]], pen: float
) -> tuple[list[np.ndarray], list[tuple[int, int, np.ndarray]]]:
    """Joints that a thinned crossing has pulled apart become one."""
    parent = list(range(len(nodes)))

    def root(k: int) -> int:
        while parent[k] != k:
            k = parent[k]
        return k

    degree = np.zeros(len(nodes), dtype=int)
    for a, b, _ in edges:
        degree[a] += 1
        degree[b] += 1
    kept = []
    for a, b, points in edges:
        short = np.hypot(*(nodes[a] - nodes[b])) < 0.8 * pen and len(points) < 1.1 * pen
        if short and a != b and degree[a] > 2 and degree[b] > 2:
            parent[root(a)] = root(b)
        else:
            kept.append((a, b, points))
    groups: dict[int, list[np.ndarray]] = {}
    for k, node in enumerate(nodes):
        groups.setdefault(root(k), []).append(node)
    places = [np.mean(groups[root(k)], axis=0) for k in range(len(nodes))]
    return places, _joined([(root(a), root(b), points) for a, b, points in kept])


def _joined(edges: list[tuple[int, int, np.ndarray]]) -> list[tuple[int, int, np.ndarray]]:
    """Two edges that meet where nothing else does become one, so that their corner is drawn whole."""
    edges = list(edges)
    while True:
        ends: dict[int, list[int]] = {}
        for k, (a, b, _) in enumerate(edges):
            ends.setdefault(a, []).append(k)
            ends.setdefault(b, []).append(k)
        pair = next(((n, ks) for n, ks in sorted(ends.items()) if len(ks) == 2 and ks[0] != ks[1]), None)
        if pair is None:
            return edges
        node, (i, j) = pair
        (a, b, first), (c, d, second) = edges[i], edges[j]
        if b != node:
            a, first = b, first[::-1]
        if c != node:
            d, second = c, second[::-1]
        edges = [edge for k, edge in enumerate(edges) if k not in (i, j)]
        edges.append((a, d, np.concatenate([first, second])))


def _snap(nodes: list[np.ndarray], edges: list[tuple[int, int, np.ndarray]], pen: float) -> list[np.ndarray]:
    """Polylines whose nearly level and nearly upright segments are exactly so, touching ones on one level."""
    points = [np.asarray(node, dtype=float) for node in nodes]
    lines: list[list[int]] = []
    for a, b, middle in edges:
        if a == b and np.allclose(nodes[a], middle[0]):  # a ring that touches nothing starts in its corner
            begin = int(np.argmin(middle.sum(axis=1)))
            ring = np.roll(middle[:-1], -begin, axis=0)
            points[a] = ring[0]
            middle = np.concatenate([ring, ring[:1]])
        corners = _corners(np.concatenate([[points[a]], middle, [points[b]]]), 0.42 * pen)
        line = [a]
        for corner in corners[1:-1]:
            points.append(corner.astype(float))
            line.append(len(points) - 1)
        lines.append([*line, b])
    places = np.array(points)
    result = places.copy()
    for axis in (1, 0):  # level segments share y, upright ones x
        parent = list(range(len(points)))

        def root(k: int, parent: list[int] = parent) -> int:
            while parent[k] != k:
                k = parent[k]
            return k

        for line in lines:
            for i, j in pairwise(line):
                step = np.abs(places[i] - places[j])
                if step[axis] <= 0.36 * step[1 - axis] and step[1 - axis] > 0.3 * pen:
                    parent[root(i)] = root(j)
        roots = np.array([root(k) for k in range(len(points))])
        levels = {r: places[roots == r, axis].mean() for r in set(roots.tolist())}
        # levels that nearly agree are one
        order = sorted(((v, r) for r, v in levels.items() if (roots == r).sum() > 1), key=lambda pair: pair)
        for (low, r), (high, s) in pairwise(order):
            if high - low < 0.45 * pen:
                levels[s] = levels[r]
        result[:, axis] = [levels[r] for r in roots]
    return [result[line] for line in lines]


def _corners(chain: np.ndarray, slack: float) -> np.ndarray:
    """The chain's corners (Douglas and Peucker); a closed chain is cut at its far point first."""
    if np.allclose(chain[0], chain[-1]) and len(chain) > 4:
        far = int(np.argmax(np.hypot(*(chain - chain[0]).T)))
        return np.concatenate([_corners(chain[: far + 1], slack), _corners(chain[far:], slack)[1:]])
    return cv2.approxPolyDP(chain.astype(np.float32)[:, None], slack, False)[:, 0].astype(float)


def _spread(lines: list[np.ndarray]) -> list[np.ndarray]:
    """Lines moved so that strokes lie evenly, then stretched to the unit square."""
    size = 256
    everything = np.concatenate(lines)
    low, high = everything.min(axis=0), everything.max(axis=0)
    span = np.maximum(high - low, 1e-6)
    flat = span < 0.05 * _SIZE  # a single stroke keeps its place in the middle
    unit = [np.where(flat, 0.5, (line - low) / span) for line in lines]
    maps = []
    for axis in (0, 1):
        density = np.zeros(size)
        for line in unit:
            for p, q in pairwise(line):
                along, across = abs(q[1 - axis] - p[1 - axis]), abs(q[axis] - p[axis])
                if along < 1e-9 and across < 1e-9:
                    continue
                # how much of this segment lies across the axis: such strokes want room
                first, last = sorted((p[axis], q[axis]))
                cells = slice(int(first * (size - 1)), int(last * (size - 1)) + 1)
                density[cells] += along / (cells.stop - cells.start) * along / (along + across)
        density = np.minimum(density, 0.45)  # a stroke wants its room, however long it is
        density = gaussian_filter1d(density, size * 0.04, mode="constant")
        density = density / max(density.mean(), 1e-9) + 0.6
        total = np.concatenate([[0.0], np.cumsum(density)])
        total = total / total[-1]
        grid = np.linspace(0.0, 1.0, size + 1)
        maps.append((grid, 0.25 * grid + 0.75 * total))
    return [
        np.stack(
            [line[:, k] if flat[k] else np.interp(line[:, k], *maps[k]) for k in (0, 1)],
            axis=1,
        )
        for line in unit
    ]
