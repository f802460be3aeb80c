//! Fans and temperatures.

use super::super::COOLING;
use super::super::model::{Column, Dashboard, Panel, Row, Step, Target, Unit, query, text};
use super::super::promql::{CHOSEN_SENSORS as SENSORS, count, margin};
use super::{
    ANY_IS_CRITICAL, Colour, FAN, LOWER, MARGIN, TEMPERATURE, UPPER, labels, limits, places,
    servers,
};

pub(super) fn dashboard() -> Dashboard {
    let mut variables = places();
    variables.push(servers(true));
    variables.push(labels(
        "sensor",
        text("Sensors", "传感器"),
        r#"label_values({__name__=~"ipmi_temperature_celsius|ipmi_fan_speed_rpm",job="ipmi-servers",server_name=~"$server"}, name)"#.to_owned(),
        true,
    ));
    Dashboard {
        uid: COOLING,
        title: text("IPMI fans and temperatures", "IPMI 风扇与温度"),
        description: text(
            "Temperatures against their thresholds, and the fans that hold them down. Choose sensors, such as the inlets, to compare machines.",
            "温度与其阈值的对比，以及风扇转速。选择传感器（如进风口温度）可对比多台机器。",
        ),
        variables,
        rows: vec![now(), temperatures(), fans()],
        since: "now-6h",
    }
}

fn now() -> Row {
    let inlet = format!(r#"{TEMPERATURE}{{{SENSORS},name=~"(?i).*(inlet|ambient|intake).*"}}"#);
    Row {
        title: text("Now", "当前"),
        panels: vec![
            Panel::stat(
                text("Hottest inlet", "最高进风温度"),
                text(
                    "Highest of the sensors whose name says that they are at the inlet.",
                    "名称表明位于进风口的传感器中的最高温度。",
                ),
                Unit::Celsius,
            )
            .ask(query(format!("max({inlet})"), ""))
            // Recommended up to 27 °C, allowed up to 35 °C in class A2 (ASHRAE TC 9.9).
            .steps(&[
                Step(27.0, Colour::Warning),
                Step(35.0, Colour::Critical),
            ]),
            Panel::stat(
                text("Mean of the inlets", "平均进风温度"),
                text(
                    "Mean of the sensors whose name says that they are at the inlet.",
                    "名称表明位于进风口的传感器的平均温度。",
                ),
                Unit::Celsius,
            )
            .ask(query(format!("avg({inlet})"), "")),
            Panel::stat(
                text("Smallest margin", "最小余量"),
                text(
                    "How far the sensor that is nearest to its critical threshold is below it.",
                    "最接近严重阈值的传感器距该阈值的温差。",
                ),
                Unit::Celsius,
            )
            .ask(query(format!("min({})", margin(SENSORS)), ""))
            .steps(MARGIN),
            Panel::stat(
                text("Fans that stand still", "停转风扇"),
                text(
                    "Fans at 0 rpm in machines that are not off. Empty bays read 0 as well.",
                    "开机机器中转速为 0 的风扇数量，空风扇位也会读为 0。",
                ),
                Unit::Count,
            )
            .ask(query(
                count(&format!(
                    "{FAN}{{{SENSORS}}} == 0 unless on (instance) ipmi_chassis_power_state == 0"
                )),
                "",
            ))
            .steps(&[Step(1.0, Colour::Warning)]),
            Panel::stat(
                text("Critical fans", "严重风扇"),
                text(
                    "Fans whose state is critical, in machines that are not off.",
                    "开机机器中处于严重状态的风扇数量。",
                ),
                Unit::Count,
            )
            .ask(query(
                count(&format!(
                    "ipmi_fan_speed_state{{{SENSORS}}} == 2 unless on (instance) ipmi_chassis_power_state == 0"
                )),
                "",
            ))
            .steps(ANY_IS_CRITICAL),
            Panel::stat(
                text("Critical temperatures", "严重温度"),
                text(
                    "Temperatures whose state is critical.",
                    "处于严重状态的温度传感器数量。",
                ),
                Unit::Count,
            )
            .ask(query(
                count(&format!("ipmi_temperature_state{{{SENSORS}}} == 2")),
                "",
            ))
            .steps(ANY_IS_CRITICAL),
        ],
    }
}

fn temperatures() -> Row {
    let chosen = format!("{TEMPERATURE}{{{SENSORS}}}");
    let [warning, critical] = limits(&chosen, "temperature", UPPER);
    Row {
        title: text("Temperatures", "温度"),
        panels: vec![
            Panel::graph(
                text("Temperatures", "温度"),
                text(
                    "The fifty hottest of the chosen sensors; dashed lines are the thresholds that hold for the sensors chosen, overrides or the hardware's own.",
                    "所选传感器中最热的五十个；虚线为所选传感器生效的阈值（覆盖值或硬件自身阈值）。",
                ),
                Unit::Celsius,
            )
            .ask(query(
                format!("topk(50, {chosen})"),
                "{{server_name}} {{name}}",
            ))
            .ask(few(warning))
            .ask(few(critical))
            .leads_to(Target::Server),
            Panel::heatmap(
                text("Distribution", "温度分布"),
                text(
                    "How many of the chosen sensors are at which temperature.",
                    "所选传感器在各温度区间的数量。",
                ),
                Unit::Celsius,
            )
            .ask(query(
                format!("max by (instance, id, name) ({chosen})"),
                "",
            )),
            Panel::bars(
                text("Nearest to their limit", "最接近上限"),
                text(
                    "The ten temperatures that are least below their critical threshold.",
                    "距离严重阈值最近的十个温度传感器。",
                ),
                Unit::Celsius,
            )
            .ask(query(
                format!("bottomk(10, {})", margin(SENSORS)),
                "{{server_name}} {{name}}",
            ))
            .steps(MARGIN)
            .leads_to(Target::Server),
            Panel::bars(
                text("Fastest rise", "升温最快"),
                text(
                    "How much the ten sensors that rose most are warmer than an hour ago.",
                    "与一小时前相比升温最多的十个传感器。",
                ),
                Unit::Celsius,
            )
            .ask(query(
                format!("topk(10, delta({chosen}[1h]))"),
                "{{server_name}} {{name}}",
            ))
            .leads_to(Target::Server),
        ],
    }
}

/// Lines for all sensors of a fleet would hide what they are about.
fn few(mut limit: super::Query) -> super::Query {
    limit.expr = format!("bottomk(10, {})", limit.expr);
    limit
}

fn fans() -> Row {
    let chosen = format!("{FAN}{{{SENSORS}}}");
    let [warning, critical] = limits(&chosen, "fan_speed", LOWER);
    Row {
        title: text("Fans", "风扇"),
        panels: vec![
            Panel::graph(
                text("Speeds", "转速"),
                text(
                    "The fifty slowest of the chosen fans that turn; below the dashed lines they are too slow.",
                    "所选风扇中转动且最慢的五十个；低于虚线表示转速过低。",
                ),
                Unit::Rpm,
            )
            .ask(query(
                format!("bottomk(50, {chosen} > 0)"),
                "{{server_name}} {{name}}",
            ))
            .ask(few(warning))
            .ask(few(critical))
            .range(Some(0.0), None)
            .leads_to(Target::Server),
            Panel::graph(
                text("Mean speed by server", "各服务器平均转速"),
                text(
                    "The ten servers whose fans turn fastest: they are warm, or one of their fans has failed.",
                    "风扇转速最高的十台服务器：可能偏热，或有风扇故障。",
                ),
                Unit::Rpm,
            )
            .ask(query(
                format!("topk(10, avg by (server_name) ({chosen} > 0))"),
                "{{server_name}}",
            ))
            .range(Some(0.0), None)
            .leads_to(Target::Server),
            Panel::table(
                text("Fans", "风扇列表"),
                text(
                    "The hundred slowest fans, with the thresholds that hold.",
                    "转速最低的一百个风扇及其生效的阈值。",
                ),
                vec![
                    Column::label("server_name", text("Server", "服务器")).leads_to(Target::Server),
                    Column::label("name", text("Fan", "风扇")),
                    Column::value(0, text("Speed", "转速"), Unit::Rpm),
                    Column::value(1, text("Too slow below", "转速下限"), Unit::Rpm),
                ],
            )
            .ask(query(
                format!("bottomk(100, max by (server_name, name) ({chosen}))"),
                "",
            ))
            .ask(query(
                format!(
                    "max by (server_name, name) ({chosen} * 0 + on (instance, id, name) group_left () {})",
                    super::super::promql::threshold("fan_speed", "lower_critical")
                ),
                "",
            )),
        ],
    }
}
