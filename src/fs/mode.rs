//! Permission bits as people write them: octal, or the clauses of chmod(1) such as `u+x,go-w`.
//! Must never do I/O or know whose file it is.

use std::str::FromStr;

/// A change of permission bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModeChange {
    /// Exactly these bits.
    Exact(u32),
    /// These bits for a tree: directories can be entered wherever they can be read.
    Tree(u32),
    /// These bits on and those off, all others as they are. For a tree, execution only where
    /// somebody may execute already, and for directories.
    Bits { set: u32, clear: u32, tree: bool },
    /// One clause after the other.
    Clauses(Vec<Clause>),
}

/// One clause of a symbolic mode: POSIX, chmod, "Extended description".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clause {
    /// The bits of whom it is about, set-id and sticky bits included.
    who: u32,
    /// Nobody was named: the umask's bits would be spared, which a server does not tell.
    everybody: bool,
    action: Action,
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Add,
    Remove,
    Set,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Bits {
        /// As they would be for everybody.
        bits: u32,
        /// `X`: execution for directories, and where somebody may execute already.
        execute_if_any: bool,
    },
    /// The bits that the user (6), the group (3) or others (0) have: how far they are shifted.
    Like(u32),
}

const USER: u32 = 0o4700;
const GROUP: u32 = 0o2070;
const OTHERS: u32 = 0o1007;
const SET_IDS: u32 = 0o6000;

/// Why a text is no mode, as a phrase.
pub const HOW: &str = "permissions are written in octal, such as 644, or as clauses, such as u+x,go-w";

impl FromStr for ModeChange {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.starts_with(|c: char| c.is_ascii_digit()) {
            return match u32::from_str_radix(text, 8) {
                Ok(mode) if mode <= 0o7777 => Ok(ModeChange::Exact(mode)),
                _ => Err(HOW),
            };
        }
        let mut clauses = Vec::new();
        for part in text.split(',') {
            parse_clause(part, &mut clauses).ok_or(HOW)?;
        }
        Ok(ModeChange::Clauses(clauses))
    }
}

fn parse_clause(text: &str, clauses: &mut Vec<Clause>) -> Option<()> {
    let actions = text.find(['+', '-', '='])?;
    let mut who = 0;
    for letter in text[..actions].bytes() {
        who |= match letter {
            b'u' => USER,
            b'g' => GROUP,
            b'o' => OTHERS,
            b'a' => USER | GROUP | OTHERS,
            _ => return None,
        };
    }
    let everybody = who == 0;
    let who = if everybody { USER | GROUP | OTHERS } else { who };
    let mut rest = &text[actions..];
    while let Some(sign) = rest.bytes().next() {
        let action = match sign {
            b'+' => Action::Add,
            b'-' => Action::Remove,
            _ => Action::Set,
        };
        let end = rest[1..].find(['+', '-', '=']).map_or(rest.len(), |at| at + 1);
        let what = parse_what(&rest[1..end])?;
        clauses.push(Clause { who, everybody, action, what });
        rest = &rest[end..];
    }
    Some(())
}

fn parse_what(text: &str) -> Option<What> {
    match text {
        "u" => return Some(What::Like(6)),
        "g" => return Some(What::Like(3)),
        "o" => return Some(What::Like(0)),
        _ => {}
    }
    let (mut bits, mut execute_if_any) = (0, false);
    for letter in text.bytes() {
        match letter {
            b'r' => bits |= 0o444,
            b'w' => bits |= 0o222,
            b'x' => bits |= 0o111,
            b's' => bits |= SET_IDS,
            b't' => bits |= 0o1000,
            b'X' => execute_if_any = true,
            _ => return None,
        }
    }
    Some(What::Bits { bits, execute_if_any })
}

impl ModeChange {
    /// Whether the result depends on the bits there are.
    pub fn needs_old(&self) -> bool {
        matches!(self, ModeChange::Clauses(_) | ModeChange::Bits { .. })
    }

    /// The bits after the change of `old`.
    pub fn apply(&self, old: u32, is_dir: bool) -> u32 {
        match self {
            ModeChange::Tree(mode) if is_dir => mode | (mode & 0o444) >> 2,
            ModeChange::Exact(mode) | ModeChange::Tree(mode) => *mode,
            ModeChange::Bits { set, clear, tree } => {
                let spares = *tree && !is_dir && old & 0o111 == 0;
                let set = if spares { set & !0o111 } else { *set };
                old & 0o7777 & !clear | set
            }
            ModeChange::Clauses(clauses) => {
                clauses.iter().fold(old & 0o7777, |mode, clause| clause.apply(mode, is_dir))
            }
        }
    }
}

impl Clause {
    fn apply(&self, mode: u32, is_dir: bool) -> u32 {
        let bits = match self.what {
            What::Like(shift) => {
                let like = (mode >> shift) & 0o7;
                (like << 6 | like << 3 | like) & self.who
            }
            What::Bits { bits, execute_if_any } => {
                let execute = execute_if_any && (is_dir || mode & 0o111 != 0);
                // The sticky bit belongs to the directory, whoever was named with it.
                let sticky = if self.everybody || self.who & OTHERS != 0 { 0o1000 } else { 0 };
                let who = self.who & !0o1000 | sticky;
                (bits | if execute { 0o111 } else { 0 }) & who
            }
        };
        match self.action {
            Action::Add => mode | bits,
            Action::Remove => mode & !bits,
            Action::Set => {
                // A directory keeps its set-id bits unless they are named, as with GNU chmod.
                let kept = if is_dir { SET_IDS } else { 0 };
                mode & !(self.who & !kept) | bits
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(change: &str, old: u32) -> u32 {
        change.parse::<ModeChange>().unwrap().apply(old, false)
    }

    /// What chmod(1) of coreutils makes of the same, seen by running it with umask 0.
    #[test]
    fn clauses_do_what_chmod_does() {
        for (change, old, new) in [
            ("644", 0o7777, 0o644),
            ("4755", 0o644, 0o4755),
            ("u+x", 0o644, 0o744),
            ("+x", 0o644, 0o755),
            ("go-w", 0o666, 0o644),
            ("u+x,go-rwx", 0o644, 0o700),
            ("a=r", 0o755, 0o444),
            ("g=u", 0o640, 0o660),
            ("o=g", 0o750, 0o755),
            ("u=rwx,g=rx,o=", 0o000, 0o750),
            ("u+s", 0o755, 0o4755),
            ("g+s", 0o755, 0o2755),
            ("+t", 0o755, 0o1755),
            ("a+X", 0o644, 0o644),
            ("a+X", 0o744, 0o755),
            ("u+w-x", 0o555, 0o655),
            ("u=", 0o4755, 0o055),
        ] {
            assert_eq!(applied(change, old), new, "{change} of {old:o}");
        }
        assert_eq!("a+X".parse::<ModeChange>().unwrap().apply(0o644, true), 0o755);
        assert_eq!(ModeChange::Tree(0o640).apply(0, true), 0o750);
        assert_eq!(ModeChange::Tree(0o640).apply(0, false), 0o640);
        assert_eq!("g=rx".parse::<ModeChange>().unwrap().apply(0o2775, true), 0o2755);
    }

    #[test]
    fn bits_leave_the_others_alone_and_files_of_a_tree_no_programs() {
        let change = |tree| ModeChange::Bits { set: 0o111, clear: 0o022, tree };
        assert_eq!(change(false).apply(0o4664, false), 0o4755);
        assert_eq!(change(true).apply(0o664, false), 0o644);
        assert_eq!(change(true).apply(0o764, false), 0o755);
        assert_eq!(change(true).apply(0o770, true), 0o751);
        assert!(change(true).needs_old());
    }

    #[test]
    fn what_is_no_mode_is_refused() {
        for bad in ["", "x", "999", "77777", "+644", "u", "u+q", "z+x", "u+x,", ",u+x", "0o644"] {
            assert!(bad.parse::<ModeChange>().is_err(), "{bad}");
        }
    }
}
