"""What sources call industries, by the sector that each is in.

Belongs here: the words, separated by semicolons, in English and Chinese: the levels of GICS below its sectors, the sectors
of NAICS, the sections of GB/T 4754, the industries that LinkedIn and HubSpot offer, and what forms write. Does not belong
here: finding a word (industries.py).
"""

from __future__ import annotations

from typing import Final

SECTOR_WORDS: Final = {
    "Information Technology": """
        technology; technolgy; tech; high tech; hi tech; information technology and services; it; it services; it consulting;
        ict; it consulting and other services; it services and it consulting; software; software and services; computer software;
        software development; software and it; application software; systems software; enterprise software; saas; cloud; cloud computing;
        paas; ai; artificial intelligence; machine learning; big data; data analytics; cybersecurity; cyber security; it security;
        computer and network security; computer networking; computer networking products; computer hardware; computers; hardware;
        computer hardware manufacturing; computer systems design; internet; internet software and services;
        internet services and infrastructure; internet services; web services; web development; information services;
        data processing; data processing and hosting; semiconductors; semiconductor; semiconductors and semiconductor equipment;
        semiconductor materials and equipment; semiconductor manufacturing; electronics; computer electronics; electronic components;
        electrical electronic manufacturing; electronic equipment and instruments; electronic equipment instruments and components;
        electronic manufacturing services; technology hardware; technology hardware and equipment;
        technology hardware storage and peripherals; communications equipment; technology distributors; network security;
        wireless technology; internet of things; iot; blockchain; nanotechnology; technology information and internet;
        technology information and media; information technology and telecommunications; fintech software; edtech software;
        科技; 高科技; 科技行业; 技术; 信息技术; 信息科技; it互联网; 信息传输软件和信息技术服务业; 软件和信息技术服务业; 软件; 软件服务;
        软件开发; 计算机; 计算机软件; 计算机硬件; 互联网; 互联网服务; 互联网it; 云计算; 大数据; 人工智能; 网络安全; 信息安全; 电子; 电子信息;
        半导体; 芯片; 集成电路; 电子制造; 通信设备; 物联网; it服务; 信息服务; 企业服务软件""",
    "Communication Services": """
        media; media and entertainment; entertainment; telecommunications; telecommunication services; telecommunication; telecom;
        telecoms; communications; communication; wireless; wireless telecommunication services; integrated telecommunication services;
        diversified telecommunication services; alternative carriers; broadcasting; broadcast media; cable and satellite; publishing;
        newspapers; newspaper publishing; book publishing; periodicals; online media; social media; interactive media and services;
        interactive home entertainment; movies and entertainment; motion pictures and film; film; music; games; gaming;
        computer games; video games; advertising; marketing; marketing and advertising; advertising services; pr;
        public relations and communications; animation; media production; performing arts; information; writing and editing;
        传媒; 媒体; 新闻出版; 广播电视; 出版; 文化传媒; 文化娱乐; 文化体育和娱乐业; 娱乐; 影视; 游戏; 网络游戏; 广告; 营销; 市场营销; 广告营销;
        公关; 通信; 电信; 通信服务; 电信运营; 社交媒体""",
    "Financials": """
        finance; financial; financial services; finance and insurance; diversified financials; diversified financial services; banking;
        bank; banks; diversified banks; regional banks; investment banking; investment banking and brokerage; capital markets;
        asset management; asset management and custody banks; investment management; venture capital and private equity;
        venture capital; private equity; wealth management; hedge funds; insurance; insurance brokers; reinsurance;
        life and health insurance; multi line insurance; property and casualty insurance; consumer finance; credit; leasing;
        financial exchanges and data; thrifts and mortgage finance; mortgage finance; mortgage reits; payments; fintech;
        financial technology; transaction and payment processing services; multi sector holdings; specialized finance;
        金融; 金融业; 金融服务; 银行; 银行业; 保险; 保险业; 证券; 基金; 投资; 投资管理; 资产管理; 私募; 风险投资; 信托; 支付; 金融科技; 非银金融;
        多元金融; 融资租赁""",
    "Health Care": """
        healthcare; health; medical; medicine; hospital and health care; hospitals and health care; hospital; hospitals; clinics;
        health wellness and fitness; wellness and fitness services; health care and social assistance; health care equipment and services;
        health care equipment; health care supplies; health care equipment and supplies; health care providers and services; health care services;
        health care facilities; health care distributors; health care technology; managed health care; medical devices; medical device;
        medical equipment; medical practice; medical practices; mental health care; pharmaceuticals; pharmaceutical; pharma;
        pharmaceutical manufacturing; biotechnology; biotech; biotechnology research; life sciences; life science;
        life sciences tools and services; pharmaceuticals biotechnology and life sciences; diagnostics; veterinary; dental;
        alternative medicine; digital health;
        医疗; 医疗健康; 医药; 医药生物; 生物医药; 制药; 医院; 医疗器械; 医疗服务; 生物科技; 生物技术; 健康; 大健康; 卫生; 卫生和社会工作; 医疗卫生""",
    "Industrials": """
        industrial; industry; manufacturing; industrial manufacturing; capital goods; machinery; machinery manufacturing;
        industrial machinery; industrial machinery and supplies and components; agricultural and farm machinery; industrial engineering;
        construction machinery and heavy transportation equipment; mechanical or industrial engineering; industrial automation;
        automation machinery manufacturing; aerospace; aerospace and defense; aviation and aerospace; aviation and aerospace component manufacturing;
        defense; defense and space; airlines; airlines aviation; passenger airlines; airports; air freight and logistics; airport services;
        building products; construction and engineering; construction; civil engineering; engineering; engineering services;
        electrical equipment; electrical components and equipment; heavy electrical equipment; industrial conglomerates; conglomerates;
        logistics; logistics and supply chain; transportation logistics supply chain and storage; supply chain; transportation;
        transport; transportation and warehousing; transportation trucking railroad; trucking; truck transportation; freight; shipping;
        shipbuilding; maritime; marine; marine transportation; marine ports and services; railroads; rail transportation; road and rail;
        ground transportation; cargo ground transportation; passenger ground transportation; package freight delivery; warehousing;
        transportation infrastructure; highways and railtracks; trading companies and distributors; import and export;
        international trade and development; wholesale; wholesale trade; commercial and professional services; commercial services and supplies;
        commercial services; professional services; business services; services; service; consulting; management consulting;
        business consulting and services; research and consulting services; human resources; human resource and employment services;
        employment; staffing; staffing and recruiting; recruiting; outsourcing offshoring; outsourcing; data processing and outsourced services;
        facilities services; security and alarm services; security and investigations; environmental services; environmental and facilities services;
        waste management; diversified support services; office services and supplies; commercial printing; printing; printing services; legal;
        legal services; law practice; accounting; design; design services; architecture and planning; graphic design; events services;
        administrative and support services; professional scientific and technical services; management of companies and enterprises;
        translation and localization; program development; professional training and coaching; business supplies and equipment; market research;
        agriculture machinery; robotics; 3d printing; tools;
        工业; 制造; 制造业; 生产制造; 机械; 机械制造; 机械设备; 装备制造; 设备制造; 电气设备; 电力设备; 工程; 工程建设; 建筑; 建筑业; 建筑工程; 建筑装饰;
        航空; 航天; 航空航天; 国防军工; 军工; 物流; 物流运输; 交通运输; 交通运输仓储和邮政业; 运输; 仓储; 供应链; 快递; 航运; 铁路; 贸易; 进出口贸易;
        批发; 批发业; 商务服务; 租赁和商务服务业; 专业服务; 企业服务; 咨询; 管理咨询; 人力资源; 人力资源服务; 法律; 法律服务; 会计; 设计; 检测; 环保;
        外包; 服务业; 科学研究和技术服务业""",
    "Materials": """
        material; basic materials; raw materials; chemicals; chemical; chemical manufacturing; commodity chemicals; specialty chemicals;
        diversified chemicals; industrial gases; fertilizers and agricultural chemicals; plastics; plastics manufacturing; metals; metals and mining;
        mining; mining and metals; diversified metals and mining; mining quarrying and oil and gas extraction; copper; gold; silver; precious metals and minerals; steel; aluminum;
        paper; paper and forest products; paper and forest product manufacturing; paper products; forest products; forestry; packaging;
        packaging and containers; packaging and containers manufacturing; containers and packaging; metal glass and plastic containers;
        paper and plastic packaging products and materials; construction materials; building materials; glass ceramics and concrete;
        wholesale building materials;
        材料; 原材料; 新材料; 化工; 化学; 化学制品; 基础化工; 石化化工; 钢铁; 有色金属; 金属; 冶金; 采矿; 采矿业; 矿业; 建材; 建筑材料; 造纸; 包装; 塑料; 橡胶""",
    "Consumer Discretionary": """
        retail; retailing; retail trade; retailer; retail apparel and fashion; broadline retail; multiline retail; specialty retail;
        other specialty retail; internet and direct marketing retail; internet retail; e commerce; ecommerce; online retail; apparel retail;
        automotive retail; computer and electronics retail; home improvement retail; homefurnishing retail; department stores; distributors;
        consumer goods; consumer products; consumer; consumer durables; consumer durables and apparel; consumer electronics; consumer services;
        diversified consumer services; specialized consumer services; household durables; household appliances; home furnishings; furniture;
        homebuilding; textiles; textile; textiles apparel and luxury goods; apparel and fashion; apparel; apparel accessories and luxury goods;
        fashion; footwear; luxury goods and jewelry; jewelry; sporting goods; sports; leisure products; leisure; toys; arts and crafts;
        hospitality; hotels; hotels restaurants and leisure; hotels resorts and cruise lines; hotels and motels; accommodation; restaurants; restaurant;
        accommodation and food services; food and beverage services; food services; leisure travel and tourism; travel; tourism; travel arrangements; casinos and gaming; gambling and casinos;
        recreation; recreational facilities and services; arts entertainment and recreation; arts; museums and institutions; photography;
        automotive; automobile; automobiles; automobile manufacturers; automobiles and components; auto components; auto parts; automotive parts and equipment;
        cars; motor vehicle manufacturing; tires and rubber; motorcycle manufacturers; education; educational services; education services; e learning;
        e learning providers; education management; higher education; primary secondary education; primary and secondary education; schools; university; universities; training;
        零售; 零售业; 批发和零售业; 商贸零售; 电商; 电子商务; 消费; 消费品; 可选消费; 家电; 家用电器; 家居; 家具; 纺织; 服装; 纺织服装; 纺织服饰; 鞋服; 奢侈品; 珠宝; 汽车;
        汽车制造; 汽车零部件; 新能源汽车; 酒店; 餐饮; 住宿和餐饮业; 旅游; 酒店旅游; 社会服务; 体育; 教育; 教育培训; 培训; 学校; 高校; 居民服务; 轻工制造""",
    "Consumer Staples": """
        food; foods; food and beverages; food and beverage; food beverage and tobacco; food products; food production; food manufacturing;
        food and beverage manufacturing; packaged foods and meats; packaged foods; agricultural products; agricultural products and services;
        agriculture; farming; fishery; fishing; dairy; ranching; agriculture forestry fishing and hunting; beverages; beverage manufacturing; brewers; breweries;
        distillers and vintners; wine and spirits; soft drinks; soft drinks and non alcoholic beverages; tobacco; food retail; supermarkets;
        grocery; drug retail; food distributors; food and staples retailing; consumer staples distribution and retail; consumer staples merchandise retail;
        hypermarkets and super centers; household products; household and personal products; personal products; personal care products; personal care;
        cosmetics; beauty; fmcg; cpg; consumer packaged goods;
        食品; 食品饮料; 饮料; 酒; 白酒; 乳业; 农业; 农林牧渔; 农林牧渔业; 畜牧; 渔业; 种植业; 快消; 快消品; 快速消费品; 日化; 日用品; 化妆品; 美妆; 美容护理; 烟草; 超市; 必需消费""",
    "Energy": """
        oil and gas; oil; gas; oil and energy; oil gas and consumable fuels; oil gas and mining; coal; coal and consumable fuels; petroleum;
        energy equipment and services; integrated oil and gas; oil and gas drilling; oil and gas equipment and services; oil and gas midstream;
        oil and gas exploration and production; oil and gas refining and marketing; oil and gas storage and transportation; petroleum refining;
        oilfield services; drilling; energy technology;
        能源; 石油; 石化; 石油石化; 石油天然气; 天然气; 煤炭; 油气; 新能源""",
    "Utilities": """
        utility; electric utilities; electricity; electric power; power; power generation; gas utilities; multi utilities; water utilities; water;
        water and sewer; independent power and renewable electricity producers; independent power producers and energy traders;
        renewable electricity; renewables and environment; renewable energy; renewables; solar; solar energy; wind power;
        renewable energy power generation; services for renewable energy;
        公用事业; 电力; 电力供应; 水务; 燃气; 供水; 供电; 电力热力燃气及水生产和供应业; 发电; 光伏; 风电; 太阳能""",
    "Real Estate": """
        property; real estate management and development; real estate development; real estate services; commercial real estate;
        equity real estate investment trusts reits; equity real estate investment trusts; reit; reits; diversified reits; industrial reits;
        hotel and resort reits; office reits; health care reits; residential reits; multi family residential reits; single family residential reits;
        retail reits; specialized reits; other specialized reits; data center reits; self storage reits; telecom tower reits; timber reits;
        real estate rental and leasing; real estate and rental and leasing; leasing real estate; property management; facilities management;
        房地产; 房地产业; 地产; 物业; 物业管理; 房产; 房地产开发""",
    "Government": """
        government administration; public administration; public sector; public service; public services; government agency; federal government;
        state government; local government; municipality; military; armed forces; law enforcement; public safety; judiciary; legislative office;
        public policy; international affairs; government relations; political organization; executive office;
        政府; 政府机构; 政府机关; 机关; 公共管理; 公共管理社会保障和社会组织; 事业单位; 党政机关; 军队; 公安; 国际组织""",
    "Non-Profit": """
        non profit; nonprofit; not for profit; non profit organization; non profit organizations; non profit organization management; ngo; charity; charities; philanthropy;
        philanthropic fundraising services; fund raising; fundraising; civic and social organization; civic and social organizations; religious institutions; religious organizations; religion;
        membership organizations; associations; think tanks; foundations; individual and family services; libraries;
        非营利; 非营利组织; 公益; 慈善; 社会组织; 社会团体; 协会; 基金会; 宗教""",
}  # fmt: skip
