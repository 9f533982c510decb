"""The rules that hold unless policy.yaml has rules of its own: the field's common ones, each counted once.

Belongs here: the rules. Does not belong here: what a rule may be (rule_policy.py). templates/policy.yaml repeats them, and
a test holds both together.
"""

from __future__ import annotations

from typing import Any

from leadflow.rule_policy import Condition, Group, Rule


def _rule(name: str, group: Group, when: dict[str, Any], points: float, reason: str, reason_zh: str) -> Rule:
    condition = Condition.model_validate(when)
    return Rule(name=name, group=group, when=condition, points=points, reason=reason, reason_zh=reason_zh)


TECHNOLOGY = (
    "Technology",
    "Information Technology",
    "Information Technology & Services",
    "IT Services",
    "Software",
    "Computer Software",
    "SaaS",
    "Internet",
)

DEFAULT_RULES = (
    _rule("large_company", "static", {"feature": "company_size", "op": "gt", "value": 500}, 20,
          "Company has more than 500 employees", "公司员工超过500人"),
    _rule("technology_industry", "static", {"feature": "industry", "op": "in", "value": list(TECHNOLOGY)}, 10,
          "Company is in the technology industry", "公司属于科技行业"),
    _rule("c_level_title", "static", {"feature": "seniority", "op": "equals", "value": "c_level"}, 25,
          "Contact is at C level", "联系人属于公司最高管理层"),
    _rule("director_title", "static", {"feature": "seniority", "op": "equals", "value": "director"}, 15,
          "Contact is a director or above", "联系人为总监或以上级别"),
    _rule("manager_title", "static", {"feature": "seniority", "op": "equals", "value": "manager"}, 15,
          "Contact is a manager", "联系人为经理"),
    _rule("pricing_page", "dynamic", {"feature": "pricing_page_views_ever", "op": "gt", "value": 0}, 10,
          "Looked at the pricing page", "浏览过价格页面"),
    _rule("white_paper", "dynamic", {"feature": "white_paper_downloads_ever", "op": "gt", "value": 0}, 5,
          "Downloaded a white paper", "下载过白皮书"),
    _rule("webinar", "dynamic", {"feature": "webinars_attended_ever", "op": "gt", "value": 0}, 15,
          "Attended a webinar", "参加过网络研讨会"),
    _rule("email_reply", "dynamic", {"feature": "email_replies_ever", "op": "gt", "value": 0}, 10,
          "Replied to an e-mail", "回复过邮件"),
    _rule("spam_report", "dynamic", {"feature": "spam_reports_ever", "op": "gt", "value": 0}, -20,
          "Reported our e-mail as spam", "将我们的邮件举报为垃圾邮件"),
    _rule("idle", "dynamic", {"feature": "days_since_last_activity", "op": "gt", "value": 30}, -5,
          "No activity for more than 30 days", "超过30天没有任何活动"),
    _rule("personal_mail", "contact", {"feature": "is_free_mail", "op": "is_true"}, -10,
          "Uses a personal e-mail address", "使用个人邮箱"),
    _rule("competitor", "contact", {"feature": "is_competitor", "op": "is_true"}, -50,
          "Works for a competitor", "就职于竞争对手"),
    _rule("suspect_contact", "contact", {"feature": "has_suspect_contact", "op": "is_true"}, -10,
          "Contact data does not look real", "联系信息看起来不真实"),
)  # fmt: skip
