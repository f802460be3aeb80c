//! Alerts as they are told to us, and what follows from that: pure, without a
//! clock, a database or a socket.
//!
//! Two senders tell of the same alerts. Prometheus sends every alert that fires
//! again and again, with a time until which that holds, and those that ended
//! for a quarter of an hour. Alertmanager sends what it notified somebody of.
//! Both may be late, repeat themselves, or be overtaken. So nothing here depends
//! on the order of what arrives: [`Evidence`] is a set that only grows in
//! knowledge, and how an episode [stands](Standing) follows from the set.
//!
//! What nobody told is read afterwards, from Prometheus' [records](Record).

mod delivery;
mod evidence;
mod fingerprint;
mod look;
mod record;
mod sighting;

pub use delivery::{BadDelivery, Delivery, RefusedAlert, parse_push, parse_webhook};
pub use evidence::{Evidence, Standing};
pub use fingerprint::Fingerprint;
pub use look::{HeldAlert, Look, parse_look};
pub use record::{Known, Record, assign};
pub use sighting::{Afterwards, AlertLabels, Description, Loss, Notification, Sighting, What};
