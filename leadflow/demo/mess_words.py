"""Word lists of the mess: nicknames, misspellings, nonsense, and the other ways to write one thing.

Belongs here: words and how often each kind of mess comes. Does not belong here: putting them into records (guises.py,
faces.py), and the words of a tidy company (words.py).
"""

from __future__ import annotations

from typing import Final


def _pairs(text: str) -> dict[str, str]:
    return dict(pair.split(":") for pair in text.split())


NICKNAMES: Final = _pairs(
    "Robert:Bob William:Bill Elizabeth:Liz Katherine:Kate Richard:Rick Margaret:Peggy James:Jim Michael:Mike "
    "Alexander:Alex Charles:Chuck Edward:Ted Dorothy:Dot Andrew:Andy Rebecca:Becky Anthony:Tony Patricia:Trish "
    "Daniel:Dan Thomas:Tom Peter:Pete Victor:Vic Walter:Walt Olivia:Liv Gustav:Gus Tobias:Tobi Rafael:Rafa "
    "Sofia:Sofi Ursula:Uschi Adrian:Adi Julia:Jule Katrin:Kati Simon:Si Bianca:Bibi Hannah:Hanni Jonas:Joni "
    "Lucia:Luz Yannick:Yann Xenia:Xeni Quentin:Quin Miguel:Micky Petra:Pet"
)
"""Short names of first names; who has none writes an initial."""

CHINESE_ADDRESSES: Final = ("小{}", "老{}", "{}总", "{}经理", "{}先生", "{}女士")
"""How a Chinese person is called by the family name alone."""

HOMOPHONES: Final = _pairs(
    "伟:玮 芳:方 静:婧 强:墙 磊:雷 军:君 洋:阳 杰:洁 涛:滔 明:鸣 超:朝 平:萍 文:雯 辉:晖 玲:铃 慧:惠 建:健 欣:新 宇:羽 浩:皓 "
    "张:章 陈:程 黄:皇 周:邹 徐:许 林:琳 科:柯 信:讯 恒:衡 瑞:锐 诚:城 智:志 新:欣 源:元 远:原 华:桦 博:铂 嘉:佳 鼎:顶 汇:惠"
)
"""Characters that an input method offers for the same sound."""

MAIL_DOMAIN_TYPOS: Final = {
    "gmail.com": "gmial.com",
    "outlook.com": "outlok.com",
    "yahoo.com": "yaho.com",
    "hotmail.com": "hotmial.com",
    "qq.com": "qq.con",
    "163.com": "163.con",
    "126.com": "126.con",
}
DISPOSABLE_DOMAINS: Final = (
    "mailinator.com",
    "yopmail.com",
    "guerrillamail.com",
    "trashmail.com",
    "10minutemail.com",
)
ROLES: Final = ("info", "sales", "contact", "office", "admin", "marketing", "support")
JUNK_NAMES: Final = (
    "test",
    "asdf",
    "Test Test",
    "qwerty",
    "aaa",
    "xxx",
    "n/a",
    "123",
    "测试",
    "无",
    "no name",
    "abc abc",
)
JUNK_COMPANIES: Final = ("test", "asdf", "n/a", "公司", "none", "xx", "my company", "测试公司", "-")
JUNK_DOMAINS: Final = ("test.com", "asdf.com", "aaa.com", "example.com")
FAKE_PHONES: Final = (
    "12345678901",
    "00000000",
    "11111111111",
    "1234567890",
    "+86 13800000000",
    "999999999",
    "0123456789",
    "5555555555",
)
"""Numbers that look like numbers and are nobody's."""
INVALID_PHONES: Final = ("12", "n/a", "call me", "+49", "0049 x", "13812", "99999999999999999999", "电话")
SENSITIVE_WORDS: Final = (
    "casino bonus",
    "cheap viagra",
    "win free iphone",
    "c a s i n o",
    "ｃａｓｉｎｏ",
    "代开发票",
    "代 开 发 票",
    "博彩",
    "办证",
    "澳门娱乐城",
)
"""What spammers write into a name or company field, spaced and full-width variants among them."""

LEGAL_FORM_VARIANTS: Final = (
    ("Incorporated", "Inc", "Company", "Corporation"),
    ("G.m.b.H.", "mbH", "GmbH & Co. KG", "Aktiengesellschaft"),
    ("Ltd.", "Limited Company", "P.L.C.", "LTD"),
    ("有限责任公司", "公司", "(集团)有限公司", "Co., Ltd."),
    ("S.A.S.", "S.A.", "S.A.R.L.", "Société"),
    ("Pvt. Ltd.", "(P) Ltd", "Pvt Limited", "Private Ltd."),
    ("Incorporated", "Limited", "Inc", "Corporation"),
    ("B.V", "bv", "Besloten Vennootschap", "NV"),
    ("LTDA.", "Limitada", "SA", "S. A."),
)
"""Other ways to write a company's form, by country in the order of words.COUNTRY_LABELS."""
PLACES: Final = (
    ("New York", "Chicago", "US"),
    ("Berlin", "München", "Deutschland"),
    ("London", "Leeds", "UK"),
    ("北京", "上海", "深圳"),
    ("Paris", "Lyon", "France"),
    ("Mumbai", "Pune", "India"),
    ("Toronto", "Montreal", "Canada"),
    ("Amsterdam", "Utrecht", "Nederland"),
    ("São Paulo", "Recife", "Brasil"),
)
BRAND_ENDS: Final = ("ly", "io", "ify", "Hub", "Go", "X")
CHINESE_BRAND_ENDS: Final = ("云", "易", "宝", "帮", "客", "通")
"""How brands end that are made of the first part of a company's name."""

COMPETITOR_RANGE: Final = "198.51.100."
DATA_CENTRE_RANGE: Final = "203.0.113."
BLOCKED_RANGE: Final = "192.0.2."
"""First three parts of addresses kept for documentation (RFC 5737), so that no real network is named."""
HEADLESS_USER_AGENTS: Final = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/137.0.0.0 Safari/537.36",
    "Scrapy/2.13 (+https://scrapy.org)",
    "curl/8.14.1",
)
BLOCK_REASONS: Final = ("asked not to be contacted", "fraud", "abusive", "never pays")

FEEDBACK: Final = (
    ("not a fit at all", "wrong person", "没有需求"),
    ("only collecting information", "no budget this year"),
    ("may become something", "call again next quarter", "再跟进"),
    ("good talk, has a project", "asked for references"),
    ("wants an offer", "decision maker, urgent", "意向很强"),
)
"""What reps say of a lead, by their rating from 1 to 5."""
LOSS_REASONS: Final = ("price", "lost to a competitor", "no decision", "missing feature", "project stopped")
TEAMS: Final = ("Enterprise", "Mid-market", "Small business")
REGIONS: Final = ("Americas", "EMEA", "APAC")
