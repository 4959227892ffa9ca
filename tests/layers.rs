//! The direction of the arrows in `src`: every path that a file names is resolved, and an upward
//! one fails with its place. DESIGN's section "The house" is the source of the rules.

#[path = "layers/scan.rs"]
mod scan;

use std::{
    fs,
    path::{Path, PathBuf},
};

use scan::{Reference, references};

/// Who may use which rooms. A room that is not listed has no rule yet, which fails too.
const ROOMS: &[(&str, &[&str])] = &[
    ("reply", &[]),
    ("trust", &[]),
    ("fs", &["reply", "trust"]),
    ("transfer", &["fs", "reply", "trust"]),
    ("config", &["fs", "trust"]),
    ("words", &["fs", "trust", "reply", "transfer", "engine"]),
    ("engine", &["transfer", "fs", "trust", "reply"]),
    ("ui", &["engine", "transfer", "config", "fs", "trust", "reply", "words"]),
    ("cli", &["engine", "transfer", "config", "fs", "trust", "reply", "words"]),
    ("serve", &["fs", "reply", "trust", "words"]),
];

/// What of a room is behaviour: rooms that may use its data only do not name these.
const BEHAVIOUR: &[&str] = &[
    "fs::connect",
    "fs::FileSystem",
    "fs::Sink",
    "fs::Connected",
    "fs::local",
    "fs::memory",
    "fs::rooted",
    "fs::sftp",
    "fs::ftp",
    "trust::Prompt",
    "trust::SecretStore",
    "config::Store",
    "config::store",
    "config::keyring",
    "config::file",
    "trust::Never",
    "trust::known_hosts",
    "trust::certificates::Pins",
    "transfer::apart",
    "transfer::plan",
    "transfer::walk",
    "transfer::copy",
    "transfer::part",
    "transfer::verify",
    "transfer::context",
    "transfer::prepare",
    "transfer::run",
    "transfer::journal",
    "engine::jobs",
    "engine::session",
];

const DATA_ONLY: &[&str] = &["words", "ui"];

const ENGINE: &str = "engine::Engine";

/// The parts of the interface that carry out effects, and so hold the engine.
const SHELL: &[&str] = &["ui", "ui::app", "ui::shell", "ui::run"];

/// Decisions and pictures: the same input gives the same output.
const PURE: &[&str] = &["ui::state", "ui::update", "ui::layout", "ui::view", "transfer::plan"];

const IMPURE: &[&str] = &[
    "std::fs",
    "std::thread",
    "std::process",
    "std::net",
    "tokio",
    "std::time::Instant::now",
    "std::time::SystemTime::now",
];

#[test]
fn every_arrow_points_down() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut offenders = Vec::new();
    for file in sources(&root.join("src")) {
        let text = fs::read_to_string(&file).unwrap();
        let shown = file.strip_prefix(root).unwrap().display().to_string();
        if !text.starts_with("//!") {
            offenders.push(format!("{shown}:1: does not open with //!"));
        }
        let module = module_of(file.strip_prefix(root.join("src")).unwrap());
        for (line, complaint) in complaints(&module, &text) {
            offenders.push(format!("{shown}:{line}: {complaint}"));
        }
    }
    assert!(offenders.is_empty(), "\n{}\n", offenders.join("\n"));
}

fn sources(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// `fs/sftp/config.rs` is `fs::sftp::config`.
fn module_of(file: &Path) -> Vec<String> {
    file.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect()
}

fn complaints(module: &[String], text: &str) -> Vec<(usize, String)> {
    // The two roots see everything; tests may reach where the code may not.
    let room = module[0].as_str();
    if matches!(room, "main" | "lib") || module.last().is_some_and(|name| name == "tests") {
        return Vec::new();
    }
    let name = module.join("::");
    let Some((_, allowed)) = ROOMS.iter().find(|(from, _)| *from == room) else {
        return vec![(1, format!("tests/layers.rs has no rule for {room}"))];
    };
    let mut found = Vec::new();
    for Reference { path, line } in references(module, text) {
        let said = path.join("::");
        match path.split_first() {
            Some((root, inside)) if root == "crate" => {
                let Some(target) = inside.first().filter(|t| *t != room) else { continue };
                let inside = inside.join("::");
                if target == "*" {
                    found.push((line, format!("{name} takes all of crate")));
                } else if !allowed.contains(&target.as_str()) {
                    found.push((line, format!("{room} must not use {inside}")));
                } else if DATA_ONLY.contains(&room) && BEHAVIOUR.iter().any(|item| names(&inside, item)) {
                    found.push((line, format!("{room} may use data, and {inside} is behaviour")));
                } else if names(&inside, ENGINE)
                    && (room == "words" || room == "ui" && !is_within(&name, SHELL))
                {
                    found.push((line, format!("{name} must not hold the engine: {inside}")));
                }
            }
            _ if is_below(&name, PURE) && IMPURE.iter().any(|item| names(&said, item)) => {
                found.push((line, format!("{name} is pure, and {said} is not")));
            }
            _ => {}
        }
    }
    found
}

/// Whether a path is the item, lies within it, or takes it along with a `*`.
fn names(path: &str, item: &str) -> bool {
    let along = path.strip_suffix('*').is_some_and(|before| item.starts_with(before));
    along || path == item || path.strip_prefix(item).is_some_and(|rest| rest.starts_with("::"))
}

fn is_below(module: &str, of: &[&str]) -> bool {
    of.iter().any(|of| module == *of || module.strip_prefix(of).is_some_and(|rest| rest.starts_with("::")))
}

/// As [`is_below`], but `ui` is only itself, for all of the interface lies below it.
fn is_within(module: &str, of: &[&str]) -> bool {
    module == of[0] || is_below(module, &of[1..])
}

fn complain(module: &str, text: &str) -> Vec<usize> {
    let module: Vec<String> = module.split("::").map(str::to_owned).collect();
    complaints(&module, text).into_iter().map(|(line, _)| line).collect()
}

#[test]
fn upward_arrows_are_found_in_every_spelling() {
    let upward = [
        "use crate::engine::Command;",
        "use crate::{fs::Entry, engine::{self, Command}};",
        "use crate::engine;",
        "use crate::words::*;",
        "fn f() { crate::engine::start() }",
        "use super::engine::Command;",
        "use crate as root;\nfn f() { root::engine::start() }",
        "fn f() -> Vec<crate::ui::State> { todo() }",
        "mod inner { use super::super::engine; }",
    ];
    for text in upward {
        assert!(!complain("transfer", text).is_empty(), "{text}");
    }
    assert_eq!(complain("transfer::run", "\n\nuse crate::{\n    fs::Entry,\n    engine::Command,\n};"), [5]);
    assert_eq!(complain("fs::sftp", "use super::super::engine::X;"), [1]);
    assert_eq!(complain("reply", "use crate::fs::Error;"), [1]);
    assert_eq!(complain("trust::known_hosts", "use crate::reply::Reply;"), [1]);
    assert_eq!(complain("serve", "use crate::engine::Engine;\nuse crate::cli;"), [1, 2]);
    assert_eq!(complain("cli::cp", "use crate::ui::State;"), [1]);
    assert_eq!(complain("attic", "fn f() {}"), [1]);
    assert_eq!(complain("fs", "use crate::*;"), [1]);
}

#[test]
fn downward_arrows_and_mere_words_are_not() {
    let fine = [
        "use crate::{fs::{Entry, error::Error}, reply, trust::Prompt};",
        "/// See [`crate::engine::Engine`].\n// use crate::engine;\n/* use crate::ui; /* crate::ui::x */ crate::cli */",
        "const A: &str = \"crate::engine::Engine\"; const B: &str = r#\"\" crate::ui::X\"#;",
        "const C: char = '\"'; const D: &[u8] = b\"crate::ui\\\"::X\"; fn f<'a>(x: &'a str) {}",
        "pub(crate) fn f() {}\npub(in crate::transfer) fn g() {}",
        "#[cfg(test)]\nmod tests { use crate::engine::Engine; fn f() { let x = '{'; } }",
        "mod inner { use super::Plan; }",
        "use engine::Something;",
    ];
    for text in fine {
        assert_eq!(complain("transfer", text), [], "{text}");
    }
    assert_eq!(complain("transfer", "#[cfg(test)]\nmod tests { fn f() {} }\nuse crate::engine;"), [3]);
    assert_eq!(complain("lib", "use crate::engine;"), []);
}

#[test]
fn the_interface_sees_data_and_only_its_shell_the_engine() {
    assert_eq!(complain("ui::update", "use crate::engine::{Command, Engine};"), [1]);
    assert_eq!(complain("ui::view::pane", "use crate::engine;\nfn f(e: &engine::Engine) {}"), [2]);
    assert_eq!(complain("ui::view", "use crate::engine::*;"), [1]);
    assert_eq!(complain("words", "use crate::engine::{Ask, Engine};"), [1]);
    for shell in ["ui", "ui::app", "ui::app::input"] {
        assert_eq!(complain(shell, "use crate::engine::{Command, Engine};"), [], "{shell}");
    }
    assert_eq!(complain("ui::state", "use crate::fs::{Entry, FileSystem};"), [1]);
    assert_eq!(complain("ui::state", "use crate::transfer::{Totals, run::run};"), [1]);
    assert_eq!(
        complain("ui::state", "use crate::{fs::{Entry, path::RemotePath}, transfer::Totals, words};"),
        []
    );
    assert_eq!(complain("words", "use crate::trust::known_hosts::KnownHosts;"), [1]);
}

#[test]
fn what_is_pure_stays_pure() {
    let impure = [
        "use std::time::Instant;\nfn f() { let now = Instant::now(); }",
        "use std::time;\nfn f() { let now = time::SystemTime::now(); }",
        "use std::{collections::HashMap, fs};",
        "fn f() { std::thread::sleep(x) }",
        "use tokio::sync::mpsc;",
        "use std::process::Command;",
        "use std::time::Instant as Clock;\nfn f() { Clock::now(); }",
    ];
    for text in impure {
        for module in ["ui::state", "ui::update::keys", "ui::layout", "ui::view::pane", "transfer::plan"] {
            assert_eq!(complain(module, text).len(), 1, "{module}: {text}");
        }
        assert_eq!(complain("ui::app", text), [], "{text}");
    }
    assert_eq!(complain("ui::state", "use std::time::Instant;\nfn f(now: Instant, fs: u8) { fs.x(); }"), []);
}
