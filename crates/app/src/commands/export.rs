//! `lethe export`: users and what belongs to them, and revocations of tokens, one JSON object a line.

use super::{is_standard_stream, with_store};
use crate::configuration::Settings;
use crate::failure::Failure;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use lethe_domain::archive::Record;
use lethe_ports::outbound::StoreError;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

const BUFFER: usize = 64 * 1024;

pub(super) fn run(settings: &Settings, file: &Path) -> Result<(), Failure> {
    let output = open(file)?;
    with_store(settings, async |store, _| {
        let count = write_all(store.lethe(settings).archive.export(), BufWriter::with_capacity(BUFFER, output)).await?;
        eprintln!("exported {count}");
        Ok(())
    })
}

fn open(file: &Path) -> Result<Box<dyn Write>, Failure> {
    if is_standard_stream(file) {
        return Ok(Box::new(io::stdout().lock()));
    }
    match File::create(file) {
        Ok(file) => Ok(Box::new(file)),
        Err(error) => Err(Failure::of(format!("cannot write {}", file.display()), error)),
    }
}

async fn write_all(mut batches: BoxStream<'static, Result<Vec<Record>, StoreError>>, mut output: impl Write) -> Result<u64, Failure> {
    let mut count = 0;
    while let Some(batch) = batches.next().await {
        for record in batch? {
            write_line(&mut output, &record).map_err(|error| Failure::of_output(&error))?;
            count += 1;
        }
    }
    output.flush().map_err(|error| Failure::of_output(&error))?;
    Ok(count)
}

fn write_line(output: &mut impl Write, record: &Record) -> io::Result<()> {
    serde_json::to_writer(&mut *output, record)?;
    output.write_all(b"\n")
}
