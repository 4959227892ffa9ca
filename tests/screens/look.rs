//! The look: the main screens in every theme, at the ends of the range of sizes, with icons.

use super::*;
use ratatui::style::{Color, Modifier};
use wharf::{
    config::settings::Icons,
    ui::theme::{Background, Depth, Role, Theme, file::Choice},
};

/// Characters, and below them the styles as ratatui's buffer tells them: where one begins.
fn styled(ui: &Ui) -> String {
    let size = ui.state.size;
    let mut terminal = Terminal::new(TestBackend::new(size.width, size.height)).unwrap();
    terminal.draw(|frame| view::draw(frame, &ui.state)).unwrap();
    format!("{:?}", terminal.backend().buffer())
}

fn busy(width: u16, height: u16) -> Ui {
    let mut ui = two_panes(width, height);
    ui.press("Down Down Down Space");
    ui
}

#[test]
fn the_main_screens_in_dark_and_light() {
    for (name, background) in [("dark", Background::Dark), ("light", Background::Light)] {
        let themed = |mut ui: Ui| {
            ui.state.theme = Theme { depth: Depth::True, background, ..Theme::default() };
            styled(&ui)
        };
        insta::assert_snapshot!(format!("look_{name}_panes"), themed(busy(80, 24)));
        let mut ui = busy(80, 24);
        ui.press("F8");
        insta::assert_snapshot!(format!("look_{name}_dialog"), themed(ui));
        let mut ui = busy(80, 24);
        ui.press(":");
        insta::assert_snapshot!(format!("look_{name}_palette"), themed(ui));
    }
}

#[test]
fn every_size_from_the_smallest_to_the_largest() {
    for (width, height) in [(40, 10), (63, 15), (64, 16), (100, 30), (300, 100)] {
        insta::assert_snapshot!(format!("look_{width}x{height}"), busy(width, height).screen());
    }
}

#[test]
fn icons_stand_before_the_names() {
    for (name, icons) in [("ascii", Icons::Ascii), ("unicode", Icons::Unicode), ("nerd", Icons::Nerd)] {
        let mut ui = busy(80, 24);
        ui.state.icons = icons;
        insta::assert_snapshot!(format!("look_icons_{name}"), ui.screen());
    }
    let mut ui = busy(40, 10);
    ui.state.icons = Icons::Nerd;
    insta::assert_snapshot!("look_icons_40x10", ui.screen());
}

/// What is told by a colour is told by a mark or a weight as well.
#[test]
fn nothing_is_told_by_colour_alone() {
    let mut ui = busy(80, 24);
    ui.state.theme = Theme { depth: Depth::None, ..Theme::default() };
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    terminal.draw(|frame| view::draw(frame, &ui.state)).unwrap();
    for cell in terminal.backend().buffer().content() {
        assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset));
    }
    let screen = ui.screen();
    for mark in ["▸local", "▌", "*", "assets/", "current@/", "Name ▲", "✓"] {
        assert!(screen.contains(mark), "{mark}: {screen}");
    }
}

/// Text can be read on every ground it stands on: the contrast of WCAG 2.1, section 1.4.3.
#[test]
fn text_stands_out_from_its_ground() {
    for (background, ground) in
        [(Background::Dark, (0x1a, 0x1b, 0x26)), (Background::Light, (0xfa, 0xfa, 0xfa))]
    {
        let theme = Theme { depth: Depth::True, background, ..Theme::default() };
        let colour = |colour: Option<Color>| match colour {
            Some(Color::Rgb(r, g, b)) => (r, g, b),
            _ => ground,
        };
        for under in [Role::Text, Role::Cursor, Role::CursorIdle] {
            for (role, least) in [
                (Role::Text, 7.0),
                (Role::Soft, 3.0),
                (Role::Dir, 3.0),
                (Role::Selected, 3.0),
                (Role::Bad, 3.0),
            ] {
                let ratio = contrast(colour(theme.style(role).fg), colour(theme.style(under).bg));
                assert!(ratio >= least, "{background:?}: {role:?} on {under:?} is {ratio:.1} to 1");
            }
        }
    }
}

pub(crate) fn contrast(a: (u8, u8, u8), b: (u8, u8, u8)) -> f64 {
    let light = |(r, g, b): (u8, u8, u8)| {
        let part = |value: u8| {
            let value = f64::from(value) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b)
    };
    let (a, b) = (light(a) + 0.05, light(b) + 0.05);
    a.max(b) / a.min(b)
}

#[test]
fn a_theme_of_ones_own_is_drawn() {
    let mut ui = busy(80, 24);
    let (choice, problems) = Choice::parse("[roles]\nselected = { fg = '#123456', italic = true }", "t.toml");
    assert!(problems.is_empty(), "{problems:?}");
    ui.state.theme = choice.on(Theme { depth: Depth::True, ..Theme::default() });
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    terminal.draw(|frame| view::draw(frame, &ui.state)).unwrap();
    let found = terminal
        .backend()
        .buffer()
        .content()
        .iter()
        .any(|cell| cell.fg == Color::Rgb(0x12, 0x34, 0x56) && cell.modifier.contains(Modifier::ITALIC));
    assert!(found);
}

/// Where only one pane is seen, its header says which, and a click on that shows the other.
#[test]
fn one_pane_at_a_time_says_which_it_is_and_leads_to_the_other() {
    let mut ui = busy(40, 10);
    assert!(ui.screen().contains("▸left⇄ local"), "{}", ui.screen());
    let side = ui.find(|hit| hit == Hit::Hint(Action::OtherPane));
    assert_eq!(side.1, 0, "it is in the header");
    ui.click(side);
    assert_eq!(ui.state.active, Side::Right);
    assert!(ui.screen().contains("▸right⇄ sftp web-01"), "{}", ui.screen());
    assert!(ui.screen().contains("site"), "the end of the path stays");
    assert!(!busy(80, 24).screen().contains("⇄"));
}

/// A wide character that begins just left of a dialog would reach into its border.
#[test]
fn a_wide_name_does_not_eat_the_border_of_a_dialog() {
    for width in 70..84 {
        let mut ui = two_panes(width, 24);
        ui.press("^r");
        let wide = (0..30)
            .map(|n| entry(&format!("{}日本語のファイル名日本語のファイル名", "x".repeat(n % 2)), 1, 1));
        ui.fill(Side::Left, wide.collect());
        ui.press("Down F8");
        let area = wharf::ui::sheet::sheet(&ui.state).unwrap().area;
        let mut terminal = Terminal::new(TestBackend::new(width, 24)).unwrap();
        terminal.draw(|frame| view::draw(frame, &ui.state)).unwrap();
        let buffer = terminal.backend().buffer();
        for y in area.top()..area.bottom() {
            let beside = buffer.cell((area.x - 1, y)).unwrap().symbol();
            assert!(
                wharf::ui::text::width(beside) <= 1,
                "{beside} at {width} columns reaches into the dialog"
            );
        }
    }
}

#[test]
fn the_plans_in_dark_and_light() {
    for (name, background) in [("dark", Background::Dark), ("light", Background::Light)] {
        let themed = |mut ui: Ui| {
            ui.state.theme = Theme { depth: Depth::True, background, ..Theme::default() };
            styled(&ui)
        };
        insta::assert_snapshot!(format!("look_{name}_review"), themed(crate::review::decided_screen()));
        insta::assert_snapshot!(format!("look_{name}_compare"), themed(crate::compare::compared(80, 24)));
    }
}

/// As in the programs that people come from: half the screen is enough for a time.
#[test]
fn times_are_seen_at_eighty_columns() {
    let mut ui = two_panes(80, 24);
    let screen = ui.screen();
    assert!(
        screen.contains("Modified") && screen.contains(" 20:55 ") && screen.contains("Nov 18"),
        "{screen}"
    );
    ui.press("s m");
    assert!(ui.screen().contains("Modif. ▼"), "{}", ui.screen());
}

#[test]
fn a_filter_that_lets_nothing_through_says_so() {
    for (w, h) in SIZES {
        let mut ui = two_panes(w, h);
        ui.press("/");
        ui.type_text("zzz");
        assert!(ui.screen().contains("No name contains \u{201c}zzz\u{201d}"), "{}", ui.screen());
        ui.press("Enter");
        assert!(ui.screen().contains("No name contains \u{201c}zzz\u{201d}"), "{}", ui.screen());
    }
}
