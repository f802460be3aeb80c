//! Sites, groups, racks and models side by side.

use super::super::COMPARISON;
use super::super::model::{
    Column, Dashboard, Panel, Row, Target, Text, Unit, Values, Variable, query, text,
};
use super::super::promql::{CHOSEN, firing, margin, power, reachable, states};
use super::{ANY_IS_WARNING, FAN, MARGIN, TEMPERATURE, places};

/// What can be compared: labels of targets.
const BY: &[(&str, Text)] = &[
    ("group", text("group", "分组")),
    ("site", text("site", "站点")),
    ("rack", text("rack", "机柜")),
    ("model", text("model", "型号")),
    ("manufacturer", text("manufacturer", "制造商")),
];

const ALERTS: &str = r#"server_id!="",site=~"$site",group=~"$group",rack=~"$rack""#;

pub(super) fn dashboard() -> Dashboard {
    let mut variables = vec![Variable {
        name: "by",
        label: text("Compare by", "对比维度"),
        values: Values::Words(BY),
    }];
    variables.extend(places());
    Dashboard {
        uid: COMPARISON,
        title: text("IPMI groups and racks compared", "IPMI 分组与机柜对比"),
        description: text(
            "Groups, sites, racks, models or manufacturers side by side. Servers without the label are together in one without a name.",
            "按分组、站点、机柜、型号或制造商对比。没有该标签的服务器归入一个无名项。",
        ),
        variables,
        rows: vec![table(), graphs()],
        since: "now-24h",
    }
}

/// Grafana puts no variables into names of columns, so what is compared has a label
/// of its own.
fn by(function: &str, expr: &str) -> String {
    format!("{function} by (of) (label_replace({expr}, \"of\", \"$1\", \"$by\", \"(.*)\"))")
}

fn table() -> Row {
    Row {
        title: text("Side by side", "并列对比"),
        panels: vec![
            Panel::table(
                text("Comparison", "对比"),
                text(
                    "A row for each: servers, share of BMCs that answer, temperatures, power, sensors in trouble, alerts.",
                    "每项一行：服务器数、BMC 可达率、温度、功率、异常传感器与告警。",
                ),
                vec![
                    Column::label("of", text("Name", "名称")),
                    Column::value(0, text("Servers", "服务器"), Unit::Count),
                    Column::value(1, text("BMCs that answer", "BMC 可达率"), Unit::Ratio),
                    Column::value(2, text("Mean temperature", "平均温度"), Unit::Celsius),
                    Column::value(3, text("Hottest", "最高温度"), Unit::Celsius),
                    Column::value(4, text("Margin", "温度余量"), Unit::Celsius),
                    Column::value(5, text("Power", "功率"), Unit::Watts),
                    Column::value(6, text("Power of a server", "单台功率"), Unit::Watts),
                    Column::value(7, text("Sensors in trouble", "异常传感器"), Unit::Count),
                    Column::value(8, text("Alerts", "告警"), Unit::Count),
                ],
            )
            .ask(query(by("count", &format!("up{{{CHOSEN}}}")), ""))
            .ask(query(by("avg", &reachable(CHOSEN)), ""))
            .ask(query(by("avg", &format!("{TEMPERATURE}{{{CHOSEN}}}")), ""))
            .ask(query(by("max", &format!("{TEMPERATURE}{{{CHOSEN}}}")), ""))
            .ask(query(by("min", &margin(CHOSEN)), ""))
            .ask(query(by("sum", &power(CHOSEN)), ""))
            .ask(query(by("avg", &power(CHOSEN)), ""))
            .ask(query(by("count", &format!("{} > 0", states(CHOSEN))), ""))
            .ask(query(by("count", &firing(ALERTS)), "")),
        ],
    }
}

fn graphs() -> Row {
    Row {
        title: text("Over time", "趋势"),
        panels: vec![
            Panel::graph(
                text("BMCs that answer", "BMC 可达率"),
                text("Share of the BMCs that answer.", "可达 BMC 所占比例。"),
                Unit::Ratio,
            )
            .ask(query(by("avg", &reachable(CHOSEN)), "{{of}}"))
            .range(Some(0.0), Some(1.0)),
            Panel::graph(
                text("Mean temperature", "平均温度"),
                text(
                    "Mean of all temperature sensors: it shows a room or a rack that is warmer than others.",
                    "所有温度传感器的平均值：可看出哪个机房或机柜偏热。",
                ),
                Unit::Celsius,
            )
            .ask(query(
                by("avg", &format!("{TEMPERATURE}{{{CHOSEN}}}")),
                "{{of}}",
            )),
            Panel::bars(
                text("Smallest margin", "最小温度余量"),
                text(
                    "How far the sensor that is nearest to its critical threshold is below it.",
                    "最接近严重阈值的传感器距该阈值的温差。",
                ),
                Unit::Celsius,
            )
            .ask(query(by("min", &margin(CHOSEN)), "{{of}}"))
            .steps(MARGIN),
            Panel::graph(
                text("Mean fan speed", "平均风扇转速"),
                text(
                    "Mean speed of the fans that turn. It rises where it is too warm.",
                    "转动中风扇的平均转速，环境偏热时会升高。",
                ),
                Unit::Rpm,
            )
            .ask(query(
                by("avg", &format!("{FAN}{{{CHOSEN}}} > 0")),
                "{{of}}",
            )),
            Panel::stack(
                text("Power", "功率"),
                text(
                    "Power of the machines that tell it.",
                    "可上报功率的机器的功率。",
                ),
                Unit::Watts,
            )
            .ask(query(by("sum", &power(CHOSEN)), "{{of}}")),
            Panel::graph(
                text("Alerts", "告警"),
                text(
                    "Alerts about servers that fire.",
                    "正在触发的服务器告警数量。",
                ),
                Unit::Count,
            )
            .ask(query(by("count", &firing(ALERTS)), "{{of}}"))
            .steps(ANY_IS_WARNING)
            .leads_to(Target::ControllerAlerts),
        ],
    }
}
