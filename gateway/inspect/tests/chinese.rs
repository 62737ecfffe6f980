#![cfg(test)]
//! Ordinary Chinese forms, searches and prose, made from templates: none of them may be blocked.

use hangu_inspect::{Completeness, Head, Inspector, Settings};

const SURNAMES: &[&str] = &[
    "张",
    "王",
    "李",
    "赵",
    "欧阳",
    "司马",
    "阿依古丽·",
    "扎西",
    "诸葛",
    "万俟",
];
const GIVEN: &[&str] = &[
    "伟", "秀英", "建国", "子涵", "玉兰", "小明", "浩然", "思琪", "志强", "雪梅",
];
const CITIES: &[&str] = &[
    "北京市海淀区",
    "上海市浦东新区",
    "广东省深圳市南山区",
    "新疆维吾尔自治区乌鲁木齐市",
    "浙江省杭州市西湖区",
    "四川省成都市锦江区",
];
const ROADS: &[&str] = &[
    "中关村大街",
    "人民路",
    "建设一路",
    "文化东路",
    "解放大道(南段)",
    "科技园北区",
];
const MATTERS: &[&str] = &[
    "户口迁移",
    "社保卡补办",
    "公积金提取",
    "不动产登记",
    "营业执照变更",
    "国库支付",
    "异常名录移出",
    "新生儿出生登记",
    "居住证签注",
    "残疾人证换领",
];
const REASONS: &[&str] = &[
    "因工作调动，需要办理",
    "原件遗失；请补发",
    "材料已备齐（共3份），请尽快办理",
    "资料有误：姓名应为“{name}”",
    "请问还需要提供哪些材料？谢谢！",
    "本人已阅读并同意《办事须知》第二条、第三条",
    "金额为￥1,280.50元，占比12.5%",
    "办理时间：2024-05-06 09:30~11:00",
    "联系电话 010-62345678 转 801",
    "地址变更：由A座3-201室迁至B座5-1102室",
    "他说：“or 或者 and 都可以”，我不太明白",
    "系统提示“异常”，错误代码 500；刷新后仍然失败",
    "想咨询 select 和 union 这两个词在表格里的意思",
    "网页上显示 <b>加粗</b> 字样，不知何故",
    "请把 update 后的文件发给我，或者 delete 掉旧的",
    "百度搜索不到相关结果 -- 请核实",
    "孩子的英文名叫 O'Neil，请不要写错",
    "公司名称：AT&T（中国）有限公司",
    "邮箱 zhang.san@example.com；备用 li_si@example.org",
    "附件见 C:\\Users\\张三\\Desktop\\材料.docx",
    "链接：https://www.example.gov.cn/guide?id=12&type=a",
    "1、身份证；2、户口簿；3、结婚证（如有）",
    "要求：x>0 且 y<10，数量≥3",
    "评分 5/5，非常满意 ^_^",
    "由于历史原因，门牌号“12#”与“12号”并存",
    "会议地点：3号楼2层|东侧会议室",
    "C++、C# 与 Java 培训报名；where 报名？",
    "请在 order by date 之前提交申请",
    "备注：无（null）",
    "甲方=买方，乙方=卖方",
    "参会人：{name}/{name2}",
    "每周一、三、五；or 周末",
    "表单里 script 一栏怎么填？",
    "说明：(1)单位盖章 (2)本人签字 (3)日期",
    "“中华人民共和国”与“中国”二者 or 关系",
    "请执行 exec 流程；drop off 地点在南门",
    "价格表 10%~20%；折扣 = 原价 * 0.8 + 10",
    "请输入 'A' 或 'B' 选项",
    "数据表 table 与数据库 database 的区别是什么；请 insert 说明",
    "电话可以打 110 or 120 and 119 吗",
    "家住 5# 楼 2 单元; 请 cat 一下名单",
    "我的 id; 身份证号如上",
    "全角测试：ＡＢＣ１２３，＜通知＞＝重要；ｓｅｌｅｃｔ",
    "我们单位（1=是，0=否）填了1",
    "select 一项 from 下拉列表 即可",
    "这里写着“请勿 delete from 系统”",
    "union 会员 select 商品 满 100 减 20",
    "周末活动：and 1 人免费",
    "输入框里有 \" 和 ' 两种引号",
    "该问题已于2023年解决--感谢",
    "办件编号#20240506-001#",
    "文件在../上级目录里",
    "步骤：登录->查询->打印",
];

/// A small generator with a seed, so that a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % 1_000_003).unwrap() % sides
    }

    fn pick<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.roll(list.len())]
    }

    fn name(&mut self) -> String {
        format!("{}{}", self.pick(SURNAMES), self.pick(GIVEN))
    }

    fn reason(&mut self) -> String {
        self.pick(REASONS)
            .replace("{name}", &self.name())
            .replace("{name2}", &self.name())
    }

    fn form(&mut self) -> Vec<(&'static str, String)> {
        let mut remark = self.reason();
        for _ in 0..self.roll(3) {
            remark.push_str(self.pick(&["。", "；", "\r\n", "，另外", " ", "…… "]));
            remark.push_str(&self.reason());
        }
        vec![
            ("name", self.name()),
            ("matter", self.pick(MATTERS).to_owned()),
            (
                "address",
                format!(
                    "{}{}{}号院{}号楼{}",
                    self.pick(CITIES),
                    self.pick(ROADS),
                    self.roll(200),
                    self.roll(30),
                    self.roll(2000)
                ),
            ),
            (
                "idno",
                format!(
                    "1101051990{:02}{:02}{:03}X",
                    self.roll(12) + 1,
                    self.roll(28) + 1,
                    self.roll(999)
                ),
            ),
            ("remark", remark),
        ]
    }
}

#[test]
fn no_ordinary_chinese_form_search_or_text_is_blocked() {
    let inspector = Inspector::new(Settings::default());
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut blocked = Vec::new();
    let mut requests = 0;
    for _ in 0..6_000 {
        let form = dice.form();
        let encoded = form
            .iter()
            .map(|(name, value)| format!("{name}={}", percent(value.as_bytes())))
            .collect::<Vec<_>>()
            .join("&");
        let gbk = form
            .iter()
            .map(|(name, value)| format!("{name}={}", percent(&encoding_rs::GBK.encode(value).0)))
            .collect::<Vec<_>>()
            .join("&");
        let json = serde_json::to_string(
            &form
                .iter()
                .cloned()
                .collect::<std::collections::BTreeMap<_, _>>(),
        )
        .unwrap();
        let query = format!(
            "q={}&page=2",
            percent(form[4].1.replace("\r\n", " ").as_bytes())
        );
        let head = Head {
            method: "GET",
            target_path: b"/search",
            query: Some(query.as_bytes()),
            headers: &[("host", b"www.example.gov.cn")],
        };
        let body = |content_type: &str, body: &str| {
            inspector
                .body(
                    Some(content_type),
                    None,
                    body.as_bytes(),
                    Completeness::Whole,
                )
                .unwrap()
        };
        for (kind, verdict) in [
            ("query", inspector.head(&head)),
            ("form", body("application/x-www-form-urlencoded", &encoded)),
            ("gbk form", body("application/x-www-form-urlencoded", &gbk)),
            ("json", body("application/json", &json)),
        ] {
            requests += 1;
            if verdict.blocks(5) {
                blocked.push(format!("{kind}: {:?} in {}", verdict.findings, form[4].1));
            }
        }
    }
    println!(
        "{} of {requests} ordinary Chinese requests blocked",
        blocked.len()
    );
    blocked.truncate(12);
    assert!(
        requests >= 20_000 && blocked.is_empty(),
        "{}",
        blocked.join("\n")
    );
}

fn percent(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|&b| {
            if b.is_ascii_alphanumeric() || b"-_.*".contains(&b) {
                char::from(b).to_string()
            } else if b == b' ' {
                "+".to_owned()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect()
}
