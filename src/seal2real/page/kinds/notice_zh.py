"""The official notice with a red head (红头文件): head, number, title, numbered sections, office and date."""

from __future__ import annotations

from typing import Any

import numpy as np

from seal2real.page import words_zh as zh
from seal2real.page.style import page_style
from seal2real.page.text import chance, chinese_number, choose, fill, pool, some, uniform


def notice_zh(rng: np.random.Generator) -> dict[str, Any]:
    """Data of ``notice-zh.typ``."""
    words = pool("notice_zh")
    style = page_style(rng, "zh")
    style |= {"size": choose(rng, (12, 13, 14, 14, 15, 16)), "indent": 2, "leading": uniform(rng, 0.7, 1.05)}
    company = chance(rng, 0.4)
    office = zh.firm(rng) if company else zh.office(rng)
    subject = choose(rng, words["subjects"])
    fields = {**zh.fields(rng), "phone": zh.phone}
    values = {"subject": subject}
    count = int(rng.integers(0, 6))
    sections = []
    for n, index in enumerate(sorted(int(i) for i in rng.permutation(len(words["sections"]))[:count]), start=1):
        title, sentences = words["sections"][index]["title"], words["sections"][index]["sentences"]
        items = some(rng, sentences, int(rng.integers(1, len(sentences) + 1)))
        mark = chance(rng, 0.4) and len(items) > 1
        items = [
            (f"（{chinese_number(i)}）" if mark else "") + fill(rng, t, values, fields) for i, t in enumerate(items, 1)
        ]
        sections.append({"title": f"{chinese_number(n)}、{title}", "items": items})
    paragraphs = [fill(rng, choose(rng, words["openings"]), values, fields)]
    if not sections:
        loose = [item for section in words["sections"] for item in section["sentences"]]
        paragraphs += [fill(rng, t, values, fields) for t in some(rng, loose, int(rng.integers(2, 5)))]
    day = zh.moment(rng)
    head = office + choose(rng, ("文件", "文件", "", "通知"))
    width = 210 - style["margin"]["left"] - style["margin"]["right"]
    tracking = choose(rng, (0.0, 0.05, 0.15, 0.3))
    # The head fills at most one line: points per millimetre over characters.
    largest = width * 72 / 25.4 / (len(head) * (1 + tracking))
    letter = choose(rng, "办发字综行人财")
    form = choose(rng, ("〔{}〕{}号", "[{}]{}号", "（{}）第{}号"))
    number = office[0] + letter + form.format(day.year, rng.integers(1, 180))
    attachments = (
        [fill(rng, t, values, fields) for t in some(rng, words["attachments"], int(rng.integers(1, 4)))]
        if chance(rng, 0.4)
        else []
    )
    if len(attachments) > 1:
        attachments = [f"{i}. {t}" for i, t in enumerate(attachments, 1)]
    return {
        "style": style,
        "red": choose(rng, ("#e60012", "#d7000f", "#ff0000", "#c8161d", "#ee2222")),
        "head": head,
        "head_size": round(min(uniform(rng, 26, 44), largest * 0.97), 2),
        "head_tracking": tracking,
        "head_above": uniform(rng, 0, 22),
        "head_below": uniform(rng, 3, 12),
        "number": number,
        "signer": f"签发人：{zh.person(rng)}" if chance(rng, 0.3) else "",
        "star": chance(rng, 0.2),
        "rule": choose(rng, (1.0, 1.5, 2.0, 2.5)),
        "double": chance(rng, 0.2),
        "title": (office if chance(rng, 0.5) and len(office) < 12 else "") + f"关于{subject}的通知",
        "title_scale": uniform(rng, 1.2, 1.5),
        "title_above": uniform(rng, 0.8, 2.2),
        "title_below": uniform(rng, 0.4, 1.4),
        "addressee": choose(rng, words["addressees"]),
        "paragraphs": paragraphs,
        "sections": sections,
        "closing": choose(rng, words["closings"]),
        "attachments": attachments,
        "sign_above": uniform(rng, 1.5, 4),
        "sign_right": uniform(rng, 0.5, 4),
        "office": office,
        "date": zh.date_text(rng, day),
        "footer_block": chance(rng, 0.45),
        "copies": choose(rng, ("抄送：各分管领导，档案室。", "抄报：上级主管部门。", "")),
        "office_printed": choose(rng, (office + "办公室", office, "综合办公室")),
        "printed": f"{day.year}年{day.month}月{day.day}日印发",
    }
