//! The form of a bookmark: opened with what is known, typed into, saved, tested. Must save
//! nothing itself: the bookmark goes out as an effect.

use tui_input::InputRequest;

use super::{start_trial, stop_trial, typed};
use crate::{
    config::{Bookmark, Change, check_name},
    fs::{Part, Place, PlacePath, SFTP, Target},
    ui::{
        action::Action,
        keymap::{self, Key},
        layout,
        state::{Form, Overlay, Side, Slot, State, form::Press},
        update::{
            effect::{Effect, Effects},
            places,
        },
    },
    words,
};

pub(super) fn open_form(state: &mut State, old: Option<String>, bookmark: &Bookmark, place: &Place) {
    if !state.places.can_keep {
        state.hint("Bookmarks are not kept here.");
        return;
    }
    state.notice = None;
    let form = Form::new(old, bookmark, place).with_folders(state.places.folders());
    state.overlays.push(Overlay::Form(Box::new(form)));
}

/// A name to begin with; empty where nothing fits.
pub(super) fn suggestion(text: &str) -> String {
    if check_name(text).is_ok() { text.to_owned() } else { String::new() }
}

/// The form with what a pane shows.
pub(in crate::ui::update) fn bookmark_this(state: &mut State) {
    let side = state.active;
    let Some(location) = state.pane(side).view.location.clone() else {
        state.hint("This pane shows no place yet.");
        return;
    };
    let place = places::place_of(state, &location);
    let name = match &place {
        Place::Remote(target, _) => suggestion(&target.host),
        Place::Local(_) => suggestion(&String::from_utf8_lossy(location.path.name().unwrap_or_default())),
    };
    let other = state.pane(side.other()).usable().filter(|_| !location.fs.is_local());
    let local = other
        .filter(|other| other.fs.is_local() && std::str::from_utf8(other.path.as_bytes()).is_ok())
        .map(|other| layout::short_path(other, &state.home));
    let bookmark = Bookmark { name, local, ..Bookmark::default() };
    open_form(state, None, &bookmark, &place);
}

/// The form with what is typed, or an empty one.
pub(super) fn add(state: &mut State, side: Side) {
    let typed_text = state.pane(side).chooser.as_ref().map_or("", |chooser| chooser.typed()).to_owned();
    let place = if typed_text.is_empty() { None } else { typed(state, &typed_text).ok() };
    let empty = || Target { scheme: &SFTP, host: String::new(), user: None, port: None, password: None };
    let place = place.map_or_else(|| Place::Remote(empty(), PlacePath::Login), |(_, named)| named.place);
    let name = match &place {
        Place::Remote(target, _) => suggestion(&target.host),
        Place::Local(_) => String::new(),
    };
    open_form(state, None, &Bookmark { name, ..Bookmark::default() }, &place);
}

fn form(state: &mut State) -> Option<&mut Form> {
    match state.overlays.last_mut()? {
        Overlay::Form(form) => Some(form),
        _ => None,
    }
}

/// A key that is no action: it is typed, or changes what is chosen.
pub(in crate::ui::update) fn form_key(state: &mut State, key: Key) {
    use InputRequest::{GoToEnd, GoToNextChar, GoToPrevChar, InsertChar};
    let Some(form) = form(state).filter(|form| !form.saving) else { return };
    let Some(request) = keymap::edit(key) else { return };
    match (form.slot(), form.press(), request) {
        (Some(Slot::Protocol), _, GoToNextChar | InsertChar(' ')) => form.change_protocol(true),
        (Some(Slot::Protocol), _, GoToPrevChar) => form.change_protocol(false),
        (Some(Slot::Folder), _, GoToNextChar | GoToEnd) if form.complete() => {}
        (_, Some(_), GoToNextChar) => form.step(true),
        (_, Some(_), GoToPrevChar) => form.step(false),
        (_, _, request) => {
            if let Some(field) = form.field_mut() {
                field.input.handle(request);
            }
        }
    }
}

/// A click on a field.
pub(in crate::ui::update) fn focus_field(state: &mut State, at: usize) {
    if let Some(form) = form(state) {
        if form.focus == at && form.slot() == Some(Slot::Protocol) {
            form.change_protocol(true);
        }
        form.focus = at;
    }
}

pub(in crate::ui::update) fn form_action(state: &mut State, action: Action, fx: &mut Effects) {
    let testing = state.trial.is_some();
    let Some(form) = form(state) else { return };
    match action {
        Action::NextChoice | Action::Down => form.step(true),
        Action::PreviousChoice | Action::Up => form.step(false),
        Action::Cancel if testing => stop_trial(state, fx),
        Action::Cancel => {
            state.overlays.pop();
        }
        Action::TestPlace => test_form(state, fx),
        Action::Accept => match form.press() {
            Some(Press::Leave) => {
                stop_trial(state, fx);
                state.overlays.pop();
            }
            Some(Press::Test) => test_form(state, fx),
            Some(Press::Save) | None => save_form(state, fx),
        },
        _ => {}
    }
}

fn refuse(form: &mut Form, (slot, why): (Slot, String)) {
    form.focus_on(slot);
    form.error = Some(format!("{}.", words::capital(&why)));
}

fn save_form(state: &mut State, fx: &mut Effects) {
    let Some(form) = form(state).filter(|form| !form.saving) else { return };
    match form.bookmark() {
        Ok(bookmark) => {
            form.saving = true;
            form.error = None;
            let change = Change::Save {
                old: form.old.clone(),
                bookmark: Box::new(bookmark),
                password: form.password(),
            };
            stop_trial(state, fx);
            fx.push(Effect::Keep(change));
        }
        Err(why) => refuse(form, why),
    }
}

fn test_form(state: &mut State, fx: &mut Effects) {
    let Some(form) = form(state) else { return };
    form.error = None;
    form.tested = None;
    match form.place() {
        Ok(mut place) => {
            if let Place::Remote(target, _) = &mut place {
                target.password = form.password();
            }
            let name = match form.text(Slot::Name) {
                "" => form.text(Slot::Part(Part::Host)).to_owned(),
                name => name.to_owned(),
            };
            start_trial(state, &name, place, fx);
        }
        Err(why) => refuse(form, why),
    }
}
