//! Something looked for in bytes: found first or last. Pure; whoever has the bytes in pieces sees
//! to the seams.

use memchr::{memchr2_iter, memmem};

/// What is looked for: never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needle {
    bytes: Vec<u8>,
    /// ASCII letters are the same in either case.
    ignore_case: bool,
}

impl Needle {
    /// Case counts only where there is a capital letter in it. `None` for nothing.
    pub fn new(bytes: &[u8]) -> Option<Needle> {
        let ignore_case =
            !bytes.iter().any(u8::is_ascii_uppercase) && bytes.iter().any(u8::is_ascii_lowercase);
        (!bytes.is_empty()).then(|| Needle { bytes: bytes.to_vec(), ignore_case })
    }

    #[expect(clippy::len_without_is_empty, reason = "it never is")]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Where it begins first.
    pub fn find(&self, hay: &[u8]) -> Option<usize> {
        match self.bytes.first() {
            Some(first) if self.ignore_case => {
                memchr2_iter(first.to_ascii_lowercase(), first.to_ascii_uppercase(), hay)
                    .find(|at| self.is_at(hay, *at))
            }
            _ => memmem::find(hay, &self.bytes),
        }
    }

    /// Where it begins last.
    pub fn find_last(&self, hay: &[u8]) -> Option<usize> {
        match self.bytes.first() {
            Some(first) if self.ignore_case => {
                memchr2_iter(first.to_ascii_lowercase(), first.to_ascii_uppercase(), hay)
                    .rev()
                    .find(|at| self.is_at(hay, *at))
            }
            _ => memmem::rfind(hay, &self.bytes),
        }
    }

    fn is_at(&self, hay: &[u8], at: usize) -> bool {
        hay.get(at..at + self.bytes.len()).is_some_and(|part| part.eq_ignore_ascii_case(&self.bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_counts_where_it_is_typed() {
        let found = |needle: &str, hay: &str| {
            let needle = Needle::new(needle.as_bytes()).unwrap();
            (needle.find(hay.as_bytes()), needle.find_last(hay.as_bytes()))
        };
        assert_eq!(found("error", "an Error, an ERROR."), (Some(3), Some(13)));
        assert_eq!(found("Error", "an error, an Error, an Error."), (Some(13), Some(23)));
        assert_eq!(found("1f", "x"), (None, None));
        assert_eq!(found("aa", "aaa"), (Some(0), Some(1)));
        assert_eq!(found("grün", "GRüN"), (Some(0), Some(0)));
        assert_eq!(Needle::new(b""), None);
    }
}
