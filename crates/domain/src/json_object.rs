//! JSON objects opened one level deep: what is not looked into keeps its text.

use crate::json_text::ValueError;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

/// An object whose members are in the order of the text, and whose names and values keep theirs, so that only what is changed is written anew.
#[derive(Default)]
pub(crate) struct Object<'a>(Vec<Member<'a>>);

struct Member<'a> {
    name: String,
    /// The name as it stands in the text, in quotes.
    written: &'a str,
    value: Cow<'a, str>,
}

impl<'a> Object<'a> {
    /// Reads a value; `None` if it is no object.
    pub(crate) fn read(json: &'a str) -> Result<Option<Self>, ValueError> {
        if !json.starts_with('{') {
            return Ok(None);
        }
        let syntax = |error: serde_json::Error| ValueError::Syntax(error.to_string());
        let members: RawMembers<'_> = serde_json::from_str(json).map_err(syntax)?;
        let member = |(written, value): (&'a RawValue, &'a RawValue)| {
            let name = serde_json::from_str(written.get()).map_err(syntax)?;
            Ok(Member { name, written: written.get(), value: value.get().into() })
        };
        members.0.into_iter().map(member).collect::<Result<_, _>>().map(Self).map(Some)
    }

    /// Takes in the members of another object, new ones behind the others. `combine` is given the value that is there, if one is, and the new one;
    /// `None` removes the member. Of members with one name the last counts. Each object is walked once: both may have thousands of members.
    pub(crate) fn combine<E>(self, changes: Self, mut combine: impl FnMut(Option<&str>, &str) -> Result<Option<String>, E>) -> Result<Self, E> {
        let (present, last_change) = (self.last_places(), changes.last_places());
        let (mut results, mut added) = (HashMap::new(), Vec::new());
        for (place, change) in changes.0.into_iter().enumerate() {
            if last_change.get(&change.name) != Some(&place) {
                continue;
            }
            if let Some(at) = present.get(&change.name) {
                let there = self.0.get(*at).map(|member| member.value.as_ref());
                results.insert(*at, combine(there, &change.value)?);
            } else if let Some(value) = combine(None, &change.value)? {
                added.push(Member { value: value.into(), ..change });
            }
        }
        let kept = self.0.into_iter().enumerate().filter_map(|(place, member)| {
            let last = present.get(&member.name)?;
            match results.get_mut(last) {
                Some(None) => None,
                Some(Some(value)) if *last == place => Some(Member { value: std::mem::take(value).into(), ..member }),
                None | Some(Some(_)) => Some(member),
            }
        });
        Ok(Self(kept.collect::<Vec<_>>().into_iter().chain(added).collect()))
    }

    /// Where the last member of each name is.
    fn last_places(&self) -> HashMap<String, usize> {
        self.0.iter().enumerate().map(|(place, member)| (member.name.clone(), place)).collect()
    }

    /// What is left without the leaf that the path leads to; `None` if it leads nowhere.
    pub(crate) fn without(mut self, path: &[&str]) -> Result<Option<Self>, ValueError> {
        let Some((step, rest)) = path.split_first() else { return Ok(None) };
        if rest.is_empty() {
            let before = self.0.len();
            self.0.retain(|member| member.name != *step);
            return Ok((self.0.len() < before).then_some(self));
        }
        let Some(member) = self.0.iter_mut().rev().find(|member| member.name == *step) else { return Ok(None) };
        let Some(inner) = Object::read(&member.value)? else { return Ok(None) };
        let Some(left) = inner.without(rest)?.map(|left| left.to_string()) else { return Ok(None) };
        member.value = left.into();
        Ok(Some(self))
    }
}

impl fmt::Display for Object<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let members: Vec<_> = self.0.iter().map(|Member { written, value, .. }| format!("{written}:{value}")).collect();
        write!(f, "{{{}}}", members.join(","))
    }
}

/// An object's members in the order of the text, values untouched.
pub(crate) type Members<'a> = InOrder<String, &'a RawValue>;

/// The same, names untouched as well.
type RawMembers<'a> = InOrder<&'a RawValue, &'a RawValue>;

pub(crate) struct InOrder<N, V>(pub(crate) Vec<(N, V)>);

impl<'de, N: Deserialize<'de>, V: Deserialize<'de>> Deserialize<'de> for InOrder<N, V> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor<N, V>(std::marker::PhantomData<(N, V)>);
        impl<'de, N: Deserialize<'de>, V: Deserialize<'de>> serde::de::Visitor<'de> for Visitor<N, V> {
            type Value = InOrder<N, V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(InOrder(members))
            }
        }
        deserializer.deserialize_map(Visitor(std::marker::PhantomData))
    }
}
