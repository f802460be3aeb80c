//! Power and energy.

use super::super::POWER;
use super::super::model::{Column, Dashboard, Mapping, Panel, Row, Target, Unit, query, text};
use super::super::promql::{CHOSEN, count, power};
use super::{ANY_IS_WARNING, places};

pub(super) fn dashboard() -> Dashboard {
    Dashboard {
        uid: POWER,
        title: text("IPMI power and energy", "IPMI 功率与能耗"),
        description: text(
            "What the machines take, who takes most, and how their supplies are. Power is what DCMI measures; else the sensor for the whole machine; else the sum of the supplies' inputs. Machines that tell none of these are missing.",
            "机器的功率与能耗、耗电最多的机器以及电源状态。功率优先取 DCMI，其次整机功率传感器，最后为电源输入之和；均不上报的机器不计入。",
        ),
        variables: places(),
        rows: vec![now(), over_time(), supplies()],
        since: "now-24h",
    }
}

/// Something of each machine over the whole range, a sample every five minutes.
fn over_range(function: &str) -> String {
    format!("{function}({}[$__range:5m])", power(CHOSEN))
}

/// The mean power times the time, in kWh.
fn energy() -> String {
    format!("{} * $__range_s / 3600000", over_range("avg_over_time"))
}

fn now() -> Row {
    let power = power(CHOSEN);
    Row {
        title: text("Now and in the range", "当前与所选时间"),
        panels: vec![
            Panel::stat(
                text("Power", "总功率"),
                text("Power of all chosen machines.", "所选机器的总功率。"),
                Unit::Watts,
            )
            .ask(query(format!("sum({power})"), "")),
            Panel::stat(
                text("Energy", "能耗"),
                text(
                    "Mean power of the range times its length.",
                    "所选时间内的平均功率乘以时长。",
                ),
                Unit::KilowattHours,
            )
            .ask(query(format!("sum({})", energy()), "")),
            Panel::stat(
                text("Peak", "峰值功率"),
                text(
                    "Greatest power of all together in the range.",
                    "所选时间内的最大总功率。",
                ),
                Unit::Watts,
            )
            .ask(query(
                format!("max_over_time(sum({power})[$__range:5m])"),
                "",
            )),
            Panel::stat(
                text("Power of a machine", "单机平均功率"),
                text("Mean power of one machine.", "单台机器的平均功率。"),
                Unit::Watts,
            )
            .ask(query(format!("avg({power})"), "")),
            Panel::stat(
                text("Machines measured", "已计量机器"),
                text(
                    "Share of the chosen servers whose power is known.",
                    "所选服务器中可获知功率的比例。",
                ),
                Unit::Ratio,
            )
            .ask(query(
                format!("count({power}) / count(up{{{CHOSEN}}})"),
                "",
            )),
            Panel::stat(
                text("Supplies in trouble", "异常电源"),
                text(
                    "Sensors of power supplies whose state is warning or critical. An empty bay may be among them.",
                    "处于警告或严重状态的电源传感器数量，可能包含空槽位。",
                ),
                Unit::Count,
            )
            .ask(query(
                count(&format!(
                    "ipmi_sensor_state{{type=\"Power Supply\",{CHOSEN}}} > 0"
                )),
                "",
            ))
            .steps(ANY_IS_WARNING),
        ],
    }
}

fn over_time() -> Row {
    let power = power(CHOSEN);
    Row {
        title: text("Over time", "趋势"),
        panels: vec![
            Panel::stack(
                text("Power by group", "各分组功率"),
                text(
                    "Power by group; servers without one are together.",
                    "按分组统计的功率；无分组的服务器合并显示。",
                ),
                Unit::Watts,
            )
            .ask(query(format!("sum by (group) ({power})"), "{{group}}"))
            .range(Some(0.0), None),
            Panel::stack(
                text("Power by rack", "各机柜功率"),
                text(
                    "Power by rack, to hold against what the rack may draw.",
                    "按机柜统计的功率，可与机柜供电上限对照。",
                ),
                Unit::Watts,
            )
            .ask(query(format!("sum by (rack) ({power})"), "{{rack}}"))
            .range(Some(0.0), None),
            Panel::bars(
                text("Most power", "功率最高"),
                text(
                    "The ten machines that take most now.",
                    "当前功率最高的十台机器。",
                ),
                Unit::Watts,
            )
            .ask(query(
                format!("topk(10, sum by (server_name) ({power}))"),
                "{{server_name}}",
            ))
            .leads_to(Target::Server),
            Panel::bars(
                text("Most energy", "能耗最高"),
                text(
                    "The ten machines that took most in the range.",
                    "所选时间内能耗最高的十台机器。",
                ),
                Unit::KilowattHours,
            )
            .ask(query(
                format!("topk(10, sum by (server_name) ({}))", energy()),
                "{{server_name}}",
            ))
            .leads_to(Target::Server),
            Panel::graph(
                text("Power and its limit", "功率与上限"),
                text(
                    "Machines that have DCMI: their power, and the limit that is set. Needs the exporter's collector dcmi-statistics for the limit.",
                    "支持 DCMI 的机器：功率及其设定的上限。上限需要启用采集项 dcmi-statistics。",
                ),
                Unit::Watts,
            )
            .ask(query(
                format!("ipmi_dcmi_power_consumption_watts{{{CHOSEN}}}"),
                "{{server_name}}",
            ))
            .ask(super::limit(
                format!("ipmi_dcmi_power_limit_watts{{{CHOSEN}}}"),
                "{{server_name}}: limit",
                super::Colour::Critical,
            ))
            .range(Some(0.0), None),
            Panel::graph(
                text("Currents", "电流"),
                text(
                    "The ten greatest currents that sensors tell.",
                    "传感器上报的最大的十个电流值。",
                ),
                Unit::Amperes,
            )
            .ask(query(
                format!("topk(10, ipmi_current_amperes{{{CHOSEN}}})"),
                "{{server_name}} {{name}}",
            )),
        ],
    }
}

fn supplies() -> Row {
    Row {
        title: text("Supplies", "电源"),
        panels: vec![
            Panel::table(
                text("Machines", "机器"),
                text(
                    "Power now, and mean, peak and energy of the range.",
                    "当前功率，以及所选时间内的平均功率、峰值与能耗。",
                ),
                vec![
                    Column::label("server_name", text("Server", "服务器")).leads_to(Target::Server),
                    Column::value(0, text("Now", "当前"), Unit::Watts),
                    Column::value(1, text("Mean", "平均"), Unit::Watts),
                    Column::value(2, text("Peak", "峰值"), Unit::Watts),
                    Column::value(3, text("Energy", "能耗"), Unit::KilowattHours),
                ],
            )
            .ask(query(
                format!("sum by (server_name) ({})", power(CHOSEN)),
                "",
            ))
            .ask(query(
                format!(
                    "sum by (server_name) ({})",
                    over_range("avg_over_time")
                ),
                "",
            ))
            .ask(query(
                format!(
                    "sum by (server_name) ({})",
                    over_range("max_over_time")
                ),
                "",
            ))
            .ask(query(format!("sum by (server_name) ({})", energy()), "")),
            Panel::states(
                text("Power supplies", "电源状态"),
                text(
                    "States of the power supplies' sensors, those in trouble first, up to 40.",
                    "电源传感器状态，异常的优先显示，最多 40 个。",
                ),
                Mapping::SensorState,
            )
            .ask(query(
                format!(
                    "topk(40, max by (server_name, name) (ipmi_sensor_state{{type=\"Power Supply\",{CHOSEN}}}))"
                ),
                "{{server_name}} {{name}}",
            )),
        ],
    }
}
