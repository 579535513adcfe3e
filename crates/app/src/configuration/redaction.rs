//! Values as they may be shown: like in a file, and without passwords.

use config::{Value, ValueKind};
use std::collections::BTreeMap;

pub(super) const HIDDEN: &str = "***";

/// A value as it could stand in a file. The one that may carry a password is shown without it.
pub(super) fn shown(key: &str, value: &Value) -> String {
    match &value.kind {
        ValueKind::String(text) if key == "storage.url" => quoted(&without_password(text)),
        ValueKind::String(_) if key == "secret" => quoted(HIDDEN),
        ValueKind::String(text) => quoted(text),
        ValueKind::Array(items) => format!("[{}]", items.iter().map(|item| shown(key, item)).collect::<Vec<_>>().join(", ")),
        ValueKind::Table(table) => {
            // In one order, whatever the table's own.
            let members: BTreeMap<_, _> = table.iter().collect();
            format!("{{ {} }}", members.into_iter().map(|(name, value)| format!("{name} = {}", shown(name, value))).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// A URL without the password of its user part and its parameters. When in doubt it hides too much.
pub(crate) fn without_password(url: &str) -> String {
    hide_parameters(&hide_user_part(url))
}

fn hide_user_part(url: &str) -> String {
    let parts = url.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.rsplit_once('@')?)));
    match parts.and_then(|(scheme, (user_part, rest))| Some((scheme, user_part.split_once(':')?.0, rest))) {
        Some((scheme, user, rest)) => format!("{scheme}://{user}:{HIDDEN}@{rest}"),
        None => url.to_owned(),
    }
}

fn hide_parameters(url: &str) -> String {
    let mut pieces = url.split("password=");
    let mut shown = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let rest = piece.find(['&', ' ']).map_or("", |end| &piece[end..]);
        shown.push_str("password=");
        shown.push_str(HIDDEN);
        shown.push_str(rest);
    }
    shown
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_hidden_wherever_they_stand() {
        for (url, shown) in [
            ("", ""),
            ("sqlite:/var/lib/lethe.sqlite", "sqlite:/var/lib/lethe.sqlite"),
            ("postgres://host/db", "postgres://host/db"),
            ("postgres://me@host:5432/db", "postgres://me@host:5432/db"),
            ("postgres://me:secret@a:1,b:2/db?target_session_attrs=read-write", "postgres://me:***@a:1,b:2/db?target_session_attrs=read-write"),
            ("postgres://me:se@cr:et@host/db", "postgres://me:***@host/db"),
            ("postgres://host/db?user=me&password=secret&sslmode=require", "postgres://host/db?user=me&password=***&sslmode=require"),
            ("postgres://host/db?sslpassword=secret", "postgres://host/db?sslpassword=***"),
            ("host=h password=secret user=me", "host=h password=*** user=me"),
            ("mysql://root:secret@host", "mysql://root:***@host"),
        ] {
            assert_eq!(without_password(url), shown);
        }
    }
}
