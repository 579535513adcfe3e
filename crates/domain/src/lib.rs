#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

pub mod access;
pub mod account;
pub mod archive;
pub mod audit;
pub mod change;
pub mod content;
pub mod erasure;
pub mod event;
pub mod hold;
pub mod id;
pub mod json_text;
pub mod key;
pub mod limits;
pub mod manifest;
pub mod page;
pub mod plan;
pub mod preference;
pub mod profile;
pub mod settings;
pub mod time;
pub mod webhook;

pub use access::{Act, Actor, Audience, Operation, Relation};
pub use account::{Account, AccountState, LiveState, StatusSet, UserStatus};
pub use change::{Change, ChangeKind};
pub use content::{Author, Post, PostKind, PostText, PostTitle, Reaction, Vote};
pub use erasure::{Erasure, ErasureCursor, ErasureState};
pub use event::{Event, EventKind};
pub use hold::{Hold, HoldReason, NewHold};
pub use id::{HoldId, NodeId, PostId, PreferenceId, Revision, UserId};
pub use json_text::{JsonText, ValueError};
pub use key::{KeyError, PreferenceKey};
pub use limits::Limits;
pub use manifest::{ContentKind, Tally};
pub use page::{Page, PageRequest};
pub use preference::{Edit, NewPreference, Preference, PreferenceUpdate};
pub use profile::{Email, ExtId, Gender, Profile, ProfileUpdate, Role, User, Username};
pub use time::Timestamp;
