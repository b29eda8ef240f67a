"""Fictitious names for seals, assembled from neutral word lists. None is taken from a register of companies."""

from __future__ import annotations

from collections.abc import Sequence

from numpy.random import Generator

# Place names are two syllables joined at random; the syllables are common in geography, the pairs are invented.
_PLACE_FIRST = tuple("澄霁沐岚砚芷槿漪珩晏汀桐檀鹭雁枫芦菱荻苇樟榆楠杉椿葵萱蔚霖雩")
_PLACE_SECOND = tuple("川州陵阳宁溪湖港岭泉原坪浦洲城源江山海林")
_BRAND_FIRST = tuple("瀚启昱铭诺朗翎骏屹辰卓嘉和润博弘祺钰森禾宸淳竣烁泓筑迅盈晟沃颐攸")
_BRAND_SECOND = tuple("澜途弈程域维景岳舟桥衡帆禹峰源策拓微翼展识朴茂木石田韵图谷渡")
_TRADES = (
    "科技", "贸易", "建筑工程", "建设", "信息技术", "网络科技", "电子商务", "物流", "食品", "餐饮管理", "机械设备",
    "电子", "文化传媒", "广告", "装饰工程", "物业管理", "商贸", "实业", "投资管理", "生物科技", "医疗器械", "化工",
    "纺织", "服饰", "家具", "环保科技", "新能源", "汽车服务", "教育咨询", "人力资源", "园林绿化", "印务", "包装材料",
    "农业开发", "工程咨询", "软件", "通信", "电气", "仪器仪表", "五金制品", "国际货运代理", "供应链管理", "水产",
)  # fmt: skip
_FORMS = ("有限公司", "有限责任公司", "股份有限公司")
_REGION = ("市", "县", "区", "省")
_OFFICES = (
    "人民政府办公室", "市场监督管理局", "住房和城乡建设局", "教育局", "财政局", "民政局", "交通运输局", "水利局", "统计局",
    "人力资源和社会保障局", "自然资源局", "卫生健康局", "农业农村局", "文化和旅游局", "公共资源交易中心", "不动产登记中心",
    "图书馆", "第一中学", "实验小学", "人民医院", "职业技术学院", "档案馆", "行政审批局", "工商业联合会", "司法局",
)  # fmt: skip
_DEPARTMENTS = (
    "财务部", "人事部", "行政部", "市场部", "采购部", "质量部", "工程部", "技术部", "办公室", "教务处", "科研处", "项目部",
    "档案室", "保卫处", "后勤处",
)  # fmt: skip
_PURPOSES = (
    "财务专用章", "合同专用章", "人事专用章", "业务专用章", "报关专用章", "收货专用章", "发货专用章", "质检专用章",
    "行政专用章", "采购专用章", "投标专用章", "项目专用章", "结算专用章", "档案专用章", "售后专用章", "现金收讫", "仓库专用章",
)  # fmt: skip
_PURPOSE_WEIGHTS = (8, 9, 4, 4, 1, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 0.5, 1)
_SURNAMES = tuple(
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段钱汤尹黎易常武乔贺赖龚文"
)
_GIVEN = tuple(
    "明华建国文志伟永春秀英桂兰玉芳晓东海燕丽红军平强辉刚雪梅云飞天宇浩然子涵思远一诺佳欣雨泽俊杰博文静怡诗嘉瑞祥德成立新宏林森荣昌安宁清源若谷长青景行"
)
_NOTICES_ZH = (
    "作废", "已审核", "附件", "已付讫", "现金付讫", "现金收讫", "转账收讫", "转讫", "已核对", "复印件", "原件已核", "受控文件", "已归档",
    "机密", "副本", "正本", "已报销", "同意", "验讫", "已检验", "合格", "加急", "与原件一致", "银行付讫",
)  # fmt: skip
_NOTICES_EN = (
    "PAID", "COPY", "RECEIVED", "APPROVED", "VOID", "ORIGINAL", "CONFIDENTIAL", "CANCELLED", "DRAFT", "URGENT", "CERTIFIED",
    "CHECKED", "FILED", "PASSED", "REJECTED", "ACCEPTED", "POSTED", "SHIPPED",
)  # fmt: skip
_LATIN_FIRST = ("Ar", "Bel", "Cor", "Dal", "El", "Fen", "Gal", "Hal", "Is", "Jor", "Kel", "Lor", "Mar", "Nor", "Or", "Pel", "Quil", "Ros", "Sel", "Tor", "Ul", "Ven", "Wil", "Yar", "Zel")  # fmt: skip
_LATIN_SECOND = ("adin", "bera", "caro", "dova", "enta", "fira", "gora", "hava", "ista", "kora", "lano", "mira", "nova", "onda", "para", "quera", "rima", "sano", "tara", "umbra", "vera", "xis", "yora")  # fmt: skip
_LATIN_TRADES = ("Trading", "Engineering", "Logistics", "Textiles", "Foods", "Electronics", "Construction", "Shipping", "Consulting", "Industries", "Motors", "Pharma", "Services", "Chemicals", "Instruments")  # fmt: skip
_LATIN_FORMS = ("Ltd", "Co., Ltd", "Inc.", "GmbH", "S.r.l.", "B.V.", "LLC", "Pvt. Ltd", "PLC", "S.A.")
_LATIN_DEPARTMENTS = (
    "ACCOUNTS",
    "ACCOUNTS DEPT.",
    "PURCHASE",
    "STORES",
    "DIRECTOR",
    "MANAGER",
    "HEAD OFFICE",
    "REGISTRY",
    "OFFICE",
)
_CYRILLIC_FIRST = ("Бел", "Вер", "Гор", "Дон", "Зар", "Кар", "Лад", "Мир", "Нов", "Рос", "Сев", "Тех", "Урал", "Юж")
_CYRILLIC_SECOND = ("ава", "ена", "ида", "ика", "ион", "мет", "ора", "пром", "снаб", "строй", "торг", "транс", "ум")
_CYRILLIC_TOWNS = (
    "Берёзово",
    "Верхнегорск",
    "Дальнереченка",
    "Зареченск",
    "Краснополь",
    "Луговое",
    "Новоярск",
    "Светлоград",
    "Тихоозёрск",
    "Южноборск",
)


def _pick(rng: Generator, values: Sequence[str]) -> str:
    return values[int(rng.integers(len(values)))]


def _digits(rng: Generator, count: int) -> str:
    return "".join(map(str, rng.integers(0, 10, count)))


def place(rng: Generator) -> str:
    """A two-character place name without its rank, e.g. 岚陵."""
    return _pick(rng, _PLACE_FIRST) + _pick(rng, _PLACE_SECOND)


def brand(rng: Generator) -> str:
    """A two-character trade name, now and then three."""
    middle = _pick(rng, _BRAND_FIRST) if rng.random() < 0.12 else ""
    return _pick(rng, _BRAND_FIRST) + middle + _pick(rng, _BRAND_SECOND)


def company_name(rng: Generator, form: str | None = None) -> str:
    """Place, brand, trade and legal form, 9 to 19 characters.

    Args:
        form: legal form; None for a random one.
    """
    rank = _pick(rng, ("", "", "市", "省"))
    where = place(rng) + rank
    form = form or _FORMS[int(rng.choice(3, p=(0.66, 0.14, 0.20)))]
    if rng.random() < 0.12:  # the place in brackets after the brand
        return f"{brand(rng)}（{place(rng)}）{_pick(rng, _TRADES)}{form}"
    return where + brand(rng) + _pick(rng, _TRADES) + form


def office_name(rng: Generator) -> str:
    """A public body of an invented place, e.g. 岚陵市财政局."""
    return place(rng) + _pick(rng, _REGION) + _pick(rng, _OFFICES)


def department(rng: Generator) -> str:
    """A department, e.g. 财务部."""
    return _pick(rng, _DEPARTMENTS)


def purpose(rng: Generator) -> str:
    """The purpose line of a special seal, e.g. 财务专用章."""
    weights = [w / sum(_PURPOSE_WEIGHTS) for w in _PURPOSE_WEIGHTS]
    return _PURPOSES[int(rng.choice(len(_PURPOSES), p=weights))]


def person_name(rng: Generator) -> str:
    """A Chinese name of two or three characters."""
    given = _pick(rng, _GIVEN) + (_pick(rng, _GIVEN) if rng.random() < 0.75 else "")
    return _pick(rng, _SURNAMES) + given


def tax_number(rng: Generator) -> str:
    """18 characters in the alphabet of the unified social credit code (GB 32100-2015: no I, O, S, V, Z).

    The check digit is left to chance, so that a number is almost never a valid one.
    """
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    tail = "".join(_pick(rng, alphabet if rng.random() < 0.35 else alphabet[:10]) for _ in range(9))
    return "91" + _digits(rng, 6) + tail + _pick(rng, alphabet)


def seal_code(rng: Generator) -> str:
    """A 13-digit registration code as on the lower arc of Chinese seals: six of a region, seven more."""
    return f"{int(rng.integers(11, 66))}{int(rng.integers(1, 30)):02d}{int(rng.integers(0, 30)):02d}{_digits(rng, 7)}"


def date(rng: Generator, style: str = "iso") -> str:
    """A date between 2008 and 2026.

    Args:
        style: "iso" (2024-03-07), "dots" (2024.03.07), "zh" (2024年03月07日), "en" (07 MAR 2024).
    """
    year, month, day = int(rng.integers(2008, 2027)), int(rng.integers(1, 13)), int(rng.integers(1, 29))
    months = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
    return {
        "iso": f"{year}-{month:02d}-{day:02d}",
        "dots": f"{year}.{month:02d}.{day:02d}",
        "zh": f"{year}年{month:02d}月{day:02d}日",
        "en": f"{day:02d} {months[month - 1]} {year}",
    }[style]


def notice(rng: Generator, language: str = "zh") -> str:
    """The word of a notice stamp ("zh" or "en")."""
    return _pick(rng, _NOTICES_ZH if language == "zh" else _NOTICES_EN)


def english_brand(rng: Generator) -> str:
    """An invented Latin-script name, e.g. Fenmira."""
    return _pick(rng, _LATIN_FIRST) + _pick(rng, _LATIN_SECOND)


def english_company(rng: Generator) -> str:
    """An invented Latin-script company, e.g. Fenmira Trading Co., Ltd."""
    return f"{english_brand(rng)} {_pick(rng, _LATIN_TRADES)} {_pick(rng, _LATIN_FORMS)}"


def english_department(rng: Generator) -> str:
    """A centre word of a Latin-script stamp, e.g. ACCOUNTS."""
    return _pick(rng, _LATIN_DEPARTMENTS)


def cyrillic_brand(rng: Generator) -> str:
    """An invented Cyrillic name, e.g. Верстрой."""
    return _pick(rng, _CYRILLIC_FIRST) + _pick(rng, _CYRILLIC_SECOND)


def cyrillic_town(rng: Generator) -> str:
    """An invented town in Cyrillic."""
    return _pick(rng, _CYRILLIC_TOWNS)


def digits(rng: Generator, count: int) -> str:
    """``count`` random digits."""
    return _digits(rng, count)
