//! Logs in to a BMC and prints who it is:
//! `identity ADDRESS:PORT USER PASSWORD`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rmcp_ipmi::client::Connection;
use rmcp_ipmi::command::{GetChassisStatus, GetDeviceId};
use rmcp_ipmi::crypto::{Password, Username};
use rmcp_ipmi::session::Settings;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(address), Some(user), Some(password)) =
        (arguments.next(), arguments.next(), arguments.next())
    else {
        return Err("usage: identity ADDRESS:PORT USER PASSWORD".into());
    };
    let settings = Settings::new(
        Username::new(user.as_bytes())?,
        Password::new(password.as_bytes())?,
    );
    let mut bmc = Connection::new(address.parse()?, Arc::new(settings));
    let deadline = Instant::now() + Duration::from_secs(10);
    let opened = bmc.open(deadline).await?;
    println!(
        "logged in with {} as {}",
        opened.negotiated, opened.privilege
    );
    let id = bmc.call(&GetDeviceId, deadline).await?;
    println!(
        "manufacturer {}, firmware {}",
        id.manufacturer,
        id.firmware_revision()
    );
    let chassis = bmc.call(&GetChassisStatus, deadline).await?;
    println!(
        "power is {}",
        if chassis.is_power_on() { "on" } else { "off" }
    );
    bmc.close().await;
    Ok(())
}
