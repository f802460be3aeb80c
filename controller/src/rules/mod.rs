//! What rules need besides being kept: the ones that come with the program, what a
//! rule would do, and which threshold holds for a sensor.

pub mod backtest;
pub mod effective;
pub mod firing;
pub mod install;
pub mod validate;

pub use backtest::{Backtest, BacktestError, BacktestReport, backtest};
pub use effective::{SensorThresholds, effective_thresholds};
pub use install::install;
pub use validate::{RuleFinding, Validation, validate};
