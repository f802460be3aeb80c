//! Vendors' own commands that read. Each is for the machines of its vendor:
//! elsewhere the same bytes may mean anything, so whoever sends them looks at
//! the manufacturer id first.

mod dell;
mod intel;
mod lenovo;
mod supermicro;

pub use dell::{
    DellEnergy, DellHeadroom, DellPeak, DellPower, GetDellEnergy, GetDellHeadroom, GetDellPower,
};
pub use intel::{
    GetNodeManagerStatistics, NodeManagerAddress, NodeManagerDomain, NodeManagerMode,
    NodeManagerStatistics,
};
pub use lenovo::{
    EnergyMeter, FindEnergyMeter, FpcPower, GetEnergy, GetFpcPower, LenovoIana, Meter,
};
pub use supermicro::{
    GetSupermicroLanMode, LanMode, ReadSupplyStatus, SupermicroSupplies, SupplyGeneration,
};

/// IANA enterprise numbers of the makers whose commands are here.
pub mod manufacturer {
    /// Dell.
    pub const DELL: u32 = 674;
    /// IBM, whose server business is Lenovo's.
    pub const IBM: u32 = 20_301;
    /// Intel.
    pub const INTEL: u32 = 343;
    /// Lenovo.
    pub const LENOVO: u32 = 19_046;
    /// Supermicro.
    pub const SUPERMICRO: u32 = 10_876;
    /// Not assigned; many of Supermicro's boards say it of themselves.
    pub const SUPERMICRO_UNASSIGNED: u32 = 47_488;
}
