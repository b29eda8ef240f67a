"""Checks of outlines, line polygons, character quads and line crops."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from seal2real.dataset.checks.finding import WARNING, Problem
from seal2real.dataset.checks.opened import Opened
from seal2real.dataset.formats.fields import is_converted
from seal2real.dataset.unwarp import line_edges

Points = npt.NDArray[np.float64]

_OUTSIDE_SHARE = 0.002  # of a mask that may lie outside the outline, for rounding
_GROWN = 2  # pixels by which the outline may be passed
_CHARACTER_SHARE = 0.15  # of a line's height by which a character may leave the line's polygon
_LINE_SHARE = 0.06  # of a seal's size by which a line may leave the outline
_ASPECT = 0.15  # relative difference of a crop's shape from its line's


def signed_area(polygon: Points) -> float:
    """Area of a polygon by the shoelace formula; positive where it runs clockwise on the screen (y down)."""
    x, y = polygon[:, 0], polygon[:, 1]
    return float(0.5 * (x @ np.roll(y, -1) - y @ np.roll(x, -1)))


def crosses_itself(polygon: Points) -> bool:
    """Whether two edges of a closed polygon cross properly; edges that only touch do not count.

    Two segments cross where the ends of each lie on different sides of the other.
    """
    start, end = polygon, np.roll(polygon, -1, axis=0)
    edge = end - start

    def side(points: Points) -> Points:  # [edge, point]: on which side of the edge the point lies
        to = points[None] - start[:, None]
        return edge[:, None, 0] * to[..., 1] - edge[:, None, 1] * to[..., 0]

    apart = side(start) * side(end) < 0
    return bool((apart & apart.T).any())


def outline(opened: Opened) -> Iterator[Problem]:
    """A seal's outline runs clockwise, does not cross itself, and holds the full mask."""
    for number, (seal, full, box) in enumerate(zip(opened.row["seals"], opened.full, opened.boxes, strict=True)):
        points = np.asarray(seal["polygon"], np.float64)
        where = f"seals[{number}].polygon"
        complaint = _order(points)
        if complaint:
            yield Problem(opened.file, f"{where} {complaint}")
            continue
        if full is None or box is None:
            continue
        x, y, w, h = box
        inside = np.zeros((h + 2 * _GROWN, w + 2 * _GROWN), np.uint8)  # what lies off the image's edge grows, too
        fill_polygon(inside, points - [x - _GROWN, y - _GROWN])
        side = 2 * _GROWN + 1
        grown = cv2.dilate(inside, np.ones((side, side), np.uint8))[_GROWN:-_GROWN, _GROWN:-_GROWN]
        mask = full.pixels[opened.around(box, 0)] > 0
        out = np.count_nonzero(mask & (grown == 0)) / np.count_nonzero(mask)
        if out > _OUTSIDE_SHARE:
            yield Problem(opened.file, f"{where} leaves out {out:.1%} of {full.path}")


def line(opened: Opened) -> Iterator[Problem]:
    """A line's polygon has as many points along its top as back along its bottom, in order, inside the seal."""
    for seal, one, where in _lines(opened.row):
        points = np.asarray(one["polygon"], np.float64)
        if len(points) < 4 or len(points) % 2:
            yield Problem(opened.file, f"{where}.polygon has {len(points)} points; it must be an even count, 4 or more")
            continue
        complaint = _order(points)
        if complaint:
            yield Problem(opened.file, f"{where}.polygon {complaint}")
        # Of a seal that a page's edge has cut, the last character's polygon is whole.
        allowed = max(_LINE_SHARE * float(np.ptp(np.asarray(seal["polygon"]), axis=0).max()), _thickness(points))
        out = _farthest_out(np.asarray(seal["polygon"]), points)
        if out > allowed:
            yield Problem(opened.file, f"{where}.polygon reaches {out:.0f} pixels out of the seal's outline")


def characters(opened: Opened) -> Iterator[Problem]:
    """There is a quad for every character, clockwise from its top left corner, within the line."""
    for _, one, where in _lines(opened.row):
        text, quads = one["text"], one["characters"]
        if not quads and is_converted(opened.row):
            continue
        if len(quads) != len(text):
            yield Problem(opened.file, f"{where} has {len(text)} characters and {len(quads)} boxes of characters")
            continue
        if not _is_line(one):
            continue
        polygon = np.asarray(one["polygon"], np.float64)
        allowed = max(1.5, _CHARACTER_SHARE * _thickness(polygon))
        for letter, quad in zip(text, np.asarray(quads, np.float64), strict=True):
            if letter.isspace():
                continue
            turns = np.roll(quad, -1, axis=0) - quad
            bend = turns[:, 0] * np.roll(turns, -1, axis=0)[:, 1] - turns[:, 1] * np.roll(turns, -1, axis=0)[:, 0]
            if signed_area(quad) <= 0 or bend.min() < -1.0:
                yield Problem(opened.file, f"{where}: the box of {letter!r} is not convex and clockwise")
                break
            out = _farthest_out(polygon, quad)
            if out > allowed:
                yield Problem(opened.file, f"{where}: the box of {letter!r} reaches {out:.0f} pixels out of the line")
                break


def reading_order(opened: Opened) -> Iterator[Problem]:
    """Characters follow each other from the beginning of the line's polygon to its end."""
    for _, one, where in _lines(opened.row):
        letters = [index for index, letter in enumerate(one["text"]) if not letter.isspace()]
        if len(one["characters"]) != len(one["text"]) or len(letters) < 2 or not _is_line(one):
            continue
        centres = np.asarray(one["characters"], np.float64)[letters].mean(axis=1)
        top, bottom = line_edges(np.asarray(one["polygon"], np.float32))
        along = _stations((top + bottom) / 2, centres)
        back = np.flatnonzero(np.diff(along) < 0)
        if len(back) and len(top) == 2:  # a column of a vertical line: its polygon is upright, its text goes down
            down = np.diff(centres @ (bottom - top).mean(axis=0))
            back = back[:0] if (down > 0).all() else back
        if len(back):
            first, second = (one["text"][letters[index]] for index in (back[0], back[0] + 1))
            yield Problem(opened.file, f"{where}: {second!r} stands before {first!r} on the polygon, not in the text")


def crop(opened: Opened) -> Iterator[Problem]:
    """A line that lies on the image has a crop, and the crop has the line's shape."""
    width, height = opened.size
    for _, one, where in _lines(opened.row):
        if not _is_line(one):
            continue
        polygon = np.asarray(one["polygon"], np.float64)
        if one["crop"] is None:
            quads = one["characters"]
            centres = np.asarray(quads, np.float64).mean(axis=1) if quads else polygon.mean(axis=0, keepdims=True)
            if not is_converted(opened.row) and (centres >= 1).all() and (centres < [width - 1, height - 1]).all():
                yield Problem(opened.file, f"{where} has no crop, yet all of it lies on the image", WARNING)
            continue
        found = opened.crops.get(one["crop"])
        if found is None:
            continue
        top, bottom = line_edges(np.asarray(one["polygon"], np.float32))
        length = float(np.linalg.norm(np.diff((top + bottom) / 2, axis=0), axis=1).sum())
        thickness = _thickness(polygon)
        margin = 0.1 * thickness  # of `seal2real.dataset.unwarp.unwarp_line`
        rows = max(8.0, thickness + 2 * margin)
        columns = (length + 2 * margin) / (thickness + 2 * margin) * rows
        if abs(found[0] / found[1] - columns / rows) > _ASPECT * columns / rows + 1.5 / rows:
            yield Problem(
                one["crop"],
                f"is {found[0]} x {found[1]} pixels, but the line {one['text']!r} is {columns:.0f} x {rows:.0f}",
            )


def _lines(row: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any], str]]:
    for number, seal in enumerate(row["seals"]):
        for index, one in enumerate(seal["lines"]):
            yield seal, one, f"seals[{number}].lines[{index}]"


def _is_line(one: dict[str, Any]) -> bool:
    return len(one["polygon"]) >= 4 and len(one["polygon"]) % 2 == 0


def _order(points: Points) -> str:
    area = signed_area(points)
    if area == 0:
        return "has no area"
    if area < 0:
        return "runs counter-clockwise on the screen; it must run clockwise"
    return "crosses itself" if crosses_itself(points) else ""


def _thickness(polygon: Points) -> float:
    top, bottom = line_edges(np.asarray(polygon, np.float32))
    return max(float(np.linalg.norm(bottom - top, axis=1).mean()), 1e-3)


def _farthest_out(polygon: Points, points: Points) -> float:
    """How far the farthest of the points lies outside a polygon, in pixels; 0 where none does."""
    contour = np.asarray(polygon, np.float32).reshape(-1, 1, 2)
    return max(0.0, -min(cv2.pointPolygonTest(contour, (float(x), float(y)), True) for x, y in points))


def _stations(path: Points, points: Points) -> npt.NDArray[np.float64]:
    """Length along a polyline, in pixels, of the place on it that is nearest to each point."""
    start, step = path[:-1], np.diff(path, axis=0)
    lengths = np.maximum((step**2).sum(axis=1), 1e-12)
    share = np.clip(((points[:, None] - start) * step).sum(axis=2) / lengths, 0, 1)
    distance = ((points[:, None] - start - share[..., None] * step) ** 2).sum(axis=2)
    nearest = distance.argmin(axis=1)
    before = np.concatenate([[0.0], np.cumsum(np.sqrt(lengths))])[nearest]
    return np.asarray(before + share[np.arange(len(points)), nearest] * np.sqrt(lengths[nearest]), np.float64)


def fill_polygon(layer: npt.NDArray[np.uint8], polygon: Points) -> None:
    """Set the pixels of ``layer [H, W]`` inside a polygon to 1, at a sixteenth of a pixel."""
    cv2.fillPoly(layer, [np.rint((polygon - 0.5) * 16).astype(np.int32)], (1,), shift=4)
