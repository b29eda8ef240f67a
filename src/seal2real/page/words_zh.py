"""Chinese words of the pages: fictitious people, firms and places, dates, amounts, and the fields of the patterns."""

from __future__ import annotations

import datetime

import numpy as np

from seal2real.page.text import Filler, capital_amount, chance, chinese_digits, chinese_number, choose, digits

# Places and firm names do not exist; they are put together from neutral syllables.
_PLACE_HEADS = "临清宁云青嘉泽昌和永景瑞新东南定安康长石平"
_PLACE_TAILS = ("川", "阳", "山", "河", "溪", "州", "泉", "原", "浦", "陵", "江", "桥", "口", "台")
_STEM_HEADS = "恒华鑫宏瑞盛博泰嘉远卓铭启晟诚腾翰锐科润凯汇旭正和中天新立德信众"
_STEM_TAILS = "达通源泰信晟康美途创航宇建邦辉凌丰利佳悦图维联安益域桥森"
_TRADES = (
    "科技", "信息技术", "电子商务", "建筑工程", "建材", "机电设备", "贸易", "物流", "实业", "装饰工程", "环保科技", "医疗器械", "食品", "农业发展",
    "文化传媒", "广告", "教育咨询", "企业管理", "人力资源", "物业服务", "汽车销售", "化工", "纺织", "包装制品", "新能源", "智能装备", "网络科技", "仪器仪表",
)  # fmt: skip
_FORMS = ("有限公司", "有限公司", "有限公司", "有限责任公司", "股份有限公司", "集团有限公司")
_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤"
_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂英华建国文辉玲志宏红梅鹏飞宇浩然子轩雨欣佳怡晓东海燕春生立新永德成林家豪思远博雅婷雪慧琳峰波斌凯嘉铭振"
_STREETS = (
    "中山",
    "人民",
    "解放",
    "建设",
    "和平",
    "文化",
    "科技",
    "创业",
    "迎宾",
    "滨河",
    "学府",
    "工业",
    "长安",
    "新华",
    "光明",
    "兴业",
    "振兴",
    "朝阳",
)
_BANKS = (
    "中原商业银行",
    "临江农村商业银行",
    "华宁银行",
    "东川城市商业银行",
    "永丰银行",
    "瑞泽银行",
    "嘉陵商业银行",
    "远河农商行",
)
_GOODS = (
    "台式计算机", "激光打印机", "办公桌椅", "不锈钢阀门", "电缆", "配电箱", "水泵机组", "轴承", "钢板", "空调机组", "LED灯具", "服务器", "交换机", "监控摄像机",
    "复印纸", "消防器材", "防护手套", "塑料周转箱", "木质托盘", "纸箱", "润滑油", "过滤器", "减速电机", "压力表", "PVC管材", "混凝土", "保温板", "瓷砖",
    "铝合金门窗", "投影仪", "会议平板", "硬盘", "文件柜", "叉车轮胎", "螺栓", "法兰", "密封圈", "变频器", "传感器", "工业酒精", "面粉", "食用油", "大米",
)  # fmt: skip
_UNITS = ("台", "套", "件", "个", "箱", "吨", "米", "批", "只", "千克", "张", "组")
_COURTS = ("甲方所在地", "乙方所在地", "合同签订地", "原告所在地", "被告所在地", "合同履行地")


def place(rng: np.random.Generator) -> str:
    """A town that does not exist, without 市."""
    return choose(rng, _PLACE_HEADS) + choose(rng, _PLACE_TAILS)


def firm(rng: np.random.Generator) -> str:
    """A company's full name."""
    region = place(rng) + choose(rng, ("市", "", "", "省", "县"))
    stem = choose(rng, _STEM_HEADS) + choose(rng, _STEM_TAILS) + (choose(rng, _STEM_TAILS) if chance(rng, 0.15) else "")
    return region + stem + choose(rng, _TRADES) + choose(rng, _FORMS)


def person(rng: np.random.Generator) -> str:
    """A person's name of two or three characters."""
    count = 1 if chance(rng, 0.22) else 2
    return choose(rng, _SURNAMES) + "".join(choose(rng, _GIVEN) for _ in range(count))


def address(rng: np.random.Generator) -> str:
    """A street address."""
    street = choose(rng, _STREETS) + choose(rng, ("路", "路", "大道", "街", "东路", "西路", "南路", "北街"))
    text = f"{place(rng)}市{place(rng)[0]}{choose(rng, '城江山阳湖')}区{street}{rng.integers(1, 999)}号"
    if chance(rng, 0.5):
        text += choose(rng, ("{}号楼{}室", "{}栋{}室", "{}座{}单元", "{}幢{}")).format(
            rng.integers(1, 30), rng.integers(101, 2808)
        )
    return text


def moment(rng: np.random.Generator) -> datetime.date:
    """A day between 2008 and 2025."""
    return datetime.date(2008, 1, 1) + datetime.timedelta(days=int(rng.integers(0, 365 * 18)))


def date_text(rng: np.random.Generator, day: datetime.date | None = None) -> str:
    """A written date, in one of the usual forms."""
    day = day or moment(rng)
    form = rng.random()
    if form < 0.62:
        return f"{day.year}年{day.month}月{day.day}日"
    if form < 0.74:
        return f"{day.year} 年 {day.month} 月 {day.day} 日"
    if form < 0.84:
        return f"{chinese_digits(day.year)}年{chinese_number(day.month)}月{chinese_number(day.day)}日"
    return f"{day.year}{(s := choose(rng, '-./'))}{day.month:02d}{s}{day.day:02d}"


def blank_date(rng: np.random.Generator) -> str:
    """A date to be filled in by hand; partly filled at times."""
    year = str(moment(rng).year) if chance(rng, 0.35) else choose(rng, ("　　", "　　　", "20　"))
    gap = choose(rng, ("　", "　　"))
    return f"{year}年{gap}月{gap}日"


def money(rng: np.random.Generator) -> int:
    """An amount in fen, from hundreds to tens of millions of yuan, mostly round."""
    value = int(10 ** rng.uniform(2.5, 7.2)) * 100
    if chance(rng, 0.6):
        step = 10 ** max(len(str(value)) - int(rng.integers(2, 4)), 2)
        value = max(value // step, 1) * step
    elif chance(rng, 0.5):
        value += int(rng.integers(0, 100))
    return value


def amount_text(rng: np.random.Generator) -> str:
    """An amount in figures with its unit, and at times in capitals."""
    cents = money(rng)
    figure = f"{cents / 100:,.2f}" if chance(rng, 0.7) else f"{cents // 100}"
    form = rng.random()
    if form < 0.45:
        return f"人民币{figure}元（大写：{capital_amount(cents)}）"
    if form < 0.7:
        return f"人民币{capital_amount(cents)}（¥{figure}）"
    return f"{figure}元"


def phone(rng: np.random.Generator) -> str:
    """A telephone number of no real range (area code 0999, mobile prefix 100)."""
    return f"100{digits(rng, 8)}" if chance(rng, 0.5) else f"0999-{digits(rng, 8)}"


def bank(rng: np.random.Generator) -> str:
    """A branch of a bank that does not exist."""
    return choose(rng, _BANKS) + place(rng) + choose(rng, ("支行", "分行", "分行营业部", "开发区支行"))


def bank_account(rng: np.random.Generator) -> str:
    """An account number, in groups of four at times."""
    number = digits(rng, int(rng.integers(16, 20)))
    return " ".join(number[i : i + 4] for i in range(0, len(number), 4)) if chance(rng, 0.4) else number


def tax_number(rng: np.random.Generator) -> str:
    """A unified social credit code in form only: 18 characters, with no valid check digit."""
    return f"9{rng.integers(1, 4)}{digits(rng, 6)}MA{''.join(choose(rng, '0123456789ABCDEFGHJKLMNPQRTUWXY') for _ in range(8))}"


def goods(rng: np.random.Generator) -> str:
    """Something that is bought."""
    return choose(rng, _GOODS)


def unit(rng: np.random.Generator) -> str:
    """A unit of measure."""
    return choose(rng, _UNITS)


def model_number(rng: np.random.Generator) -> str:
    """A product's model."""
    letters = "".join(choose(rng, "ABCDEFGHJKLMNPQRSTUVWXYZ") for _ in range(int(rng.integers(1, 4))))
    return f"{letters}{choose(rng, ('-', '', ''))}{rng.integers(10, 9999)}{choose(rng, ('', '', 'A', 'B', 'mm', '型', '/2'))}"


def document_number(rng: np.random.Generator) -> str:
    """A contract's or file's number."""
    letters = "".join(choose(rng, "ABCDGHJKLMSTXYZ") for _ in range(int(rng.integers(2, 5))))
    year = moment(rng).year
    return choose(rng, ("{0}-{1}-{2:03d}", "{0}{1}{2:04d}", "{0}（{1}）{2:03d}号", "{0}/{1}-{2}")).format(
        letters, year, rng.integers(1, 999)
    )


FIELDS: dict[str, Filler] = {
    "amount": amount_text,
    "court": lambda rng: choose(rng, _COURTS),
    "date": date_text,
    "days": lambda rng: str(choose(rng, (3, 5, 7, 10, 15, 20, 30, 45, 60, 90))),
    "firm": firm,
    "goods": goods,
    "months": lambda rng: str(choose(rng, (3, 6, 12, 18, 24, 36))),
    "percent": lambda rng: f"{choose(rng, (1, 3, 5, 10, 15, 20, 30, 40, 50, 60, 70))}%",
    "permille": lambda rng: choose(rng, ("千分之一", "千分之三", "千分之五", "万分之五", "0.5‰", "0.05%", "1%")),
    "person": person,
    "place": lambda rng: place(rng) + choose(rng, ("市", "市", "县", "区")),
    "address": address,
    "copies": lambda rng: choose(rng, ("贰", "肆", "陆", "二", "四", "六")),
    "each": lambda rng: choose(rng, ("壹", "贰", "一", "两")),
    "year": lambda rng: str(moment(rng).year),
    "number": lambda rng: str(rng.integers(2, 200)),
    "street": lambda rng: choose(rng, _STREETS),
}
