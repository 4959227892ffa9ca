//! What the mouse pulls along and where it lands; the menu of a row; the path; the divider.

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use wharf::{
    engine::Command,
    fs::{Location, RemotePath},
    transfer::{OnConflict, Request},
    ui::{
        action::Action,
        layout::{self, Hit},
        state::{Grip, Overlay, Side, Work},
        update::Msg,
        view,
    },
};

use crate::{Ui, local, remote, snapshot, two_panes};

type At = (u16, u16);

fn mouse(ui: &mut Ui, kind: MouseEventKind, (column, row): At, modifiers: KeyModifiers) {
    ui.msg(Msg::Mouse(MouseEvent { kind, column, row, modifiers }));
}

fn press(ui: &mut Ui, at: At) {
    mouse(ui, MouseEventKind::Down(MouseButton::Left), at, KeyModifiers::NONE);
}

fn pull(ui: &mut Ui, at: At) {
    mouse(ui, MouseEventKind::Drag(MouseButton::Left), at, KeyModifiers::NONE);
}

fn release_with(ui: &mut Ui, at: At, modifiers: KeyModifiers) {
    mouse(ui, MouseEventKind::Up(MouseButton::Left), at, modifiers);
}

fn release(ui: &mut Ui, at: At) {
    release_with(ui, at, KeyModifiers::NONE);
}

/// Where a name stands in a pane.
fn row(ui: &Ui, side: Side, name: &str) -> At {
    let view = &ui.state.pane(side).view;
    let at = view.listing.position(name.as_bytes()).expect("it is listed") + usize::from(view.has_above());
    let (x, y) = ui.find(|hit| hit == Hit::Row(side, at));
    (x + 4, y)
}

/// Below the last row of a pane.
fn below(ui: &Ui, side: Side) -> At {
    let rows = ui.state.pane(side).view.rows();
    ui.find(|hit| matches!(hit, Hit::Row(s, row) if s == side && row >= rows))
}

fn copied(ui: &Ui) -> Option<&Request> {
    match ui.sent.last() {
        Some(Command::Copy { request, .. }) => Some(request),
        _ => None,
    }
}

fn here(name: &str) -> Location {
    local().0.join(name.as_bytes())
}

#[test]
fn what_is_pulled_is_seen() {
    snapshot("drag", |w, h| {
        let mut ui = two_panes(w, h);
        // At the smallest size there is one pane, and its own folders.
        let target = if w < 64 { row(&ui, Side::Left, "assets") } else { below(&ui, Side::Right) };
        let from = row(&ui, Side::Left, "dump.sql");
        press(&mut ui, from);
        pull(&mut ui, target);
        ui
    });
    snapshot("drag_move_into_folder", |w, h| {
        let mut ui = two_panes(w, h);
        ui.press("^a");
        let from = row(&ui, Side::Left, "dump.sql");
        press(&mut ui, from);
        let side = if w < 64 { Side::Left } else { Side::Right };
        let target = row(&ui, side, "assets");
        mouse(&mut ui, MouseEventKind::Drag(MouseButton::Left), target, KeyModifiers::ALT);
        ui
    });
}

#[test]
fn letting_go_over_the_other_pane_copies_as_f5_does() {
    let mut ui = two_panes(80, 24);
    let from = row(&ui, Side::Left, "index.html");
    let to = below(&ui, Side::Right);
    press(&mut ui, from);
    pull(&mut ui, (from.0 + 9, from.1));
    pull(&mut ui, to);
    assert!(matches!(&ui.state.grip, Some(Grip::Pulled(pulled)) if pulled.work == Work::Copy));
    release(&mut ui, to);
    let by_mouse = copied(&ui).expect("a copy").clone();
    assert_eq!(by_mouse.sources, [here("index.html")]);
    assert_eq!(by_mouse.target, remote().0);
    assert_eq!(by_mouse.policy.on_conflict, OnConflict::Ask);
    assert!(!by_mouse.remove_source);
    assert!(ui.state.grip.is_none());
    ui.press("F5");
    assert_eq!(format!("{:?}", copied(&ui)), format!("{:?}", Some(&by_mouse)));
}

#[test]
fn a_folder_row_takes_what_is_let_go_there() {
    let mut ui = two_panes(80, 24);
    let (from, to) = (row(&ui, Side::Left, "notes.md"), row(&ui, Side::Right, "assets"));
    press(&mut ui, from);
    pull(&mut ui, to);
    release(&mut ui, to);
    assert_eq!(copied(&ui).expect("a copy").target, remote().0.join(b"assets"));
    // In the same pane as well, and to the folder above.
    let to = row(&ui, Side::Left, "assets");
    press(&mut ui, from);
    pull(&mut ui, to);
    release_with(&mut ui, to, KeyModifiers::SHIFT);
    let request = copied(&ui).expect("a move");
    assert_eq!(request.target, here("assets"));
    assert!(request.remove_source);
    let to = ui.find(|hit| hit == Hit::Row(Side::Left, 0));
    press(&mut ui, from);
    pull(&mut ui, to);
    release_with(&mut ui, to, KeyModifiers::ALT);
    let request = copied(&ui).expect("a move");
    assert_eq!(request.target, local().0.parent().unwrap());
    assert!(request.remove_source);
}

#[test]
fn a_selected_row_brings_the_selection_and_another_one_only_itself() {
    let mut ui = two_panes(80, 24);
    ui.press("Down Space Space Space");
    let to = below(&ui, Side::Right);
    for (name, count) in [("assets", 3), ("notes.md", 1)] {
        let from = row(&ui, Side::Left, name);
        press(&mut ui, from);
        pull(&mut ui, to);
        release(&mut ui, to);
        assert_eq!(copied(&ui).expect("a copy").sources.len(), count, "{name}");
        assert_eq!(ui.state.left.view.listing.selected().count, 3);
    }
}

#[test]
fn a_click_that_shakes_is_a_click() {
    let mut ui = two_panes(80, 24);
    let from = row(&ui, Side::Left, "assets");
    press(&mut ui, from);
    pull(&mut ui, (from.0 + 1, from.1));
    pull(&mut ui, (from.0 - 2, from.1));
    assert!(matches!(ui.state.grip, Some(Grip::Pressed { .. })));
    release(&mut ui, from);
    press(&mut ui, from);
    assert!(matches!(ui.last(), Command::List { .. }), "a double click opens");
    assert!(ui.state.grip.is_none());
}

#[test]
fn nothing_comes_of_a_pull_that_is_given_up() {
    let mut ui = two_panes(80, 24);
    let from = row(&ui, Side::Left, "assets");
    let to = below(&ui, Side::Right);
    let sent = ui.sent.len();
    // Esc, after which the pointer moves on.
    press(&mut ui, from);
    pull(&mut ui, to);
    ui.press("Esc");
    assert!(ui.says("Nothing was copied"));
    pull(&mut ui, (to.0 + 1, to.1));
    release(&mut ui, to);
    // Nowhere: in its own folder, on itself, on the title line.
    for nowhere in [below(&ui, Side::Left), from, (30, 0)] {
        press(&mut ui, from);
        pull(&mut ui, to);
        pull(&mut ui, nowhere);
        release(&mut ui, nowhere);
        assert!(ui.state.grip.is_none());
    }
    // The pane went elsewhere meanwhile.
    press(&mut ui, from);
    ui.press("Backspace");
    pull(&mut ui, to);
    release(&mut ui, to);
    let copies = ui.sent.iter().skip(sent).filter(|command| matches!(command, Command::Copy { .. }));
    assert_eq!(copies.count(), 0);
}

#[test]
fn the_place_that_would_take_it_lights_up() {
    let mut ui = two_panes(80, 24);
    let (from, to) = (row(&ui, Side::Left, "notes.md"), row(&ui, Side::Right, "assets"));
    let cell = |ui: &Ui, (x, y): At| {
        let backend = ratatui::backend::TestBackend::new(80, 24);
        let mut terminal = ratatui::Terminal::new(backend).unwrap();
        terminal.draw(|frame| view::draw(frame, &ui.state)).unwrap();
        terminal.backend().buffer().cell((x, y)).unwrap().clone()
    };
    let areas = layout::layout(ui.state.size, &ui.state);
    let corner = (areas.right.unwrap().outer.right() - 1, areas.right.unwrap().outer.y);
    let (dark_row, dark_corner) = (cell(&ui, to), cell(&ui, corner));
    press(&mut ui, from);
    pull(&mut ui, to);
    assert_ne!(cell(&ui, to).bg, dark_row.bg);
    assert_eq!(cell(&ui, corner).fg, dark_corner.fg);
    let to = below(&ui, Side::Right);
    pull(&mut ui, to);
    assert_ne!(cell(&ui, corner).fg, dark_corner.fg);
}

#[test]
fn ctrl_click_selects() {
    let mut ui = two_panes(80, 24);
    for (name, count) in [("notes.md", 1), ("dump.sql", 2), ("notes.md", 1)] {
        let at = row(&ui, Side::Left, name);
        mouse(&mut ui, MouseEventKind::Down(MouseButton::Left), at, KeyModifiers::CONTROL);
        release_with(&mut ui, at, KeyModifiers::CONTROL);
        assert_eq!(ui.state.left.view.listing.selected().count, count);
        assert_eq!(ui.cursor_name(Side::Left), name);
    }
    assert!(ui.state.grip.is_none());
}

/// On a low screen, what does not fit is a few presses away.
#[test]
fn a_menu_without_room_shows_all_in_turn() {
    let mut ui = two_panes(40, 10);
    let at = row(&ui, Side::Left, "dump.sql");
    menu(&mut ui, at);
    let Some(Overlay::Menu(open)) = ui.state.overlay() else { panic!("no menu") };
    let count = open.actions.len();
    let names: Vec<&str> = open.actions.iter().filter_map(|action| Some(action.info()?.name)).collect();
    assert_eq!(names.len(), count);
    for name in &names {
        let screen = ui.screen();
        assert!(screen.lines().any(|line| line.contains('▸') && line.contains(name)), "{name}: {screen}");
        ui.press("Down");
    }
    // Round to the first, and back to the last.
    ui.press("Up");
    assert!(ui.screen().contains(names[count - 1]), "{}", ui.screen());
    let last = ui.find(|hit| matches!(hit, Hit::Button(at) if at > 5));
    press(&mut ui, last);
    assert!(!matches!(ui.state.overlay(), Some(Overlay::Menu(_))), "what is clicked is done");
}

fn menu(ui: &mut Ui, at: At) {
    mouse(ui, MouseEventKind::Down(MouseButton::Right), at, KeyModifiers::NONE);
}

#[test]
fn a_right_click_asks_what_to_do() {
    snapshot("menu", |w, h| {
        let mut ui = two_panes(w, h);
        let at = row(&ui, Side::Left, "dump.sql");
        menu(&mut ui, at);
        ui.press("Down");
        ui
    });
    snapshot("menu_of_folder", |w, h| {
        let mut ui = two_panes(w, h);
        let at = ui.find(|hit| hit == Hit::Row(Side::Left, 0));
        menu(&mut ui, (at.0 + 60, at.1 + 12));
        if ui.state.overlay().is_none() {
            menu(&mut ui, at);
        }
        ui
    });
    let mut ui = two_panes(80, 24);
    ui.press("Down Space Space");
    let at = row(&ui, Side::Left, "notes.md");
    // What is not selected is meant alone.
    menu(&mut ui, at);
    assert_eq!(ui.state.left.view.listing.selected().count, 0);
    let Some(Overlay::Menu(open)) = ui.state.overlay() else { panic!("no menu") };
    assert!(open.actions.contains(&Action::Delete));
    let copy = open.actions.iter().position(|action| *action == Action::Copy).unwrap();
    let button = ui.find(|hit| hit == Hit::Button(copy));
    press(&mut ui, button);
    assert_eq!(copied(&ui).expect("a copy").sources, [here("notes.md")]);
    assert!(ui.state.overlay().is_none());
    // The keys are those of the panes; elsewhere a click closes it.
    menu(&mut ui, at);
    ui.press("F8");
    assert!(matches!(ui.state.overlay(), Some(Overlay::Confirm { .. })));
    ui.press("Esc");
    menu(&mut ui, at);
    press(&mut ui, (1, 1));
    assert!(ui.state.overlay().is_none());
}

#[test]
fn the_parts_of_the_path_are_buttons() {
    let mut ui = two_panes(100, 30);
    let at = ui.find(|hit| hit == Hit::Path(Side::Right, 1));
    press(&mut ui, at);
    assert_eq!(ui.listed(), Location::new(remote().0.fs, RemotePath::new("/var")));
    assert_eq!(ui.state.active, Side::Right);
    ui.fill(Side::Right, vec![crate::entry("lib/", 1, 1), crate::entry("www/", 1, 1)]);
    assert_eq!(ui.cursor_name(Side::Right), "www");
    let root = ui.find(|hit| hit == Hit::Path(Side::Right, 0));
    press(&mut ui, root);
    assert_eq!(ui.listed().path, RemotePath::root());
    // `~` is the home, and what is shown already is no way.
    let home = ui.find(|hit| hit == Hit::Path(Side::Left, 2));
    press(&mut ui, home);
    assert_eq!(ui.listed().path, RemotePath::new("/home/ann"));
    ui.fill(Side::Left, vec![]);
    let sent = ui.sent.len();
    press(&mut ui, home);
    assert_eq!(ui.sent.len(), sent);
}

#[test]
fn a_path_that_is_cut_has_buttons_for_what_is_seen() {
    let mut ui = Ui::new(64, 20);
    let (here, info) = remote();
    let deep = RemotePath::new("/srv/日本語/a-folder-with-a-long-name/another-one/last");
    ui.show(Side::Left, ".", local(), vec![]);
    ui.show(Side::Right, "web-01:/", (Location::new(here.fs, deep), info), vec![]);
    let areas = layout::layout(ui.state.size, &ui.state);
    let screen: Vec<String> = ui.screen().lines().map(|line| line.trim_matches('"').to_owned()).collect();
    let line: Vec<char> = screen[usize::from(areas.right.unwrap().outer.y)].chars().collect();
    let text = |depth: usize| -> String {
        (0..64u16)
            .filter(|x| {
                layout::hit(&areas, &ui.state, *x, areas.right.unwrap().outer.y)
                    == Hit::Path(Side::Right, depth)
            })
            .map(|x| line[usize::from(x)])
            .collect()
    };
    assert_eq!(text(5), "/last");
    assert!("/another-one".ends_with(&text(4)), "{}", text(4));
    assert_eq!(text(0), "");
}

#[test]
fn the_divider_is_pulled_within_bounds() {
    let mut ui = two_panes(100, 30);
    let width = |ui: &Ui| layout::layout(ui.state.size, &ui.state).left.unwrap().outer.width;
    assert_eq!(width(&ui), 50);
    let at = ui.find(|hit| matches!(hit, Hit::Divider(_)));
    press(&mut ui, at);
    pull(&mut ui, (29, 9));
    assert_eq!(width(&ui), 30);
    for (column, wide) in [(0, 20), (99, 80), (62, 63)] {
        pull(&mut ui, (column, 5));
        assert_eq!(width(&ui), wide);
    }
    release(&mut ui, (62, 5));
    pull(&mut ui, (40, 5));
    assert_eq!(width(&ui), 63, "it stays where it was let go");
    // Another size keeps the ratio.
    ui.msg(Msg::Resize(200, 30));
    assert_eq!(width(&ui), 126);
}

/// As a click with Ctrl selects one.
#[test]
fn pulling_with_ctrl_selects_what_is_crossed() {
    let mut ui = two_panes(80, 24);
    let with_ctrl = |ui: &mut Ui, kind, at| mouse(ui, kind, at, KeyModifiers::CONTROL);
    let (first, last) = (row(&ui, Side::Left, "dump.sql"), row(&ui, Side::Left, "notes.md"));
    with_ctrl(&mut ui, MouseEventKind::Down(MouseButton::Left), first);
    with_ctrl(&mut ui, MouseEventKind::Drag(MouseButton::Left), last);
    with_ctrl(&mut ui, MouseEventKind::Up(MouseButton::Left), last);
    let selected = |ui: &Ui| ui.state.left.view.listing.selected().count;
    assert_eq!(selected(&ui), u64::from(last.1 - first.1) + 1, "{}", ui.screen());
    assert_eq!(ui.cursor_name(Side::Left), "notes.md");
    assert!(ui.state.grip.is_none() && copied(&ui).is_none());
    // From a selected one on it unselects; over the other pane nothing happens.
    with_ctrl(&mut ui, MouseEventKind::Down(MouseButton::Left), last);
    let other = row(&ui, Side::Right, "assets");
    with_ctrl(&mut ui, MouseEventKind::Drag(MouseButton::Left), other);
    with_ctrl(&mut ui, MouseEventKind::Drag(MouseButton::Left), first);
    with_ctrl(&mut ui, MouseEventKind::Up(MouseButton::Left), first);
    assert_eq!(selected(&ui), 0, "{}", ui.screen());
}

#[test]
fn letting_go_among_the_rows_it_came_from_says_what_would_have_done_something() {
    let mut ui = two_panes(80, 24);
    let (from, to) = (row(&ui, Side::Left, "dump.sql"), row(&ui, Side::Left, "notes.md"));
    press(&mut ui, from);
    pull(&mut ui, to);
    assert!(ui.screen().contains("copy dump.sql → the other pane, or a folder"), "{}", ui.screen());
    release(&mut ui, to);
    assert!(ui.says("with Ctrl, pulling selects") && copied(&ui).is_none());
}
