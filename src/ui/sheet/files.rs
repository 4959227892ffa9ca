//! What the dialogs about files say: properties, permissions, and what a command prints.

use super::{
    Content, Line, Piece,
    parts::{button, fact, line},
};
use crate::{
    fs::Entry,
    ui::{
        action::Action,
        keymap::Mode,
        state::{
            CommandOutput, Overtaken, Permissions, Properties, State, Summary,
            overlay::{Sum, bit},
        },
        text,
        theme::Role,
    },
    words,
};

/// Too small for words where letters do.
fn is_small(state: &State) -> bool {
    state.size.width < 60 || state.size.height < 16
}

pub(super) fn properties(state: &State, shown: &Properties) -> Content {
    let (entry, attributes) = (&shown.entry, &shown.entry.attributes);
    let untold = || "not told".to_owned();
    let time = |time: Option<crate::fs::Timestamp>| {
        time.map_or_else(untold, |time| words::timestamp_in(time, state.clock.now, state.zone))
    };
    let folder = shown.location.parent();
    let mut lines = vec![
        fact("Name", words::escape_bytes(&entry.name)),
        fact("In", folder.map_or_else(untold, |folder| words::escape_bytes(folder.path.as_bytes()))),
    ];
    if !shown.location.fs.is_local() {
        lines.push(fact("On", words::escape(shown.location.fs.as_str())));
    }
    lines.push(fact("Kind", words::kind(entry.kind)));
    if let Some(target) = &entry.target {
        let leads = match entry.target_kind {
            Some(kind) => format!("{} ({})", words::escape_bytes(target), words::kind(kind)),
            None => words::escape_bytes(target),
        };
        lines.push(fact("Leads to", leads));
    }
    let size = attributes.size.map_or_else(untold, |size| match size {
        0..1024 => words::size(size),
        _ => format!("{} ({} bytes)", words::size(size), words::count(size)),
    });
    lines.push(fact("Size", size));
    lines.push(fact("Modified", time(attributes.mtime)));
    if attributes.atime.is_some() {
        lines.push(fact("Accessed", time(attributes.atime)));
    }
    let mode =
        attributes.mode.map_or_else(untold, |mode| format!("{}  {mode:04o}", words::mode_of(entry, mode)));
    lines.push(fact("Mode", mode));
    lines.push(fact("Owner", owner(entry.owner.as_deref(), attributes.uid)));
    lines.push(fact("Group", owner(entry.group.as_deref(), attributes.gid)));
    match &shown.sum {
        Sum::Unasked => {}
        Sum::Computing(job) => {
            let time = words::duration(state.waited(*job));
            let spinner = text::spinner(state.clock.running);
            lines.push(fact("SHA-256", format!("{spinner} being computed… {time} (Esc stops)")));
        }
        Sum::Known(sum) => {
            lines.push(fact("SHA-256", words::computed(&sum.by)));
            // On a line of its own, whole, to be compared.
            lines.push(line(Role::Title, sum.to_string()));
        }
        Sum::Failed(why) => {
            lines.push(vec![Piece(Role::Faint, text::pad("SHA-256", 10)), Piece(Role::Bad, why.clone())]);
        }
    }
    let buttons = if is_small(state) {
        vec![
            button("Close", 'c'),
            button("Sum", 's'),
            button("Perm", 'p'),
            button("Owner", 'o'),
            button("Time", 't'),
        ]
    } else {
        vec![
            button("c  Close", 'c'),
            button("s  Checksum", 's'),
            button("p  Permissions", 'p'),
            button("o  Owner", 'o'),
            button("t  Time", 't'),
        ]
    };
    Content {
        title: "Properties".to_owned(),
        lines,
        buttons,
        choice: shown.choice,
        scroll: shown.scroll,
        width: 82,
        ..Content::default()
    }
}

/// What several have in common.
pub(super) fn summary(state: &State, shown: &Summary) -> Content {
    let buttons = if is_small(state) {
        vec![button("Close", 'c'), button("Perm", 'p'), button("Owner", 'o'), button("Time", 't')]
    } else {
        vec![
            button("c  Close", 'c'),
            button("p  Permissions", 'p'),
            button("o  Owner", 'o'),
            button("t  Time", 't'),
        ]
    };
    Content {
        title: format!("Properties of {}", shown.name),
        lines: shown.facts.iter().map(|(label, value)| fact(label, &**value)).collect(),
        buttons,
        choice: shown.choice,
        scroll: shown.scroll,
        width: 70,
        ..Content::default()
    }
}

fn owner(name: Option<&str>, id: Option<u32>) -> String {
    match (name, id) {
        (Some(name), Some(id)) if name != id.to_string() => format!("{} ({id})", words::escape(name)),
        (Some(name), _) => words::escape(name).into_owned(),
        (None, Some(id)) => id.to_string(),
        (None, None) => "not told".to_owned(),
    }
}

pub(super) fn permissions(state: &State, chosen: &Permissions) -> Content {
    let small = is_small(state);
    let (rwx, special) = if small {
        (["r", "w", "x"], ["uid", "gid", "t"])
    } else {
        (["read", "write", "execute"], ["set uid", "set gid", "sticky"])
    };
    let rows = [("Owner", rwx), ("Group", rwx), ("Others", rwx), ("Special", special)];
    let mut picture = Vec::new();
    for (row, (label, names)) in rows.iter().enumerate() {
        let mut cells: Line = vec![Piece(Role::Soft, text::pad(label, 8))];
        for (column, name) in names.iter().enumerate() {
            let mark = match bit(row, column) {
                bit if chosen.mixed & bit != 0 => "?",
                bit if chosen.mode & bit != 0 => "x",
                _ => " ",
            };
            let here = (chosen.row, chosen.column) == (row, column);
            cells.push(cell(mark, here));
            let role = if here { Role::Title } else { Role::Text };
            cells.push(Piece(role, text::pad(&format!(" {name}"), if small { 4 } else { 9 })));
        }
        picture.push(cells);
    }
    if chosen.folders {
        let here = chosen.row == 4;
        let words = if small { " what is inside (f)" } else { " all that is inside too (f)" };
        picture.push(vec![
            Piece(Role::Soft, text::pad("Folders", 8)),
            cell(if chosen.recursive { "x" } else { " " }, here),
            Piece(if here { Role::Title } else { Role::Text }, words.to_owned()),
        ]);
    }
    let name = if small { 14 } else { 26 };
    let octal = if chosen.mixed == 0 { format!("{:04o}", chosen.mode) } else { "    ".to_owned() };
    let bits = words::mixed_mode(chosen.mode, chosen.mixed);
    let mut lines = vec![vec![
        Piece(Role::Text, text::pad(&text::cut_middle(&chosen.name, name - 2), name)),
        Piece(Role::Title, format!("{bits}  {octal}")),
    ]];
    if !small {
        let key = state.keymap.keys(Mode::Choice, Action::Select);
        let key = key.first().map(|key| format!("{key} ticks, ")).unwrap_or_default();
        lines.push(line(Role::Soft, format!("{key}r w x too; 0-7 write the mode.")));
        if chosen.mixed != 0 {
            lines.push(line(Role::Soft, "? differs now, or is not told, and stays as it is."));
        }
        if chosen.recursive {
            lines.push(line(Role::Soft, "Folders that can be read can be entered."));
        }
        lines.push(Line::new());
    }
    Content {
        title: "Permissions".to_owned(),
        lines,
        picture,
        buttons: vec![button("Enter  Set", '\n'), button("Esc  Cancel", '\u{1b}')],
        width: 54,
        ..Content::default()
    }
}

/// A box that can be ticked; brackets as well as a colour say where the keys are.
fn cell(mark: &str, here: bool) -> Piece {
    if here { Piece(Role::Accent, format!("▸[{mark}]")) } else { Piece(Role::Text, format!(" [{mark}]")) }
}

pub(super) fn output(state: &State, shown: &CommandOutput) -> Content {
    let mut picture = Vec::new();
    if shown.dropped > 0 {
        let more = words::plural(shown.dropped, "line", "lines");
        picture.push(line(Role::Faint, format!("({more} before this)")));
    }
    picture.extend(
        shown
            .lines
            .iter()
            .map(|(text, is_error)| line(if *is_error { Role::Bad } else { Role::Text }, &**text)),
    );
    let wide = usize::from(state.size.width).saturating_sub(10).clamp(20, 110);
    let end = match &shown.ended {
        Some(ended) => ended.clone(),
        None => {
            let time = words::duration(shown.job.map_or_else(Default::default, |job| state.waited(job)));
            format!("{} It runs, {time}; Esc stops it.", text::spinner(state.clock.running))
        }
    };
    if !picture.is_empty() {
        picture.push(Line::new());
    }
    picture.extend(text::wrap(&end, wide).into_iter().map(|part| line(Role::Soft, part)));
    Content {
        title: format!("$ {}", shown.command),
        picture,
        scroll: shown.scroll,
        width: 116,
        ..Content::default()
    }
}

pub(super) fn overtaken(state: &State, shown: &Overtaken) -> Content {
    let time = |entry: &Entry| {
        let size = entry.attributes.size.map_or("?".to_owned(), words::size);
        let time = entry
            .attributes
            .mtime
            .map_or("?".to_owned(), |time| words::timestamp_in(time, state.clock.now, state.zone));
        format!("{size}, {time}")
    };
    let now = shown.now.as_ref().map_or_else(|| "not there any more".to_owned(), time);
    let copy = words::escape_bytes(shown.draft.copy.as_bytes());
    Content {
        title: format!("{} has changed meanwhile", shown.name),
        lines: vec![fact("Fetched", time(&shown.draft.fetched)), fact("Now", now), fact("Your copy", copy)],
        buttons: vec![
            button("b  Save yours beside it", 'b'),
            ("o  Overwrite it with yours".to_owned(), 'o', true),
            button("k  Keep your copy here only", 'k'),
        ],
        choice: shown.choice,
        stacked: true,
        danger: true,
        width: 72,
        ..Content::default()
    }
}
