//! The parser's crate panics at some numbers instead of refusing them.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Works with the parser; a panic is a refusal.
pub(super) fn guarded<T, E>(
    refusal: impl FnOnce(String) -> E,
    work: impl FnOnce() -> Result<T, E>,
) -> Result<T, E> {
    // Nothing is looked at again that the work has left half done.
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(refusal("there is a number that is too large".to_owned())))
}
