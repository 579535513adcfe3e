//! Where an offline copy is kept.

use async_trait::async_trait;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// A place for the bytes of one offline copy.
#[async_trait]
pub trait Storage: Send + Sync + 'static {
    /// What was saved last; `None` when nothing was.
    ///
    /// # Errors
    /// When it cannot be read.
    async fn load(&self) -> io::Result<Option<Vec<u8>>>;

    /// Keeps these bytes in place of those before. When it returns they MUST be safe; when it fails or is broken off at any point, either
    /// these or those before MUST be there whole. Of two calls the later one MUST have the last word, also when the earlier one was broken off.
    ///
    /// # Errors
    /// When they cannot be written.
    async fn save(&self, bytes: Vec<u8>) -> io::Result<()>;
}

/// Keeps the copy for as long as the value lives, or a clone of it.
#[derive(Debug, Clone, Default)]
pub struct MemoryStorage(Arc<Mutex<Option<Vec<u8>>>>);

#[async_trait]
impl Storage for MemoryStorage {
    async fn load(&self) -> io::Result<Option<Vec<u8>>> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    async fn save(&self, bytes: Vec<u8>) -> io::Result<()> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(bytes);
        Ok(())
    }
}

/// Keeps the copy in a file, which is replaced as a whole: a new one is written beside it, flushed to the disk and renamed.
///
/// The folder must be there. The file belongs to one cache of one process; what it contains is as private as the preferences are.
#[derive(Debug)]
pub struct FileStorage {
    path: PathBuf,
    turns: Mutex<u64>,
    /// The turn of the last write. It is held while writing, which goes on in the background when its caller has left.
    last: Arc<Mutex<u64>>,
}

impl FileStorage {
    /// The file at this path, which need not be there yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), turns: Mutex::default(), last: Arc::default() }
    }

    fn next_turn(&self) -> u64 {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        *turns += 1;
        *turns
    }
}

#[async_trait]
impl Storage for FileStorage {
    async fn load(&self) -> io::Result<Option<Vec<u8>>> {
        let path = self.path.clone();
        let reading = tokio::task::spawn_blocking(move || match fs::read(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            read => read.map(Some),
        });
        reading.await?
    }

    async fn save(&self, bytes: Vec<u8>) -> io::Result<()> {
        let (path, last, turn) = (self.path.clone(), self.last.clone(), self.next_turn());
        let writing = tokio::task::spawn_blocking(move || {
            let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
            if turn < *last {
                return Ok(());
            }
            *last = turn;
            replace(&path, &bytes)
        });
        writing.await?
    }
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    let mut file = File::create(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    sync_folder(path)
}

/// The new name is safe only when the folder is.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

/// Other systems open no folders, and flush names by themselves.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_has_what_was_saved_last() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("copy");
        let storage = FileStorage::new(&path);
        assert_eq!(storage.load().await.unwrap(), None);
        for text in ["a longer first text", "second"] {
            storage.save(text.into()).await.unwrap();
            assert_eq!(FileStorage::new(&path).load().await.unwrap(), Some(text.into()));
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(FileStorage::new(folder.path().join("none/copy")).save(Vec::new()).await.is_err());
    }

    #[tokio::test]
    #[expect(clippy::await_holding_lock, reason = "that is what keeps the write waiting")]
    async fn a_write_that_was_broken_off_does_not_come_after_a_later_one() {
        let folder = tempfile::tempdir().unwrap();
        let storage = FileStorage::new(folder.path().join("copy"));
        let held = storage.last.clone();
        let blocking = held.lock().unwrap();
        let early = tokio::time::timeout(std::time::Duration::from_millis(10), storage.save("early".into()));
        assert!(early.await.is_err());
        drop(blocking);
        storage.save("late".into()).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        assert_eq!(storage.load().await.unwrap(), Some("late".into()));
    }
}
