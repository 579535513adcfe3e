//! JSON objects opened one level deep: what is not looked into keeps its text.

use crate::json_text::{JsonText, ValueError};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// An object whose members are in the order of the text and whose values keep theirs, so that only what is changed is written anew.
#[derive(Default)]
pub(crate) struct Object<'a>(Vec<(String, Cow<'a, str>)>);

impl<'a> Object<'a> {
    /// Reads a value; `None` if it is no object.
    pub(crate) fn read(json: &'a str) -> Result<Option<Self>, ValueError> {
        if !json.starts_with('{') {
            return Ok(None);
        }
        let members: Members<'_> = serde_json::from_str(json).map_err(|error| ValueError::Syntax(error.to_string()))?;
        Ok(Some(Self(members.0.into_iter().map(|(name, value)| (name, value.get().into())).collect())))
    }

    /// Of members with one name the last counts.
    pub(crate) fn get_mut(&mut self, wanted: &str) -> Option<&mut Cow<'a, str>> {
        self.0.iter_mut().rev().find(|(name, _)| name == wanted).map(|(_, value)| value)
    }

    /// Adds a member behind the others.
    pub(crate) fn push(&mut self, name: String, value: Cow<'a, str>) {
        self.0.push((name, value));
    }

    /// The members, in their order.
    pub(crate) fn members(&self) -> impl Iterator<Item = &(String, Cow<'a, str>)> {
        self.0.iter()
    }

    /// Gives each member another value, or removes it.
    pub(crate) fn edit(&mut self, mut edit: impl FnMut(usize, &str, Cow<'a, str>) -> Option<Cow<'a, str>>) {
        let members = std::mem::take(&mut self.0).into_iter().enumerate();
        self.0 = members.filter_map(|(place, (name, value))| edit(place, &name, value).map(|value| (name, value))).collect();
    }

    /// Removes every member of this name.
    pub(crate) fn remove(&mut self, name: &str) {
        self.0.retain(|(known, _)| known != name);
    }

    /// The members, in their order.
    pub(crate) fn into_members(self) -> Vec<(String, Cow<'a, str>)> {
        self.0
    }

    /// What is left without the leaf that the path leads to; `None` if it leads nowhere.
    pub(crate) fn without(mut self, path: &[&str]) -> Result<Option<Self>, ValueError> {
        let Some((step, rest)) = path.split_first() else { return Ok(None) };
        if rest.is_empty() {
            let before = self.0.len();
            self.remove(step);
            return Ok((self.0.len() < before).then_some(self));
        }
        let Some(member) = self.get_mut(step) else { return Ok(None) };
        let Some(inner) = Object::read(member)? else { return Ok(None) };
        let Some(left) = inner.without(rest)? else { return Ok(None) };
        *member = left.to_string().into();
        Ok(Some(self))
    }
}

impl fmt::Display for Object<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let members: Vec<_> = self.0.iter().map(|(name, value)| format!("{}:{value}", JsonText::string(name))).collect();
        write!(f, "{{{}}}", members.join(","))
    }
}

/// An object's members in the order of the text, values untouched.
pub(crate) struct Members<'a>(pub(crate) Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry::<String, &'de RawValue>()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}
