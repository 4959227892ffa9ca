//! Views that no other file has a reason to draw: the rest of what there is to be seen.

use super::*;

#[test]
fn what_is_typed_into_a_line() {
    let asked: [(&str, &str, &str); 7] = [
        ("new_folder", "F7", "reports"),
        ("new_folder_wrong", "F7", "a/b"),
        ("new_file", "N", "notes.txt"),
        ("hard_link", "Down Down Alt-h", ""),
        ("unselect_by_pattern", "-", "*.md"),
        ("limit_all", "T S", "2 MiB"),
        ("run_here", "!", "ls | wc -l"),
    ];
    for (name, keys, text) in asked {
        snapshot(name, |w, h| {
            let mut ui = two_panes(w, h);
            ui.press(keys);
            ui.type_text(text);
            if name.ends_with("wrong") {
                ui.press("Enter");
            }
            ui
        });
    }
}

#[test]
fn help_where_one_is() {
    for (name, keys) in [("help_in_transfers", "T"), ("help_in_log", "L"), ("help_in_viewer", "F3")] {
        snapshot(name, |w, h| {
            let mut ui = match name {
                "help_in_viewer" => crate::viewer::viewing(w, h, b"text\n"),
                _ => {
                    let mut ui = two_panes(w, h);
                    ui.press(keys);
                    ui
                }
            };
            ui.press("F1");
            ui
        });
    }
}

#[test]
fn files_that_are_looked_at_in_colour_and_as_pictures() {
    snapshot("view_coloured", |w, h| {
        let mut ui = crate::viewer::viewing(w, h, &crate::viewer::settings());
        crate::viewer::colour(&mut ui);
        ui
    });
    snapshot("view_picture", |w, h| {
        let mut ui = crate::viewer::viewing(w, h, b"\x89PNG\r\n\x1a\n and what follows");
        crate::viewer::paint(&mut ui);
        ui
    });
    snapshot("view_picture_refused", |w, h| {
        let mut ui = crate::viewer::viewing(w, h, b"\x89PNG\r\n\x1a\n and what follows");
        let wanted = ui.pictures.remove(0);
        let why = "Pictures of more than 64 million pixels, or 256 MiB unpacked, are not shown.".to_owned();
        let back =
            wharf::ui::state::picture::Pictured { ticket: wanted.ticket, fit: wanted.fit, result: Err(why) };
        ui.msg(Msg::Picture(Box::new(back)));
        ui
    });
}

#[test]
fn work_that_takes_a_while() {
    snapshot("fetching_to_edit", |w, h| {
        let mut ui = two_panes(w, h);
        ui.press("Tab Down Down F4");
        ui.at(5);
        ui
    });
    snapshot("opening_a_shell", |w, h| {
        let mut ui = two_panes(w, h);
        ui.press("Tab $");
        ui.at(5);
        ui
    });
}

/// The help begins with the keys of where one is.
#[test]
fn help_says_first_what_is_at_hand() {
    let mut ui = crate::viewer::viewing(80, 24, b"text\n");
    ui.press("F1");
    let screen = ui.screen();
    assert!(screen.contains("Here, in the viewer") && screen.contains("as bytes, or as text"), "{screen}");
    let mut ui = two_panes(80, 24);
    ui.press("T F1");
    assert!(ui.screen().contains("Here, in the list of transfers"), "{}", ui.screen());
}

/// Wherever one is, the help is a key away, and Esc leads back to just that.
#[test]
fn help_is_there_in_every_dialog() {
    let with = |keys: &str| {
        let mut ui = two_panes(80, 24);
        ui.state.places.can_keep = true;
        ui.press(keys);
        ui
    };
    for (mut ui, title) in [
        (with("/"), "in the filter"),
        (with("F7"), "in this line"),
        (with("s"), "in this dialog"),
        (with("Down P"), "in this dialog"),
        (with("Down F8"), "in this dialog"),
        (with("Ctrl-B"), "in the list of places"),
        (with("Ctrl-B F7"), "in this form"),
        (with(":"), "in the list of commands"),
        (with("Ctrl-F"), "in the search"),
        (with("Ctrl-G"), "in the path"),
        (with("Ctrl-A r"), "in the pattern"),
        (crate::review::asked(80, 24), "in the review"),
        (crate::jobs::failed_details(80, 24), "in the details"),
    ] {
        let before = ui.screen();
        ui.press("F1");
        assert!(ui.screen().contains(&format!("Here, {title}")), "{title}\n{}", ui.screen());
        ui.press("Esc");
        assert_eq!(ui.screen(), before);
    }
}

/// What the letters on its buttons do is told of a dialog, and of no other.
#[test]
fn help_of_a_dialog_is_about_that_dialog() {
    let help = |keys: &str| {
        let mut ui = two_panes(80, 24);
        ui.press(keys);
        ui.press("F1");
        ui.screen()
    };
    let delete = help("Down F8");
    assert!(
        delete.contains("y                  delete") && delete.contains("n                  keep it"),
        "{delete}"
    );
    assert!(!delete.contains("write the mode"), "{delete}");
    assert!(help("s").contains("e                  extension"), "{}", help("s"));
    assert!(help("Down P").contains("0-7 write the mode"), "{}", help("Down P"));
}

/// What the connect screen takes for a letter elsewhere is a command.
#[test]
fn commands_are_found_from_the_connect_screen_as_the_tour_says() {
    let mut ui = two_panes(80, 24);
    ui.press("Ctrl-B Shift-F1");
    assert!(
        ui.screen().contains("Ctrl-P finds every") || ui.screen().contains("^P finds every"),
        "{}",
        ui.screen()
    );
    ui.press("Esc Ctrl-P");
    ui.press("q u i t");
    assert!(ui.screen().contains("leave; asks while something runs"), "{}", ui.screen());
}

/// Enter and a double click show what a row holds, be it a folder or a file.
#[test]
fn a_file_is_opened_by_looking_at_it() {
    let mut ui = two_panes(80, 24);
    while ui.cursor_name(Side::Left) != "index.html" {
        ui.press("Down");
    }
    ui.press("Enter");
    assert!(ui.state.viewer.is_some(), "{}", ui.screen());
    ui.press("Esc");
    let (column, row) =
        ui.find(|hit| matches!(hit, Hit::Row(Side::Left, at) if at == ui.state.left.view.cursor));
    ui.click((column + 2, row));
    ui.click((column + 2, row));
    assert!(ui.state.viewer.is_some(), "{}", ui.screen());
}

/// What a row's menu offers is what can be done with it.
#[test]
fn the_menu_of_a_folder_opens_it_and_that_of_a_file_shows_it() {
    let offered = |is_folder| Action::for_items(is_folder).collect::<Vec<_>>();
    assert_eq!(offered(true).first(), Some(&Action::Open));
    assert!(!offered(true).contains(&Action::View));
    assert_eq!(offered(false).first(), Some(&Action::View));
    assert!(!offered(false).contains(&Action::Open));
}

fn hinted(ui: &Ui) -> Vec<String> {
    let areas = layout::layout(ui.state.size, &ui.state);
    let hints = layout::hints::hints(areas.hints, &ui.state);
    hints.iter().map(|hint| format!("{} {}", hint.key, hint.name)).collect()
}

/// What is hinted is what the keys do at this moment.
#[test]
fn hints_fit_the_moment() {
    let with = |w: u16, h: u16, keys: &str| {
        let mut ui = two_panes(w, h);
        ui.press(keys);
        hinted(&ui)
    };
    assert_eq!(with(40, 10, "")[..2], ["F1 Help", "Tab Other pane"], "one pane is seen");
    assert!(with(80, 24, "").contains(&": Commands".to_owned()));
    assert_eq!(with(80, 24, "Down y")[..2], ["F1 Help", "p Drop here"]);
    assert_eq!(with(80, 24, "Down F8")[0], "Enter Keep it");
    assert_eq!(with(80, 24, "Down F8 Tab")[0], "Enter Delete");
    assert_eq!(with(80, 24, "Ctrl-F")[0], "Enter Find");
    assert!(with(80, 24, "Ctrl-F").iter().all(|hint| !hint.starts_with("F5")), "nothing is found yet");
    assert!(with(80, 24, "Down P").contains(&"Space Tick".to_owned()));
    let mut ui = crate::viewer::viewing(140, 24, b"text\n");
    assert!(hinted(&ui).contains(&"w Wrap".to_owned()) && !hinted(&ui).contains(&"n Next".to_owned()));
    ui.press("x");
    assert!(hinted(&ui).contains(&"x Text".to_owned()) && !hinted(&ui).contains(&"w Wrap".to_owned()));
}

/// Where one pane is seen, the other one's trouble is told by the one that is.
#[test]
fn a_small_screen_tells_of_the_pane_that_is_not_seen() {
    let mut ui = two_panes(40, 10);
    ui.state.right.phase = Phase::Failed(
        Error::new(ErrorKind::ConnectionFailed, Operation::Connect).on("nas").with_detail("refused"),
    );
    assert!(ui.screen().contains("✗ Tab shows it · nas: refused"), "{}", ui.screen());
    ui.press("t");
    assert!(ui.screen().contains("2/2 left⇄"), "{}", ui.screen());
}
