"""The Chinese contract: parties, clauses from pools of sentences, a schedule of goods, signature blocks."""

from __future__ import annotations

from typing import Any

import numpy as np

from seal2real.page import words_zh as zh
from seal2real.page.style import page_style
from seal2real.page.text import capital_amount, chance, chinese_number, choose, fill, some, uniform

# (title, first party's name in the contract, second party's, whether goods are listed, subject)
_TYPES = (
    ("采购合同", "买方", "卖方", True, "乙方向甲方供应本合同约定的{goods}、{goods}等货物"),
    ("产品购销合同", "需方", "供方", True, "需方向供方采购{goods}等产品"),
    ("设备采购及安装合同", "甲方", "乙方", True, "乙方负责{goods}的供货、安装与调试"),
    ("技术服务合同", "委托方", "受托方", False, "乙方为甲方提供信息系统运行维护及相关技术支持服务"),
    ("软件开发合同", "甲方", "乙方", False, "乙方按照甲方需求完成业务管理平台的设计、开发、测试与部署"),
    ("房屋租赁合同", "出租方", "承租方", False, "甲方将位于{address}的房屋出租给乙方使用"),
    ("劳务派遣协议", "用工单位", "派遣单位", False, "乙方根据甲方需要派遣劳务人员到甲方指定岗位工作"),
    ("货物运输合同", "托运方", "承运方", False, "乙方承运甲方委托的{goods}，起运地为{place}，到达地为{place}"),
    ("委托加工合同", "委托方", "加工方", True, "甲方委托乙方加工{goods}，乙方按图纸及样品要求组织生产"),
    ("建设工程施工合同", "发包人", "承包人", False, "乙方承包{place}{street}路改造工程的土建及配套安装施工"),
    ("物业服务合同", "甲方", "乙方", False, "乙方为甲方办公区域提供保洁、秩序维护及设施设备维护服务"),
    ("借款合同", "出借人", "借款人", False, "甲方向乙方提供借款{amount}，用于乙方补充流动资金"),
    ("战略合作框架协议", "甲方", "乙方", False, "双方在资源共享、市场拓展和技术研发等方面开展长期合作"),
    ("保密协议", "披露方", "接收方", False, "双方就业务往来中涉及的技术信息和经营信息承担保密义务"),
    ("广告发布合同", "甲方", "乙方", False, "乙方在约定媒体上为甲方发布广告，发布期限自{date}起"),
    ("咨询服务协议", "甲方", "乙方", False, "乙方就甲方内部管理流程优化提供咨询意见并提交书面报告"),
)

_PREAMBLES = (
    "根据《中华人民共和国民法典》及有关法律法规的规定，甲乙双方在平等、自愿、公平和诚实信用的基础上，就{title}有关事宜协商一致，订立本合同，共同遵守。",
    "为明确双方权利义务，经甲、乙双方友好协商，就下列事项达成一致意见，特签订本合同。",
    "甲、乙双方本着互惠互利、共同发展的原则，依照国家有关法律、法规，经充分协商，签订本合同，以资信守。",
    "鉴于甲方有意委托乙方办理下述事项，乙方同意接受委托，双方依据有关法律规定订立如下条款：",
)

_CLAUSES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("合同标的", ("{subject}。", "具体的名称、规格、数量及单价以附件或双方确认的清单为准。", "甲方如需变更内容，应提前{days}日以书面形式通知乙方。", "本合同所称货物均应为全新、未经使用的合格产品。")),
    ("合同价款", ("本合同总价款为{amount}，该价款为含税价。", "合同价款已包括运输、装卸、保险、税金等全部费用，除另有约定外不再调整。", "因甲方原因增加工作内容的，由双方另行协商并签订补充协议。", "适用增值税税率为{percent}，如遇国家税率调整，以不含税价为基准作相应调整。")),
    ("付款方式", ("本合同签订后{days}日内，甲方向乙方支付合同总价的{percent}作为预付款。", "货物验收合格并收到乙方开具的合法有效发票后{days}个工作日内，甲方支付合同总价的{percent}。", "余款{percent}作为质量保证金，质保期满无质量问题后{days}日内无息付清。", "乙方逾期开具发票的，甲方有权顺延付款且不承担违约责任。", "甲方以银行转账方式将款项汇入乙方指定账户。")),
    ("交付与验收", ("乙方应于{date}前将全部货物运至甲方指定地点：{address}。", "甲方应在到货后{days}日内组织验收，逾期未提出书面异议的，视为验收合格。", "验收中发现数量短缺或质量不符的，乙方应在{days}日内补足或更换。", "验收以国家标准、行业标准及双方确认的技术文件为依据。", "货物毁损、灭失的风险自交付甲方之日起由甲方承担。")),
    ("质量保证", ("乙方保证所提供的产品符合国家现行标准，质保期为{months}个月，自验收合格之日起计算。", "质保期内出现质量问题，乙方应在接到通知后{days}日内免费维修或更换。", "因甲方使用不当造成的损坏，不在免费保修范围之内。", "乙方应随货提供产品合格证、使用说明书及检验报告。")),
    ("双方的权利和义务", ("甲方应按约定及时支付款项，并为乙方履行合同提供必要的条件。", "乙方应指派{person}为项目负责人，未经甲方同意不得更换。", "乙方应遵守甲方的各项管理制度，确保作业安全。", "任何一方不得将本合同项下的权利义务全部或部分转让给第三方。", "甲方有权对乙方的工作进行监督、检查，并提出整改意见。", "乙方应按时提交阶段性成果，并配合甲方完成相关资料的归档。")),
    ("合同期限", ("本合同有效期为{months}个月，自{date}起生效。", "合同期满前{days}日内，双方如无异议可续签。", "一方需提前终止合同的，应提前{days}日书面通知对方，并结清相关费用。")),
    ("保密条款", ("双方对在履行合同过程中知悉的对方商业秘密、技术资料及客户信息负有保密义务。", "未经对方书面同意，任何一方不得向第三方披露、使用或允许他人使用上述信息。", "保密义务不因本合同的终止、解除而失效，期限为合同终止后{months}个月。")),
    ("知识产权", ("履行本合同所产生的成果，其知识产权归甲方所有，乙方享有署名权。", "乙方保证所交付的成果不侵犯任何第三方的合法权益，由此产生的纠纷由乙方承担责任。", "未经权利人书面许可，另一方不得将相关成果用于本合同以外的用途。")),
    ("违约责任", ("甲方逾期付款的，每逾期一日，应按逾期金额的{permille}向乙方支付违约金。", "乙方逾期交付的，每逾期一日，应按合同总价的{permille}向甲方支付违约金。", "逾期超过{days}日的，守约方有权解除合同，并要求违约方赔偿由此造成的损失。", "违约金不足以弥补损失的，违约方还应赔偿超出部分的损失。", "乙方提供的货物不符合约定的，应按合同总价的{percent}承担违约责任。")),
    ("不可抗力", ("因地震、洪水、火灾等不可抗力致使合同不能履行的，遭受影响的一方应在{days}日内通知对方并提供证明。", "不可抗力事件消除后，双方应协商决定是否继续履行合同或者部分免除责任。")),
    ("合同的变更与解除", ("经双方协商一致，可以变更或解除本合同，变更内容应采用书面形式。", "一方严重违约致使合同目的不能实现的，另一方有权单方解除合同。", "合同解除后，不影响结算和清理条款的效力。")),
    ("争议解决", ("因本合同引起的争议，双方应友好协商解决；协商不成的，可向{court}有管辖权的人民法院提起诉讼。", "争议处理期间，除争议事项外，双方应继续履行本合同的其他条款。", "因本合同发生的争议，提交{place}仲裁委员会按其现行规则仲裁，裁决对双方均有约束力。")),
    ("通知与送达", ("双方往来文件应以书面方式送达本合同载明的地址，一方变更地址应在{days}日内通知对方。", "以电子邮件方式发出的，自邮件进入对方系统之日视为送达。")),
    ("其他约定", ("本合同未尽事宜，由双方另行签订补充协议，补充协议与本合同具有同等法律效力。", "本合同一式{copies}份，甲乙双方各执{each}份，具有同等法律效力。", "本合同自双方签字盖章之日起生效。", "本合同附件为合同不可分割的组成部分。", "本合同手写涂改无效，双方另有书面约定的除外。")),
)  # fmt: skip

_CLOSINGS = ("（以下无正文）", "（以下无正文，为签署页）", "（本页无正文，为签字盖章页）", "", "", "")


def contract_zh(rng: np.random.Generator) -> dict[str, Any]:
    """Data of ``contract-zh.typ``."""
    title, first, second, has_goods, subject = choose(rng, _TYPES)
    style = page_style(rng, "zh")
    names = [zh.firm(rng), zh.person(rng) if chance(rng, 0.08) else zh.firm(rng)]
    labels = _party_labels(rng, first, second)
    style["header"] = choose(rng, (names[0], title, "")) if chance(rng, 0.25) else ""
    number = zh.document_number(rng)
    count = int(rng.integers(3, 13))
    picked = sorted(int(i) for i in rng.permutation(len(_CLAUSES) - 1)[: count - 1]) + [len(_CLAUSES) - 1]
    values = {"title": title, "subject": fill(rng, subject, {}, zh.FIELDS)}
    goods = _goods_table(rng) if has_goods and chance(rng, 0.5) else {"items": []}
    data: dict[str, Any] = {
        "style": style,
        "title": title,
        "title_scale": uniform(rng, 1.5, 2.1),
        "title_gap": choose(rng, (0, 0, 0.12, 0.3, 0.5)) if len(title) < 9 else 0,
        "title_above": uniform(rng, 0, 1.5),
        "title_below": uniform(rng, 0.6, 1.8),
        "number": choose(rng, ("合同编号：", "编号：", "合同号：")) + (number if chance(rng, 0.85) else "____________"),
        "number_place": choose(rng, ("top", "top", "under", "none")),
        "underline_names": chance(rng, 0.4),
        "parties": [_party(rng, label, name) for label, name in zip(labels, names, strict=True)],
        "preamble": fill(rng, choose(rng, _PREAMBLES), values, zh.FIELDS),
        "clauses": _clauses(rng, picked, values),
        "closing": choose(rng, _CLOSINGS),
        "sign_above": uniform(rng, 0.8, 3.0),
        "sign_layout": choose(rng, ("columns", "columns", "columns", "stacked", "boxed")),
        **goods,
    }
    shown = chance(rng, 0.55)
    rows = _signer_rows(rng)
    date = zh.date_text(rng)
    data["signers"] = [
        {"rows": [_signer_row(rng, row, label, name if shown else "", date) for row in rows]}
        for label, name in zip(labels, names, strict=True)
    ]
    return data


def _party_labels(rng: np.random.Generator, first: str, second: str) -> tuple[str, str]:
    if first == "甲方" or chance(rng, 0.4):
        return "甲方", "乙方"
    if chance(rng, 0.6):
        return f"甲方（{first}）", f"乙方（{second}）"
    return first, second


def _party(rng: np.random.Generator, label: str, name: str) -> dict[str, Any]:
    options = [
        f"法定代表人：{zh.person(rng)}",
        f"地址：{zh.address(rng)}",
        f"联系人：{zh.person(rng)}",
        f"联系电话：{zh.phone(rng)}",
        f"统一社会信用代码：{zh.tax_number(rng)}",
    ]
    return {"label": label + "：", "name": name, "lines": options[: int(rng.integers(0, 5))]}


def _clauses(rng: np.random.Generator, picked: list[int], values: dict[str, str]) -> list[dict[str, Any]]:
    numbering = choose(rng, ("第{}条 ", "第{}条　", "{}、"))
    inner = choose(rng, ("", "{n}.{i} ", "{i}. ", "（{i}）", "{i}、"))
    clauses = []
    for n, index in enumerate(picked, start=1):
        title, pool = _CLAUSES[index]
        wanted = int(rng.integers(1, len(pool) + 1))
        # The first sentence of a pool opens the subject; the others keep their order.
        kept = [0, *sorted(int(i) + 1 for i in rng.permutation(len(pool) - 1)[: wanted - 1])]
        items = [
            (inner.format(n=n, i=i) if len(kept) > 1 else "") + fill(rng, pool[k], values, zh.FIELDS)
            for i, k in enumerate(kept, start=1)
        ]
        clauses.append({"title": numbering.format(chinese_number(n)) + title, "items": items})
    return clauses


def _goods_table(rng: np.random.Generator) -> dict[str, Any]:
    total, rows = 0, []
    for number in range(1, int(rng.integers(2, 8)) + 1):
        price, count = int(rng.integers(5, 9000)) * 100, int(rng.integers(1, 200))
        total += price * count
        rows.append(
            [
                str(number),
                zh.goods(rng),
                zh.model_number(rng),
                zh.unit(rng),
                str(count),
                f"{price / 100:.2f}",
                f"{price * count / 100:.2f}",
            ]
        )
    return {
        "items": rows,
        "item_header": ["序号", "名称", "规格型号", "单位", "数量", "单价（元）", "金额（元）"],
        "item_columns": [1, 2.4, 2, 1, 1.1, 1.7, 2],
        "item_total": f"合计人民币（大写）：{capital_amount(total)}　　¥{total / 100:,.2f}",
        "cell_pad": uniform(rng, 3, 7),
    }


def _signer_rows(rng: np.random.Generator) -> list[str]:
    rows = [choose(rng, ("name-seal", "name-seal", "name", "seal"))]
    if rows[0] == "name":
        rows.append("seal")
    rows.append(choose(rng, ("legal", "agent", "legal-or-agent", "sign")))
    if chance(rng, 0.35):
        rows += some(rng, ("address", "phone", "bank", "account", "tax"), int(rng.integers(1, 5)))
    rows.append("date")
    return rows


def _signer_row(rng: np.random.Generator, row: str, label: str, name: str, date: str) -> dict[str, Any]:
    width = uniform(rng, 7, 9.5)
    line = chance(rng, 0.45)

    def made(text: str, value: str, kind: str) -> dict[str, Any]:
        return {"label": text, "value": value, "kind": kind, "line": line, "width": width}

    if row == "name-seal":
        return made(f"{label}（盖章）：", name, "company-name" if name else "signature")
    if row == "name":
        return made(f"{label}：", name, "company-name" if name else "signature")
    if row == "seal":
        return made(choose(rng, ("（盖章）", "（公章）", "盖章：")), "", "signature")
    if row in ("legal", "agent", "legal-or-agent", "sign"):
        text = {
            "legal": "法定代表人（签字）：",
            "agent": "委托代理人：",
            "legal-or-agent": "法定代表人或授权代表：",
            "sign": "代表签字：",
        }[row]
        return made(text, "", "signature")
    if row == "date":
        value = date if chance(rng, 0.5) else zh.blank_date(rng)
        return {
            "label": choose(rng, ("日期：", "签订日期：", "")),
            "value": value,
            "kind": "date",
            "line": False,
            "width": 9,
        }
    fillers = {
        "address": zh.address,
        "phone": zh.phone,
        "bank": zh.bank,
        "account": zh.bank_account,
        "tax": zh.tax_number,
    }
    names = {"address": "地址：", "phone": "电话：", "bank": "开户银行：", "account": "账号：", "tax": "税号："}
    return {"label": names[row], "value": fillers[row](rng), "kind": "", "line": False, "width": width}
