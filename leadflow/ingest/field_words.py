"""What companies and their tools call the facts that leadflow has names for, in English and Chinese.

Belongs here: words. Does not belong here: comparing them with a file's columns (propose.py).

A name is given as `words_of` leaves it: lower case, words parted by one blank.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

_PREFIXES = ("property", "properties", "hs")
_SUFFIXES = ("c",)
"""What tools put before and behind the names of fields: property_email, Budget__c."""


def words_of(name: str) -> str:
    """A column's name as words: 'Work E-Mail', 'workEmail' and 'WORK_EMAIL' are 'work email'."""
    plain = unicodedata.normalize("NFKC", name)
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", plain)
    words = re.sub(r"[\W_]+", " ", parted.casefold()).strip()
    return re.sub(r"\be mail\b", "email", words)


def readings_of(name: str) -> list[str]:
    """The name as words, and without what tools put around it, the fullest first."""
    words = words_of(name).split()
    readings = [words]
    if len(words) > 1 and words[-1] in _SUFFIXES:
        readings.append(words[:-1])
    if len(words) > 1 and words[0] in _PREFIXES:
        readings += [reading[1:] for reading in readings if len(reading) > 1]
    return [" ".join(reading) for reading in readings]


FIELD_WORDS: Mapping[str, str] = {
    "email": "email; email address; work email; business email; company email; corporate email; mail; user email; "
    "recipient; 邮箱; 电子邮箱; 电子邮件; 邮件; 工作邮箱; 邮箱地址; 企业邮箱",
    "phone": "phone; phone number; mobile; mobile phone; mobile number; cell; cell phone; telephone; tel; work phone; "
    "business phone; contact number; 手机; 手机号; 手机号码; 电话; 联系电话; 电话号码; 联系方式",
    "wechat_id": "wechat; we chat; wechat id; wechat number; wechat account; weixin; weixin id; weixin hao; 微信; 微信号; 微信号码; 微信账号; 微信id",
    "full_name": "name; full name; contact name; person; person name; lead name; your name; 姓名; 联系人; 名字; 客户姓名; 联系人姓名",
    "company_name": "company; company name; organization; organisation; organization name; account; account name; employer; "
    "business name; firm; company or account; 公司; 公司名称; 企业; 企业名称; 单位; 单位名称; 客户名称",
    "title": "title; job title; position; role; job role; jobtitle; designation; current occupation; occupation; "
    "职位; 职务; 头衔; 岗位",
    "country": "country; country region; billing country; country name; country code; nation; office location; 国家; 国家地区; 国家或地区",
    "channel": "channel; lead source; source; origin; lead origin; utm source; marketing channel; account source; traffic source; "
    "original source; 渠道; 来源; 线索来源; 客户来源; 获客渠道; 来源渠道; 推广渠道",
    "campaign": "campaign; campaign name; utm campaign; campaign id; email campaign id; 活动; 市场活动; 营销活动; 广告系列",
    "landing_page": "landing page; landing page id; landing page url; page url; first page; page; 落地页; 着陆页",
    "form_name": "form name; form; form title; form id; 表单; 表单名称",
    "pages_viewed": "pages viewed; page views; pageviews; number of pages; number of page views; total page views; num pageviews; 浏览页数; 浏览量",
    "downloads": "downloads; number of downloads; downloads count; content downloads; 下载次数; 下载数",
    "first_touch_channel": "first touch channel; first touch source; first channel; first source; 首次渠道; 首次来源; 首触渠道",
    "first_touch_at": "first touch at; first touch date; first touch time; first visit; first seen; first visit date; 首次触达时间; 首次访问时间",
    "content_requested": "content requested; content; asset; download; downloaded asset; offer; requested content; resource; 下载内容; 资料; 申请资料",
    "ip_address": "ip; ip address; client ip; remote address; ip地址",
    "visitor_id": "visitor id; visitor; anonymous id; client id; cookie id; session id; user pseudo id; 访客; 访客id; 访客编号",
    "event_type": "event type; event; event name; type; action; activity; 事件; 事件类型; 行为; 行为类型",
    "page_url": "page url; url; page; page location; page path; referer; path; 页面; 网址; 链接; 页面地址",
    "content_kind": "content kind; content type; asset type; 内容类型",
    "duration_seconds": "duration seconds; duration; time on page; time spent; call duration in seconds; call duration; seconds; "
    "duration in minutes; duration minutes; duration ms; 时长; 停留时长; 通话时长",
    "user_agent": "user agent; browser; useragent; ua; 浏览器",
    "owner": "owner; owner id; owner name; sales agent; sales rep; rep; sr id; account executive; assigned to; salesperson; agent; "
    "负责人; 销售; 销售代表; 所有者; 跟进人; 业务员",
    "status": "status; lead status; contact status; state of lead; 状态; 线索状态; 跟进状态",
    "is_accepted": "is accepted; accepted; is converted; converted; qualified; is qualified; sales accepted; 是否接受; 是否有效; 是否转化",
    "rejection_reason": "rejection reason; reason rejected; disqualification reason; unqualified reason; lost reason; reject reason; "
    "拒绝原因; 无效原因; 退回原因",
    "accepted_at": "accepted at; accepted date; date accepted; acceptance date; sal date; sql date; 接受时间; 接收时间",
    "rejected_at": "rejected at; rejected date; date rejected; rejection date; disqualified at; disqualified date; 拒绝时间; 退回时间",
    "loss_reason": "loss reason; lost reason; reason lost; closed lost reason; reason for loss; 丢单原因; 输单原因",
    "intent_degree": "intent degree; intent; buying intent; interest level; lead quality; 意向; 意向度; 意向程度; 购买意向",
    "budget": "budget; budget range; budget amount; 预算; 预算范围",
    "budget_amount": "budget amount; budget value; budget in usd; budget in eur; 预算金额",
    "authority": "authority; decision maker; 决策人; 决策权",
    "need": "need; needs; requirement; requirements; pain point; 需求; 客户需求",
    "timeline": "timeline; timeframe; purchase timeframe; buying timeline; 采购时间; 时间计划; 预计采购时间",
    "decision_process": "decision process; buying process; 决策流程",
    "stage": "stage; deal stage; stage name; opportunity stage; pipeline stage; deal pipeline stage id; sales stage; 阶段; 商机阶段; 销售阶段",
    "outcome": "outcome; result; won lost; is won; win loss; 结果; 是否赢单; 输赢",
    "contract_value": "contract value; amount; deal amount; close value; deal value; opportunity amount; revenue; value; acv; arr; annual value; "
    "金额; 合同金额; 商机金额; 成交金额; 预计金额",
    "currency": "currency; currency code; currency iso code; deal currency; 币种; 货币",
    "opened_at": "opened at; created date; createdate; create date; created at; created; engage date; open date; 创建时间; 创建日期; 商机创建时间",
    "closed_at": "closed at; close date; closedate; won date; closing date; date closed; closed date; closed; 关闭时间; 成交日期; 结束日期; 赢单日期; 成交时间",
    "activity_type": "activity type; type; task subtype; event subtype; engagement type; activity; call type; 活动类型; 跟进方式; 跟进类型",
    "result": "result; call disposition; disposition; meeting outcome; outcome; call result; 结果; 跟进结果; 通话结果",
    "quote_value": "quote value; quote amount; quoted amount; quotation amount; quote total; 报价金额; 报价",
    "lead_rating": "lead rating; rating of the lead; rep rating; feedback score; 线索评分; 线索评价",
    "feedback": "feedback; rep feedback; sales feedback; feedback comment; 反馈; 销售反馈",
    "feature": "feature; feature name; module; feature used; function; 功能; 功能模块; 功能名称",
    "is_trial": "is trial; trial; on trial; 试用; 是否试用",
    "usage_minutes": "usage minutes; minutes; usage time; usage; duration; time in feature; duration minutes; usage seconds; 使用时长; 使用分钟",
    "domain": "domain; website; web site; company domain; domain name; web; homepage; url; 域名; 网站; 官网; 公司网站",
    "renewal_at": "renewal date; renewal; renews at; renewal at; contract end; contract end date; expiry date; 续约日期; 到期日; 续费日期",
    "trial_started_at": "trial started at; trial start; trial start date; trial began; 试用开始时间; 试用开始日期",
    "trial_ends_at": "trial ends at; trial end; trial end date; trial expires; trial expiry date; 试用结束时间; 试用到期日",
    "renewal_state": "renewal state; renewal status; 续约状态; 续费状态",
    "renewed_at": "renewed at; renewed date; last renewal; last renewal date; 续约时间; 上次续约日期",
    "churned_at": "churned at; churn date; churned date; cancellation date; cancelled at; canceled at; 流失时间; 流失日期",
    "nps_at": "nps at; nps date; nps survey date; nps answered at; 评分时间",
    "nps_score": "nps; nps score; net promoter score; 净推荐值",
    "open_service_tickets": "open service tickets; open tickets; tickets; support tickets; tickets open; 工单; 未结工单",
    "amount": "amount; cost; spend; media spend; cost usd; amount spent; 花费; 费用; 消耗; 支出; 投放金额",
    "impressions": "impressions; impr; views; ad impressions; 展示; 展示量; 曝光量; 展现量",
    "clicks": "clicks; link clicks; ad clicks; 点击; 点击量; 点击数",
    "team": "sales team; team; team name; 团队; 销售团队",
    "region": "sales region; territory; sales territory; 大区; 片区",
    "capacity_leads": "capacity leads; capacity; lead capacity; max leads; lead limit; 容量; 线索上限",
    "is_active": "is active; active; enabled; 在职; 是否在职; 是否启用",
    "kind": "block kind; block type; blocked type; kind of block; 屏蔽类型",
    "value": "blocked value; blocked domain; blocked email; blocked; 屏蔽值; 黑名单值",
    "reason": "block reason; blocked because; reason blocked; 屏蔽原因; 拉黑原因",
    "experiment": "experiment; experiment name; experiment id; ab test; test name; 实验; 实验名称",
    "variant": "variant; variation; variant name; arm; bucket; treatment; test group; 实验组; 版本; 变体",
    "industry": "industry; sector; vertical; business segment; industry name; 行业; 所属行业",
    "company_size": "company size; employees; number of employees; employee count; headcount; staff; numberofemployees; no of employees; 员工数; 人数; 公司规模; 企业规模; 员工人数",
    "company_size_as_given": "company size range; size range; employee range; employees range; size class; company size class; 规模区间",
    "tech_stack": "tech stack; technologies; technology stack; technographics; 技术栈",
    "revenue_as_given": "annual revenue usd; revenue usd; revenue range; annual revenue range; 年收入区间",
    "is_listed": "is listed; listed; public company; publicly traded; 是否上市; 上市",
    "mql_id": "mql id; mql; lead id; submission id; form id; prospect id; registration id; contact id; response id; form submission id; form reference; "
    "线索id; 线索编号; 提交编号",
    "sql_lead_id": "sql lead id; lead id; crm lead id; sql id; who id; record id; crm id; 销售线索编号; 线索id; 线索编号",
    "opportunity_id": "opportunity id; deal id; opp id; oppty id; 商机id; 商机编号",
    "activity_id": "activity id; task id; engagement id; event id; call id; meeting id; 活动编号; 跟进编号",
    "event_id": "event id; message id; hit id; 事件id; 事件编号",
    "usage_id": "usage id; event id; log id; session id; 使用记录编号",
    "product_account_id": "product account id; account id; account number; account no; customer id; subscription id; 账户编号; 客户编号",
    "rep_id": "rep id; sales rep id; owner id; agent id; user id; employee id; rep; sales agent; 销售编号; 员工编号; 工号",
    "blocklist_id": "blocklist id; block id; entry id; 黑名单编号",
    "spend_id": "spend id; cost id; ad id; 费用编号",
    "company_reference_id": "company reference id; company id; registration number; reference no; account id; company number; duns; 企业编号; 统一社会信用代码",
}
"""Names that a field of leadflow goes by, the likeliest first."""

KEY_WORDS = "id; guid; uuid; key; record id; external id; number; no; reference; 编号; 序号; id号"
"""Names of columns that tell rows apart, in any table."""

DATE_WORDS: Mapping[str, str] = {
    "occurred": "occurred at; created date; create date; createdate; created at; created; date created; submitted; submitted at; submission date; "
    "submit date; submission time; timestamp; time; date; event time; event date; activity date; start time; start date time; first contact date; "
    "first touch; registration date; registered at; signup date; sign up date; engage date; entry date; day; month; lead date; inquiry date; "
    "activity date time; converted date; contract start; start date; conversion date; first conversion date; "
    "创建时间; 创建日期; 提交时间; 提交日期; 时间; 日期; 注册时间; 首次接触时间; 登记时间; 发生时间; 录入时间; 申请时间",
    "modified": "last modified; last modified date; lastmodifieddate; modified at; updated at; updated; last updated; update date; modified; "
    "modified date; last modified at; hs lastmodifieddate; system modstamp; 更新时间; 修改时间; 最后修改时间; 最近更新时间",
}
"""Names of the columns that say when a row's fact occurred, and when the row was last changed."""

NAME_PARTS: tuple[tuple[str, str, bool], ...] = (
    (
        "first name; firstname; given name; forename; fname",
        "last name; lastname; surname; family name; lname",
        True,
    ),
    ("姓; 姓氏", "名", False),
)
"""Names of the two columns that make a full name, in the order they are put together, and whether a blank parts them."""

TABLE_WORDS: Mapping[str, str] = {
    "mql": "mql; leads; lead; marketing; forms; form; submissions; contacts; contact; signups; registrations; subscribers; downloads; inquiries; webinar; 线索; 市场线索; 表单; 报名; 联系人",
    "sql_leads": "sql; sql leads; crm leads; sales leads; qualified leads; 销售线索",
    "opportunities": "opportunities; opportunity; deals; deal; pipeline; closed deals; sales pipeline; 商机; 订单; 成交",
    "sales_activities": "activities; activity; tasks; task; calls; meetings; meeting; engagements; engagement; 跟进; 拜访; 通话",
    "web_events": "web; web events; pageviews; page views; visits; clickstream; analytics; sessions; 网站; 浏览; 访问",
    "email_events": "email events; email event; emails; email; newsletter; mailing; opens; open; clicks; click; 邮件",
    "product_usage": "usage; product; feature usage; logins; telemetry; 使用; 产品使用",
    "product_accounts": "customers; customer; billing; subscriptions; contracts; product accounts; 客户; 合同; 订阅",
    "marketing_spend": "spend; costs; cost; budget; ads; ad spend; campaigns; 花费; 投放; 费用",
    "sales_reps": "reps; sales reps; sales teams; sales team; agents; sales agents; salespeople; owners; 销售团队; 销售人员; 销售代表",
    "blocklist": "blocklist; block list; blacklist; suppression; suppression list; do not contact; 黑名单; 屏蔽名单",
    "ab_events": "ab events; ab test; ab tests; experiments; experiment; exposures; 实验; 分流",
    "company_reference": "companies; company; accounts; account; firmographics; register; reference; 公司; 企业",
}
"""Words in a file's name that tell what its rows are."""
