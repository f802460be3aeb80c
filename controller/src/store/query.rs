//! SQL for both databases.
//!
//! Statements are written once, in the part of SQL that SQLite and PostgreSQL
//! share, with `$1` placeholders, which both read. Fixed statements are declared
//! with [`statements!`]; a test prepares every one of them on both databases, so
//! that a misspelt column fails there and not in the field. Lists with filters
//! are put together from fixed parts by [`Query`]; values never become text.

use sqlx::any::{AnyArguments, AnyRow};
use sqlx::{Arguments, AssertSqlSafe, Encode, Row, Type};

use super::{StoreError, Tx};
use crate::model::{NameSort, Page, PageRequest, Sort};

/// Declares statements as constants, and a list of them all for the test.
macro_rules! statements {
    ($($(#[$meta:meta])* $name:ident = $sql:expr;)*) => {
        $($(#[$meta])* const $name: &str = $sql;)*
        /// Every fixed statement of this file.
        #[cfg(test)]
        pub(super) const STATEMENTS: &[(&str, &str)] = &[$((stringify!($name), $name)),*];
    };
}
pub(super) use statements;

/// A fixed statement with values.
pub(super) type Bound = sqlx::query::Query<'static, sqlx::Any, AnyArguments>;

/// A statement under construction.
pub(super) struct Query {
    text: String,
    arguments: AnyArguments,
    conditions: usize,
}

impl Query {
    pub(super) fn new(start: &'static str) -> Self {
        Self {
            text: start.to_owned(),
            arguments: AnyArguments::default(),
            conditions: 0,
        }
    }

    /// Adds fixed text.
    pub(super) fn push(&mut self, text: &'static str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Adds a placeholder for a value.
    pub(super) fn bind<'q, T>(&mut self, value: T) -> Result<&mut Self, StoreError>
    where
        T: Encode<'q, sqlx::Any> + Type<sqlx::Any> + 'q,
    {
        self.arguments
            .add(value)
            .map_err(|error| StoreError::Database(sqlx::Error::Encode(error)))?;
        self.text.push('$');
        self.text.push_str(&self.arguments.len().to_string());
        Ok(self)
    }

    /// Begins the next condition: `WHERE` the first time, `AND` after that.
    pub(super) fn and(&mut self, text: &'static str) -> &mut Self {
        self.text.push_str(if self.conditions == 0 {
            " WHERE "
        } else {
            " AND "
        });
        self.conditions += 1;
        self.push(text)
    }

    /// Adds `column = value` when there is a value.
    pub(super) fn and_equals<'q, T>(
        &mut self,
        column_equals: &'static str,
        value: Option<T>,
    ) -> Result<&mut Self, StoreError>
    where
        T: Encode<'q, sqlx::Any> + Type<sqlx::Any> + 'q,
    {
        if let Some(value) = value {
            self.and(column_equals).bind(value)?;
        }
        Ok(self)
    }

    /// Adds `column LIKE` what is searched for, anywhere and in any case; the
    /// column's text is in lower case.
    pub(super) fn and_contains(
        &mut self,
        column_like: &'static str,
        text: Option<&str>,
    ) -> Result<&mut Self, StoreError> {
        if let Some(text) = text {
            self.and(column_like)
                .bind(anywhere(text))?
                .push(" ESCAPE '\\'");
        }
        Ok(self)
    }

    /// Adds `column LIKE` a path and what is below it.
    pub(super) fn and_begins(
        &mut self,
        column_like: &'static str,
        path: Option<&str>,
    ) -> Result<&mut Self, StoreError> {
        if let Some(path) = path {
            let pattern = format!("{}/%", escaped(path));
            self.and(column_like).bind(pattern)?.push(" ESCAPE '\\'");
        }
        Ok(self)
    }

    /// Adds a search in several texts, which need not be in lower case. Letters
    /// beyond ASCII count as they are in SQLite.
    pub(super) fn and_any_contains(
        &mut self,
        texts_like: &[&'static str],
        text: Option<&str>,
    ) -> Result<&mut Self, StoreError> {
        let Some(text) = text else {
            return Ok(self);
        };
        for (index, text_like) in texts_like.iter().enumerate() {
            if index == 0 {
                self.and("(");
            } else {
                self.push(" OR ");
            }
            self.push(text_like).bind(anywhere(text))?;
            self.push(" ESCAPE '\\'");
        }
        Ok(self.push(")"))
    }

    /// Adds placeholders for these values in brackets, for `IN`. There must be one
    /// at least: `IN ()` is no SQL.
    pub(super) fn list<'q, T>(
        &mut self,
        values: impl IntoIterator<Item = T>,
    ) -> Result<&mut Self, StoreError>
    where
        T: Encode<'q, sqlx::Any> + Type<sqlx::Any> + 'q,
    {
        for (index, value) in values.into_iter().enumerate() {
            self.push(if index == 0 { "(" } else { ", " }).bind(value)?;
        }
        Ok(self.push(")"))
    }

    pub(super) async fn fetch_all(self, tx: &mut Tx) -> Result<Vec<AnyRow>, StoreError> {
        // The text is made of literals and numbered placeholders only.
        let query = sqlx::query_with(AssertSqlSafe(self.text), self.arguments);
        Ok(query.fetch_all(tx.connection()).await?)
    }

    pub(super) async fn fetch_one(self, tx: &mut Tx) -> Result<AnyRow, StoreError> {
        let query = sqlx::query_with(AssertSqlSafe(self.text), self.arguments);
        Ok(query.fetch_one(tx.connection()).await?)
    }
}

/// A list of which people see a part at a time: what is read, from where, in which
/// order.
pub(super) struct List {
    pub(super) columns: &'static str,
    /// `FROM` and the table.
    pub(super) from: &'static str,
    /// `ORDER BY` and columns of which no two rows have the same.
    pub(super) order: &'static str,
}

impl List {
    /// The rows of a page, and how many there are in all, of those that `filter`
    /// lets through.
    pub(super) async fn rows(
        &self,
        tx: &mut Tx,
        page: PageRequest,
        filter: impl Fn(&mut Query) -> Result<(), StoreError>,
    ) -> Result<Page<AnyRow>, StoreError> {
        let mut list = Query::new("SELECT ");
        list.push(self.columns).push(self.from);
        let mut count = Query::new("SELECT COUNT(*)");
        count.push(self.from);
        for query in [&mut list, &mut count] {
            filter(query)?;
        }
        list.push(self.order).push(" LIMIT ").bind(page.limit)?;
        list.push(" OFFSET ").bind(page.offset)?;
        Ok(Page {
            items: list.fetch_all(tx).await?,
            total: count.fetch_one(tx).await?.try_get(0)?,
            offset: page.offset,
            limit: page.limit,
        })
    }

    /// The same, each row read.
    pub(super) async fn page<T>(
        &self,
        tx: &mut Tx,
        page: PageRequest,
        filter: impl Fn(&mut Query) -> Result<(), StoreError>,
        read: impl Fn(&AnyRow) -> Result<T, StoreError>,
    ) -> Result<Page<T>, StoreError> {
        self.rows(tx, page, filter).await?.try_map(|row| read(&row))
    }
}

/// The order of rows that have a column `name`, `id` and `updated_ms`.
pub(super) fn name_order(sort: Sort<NameSort>) -> &'static str {
    match (sort.key, sort.descending) {
        (NameSort::Name, false) => " ORDER BY name, id",
        (NameSort::Name, true) => " ORDER BY name DESC, id DESC",
        (NameSort::Id, false) => " ORDER BY id",
        (NameSort::Id, true) => " ORDER BY id DESC",
        (NameSort::UpdatedAt, false) => " ORDER BY updated_ms, id",
        (NameSort::UpdatedAt, true) => " ORDER BY updated_ms DESC, id DESC",
    }
}

/// A pattern for `LIKE … ESCAPE '\'` that finds `text` anywhere.
fn anywhere(text: &str) -> String {
    format!("%{}%", escaped(&text.to_lowercase()))
}

/// A pattern that is the text and nothing else.
fn escaped(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_searched_for_is_no_pattern() {
        assert_eq!(anywhere("A_b%c\\"), r"%a\_b\%c\\%");
    }
}
