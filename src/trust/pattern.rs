//! Patterns as ssh_config(5), PATTERNS, has them: `*`, `?`, and lists of them with commas between
//! and `!` for those that must not match. Knows nothing of what is matched.

/// The longest pattern that ssh looks at; a longer one makes its whole list match nothing.
const LONGEST_PATTERN: usize = 1022;

/// What a list says of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    Yes,
    No,
    /// One that must not match does.
    Excluded,
}

/// Whether a single pattern means the name, case and all.
pub fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                p += 1;
                retry = Some((p, n));
            }
            Some(&c) if c == b'?' || c == name[n] => {
                p += 1;
                n += 1;
            }
            // The last `*` takes one character more.
            _ => match retry {
                Some((after, from)) => {
                    p = after;
                    n = from + 1;
                    retry = Some((after, n));
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&b| b == b'*')
}

/// Any pattern must match, and no negated one may.
pub fn find(list: &[u8], name: &[u8]) -> Found {
    let mut found = Found::No;
    for pattern in list.split(|&b| b == b',') {
        let (negated, pattern) = match pattern.strip_prefix(b"!") {
            Some(rest) => (true, rest),
            None => (false, pattern),
        };
        if pattern.len() > LONGEST_PATTERN {
            return Found::No;
        }
        if matches(pattern, name) {
            if negated {
                return Found::Excluded;
            }
            found = Found::Yes;
        }
    }
    found
}

/// Whether a list means the name.
pub fn list_matches(list: &[u8], name: &[u8]) -> bool {
    find(list, name) == Found::Yes
}
