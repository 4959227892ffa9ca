//! What every dialog says. Words and their weight only; where they stand is `sheet`'s business.

use super::{
    Content, Line, Piece, files, help, identity, menu,
    parts::{button, fact, line},
};
use crate::{
    fs::entry::SortKey,
    reply::{self, Protocol},
    trust,
    ui::{
        state::{Asking, Deed, Field, Overlay, Question, SORTS, State, Typing},
        text,
        theme::Role,
    },
    words,
};

pub(super) fn content(state: &State, overlay: &Overlay, room: usize) -> Content {
    match overlay {
        Overlay::Text { typing, field, error } => typing_content(typing, field, error.as_ref()),
        Overlay::Confirm { deed, lines, choice, scroll } => {
            Content { scroll: *scroll, ..confirm(deed, lines, *choice) }
        }
        Overlay::Sort { side, choice } => sort(state, *side, *choice),
        Overlay::Workspaces { choice } => workspaces(state, *choice),
        Overlay::Menu(menu) => menu::menu(state, menu),
        Overlay::Question(question) => ask(question, room),
        // They have a layout of their own.
        Overlay::Form(_)
        | Overlay::Palette(_)
        | Overlay::Find(_)
        | Overlay::GoTo(_)
        | Overlay::Rename(_)
        | Overlay::Tour => Content::default(),
        Overlay::Help { scroll } => help::help(state, *scroll),
        Overlay::Problems { lines, scroll } => {
            let mut said: Vec<Line> =
                lines.iter().map(|problem| line(Role::Text, words::escape(problem))).collect();
            said.push(Line::new());
            said.push(line(
                Role::Soft,
                "Correct these lines, or take them out; the rest of these files counts.",
            ));
            Content {
                title: "Settings that mean nothing".to_owned(),
                lines: said,
                scroll: *scroll,
                width: 84,
                ..Content::default()
            }
        }
        Overlay::Told { title, lines, scroll } => Content {
            title: title.clone(),
            lines: lines.iter().map(|said| line(Role::Text, words::escape(said))).collect(),
            buttons: vec![button("Close", 'c')],
            scroll: *scroll,
            width: 76,
            ..Content::default()
        },
        Overlay::Explain { line, scroll } => explain(line, *scroll),
        // A screen of its own.
        Overlay::Details(_) => Content::default(),
        Overlay::Properties(shown) => files::properties(state, shown),
        Overlay::Summary(shown) => files::summary(state, shown),
        Overlay::Permissions(chosen) => files::permissions(state, chosen),
        Overlay::Output(output) => files::output(state, output),
        Overlay::Overtaken(overtaken) => files::overtaken(state, overtaken),
        Overlay::Error { words, scroll } => {
            let mut lines = vec![line(Role::Text, format!("{}.", words.what))];
            let mut picture = Vec::new();
            if let Some(changed) = &words.changed {
                picture = identity::table(changed, room.min(70));
                picture.push(Line::new());
                let advice = text::wrap(&words.advice, room.min(70));
                picture.extend(advice.into_iter().map(|part| line(Role::Soft, part)));
                match state.size.height {
                    // On a small screen what must be compared comes first.
                    0..16 => lines.clear(),
                    _ => lines.push(Line::new()),
                }
            } else if !words.said.is_empty() {
                lines.push(Line::new());
                // A detail with several facts reads better one below the other.
                lines.extend(words.said.split("; ").map(|part| line(Role::Bad, part)));
            }
            if !words.advice.is_empty() && picture.is_empty() {
                lines.push(Line::new());
                lines.push(line(Role::Soft, &*words.advice));
            }
            let buttons = vec![button("Close", 'c')];
            let title = words.title.to_owned();
            Content {
                title,
                lines,
                picture,
                buttons,
                scroll: *scroll,
                danger: true,
                width: 76,
                ..Content::default()
            }
        }
    }
}

fn typing_content(typing: &Typing, field: &Field, error: Option<&String>) -> Content {
    let (title, lines) = match typing {
        Typing::NewFolder(parent) => {
            let path = words::escape_bytes(parent.path.as_bytes());
            ("New folder".to_owned(), vec![vec![Piece(Role::Faint, "in ".into()), Piece(Role::Soft, path)]])
        }
        Typing::Rename(from) => {
            let name = from.path.name().unwrap_or_default();
            let mut lines = vec![line(Role::Soft, words::escape_bytes(name))];
            if field.input.value().contains('\\') || words::spell(name).contains('\\') {
                lines.push(line(Role::Faint, "\\xe9 is a byte, \\n a line break, \\\\ a backslash"));
            }
            ("Rename".to_owned(), lines)
        }
        Typing::NewFile(parent) => {
            let path = words::escape_bytes(parent.path.as_bytes());
            ("New file".to_owned(), vec![vec![Piece(Role::Faint, "in ".into()), Piece(Role::Soft, path)]])
        }
        Typing::Symlink(item) | Typing::HardLink(item) => {
            let name = words::escape_bytes(item.path.name().unwrap_or_default());
            let title = if matches!(typing, Typing::Symlink(_)) { "New link" } else { "Second name" };
            let lines = vec![
                vec![Piece(Role::Faint, "to ".into()), Piece(Role::Soft, name)],
                line(Role::Soft, "A name in this folder, or a path"),
            ];
            (title.to_owned(), lines)
        }
        Typing::Owner { name, .. } => {
            let lines = vec![
                line(Role::Soft, &**name),
                line(Role::Soft, "OWNER, OWNER:GROUP or :GROUP; names or numbers"),
            ];
            ("Owner".to_owned(), lines)
        }
        Typing::Time { name, .. } => {
            let lines = vec![
                line(Role::Soft, &**name),
                line(Role::Soft, "When it was changed: 2026-11-21, 2026-11-21 14:05 or now"),
                line(Role::Soft, "accessed TIME sets when it was read, both TIME both"),
            ];
            ("Time".to_owned(), lines)
        }
        Typing::Pattern { select, .. } => {
            let title = if *select { "Select by pattern" } else { "Unselect by pattern" };
            let lines = vec![
                line(Role::Soft, "As *.txt: * is anything, ? one character, [a-f] one of these"),
                line(Role::Soft, "Nothing at all means all that is shown"),
            ];
            (title.to_owned(), lines)
        }
        Typing::Workspace => {
            let lines = vec![line(Role::Soft, "The tabs and their places are kept by it")];
            ("Save a workspace".to_owned(), lines)
        }
        Typing::Search => {
            let lines = vec![line(Role::Soft, "Case counts if there is a capital letter in it")];
            ("Search".to_owned(), lines)
        }
        Typing::Offset => {
            let lines = vec![line(Role::Soft, "A byte, as 4096, 0x1000 or 4 KiB, or a part, as 50%")];
            ("Go to".to_owned(), lines)
        }
        Typing::Limit(job) => {
            let title = if job.is_some() { "Speed of this transfer" } else { "Speed of all transfers" };
            let lines = vec![line(Role::Soft, "Bytes per second, as 500k or 2MiB; nothing is no limit")];
            (title.to_owned(), lines)
        }
        Typing::Command(dir) => {
            let path = words::escape_bytes(dir.path.as_bytes());
            let mut lines = vec![vec![Piece(Role::Faint, "in ".into()), Piece(Role::Soft, path)]];
            if !dir.fs.is_local() {
                lines.push(vec![
                    Piece(Role::Faint, "on ".into()),
                    Piece(Role::Soft, words::escape(dir.fs.as_str()).into_owned()),
                ]);
            }
            ("Run a command".to_owned(), lines)
        }
    };
    Content {
        title,
        lines,
        field: Some(field.clone()),
        error: error.cloned(),
        width: 66,
        ..Content::default()
    }
}

fn confirm(deed: &Deed, lines: &[String], choice: usize) -> Content {
    let (title, no, yes) = match deed {
        Deed::Remove { name, items } if items.len() == 1 => (format!("Delete {name}?"), "Keep it", "Delete"),
        Deed::Remove { name, .. } => (format!("Delete {name}?"), "Keep them", "Delete"),
        Deed::RemoveBookmark { name } => {
            (format!("Remove the bookmark {}?", words::escape(name)), "Keep it", "Remove")
        }
        Deed::GoTo { .. } => ("Go to what was pasted?".to_owned(), "Stay here", "Go there"),
        Deed::Sync => ("Copy and delete?".to_owned(), "Back", "Copy and delete"),
        Deed::Discard { .. } => ("Forget this transfer?".to_owned(), "Keep it", "Forget it"),
        Deed::Import { .. } => ("Import these sites?".to_owned(), "Leave them", "Import"),
        Deed::Quit => ("Quit while jobs run?".to_owned(), "Stay", "Quit and stop them"),
    };
    Content {
        title,
        lines: lines.iter().map(|text| line(Role::Text, &**text)).collect(),
        // Not the letter that opened the dialog: pressing it twice must delete nothing.
        buttons: vec![(format!("n  {no}"), 'n', false), (format!("y  {yes}"), 'y', true)],
        choice,
        danger: matches!(deed, Deed::Remove { .. } | Deed::Sync),
        width: 56,
        ..Content::default()
    }
}

fn workspaces(state: &State, choice: usize) -> Content {
    let places = &state.places;
    let tabs = |count: usize| words::plural(count as u64, "tab", "tabs");
    let mut buttons: Vec<_> = places
        .workspaces
        .iter()
        .enumerate()
        .map(|(at, workspace)| {
            let letter = char::from_digit(u32::try_from(at + 1).unwrap_or(0), 10).unwrap_or('\0');
            let mark = if letter == '\0' { ' ' } else { letter };
            let name = words::escape(&workspace.name);
            (format!("{mark}  {name}  ({})", tabs(workspace.tabs.len())), letter, false)
        })
        .collect();
    if let Some(session) = &places.session {
        buttons.push((format!("l  the last session  ({})", tabs(session.tabs.len())), 'l', false));
    }
    Content {
        title: "Open a workspace".to_owned(),
        lines: vec![line(Role::Soft, "Its tabs come in place of these; what runs goes on.")],
        buttons,
        choice,
        stacked: true,
        width: 50,
        ..Content::default()
    }
}

fn sort(state: &State, side: crate::ui::state::Side, choice: usize) -> Content {
    let sort = state.pane(side).view.listing.sort();
    let mut buttons: Vec<_> = SORTS
        .iter()
        .map(|key| {
            let mark = match (*key == sort.key, sort.descending) {
                (false, _) => " ",
                (true, false) => "▲",
                (true, true) => "▼",
            };
            let (name, letter) = sort_name(*key);
            (format!("{mark} {letter}  {name}"), letter, false)
        })
        .collect();
    let mark = if sort.dirs_first { "✓" } else { " " };
    buttons.push((format!("{mark} f  folders first"), 'f', false));
    Content {
        title: "Sort by".to_owned(),
        lines: vec![line(Role::Soft, "The same again turns it round.")],
        buttons,
        choice,
        stacked: true,
        width: 36,
        ..Content::default()
    }
}

fn sort_name(key: SortKey) -> (&'static str, char) {
    match key {
        SortKey::Name => ("name", 'n'),
        SortKey::Size => ("size", 's'),
        SortKey::Modified => ("modified", 'm'),
        SortKey::Extension => ("extension", 'e'),
    }
}

fn ask(question: &Question, room: usize) -> Content {
    match &question.ask {
        Asking::Host { host, choice, scroll } => {
            let buttons =
                vec![button("n  Do not connect", 'n'), ("y  Trust it and connect".to_owned(), 'y', true)];
            let question = trust::Question::UnknownHost((**host).clone());
            Content {
                title: words::question(&question).title,
                picture: first_contact(host, room.min(70)),
                buttons,
                choice: *choice,
                scroll: *scroll,
                width: 76,
                ..Content::default()
            }
        }
        Asking::Certificate { certificate, choice, scroll } => {
            let buttons =
                vec![button("n  Do not connect", 'n'), ("y  Trust it and connect".to_owned(), 'y', true)];
            Content {
                title: words::question(&trust::Question::UnknownCertificate(certificate.clone())).title,
                picture: untrusted(certificate, room.min(70)),
                buttons,
                choice: *choice,
                scroll: *scroll,
                width: 76,
                ..Content::default()
            }
        }
        Asking::Secret { request, field, scroll } => {
            let said = words::question(&trust::Question::Secret(request.clone()));
            let mut lines: Vec<Line> = said.lines.into_iter().map(|text| line(Role::Soft, text)).collect();
            lines.push(line(Role::Text, said.prompt));
            let field = Some(field.clone());
            Content { title: said.title, lines, field, scroll: *scroll, width: 60, ..Content::default() }
        }
        // A screen of its own.
        Asking::Conflicts(_) => Content::default(),
    }
}

/// What is to be compared, with the picture beside it where there is room for both.
fn first_contact(host: &trust::UnknownHost, room: usize) -> Vec<Line> {
    const PICTURE: usize = 19;
    const WARNING: &str =
        "This is the first contact. Compare the fingerprint with what the server's administrator published.";
    let beside = room >= PICTURE + 40;
    let columns = if beside { room - PICTURE - 2 } else { room };
    let print = words::escape(&host.fingerprint);
    let fingerprint = text::wrap_fingerprint(&print, room).into_iter().map(|part| line(Role::Title, part));
    let mut left: Vec<Line> = Vec::new();
    if !beside {
        // On a small screen what must be compared comes first.
        left.extend(fingerprint.clone());
    }
    for (label, value) in [
        ("Server", words::escape(&host.host)),
        ("Address", words::escape(&host.address)),
        ("Key", words::escape(&host.key_type)),
        ("Stored in", words::escape(&host.file.to_string_lossy())),
    ] {
        for (at, part) in text::wrap(&value, columns.saturating_sub(10)).into_iter().enumerate() {
            left.push(fact(if at == 0 { label } else { "" }, part));
        }
    }
    let warning = text::wrap(WARNING, columns).into_iter().map(|part| line(Role::Soft, part));
    let mut picture = host.randomart.lines().map(|row| Piece(Role::Faint, words::escape(row).into_owned()));
    if !beside {
        return left.into_iter().chain(warning).chain(picture.map(|row| vec![row])).collect();
    }
    left.push(Line::new());
    left.extend(warning);
    let mut lines = Vec::new();
    let mut left = left.into_iter();
    loop {
        let (mut text, row) = match (left.next(), picture.next()) {
            (None, None) => break,
            (text, row) => (text.unwrap_or_default(), row),
        };
        let used: usize = text.iter().map(|piece| text::width(&piece.1)).sum();
        text.push(Piece(Role::Text, " ".repeat((columns + 2).saturating_sub(used))));
        text.extend(row);
        lines.push(text);
    }
    lines.push(Line::new());
    lines.extend(fingerprint);
    lines
}

/// Why a certificate is not trusted, what is to be compared, and what it says of itself.
fn untrusted(certificate: &trust::UnknownCertificate, room: usize) -> Vec<Line> {
    const ADVICE: &str = "Compare the SHA-256 fingerprint with what the server's administrator published:";
    let reason = format!("{}.", words::escape(&words::capital(&certificate.reason)));
    let print = text::wrap_fingerprint(&certificate.fingerprint.to_string(), room);
    let fingerprint: Vec<Line> = print.into_iter().map(|row| line(Role::Title, row)).collect();
    let mut lines = Vec::new();
    if room < 47 {
        // On a small screen what must be compared comes first.
        lines.extend(fingerprint.clone());
    }
    lines.extend(text::wrap(&reason, room).into_iter().map(|part| line(Role::Text, part)));
    lines.extend(text::wrap(ADVICE, room).into_iter().map(|part| line(Role::Soft, part)));
    if room >= 47 {
        lines.extend(fingerprint);
    }
    let names: Vec<_> = certificate.names.iter().map(|name| words::escape(name)).collect();
    let dates = format!("{} to {}", certificate.not_before, certificate.not_after);
    let file = certificate.file.to_string_lossy();
    for (label, value) in [
        ("Server", words::escape(&certificate.address)),
        ("For", names.join(", ").into()),
        ("Subject", words::escape(&certificate.subject)),
        ("Issuer", words::escape(&certificate.issuer)),
        ("Valid", dates.into()),
        ("Stored in", words::escape(&file)),
    ] {
        if value.is_empty() {
            continue;
        }
        for (at, part) in text::wrap(&value, room.saturating_sub(10)).into_iter().enumerate() {
            lines.push(fact(if at == 0 { label } else { "" }, part));
        }
    }
    lines
}

fn explain(log: &crate::fs::LogLine, scroll: usize) -> Content {
    let mut lines = Vec::new();
    let protocol = match log.reply.protocol {
        Protocol::Sftp => "SFTP status",
        Protocol::Ftp => "FTP reply",
        Protocol::Command => "exit status",
    };
    let title = format!("{protocol} {}", log.reply.code);
    match log.reply.meaning() {
        Some(meaning) => {
            lines.push(fact("Name", meaning.name));
            lines.push(fact("Means", meaning.meaning));
            if !meaning.advice.is_empty() {
                lines.push(fact("To do", meaning.advice));
            }
        }
        None => {
            let made_up = match log.reply.protocol {
                Protocol::Sftp => "No SFTP specification has this code; the server made it up.",
                Protocol::Ftp => "No FTP specification has this code; the server made it up.",
                Protocol::Command => "What the command ended with: 0 is success, anything else its own.",
            };
            lines.push(line(Role::Text, made_up));
        }
    }
    if log.reply.protocol == Protocol::Ftp
        && let Some(class) = reply::ftp_class(log.reply.code)
    {
        lines.push(fact("Class", words::ftp_class(&class)));
        if log.reply.meaning().is_none() && !class.advice.is_empty() {
            lines.push(fact("To do", class.advice));
        }
    }
    lines.push(Line::new());
    lines.push(fact("Server", words::escape(log.fs.as_str())));
    lines.push(fact("Asked", words::escape(&log.request)));
    if let Some(path) = &log.path {
        lines.push(fact("Path", words::escape_bytes(path.as_bytes())));
    }
    let said = log.reply.text.trim();
    if !said.is_empty() {
        lines.push(fact("It said", words::escape(said)));
    }
    if !log.elapsed.is_zero() {
        lines.push(fact("Took", words::clock(log.elapsed)));
    }
    Content { title, lines, scroll, width: 76, ..Content::default() }
}
