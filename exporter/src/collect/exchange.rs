//! What walks over a BMC's stores are told, said once for all of them.

use std::time::Instant;

use rmcp_ipmi::Error;
use rmcp_ipmi::walk::Outcome;
use rmcp_ipmi::wire::{CommandKey, Route};

use crate::bmc::Bmc;

/// Sends one request of a walk and puts the answer into the walk's words. A BMC, or
/// a satellite, that lives but leaves a request unanswered is silence to a walk:
/// some do so when the answer would be too long.
///
/// # Errors
/// When the BMC or the satellite cannot be asked at all, and [`Error::Deadline`].
pub(super) async fn exchange<'r>(
    bmc: &mut Bmc,
    route: Route,
    key: CommandKey,
    data: &[u8],
    deadline: Instant,
    reply: &'r mut Vec<u8>,
) -> Result<Outcome<'r>, Error> {
    match bmc.call_sized_at(route, key, data, deadline, reply).await {
        Ok(code) if code.is_ok() => Ok(Outcome::Data(reply)),
        Ok(code) => Ok(Outcome::Refused(code.0)),
        Err(Error::Silent { .. } | Error::SatelliteSilent { .. }) if bmc.is_open() => {
            Ok(Outcome::Silence)
        }
        Err(error) => Err(error),
    }
}
