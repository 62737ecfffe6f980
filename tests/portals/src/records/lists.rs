//! What names, places and numbers are made of.

use super::person::Gender;
use super::random::Random;

/// A district.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Place {
    /// Its code (GB/T 2260).
    pub(super) code: &'static str,
    /// Its province and city as in addresses.
    city: &'static str,
    /// Its own name.
    district: &'static str,
    /// Its city as in names of enterprises.
    short: &'static str,
}

const fn place_of(
    code: &'static str,
    city: &'static str,
    district: &'static str,
    short: &'static str,
) -> Place {
    Place {
        code,
        city,
        district,
        short,
    }
}

/// Districts, weighted roughly by the people of their province.
const PLACES: [(Place, u32); 34] = [
    (place_of("110101", "北京市", "东城区", "北京"), 8),
    (place_of("110108", "北京市", "海淀区", "北京"), 14),
    (place_of("120101", "天津市", "和平区", "天津"), 14),
    (place_of("130102", "河北省石家庄市", "长安区", "石家庄"), 74),
    (place_of("140105", "山西省太原市", "小店区", "太原"), 35),
    (
        place_of("150102", "内蒙古自治区呼和浩特市", "新城区", "呼和浩特"),
        24,
    ),
    (place_of("210102", "辽宁省沈阳市", "和平区", "沈阳"), 42),
    (place_of("220104", "吉林省长春市", "朝阳区", "长春"), 24),
    (
        place_of("230103", "黑龙江省哈尔滨市", "南岗区", "哈尔滨"),
        31,
    ),
    (place_of("310104", "上海市", "徐汇区", "上海"), 11),
    (place_of("310115", "上海市", "浦东新区", "上海"), 14),
    (place_of("320106", "江苏省南京市", "鼓楼区", "南京"), 85),
    (place_of("330106", "浙江省杭州市", "西湖区", "杭州"), 65),
    (place_of("340104", "安徽省合肥市", "蜀山区", "合肥"), 61),
    (place_of("350203", "福建省厦门市", "思明区", "厦门"), 41),
    (place_of("360102", "江西省南昌市", "东湖区", "南昌"), 45),
    (place_of("370102", "山东省济南市", "历下区", "济南"), 101),
    (place_of("410105", "河南省郑州市", "金水区", "郑州"), 99),
    (place_of("420106", "湖北省武汉市", "武昌区", "武汉"), 58),
    (place_of("430102", "湖南省长沙市", "芙蓉区", "长沙"), 66),
    (place_of("440106", "广东省广州市", "天河区", "广州"), 70),
    (place_of("440305", "广东省深圳市", "南山区", "深圳"), 56),
    (
        place_of("450103", "广西壮族自治区南宁市", "青秀区", "南宁"),
        50,
    ),
    (place_of("460106", "海南省海口市", "龙华区", "海口"), 10),
    (place_of("500103", "重庆市", "渝中区", "重庆"), 32),
    (place_of("510104", "四川省成都市", "锦江区", "成都"), 84),
    (place_of("520103", "贵州省贵阳市", "云岩区", "贵阳"), 39),
    (place_of("530102", "云南省昆明市", "五华区", "昆明"), 47),
    (place_of("540102", "西藏自治区拉萨市", "城关区", "拉萨"), 4),
    (place_of("610113", "陕西省西安市", "雁塔区", "西安"), 40),
    (place_of("620102", "甘肃省兰州市", "城关区", "兰州"), 25),
    (place_of("630104", "青海省西宁市", "城西区", "西宁"), 6),
    (
        place_of("640104", "宁夏回族自治区银川市", "兴庆区", "银川"),
        7,
    ),
    (
        place_of("650102", "新疆维吾尔自治区乌鲁木齐市", "天山区", "乌鲁木齐"),
        26,
    ),
];

/// Surnames, in hundredths of a percent of all people.
pub(super) const SURNAMES: &[((&str, &str), u32)] = &[
    (("王", "wang"), 722),
    (("李", "li"), 721),
    (("张", "zhang"), 680),
    (("刘", "liu"), 517),
    (("陈", "chen"), 454),
    (("杨", "yang"), 308),
    (("黄", "huang"), 229),
    (("赵", "zhao"), 223),
    (("吴", "wu"), 205),
    (("周", "zhou"), 201),
    (("徐", "xu"), 149),
    (("孙", "sun"), 148),
    (("马", "ma"), 129),
    (("朱", "zhu"), 126),
    (("胡", "hu"), 115),
    (("郭", "guo"), 112),
    (("何", "he"), 108),
    (("林", "lin"), 105),
    (("高", "gao"), 101),
    (("罗", "luo"), 96),
    (("郑", "zheng"), 94),
    (("梁", "liang"), 86),
    (("谢", "xie"), 78),
    (("宋", "song"), 76),
    (("唐", "tang"), 69),
    (("许", "xu"), 66),
    (("韩", "han"), 63),
    (("冯", "feng"), 61),
    (("邓", "deng"), 60),
    (("曹", "cao"), 59),
    (("彭", "peng"), 57),
    (("曾", "zeng"), 56),
    (("肖", "xiao"), 55),
    (("田", "tian"), 54),
    (("董", "dong"), 52),
    (("袁", "yuan"), 50),
    (("潘", "pan"), 49),
    (("于", "yu"), 48),
    (("蒋", "jiang"), 47),
    (("蔡", "cai"), 46),
    (("余", "yu"), 45),
    (("杜", "du"), 44),
    (("叶", "ye"), 42),
    (("程", "cheng"), 42),
    (("苏", "su"), 41),
    (("魏", "wei"), 41),
    (("吕", "lv"), 40),
    (("丁", "ding"), 39),
    (("任", "ren"), 38),
    (("沈", "shen"), 38),
    (("姚", "yao"), 37),
    (("卢", "lu"), 37),
    (("姜", "jiang"), 35),
    (("崔", "cui"), 35),
    (("钟", "zhong"), 34),
    (("谭", "tan"), 34),
    (("陆", "lu"), 33),
    (("汪", "wang"), 32),
    (("范", "fan"), 31),
    (("金", "jin"), 30),
    (("石", "shi"), 29),
    (("廖", "liao"), 29),
    (("贾", "jia"), 28),
    (("夏", "xia"), 27),
    (("韦", "wei"), 26),
    (("欧阳", "ouyang"), 7),
    (("上官", "shangguan"), 1),
    (("司徒", "situ"), 1),
];

/// Characters of given names, by the fashion of the time.
pub(super) const fn given(year: u32, gender: Gender) -> &'static str {
    match (year, gender) {
        (..1970, Gender::Male) => "国建华明军平志文德福民生林荣庆海忠永东新",
        (..1970, Gender::Female) => "秀英兰珍芳玉梅淑桂华凤琴霞素红春月云爱莲",
        (1970..1990, Gender::Male) => "伟强磊军勇涛超波辉刚健鹏飞杰斌峰亮俊凯宁",
        (1970..1990, Gender::Female) => "丽静敏娟艳霞燕玲娜萍红莉芳颖慧琳倩雪婷洁",
        (_, Gender::Male) => "浩宇轩子涵博文睿泽俊杰梓豪一诺晨奕辰昊天皓",
        (_, Gender::Female) => "欣怡梓涵雨萱诗琪佳思语桐可馨若汐悦宁雅晴琳",
    }
}

/// Beginnings of mobile numbers.
pub(super) const MOBILE: &[&str] = &[
    "130", "131", "132", "133", "135", "136", "137", "138", "139", "150", "151", "152", "153",
    "155", "156", "157", "158", "159", "166", "173", "176", "177", "178", "180", "181", "182",
    "183", "185", "186", "187", "188", "189", "191", "198", "199",
];

/// Beginnings of card numbers, and their lengths.
pub(super) const CARDS: &[(&str, usize)] = &[
    ("622202", 19),
    ("622848", 19),
    ("621700", 19),
    ("621661", 19),
    ("621799", 19),
    ("622588", 16),
    ("622260", 19),
    ("622155", 16),
    ("625965", 16),
    ("622622", 16),
];

const STREETS: &[&str] = &[
    "人民路",
    "中山路",
    "解放路",
    "建设路",
    "和平路",
    "文化路",
    "胜利路",
    "新华路",
    "长江路",
    "学府路",
    "科技路",
    "滨江大道",
    "花园街",
    "青年路",
    "迎宾大道",
];

const ESTATES: &[&str] = &[
    "锦绣花园",
    "阳光小区",
    "翠湖苑",
    "金色家园",
    "幸福里",
    "书香门第",
    "滨河新村",
    "紫薇苑",
];

const MARKS: &[&str] = &[
    "恒泰", "鑫源", "博远", "众诚", "天合", "瑞丰", "华信", "联创", "启明", "云帆", "盛世", "佳禾",
];

const TRADES: &[&str] = &[
    "科技",
    "商贸",
    "信息技术",
    "建筑工程",
    "餐饮管理",
    "物流",
    "电子",
    "文化传媒",
    "医疗器械",
    "农业发展",
];

pub(super) fn place(random: &mut Random) -> Place {
    random.weighted(&PLACES).copied().unwrap_or_default()
}

pub(super) fn address(place: Place, random: &mut Random) -> String {
    let street = random.one_of(STREETS);
    let estate = random.one_of(ESTATES);
    let (number, building, unit) = (
        1 + random.below(399),
        1 + random.below(28),
        1 + random.below(4),
    );
    let room = (1 + random.below(18)) * 100 + 1 + random.below(4);
    format!(
        "{}{}{street}{number}号{estate}{building}栋{unit}单元{room}室",
        place.city, place.district
    )
}

pub(super) fn enterprise_name(place: Place, random: &mut Random) -> String {
    format!(
        "{}{}{}有限公司",
        place.short,
        random.one_of(MARKS),
        random.one_of(TRADES)
    )
}
