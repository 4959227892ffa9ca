//! What terminals are told beside the screen: progress (OSC 9;4), notifications (OSC 9 and 777),
//! the clipboard (OSC 52) and the bell. Knows which terminal understands what; decides nothing
//! else.

use std::{
    io::{self, Write, stdout},
    sync::atomic::{AtomicBool, Ordering},
};

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::ui::{settings::Settings, state::Bar, update::Sign};

/// Whether a terminal shows a bar that has to go at the end.
static BAR: AtomicBool = AtomicBool::new(false);

/// How a notification is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Voice {
    /// OSC 9, as iTerm2 has it.
    Nine,
    /// OSC 777, as rxvt has it.
    Titled,
    /// Both: nobody knows which one is heard.
    Both,
}

/// What this terminal is told.
#[derive(Clone, Copy, Debug)]
pub(in crate::ui) struct Signs {
    voice: Option<Voice>,
    bell: bool,
    bar: bool,
}

impl Signs {
    /// Chooses by the settings and by what the environment says; `variable` looks one up.
    pub(in crate::ui) fn new(settings: &Settings, variable: impl Fn(&str) -> Option<String>) -> Signs {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let program = set("TERM_PROGRAM").unwrap_or_default();
        let term = set("TERM").unwrap_or_default();
        let windows = set("WT_SESSION").is_some() || set("ConEmuANSI").is_some_and(|value| value == "ON");
        let voice = if matches!(program.as_str(), "ghostty" | "WezTerm")
            || ["foot", "rxvt", "xterm-kitty"].iter().any(|name| term.starts_with(name))
            || set("VTE_VERSION").is_some()
        {
            Voice::Titled
        } else if program == "iTerm.app" || windows {
            Voice::Nine
        } else {
            Voice::Both
        };
        // Where OSC 9;4 is not known, OSC 9 is a notification, and one for every percent is a plague.
        let knows_bar = windows || matches!(program.as_str(), "ghostty" | "WezTerm");
        Signs {
            voice: settings.notify.then_some(voice),
            bell: settings.bell,
            bar: settings.progress.unwrap_or(knows_bar),
        }
    }

    /// Tells it. A terminal that cannot be told is no reason to fail.
    pub(in crate::ui) fn show(&self, sign: &Sign) {
        let bytes = self.bytes(sign);
        if !bytes.is_empty() {
            let mut out = stdout();
            let _ = out.write_all(&bytes).and_then(|()| out.flush());
        }
        if let Sign::Bar(bar) = sign {
            BAR.store(self.bar && *bar != Bar::None, Ordering::SeqCst);
        }
    }

    fn bytes(&self, sign: &Sign) -> Vec<u8> {
        let mut out = Vec::new();
        match sign {
            Sign::Bar(_) if !self.bar => {}
            Sign::Bar(Bar::None) => out.extend_from_slice(NO_BAR),
            Sign::Bar(Bar::Busy) => out.extend_from_slice(b"\x1b]9;4;3\x1b\\"),
            Sign::Bar(Bar::Percent(percent)) => {
                out.extend_from_slice(format!("\x1b]9;4;1;{}\x1b\\", (*percent).min(100)).as_bytes());
            }
            Sign::Notify(text) => {
                // It is escaped; that it ends nothing early is seen to all the same.
                let text: String = text.chars().filter(|c| !c.is_control()).collect();
                if let Some(Voice::Nine | Voice::Both) = self.voice {
                    // A digit in front of a semicolon would be another command.
                    out.extend_from_slice(format!("\x1b]9;wharf: {text}\x1b\\").as_bytes());
                }
                if let Some(Voice::Titled | Voice::Both) = self.voice {
                    out.extend_from_slice(format!("\x1b]777;notify;wharf;{text}\x1b\\").as_bytes());
                }
                if self.bell {
                    out.push(0x07);
                }
            }
            Sign::Clipboard(bytes) => {
                out.extend_from_slice(format!("\x1b]52;c;{}\x1b\\", STANDARD.encode(bytes)).as_bytes());
            }
            Sign::Suspend => {}
        }
        out
    }
}

const NO_BAR: &[u8] = b"\x1b]9;4;0\x1b\\";

/// Takes the bar away, where one is shown.
pub(super) fn clear(out: &mut impl io::Write) {
    if BAR.swap(false, Ordering::SeqCst) {
        let _ = out.write_all(NO_BAR);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signs(variables: &[(&str, &str)], settings: &Settings) -> Signs {
        let find = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
        Signs::new(settings, find)
    }

    fn said(signs: Signs, sign: &Sign) -> String {
        String::from_utf8(signs.bytes(sign)).unwrap()
    }

    #[test]
    fn each_terminal_is_told_what_it_understands() {
        let settings = Settings { notify: true, ..Settings::default() };
        let note = Sign::Notify("Copied 3 files.\x1b]0;x\x07".into());
        let plain = signs(&[("TERM", "xterm")], &settings);
        assert_eq!(
            said(plain, &note),
            "\x1b]9;wharf: Copied 3 files.]0;x\x1b\\\x1b]777;notify;wharf;Copied 3 files.]0;x\x1b\\"
        );
        assert_eq!(said(plain, &Sign::Bar(Bar::Percent(7))), "");
        let ghostty = signs(&[("TERM_PROGRAM", "ghostty")], &settings);
        assert!(said(ghostty, &note).starts_with("\x1b]777;") && !said(ghostty, &note).contains("\x1b]9;"));
        assert_eq!(said(ghostty, &Sign::Bar(Bar::Percent(7))), "\x1b]9;4;1;7\x1b\\");
        assert_eq!(said(ghostty, &Sign::Bar(Bar::Busy)), "\x1b]9;4;3\x1b\\");
        assert_eq!(said(ghostty, &Sign::Bar(Bar::None)), "\x1b]9;4;0\x1b\\");
        let iterm = signs(&[("TERM_PROGRAM", "iTerm.app")], &settings);
        assert!(said(iterm, &note).starts_with("\x1b]9;wharf") && !said(iterm, &note).contains("777"));
    }

    #[test]
    fn the_settings_have_the_last_word() {
        let settings = Settings { notify: false, bell: true, progress: Some(true), ..Settings::default() };
        let plain = signs(&[], &settings);
        assert_eq!(said(plain, &Sign::Notify("x".into())), "\x07");
        assert_eq!(said(plain, &Sign::Bar(Bar::Percent(200))), "\x1b]9;4;1;100\x1b\\");
        assert_eq!(said(plain, &Sign::Clipboard(b"/a\n/b".to_vec())), "\x1b]52;c;L2EKL2I=\x1b\\");
    }
}
