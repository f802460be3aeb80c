//! Collector `bmc-clock`: how far the BMC's clock is off.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rmcp_ipmi::command::{GetSelTime, GetSelTimeUtcOffset, UtcOffset};

use super::metric::{CLOCK_SKEW, CLOCK_UTC_OFFSET};
use crate::collect::CollectError;
use crate::collect::asker::{Asker, Kept};
use crate::collect::sample::Samples;

pub(super) async fn collect(
    asker: &mut Asker<'_>,
    offset: &mut Kept<Option<UtcOffset>>,
) -> Result<Samples, CollectError> {
    let mut samples = Samples::default();
    let before = SystemTime::now();
    let time = asker.ask(&GetSelTime).await?;
    let after = SystemTime::now();
    // A clock that counts from the BMC's start, or that was never set, has no
    // skew.
    if let Some(seconds) = time.unix_seconds() {
        samples.put(&CLOCK_SKEW, skew(seconds, before, after));
    }
    let offset = match offset.get() {
        Some(offset) => offset,
        None => offset.keep(asker.ask_if_there(&GetSelTimeUtcOffset).await?),
    };
    if let Some(minutes) = offset.and_then(|offset| offset.0) {
        samples.put(&CLOCK_UTC_OFFSET, f64::from(minutes) * 60.0);
    }
    Ok(samples)
}

/// The BMC looked at its clock in the middle of the round trip, as likely as
/// not, and in the middle of its second.
fn skew(seconds: u32, before: SystemTime, after: SystemTime) -> f64 {
    const HALF_A_SECOND: f64 = 0.5;
    let trip = after.duration_since(before).unwrap_or(Duration::ZERO);
    let ours = (before + trip / 2)
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    f64::from(seconds) + HALF_A_SECOND - ours.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_the_trip_is_compared() {
        let before = UNIX_EPOCH + Duration::from_millis(1_700_000_000_000);
        let after = before + Duration::from_secs(3);
        // At 1.5 s of ours the BMC's clock was in its second 0.
        assert_eq!(skew(1_700_000_000, before, after), -1.0);
        assert_eq!(skew(1_700_000_061, before, after), 60.0);
        // Our own clock was set back meanwhile.
        assert_eq!(skew(1_700_000_003, after, before), 0.5);
    }
}
