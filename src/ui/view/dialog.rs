//! Draws a dialog as its sheet lays it out.

use ratatui::layout::{Position, Rect};

use super::Pen;
use crate::ui::{sheet::Sheet, text, theme::Role};

/// Returns where the terminal's cursor belongs.
pub(super) fn draw(pen: &mut Pen<'_>, sheet: &Sheet) -> Option<Position> {
    let area = sheet.area;
    pen.clear(area);
    pen.frame(area, if sheet.danger { Role::Bad } else { Role::BorderActive });
    if area.width > 6 && area.height > 0 {
        let title = text::cut(&sheet.title, usize::from(area.width - 6));
        pen.put(
            area.x + 2,
            area.y,
            area.width - 4,
            &format!(" {title} "),
            if sheet.danger { Role::Bad } else { Role::Title },
        );
    }
    let body = sheet.body;
    for (y, (at, line)) in (body.y..body.bottom()).zip(sheet.lines.iter().enumerate().skip(sheet.scroll)) {
        let mut x = body.x;
        for piece in line {
            x = pen.put(x, y, body.right().saturating_sub(x), &piece.1, piece.0);
        }
        let at = at + sheet.window.map_or(0, |(first, _)| first);
        if sheet.chosen == Some(at) {
            pen.tint(Rect { y, height: 1, ..body }, Role::Cursor);
            pen.put(body.x.saturating_sub(2), y, 1, "▌", Role::Accent);
        }
    }
    more(pen, sheet);
    for (area, line) in &sheet.notes {
        let mut x = area.x;
        for piece in line.iter().filter(|_| area.height > 0) {
            x = pen.put(x, area.y, area.right().saturating_sub(x), &piece.1, piece.0);
        }
    }
    for (y, line) in (sheet.error_area.y..sheet.error_area.bottom()).zip(&sheet.error) {
        pen.put(sheet.error_area.x, y, sheet.error_area.width, line, Role::Bad);
    }
    for button in &sheet.buttons {
        let role = match (button.chosen, button.danger) {
            (true, true) => Role::ButtonDanger,
            (true, false) => Role::ButtonChosen,
            (false, _) => Role::Button,
        };
        let shown = text::pad(&button.label, usize::from(button.area.width));
        if button.area.height > 0 {
            pen.put(button.area.x, button.area.y, button.area.width, &shown, role);
            if button.danger && !button.chosen {
                pen.put_over(button.area.x, button.area.y, button.area.width, &shown, Role::Bad);
            }
            // A mark as well as a colour says which one Enter takes.
            let mark = if button.chosen { "▸" } else { " " };
            pen.put(button.area.x.saturating_sub(1), button.area.y, 1, mark, Role::Title);
        }
    }
    let mut typing_at = None;
    for row in &sheet.rows {
        if row.area.height == 0 {
            continue;
        }
        let y = row.area.y;
        let label = if row.has_focus { Role::Title } else { Role::Soft };
        pen.put(row.area.x, y, row.area.width, row.label, label);
        let mark = if row.has_focus { "›" } else { " " };
        pen.put(row.area.x.saturating_sub(2), y, 1, mark, Role::Title);
        pen.tint(row.value, Role::Input);
        let filled = text::pad("", usize::from(row.value.width));
        pen.put(row.value.x, y, row.value.width, &filled, Role::Input);
        pen.put_over(row.value.x, y, row.value.width, &row.shown, row.role);
        if row.has_focus
            && let Some(x) = sheet.typing_at
        {
            typing_at = Some(Position { x, y });
        }
    }
    if typing_at.is_some() {
        return typing_at;
    }
    let field = sheet.field.as_ref()?;
    if field.area.height == 0 {
        return None;
    }
    pen.put(
        field.area.x,
        field.area.y,
        field.area.width,
        &text::pad(&field.shown, usize::from(field.area.width)),
        Role::Input,
    );
    Some(Position { x: field.cursor, y: field.area.y })
}

/// A thumb on the border where there is more than is seen.
fn more(pen: &mut Pen<'_>, sheet: &Sheet) {
    let (first, rows) = sheet.window.unwrap_or((sheet.scroll, sheet.lines.len()));
    let height = usize::from(sheet.body.height);
    if height == 0 || rows <= height || sheet.area.width == 0 {
        return;
    }
    let thumb = (height * height / rows).max(1);
    let at = first * (height - thumb) / (rows - height);
    let Rect { y, .. } = sheet.body;
    for y in (y..sheet.body.bottom()).skip(at).take(thumb) {
        pen.put(sheet.area.right() - 1, y, 1, "┃", Role::Accent);
    }
}
