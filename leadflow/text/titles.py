"""Job titles: how senior a person is and what he or she works in, in English and Chinese.

Belongs here: the band and the function a title stands for. Does not belong here: what a band is worth (policy.yaml).

Whole words decide ('director' holds the letters of 'cto' and is none), and of several bands the highest. Titles in
other languages count as 'individual' unless they hold an English or Chinese word for a rank.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Literal, get_args

from leadflow.text.values import is_absent, tidy, word_set

Seniority = Literal["c_level", "director", "manager", "individual"]

SENIORITIES: tuple[Seniority, ...] = ("c_level", "director", "manager", "individual")  # highest first

_C_LEVEL = word_set(
    "ceo cto cfo coo cmo cio ciso cso cpo cro chro cdo cco clo cxo founder cofounder chairman chairwoman chairperson"
)
# 'President' is here and not C-level: as often as the head of a company it is the head of a region or division, and
# presidents who head the company mostly say so ('President & CEO'). So is 'managing director', by its last word.
_DIRECTOR = word_set("director directors dir head vice vp svp evp avp rvp gvp president")
_MANAGER = word_set("manager managers mgr gm supervisor superintendent")

# 'Owner' heads a company only when nothing else is owned: a product owner does not.
_OWNERS_OF = word_set("business company co agency firm shop store restaurant franchise small")
# 'Partner' is a rank in a partnership; a business partner or channel partner is not one.
_PARTNERS = word_set("managing senior general founding equity executive associate audit tax advisory")
_ASSISTANTS = word_set("assistant secretary")

# Read as one word before the title is split: '&' and 'and' may stand inside, as in 'chief revenue & growth officer'.
_CHIEF_OFFICER = re.compile(r"\bchief (?:executive\b|(?:(?!of\b|to\b)[a-z&-]+ )*?officer\b)")
_PARTS = re.compile(r"[,;/|&+()\n]|\band\b|\s[-–—]\s")
_DOTTED_LETTERS = re.compile(r"(?<![a-z])[a-z](?:\.[a-z])+\.?(?![a-z])")
# What follows names someone else: 'assistant to the CEO', 'director, office of the CFO'.
_SOMEONE_ELSE = re.compile(r"\b(?:to|office of|assistant (?:of|for))\b.*|\b[a-z]+ office\b")

_ZH_C_LEVEL = re.compile(
    "总裁|總裁|总经理|總經理|董事长|董事長|董事局主席|创始人|創始人|首席[^兼,/、 ]*[官長]"
)
_ZH_DIRECTOR = re.compile("总监|總監|首席|董事|合伙人|合夥人|负责人|負責人|总工")
_ZH_MANAGER = re.compile("经理|經理|主管|主任|部长|部長|店长|组长")
_ZH_DEPUTY = re.compile("副(?:总裁|總裁|总经理|總經理|董事长|董事長|总(?!监)|總(?!監))|助理总裁")
_ZH_BOARD_SECRETARY = re.compile("董事会秘书|董秘")
_ZH_ASSISTANT = re.compile("[^,/、兼]*(?:助理|秘书|秘書)(?!总裁)")


def seniority(title: str | None) -> Seniority | None:
    """The band of a job title; None where there is no title.

    - c_level: chief ... officer and the like (CEO, 首席...官), founder, owner of the company, chairman, 董事长, 总裁,
      总经理 (who heads a Chinese company).
    - director: director and above but not C-level: director, head, any vice president, president, partner, other
      'chief ...', 总监, 副总裁, 副总经理, 首席..., 董事, 合伙人, 负责人.
    - manager: manager of anything (a general or product manager too), supervisor, team lead, 经理, 主管, 主任.
    - individual: every other title, assistants of anyone (总经理助理) among them.
    """
    if title is None or is_absent(title):
        return None
    text = _readable(title)
    if not any(letter.isalpha() for letter in text):
        return None
    if _ZH_BOARD_SECRETARY.search(text):  # an officer of a listed company, unlike every other secretary
        return "director"
    text = _CHIEF_OFFICER.sub("cxo", _ZH_ASSISTANT.sub(" ", text))
    found = {_english_band(part) for part in _PARTS.split(text)} | {_chinese_band(text)}
    return next(band for band in SENIORITIES if band in found)


def _readable(title: str) -> str:
    """What is read of a title: one spelling, lower case, and no more than a title needs, so that a pasted page costs nothing."""
    return tidy(title[:_LONGEST_TITLE])[:_LONGEST_TITLE].lower()


def _english_band(part: str) -> Seniority:
    part = _DOTTED_LETTERS.sub(lambda letters: letters[0].replace(".", ""), part)
    words = re.findall(r"[a-z]+", _SOMEONE_ELSE.sub(" ", part))
    if not words or words[-1] in _ASSISTANTS:
        return "individual"
    pairs = set(pairwise(words))
    if any(word in _C_LEVEL and ("vice", word) not in pairs for word in words):
        return "c_level"
    if _is_led_by(words, "owner", _OWNERS_OF):
        return "c_level"
    if _DIRECTOR & set(words) or "chief" in words or _is_led_by(words, "partner", _PARTNERS):
        return "director"
    if _MANAGER & set(words) or {("team", "lead"), ("team", "leader")} & pairs:
        return "manager"
    return "individual"


def _is_led_by(words: list[str], rank: str, kinds: frozenset[str]) -> bool:
    """Whether a part names a rank for itself ('partner', 'partner at ...') or after a word that says which kind."""
    if rank not in words:
        return False
    at = words.index(rank)
    before, after = words[max(at - 1, 0) : at], words[at + 1 : at + 2]
    return (not before or before[0] in kinds) and (not after or after[0] in {"at", "of"})


def _chinese_band(text: str) -> Seniority:
    without_deputies = _ZH_DEPUTY.sub(" ", text)
    if _ZH_C_LEVEL.search(without_deputies):
        return "c_level"
    if _ZH_DIRECTOR.search(without_deputies) or without_deputies != text:
        return "director"
    return "manager" if _ZH_MANAGER.search(text) else "individual"


JobFunction = Literal[
    "general_management", "sales", "marketing", "customer_service", "product", "it_engineering", "research", "operations",
    "procurement", "finance", "hr", "legal", "administration", "other",
]  # fmt: skip

JOB_FUNCTIONS: tuple[JobFunction, ...] = get_args(JobFunction)

# Words that decide wherever they stand. 'ceo', 'founder' and 'chairman' are a function of their own; 'president' is a rank.
_FUNCTION_WORDS: dict[JobFunction, frozenset[str]] = {
    "general_management": word_set("ceo founder cofounder chairman chairwoman chairperson md"),
    "sales": word_set("sales selling seller salesman saleswoman salesperson cro cco sdr bdr presales revenue channel channels"),
    "marketing": word_set(
        "marketing marketer cmo brand branding advertising seo sem demand communications pr growth campaign campaigns media "
        "content social crm events"
    ),
    "customer_service": word_set("support helpdesk success aftersales"),
    "product": word_set("product products cpo ux ui"),
    "it_engineering": word_set(
        "it cto cio ciso cdo ict software developer developers programmer devops sre architect technology technical technologies "
        "tech engineering infrastructure network networks security cybersecurity data database systems system sysadmin cloud web "
        "backend frontend fullstack qa information digital"
    ),
    "research": word_set("research researcher scientist scientists laboratory lab rnd"),
    "operations": word_set(
        "coo logistics warehouse manufacturing production plant factory quality maintenance facilities supply fleet shipping "
        "transport"
    ),
    "procurement": word_set("procurement purchasing purchaser buyer buyers sourcing"),
    "finance": word_set(
        "finance financial cfo accounting accountant controller controlling comptroller treasurer treasury tax audit auditor "
        "payroll bookkeeper investment investments banking"
    ),
    "hr": word_set("hr chro human people talent recruiting recruiter recruitment recruiters training personnel compensation"),
    "legal": word_set("legal lawyer attorney counsel solicitor paralegal compliance clo privacy"),
    "administration": word_set("secretary receptionist"),
}  # fmt: skip

# Words that decide where no other does: a sales engineer sells, marketing operations are marketing.
_WEAK_WORDS: dict[JobFunction, frozenset[str]] = {
    "it_engineering": word_set("engineer engineers technician"),
    "sales": word_set("account accounts business commercial"),
    "operations": word_set(
        "operations operation operational operating project projects program programme pmo"
    ),
    "customer_service": word_set("service services customer client"),
    "administration": word_set("assistant administrative administrator admin office executive_assistant"),
    "research": word_set("analyst"),
}
_WEAKEST_WORDS: dict[JobFunction, frozenset[str]] = {
    "general_management": word_set("president owner gm entrepreneur principal proprietor"),
}
_FUNCTION_PHRASES: dict[JobFunction, tuple[str, ...]] = {
    "general_management": ("chief executive", "managing director", "managing partner", "general manager", "chief of staff", "business owner"),
    "sales": ("business development", "key account", "account executive", "account manager", "customer acquisition"),
    "marketing": ("public relations", "media buyer", "media buying", "product marketing", "customer marketing", "market research"),
    "customer_service": ("customer service", "customer care", "customer support", "customer success", "customer experience", "client services", "client success", "technical support", "it support"),
    "product": ("product owner",),
    "it_engineering": ("quality assurance engineer", "help desk", "data scientist", "product engineer", "product engineering"),
    "operations": ("supply chain", "production engineer", "quality control", "quality controller"),
    "administration": ("personal assistant", "executive assistant", "office manager", "system of record"),
    "research": ("research and development", "r&d"),
    "finance": ("accounts payable", "accounts receivable", "financial analyst", "investor relations"),
    "legal": ("general counsel",),
}  # fmt: skip

# The last of these in a Chinese title decides, since what it modifies stands behind; of two that end together the longer.
_ZH_FUNCTIONS: dict[JobFunction, str] = {
    "sales": "销售|銷售|营业|营业部|业务|業務|商务|商務|客户经理|客戶經理|大客户|渠道|业务拓展|商务拓展|业务开发|客户开发|拓展",
    "marketing": "市场|市場|营销|營銷|品牌|公关|公關|推广|推廣|企划|策划|媒体|广告|市场开发|市场拓展|新媒体|新媒体运营",
    "customer_service": "客服|客户服务|客戶服務|客户成功|售后|售後|客户支持",
    "product": "产品|產品",
    "it_engineering": (
        "技术|技術|工程|开发|開發|软件|軟件|信息|信息化|资讯|資訊|运维|架构|架構|数据|數據|算法|网络|網絡|测试|程序员|系统|數位|数字化|前端|后端|电气|机械|总工"
    ),
    "research": "研发|研發|研究员|研究院|科研|实验室|科学家",
    "operations": "运营|運營|营运|生产|生產|制造|製造|物流|仓储|仓库|供应链|质量|品质|品管|厂长|车间|设备|计划|项目",
    "procurement": "采购|採購|供应商管理|招采",
    "finance": "财务|財務|会计|會計|审计|審計|出纳|税务|金融|投资|投資|资金|成本",
    "hr": "人力|人力资源|人資|人事|招聘|培训|薪酬|绩效",
    "legal": "法务|法務|法律|律师|律師|合规",
    "administration": "行政|助理|秘书|秘書|前台|文员|办公室",
}  # fmt: skip
_ZH_GENERAL = re.compile(
    "执行官|執行官|总经理|總經理|总裁|總裁|董事|创始人|創始人|老板|法人|合伙人|校长|院长|董秘|^ceo"
)
_ZH_BY_WORD: dict[str, JobFunction] = {
    word: function for function, words in _ZH_FUNCTIONS.items() for word in words.split("|")
}
_ZH_WORD = re.compile("|".join(sorted(_ZH_BY_WORD, key=len, reverse=True)))
_ANY_HAN = re.compile(r"[\u3400-\u9fff]")


def job_function(title: str | None) -> JobFunction | None:
    """What a job title's holder works in (`JOB_FUNCTIONS`); None where there is no title, 'other' where it does not say.

    Whole words decide: 'director' is no cto. Of an English title the first part that names a function, and in it the last such
    word, as in 'Product Marketing Manager'; of a Chinese one the last word for a function. Who heads the company works in
    general_management ('CEO', 总经理) unless the title names a function ('President Sales', 销售总经理). An assistant of
    anyone works in administration; IT and engineering are one function, since titles often do not tell them apart.
    """
    if title is None or is_absent(title):
        return None
    text = _readable(title)
    if not any(letter.isalpha() for letter in text):
        return None
    if _ANY_HAN.search(text):
        return _chinese_function(text)
    for function, phrases in _PHRASES_FIRST:
        if phrases.search(text):
            return function
    parts = [_function_words(part) for part in _PARTS.split(text)]
    for kinds in (_FUNCTION_OF, _WEAK_FUNCTION_OF, _WEAKEST_FUNCTION_OF):
        for words in parts:
            found = [kinds[word] for word in words if word in kinds]
            if found:
                return found[-1]
    return "other"


def _function_words(part: str) -> list[str]:
    part = _DOTTED_LETTERS.sub(lambda letters: letters[0].replace(".", ""), part)
    own = _SOMEONE_ELSE.sub(" ", part)
    words = re.findall(r"[a-z]+", own)
    return ["secretary"] if words and words[-1] in _ASSISTANTS else words


def _chinese_function(text: str) -> JobFunction:
    if _ZH_ASSISTANT.search(text):
        return "administration"
    found = [_ZH_BY_WORD[match[0]] for match in _ZH_WORD.finditer(text)]
    if found:
        return found[-1]
    words = re.findall(r"[a-z]+", text)
    by_word = [_FUNCTION_OF[word] for word in words if word in _FUNCTION_OF]
    if by_word:
        return by_word[-1]
    return "general_management" if _ZH_GENERAL.search(text) else "other"


def _by_word(kinds: dict[JobFunction, frozenset[str]]) -> dict[str, JobFunction]:
    return {word: function for function, words in kinds.items() for word in words}


_LONGEST_TITLE = 300  # characters; a title says what it has to say in fewer
_FUNCTION_OF = _by_word(_FUNCTION_WORDS)
_WEAK_FUNCTION_OF = _by_word(_WEAK_WORDS)
_WEAKEST_FUNCTION_OF = _by_word(_WEAKEST_WORDS)
_PHRASES_FIRST = tuple(
    (function, re.compile(rf"(?<![a-z])(?:{'|'.join(map(re.escape, phrases))})(?![a-z])"))
    for function, phrases in _FUNCTION_PHRASES.items()
)
