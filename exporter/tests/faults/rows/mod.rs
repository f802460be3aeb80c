//! The tables, by the sections of `fixtures/FAULTS.md`.

mod identity;
mod login;
mod sdr;
mod sensor;
mod store;
mod transport;

pub(crate) use identity::ROWS as IDENTITY;
pub(crate) use login::ROWS as LOGIN;
pub(crate) use sdr::ROWS as SDR;
pub(crate) use sensor::ROWS as SENSOR;
pub(crate) use store::ROWS as STORE;
pub(crate) use transport::ROWS as TRANSPORT;

use crate::row::Row;

/// All rows of all tables.
pub(crate) fn all() -> impl Iterator<Item = &'static Row> {
    [LOGIN, TRANSPORT, IDENTITY, SDR, SENSOR, STORE]
        .into_iter()
        .flatten()
}
