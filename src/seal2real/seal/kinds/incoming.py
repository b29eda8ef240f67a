"""Registration stamps: a small form (收文登记, RECEIVED) whose cells are filled in by hand."""

from __future__ import annotations

from typing import Any

from numpy.random import Generator

from seal2real.seal import names
from seal2real.seal.design import SealDesign
from seal2real.seal.geometry import Layout, frame, rectangle_points, segments
from seal2real.seal.kinds.base import SealKind
from seal2real.seal.lettering import straight_text


def sample(rng: Generator) -> SealDesign:
    """45 to 65 mm wide; a title, one or two rows of two cells, at times a date set by wheels."""
    chinese = rng.random() < 0.5
    title = names.pick(rng, "incoming_titles" if chinese else "incoming_en")
    fields = list(names.words("incoming_fields" if chinese else "incoming_fields_en"))
    chosen = [fields[int(k)].upper() for k in rng.permutation(len(fields))[: 2 if rng.random() < 0.4 else 4]]
    name = (
        (names.office_name(rng) if rng.random() < 0.5 else names.company_name(rng))
        if chinese
        else names.english_company(rng).upper()
    )
    texts = {"name": name, "notice": title}
    if rng.random() < 0.45:
        texts["date"] = names.date(rng, "dots" if chinese else "en")
    options: dict[str, Any] = {"fields": chosen, "line_mm": round(float(rng.uniform(0.2, 0.4)), 2)}
    row = float(rng.uniform(5.0, 6.5))
    rows = 2 + len(chosen) // 2 + (1 if "date" in texts else 0)
    return SealDesign(
        kind="form",
        size_mm=(round(float(rng.uniform(44.0, 66.0)), 2), round(row * rows, 2)),
        texts=texts,
        font=("song", "hei", "bold-hei")[int(rng.integers(3))] if chinese else "hei",
        ring_mm=round(float(rng.uniform(0.4, 0.9)), 2),
        height_mm=round(row * float(rng.uniform(0.55, 0.66)), 2),
        condense=round(float(rng.uniform(0.8, 1.0)), 2),
        weight=round(float(rng.uniform(0.05, 0.16)), 3),
        options=options,
    )


def plan(design: SealDesign) -> Layout:
    """Frame, name, title, a date if there is one, then two cells a row, each with its word at the upper left."""
    width, height = design.size_mm
    line = float(design.options.get("line_mm", 0.3))
    layout = Layout(rectangle_points(width, height))
    layout.marks.append(frame(width, height, design.ring_mm, float(design.options.get("corner_mm", 0.0))))
    fields = [str(field) for field in design.options.get("fields", [])]
    heads = [role for role in ("name", "notice", "date") if design.texts.get(role)]
    pairs = [fields[k : k + 2] for k in range(0, len(fields), 2)]
    inner_w, inner_h = width - 2.0 * design.ring_mm, height - 2.0 * design.ring_mm
    pitch = inner_h / (len(heads) + len(pairs))
    top = -inner_h / 2.0
    for index, role in enumerate(heads):
        straight_text(
            layout,
            design.texts[role],
            role=role,
            font=design.font,
            centre=(0.0, top + (index + 0.5) * pitch),
            height=min(design.height_mm * (0.82 if role == "name" else 1.0), 0.72 * pitch),
            width=inner_w - 2.4,
            condense=design.condense,
            weight=design.weight * (1.4 if role == "notice" else 0.9),
        )
    lines = []
    for index, pair in enumerate(pairs):
        y = top + (len(heads) + index) * pitch
        lines.append((-inner_w / 2.0, y, inner_w / 2.0, y))
        for column, word in enumerate(pair):
            left = -inner_w / 2.0 + column * inner_w / len(pair)
            letter = min(0.42 * pitch, 0.7 * design.height_mm)
            room = min(0.8 * letter * len(word) + 0.4, 0.6 * inner_w / len(pair))
            straight_text(
                layout,
                word,
                role="serial",
                font=design.font,
                centre=(left + 0.8 + room / 2.0, y + 0.5 + letter / 2.0 + line),
                height=letter,
                width=room,
                condense=0.9,
                weight=0.5 * design.weight,
            )
            if column:
                lines.append((left, y, left, y + pitch))
    layout.marks.append(segments(lines, line))
    return layout


KIND = SealKind(
    "form",
    sample,
    plan,
    share=0.007,
    foreign_share=0.05,
    colours={"red": 0.4, "blue": 0.35, "violet": 0.15, "black": 0.10},
    upright=True,
)
