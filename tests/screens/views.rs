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
    assert!(
        screen.contains("Viewing a file") && screen.contains("colour the text by its syntax"),
        "{screen}"
    );
    let mut ui = two_panes(80, 24);
    ui.press("T F1");
    assert!(ui.screen().contains("Transfers and log"), "{}", ui.screen());
}
