//! Pages of lists that are walked by offset.

/// Which part of a list is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    limit: u32,
    offset: u64,
}

impl PageRequest {
    /// Entries of a page when the caller does not say.
    pub const DEFAULT_LIMIT: u32 = 20;
    /// Entries of a page at the most.
    pub const MAX_LIMIT: u32 = 100;

    /// Reads `limit` and `offset` as they came: anything but a positive limit is the default, anything but a number is offset 0.
    #[must_use]
    pub fn from_text(limit: Option<&str>, offset: Option<&str>) -> Self {
        let number = |text: Option<&str>| text.and_then(|text| text.parse::<u64>().ok());
        let limit = number(limit).filter(|limit| *limit > 0).map_or(Self::DEFAULT_LIMIT, |limit| u32::try_from(limit).unwrap_or(u32::MAX).min(Self::MAX_LIMIT));
        // A store counts with signed 64-bit numbers.
        let offset = number(offset).unwrap_or(0).min(i64::MAX as u64);
        Self { limit, offset }
    }

    /// Entries wanted, 1 to [`Self::MAX_LIMIT`].
    #[must_use]
    pub fn limit(self) -> u32 {
        self.limit
    }

    /// Entries to skip.
    #[must_use]
    pub fn offset(self) -> u64 {
        self.offset
    }

    /// The offset of the page after this one in a list of `count` entries.
    #[must_use]
    pub fn next_offset(self, count: u64) -> Option<u64> {
        self.offset.checked_add(u64::from(self.limit)).filter(|next| *next < count)
    }

    /// The offset of the page before this one.
    #[must_use]
    pub fn previous_offset(self) -> Option<u64> {
        (self.offset > 0).then(|| self.offset.saturating_sub(u64::from(self.limit)))
    }
}

/// A part of a list, with the length of the whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// Entries of the whole list.
    pub count: u64,
    /// The entries of this part, in order.
    pub items: Vec<T>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_numbers_become_the_defaults() {
        for limit in [None, Some(""), Some("0"), Some("-1"), Some("x"), Some("1.5")] {
            assert_eq!(PageRequest::from_text(limit, None).limit(), 20, "{limit:?}");
        }
        assert_eq!(PageRequest::from_text(Some("7"), None).limit(), 7);
        assert_eq!(PageRequest::from_text(Some("1000000000000"), None).limit(), 100);
        for offset in [None, Some("-1"), Some("x")] {
            assert_eq!(PageRequest::from_text(None, offset).offset(), 0, "{offset:?}");
        }
        assert_eq!(PageRequest::from_text(None, Some("18446744073709551615")).offset(), i64::MAX as u64);
    }

    #[test]
    fn neighbours_stay_inside_the_list() {
        let page = PageRequest::from_text(Some("10"), Some("15"));
        assert_eq!(page.next_offset(26), Some(25));
        assert_eq!(page.next_offset(25), None);
        assert_eq!(page.previous_offset(), Some(5));
        assert_eq!(PageRequest::from_text(Some("10"), Some("5")).previous_offset(), Some(0));
        assert_eq!(PageRequest::from_text(Some("10"), None).previous_offset(), None);
    }
}
