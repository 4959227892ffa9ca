//! Whether the terminal is dark or light, asked of it with OSC 11. What a terminal answers is
//! hostile until it is parsed; one that does not answer is waited for only shortly, and what it
//! says later is kept from being taken for keys.

use std::{
    io::{self, Write},
    os::fd::AsFd,
    time::{Duration, Instant},
};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::ui::theme::Background;

/// How long an answer is waited for before the first picture.
const PATIENCE: Duration = Duration::from_millis(150);
/// How long a late answer is expected.
const LATE: Duration = Duration::from_secs(5);
/// No answer is longer, in bytes.
const LONGEST: usize = 256;

/// The question, and one that every terminal answers (DA1): whoever answers that one first knows
/// nothing of the other.
const QUESTION: &[u8] = b"\x1b]11;?\x1b\\\x1b[c";

/// What came of asking.
pub(in crate::ui) struct Asked {
    pub background: Option<Background>,
    /// Takes the rest of the answer, where it has not come yet.
    pub late: Late,
}

/// Asks. The terminal must be in raw mode, and nobody else may read from it.
pub(in crate::ui) fn ask() -> io::Result<Asked> {
    let mut out = io::stdout();
    out.write_all(QUESTION)?;
    out.flush()?;
    let input = io::stdin();
    let until = Instant::now() + PATIENCE;
    let mut answer = Vec::new();
    while !is_complete(&answer) && answer.len() < LONGEST {
        let left = until.saturating_duration_since(Instant::now());
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::ZERO);
        let mut ready = [PollFd::new(input.as_fd(), PollFlags::POLLIN)];
        match poll(&mut ready, timeout) {
            Ok(0) => break,
            Ok(_) => {}
            Err(nix::errno::Errno::EINTR) => continue,
            Err(error) => return Err(error.into()),
        }
        let mut bytes = [0; 64];
        match nix::unistd::read(input.as_fd(), &mut bytes) {
            Ok(0) => break,
            Ok(count) => answer.extend_from_slice(bytes.get(..count).unwrap_or_default()),
            Err(nix::errno::Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let background = find(&answer, b"\x1b]11;").and_then(|at| answer.get(at + 5..)).and_then(parse);
    let late = if is_complete(&answer) { None } else { Some(Instant::now() + LATE) };
    Ok(Asked { background, late: Late { until: late, text: None } })
}

/// Whether the answer to the second question is there: `CSI ? ... c`.
fn is_complete(answer: &[u8]) -> bool {
    find(answer, b"\x1b[?").and_then(|at| answer.get(at..)).is_some_and(|rest| rest.contains(&b'c'))
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

/// `rgb:RRRR/GGGG/BBBB` with one to four digits each, or `#RRGGBB`; what follows is not looked at.
fn parse(answer: &[u8]) -> Option<Background> {
    let end = answer.iter().position(|byte| matches!(byte, 0x07 | 0x1b)).unwrap_or(answer.len());
    let text = std::str::from_utf8(answer.get(..end)?).ok()?;
    let channel = |digits: &str| {
        let value = u32::from_str_radix(digits, 16).ok().filter(|_| (1..=4).contains(&digits.len()))?;
        Some(f64::from(value) / (16_f64.powi(i32::try_from(digits.len()).ok()?) - 1.0))
    };
    let parts: Vec<f64> = match text.strip_prefix('#') {
        Some(hex) => (0..3).map_while(|at| channel(hex.get(2 * at..2 * at + 2)?)).collect(),
        None => {
            let rest = text.strip_prefix("rgba:").or_else(|| text.strip_prefix("rgb:"))?;
            rest.split('/').take(3).map_while(channel).collect()
        }
    };
    let [r, g, b] = parts.try_into().ok()?;
    // How bright it seems, by ITU-R BT.601.
    Some(if 0.299 * r + 0.587 * g + 0.114 * b > 0.5 { Background::Light } else { Background::Dark })
}

/// An answer that comes once keys are read: it looks like Alt-] and characters, and each of them
/// means something else.
#[derive(Debug, Default)]
pub(in crate::ui) struct Late {
    until: Option<Instant>,
    text: Option<String>,
}

/// What a key is to whoever waits for an answer.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::ui) enum Taken {
    /// A key like any other.
    No,
    /// A part of the answer.
    Yes,
    /// The end of the answer, and what it says.
    All(Option<Background>),
}

impl Late {
    pub(in crate::ui) fn take(&mut self, key: &KeyEvent, now: Instant) -> Taken {
        if self.until.is_none_or(|until| now > until) {
            return Taken::No;
        }
        let alt = key.modifiers.contains(KeyModifiers::ALT);
        let Some(text) = &mut self.text else {
            if alt && key.code == KeyCode::Char(']') {
                self.text = Some(String::new());
                return Taken::Yes;
            }
            return Taken::No;
        };
        match key.code {
            KeyCode::Char('\\') if alt => {}
            KeyCode::Char('g') if key.modifiers.contains(KeyModifiers::CONTROL) => {}
            KeyCode::Char(c) if !alt && text.len() < LONGEST => {
                text.push(c);
                return Taken::Yes;
            }
            _ => {
                *self = Late::default();
                return Taken::No;
            }
        }
        let background = text.strip_prefix("11;").and_then(|answer| parse(answer.as_bytes()));
        *self = Late::default();
        Taken::All(background)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_understood_and_nonsense_is_not() {
        for (text, background) in [
            (&b"rgb:ffff/ffff/ffff\x1b\\"[..], Some(Background::Light)),
            (b"rgb:1e1e/1e1e/2e2e\x07", Some(Background::Dark)),
            (b"rgb:fd/f6/e3", Some(Background::Light)),
            (b"rgba:0000/0000/0000/ffff", Some(Background::Dark)),
            (b"#fdf6e3", Some(Background::Light)),
            (b"rgb:ffff/ffff", None),
            (b"rgb:/f/f", None),
            (b"rgb:fffff/f/f", None),
            (b"#f", None),
            (b"\xff\xff", None),
            (b"", None),
        ] {
            assert_eq!(parse(text), background, "{text:?}");
        }
        assert!(is_complete(b"\x1b]11;rgb:0/0/0\x1b\\\x1b[?62;22c"));
        assert!(!is_complete(b"\x1b]11;rgb:0/0/c\x1b\\"));
    }

    #[test]
    fn a_late_answer_is_not_taken_for_keys() {
        let now = Instant::now();
        let key = |c: char, mods| KeyEvent::new(KeyCode::Char(c), mods);
        let mut late = Late { until: Some(now + LATE), text: None };
        assert_eq!(late.take(&key('d', KeyModifiers::NONE), now), Taken::No);
        assert_eq!(late.take(&key(']', KeyModifiers::ALT), now), Taken::Yes);
        for c in "11;rgb:ffff/ffff/dddd".chars() {
            assert_eq!(late.take(&key(c, KeyModifiers::NONE), now), Taken::Yes, "{c}");
        }
        assert_eq!(late.take(&key('\\', KeyModifiers::ALT), now), Taken::All(Some(Background::Light)));
        assert_eq!(late.take(&key(']', KeyModifiers::ALT), now), Taken::No, "there is only one");
        let mut late = Late { until: Some(now), text: None };
        assert_eq!(late.take(&key(']', KeyModifiers::ALT), now + LATE), Taken::No, "too late");
    }
}
