//! The command palette and the keys: what is found, what runs, and what the screen says of it.

use super::*;
use wharf::{
    config::{Look, Text},
    ui::{
        keymap::{Keymap, Mode, file},
        settings::Settings,
        update::settings_at_start,
    },
};

#[test]
fn the_palette() {
    snapshot("palette", |w, h| {
        let mut ui = two_panes(w, h);
        ui.press("Down :");
        ui
    });
    snapshot("palette_found", |w, h| {
        let mut ui = two_panes(w, h);
        ui.press("Down ^P");
        ui.type_text("show");
        ui.press("Down");
        ui
    });
    snapshot("palette_nothing_found", |w, h| {
        let mut ui = two_panes(w, h);
        ui.press(":");
        ui.type_text("qqqq");
        ui
    });
}

#[test]
fn the_palette_runs_what_it_finds() {
    let mut ui = two_panes(80, 24);
    ui.press("Down :");
    assert_eq!(ui.state.mode(), Mode::Palette);
    ui.type_text("new file");
    ui.press("Enter");
    assert!(matches!(ui.state.overlay(), Some(Overlay::Text { .. })), "{:?}", ui.state.overlay());
    ui.press("Esc :");
    ui.type_text("qqqq");
    // Nothing to run: it stays open, and Esc leaves without doing anything.
    ui.press("Enter");
    assert_eq!(ui.state.mode(), Mode::Palette);
    ui.press("Esc");
    assert_eq!(ui.state.mode(), Mode::Panes);
    ui.press(":");
    ui.msg(Msg::Paste("swap\n".into()));
    ui.press("Enter");
    assert_eq!(ui.state.left.view.info.label, "web-01");
}

#[test]
fn the_palette_takes_the_mouse() {
    let mut ui = two_panes(80, 24);
    ui.press(":");
    ui.type_text("hidden");
    let shown = ui.state.left.view.listing.shows_hidden();
    let at = ui.find(|hit| hit == Hit::Chosen(0));
    ui.click(at);
    assert_eq!(ui.state.mode(), Mode::Panes);
    assert_ne!(ui.state.left.view.listing.shows_hidden(), shown);
}

#[test]
fn the_palette_marks_what_applies_now() {
    let mut ui = two_panes(80, 24);
    ui.press("Down Down Down :");
    let applies = |ui: &Ui, action| ui.state.applies(action);
    assert!(applies(&ui, Action::Copy) && applies(&ui, Action::Rename) && applies(&ui, Action::Quit));
    assert!(
        !applies(&ui, Action::Explain) && !applies(&ui, Action::Back) && !applies(&ui, Action::TestPlace)
    );
    ui.press("Esc Home :");
    assert!(!applies(&ui, Action::Copy), "there is nothing to copy on `..`");
    // What does not apply says why when it is run all the same.
    ui.type_text("rename");
    ui.press("Enter");
    assert!(ui.says("Put the cursor on what to rename"));
}

fn with_keys(width: u16, height: u16, text: &str) -> Ui {
    let mut ui = two_panes(width, height);
    let keys = Some(Text { file: "~/.config/wharf/keys.toml".into(), text: text.into() });
    let settings = Settings::of(&Look { keys, ..Look::default() });
    settings_at_start(&mut ui.state, settings);
    ui
}

#[test]
fn sequences_say_what_may_follow() {
    snapshot("sequence", |w, h| {
        let mut ui = with_keys(w, h, "preset = 'vim'");
        ui.press("j g");
        ui
    });
    let mut ui = with_keys(80, 24, "preset = 'vim'");
    ui.press("j j j");
    let here = ui.cursor_name(Side::Left);
    ui.press("g x");
    assert_eq!(ui.cursor_name(Side::Left), here, "what leads nowhere does nothing");
    ui.press("j k g Esc g g");
    assert_eq!(ui.cursor_name(Side::Left), "..");
    ui.press("G");
    assert_ne!(ui.cursor_name(Side::Left), "..");
    ui.press("d D");
    assert!(matches!(ui.state.overlay(), Some(Overlay::Confirm { .. })));
    // Nothing is left of a sequence that a click has ended.
    ui.press("Esc g");
    let at = ui.find(|hit| hit == Hit::Row(Side::Left, 1));
    ui.click(at);
    ui.press("g");
    assert_eq!(ui.cursor_name(Side::Left), "assets");
    ui.press("Esc Z Z");
    assert!(ui.quit);
}

#[test]
fn other_keys_are_hinted_and_listed() {
    let mut ui = with_keys(140, 40, "[panes]\ncopy = ['Alt-Q', 'X']\nup = []\n");
    assert!(ui.screen().contains("Alt-Q Copy"), "{}", ui.screen());
    ui.press(":");
    ui.type_text("copy");
    assert!(ui.screen().contains("Alt-Q X") && !ui.screen().contains("F5"), "{}", ui.screen());
    ui.press("Esc Down X");
    assert!(matches!(ui.last(), Command::Copy { .. }), "{:?}", ui.last());
}

#[test]
fn settings_that_mean_nothing_are_named() {
    let wrong = "preset = 'emacs'\n[panes]\ncpoy = 'x'\nmove = 'F6'\ncopy = ['F6', 'Hyper-x']\n";
    snapshot("settings_wrong", |w, h| with_keys(w, h, wrong));
    snapshot("settings_no_toml", |w, h| with_keys(w, h, "[panes]\ncopy = F5\nmove = ['F6'\n\n[[log]\n"));
    let mut ui = with_keys(80, 24, wrong);
    assert_eq!(ui.state.mode(), Mode::Reader);
    ui.press("Esc");
    assert_eq!(ui.state.mode(), Mode::Panes);
    // A name of a file is no more to be trusted than that of a server.
    let ui = with_keys(80, 24, "[panes]\n\"\\u001b[31m\" = 'x'\n");
    assert!(!ui.screen().contains('\u{1b}'));
}

/// The list of all keys in the repository is what the program has. `WHARF_KEYS=write` renews it.
#[test]
fn the_list_of_keys_is_what_the_program_has() {
    let presets: Vec<Keymap> = file::PRESETS.iter().map(|(name, _)| Keymap::preset(name).unwrap()).collect();
    let mut text = String::from(
        "# Every action with its keys\n\n\
         Made from the program. `keys.toml` names an action under each mode in which it has keys.\n\n\
         | action | does | default | mc | vim |\n| --- | --- | --- | --- | --- |\n",
    );
    for info in Action::all() {
        text.push_str(&format!("| `{}` | {}", info.action.id(), info.help));
        for keymap in &presets {
            let mut modes: Vec<String> = Vec::new();
            for mode in Mode::ALL {
                let keys: Vec<String> = keymap
                    .in_mode(mode, info.action)
                    .iter()
                    .map(|chord| format!("`{chord}`").replace("`|`", "`\\|`"))
                    .collect();
                if !keys.is_empty() {
                    modes.push(format!("{}: {}", mode.id(), keys.join(" ")));
                }
            }
            text.push_str(&format!(" | {}", modes.join("<br>")));
        }
        text.push_str(" |\n");
    }
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/keys.md");
    if std::env::var_os("WHARF_KEYS").is_some_and(|value| value == "write") {
        std::fs::write(&file, &text).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        kept == text,
        "assets/keys.md is old: renew it with WHARF_KEYS=write cargo test --test screens list_of_keys"
    );
}

#[test]
fn the_palette_says_what_is_to_be_typed_and_shows_keys_whole() {
    for (w, h) in SIZES {
        let mut ui = two_panes(w, h);
        ui.press(":");
        let screen = ui.screen();
        assert!(screen.contains("› part of a name") && screen.contains("• can be used now"), "{screen}");
        assert!(!screen.contains("Backspace…") && screen.contains("Backspace"), "{screen}");
        ui.type_text("copy");
        assert!(ui.screen().contains("› copy"), "{}", ui.screen());
    }
}
