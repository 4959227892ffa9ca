//! Renaming by a pattern as a sheet: the fields, and below them the old names beside the new
//! ones. Pure.

use ratatui::layout::Rect;

use super::{Line, Piece, Row, Sheet, centred, cut, frame_width, inside, place_field, room, told};
use crate::{
    transfer::rename::{Letters, Problem, Renamed},
    ui::{
        state::{Field, Rename, State},
        text,
        theme::Role,
    },
    words,
};

/// How wide it would like to be.
const WIDTH: u16 = 104;
const LABEL: u16 = 9;

/// What may stand in a pattern, the most telling first.
const LEGENDS: [&str; 2] = [
    "[N] name  [E] .extension  [C] counter, [C:3] three digits, [C:3:10] from 10  [D] date",
    "[N] name  [E] .ext  [C] counter, [C:3:10] from 010  [D] date",
];
const SHORTEST: &str = "[N]ame [E]xt [C]ounter [D]ate";

pub(super) fn place(state: &State, rename: &Rename) -> Sheet {
    let height = room(state.size).height;
    let width = frame_width(state.size, WIDTH);
    let roomy = height >= 18;
    let names = u16::try_from(rename.entries.len()).unwrap_or(u16::MAX);
    let fixed: u16 = if roomy { 11 } else { 7 };
    let area_height = fixed.saturating_add(names).min(height);
    let area = centred(room(state.size), width, area_height);
    let inner = inside(area, u16::from(roomy));
    let columns = usize::from(inner.width).max(1);
    let mut take = cut(inner);
    let gap = u16::from(roomy);
    let pattern = take(1);
    let help = take(gap);
    let (search, replace) = if roomy { (take(1), take(1)) } else { halves(take(1)) };
    let (regex, letters) = halves(take(1));
    take(gap);
    let (role, said) = said(rename, roomy);
    // Without names below there is room for more of it.
    let told = told(&said, columns, if rename.made.is_err() { 4 } else { 1 });
    let status = take(u16::try_from(told.len()).unwrap_or(1));
    let body = take(u16::MAX);
    let at = |(part, y): (String, u16)| (Rect { y, height: 1, ..status }, vec![Piece(role, part)]);
    let mut notes: Vec<(Rect, Line)> = told.into_iter().zip(status.y..).map(at).collect();
    if roomy {
        let indent = if usize::from(LABEL) + text::width(LEGENDS[0]) <= columns { LABEL } else { 0 };
        let area = Rect { x: help.x + indent, width: help.width.saturating_sub(indent), ..help };
        let fits = LEGENDS.iter().find(|legend| text::width(legend) <= usize::from(area.width));
        notes.push((area, vec![Piece(Role::Faint, fits.copied().unwrap_or(SHORTEST).to_owned())]));
    }
    let mut typing_at = None;
    let mut rows = Vec::new();
    let small = columns < 60;
    let fields: [(usize, &'static str, Rect, &Field, &str); 3] = [
        (0, "Pattern", pattern, &rename.pattern, ""),
        (1, if small { "Find" } else { "Replace" }, search, &rename.search, "nothing"),
        (2, "by", replace, &rename.replace, "nothing: it is taken out"),
    ];
    for (slot, label, area, field, meaning) in fields {
        let label_width = if small && slot > 0 { 5 } else { LABEL };
        let value = Rect {
            x: area.x.saturating_add(label_width),
            width: area.width.saturating_sub(label_width),
            ..area
        };
        let typed = place_field(value, field);
        let has_focus = rename.focus == slot;
        if has_focus {
            typing_at = Some(typed.cursor);
        }
        let empty = field.input.value().is_empty();
        let shown = if empty { text::cut(meaning, usize::from(value.width)) } else { typed.shown };
        let role = if empty { Role::Faint } else { Role::Text };
        rows.push(Row { slot, label, area, value, shown, role, has_focus });
    }
    let letters_shown = match rename.letters {
        Letters::AsTheyAre => "as they are",
        Letters::Lower => "lower case",
        Letters::Upper => "UPPER CASE",
        Letters::Title => "Each Word",
    };
    let regex_shown = if rename.is_regex { "yes, $1 is a group" } else { "no" };
    for (slot, label, area, shown) in
        [(3, "Regex", regex, regex_shown), (4, "Letters", letters, letters_shown)]
    {
        let label_width = if small { 8 } else { LABEL };
        let value = Rect {
            x: area.x.saturating_add(label_width),
            width: area.width.saturating_sub(label_width),
            ..area
        };
        let shown = if small { shown.split(',').next().unwrap_or_default() } else { shown };
        let shown = text::cut(&format!("‹ {shown} ›"), usize::from(value.width));
        rows.push(Row { slot, label, area, value, shown, role: Role::Text, has_focus: rename.focus == slot });
    }
    let made = rename.made.as_deref().unwrap_or_default();
    let seen = usize::from(body.height);
    let first = rename.scroll.min(made.len().saturating_sub(seen));
    Sheet {
        title: format!("Rename {}", words::plural(rename.entries.len() as u64, "item", "items")),
        area,
        body,
        lines: made.iter().skip(first).take(seen).map(|one| line(one, columns)).collect(),
        window: Some((first, made.len())),
        rows,
        typing_at,
        notes,
        ..Sheet::default()
    }
}

fn halves(area: Rect) -> (Rect, Rect) {
    let half = area.width / 2;
    let left = Rect { width: half.saturating_sub(1), ..area };
    (left, Rect { x: area.x + half, width: area.width - half, ..area })
}

/// What there is to say; where there is no room for the legend, that as long as nothing else matters.
fn said(rename: &Rename, roomy: bool) -> (Role, String) {
    if let Err(error) = &rename.made {
        return (Role::Bad, format!("✗ {error}"));
    }
    let count = |count: usize| words::plural(count as u64, "name", "names");
    match rename.counts() {
        (_, problems) if problems > 0 => (
            Role::Bad,
            format!("✗ {} cannot be given: nothing is renamed until that is changed.", count(problems)),
        ),
        (0, _) if !roomy => (Role::Soft, SHORTEST.to_owned()),
        (0, _) => (Role::Soft, "No name changes.".to_owned()),
        (1, _) => (Role::Good, "1 name changes.".to_owned()),
        (changing, _) => (Role::Good, format!("{} change.", count(changing))),
    }
}

/// Old name, new name, and what stands in the way.
fn line(one: &Renamed, columns: usize) -> Line {
    let problem = match one.problem {
        None => String::new(),
        Some(Problem::Twice) => "twice".to_owned(),
        Some(Problem::Exists) => "exists".to_owned(),
        Some(Problem::Invalid(why)) => why.to_owned(),
    };
    let beside = if problem.is_empty() { 0 } else { text::width(&problem) + 4 };
    let each = columns.saturating_sub(3) / 2;
    let old = text::cut_middle(&words::escape_bytes(&one.from), each);
    let new = text::cut_middle(
        &words::escape_bytes(&one.to),
        (columns - each.min(columns)).saturating_sub(3 + beside),
    );
    let changes = one.changes();
    let look = match (&one.problem, changes) {
        (Some(_), _) => Role::Bad,
        (None, true) => Role::Title,
        (None, false) => Role::Faint,
    };
    let arrow = if changes { " → " } else { " = " };
    let mut line = vec![
        Piece(if changes { Role::Text } else { Role::Faint }, text::pad(&old, each)),
        Piece(Role::Faint, arrow.to_owned()),
        Piece(look, new),
    ];
    if !problem.is_empty() {
        line.push(Piece(Role::Bad, format!("  ✗ {problem}")));
    }
    line
}
