"""The official notice with a red head (红头文件): head, number, title, numbered sections, office and date."""

from __future__ import annotations

from typing import Any

import numpy as np

from seal2real.page import words_zh as zh
from seal2real.page.style import page_style
from seal2real.page.text import chance, chinese_number, choose, fill, some, uniform

_BUREAUS = (
    "教育局",
    "水利局",
    "文化和旅游局",
    "交通运输局",
    "住房和城乡建设局",
    "农业农村局",
    "应急管理局",
    "卫生健康局",
    "财政局",
    "市场监督管理局",
    "自然资源局",
)
_SUBJECTS = (
    "开展安全生产大检查", "做好汛期防御工作", "加强校园食品安全管理", "组织年度职工培训", "开展档案资料整理归集", "进一步规范公文处理工作",
    "做好冬季供暖保障工作", "开展节能宣传周活动", "加强网络信息安全管理", "申报年度重点项目", "召开年度工作总结会议", "规范财务报销流程",
    "开展农产品质量抽检", "做好国有资产清查登记工作", "加强施工现场扬尘治理", "表彰先进集体和先进个人", "调整内设机构职责分工",
)  # fmt: skip
_OPENINGS = (
    "为深入贯彻落实上级有关会议精神，扎实推进相关工作，根据{year}年度工作安排，经研究决定{subject}。现将有关事项通知如下：",
    "根据《{place}{year}年重点工作任务分解方案》要求，为切实{subject}，结合我单位实际，现就有关事项通知如下：",
    "为进一步提高管理水平，防范各类风险，经{date}办公会议研究同意，决定{subject}。现将有关要求通知如下，请认真贯彻执行。",
    "近期，各单位按照统一部署积极开展工作，取得了阶段性成效，但仍存在责任落实不到位、工作进展不平衡等问题。为{subject}，现通知如下：",
)
_SECTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("提高思想认识", ("各单位要充分认识此项工作的重要意义，切实增强责任感和紧迫感，主要负责人要亲自部署、亲自过问。", "要把思想和行动统一到上级决策部署上来，结合实际细化措施，确保各项任务落到实处。")),
    ("加强组织领导", ("成立由{person}同志任组长的工作领导小组，领导小组办公室设在综合科，负责日常协调工作。", "各单位要明确一名分管领导和一名联络员，并于{date}前将名单报送办公室。")),
    ("明确工作任务", ("重点检查制度建设、责任落实、隐患整改和资料归档等情况，建立问题清单，逐项销号管理。", "对排查出的问题，能立即整改的要立即整改；不能立即整改的，要明确时限和责任人。", "各单位应于{date}前完成自查，并形成书面报告。")),
    ("时间安排", ("动员部署阶段（{date}前）：制定方案，召开会议，广泛宣传。", "集中实施阶段：对照任务清单逐项推进，按周报送进度。", "总结提升阶段：梳理经验做法，建立长效机制。")),
    ("强化督导检查", ("办公室将采取不定期抽查、现场督导等方式，对工作开展情况进行检查，并将结果予以通报。", "对工作不力、弄虚作假的单位和个人，将按照有关规定严肃处理。")),
    ("落实经费保障", ("所需经费从年度预算中统筹安排，严格按照财务管理制度执行，做到专款专用。", "各单位要厉行节约，严禁以任何名义摊派费用。")),
    ("及时报送信息", ("请于每月{number}日前将进展情况报送至办公室，联系人：{person}，联系电话：{phone}。", "重要情况和突发事件应第一时间报告，不得迟报、漏报、瞒报。")),
    ("做好宣传引导", ("充分利用宣传栏、网站等载体，广泛宣传有关政策，营造良好的工作氛围。",)),
)  # fmt: skip
_CLOSINGS = ("特此通知。", "特此通知，请遵照执行。", "请各单位认真贯彻执行。", "以上通知，望各单位遵照执行。", "")
_ATTACHMENTS = (
    "{year}年工作任务分解表",
    "自查情况统计表",
    "联络员信息登记表",
    "检查评分标准",
    "工作进度安排表",
    "参会人员回执",
)


def notice_zh(rng: np.random.Generator) -> dict[str, Any]:
    """Data of ``notice-zh.typ``."""
    style = page_style(rng, "zh")
    style |= {"size": choose(rng, (12, 13, 14, 14, 15, 16)), "indent": 2, "leading": uniform(rng, 0.7, 1.05)}
    town = zh.place(rng)
    company = chance(rng, 0.4)
    office = zh.firm(rng) if company else f"{town}{choose(rng, ('市', '县', '区'))}{choose(rng, _BUREAUS)}"
    subject = choose(rng, _SUBJECTS)
    fields = {**zh.FIELDS, "phone": zh.phone}
    values = {"subject": subject}
    count = int(rng.integers(0, 6))
    sections = []
    for n, index in enumerate(sorted(int(i) for i in rng.permutation(len(_SECTIONS))[:count]), start=1):
        title, pool = _SECTIONS[index]
        items = some(rng, pool, int(rng.integers(1, len(pool) + 1)))
        mark = chance(rng, 0.4) and len(items) > 1
        items = [
            (f"（{chinese_number(i)}）" if mark else "") + fill(rng, t, values, fields) for i, t in enumerate(items, 1)
        ]
        sections.append({"title": f"{chinese_number(n)}、{title}", "items": items})
    paragraphs = [fill(rng, choose(rng, _OPENINGS), values, fields)]
    if not sections:
        loose = [item for _, pool in _SECTIONS for item in pool]
        paragraphs += [fill(rng, t, values, fields) for t in some(rng, loose, int(rng.integers(2, 5)))]
    day = zh.moment(rng)
    head = office + choose(rng, ("文件", "文件", "", "通知"))
    width = 210 - style["margin"]["left"] - style["margin"]["right"]
    tracking = choose(rng, (0.0, 0.05, 0.15, 0.3))
    # The head fills at most one line: points per millimetre over characters.
    largest = width * 72 / 25.4 / (len(head) * (1 + tracking))
    number = f"{town[0]}{choose(rng, '办发字综行人财')}{choose(rng, ('〔{}〕{}号', '[{}]{}号', '（{}）第{}号')).format(day.year, rng.integers(1, 180))}"
    attachments = (
        [fill(rng, t, values, fields) for t in some(rng, _ATTACHMENTS, int(rng.integers(1, 4)))]
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
        "addressee": choose(
            rng,
            (
                "各有关单位：",
                "各科室、各下属单位：",
                "各部门、各分公司：",
                "公司各部门：",
                "各乡镇人民政府，各有关单位：",
                "全体职工：",
            ),
        ),
        "paragraphs": paragraphs,
        "sections": sections,
        "closing": choose(rng, _CLOSINGS),
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
