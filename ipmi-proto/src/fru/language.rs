//! Language codes of areas (FRU specification section 15).

/// The language that an area's fields are written in.
///
/// It decides how fields of type 11b are encoded. Which language a code other
/// than English stands for is not needed to read the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Language(pub u8);

impl Language {
    /// English, the code that is assumed where there is none.
    pub const ENGLISH: Self = Self(25);

    /// Whether this is English; 0 and 25 both are.
    pub const fn is_english(self) -> bool {
        matches!(self.0, 0 | 25)
    }
}
