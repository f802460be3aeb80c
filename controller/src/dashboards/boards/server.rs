//! Everything about one server.

use super::super::SERVER;
use super::super::model::{
    Colour, Column, Dashboard, Mapping, Panel, Row, Step, Target, Unit, query, text,
};
use super::super::promql::{
    ONE, ONE_SENSORS, count, firing, margin, power, reachable, states, threshold,
};
use super::{
    ANY_IS_CRITICAL, ANY_IS_WARNING, FAN, LOWER, MARGIN, TEMPERATURE, UPPER, labels, limits,
    places, servers,
};

pub(super) fn dashboard() -> Dashboard {
    let mut variables = places();
    variables.push(servers(false));
    variables.push(labels(
        "sensor",
        text("Sensors", "传感器"),
        format!("label_values({{__name__=~\"ipmi_.*_state\",{ONE}}}, name)"),
        true,
    ));
    Dashboard {
        uid: SERVER,
        title: text("IPMI server", "IPMI 服务器详情"),
        description: text(
            "Sensors, states, power, event log and alerts of one server.",
            "单台服务器的传感器、状态、功率、事件日志与告警。",
        ),
        variables,
        rows: vec![now(), graphs(), sensors(), bmc()],
        since: "now-6h",
    }
}

fn now() -> Row {
    let states = states(ONE);
    Row {
        title: text("Now", "当前"),
        panels: vec![
            Panel::stat(
                text("BMC", "BMC"),
                text(
                    "Whether the BMC answered at least one collector at the last scrape.",
                    "最近一次采集中 BMC 是否至少应答了一个采集项。",
                ),
                Unit::State,
            )
            .ask(query(format!("max({})", reachable(ONE)), ""))
            .words(Mapping::Up),
            Panel::stat(
                text("Machine", "主机电源"),
                text(
                    "Whether the machine is on, as its BMC says.",
                    "BMC 报告的主机电源状态。",
                ),
                Unit::State,
            )
            .ask(query(format!("max(ipmi_chassis_power_state{{{ONE}}})"), ""))
            .words(Mapping::Power),
            Panel::stat(
                text("Alerts", "告警"),
                text(
                    "Alerts about this server that fire.",
                    "该服务器正在触发的告警数量。",
                ),
                Unit::Count,
            )
            .ask(query(count(&firing("server_name=\"$server\"")), ""))
            .steps(ANY_IS_CRITICAL)
            .leads_to(Target::ControllerAlerts),
            Panel::stat(
                text("Sensors in trouble", "异常传感器"),
                text(
                    "Sensors whose state is warning or critical.",
                    "处于警告或严重状态的传感器数量。",
                ),
                Unit::Count,
            )
            .ask(query(count(&format!("{states} > 0")), ""))
            .steps(ANY_IS_WARNING),
            Panel::stat(
                text("Temperature margin", "温度余量"),
                text(
                    "How far the sensor that is nearest to its critical threshold is below it.",
                    "最接近严重阈值的传感器距该阈值的温差。",
                ),
                Unit::Celsius,
            )
            .ask(query(format!("min({})", margin(ONE)), ""))
            .steps(MARGIN),
            Panel::stat(
                text("Power", "功率"),
                text(
                    "Power of the machine: by DCMI, else by the sensor for the whole machine, else the sum of its supplies.",
                    "整机功率：优先 DCMI，其次整机功率传感器，最后为各电源之和。",
                ),
                Unit::Watts,
            )
            .ask(query(format!("sum({})", power(ONE)), "")),
        ],
    }
}

fn graphs() -> Row {
    let temperatures = format!("{TEMPERATURE}{{{ONE_SENSORS}}}");
    let fans = format!("{FAN}{{{ONE_SENSORS}}}");
    let [t_warning, t_critical] = limits(&temperatures, "temperature", UPPER);
    let [f_warning, f_critical] = limits(&fans, "fan_speed", LOWER);
    Row {
        title: text("Over time", "趋势"),
        panels: vec![
            Panel::graph(
                text("Temperatures", "温度"),
                text(
                    "The chosen sensors; dashed lines are the thresholds that hold, overrides or the hardware's own.",
                    "所选传感器的温度；虚线为生效的阈值（覆盖值或硬件自身阈值）。",
                ),
                Unit::Celsius,
            )
            .ask(query(temperatures, "{{name}}"))
            .ask(t_warning)
            .ask(t_critical),
            Panel::graph(
                text("Fans", "风扇"),
                text(
                    "The chosen fans; below the dashed lines they are too slow.",
                    "所选风扇的转速；低于虚线表示转速过低。",
                ),
                Unit::Rpm,
            )
            .ask(query(fans, "{{name}}"))
            .ask(f_warning)
            .ask(f_critical)
            .range(Some(0.0), None),
            Panel::graph(
                text("Power", "功率"),
                text(
                    "Power of the machine, and of the sensors that measure a part of it.",
                    "整机功率以及各功率传感器的读数。",
                ),
                Unit::Watts,
            )
            .ask(query(format!("sum({})", power(ONE)), "total"))
            .ask(query(format!("ipmi_power_watts{{{ONE_SENSORS}}}"), "{{name}}"))
            .range(Some(0.0), None),
            Panel::graph(
                text("Voltages", "电压"),
                text("The chosen rails.", "所选电压传感器的读数。"),
                Unit::Volts,
            )
            .ask(query(
                format!("ipmi_voltage_volts{{{ONE_SENSORS}}}"),
                "{{name}}",
            )),
            Panel::graph(
                text("Currents", "电流"),
                text("The chosen currents.", "所选电流传感器的读数。"),
                Unit::Amperes,
            )
            .ask(query(
                format!("ipmi_current_amperes{{{ONE_SENSORS}}}"),
                "{{name}}",
            )),
            Panel::graph(
                text("Fan duty", "风扇占空比"),
                text(
                    "Fans that tell a share of their greatest speed. Most machines have none.",
                    "以最大转速比例上报的风扇。多数机器没有此类传感器。",
                ),
                Unit::Ratio,
            )
            .ask(query(
                format!("ipmi_fan_speed_ratio{{{ONE_SENSORS}}}"),
                "{{name}}",
            ))
            .range(Some(0.0), Some(1.0)),
        ],
    }
}

fn sensors() -> Row {
    let values = r#"{__name__=~"ipmi_(temperature_celsius|fan_speed_rpm|fan_speed_ratio|voltage_volts|current_amperes|power_watts|sensor_value)","#;
    let by = |function: &str, expr: &str| format!("{function} by (id, name) ({expr})");
    let bound = |word: &str| {
        format!("max by (id, name) (ipmi_sensor_threshold{{threshold=\"{word}\",{ONE_SENSORS}}})")
    };
    Row {
        title: text("Sensors", "传感器"),
        panels: vec![
            Panel::states(
                text("States", "传感器状态"),
                text(
                    "States of the sensors that were not nominal at some time of the range, and of up to twenty others.",
                    "所选时间内曾处于非正常状态的传感器，以及最多二十个其他传感器的状态。",
                ),
                Mapping::SensorState,
            )
            .ask(query(
                format!(
                    "topk(40, max by (name, id) ({{__name__=~\"ipmi_.*_state\",id!=\"\",{ONE_SENSORS}}}))"
                ),
                "{{name}}",
            )),
            Panel::table(
                text("All sensors", "全部传感器"),
                text(
                    "Last value, state and the hardware's critical thresholds of each sensor, in the sensor's own unit.",
                    "每个传感器的最新数值、状态及硬件严重阈值，单位为传感器自身单位。",
                ),
                vec![
                    Column::label("name", text("Sensor", "传感器")),
                    Column::label("id", text("Record", "记录号")),
                    Column::value(0, text("Value", "数值"), Unit::State),
                    Column::value(1, text("State", "状态"), Unit::State)
                        .words(Mapping::SensorState),
                    Column::value(2, text("Lower critical", "严重下限"), Unit::State),
                    Column::value(3, text("Upper critical", "严重上限"), Unit::State),
                ],
            )
            .ask(query(by("max", &format!("{values}{ONE_SENSORS}}}")), ""))
            .ask(query(
                by(
                    "max",
                    &format!("{{__name__=~\"ipmi_.*_state\",id!=\"\",{ONE_SENSORS}}}"),
                ),
                "",
            ))
            .ask(query(bound("lower_critical"), ""))
            .ask(query(bound("upper_critical"), "")),
            Panel::table(
                text("Thresholds of temperatures that hold", "生效的温度阈值"),
                text(
                    "What the default rules compare with: an override where there is one, else the hardware's threshold.",
                    "默认规则所使用的阈值：有覆盖值时用覆盖值，否则用硬件阈值。",
                ),
                vec![
                    Column::label("name", text("Sensor", "传感器")),
                    Column::value(0, text("Now", "当前"), Unit::Celsius),
                    Column::value(1, text("Warning", "警告"), Unit::Celsius),
                    Column::value(2, text("Critical", "严重"), Unit::Celsius),
                ],
            )
            .ask(query(
                format!("max by (name) ({TEMPERATURE}{{{ONE_SENSORS}}})"),
                "",
            ))
            .ask(query(holds("upper_non_critical"), ""))
            .ask(query(holds("upper_critical"), "")),
        ],
    }
}

/// The threshold of each chosen temperature of the server, by name.
fn holds(word: &str) -> String {
    format!(
        "min by (name) ({} and on (instance, id, name) {TEMPERATURE}{{{ONE_SENSORS}}})",
        threshold("temperature", word)
    )
}

fn bmc() -> Row {
    Row {
        title: text("BMC and event log", "BMC 与事件日志"),
        panels: vec![
            Panel::table(
                text("BMC", "BMC 信息"),
                text(
                    "What the BMC says of itself.",
                    "BMC 上报的自身信息。",
                ),
                vec![
                    Column::label("instance", text("Address", "地址")),
                    Column::label("manufacturer_id", text("Manufacturer", "制造商")),
                    Column::label("firmware_revision", text("Firmware", "固件版本")),
                    Column::label("system_firmware_version", text("BIOS", "系统固件")),
                    Column::label("bmc_url", text("Page", "管理页面")),
                ],
            )
            .ask(query(
                format!(
                    "max by (instance, manufacturer_id, firmware_revision, system_firmware_version, bmc_url) (ipmi_bmc_info{{{ONE}}})"
                ),
                "",
            ))
            .size(24, 4),
            Panel::graph(
                text("Event log", "事件日志"),
                text(
                    "Entries in the system event log, by severity.",
                    "系统事件日志中各级别的条目数。",
                ),
                Unit::Count,
            )
            .ask(query(
                format!("sum by (state) (ipmi_sel_events_count_by_state{{{ONE}}})"),
                "{{state}}",
            ))
            .ask(query(format!("max(ipmi_sel_logs_count{{{ONE}}})"), "all"))
            .size(8, 7),
            Panel::stat(
                text("Free space in the event log", "事件日志剩余空间"),
                text(
                    "A full log takes no more events. 65535 also means more.",
                    "日志写满后将不再记录事件。65535 也可能表示更多。",
                ),
                Unit::Bytes,
            )
            .ask(query(format!("min(ipmi_sel_free_space_bytes{{{ONE}}})"), ""))
            .steps(&[
                Step(f64::NEG_INFINITY, Colour::Warning),
                Step(512.0, Colour::Good),
            ])
            .size(4, 7),
            Panel::graph(
                text("Time to read it", "采集耗时"),
                text(
                    "How long a scrape of this BMC takes.",
                    "读取该 BMC 一次所需的时间。",
                ),
                Unit::Seconds,
            )
            .ask(query(
                format!("max(ipmi_scrape_duration_seconds{{{ONE}}})"),
                "scrape",
            ))
            .range(Some(0.0), None)
            .size(12, 7),
            Panel::states(
                text("Collectors", "采集项"),
                text(
                    "Whether each collector read everything that it needs.",
                    "每个采集项是否读取到所需的全部数据。",
                ),
                Mapping::Up,
            )
            .ask(query(
                format!("max by (collector) (ipmi_up{{{ONE}}})"),
                "{{collector}}",
            )),
        ],
    }
}
