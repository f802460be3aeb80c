//! All servers at a glance.

use super::super::FLEET;
use super::super::model::{
    Colour, Column, Dashboard, Mapping, Panel, Row, Step, Target, Unit, query, text,
};
use super::super::promql::{CHOSEN, count, firing, margin, power, reachable, states};
use super::{ANY_IS_CRITICAL, ANY_IS_WARNING, MARGIN, TEMPERATURE, places};

/// Alerts about the chosen servers. Rules may drop the job.
const ALERTS: &str = r#"server_id!="",site=~"$site",group=~"$group",rack=~"$rack""#;

pub(super) fn dashboard() -> Dashboard {
    Dashboard {
        uid: FLEET,
        title: text("IPMI fleet overview", "IPMI 集群总览"),
        description: text(
            "How all servers are, and which need a look.",
            "所有服务器的整体状态，以及需要关注的服务器。",
        ),
        variables: places(),
        rows: vec![now(), servers(), over_time()],
        since: "now-6h",
    }
}

fn now() -> Row {
    let up = format!("up{{{CHOSEN}}}");
    let reachable = reachable(CHOSEN);
    let states = states(CHOSEN);
    let firing = |severity: &str| count(&firing(&format!("severity=\"{severity}\",{ALERTS}")));
    Row {
        title: text("Now", "当前"),
        panels: vec![
            Panel::stat(
                text("Servers", "服务器"),
                text(
                    "Servers that Prometheus is told to scrape.",
                    "Prometheus 采集目标中的服务器数量。",
                ),
                Unit::Count,
            )
            .ask(query(format!("count({up})"), "")),
            Panel::stat(
                text("BMCs that answer", "可达的 BMC"),
                text(
                    "BMCs of which at least one collector got an answer at the last scrape.",
                    "最近一次采集中至少有一个采集项得到应答的 BMC 数量。",
                ),
                Unit::Count,
            )
            .ask(query(count(&format!("{reachable} == 1")), "")),
            Panel::stat(
                text("Silent BMCs", "无应答的 BMC"),
                text(
                    "BMCs that answer no collector, and servers whose exporter does not answer.",
                    "没有任何采集项得到应答的 BMC，以及采集器无响应的服务器。",
                ),
                Unit::Count,
            )
            .ask(query(
                count(&format!("({reachable} == 0) or ({up} == 0)")),
                "",
            ))
            .steps(ANY_IS_CRITICAL),
            Panel::stat(
                text("Switched off", "已关机"),
                text(
                    "Machines that their BMC says are off.",
                    "BMC 报告为关机状态的机器数量。",
                ),
                Unit::Count,
            )
            .ask(query(
                count(&format!("ipmi_chassis_power_state{{{CHOSEN}}} == 0")),
                "",
            ))
            .steps(&[Step(1.0, Colour::Neutral)]),
            Panel::stat(
                text("Critical sensors", "严重的传感器"),
                text(
                    "Sensors in a critical state. Empty slots may be among them; the alerts leave those out.",
                    "处于严重状态的传感器数量。可能包含空槽位，告警规则会将其排除。",
                ),
                Unit::Count,
            )
            .ask(query(count(&format!("{states} == 2")), ""))
            .steps(ANY_IS_WARNING),
            Panel::stat(
                text("Power", "功率"),
                text(
                    "Power of all machines that tell it, by DCMI or by their sensors.",
                    "所有能上报功率（DCMI 或传感器）的机器的总功率。",
                ),
                Unit::Watts,
            )
            .ask(query(format!("sum({})", power(CHOSEN)), "")),
            Panel::stat(
                text("Critical alerts", "严重告警"),
                text(
                    "Critical alerts about servers that fire.",
                    "正在触发的服务器严重告警数量。",
                ),
                Unit::Count,
            )
            .ask(query(firing("critical"), ""))
            .steps(ANY_IS_CRITICAL)
            .leads_to(Target::ControllerAlerts),
            Panel::stat(
                text("Warnings", "警告"),
                text(
                    "Warnings about servers that fire.",
                    "正在触发的服务器警告数量。",
                ),
                Unit::Count,
            )
            .ask(query(firing("warning"), ""))
            .steps(ANY_IS_WARNING)
            .leads_to(Target::ControllerAlerts),
            Panel::stat(
                text("Hottest sensor", "最高温度"),
                text(
                    "The highest temperature of all sensors. What is high differs by sensor: see the margins below.",
                    "所有传感器中的最高温度。各传感器的上限不同，请参考下方的余量。",
                ),
                Unit::Celsius,
            )
            .ask(query(format!("max({TEMPERATURE}{{{CHOSEN}}})"), "")),
            Panel::stat(
                text("Smallest margin", "最小余量"),
                text(
                    "How far the sensor that is nearest to its critical threshold is below it.",
                    "最接近严重阈值的传感器距该阈值的温差。",
                ),
                Unit::Celsius,
            )
            .ask(query(format!("min({})", margin(CHOSEN)), ""))
            .steps(MARGIN),
            Panel::stat(
                text("Slowest scrape", "最慢采集"),
                text(
                    "Longest time that a BMC took to be read.",
                    "读取单个 BMC 的最长耗时。",
                ),
                Unit::Seconds,
            )
            .ask(query(
                format!("max(ipmi_scrape_duration_seconds{{{CHOSEN}}})"),
                "",
            )),
            Panel::stat(
                text("Failing collectors", "失败的采集项"),
                text(
                    "Collectors that failed at BMCs which answer others.",
                    "BMC 可达但未能成功的采集项数量。",
                ),
                Unit::Count,
            )
            .ask(query(
                count(&format!(
                    "ipmi_up{{{CHOSEN}}} == 0 and on (instance) ({reachable} == 1)"
                )),
                "",
            ))
            .steps(ANY_IS_WARNING),
        ],
    }
}

fn servers() -> Row {
    let by_server = |function: &str, expr: &str| format!("{function} by (server_name) ({expr})");
    Row {
        title: text("Servers", "服务器"),
        panels: vec![
            Panel::table(
                text("Servers", "服务器"),
                text(
                    "Each server with its worst values; a name leads to its dashboard.",
                    "每台服务器及其最差指标；点击名称打开该服务器的仪表盘。",
                ),
                vec![
                    Column::label("server_name", text("Server", "服务器")).leads_to(Target::Server),
                    Column::value(0, text("BMC", "BMC"), Unit::State).words(Mapping::Up),
                    Column::value(1, text("Machine", "主机电源"), Unit::State)
                        .words(Mapping::Power),
                    Column::value(2, text("Worst sensor", "最差传感器"), Unit::State)
                        .words(Mapping::SensorState),
                    Column::value(3, text("Hottest", "最高温度"), Unit::Celsius),
                    Column::value(4, text("Margin", "温度余量"), Unit::Celsius),
                    Column::value(5, text("Power", "功率"), Unit::Watts),
                    Column::value(6, text("Alerts", "告警"), Unit::Count),
                ],
            )
            .ask(query(by_server("max", &reachable(CHOSEN)), ""))
            .ask(query(
                by_server("max", &format!("ipmi_chassis_power_state{{{CHOSEN}}}")),
                "",
            ))
            .ask(query(by_server("max", &states(CHOSEN)), ""))
            .ask(query(
                by_server("max", &format!("{TEMPERATURE}{{{CHOSEN}}}")),
                "",
            ))
            .ask(query(by_server("min", &margin(CHOSEN)), ""))
            .ask(query(by_server("sum", &power(CHOSEN)), ""))
            .ask(query(by_server("count", &firing(ALERTS)), "")),
            Panel::bars(
                text("Nearest to their limit", "最接近上限"),
                text(
                    "The ten temperatures that are least below their critical threshold, an override or the hardware's own.",
                    "距离严重阈值（覆盖值或硬件自身阈值）最近的十个温度传感器。",
                ),
                Unit::Celsius,
            )
            .ask(query(
                format!("bottomk(10, {})", margin(CHOSEN)),
                "{{server_name}} {{name}}",
            ))
            .steps(MARGIN)
            .leads_to(Target::Server),
            Panel::bars(
                text("Servers with most alerts", "告警最多的服务器"),
                text(
                    "The ten servers about which most alerts fire.",
                    "正在触发告警最多的十台服务器。",
                ),
                Unit::Count,
            )
            .ask(query(
                format!("topk(10, {})", by_server("count", &firing(ALERTS))),
                "{{server_name}}",
            ))
            .steps(ANY_IS_WARNING)
            .leads_to(Target::Server),
        ],
    }
}

fn over_time() -> Row {
    let reachable = reachable(CHOSEN);
    Row {
        title: text("Over time", "趋势"),
        panels: vec![
            Panel::stack(
                text("BMCs", "BMC 数量"),
                text(
                    "BMCs that answer, and BMCs that do not.",
                    "可达与不可达的 BMC 数量。",
                ),
                Unit::Count,
            )
            .ask(query(count(&format!("{reachable} == 1")), "up"))
            .ask(query(count(&format!("{reachable} == 0")), "down")),
            Panel::stack(
                text("Alerts", "告警"),
                text(
                    "Alerts about servers that fire, by severity.",
                    "按级别统计的正在触发的服务器告警。",
                ),
                Unit::Count,
            )
            .ask(query(
                format!("count by (severity) ({})", firing(ALERTS)),
                "{{severity}}",
            )),
            Panel::heatmap(
                text("Temperatures", "温度分布"),
                text(
                    "How many sensors are at which temperature.",
                    "各温度区间的传感器数量。",
                ),
                Unit::Celsius,
            )
            .ask(query(
                format!("max by (instance, id, name) ({TEMPERATURE}{{{CHOSEN}}})"),
                "",
            )),
            Panel::stack(
                text("Power by site", "各站点功率"),
                text(
                    "Power of the machines that tell it, by site.",
                    "按站点统计的可上报功率的机器的功率。",
                ),
                Unit::Watts,
            )
            .ask(query(
                format!("sum by (site) ({})", power(CHOSEN)),
                "{{site}}",
            )),
        ],
    }
}
