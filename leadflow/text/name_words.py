"""Words in names of persons: titles, family names of China, short forms, and what is typed where a name should be.

Belongs here: lists, in lower case, without accents, in simplified characters. Does not belong here: what is done with them
(persons.py). English short forms come from a package; those here are of other languages.
"""

from __future__ import annotations

from typing import Final

from leadflow.text.values import word_set

TITLES: Final = word_set(
    "mr mrs ms miss mx sir madam dame lord lady dr prof professor doctor rev fr hon herr frau dipl ing dipling mag m mme mlle "
    "monsieur madame sr sra srta dott dottssa avv drs ir mevr dhr pan pani hr fru eng"
)
TITLES_AFTER: Final = word_set("phd md mba msc bsc cpa cfa pmp esq jr ii iii iv dds llm meng mph rn pe facs")
PARTICLES: Final = word_set(
    "van von der den de del della di da dos das do du la le lo el al bin ibn ben bint ter ten te zu zum zur af av y e st saint san mac mc o"
)

# The commonest family names; the first two hundred cover some 96 % of people in China.
CHINESE_FAMILY_NAMES: Final = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩邓冯曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖石金韦贾夏付方邹"
    "熊白孟秦邱侯江尹薛闫段雷龙黎史陶贺毛郝顾龚邵万覃武钱戴严莫孔向常汤康易乔赖文葛祁庞樊兰殷施洪翟安颜倪牛温芦季俞章鲁鲍岳聂丛邢梅盛童焦耿"
    "骆符解单阮柳喻左柯欧甘苗涂舒尚卞凌查翁冷柏关纪成詹费裴席欧卜华游鞠路柴项应宁司尤麦窦艾仇冉车房伍池闵蒲屈植宫蓝连米虞滕苟桂党齐辛全晏谷"
    "佘娄巩花臧褚管卓简曲楚桑霍储巫饶边司瞿隋滑木丘邬迟景丰卫狄包敖郎凤韶毕靳原"
)
TWO_CHARACTER_FAMILY_NAMES: Final = word_set(
    "欧阳 上官 司马 诸葛 东方 皇甫 尉迟 公孙 慕容 司徒 令狐 夏侯 轩辕 宇文 长孙 端木 南宫 西门 独孤 百里 东郭 闻人 澹台 拓跋"
)
# Where a character sounds otherwise as a family name, without tones.
FAMILY_NAME_SOUNDS: Final = {
    "单": "shan", "曾": "zeng", "解": "xie", "查": "zha", "仇": "qiu", "区": "ou", "任": "ren", "朴": "piao", "翟": "zhai",
    "覃": "qin", "尉迟": "yuchi", "冼": "xian", "缪": "miao", "盖": "ge", "乐": "yue", "长孙": "zhangsun", "华": "hua",
}  # fmt: skip
# How a Chinese person is called after the family name, or signs after the whole name.
CHINESE_ADDRESSES: Final = word_set(
    "先生 女士 小姐 太太 老师 总 总经理 经理 主任 主管 总监 董事长 董事 老板 工 博士 教授 医生 律师 部长 店长 厂长 校长 院长 所长 科长 处长 "
    "会计 同学 师傅 工程师 总裁 助理 秘书 某 某某 哥 姐 叔 阿姨"
)

SHORT_FORMS: Final = {
    formal: word_set(short)
    for formal, short in {
        "gustav": "gus gusti", "tobias": "tobi", "rafael": "rafa rafi", "sofia": "sofi sophie", "ursula": "uschi ulla", "adrian": "adi",
        "katrin": "kati kathi", "hannah": "hanni hanna", "jonas": "joni", "yannick": "yann", "miguel": "miki", "petra": "pet peti",
        "johannes": "hannes jo johann hans", "joachim": "jochen achim", "wolfgang": "wolf wolfi", "friedrich": "fritz fred", "josef": "sepp beppo",
        "maximilian": "max maxi", "sebastian": "basti seb bastian", "christian": "chris", "christoph": "chris stoffel", "matthias": "matze hias",
        "andreas": "andi andy", "stefan": "steff", "thomas": "tom tommi", "michael": "michi micha mischa", "alexander": "alex sascha sasha xander",
        "alexandra": "alex sandra sascha sasha", "elisabeth": "lisa elli sissi liesl betty else", "katharina": "kathi katja kathe", "susanne": "susi",
        "margarete": "gretel grete greta", "franziska": "franzi", "magdalena": "lena magda", "johanna": "hanna jo", "barbara": "babsi barbel",
        "gabriele": "gabi", "heinrich": "heinz heiner", "ludwig": "lutz", "ulrich": "uli", "juergen": "jurgen", "jurgen": "juergen",
        "francisco": "paco pancho curro", "jose": "pepe", "ignacio": "nacho", "enrique": "quique kike", "guadalupe": "lupe", "dolores": "lola",
        "concepcion": "concha", "rosario": "charo", "mercedes": "merche", "jesus": "chus chuy", "eduardo": "edu lalo", "fernando": "nando",
        "santiago": "santi", "manuel": "manolo manu", "antonio": "toni tono", "alejandro": "alex jandro", "roberto": "beto tito", "luis": "lucho",
        "giuseppe": "beppe peppe pino", "francesco": "franco checco", "giovanni": "gianni nanni", "luigi": "gigi", "vincenzo": "enzo",
        "lorenzo": "renzo enzo", "domenico": "mimmo", "salvatore": "toto turi", "joao": "jo", "jean": "jeannot", "frederic": "fred", "philippe": "phil",
        "nicolas": "nico", "benjamin": "ben benni", "dmitri": "dima mitya", "vladimir": "vova volodya", "ivan": "vanya", "mikhail": "misha",
        "aleksandr": "sasha alex", "aleksandra": "sasha", "nikolai": "kolya", "sergei": "seryozha", "yekaterina": "katya", "ekaterina": "katya kate",
        "anastasia": "nastya", "natalia": "natasha", "tatiana": "tanya", "maria": "mia mari masha mascha", "evgeny": "zhenya", "yevgeny": "zhenya",
        "krzysztof": "krzysiek", "malgorzata": "gosia", "katarzyna": "kasia", "joanna": "asia", "aleksander": "olek alex", "stanislaw": "staszek",
        "xenia": "xeni", "bianca": "bibi", "lucia": "luz luci", "quentin": "quin", "julia": "jule juli", "simon": "si",
    }.items()
}  # fmt: skip

NO_NAMES: Final = word_set(
    "test tests tester testing testname asdf qwerty asd qwe abc xyz xxx foo bar foobar dummy sample example demo fake none null nobody noname "
    "unknown anonymous anon name firstname lastname surname fullname yourname user username admin administrator info sales office support contact "
    "webmaster customer client guest na no first last full the your my blah "
    "测试 测试员 测试用户 测试一下 测试人 试试 无名 匿名 匿名用户 姓名 名字 用户 先生 女士 小姐 某某 某人 路人 路人甲 张三 李四 王五 无 没有 管理员 客服 访客 "
    "游客 随便 不知道 呵呵 哈哈 保密 不方便 未命名"
)
KEYBOARD_ROWS: Final = tuple(
    row
    for rows in ("qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "azertyuiop", "abcdefghijkl")
    for row in (rows, rows[::-1])
)
