//! Server-Sent Events, as the HTML standard has browsers read them.

/// An event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Event {
    /// Its `id`, when it has one of its own.
    pub(crate) id: Option<String>,
    /// Its name; `message` by default.
    pub(crate) name: String,
    /// Its lines of data, parted by line feeds.
    pub(crate) data: String,
}

/// Turns bytes, cut anywhere, into events. Comments, unknown fields and what has not ended yet are no events.
#[derive(Debug, Default)]
pub(crate) struct Parser {
    line: Vec<u8>,
    /// The last byte was a carriage return, which a line feed may still belong to.
    after_cr: bool,
    /// Something other than a byte order mark has been read.
    begun: bool,
    id: Option<String>,
    name: String,
    data: Option<String>,
}

impl Parser {
    /// The events that these bytes complete.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Vec<Event> {
        bytes.iter().filter_map(|byte| self.take(*byte)).collect()
    }

    fn take(&mut self, byte: u8) -> Option<Event> {
        let after_cr = std::mem::replace(&mut self.after_cr, byte == b'\r');
        match byte {
            b'\n' if after_cr => None,
            b'\n' | b'\r' => self.end_line(),
            _ => {
                self.line.push(byte);
                None
            }
        }
    }

    fn end_line(&mut self) -> Option<Event> {
        let bytes = std::mem::take(&mut self.line);
        let mut line = bytes.as_slice();
        if !std::mem::replace(&mut self.begun, true) {
            line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line);
        }
        if line.is_empty() {
            return self.end_event();
        }
        let line = String::from_utf8_lossy(line);
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        self.set(field, value.strip_prefix(' ').unwrap_or(value));
        None
    }

    fn set(&mut self, field: &str, value: &str) {
        match (field, &mut self.data) {
            ("event", _) => value.clone_into(&mut self.name),
            ("data", None) => self.data = Some(value.to_owned()),
            ("data", Some(data)) => {
                data.push('\n');
                data.push_str(value);
            }
            ("id", _) if !value.contains('\0') => self.id = Some(value.to_owned()),
            _ => {}
        }
    }

    fn end_event(&mut self) -> Option<Event> {
        let (id, name, data) = (self.id.take(), std::mem::take(&mut self.name), self.data.take()?);
        Some(Event { id, name: if name.is_empty() { "message".to_owned() } else { name }, data })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STREAM: &str = "\u{feff}: watching\n\nid: 7\nevent: put\ndata: {\"key\":\"é\"}\n\n: heartbeat\r\n\r\nevent:resync\rid:9\rdata:  a\rdata\rdata:b:c\r\r\
        event: lonely\n\nretry: 5\nunknown: x\nid: 1\x002\ndata: last\r\n\r\nid: 10\ndata: unfinished";

    fn expected() -> Vec<Event> {
        let event = |id: Option<&str>, name: &str, data: &str| Event { id: id.map(Into::into), name: name.into(), data: data.into() };
        vec![event(Some("7"), "put", "{\"key\":\"é\"}"), event(Some("9"), "resync", " a\n\nb:c"), event(None, "message", "last")]
    }

    #[test]
    fn a_whole_stream_is_read() {
        assert_eq!(Parser::default().feed(STREAM.as_bytes()), expected());
    }

    #[test]
    fn a_carriage_return_ends_a_line_at_once() {
        assert_eq!(Parser::default().feed(b"data: x\r\r").len(), 1);
    }

    proptest! {
        #[test]
        fn it_does_not_matter_where_the_bytes_are_cut(cuts in prop::collection::vec(0..STREAM.len(), 0..12)) {
            let mut cuts = cuts;
            cuts.extend([0, STREAM.len()]);
            cuts.sort_unstable();
            let mut parser = Parser::default();
            let seen: Vec<_> = cuts.windows(2).flat_map(|cut| parser.feed(&STREAM.as_bytes()[cut[0]..cut[1]])).collect();
            prop_assert_eq!(seen, expected());
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            Parser::default().feed(&bytes);
        }
    }
}
