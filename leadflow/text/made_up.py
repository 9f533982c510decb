"""What people type into a form that insists: test, asdf, xxx, 测试.

Belongs here: whether a company or an e-mail address is typed for the form's sake, or stands for no person. Does not belong
here: persons' names (persons.py), phone numbers (phones.py), and what follows from it (policy.yaml).
"""

from __future__ import annotations

import re
from functools import lru_cache

from leadflow.text.values import tidy, word_set

_MADE_UP = word_set(
    "test tests testing tester testuser asd asdf asdfg asdfgh asdasd sdf dfg fgh ghj hjk jkl qwe qwer qwert qwerty qwertz azerty "
    "zxc zxcv zxcvb yxcv abc abcd abcde xyz blah blabla bla foobar lorem ipsum dummy fake noname nobody anonymous "
    "placeholder whatever nothing nope idk null none undefined 测试 測試 测试测试 测试用户 测试账号 匿名 某某 某某某 无名 无名氏 "
    "没有 不告诉你 随便 保密 你猜 啊啊啊 哈哈 哈哈哈 呵呵 试试 一二三 张三 李四 王五 张三李四"
)
"""Each alone says that the value is none; two of them together, too."""
_BESIDE = word_set(
    "no name my your the a an first last company firm organisation organization corp inc ltd gmbh user person account"
)
"""Say it only beside one of the others, or together with each other where no name is left."""
_PHRASES = frozenset(
    {"no name", "my name", "your name", "first name", "last name", "first last", "my company", "your company", "company",
     "the company", "company name", "no company", "john doe", "jane doe", "mickey mouse", "donald duck", "foo bar",
     "firstname lastname", "max mustermann", "erika mustermann", "mustermann gmbh"}
)  # fmt: skip
_STARTS_OF_PHRASES = frozenset(phrase.split()[0] for phrase in _PHRASES)
_CHINESE_COMPANY = re.compile(
    r"^(?:测试|測試|某某?|我的|你的|一个|这个)?(?:公司|有限公司|单位|企业)(?:名称|名字|测试)?$"
)
_NAMES_OF_COMPANIES = frozenset({"aaa", "ccc", "iii", "mmm", "ttt", "jkl", "abc", "asd", "xyz"})
"""Real companies are called like that."""
_REPEATED = re.compile(r"(.)\1{2,}|([xyz])\2+|(.{2,4})\3{2,}")

MADE_UP_DOMAINS = word_set(
    "test.com test.de test.cn asdf.com asdf.de example.com example.org example.net domain.com email.test mail.test nomail.com "
    "none.com no.com fake.com abc.abc aa.aa a.a xx.xx test.test qwerty.com"
)
MADE_UP_MAILBOXES = word_set(
    "noone someone anyone nomail noemail notreal donthave example sample email mail yourname username spam spamtrap fuckyou x"
)
_MAIL_HOSTS = (
    *("gmail.com", "hotmail.com", "outlook.com", "yahoo.com", "icloud.com", "qq.com", "163.com", "126.com"),
    *("foxmail.com", "sina.com", "web.de", "gmx.de"),
)
_WRONG_ENDS = word_set("con cmo ocm comm coom cim vom xom cpm coml cok c0m dee")
_LONG_ENOUGH = 5
"""Letters of a host's name from which a misspelling is none other's name."""

ROLES = word_set(
    "info information contact contacts kontakt contato contacto sales vertrieb ventas marketing support service services "
    "helpdesk help office admin administrator administration billing accounts accounting invoice invoices buchhaltung rechnung "
    "finance hr jobs careers career recruiting recruitment bewerbung press presse media pr news newsletter webmaster "
    "postmaster hostmaster abuse security privacy legal compliance noc root team hello hi hallo hola bonjour mail mailbox "
    "enquiries enquiry inquiry inquiries request requests order orders bestellung purchasing einkauf procurement reception "
    "secretary sekretariat office management zentrale kundenservice customerservice customercare customer clientes feedback "
    "noreply no-reply donotreply do-not-reply bounce bounces mailer-daemon it itsupport itadmin export import logistics shop "
    "store booking bookings reservation reservations events training partners partner investors "
    "kefu xiaoshou shichang caiwu renshi zhaopin xingzheng bangong lianxi fuwu"
)
"""RFC 2142's names, and those that firms in English, German, Spanish, French, Portuguese and pinyin use beside them."""
_PARTS = re.compile(r"[._-]+")


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[\W_]+", " ", tidy(text).casefold()).split())


def is_made_up_company(name: str) -> bool:
    """Whether a company's name is none: test, asdf, xx, my company, 公司, 测试公司; AAA and ABC are companies."""
    words = _plain(name).split()
    if len(words) == 1 and words[0] in _NAMES_OF_COMPANIES:
        return False
    text = "".join(words)
    return not any(map(str.isalnum, text)) or bool(_CHINESE_COMPANY.match(text)) or _is_nonsense(words)


def may_begin_made_up_company(word: str) -> bool:
    """Whether a made-up company's name may begin with this word, in a-z and 0-9; none of another beginning is made up."""
    return _kind(word) != "word" or word in _STARTS_OF_PHRASES


def _is_nonsense(words: list[str]) -> bool:
    if " ".join(words) in _PHRASES:
        return True
    kinds = [_kind(word) for word in words]
    return bool(kinds) and "made_up" in kinds and "word" not in kinds


def _kind(word: str) -> str:
    bare = word.rstrip("0123456789") or word
    if bare in _MADE_UP or _REPEATED.fullmatch(bare):
        return "made_up"
    return "beside" if word in _BESIDE or word.isdigit() else "word"


def is_made_up_address(address: str) -> bool:
    """Whether a normalised e-mail address is nobody's: test12@test.com, asdf@acme.com, 123456@qq.com.

    True where the local part or the domain is made up. Domains under .example and .test are not: simulated and test data
    live there.
    """
    local_part, _, domain = address.rpartition("@")
    bare = local_part.partition("+")[0]
    letters = bare.rstrip("0123456789")
    if domain in MADE_UP_DOMAINS or letters in MADE_UP_MAILBOXES:
        return True
    if not letters:
        return bare in "01234567890123456789" or len(set(bare)) == 1
    return _is_nonsense([part for part in _PARTS.split(letters) if part])


def is_role_address(address: str) -> bool:
    """Whether a normalised e-mail address is a function's and no person's: info@, sales-de@, no-reply@, kefu@."""
    local_part = address.rpartition("@")[0].partition("+")[0].rstrip("0123456789")
    if local_part in ROLES:
        return True
    first, *others = _PARTS.split(local_part) or [""]
    return first in ROLES and all(len(part) == 2 or part in ROLES for part in others)


def meant_domain(domain: str) -> str | None:
    """The mail provider's domain that this one is a misspelling of: gmial.com, qq.con; None where it is none."""
    return _misspellings().get(domain)


@lru_cache(maxsize=1)
def _misspellings() -> dict[str, str]:
    found: dict[str, str] = {}
    for host in _MAIL_HOSTS:
        name, _, end = host.partition(".")
        found |= {f"{name}.{wrong}": host for wrong in _WRONG_ENDS}
        if len(name) < _LONG_ENOUGH or end != "com":
            continue
        shorter = {name[:at] + name[at + 1 :] for at in range(1, len(name))}
        doubled = {name[: at + 1] + name[at:] for at in range(len(name))}
        swapped = {name[:at] + name[at + 1] + name[at] + name[at + 2 :] for at in range(len(name) - 1)}
        found |= {f"{wrong}.com": host for wrong in shorter | doubled | swapped if wrong != name}
    return {wrong: host for wrong, host in found.items() if wrong not in {*_MAIL_HOSTS, "gail.com"}}
