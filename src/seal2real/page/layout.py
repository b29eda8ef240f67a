"""Lines and reading order of a foreign page, whose PDF may draw its text in any order."""

from __future__ import annotations

from collections.abc import Sequence

from seal2real.sample import Box, TextBox

_JOIN = 1.2  # heights: runs that stand closer on one line are one run
_GUTTER = 1.5  # heights: a column's gutter is at least as wide


def reading_order(text: Sequence[TextBox]) -> tuple[TextBox, ...]:
    """The same text, split runs of one line joined, ordered as one reads it.

    Blocks are told apart by recursive XY cuts (G. Nagy and S. Seth, 1984): a page is cut at its blank rows, a part that
    has none at its widest blank column, and what cannot be cut is read line by line.

    Args:
        text: runs in any order.
    """
    runs = [t for t in text if t.bbox[2] > 0 and t.bbox[3] > 0]
    if len(runs) < 2:
        return tuple(text)
    heights = sorted(t.bbox[3] for t in runs)
    return tuple(_cut(_joined(runs), heights[len(heights) // 2], 0))


def _cut(runs: list[TextBox], height: float, depth: int) -> list[TextBox]:
    if len(runs) < 2 or depth > 40:
        return runs
    # Columns go first where they reach through several lines; a table's rows are shorter than that.
    across = _split(runs, 0, _GUTTER * height)
    if len(across) > 1 and all(_lines(part, height) > 3 for part in across) and _is_prose(across):
        return [run for part in across for run in _cut(part, height, depth + 1)]
    down = _split(runs, 1, 0.0)
    if len(down) > 1:
        return [run for part in down for run in _cut(part, height, depth + 1)]
    rows: list[list[TextBox]] = []
    for run in sorted(runs, key=lambda t: t.bbox[1] + t.bbox[3] / 2):
        middle = run.bbox[1] + run.bbox[3] / 2
        if rows and middle - _middle(rows[-1]) < 0.6 * height:
            rows[-1].append(run)
        else:
            rows.append([run])
    return [run for row in rows for run in sorted(row, key=lambda t: t.bbox[0])]


def _is_prose(parts: list[list[TextBox]]) -> bool:
    """Whether the parts are columns of text rather than of a table: long runs."""
    return all(sum(len(t.text) for t in part) > 12 * len(part) for part in parts)


def _lines(runs: list[TextBox], height: float) -> int:
    return len({round((t.bbox[1] + t.bbox[3] / 2) / max(height, 1e-6)) for t in runs})


def _middle(row: list[TextBox]) -> float:
    return sum(t.bbox[1] + t.bbox[3] / 2 for t in row) / len(row)


def _split(runs: list[TextBox], axis: int, gap: float) -> list[list[TextBox]]:
    """Groups of runs with nothing between them over the whole other axis, in order along ``axis``."""
    groups: list[list[TextBox]] = []
    end = float("-inf")
    for run in sorted(runs, key=lambda t: t.bbox[axis]):
        start = run.bbox[axis]
        if groups and start <= end + gap:
            groups[-1].append(run)
        else:
            groups.append([run])
        end = max(end, start + run.bbox[axis + 2])
    return groups


def _joined(runs: list[TextBox]) -> list[TextBox]:
    """Runs of one line that nearly touch, as PDFs that place words or letters one by one have them, made one."""
    made: list[TextBox] = []
    for run in sorted(runs, key=lambda t: (round(t.bbox[1] + t.bbox[3]), t.bbox[0])):
        for k in range(len(made) - 1, max(len(made) - 40, -1), -1):
            if _follows(made[k], run):
                made[k] = _join(made[k], run)
                break
        else:
            made.append(run)
    return made


def _follows(left: TextBox, right: TextBox) -> bool:
    (x0, y0, w0, h0), (x1, y1, _, h1) = left.bbox, right.bbox
    height = max(h0, h1)
    level = abs((y0 + h0) - (y1 + h1)) < 0.35 * height and min(h0, h1) > 0.4 * height
    # Runs are cut by `render` at wide gaps; only closer ones were torn apart by the order in the file.
    return level and -0.1 * height < x1 - (x0 + w0) < _JOIN * height


def _join(left: TextBox, right: TextBox) -> TextBox:
    (x0, y0, w0, h0), (x1, y1, w1, h1) = left.bbox, right.bbox
    top, bottom, end = min(y0, y1), max(y0 + h0, y1 + h1), max(x0 + w0, x1 + w1)
    box: Box = (min(x0, x1), top, end - min(x0, x1), bottom - top)
    wide = x1 - (x0 + w0) > 0.22 * max(h0, h1) and ord(left.text[-1]) < 0x2E80 and ord(right.text[0]) < 0x2E80
    characters: tuple[Box, ...] = ()
    if left.characters and right.characters:
        space: tuple[Box, ...] = ((x0 + w0, y0, 0.0, h0),) if wide else ()
        characters = (*left.characters, *space, *right.characters)
    return TextBox(left.text + (" " if wide else "") + right.text, box, characters)


def open_dates(text: Sequence[TextBox]) -> list[tuple[dict[str, Box], Box]]:
    """Dates such as "年　月　日" that are to be filled in by hand.

    Returns:
        For each, the gaps by their part ("year", "year2" for its last two figures, "month", "day"), and the box of the
        whole.
    """
    rows = sorted(
        ((c, box) for line in text for c, box in zip(line.text, line.characters, strict=False) if box[2] > 0),
        key=lambda item: item[1][1] + item[1][3] / 2,
    )
    found = []
    for number, (character, year) in enumerate(rows):
        if character != "年":
            continue
        middle, size = year[1] + year[3] / 2, max(year[2], year[3])
        near = [rows[k] for k in range(max(number - 250, 0), min(number + 250, len(rows)))]
        row = sorted(
            (item for item in near if abs(item[1][1] + item[1][3] / 2 - middle) < 0.45 * size), key=lambda i: i[1][0]
        )
        at = next(k for k, item in enumerate(row) if item[1] == year)
        if [c for c, _ in row[at : at + 3]] != ["年", "月", "日"]:
            continue
        month, day = row[at + 1][1], row[at + 2][1]
        top, high = year[1] - 0.1 * size, 1.15 * size

        def gap(left: float, right: float, top: float = top, high: float = high) -> Box:
            return (left, top, right - left, high)

        between = gap(year[0] + year[2], month[0]), gap(month[0] + month[2], day[0])
        if not all(0.6 * size < box[2] < 6 * size for box in between):
            continue
        parts = {"month": between[0], "day": between[1]}
        before = row[at - 1] if at else None
        edge = before[1][0] + before[1][2] if before else 0.0
        if before is None or year[0] - edge > 1.2 * size:
            room = min(year[0] - edge, 3.2 * size)
            decade = before is not None and before[0] == "0" and year[0] - edge < 3 * size
            parts["year2" if decade else "year"] = gap(year[0] - room + 0.1 * size, year[0] - 0.1 * size)
        elif before[0] == "0" and year[0] - edge > 0.5 * size:
            parts["year2"] = gap(edge, year[0])
        x = min(box[0] for box in (*parts.values(), year))
        found.append((parts, (x, year[1], day[0] + day[2] - x, year[3])))
    return found
