//! Lays out the form of a bookmark: labels, fields and buttons, scrolled to the one that has the
//! focus. Pure.

use ratatui::layout::{Rect, Size};

use super::{Line, Piece, Row, Sheet, frame_width, place_buttons, place_field};
use crate::{
    fs::Part,
    ui::{
        state::{Form, Slot, State, form::Press},
        text,
        theme::Role,
    },
    words,
};

const LABEL: u16 = 11;

fn label(slot: Slot) -> &'static str {
    match slot {
        Slot::Name => "Name",
        Slot::Folder => "Folder",
        Slot::Protocol => "Protocol",
        Slot::Part(Part::Host) => "Host",
        Slot::Part(Part::User) => "User",
        Slot::Part(Part::Port) => "Port",
        Slot::Part(Part::Password) => "Password",
        Slot::Part(Part::Options) => "Options",
        Slot::Path => "Path",
        Slot::Local => "Local path",
        Slot::Note => "Note",
    }
}

/// Whether the protocol goes by what is said for `ssh`.
fn reads_ssh_config(form: &Form) -> bool {
    form.scheme().is_some_and(|scheme| scheme.name == "sftp")
}

/// What an empty field means.
fn meaning(form: &Form, slot: Slot) -> String {
    match slot {
        Slot::Name => "what to call it".to_owned(),
        Slot::Folder => "such as work/web".to_owned(),
        Slot::Part(Part::Host) if reads_ssh_config(form) => {
            "a name, an address or a host of ssh_config".to_owned()
        }
        Slot::Part(Part::Host) => "a name or an address".to_owned(),
        Slot::Part(Part::User) if reads_ssh_config(form) => "as ssh_config says".to_owned(),
        Slot::Part(Part::User) => "anonymous".to_owned(),
        Slot::Part(Part::Port) => form.scheme().map_or_else(String::new, |s| s.default_port.to_string()),
        Slot::Part(Part::Password) => {
            let kept = if cfg!(feature = "keyring") { "; goes to the keyring" } else { "" };
            let now = if form.old.is_some() { "as it is" } else { "asked for" };
            format!("{now}{kept}")
        }
        Slot::Part(Part::Options) => "such as active, ports=50000-50100".to_owned(),
        Slot::Path if form.scheme().is_some() => "the login directory".to_owned(),
        Slot::Path => "a path on this machine".to_owned(),
        Slot::Local => "a path on this machine for the other pane".to_owned(),
        Slot::Note | Slot::Protocol => String::new(),
    }
}

/// What is to be said below the fields.
fn said(state: &State, form: &Form) -> Option<(Role, String)> {
    if let Some(error) = &form.error {
        return Some((Role::Bad, format!("✗ {error}")));
    }
    if let Some(trial) = &state.trial {
        let stage = trial.stage.map_or("connecting", words::stage);
        let since = words::duration(state.clock.running.saturating_sub(trial.since));
        return Some((Role::Soft, format!("Testing: {stage}… {since}  (Esc stops)")));
    }
    if form.saving {
        return Some((Role::Soft, "Saving…".to_owned()));
    }
    if let Some(tested) = &form.tested {
        return Some((Role::Good, format!("✓ {tested}")));
    }
    form.completion().map(|folder| (Role::Soft, format!("→ {}", words::escape(folder))))
}

pub(super) fn place(state: &State, form: &Form) -> Sheet {
    let size =
        Size { height: state.size.height.saturating_sub(u16::from(state.size.height > 6)), ..state.size };
    let width = frame_width(size, 72);
    let inner = width.saturating_sub(6);
    let columns = usize::from(inner).max(1);
    let slots = form.slots();
    let of = |count: usize| u16::try_from(count).unwrap_or(u16::MAX);
    let gap = u16::from(size.height >= of(slots.len()) + 9);
    let mut lines: Vec<Line> = said(state, form)
        .into_iter()
        .flat_map(|(role, what)| {
            text::wrap(&what, columns).into_iter().map(move |part| vec![Piece(role, part)])
        })
        .collect();
    // One field stays in sight, whatever there is to say.
    lines.truncate(usize::from(size.height.saturating_sub(5)).clamp(1, 6));
    let said_rows = of(lines.len());
    let fixed = 2 + 2 * gap + 1 + gap + said_rows + if said_rows > 0 { gap } else { 0 };
    let shown = of(slots.len()).min(size.height.saturating_sub(fixed)).max(1);
    let height = (fixed + shown).min(size.height);
    let area = Rect {
        x: (size.width - width.min(size.width)) / 2,
        y: (size.height - height) / 2,
        width: width.min(size.width),
        height,
    };
    let x = area.x.saturating_add(3);
    let top = area.y.saturating_add(1 + gap);
    let clip = |rect: Rect| {
        let bottom = area.bottom().saturating_sub(1);
        let y = rect.y.min(bottom);
        Rect { y, height: rect.height.min(bottom.saturating_sub(y)), ..rect }.intersection(area)
    };
    let focus = form.focus.min(slots.len().saturating_sub(1));
    let first = (focus + 1).saturating_sub(usize::from(shown));
    let mut rows = Vec::new();
    let mut field = None;
    for (at, slot) in slots.iter().enumerate().skip(first).take(usize::from(shown)) {
        let y = top.saturating_add(of(at - first));
        let value = Rect { x: x.saturating_add(LABEL), y, width: inner.saturating_sub(LABEL), height: 1 };
        let has_focus = at == form.focus;
        let empty = form.field(*slot).is_none_or(|field| field.input.value().is_empty());
        let (role, shown) = match (slot, form.scheme()) {
            (Slot::Protocol, Some(scheme)) => (Role::Text, format!("‹ {} ›  {}", scheme.name, scheme.help)),
            (Slot::Protocol, None) => (Role::Text, "‹ local ›  this machine".to_owned()),
            _ if empty => (Role::Faint, meaning(form, *slot)),
            _ => (Role::Text, String::new()),
        };
        let shown = text::cut(&shown, usize::from(value.width));
        let typed =
            form.field(*slot).filter(|_| *slot != Slot::Protocol).map(|of| place_field(clip(value), of));
        let shown = match &typed {
            Some(typed) if !empty => typed.shown.clone(),
            _ => shown,
        };
        if has_focus {
            field = typed.map(|typed| typed.cursor);
        }
        let area = clip(Rect { x, y, width: inner, height: 1 });
        rows.push(Row { slot: at, label: label(*slot), area, value: clip(value), shown, role, has_focus });
    }
    let body_y = top.saturating_add(shown + gap);
    let body = clip(Rect { x, y: body_y, width: inner, height: said_rows });
    let button_y = body_y.saturating_add(said_rows + if said_rows > 0 { gap } else { 0 });
    let button_area = clip(Rect { x, y: button_y, width: inner, height: 1 });
    let buttons =
        [("Save", 's'), ("Test", 't'), ("Cancel", 'c')].map(|(name, c)| (name.to_owned(), c, false));
    let labels: Vec<String> = buttons.iter().map(|(label, ..)| format!(" {label} ")).collect();
    let chosen = match form.press() {
        Some(Press::Save) | None => 0,
        Some(Press::Test) => 1,
        Some(Press::Leave) => 2,
    };
    let title = match &form.old {
        Some(name) => format!("Bookmark {}", words::escape(name)),
        None => "New bookmark".to_owned(),
    };
    Sheet {
        title,
        danger: false,
        area,
        body,
        scroll: 0,
        lines,
        field: None,
        error: Vec::new(),
        error_area: Rect::default(),
        buttons: place_buttons(button_area, Some(2), &buttons, &labels, chosen),
        stacked: false,
        more: (first, slots.len()),
        typing_at: field,
        chosen: None,
        window: None,
        notes: Vec::new(),
        rows,
    }
}
