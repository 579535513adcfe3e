//! `lethe import`: lines of JSON into the store, in batches, with a word on each line that is refused.

mod lines;

use super::{is_standard_stream, with_store};
use crate::configuration::Settings;
use crate::failure::Failure;
use lethe_ports::inbound::Archive;
use lethe_ports::outbound::{RecordOutcome, StoreError};
use lines::{Line, Lines};
use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Write};
use std::path::Path;
use std::time::{Duration, Instant};

/// A batch ends at this many lines or bytes: a transaction that is worth its while, and neither long nor large.
const BATCH_LINES: usize = 1_000;
const BATCH_BYTES: usize = 4 * 1024 * 1024;

const PROGRESS_EVERY: Duration = Duration::from_secs(1);

pub(super) fn run(settings: &Settings, file: &Path) -> Result<(), Failure> {
    let input = open(file)?;
    with_store(settings, async |store, _| {
        let archive = store.lethe(settings).archive;
        let mut import = Import::new(archive.as_ref(), io::stderr(), io::stderr().is_terminal());
        import.all(input).await?;
        import.finish()
    })
}

fn open(file: &Path) -> Result<Box<dyn BufRead>, Failure> {
    if is_standard_stream(file) {
        return Ok(Box::new(io::stdin().lock()));
    }
    match File::open(file) {
        Ok(file) => Ok(Box::new(BufReader::new(file))),
        Err(error) => Err(Failure::of(format!("cannot read {}", file.display()), error)),
    }
}

/// Lines on their way into the store.
#[derive(Default)]
struct Batch {
    numbers: Vec<u64>,
    texts: Vec<String>,
    bytes: usize,
    /// Line numbers and reasons, of lines that were not even sent.
    refused: Vec<(u64, String)>,
}

impl Batch {
    fn add(&mut self, line: Line) {
        match line.text {
            Ok(text) => {
                self.bytes += text.len();
                self.numbers.push(line.number);
                self.texts.push(text);
            }
            Err(error) => self.refused.push((line.number, error.to_string())),
        }
    }

    fn is_full(&self) -> bool {
        self.texts.len() + self.refused.len() >= BATCH_LINES || self.bytes >= BATCH_BYTES
    }

    /// All refusals in the order of the input.
    fn refusals(self, outcomes: Vec<RecordOutcome>) -> Vec<(u64, String)> {
        let by_store = self.numbers.into_iter().zip(outcomes).filter_map(|(number, outcome)| Some((number, outcome.err()?.to_string())));
        let mut refusals: Vec<_> = self.refused.into_iter().chain(by_store).collect();
        refusals.sort_unstable_by_key(|(number, _)| *number);
        refusals
    }
}

/// An import under way, and what became of it so far.
struct Import<'a, W> {
    archive: &'a dyn Archive,
    messages: W,
    shows_progress: bool,
    last_progress: Instant,
    imported: usize,
    refused: usize,
}

impl<'a, W: Write> Import<'a, W> {
    fn new(archive: &'a dyn Archive, messages: W, shows_progress: bool) -> Self {
        Self { archive, messages, shows_progress, last_progress: Instant::now(), imported: 0, refused: 0 }
    }

    async fn all(&mut self, input: impl BufRead) -> Result<(), Failure> {
        let mut lines = Lines::of(input);
        let mut batch = Batch::default();
        while let Some(line) = lines.next().map_err(|error| Failure::of("cannot read the input", error))? {
            batch.add(line);
            if batch.is_full() {
                self.store(std::mem::take(&mut batch)).await?;
            }
        }
        self.store(batch).await
    }

    async fn store(&mut self, mut batch: Batch) -> Result<(), Failure> {
        let outcomes = match std::mem::take(&mut batch.texts) {
            none if none.is_empty() => Vec::new(),
            texts => self.archive.import(texts).await.map_err(|error| self.interruption(&batch, &error))?,
        };
        self.imported += outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        let refusals = batch.refusals(outcomes);
        self.refused += refusals.len();
        for (number, reason) in refusals {
            self.tell(&format!("line {number}: {reason}"));
        }
        self.show_progress();
        Ok(())
    }

    fn interruption(&self, batch: &Batch, error: &StoreError) -> Failure {
        let first = batch.numbers.first().copied().unwrap_or_default();
        Failure::Failed(format!("stopped before line {first}, {} are imported: {error}; run the same command again to continue", self.imported))
    }

    fn show_progress(&mut self) {
        if self.shows_progress && self.last_progress.elapsed() >= PROGRESS_EVERY {
            self.last_progress = Instant::now();
            self.tell(&format!("imported {} so far", self.imported));
        }
    }

    fn finish(mut self) -> Result<(), Failure> {
        self.tell(&format!("imported {}, refused {}", self.imported, self.refused));
        match self.refused {
            0 => Ok(()),
            refused => Err(Failure::Failed(format!("refused lines: {refused}"))),
        }
    }

    fn tell(&mut self, message: &str) {
        // An import goes on when nobody listens.
        let _ = writeln!(self.messages, "{message}");
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use async_trait::async_trait;
    use futures_util::stream::BoxStream;
    use lethe_domain::archive::{Record, RecordError};
    use std::collections::VecDeque;
    use std::sync::Mutex;

    /// Refuses every line that is `bad`, after having failed as it was told.
    #[derive(Default)]
    struct FakeArchive {
        failures: Mutex<VecDeque<StoreError>>,
        batches: Mutex<Vec<usize>>,
    }

    #[async_trait]
    impl Archive for FakeArchive {
        async fn import(&self, lines: Vec<String>) -> Result<Vec<RecordOutcome>, StoreError> {
            if let Some(failure) = self.failures.lock().unwrap().pop_front() {
                return Err(failure);
            }
            self.batches.lock().unwrap().push(lines.len());
            Ok(lines.iter().map(|line| if line == "bad" { Err(RecordError::Malformed("no good".to_owned())) } else { Ok(()) }).collect())
        }

        fn export(&self) -> BoxStream<'static, Result<Vec<Record>, StoreError>> {
            Box::pin(futures_util::stream::empty())
        }
    }

    async fn import(archive: &FakeArchive, input: &[u8]) -> (Result<(), Failure>, String) {
        let mut messages = Vec::new();
        let mut import = Import::new(archive, &mut messages, false);
        let result = match import.all(input).await {
            Ok(()) => import.finish(),
            Err(failure) => Err(failure),
        };
        (result, String::from_utf8(messages).unwrap())
    }

    #[tokio::test]
    async fn every_refused_line_is_named_in_order() {
        let (result, messages) = import(&FakeArchive::default(), b"good\n\nbad\n\xff\ngood\nbad").await;
        assert_eq!(messages, "line 3: no good\nline 4: not valid UTF-8\nline 6: no good\nimported 2, refused 3\n");
        assert_eq!(result, Err(Failure::Failed("refused lines: 3".to_owned())));
    }

    #[tokio::test]
    async fn lines_go_in_batches() {
        let archive = FakeArchive::default();
        let (result, messages) = import(&archive, "good\n".repeat(BATCH_LINES * 2 + 1).as_bytes()).await;
        assert_eq!((result, messages.as_str()), (Ok(()), "imported 2001, refused 0\n"));
        assert_eq!(*archive.batches.lock().unwrap(), [BATCH_LINES, BATCH_LINES, 1]);
    }

    #[tokio::test]
    async fn a_store_that_fails_ends_the_import_and_says_where() {
        let archive = FakeArchive { failures: Mutex::new([StoreError::Unavailable("gone".to_owned())].into()), ..FakeArchive::default() };
        let (result, messages) = import(&archive, b"\ngood").await;
        let expected = "stopped before line 2, 0 are imported: store unavailable: gone; run the same command again to continue";
        assert_eq!((result, messages.as_str()), (Err(Failure::Failed(expected.to_owned())), ""));
    }
}
