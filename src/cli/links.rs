//! Hyperlinks for terminals that are known to bear them: OSC 8. Must know nothing of what is
//! printed; no address that is not plain ASCII ever becomes one.

use crate::fs::{Location, place};

/// Terminals that say who they are in TERM_PROGRAM.
const PROGRAMS: [&str; 7] = ["iTerm.app", "WezTerm", "vscode", "ghostty", "Hyper", "Tabby", "rio"];

/// Variables that only terminals which bear links set.
const SIGNS: [&str; 4] = ["KITTY_WINDOW_ID", "WT_SESSION", "KONSOLE_VERSION", "DOMTERM"];

/// The first VTE that bears links, as its variable has it: 0.50.
const VTE: u32 = 5000;

/// Whether the terminal bears links; `variable` looks one up in the environment. FORCE_HYPERLINK
/// has the last word.
pub(super) fn are_known(variable: impl Fn(&str) -> Option<String>) -> bool {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    if let Some(forced) = set("FORCE_HYPERLINK") {
        return forced != "0";
    }
    let term = set("TERM").unwrap_or_default();
    // Multiplexers pass them on only where they are told to.
    let passes_none = term == "dumb" || term.starts_with("screen") || term.starts_with("tmux");
    if term.is_empty() || passes_none || set("TMUX").is_some() || set("NO_COLOR").is_some() {
        return false;
    }
    let by_term = ["kitty", "alacritty", "foot", "ghostty", "wezterm", "contour"];
    by_term.iter().any(|name| term.contains(name))
        || set("TERM_PROGRAM").is_some_and(|program| PROGRAMS.contains(&program.as_str()))
        || SIGNS.iter().any(|name| set(name).is_some())
        || set("VTE_VERSION")
            .and_then(|version| version.parse().ok())
            .is_some_and(|version: u32| version >= VTE)
}

/// Where a terminal finds a location; `None` where that cannot be written safely. Paths of this
/// machine carry `host`, so that a terminal elsewhere does not open its own file of that name.
pub(super) fn address(location: &Location, host: &str) -> Option<String> {
    let path = place::percent_encode(location.path.as_bytes(), b"/");
    let address = match location.fs.is_local() {
        true => format!("file://{}{path}", place::percent_encode(host.as_bytes(), b"")),
        false => format!("{}{path}", location.fs.as_str()),
    };
    let is_plain = address.contains("://") && address.bytes().all(|byte| (0x21..=0x7e).contains(&byte));
    is_plain.then_some(address)
}

/// A text that leads to an address; the text is escaped already.
pub(super) fn link(address: &str, text: &str) -> String {
    format!("\x1b]8;;{address}\x1b\\{text}\x1b]8;;\x1b\\")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::{FsId, RemotePath};

    fn known(variables: &[(&str, &str)]) -> bool {
        are_known(|name| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn only_terminals_that_are_known_get_links() {
        for terminal in [
            [("TERM", "xterm-kitty"), ("LANG", "C")],
            [("TERM", "xterm-256color"), ("VTE_VERSION", "7600")],
            [("TERM", "xterm-256color"), ("TERM_PROGRAM", "WezTerm")],
            [("TERM", "xterm-256color"), ("WT_SESSION", "1")],
            [("TERM", "dumb"), ("FORCE_HYPERLINK", "1")],
        ] {
            assert!(known(&terminal), "{terminal:?}");
        }
        for terminal in [
            [("TERM", "xterm-256color"), ("LANG", "C")],
            [("TERM", "xterm-256color"), ("VTE_VERSION", "4205")],
            [("TERM", "dumb"), ("KITTY_WINDOW_ID", "1")],
            [("TERM", "tmux-256color"), ("VTE_VERSION", "7600")],
            [("TERM", "xterm-kitty"), ("NO_COLOR", "1")],
            [("TERM", "xterm-kitty"), ("FORCE_HYPERLINK", "0")],
            [("KITTY_WINDOW_ID", "1"), ("LANG", "C")],
        ] {
            assert!(!known(&terminal), "{terminal:?}");
        }
    }

    #[test]
    fn no_name_gets_out_of_its_link() {
        let evil = RemotePath::new("/a b/x\x1b\\\x07;\u{202e}");
        let local = address(&Location::new(FsId::local(), evil.clone()), "desk").unwrap();
        assert_eq!(local, "file://desk/a%20b/x%1B%5C%07%3B%E2%80%AE");
        let remote = address(&Location::new(FsId::new("sftp://ann@web-01:22"), evil), "desk").unwrap();
        assert_eq!(remote, "sftp://ann@web-01:22/a%20b/x%1B%5C%07%3B%E2%80%AE");
        let odd = Location::new(FsId::new("sftp://ann\x1b@web"), RemotePath::new("/"));
        assert_eq!(address(&odd, "desk"), None);
        assert_eq!(link("file://d/x", "x"), "\x1b]8;;file://d/x\x1b\\x\x1b]8;;\x1b\\");
    }
}
