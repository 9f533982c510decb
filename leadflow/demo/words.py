"""Word lists that the simulated companies and people are put together from; all invented for this purpose.

Belongs here: words, labels and their weights. Does not belong here: how they are combined.
"""

from __future__ import annotations

from typing import Final


def _split(text: str) -> tuple[str, ...]:
    return tuple(text.split())


COMPANY_HEADS: Final = _split(
    "Amber Ash Alder Arden Aspen Barley Basalt Beacon Birch Bramble Brant Bristle Cairn Calder Cedar Cinder "
    "Clover Cobalt Copper Coral Corvid Crest Dale Dapple Drift Dun Eider Elm Ember Fallow Fen Fern Finch Flint "
    "Garnet Gorse Granite Grove Hazel Heath Heron Hollow Indigo Iron Ivory Jasper Juniper Kelp Kestrel Lark "
    "Linden Loam Maple Marsh Mica Mill Moss Nettle North Oak Ochre Onyx Osprey Otter Pebble Pine Plover Quill "
    "Raven Reed Rowan Russet Sable Sedge Shale Silver Slate Sorrel"
)
COMPANY_TAILS: Final = _split(
    "bank beam bend bloom bough bourne bridge brook brow burn chart cliff combe cove crag croft dell den ditch "
    "edge fell field fleet fold ford gable gate glade glen haven helm hill holm hurst isle keep knoll lake lea "
    "mark mead mere moor peak point pool reach ridge rise run shore span spring stead stone thorn vale wick"
)
COMPANY_KINDS: Final = (
    ("Systems", "Technology"),
    ("Software", "Technology"),
    ("Cloud", "Technology"),
    ("Analytics", "Technology"),
    ("Networks", "Technology"),
    ("Robotics", "Technology"),
    ("Data", "Technology"),
    ("Security", "Technology"),
    ("Labs", "Technology"),
    ("Digital", "Technology"),
    ("Capital", "Finance"),
    ("Insurance", "Finance"),
    ("Payments", "Finance"),
    ("Credit", "Finance"),
    ("Leasing", "Finance"),
    ("Tools", "Manufacturing"),
    ("Plastics", "Manufacturing"),
    ("Motors", "Manufacturing"),
    ("Components", "Manufacturing"),
    ("Foundry", "Manufacturing"),
    ("Instruments", "Manufacturing"),
    ("Packaging", "Manufacturing"),
    ("Clinics", "Healthcare"),
    ("Pharma", "Healthcare"),
    ("Diagnostics", "Healthcare"),
    ("Care", "Healthcare"),
    ("Stores", "Retail"),
    ("Outfitters", "Retail"),
    ("Foods", "Retail"),
    ("Home", "Retail"),
    ("Logistics", "Logistics"),
    ("Freight", "Logistics"),
    ("Shipping", "Logistics"),
    ("Academy", "Education"),
    ("Learning", "Education"),
    ("Media", "Media"),
    ("Publishing", "Media"),
    ("Energy", "Energy"),
    ("Solar", "Energy"),
    ("Council", "Government"),
)
"""Last word of a company's name, and the industry it tells."""

SECTOR_SPELLINGS: Final = (
    ("Education Management", "教育"),
    ("OIL_ENERGY", "Energy ", "能源"),
    ("Financial Services", "BANKING", "金融业"),
    ("Government Administration", "政府"),
    ("Hospital & Health Care", "Health Care", "医疗"),
    ("Logistics and Supply Chain", "物流"),
    ("Industrial Manufacturing", "Machinery", "制造业"),
    ("Media & Entertainment", "Publishing", "传媒"),
    ("Consumer Goods", "E-Commerce", "零售"),
    ("INFORMATION_TECHNOLOGY_AND_SERVICES", "Software / SaaS", "Internet", "信息技术"),
)
"""How registers call the industries, too, in the order of their names."""

SIZE_CLASS_ENDS: Final = (10, 50, 200, 500, 1_000, 5_000, 10_000)
SIZE_CLASSES: Final = (
    "1-10", "11–50 employees", "51 to 200", "约300人", "501-1,000", "1,001-5,000", "5,001–10,000", "10k+",
)  # fmt: skip
"""Classes of employees up to each of SIZE_CLASS_ENDS, and above."""

TECHNOLOGIES: Final = ("Salesforce", "HubSpot", "SAP", "Snowflake", "Slack", "阿里云")

CHINESE_CITIES: Final = _split(
    "上海 北京 深圳 广州 杭州 苏州 成都 南京 武汉 西安 天津 重庆 青岛 厦门 宁波 长沙 无锡 合肥"
)
CHINESE_HEADS: Final = _split(
    "云:yun 瑞:rui 恒:heng 嘉:jia 启:qi 宏:hong 泰:tai 锦:jin 博:bo 盛:sheng 凌:ling 诚:cheng 鼎:ding 华:hua "
    "明:ming 德:de 安:an 卓:zhuo 源:yuan 景:jing 辰:chen 睿:rui 汇:hui 远:yuan 方:fang 天:tian 信:xin 和:he "
    "润:run 川:chuan"
)
CHINESE_TAILS: Final = _split(
    "杉:shan 达:da 通:tong 科:ke 联:lian 拓:tuo 峰:feng 海:hai 捷:jie 创:chuang 维:wei 智:zhi 新:xin 诺:nuo "
    "图:tu 合:he 腾:teng 帆:fan 港:gang 力:li 元:yuan 正:zheng 佳:jia 晟:sheng 利:li 禾:he 岳:yue 桥:qiao"
)
CHINESE_KINDS: Final = (
    ("科技", "keji", "Technology"),
    ("软件", "soft", "Technology"),
    ("信息技术", "info", "Technology"),
    ("网络", "net", "Technology"),
    ("智能装备", "zhineng", "Manufacturing"),
    ("机械", "jixie", "Manufacturing"),
    ("电子", "dianzi", "Manufacturing"),
    ("医药", "yiyao", "Healthcare"),
    ("物流", "wuliu", "Logistics"),
    ("商贸", "shangmao", "Retail"),
    ("教育", "edu", "Education"),
    ("能源", "nengyuan", "Energy"),
)
CHINESE_SUFFIXES: Final = ("有限公司", "股份有限公司", "集团有限公司")

FIRST_NAMES: Final = _split(
    "Anna Ben Carla Daniel Elena Felix Grace Henrik Ines Jonas Katrin Liam Marta Nils Olivia Pablo Quentin Rosa "
    "Simon Tessa Ulrich Vera Walter Xenia Yannick Zoe Adrian Bianca Connor Diana Emil Freya Gustav Hannah Ivan "
    "Julia Karl Laura Miguel Nora Oscar Petra Rafael Sofia Tobias Ursula Victor Wendy Arjun Priya Ravi Meera "
    "Thomas Clara Hugo Alice Marco Lucia Peter Ida Robert William Elizabeth Katherine Richard Margaret James Michael "
    "Alexander Charles Edward Dorothy Andrew Rebecca Anthony Patricia"
)
LAST_NAMES: Final = _split(
    "Abbott Bauer Carter Dietrich Ellis Fischer Garner Hansen Iversen Jansen Keller Lambert Moreau Novak Okafor "
    "Petersen Quinn Ritter Santos Turner Ullmann Vogel Weber Young Zeller Almeida Becker Costa Dubois Engel "
    "Ferreira Graham Hoffmann Ibsen Jones Kramer Larsen Mendes Nolan Olsen Pereira Reuter Schmidt Tanner Urban "
    "Visser Walsh Yates Zimmer Arnold Brandt Collins Drake Evans Fontaine Gupta Harper Iyer Joshi Kapoor Lindner "
    "Meyer Nair Oliveira Parker Rao Sharma Taylor Varga Winter"
)
CHINESE_SURNAMES: Final = _split(
    "王:wang 李:li 张:zhang 刘:liu 陈:chen 杨:yang 赵:zhao 黄:huang 周:zhou 吴:wu 徐:xu 孙:sun 胡:hu 朱:zhu 高:gao "
    "林:lin 何:he 郭:guo 马:ma 罗:luo 梁:liang 宋:song 郑:zheng 谢:xie 韩:han 唐:tang"
)
CHINESE_SYLLABLES: Final = _split(
    "伟:wei 芳:fang 娜:na 敏:min 静:jing 强:qiang 磊:lei 军:jun 洋:yang 勇:yong 艳:yan 杰:jie 涛:tao 明:ming 超:chao "
    "霞:xia 平:ping 刚:gang 桂:gui 文:wen 辉:hui 玲:ling 华:hua 慧:hui 建:jian 欣:xin 宇:yu 浩:hao 婷:ting 雪:xue"
)

COUNTRY_LABELS: Final = (
    ("United States", "USA", "US"),
    ("Germany", "Deutschland", "DE"),
    ("United Kingdom", "UK", "Great Britain"),
    ("China", "中国", "CN"),
    ("France", "FR", "france"),
    ("India", "IN", "india"),
    ("Canada", "CA", "canada"),
    ("Netherlands", "The Netherlands", "NL"),
    ("Brazil", "Brasil", "BR"),
)
"""Ways people write a country; the first is the usual one."""
COUNTRY_WEIGHTS: Final = (0.34, 0.13, 0.11, 0.14, 0.07, 0.08, 0.05, 0.04, 0.04)
COUNTRY_DOMAINS: Final = ("com", "de", "co.uk", "cn", "fr", "in", "ca", "nl", "com.br")
COUNTRY_SUFFIXES: Final = (
    ("Inc.", "LLC", "Corp."),
    ("GmbH", "AG", "KG"),
    ("Ltd", "Limited", "PLC"),
    CHINESE_SUFFIXES,
    ("SAS", "SA", "SARL"),
    ("Pvt Ltd", "Private Limited", "Ltd"),
    ("Inc.", "Ltd.", "Corp."),
    ("B.V.", "N.V.", "BV"),
    ("Ltda", "S.A.", "S/A"),
)
COUNTRY_DIAL_CODES: Final = ("1", "49", "44", "86", "33", "91", "1", "31", "55")
COUNTRY_CURRENCIES: Final = ("USD", "EUR", "GBP", "CNY", "EUR", "USD", "USD", "EUR", "USD")
CHINA: Final = 3

FREE_MAIL_DOMAINS: Final = ("gmail.com", "outlook.com", "yahoo.com", "hotmail.com", "mailinator.com")
FREE_MAIL_WEIGHTS: Final = (0.56, 0.18, 0.14, 0.1, 0.02)
CHINESE_FREE_MAIL_DOMAINS: Final = ("qq.com", "163.com", "126.com")

TITLES: Final = (
    ("CEO", "CTO", "Chief Information Officer", "CFO", "Chief Marketing Officer", "Founder & CEO"),
    (
        "Director of IT",
        "VP Engineering",
        "Head of Data",
        "Vice President, Sales",
        "Sales Director",
        "IT-Leiter",
    ),
    ("Engineering Manager", "Marketing Manager", "IT Manager", "Product Manager", "Operations Manager"),
    ("Data Engineer", "Analyst", "Software Developer", "Consultant", "Marketing Specialist", "Architect"),
    ("Student", "Intern", "Working student", "PhD student", "Trainee"),
)
"""Job titles by seniority band, from C-level to student."""
CHINESE_TITLES: Final = (
    ("首席执行官", "首席技术官", "总裁", "董事长"),
    ("技术总监", "副总裁", "信息总监", "销售总监"),
    ("产品经理", "市场经理", "项目经理", "IT经理"),
    ("软件工程师", "数据分析师", "市场专员", "顾问"),
    ("实习生", "学生", "研究生"),
)
SENIORITY_WEIGHTS: Final = (0.11, 0.17, 0.27, 0.36, 0.09)

CHANNELS: Final = (
    "Organic Search",
    "Paid Search",
    "Paid Social",
    "Webinar",
    "Content Syndication",
    "Event",
    "Referral",
    "E-mail",
)
CHANNEL_WEIGHTS: Final = (0.24, 0.2, 0.17, 0.12, 0.11, 0.06, 0.06, 0.04)
CAMPAIGNS: Final = (
    ("blog",),
    ("brand", "generic", "competitor terms"),
    ("lookalike", "retargeting"),
    ("data quality live", "product tour live"),
    ("partner network", "industry portal"),
    ("spring fair", "autumn summit"),
    ("partner referral", "word of mouth"),
    ("newsletter", "win back"),
)
"""Campaigns by channel, in the order of CHANNELS."""
CONTENT: Final = (
    ("Newsletter", "/newsletter"),
    ("White paper", "/resources/white-paper"),
    ("Webinar", "/webinars/register"),
    ("Case study", "/resources/case-study"),
    ("Contact", "/contact"),
    ("Trial", "/trial"),
    ("Demo request", "/demo"),
)
"""What a form gives access to, and the page it stands on."""
CONTENT_WEIGHTS: Final = (0.16, 0.26, 0.18, 0.12, 0.09, 0.1, 0.09)
CONTENT_INTENT_SLOPES: Final = (-0.5, 0.0, 0.0, 0.1, 0.3, 0.5, 0.7)
HEARD_ABOUT_US: Final = (
    "Google",
    "LinkedIn",
    "A colleague",
    "Conference",
    "Podcast",
    "Newsletter",
    "don't remember",
)

PAGES: Final = (
    "/",
    "/product",
    "/product/integrations",
    "/blog",
    "/about",
    "/careers",
    "/docs",
    "/customers",
    "/security",
)
DOWNLOADS: Final = (
    ("white_paper", "/resources/white-paper"),
    ("case_study", "/resources/case-study"),
    ("data_sheet", "/resources/data-sheet"),
    ("e_book", "/resources/e-book"),
)
USER_AGENTS: Final = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.4 Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:139.0) Gecko/20100101 Firefox/139.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
)
BOT_USER_AGENTS: Final = (
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "python-requests/2.32.3",
)
EMAIL_CAMPAIGNS: Final = (
    "welcome series",
    "monthly newsletter",
    "product updates",
    "event invitation",
    "trial nudge",
)
FEATURES: Final = ("dashboard", "import", "scoring", "reports", "api", "settings")

REPS: Final = (
    "J. Ahlberg",
    "M. Castell",
    "R. Dorn",
    "S. Egerton",
    "P. Faulk",
    "T. Ginsberg",
    "林晓",
    "K. Holt",
)
REJECTION_REASONS: Final = (
    "no budget",
    "not reachable",
    "wrong contact",
    "too small",
    "only researching",
    "duplicate",
)
BUDGETS: Final = ("none", "planned", "approved")
AUTHORITIES: Final = ("user", "influencer", "decision maker")
NEEDS: Final = ("just looking", "replace spreadsheets", "replace a competitor", "new project")
TIMELINES: Final = ("more than a year", "this year", "this quarter")
DECISION_PROCESSES: Final = ("unknown", "single decision maker", "buying committee", "tender")
ACTIVITY_RESULTS: Final = (
    ("no answer", "left a message", "interested", "call back", "not interested"),
    ("held", "held", "postponed", "no show"),
    ("sent", "answered", "bounced"),
    ("sent", "sent", "revised"),
)
"""What a rep notes, by activity: call, meeting, email, quote."""
