//! FRU inventory: what a board says about itself (maker, name, serial and part
//! numbers).
//!
//! [`Fru::decode`] turns the image of an inventory device into typed areas,
//! [`Labels`] picks the fields that label metrics, and [`walk`] reads an image
//! piece by piece without doing I/O.
//!
//! Images in the field are sloppy: wrong checksums, lengths beyond the end, no
//! end marks, or only the first half arrived. What is readable is given out; a
//! wrong checksum is marked and nothing more. A field that is cut off is left
//! out, since half a serial number is a wrong one.
//!
//! Format: IPMI Platform Management FRU Information Storage Definition v1.0
//! revision 1.3, "FRU specification" below.

mod area;
mod checksum;
mod extent;
mod field;
mod header;
mod image;
mod label;
mod language;
mod multi_record;
mod power_supply;
pub mod walk;

pub use area::{Area, AreaError, Board, Chassis, MadeAt, Product};
pub use checksum::Checksum;
pub use field::{Encoding, Field};
pub use header::{CommonHeader, HeaderError};
pub use image::Fru;
pub use label::Labels;
pub use language::Language;
pub use multi_record::{MultiRecord, MultiRecordArea, RecordType, RecordsEnd};
pub use power_supply::{CombinedOutput, InputRange, PowerSupply, Rail};
