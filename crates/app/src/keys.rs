//! The root keys: where they are kept, which one signs, and which ones are trusted.
//!
//! Private keys lie in `data_dir/keys`, one file `ID.private` each, unless `auth.private_key_file` names another. A file holds
//! `ID:ed25519-private/HEX`. The key with the highest id signs.

use crate::configuration::{Auth, Settings};
use crate::failure::Failure;
use crate::wiring::tokens::{RootKey, SigningKey};
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const EXTENSION: &str = "private";

/// Creates a folder, and those above it, that nobody else may look into. One that exists stays as it is.
pub(crate) fn create_private_folder(path: &Path) -> Result<(), Failure> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| Failure::of(format!("cannot create the folder {}", path.display()), error))
}

/// The root keys that a configuration leads to.
pub(crate) struct KeyRing {
    /// By id.
    private: Vec<Arc<SigningKey>>,
    trusted: Vec<RootKey>,
}

/// One key of a ring, and what it is good for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct KeyUse {
    pub(crate) key: RootKey,
    pub(crate) signs: bool,
    pub(crate) trusted: bool,
}

impl KeyRing {
    /// The keys as they are, which may be none.
    pub(crate) fn load(settings: &Settings) -> Result<Self, Failure> {
        let private = match &settings.auth.private_key_file {
            Some(file) => vec![Arc::new(read_key(file)?)],
            None => KeyFolder::of(settings).read()?.into_iter().map(Arc::new).collect(),
        };
        let trusted = match configured_keys(&settings.auth) {
            configured if configured.is_empty() => private.iter().map(|key| key.public()).collect(),
            configured => configured,
        };
        Ok(Self { private, trusted })
    }

    /// The same, after a first key was made if neither a private nor a public one was there.
    pub(crate) fn load_or_begin(settings: &Settings) -> Result<Self, Failure> {
        let ring = Self::load(settings)?;
        if !ring.trusted.is_empty() {
            return Ok(ring);
        }
        match KeyFolder::of(settings).add(&SigningKey::generate(1)) {
            // Another process may have been faster; then its key is as good.
            Err(AddError::IdTaken) | Ok(()) => Self::load(settings),
            Err(AddError::Failed(failure)) => Err(failure),
        }
    }

    /// The public keys whose tokens are accepted.
    pub(crate) fn trusted(&self) -> &[RootKey] {
        &self.trusted
    }

    /// The key that signs new tokens.
    pub(crate) fn signing_key(&self) -> Result<&Arc<SigningKey>, Failure> {
        let key = self.private.last().ok_or_else(|| {
            Failure::Failed(
                "there is no private root key here: run `lethe keys generate`, or set auth.private_key_file, or issue tokens where the key is".to_owned(),
            )
        })?;
        if self.trusted.contains(&key.public()) {
            return Ok(key);
        }
        Err(Failure::Failed(format!("tokens of the newest private key would be refused: add \"{}\" to auth.public_keys", key.public())))
    }

    /// Every key, newest first.
    pub(crate) fn uses(&self) -> Vec<KeyUse> {
        let mut keys: Vec<RootKey> = self.private.iter().map(|key| key.public()).collect();
        keys.extend(self.trusted.iter().filter(|key| self.private.iter().all(|private| private.public() != **key)));
        keys.sort_by_key(|key| std::cmp::Reverse(key.id()));
        let newest = self.private.last().map(|key| key.public());
        keys.into_iter().map(|key| KeyUse { signs: newest.as_ref() == Some(&key), trusted: self.trusted.contains(&key), key }).collect()
    }

    fn next_id(&self) -> u32 {
        let public = self.trusted.iter().map(RootKey::id);
        self.private.iter().map(|key| key.id()).chain(public).max().unwrap_or(0).saturating_add(1)
    }
}

/// Adds a key pair to `data_dir`, with an id above all that are known.
pub(crate) fn generate(settings: &Settings) -> Result<RootKey, Failure> {
    if let Some(file) = &settings.auth.private_key_file {
        return Err(Failure::Failed(format!("auth.private_key_file = {} is in force, so a key in data_dir would not be used", file.display())));
    }
    loop {
        let key = SigningKey::generate(KeyRing::load(settings)?.next_id());
        match KeyFolder::of(settings).add(&key) {
            Ok(()) => return Ok(key.public()),
            Err(AddError::IdTaken) => {}
            Err(AddError::Failed(failure)) => return Err(failure),
        }
    }
}

fn configured_keys(auth: &Auth) -> Vec<RootKey> {
    auth.public_keys.iter().map(|key| key.0).collect()
}

/// Why a key was not added.
enum AddError {
    IdTaken,
    Failed(Failure),
}

/// The folder of generated keys.
struct KeyFolder(PathBuf);

impl KeyFolder {
    fn of(settings: &Settings) -> Self {
        Self(settings.data_dir.join("keys"))
    }

    /// The keys in it, by id.
    fn read(&self) -> Result<Vec<SigningKey>, Failure> {
        let entries = match fs::read_dir(&self.0) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.and_then(Iterator::collect::<io::Result<Vec<_>>>).map_err(|error| self.failure("read", &error))?,
        };
        let paths = entries.iter().map(fs::DirEntry::path).filter(|path| path.extension().is_some_and(|extension| extension == EXTENSION));
        let mut keys = paths.map(|path| self.read_one(&path)).collect::<Result<Vec<_>, _>>()?;
        keys.sort_by_key(SigningKey::id);
        Ok(keys)
    }

    fn read_one(&self, path: &Path) -> Result<SigningKey, Failure> {
        let key = read_key(path)?;
        if *path == self.path_of(key.id()) {
            return Ok(key);
        }
        Err(Failure::Failed(format!("{} holds the key of id {}: rename one of them", path.display(), key.id())))
    }

    /// Writes a key that only its owner may read. It appears under its name whole or not at all, and never instead of another.
    fn add(&self, key: &SigningKey) -> Result<(), AddError> {
        create_private_folder(&self.0).map_err(AddError::Failed)?;
        let draft = self.0.join(format!("{}.draft-{}", key.id(), std::process::id()));
        let written = write_private(&draft, &format!("{}:{}\n", key.id(), key.to_text())).and_then(|()| fs::hard_link(&draft, self.path_of(key.id())));
        let removed = fs::remove_file(&draft);
        match written.and(removed) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(AddError::IdTaken),
            Err(error) => Err(AddError::Failed(self.failure("write a key into", &error))),
        }
    }

    fn path_of(&self, id: u32) -> PathBuf {
        self.0.join(format!("{id}.{EXTENSION}"))
    }

    fn failure(&self, act: &str, error: &io::Error) -> Failure {
        Failure::of(format!("cannot {act} {}", self.0.display()), error)
    }
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn read_key(path: &Path) -> Result<SigningKey, Failure> {
    let failure = |reason: String| Failure::of(format!("cannot read the private key {}", path.display()), reason);
    let text = fs::read_to_string(path).map_err(|error| failure(error.to_string()))?;
    let (id, key) = text.trim().split_once(':').ok_or_else(|| failure("expected ID:ed25519-private/HEX".to_owned()))?;
    let id = id.parse().map_err(|_| failure(format!("{id:?} is no key id")))?;
    SigningKey::from_text(id, key).map_err(|error| failure(error.to_string()))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use tempfile::TempDir;

    /// Settings over an empty folder, which does not exist yet.
    fn settings(place: &TempDir) -> Settings {
        Settings { data_dir: place.path().join("data"), ..Settings::default() }
    }

    fn trusting(settings: &Settings, keys: &[RootKey]) -> Settings {
        let public_keys = keys.iter().map(|key| key.to_string().parse().unwrap()).collect();
        Settings { auth: Auth { public_keys, ..settings.auth.clone() }, ..settings.clone() }
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    fn refusal<T>(result: Result<T, Failure>) -> String {
        match result {
            Err(Failure::Failed(message)) => message,
            Err(other) => panic!("another failure: {other:?}"),
            Ok(_) => panic!("no failure"),
        }
    }

    #[test]
    fn nothing_is_made_by_looking() {
        let place = TempDir::new().unwrap();
        let ring = KeyRing::load(&settings(&place)).unwrap();
        assert!(ring.trusted().is_empty() && ring.uses().is_empty());
        assert!(refusal(ring.signing_key()).contains("lethe keys generate"));
        assert!(!place.path().join("data").exists());
    }

    #[test]
    fn the_first_key_is_made_once_and_for_its_owner_alone() {
        let place = TempDir::new().unwrap();
        let settings = settings(&place);
        let first = KeyRing::load_or_begin(&settings).unwrap();
        let again = KeyRing::load_or_begin(&settings).unwrap();
        assert_eq!(first.trusted(), again.trusted());
        assert_eq!(first.signing_key().unwrap().public(), again.signing_key().unwrap().public());
        assert_eq!(first.signing_key().unwrap().id(), 1);
        let keys = settings.data_dir.join("keys");
        assert_eq!((mode(&settings.data_dir), mode(&keys), mode(&keys.join("1.private"))), (0o700, 0o700, 0o600));
        assert_eq!(fs::read_dir(keys).unwrap().count(), 1, "no draft is left");
    }

    #[test]
    fn a_new_key_signs_and_the_old_ones_stay_trusted() {
        let place = TempDir::new().unwrap();
        let settings = settings(&place);
        let made: Vec<RootKey> = (0..11).map(|_| generate(&settings).unwrap()).collect();
        let ring = KeyRing::load(&settings).unwrap();
        assert_eq!(made.iter().map(RootKey::id).collect::<Vec<_>>(), (1..=11).collect::<Vec<_>>());
        assert_eq!(ring.trusted(), made);
        assert_eq!(ring.signing_key().unwrap().public(), made[10]);
        let uses = ring.uses();
        assert_eq!(uses[0], KeyUse { key: made[10], signs: true, trusted: true });
        assert_eq!(uses[10], KeyUse { key: made[0], signs: false, trusted: true });
    }

    #[test]
    fn a_key_is_never_written_over() {
        let place = TempDir::new().unwrap();
        let settings = settings(&place);
        let made = generate(&settings).unwrap();
        assert!(matches!(KeyFolder::of(&settings).add(&SigningKey::generate(1)), Err(AddError::IdTaken)));
        assert_eq!(KeyRing::load(&settings).unwrap().trusted(), [made]);
    }

    #[test]
    fn with_public_keys_alone_nothing_is_made_and_nothing_can_be_signed() {
        let place = TempDir::new().unwrap();
        let public = SigningKey::generate(5).public();
        let settings = trusting(&settings(&place), &[public]);
        let ring = KeyRing::load_or_begin(&settings).unwrap();
        assert_eq!(ring.trusted(), [public]);
        assert!(refusal(ring.signing_key()).contains("no private root key"));
        assert!(!settings.data_dir.exists());
    }

    #[test]
    fn only_configured_public_keys_are_trusted_when_there_are_any() {
        let place = TempDir::new().unwrap();
        let settings = settings(&place);
        let local = generate(&settings).unwrap();
        let other = SigningKey::generate(7).public();
        let strict = trusting(&settings, &[other]);
        let ring = KeyRing::load(&strict).unwrap();
        assert_eq!(ring.trusted(), [other]);
        assert!(refusal(ring.signing_key()).contains(&local.to_string()));
        assert_eq!(generate(&strict).unwrap().id(), 8, "an id that is trusted elsewhere is not given out again");
        assert_eq!(KeyRing::load(&trusting(&settings, &[local])).unwrap().uses().len(), 2);
    }

    #[test]
    fn a_named_private_key_is_used_instead_of_those_in_the_folder() {
        let place = TempDir::new().unwrap();
        let plain = settings(&place);
        generate(&plain).unwrap();
        let named = SigningKey::generate(9);
        let file = place.path().join("root.key");
        fs::write(&file, format!("9:{}\n", named.to_text())).unwrap();
        let settings = Settings { auth: Auth { public_keys: Vec::new(), private_key_file: Some(file) }, ..plain };
        let ring = KeyRing::load_or_begin(&settings).unwrap();
        assert_eq!(ring.trusted(), [named.public()]);
        assert_eq!(ring.signing_key().unwrap().public(), named.public());
        assert!(refusal(generate(&settings)).contains("auth.private_key_file"));
    }

    #[test]
    fn a_damaged_key_is_named_and_its_text_is_not() {
        let place = TempDir::new().unwrap();
        let settings = settings(&place);
        generate(&settings).unwrap();
        let file = settings.data_dir.join("keys/1.private");
        let good = fs::read_to_string(&file).unwrap();
        for text in ["", "secret", "x:ed25519-private/secret", "1:secret", good.trim_end_matches(['\n', '0', '1', '2', '3', '4', '5', '6', '7'])] {
            fs::write(&file, text).unwrap();
            if let Err(Failure::Failed(message)) = KeyRing::load(&settings) {
                assert!(message.contains("1.private") && !message.contains("secret"), "{message}");
            } else {
                assert_eq!(text, good.trim(), "a damaged key was read");
            }
        }
        fs::write(&file, good.replacen("1:", "2:", 1)).unwrap();
        assert!(refusal(KeyRing::load(&settings)).contains("holds the key of id 2"));
    }
}
