//! From a fan that dies to the row in the journal of alerts, and to its end.

use bmc_sim::SensorKey;
use reqwest::Method;
use serde_json::{Value, json};

use crate::lab::Lab;
use crate::support::wait_for;
use crate::system::{Discovery, FAN, LIMIT, System, fans};

/// The number of [`FAN`] in the machine.
const FAN_NUMBER: u8 = 1;

impl System {
    /// Makes the default rules of fans fire at once, as an operator can who does not
    /// want to wait for minutes.
    fn hurry_fans(&self) {
        let found = self
            .controller
            .ask(Method::GET, "rules?origin=default&search=ipmi-fan", None);
        let group = &found["items"][0];
        assert_eq!(group["name"], "ipmi-fan", "{found}");
        let mut rules = group["rules"].clone();
        for rule in rules.as_array_mut().expect("rules") {
            rule["for"] = json!("0s");
        }
        let body = json!({"name": "ipmi-fan", "interval": "1s", "rules": rules});
        self.change("rules", group["id"].as_i64().expect("a number"), &body);
    }

    /// The one alert that there is, once it satisfies a condition.
    fn wait_for_alert(&self, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        wait_for(what, LIMIT, || {
            let list = self.controller.ask(Method::GET, "alerts", None);
            assert!(list["total"].as_u64() <= Some(1), "one row: {list}");
            let alert = list["items"][0].clone();
            (alert["id"].is_i64() && is_so(&alert)).then_some(alert)
        })
    }
}

#[test]
fn a_dying_fan_is_one_alert_that_ends_when_it_recovers() {
    let lab = Lab::new();
    let system = System::start(Discovery::Files);
    let bmc = lab.start(fans(60));
    system.hurry_fans();
    system
        .controller
        .create("servers", &system.server("a", bmc.addr(), true));
    system.wait_for_fan("a", Some(60));
    system
        .prometheus
        .wait_for(&format!("ipmi_sensor_threshold{{name=\"{FAN}\"}}"));

    // 300 revolutions a minute, and the BMC says what that is: below critical.
    let fan = SensorKey::bmc(FAN_NUMBER);
    bmc.device(|device| device.set_response(fan, vec![3, 0xc0, 0x02, 0x80]));
    let alert = system.wait_for_alert("the notification", |alert| alert["notified"] == true);
    assert_eq!(alert["state"], "firing", "{alert}");
    assert_eq!(alert["severity"], "critical", "{alert}");
    assert_eq!(alert["labels"]["alertname"], "IpmiFanFailed", "{alert}");
    assert_eq!(alert["labels"]["name"], FAN, "{alert}");
    assert_eq!(
        alert["annotations"]["summary"], "Fan FAN1 of a is critical: 300 rpm",
        "{alert}"
    );

    bmc.device(|device| device.set_response(fan, vec![60, 0xc0, 0x00, 0x80]));
    let ended = system.wait_for_alert("the end", |alert| alert["state"] == "resolved");
    assert_eq!(ended["id"], alert["id"]);
    assert_eq!(ended["end_reason"], "recovered", "{ended}");
}
