//! SQL written by hand, prepared once a connection.
//!
//! Diesel never caches `sql_query`: each call would be parsed and planned anew. A `statement!` is a query with a type of its own, which is
//! what diesel's cache goes by.

use crate::{Failure, Lease};
use futures_util::future::BoxFuture;

/// A text with named places for values (`:owner`), cut into what diesel has to put together.
///
/// A value takes its number where it first appears; further places repeat the number. Lines of comment are left out, and so are indents.
#[derive(Debug)]
pub(crate) struct Template {
    pub(crate) pieces: Vec<Piece>,
}

/// A part of a [`Template`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Text as it stands.
    Text(String),
    /// The place of the value of this name.
    Value(&'static str),
}

impl Template {
    pub(crate) fn new(sql: &str, names: &[&'static str]) -> Self {
        let lines: Vec<_> = sql.lines().map(str::trim).filter(|line| !line.starts_with("--")).collect();
        let sql = lines.join(" ");
        let mut template = Self { pieces: Vec::new() };
        let mut numbered: Vec<&'static str> = Vec::new();
        let mut rest = sql.as_str();
        while let Some((text, name)) = next_place(rest, names) {
            template.push_text(text);
            if let Some(position) = numbered.iter().position(|known| *known == name) {
                template.push_text(&format!("${}", position + 1));
            } else {
                template.pieces.push(Piece::Value(name));
                numbered.push(name);
            }
            rest = &rest[text.len() + 1 + name.len()..];
        }
        template.push_text(rest);
        template
    }

    fn push_text(&mut self, text: &str) {
        match self.pieces.last_mut() {
            Some(Piece::Text(last)) => last.push_str(text),
            Some(Piece::Value(_)) | None => self.pieces.push(Piece::Text(text.to_owned())),
        }
    }
}

/// The text before the next place of a value, and the value's name. A cast (`::bigint`) names no value.
fn next_place<'s>(sql: &'s str, names: &[&'static str]) -> Option<(&'s str, &'static str)> {
    sql.match_indices(':').find_map(|(colon, _)| {
        let after = &sql[colon + 1..];
        let end = after.find(|character: char| !character.is_ascii_lowercase() && character != '_').unwrap_or(after.len());
        names.iter().find(|name| **name == &after[..end]).map(|name| (&sql[..colon], *name))
    })
}

/// A statement that gives rows.
pub(crate) trait Statement: Copy + Send {
    /// What a row is read into.
    type Row: Send + 'static;

    /// Runs it on a connection.
    fn run(self, lease: &mut Lease) -> BoxFuture<'_, Result<Vec<Self::Row>, Failure>>;
}

/// Declares a statement: the file of its SQL and its values with their SQL types; and, if it gives rows, their columns and what they are
/// read into.
macro_rules! statement {
    ($(#[$doc:meta])* $name:ident $(<$life:lifetime>)? = $file:literal => $columns:ty as $row:ty { $($values:tt)+ }) => {
        $crate::statement::statement! { $(#[$doc])* $name $(<$life>)? = $file { $($values)+ } }

        impl $(<$life>)? diesel::query_builder::Query for $name $(<$life>)? {
            type SqlType = $columns;
        }

        impl $(<$life>)? $crate::statement::Statement for $name $(<$life>)? {
            type Row = $row;

            fn run(self, lease: &mut $crate::Lease) -> futures_util::future::BoxFuture<'_, Result<Vec<$row>, $crate::Failure>> {
                lease.rows(self)
            }
        }
    };
    ($(#[$doc:meta])* $name:ident $(<$life:lifetime>)? = $file:literal { $($value:ident: $sql_type:ty = $rust_type:ty),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub(crate) struct $name $(<$life>)? {
            $(pub(crate) $value: $rust_type,)+
        }

        const _: () = {
            use diesel::pg::Pg;
            use diesel::query_builder::{AstPass, QueryFragment, QueryId};
            use $crate::statement::{Piece, Template};

            impl $(<$life>)? $name $(<$life>)? {
                fn push_value<'b>(&'b self, name: &str, out: &mut AstPass<'_, 'b, Pg>) -> diesel::QueryResult<()> {
                    match name {
                        $(stringify!($value) => out.push_bind_param::<$sql_type, _>(&self.$value),)+
                        other => Err(diesel::result::Error::QueryBuilderError(format!("no value is named {other}").into())),
                    }
                }
            }

            impl $(<$life>)? QueryFragment<Pg> for $name $(<$life>)? {
                fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> diesel::QueryResult<()> {
                    static TEMPLATE: std::sync::LazyLock<Template> =
                        std::sync::LazyLock::new(|| Template::new(include_str!($file), &[$(stringify!($value)),+]));
                    for piece in &TEMPLATE.pieces {
                        match piece {
                            Piece::Text(text) => out.push_sql(text),
                            Piece::Value(name) => self.push_value(name, &mut out)?,
                        }
                    }
                    Ok(())
                }
            }

            /// By this diesel's cache knows the statement.
            #[derive(Debug)]
            pub(crate) struct Id;

            impl $(<$life>)? QueryId for $name $(<$life>)? {
                type QueryId = Id;
                const HAS_STATIC_QUERY_ID: bool = true;
            }
        };
    };
}
pub(crate) use statement;

#[cfg(test)]
mod tests {
    use super::{Piece, Template};

    #[test]
    fn a_value_is_numbered_where_it_first_appears() {
        let sql = "-- not :id\nSELECT :id::bigint,\n    :name\nWHERE a = :id AND b = 'x: y'";
        let text = |text: &str| Piece::Text(text.into());
        let expected = [text("SELECT "), Piece::Value("id"), text("::bigint, "), Piece::Value("name"), text(" WHERE a = $1 AND b = 'x: y'")];
        assert_eq!(Template::new(sql, &["name", "id", "bigint_like"]).pieces, expected);
    }
}
