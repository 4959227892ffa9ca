//! Draws the comparison of two folders and the plan for them.

use super::{Pen, board, spinner};
use crate::{
    fs::Kind,
    transfer::sync::{Half, Load, Pair, Relation, Way},
    ui::{
        action::Action,
        keymap::Mode,
        layout::board::{Board, chips},
        state::{Compare, State},
        text,
        theme::Role,
    },
    words,
};

pub(super) fn draw(pen: &mut Pen<'_>, state: &State, compare: &Compare, at: &Board) {
    let name = format!("{} ↔ {}", compare.left_label, compare.right_label);
    board::title(pen, at, &name, "");
    for chip in chips(state, compare, at.chips) {
        let role = if chip.is_on { Role::Text } else { Role::Faint };
        let (key, label) = chip.label.split_once(' ').unwrap_or(("", &chip.label));
        let is_key = at.chips.width >= 64;
        let x = chip.area.x;
        if is_key {
            let x = pen.put(x, chip.area.y, chip.area.width, key, Role::Accent);
            pen.put(x + 1, chip.area.y, chip.area.right().saturating_sub(x + 1), label, role);
        } else {
            pen.put(x, chip.area.y, chip.area.width, &chip.label, role);
        }
    }
    heads(pen, compare, at);
    let rows = compare.rows.iter().enumerate().skip(compare.place.top);
    for (y, (row, pair)) in (at.rows.y..at.rows.bottom()).zip(rows) {
        if let Some(shown) = compare.plan.pairs().get(*pair) {
            line(pen, state, compare, *pair, shown, at, y);
        }
        if row == compare.place.cursor {
            board::cursor(pen, at, y);
        }
    }
    if compare.rows.is_empty() {
        empty(pen, state, compare, at);
    }
    board::foot(pen, at, &foot(state, compare, at.foot.width < 64));
    board::sieve(pen, at, &compare.sieve, compare.rows.len());
}

fn heads(pen: &mut Pen<'_>, compare: &Compare, at: &Board) {
    if at.heads.height == 0 {
        return;
    }
    let (columns, y) = (&at.columns, at.heads.y);
    pen.put(columns.name.x, y, columns.name.width, "Name", Role::Faint);
    for (column, text) in [(columns.left, &compare.left_label), (columns.right, &compare.right_label)] {
        if let Some(column) = column {
            let shown = text::cut_start(text, usize::from(column.width));
            pen.put_right(column.x, y, column.width, &shown, Role::Faint);
        }
    }
}

fn empty(pen: &mut Pen<'_>, state: &State, compare: &Compare, at: &Board) {
    let key = |action| {
        let keys = state.keymap.in_mode(Mode::Compare, action);
        keys.first().map(ToString::to_string).unwrap_or_default()
    };
    let text = match () {
        () if compare.job.is_some() => return,
        () if !compare.sieve.text().is_empty() => "No name matches.".to_owned(),
        () if compare.plan.pairs().is_empty() => "Both folders are empty.".to_owned(),
        () if compare.sorts.only_left + compare.sorts.changed + compare.sorts.only_right == 0 => {
            let files = words::plural(compare.sorts.same, "file", "files");
            format!("Both sides are the same: {files}. {} shows them.", key(Action::ShowSame))
        }
        () => {
            let [left, changed, right] =
                [Action::ShowOnlyLeft, Action::ShowChanged, Action::ShowOnlyRight].map(key);
            format!("What differs is hidden: {left}, {changed} and {right} show it.")
        }
    };
    let lines = text::wrap_cut(&text, usize::from(at.rows.width).max(1), usize::from(at.rows.height));
    let count = u16::try_from(lines.len()).unwrap_or(at.rows.height);
    let top = at.rows.y + at.rows.height.saturating_sub(count) / 2;
    for (y, line) in (top..at.rows.bottom()).zip(&lines) {
        let width = u16::try_from(text::width(line)).unwrap_or(at.rows.width).min(at.rows.width);
        pen.put(at.rows.x + (at.rows.width - width) / 2, y, width, line, Role::Soft);
    }
}

fn line(pen: &mut Pen<'_>, state: &State, compare: &Compare, which: usize, pair: &Pair, at: &Board, y: u16) {
    let columns = &at.columns;
    let is_dir = pair.is_dir();
    let way = compare.plan.way(which);
    let width = columns.name.width;
    if is_dir {
        let name = format!("{}/", words::escape_bytes(&pair.path));
        let name = text::cut_start(&name, usize::from(width));
        pen.put(columns.name.x, y, width, &name, Role::Dir);
    } else {
        let indent = if pair.depth() > 0 { 2 } else { 0 };
        let name = words::escape_bytes(pair.name());
        let name = text::cut_middle(&name, usize::from(width.saturating_sub(indent)));
        let role = match pair.left.or(pair.right).map(|half| half.kind) {
            Some(Kind::Symlink) => Role::Link,
            Some(Kind::Other) => Role::Special,
            _ => Role::Text,
        };
        let role = if way == Way::Nothing && !compare.plan.is_undecided(which) { Role::Soft } else { role };
        pen.put(columns.name.x + indent, y, width.saturating_sub(indent), &name, role);
    }
    for (column, half, newer) in [
        (columns.left, pair.left, pair.relation == Relation::NewerLeft),
        (columns.right, pair.right, pair.relation == Relation::NewerRight),
    ] {
        let (Some(column), Some(half)) = (column, half) else { continue };
        match half.kind {
            Kind::File => board::side(pen, state, (column.x, y), (half.size, half.mtime), newer),
            Kind::Dir if pair.relation == Relation::Same => {}
            kind => pen.put_right(column.x, y, 8, words::kind(kind), Role::Faint),
        }
    }
    if let Some(column) = columns.words {
        let said = relation(pair, compare);
        pen.put(column.x, y, column.width, &text::cut(said, usize::from(column.width)), Role::Soft);
    }
    let is_common = is_dir && pair.relation == Relation::Same;
    let (mark, role) = match way {
        Way::Right if pair.right.is_some() => ("→", Role::Warning),
        Way::Left if pair.left.is_some() => ("←", Role::Warning),
        Way::Right => ("→", Role::Good),
        Way::Left => ("←", Role::Good),
        Way::Remove => ("×", Role::Bad),
        Way::Nothing if is_common => (" ", Role::Faint),
        Way::Nothing if compare.plan.is_undecided(which) => ("?", Role::Accent),
        Way::Nothing => ("=", Role::Faint),
    };
    pen.put(columns.way.x + 1, y, 1, mark, role);
    if compare.plan.is_own(which) && !is_common {
        pen.put(columns.way.x, y, 1, "•", role);
    }
}

/// How the sides differ, in words.
fn relation(pair: &Pair, compare: &Compare) -> &'static str {
    let size = |half: Option<Half>| half.and_then(|half| half.size);
    match pair.relation {
        Relation::OnlyLeft => "only left",
        Relation::OnlyRight => "only right",
        Relation::NewerLeft => "left newer",
        Relation::NewerRight => "right newer",
        Relation::Different if compare.content && size(pair.left) == size(pair.right) => "other content",
        Relation::Different if size(pair.left) != size(pair.right) => "other size",
        Relation::Different => "differs",
        Relation::Clash => "a folder and none",
        Relation::Same => "",
    }
}

/// What happens to a row, spelled out.
fn said(pair: &Pair, compare: &Compare, which: usize) -> String {
    let name = words::escape_bytes(&pair.path);
    let how = relation(pair, compare);
    let what = match compare.plan.way(which) {
        Way::Right if pair.right.is_some() => "overwrites the right side",
        Way::Left if pair.left.is_some() => "overwrites the left side",
        Way::Right => "is copied to the right",
        Way::Left => "is copied to the left",
        Way::Remove if pair.left.is_some() => "is deleted on the left",
        Way::Remove => "is deleted on the right",
        Way::Nothing if pair.relation == Relation::Clash => "is left alone",
        Way::Nothing if compare.plan.is_undecided(which) => "is yours to decide: → or ←",
        Way::Nothing if how.is_empty() && pair.is_dir() => "a key here changes all in it",
        Way::Nothing if how.is_empty() => "is the same",
        Way::Nothing => "is left alone",
    };
    if how.is_empty() { format!("{name}: {what}") } else { format!("{name}: {how}, {what}") }
}

fn load(arrow: &str, load: &Load, short: bool) -> Option<String> {
    if *load == Load::default() {
        return None;
    }
    let mut text = format!("{arrow} ");
    if short {
        let items = load.copied.files + load.copied.dirs + load.copied.links;
        text.push_str(&format!("{}, {}  ", words::count(items), words::size(load.copied.bytes)));
    } else if load.copied != Default::default() {
        text.push_str(&words::totals(&load.copied));
        if load.replaced > 0 {
            text.push_str(&format!(" ({} replaced)", words::count(load.replaced)));
        }
        text.push_str("  ");
    }
    if load.removed > 0 {
        let what = if short { "" } else { " deleted" };
        text.push_str(&format!("× {}{what}", words::count(load.removed)));
    }
    Some(text.trim_end().to_owned())
}

fn foot(state: &State, compare: &Compare, short: bool) -> Vec<(Role, String)> {
    let mut lines = Vec::new();
    let current = compare.current().and_then(|at| Some((at, compare.plan.pairs().get(at)?)));
    if let Some(ended) = &compare.ended {
        lines.push((Role::Bad, ended.clone()));
    } else if compare.failed > 0 {
        let first = compare.failures.first().map(|error| words::error(error).to_string()).unwrap_or_default();
        let what = words::plural(compare.failed, "folder or file", "folders or files");
        lines.push((Role::Bad, format!("{what} could not be read and stay as they are. {first}")));
    } else if let Some((which, pair)) = current {
        lines.push((Role::Soft, said(pair, compare, which)));
    }
    let mut parts = Vec::new();
    if compare.job.is_some() {
        let since = words::duration(state.clock.running.saturating_sub(compare.since));
        let pairs = words::plural(compare.plan.pairs().len() as u64, "name", "names");
        parts.push(format!("{} comparing… {pairs}, {since} (Esc stops)", spinner(state)));
    }
    parts.extend(load("→", &compare.sums.to_right, short));
    parts.extend(load("←", &compare.sums.to_left, short));
    if compare.sums.undecided > 0 {
        let what = if short { "" } else { " undecided" };
        parts.push(format!("? {}{what}", words::count(compare.sums.undecided)));
    }
    if parts.is_empty() {
        parts.push("nothing to do".to_owned());
    }
    lines.push((Role::Text, parts.join("   ")));
    lines
}
