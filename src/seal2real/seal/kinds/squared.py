"""What square and oblong office seals share: a frame, and rows of text that fill it from top to bottom."""

from __future__ import annotations

from seal2real.seal.design import SealDesign
from seal2real.seal.geometry import Layout, frame, rectangle_points
from seal2real.seal.lettering import straight_text


def split_rows(text: str, widest: int) -> list[str]:
    """``text`` in rows of even length, none longer than ``widest`` characters, the longer ones first."""
    count = -(-len(text) // widest)
    short, longer = divmod(len(text), count)
    rows, at = [], 0
    for index in range(count):
        size = short + (1 if index < longer else 0)
        rows.append(text[at : at + size])
        at += size
    return rows


def plan_rows(design: SealDesign) -> Layout:
    """The name in rows, then the purpose (and the code) below it; every row as wide as the frame allows.

    Options: "per_row" (most characters in a row of the name), "corner_mm", "margin_mm", "inner_frame_mm".
    """
    options = design.options
    width, height = design.size_mm
    corner = float(options.get("corner_mm", 0.6))
    layout = Layout(rectangle_points(width, height))
    layout.marks.append(frame(width, height, design.ring_mm, corner))
    margin = design.ring_mm + float(options.get("margin_mm", 1.0))
    if inner := float(options.get("inner_frame_mm", 0.0)):
        off = 2.0 * (design.ring_mm + 0.45)
        layout.marks.append(frame(width - off, height - off, inner, 0.6 * corner))
        margin += 0.45 + inner
    rows = [("name", row) for row in split_rows(design.texts["name"], int(options.get("per_row", 7)))]
    rows += [(role, design.texts[role]) for role in ("purpose", "code") if design.texts.get(role)]
    weights = [0.55 if role == "code" else 1.0 for role, _ in rows]
    inner_height = height - 2.0 * margin
    pitch = inner_height / sum(weights)
    y = -inner_height / 2.0
    for (role, row), weight in zip(rows, weights, strict=True):
        room = pitch * weight
        letter = min(design.height_mm * weight, 0.82 * room)
        spread = ((width - 2.0 * margin) / letter - len(row)) / max(len(row) - 1, 1)
        straight_text(
            layout,
            row,
            role=role,
            font=design.font if role != "code" else "hei",
            centre=(0.0, y + room / 2.0),
            height=letter,
            width=width - 2.0 * margin,
            condense=1.05 if role == "name" else 1.2,
            # short rows are spread towards the width of the others, but not torn apart
            spacing=min(max(spread, 0.06), 0.7),
            weight=design.weight,
        )
        y += room
    return layout
