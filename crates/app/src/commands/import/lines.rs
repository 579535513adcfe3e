//! Input cut into lines, with their numbers, in bounded memory. It does not know what a line says.

use std::io::{self, BufRead, Read};

/// The longest line, in bytes without its end.
const MAX_LINE: usize = 1024 * 1024;

/// Why a line cannot even be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum LineError {
    /// Longer than [`MAX_LINE`].
    #[error("longer than {MAX_LINE} bytes")]
    TooLong,
    /// Not valid UTF-8.
    #[error("not valid UTF-8")]
    NotUtf8,
}

/// A line that says something.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Counted from 1, blank lines included.
    pub(super) number: u64,
    pub(super) text: Result<String, LineError>,
}

/// The lines of an input.
pub(super) struct Lines<R> {
    input: R,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    pub(super) const fn of(input: R) -> Self {
        Self { input, number: 0 }
    }

    /// The next line that is not blank.
    pub(super) fn next(&mut self) -> io::Result<Option<Line>> {
        while let Some(read) = self.read()? {
            self.number += 1;
            let text = read.and_then(|bytes| String::from_utf8(bytes).map_err(|_| LineError::NotUtf8));
            if text.as_ref().map_or(true, |text| !text.trim_ascii().is_empty()) {
                return Ok(Some(Line { number: self.number, text }));
            }
        }
        Ok(None)
    }

    fn read(&mut self) -> io::Result<Option<Result<Vec<u8>, LineError>>> {
        let mut bytes = Vec::new();
        let bound = MAX_LINE as u64 + 1;
        let length = self.input.by_ref().take(bound).read_until(b'\n', &mut bytes)?;
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
        } else if length > MAX_LINE {
            self.input.skip_until(b'\n')?;
            return Ok(Some(Err(LineError::TooLong)));
        }
        Ok((length > 0).then_some(Ok(bytes)))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn lines(input: &[u8]) -> Vec<(u64, Result<String, LineError>)> {
        let mut lines = Lines::of(input);
        std::iter::from_fn(|| lines.next().unwrap()).map(|line| (line.number, line.text)).collect()
    }

    #[test]
    fn blank_lines_count_and_are_left_out() {
        assert_eq!(lines(b"\na\r\n  \nb"), [(2, Ok("a\r".to_owned())), (4, Ok("b".to_owned()))]);
        assert_eq!(lines(b""), []);
    }

    #[test]
    fn a_line_that_is_no_text_does_not_stop_the_next() {
        assert_eq!(lines(b"\xff\nb\n"), [(1, Err(LineError::NotUtf8)), (2, Ok("b".to_owned()))]);
    }

    #[test]
    fn a_line_may_be_as_long_as_the_limit_and_no_longer() {
        let full = "x".repeat(MAX_LINE);
        assert_eq!(lines(full.as_bytes()), [(1, Ok(full.clone()))]);
        assert_eq!(lines(format!("{full}\nb").as_bytes()), [(1, Ok(full.clone())), (2, Ok("b".to_owned()))]);
        assert_eq!(lines(format!("{full}x\nb").as_bytes()), [(1, Err(LineError::TooLong)), (2, Ok("b".to_owned()))]);
        assert_eq!(lines(format!("{full}{full}{full}").as_bytes()), [(1, Err(LineError::TooLong))]);
    }
}
