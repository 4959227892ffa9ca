//! Workspaces: tabs and places kept by name, opened again, and those of the last session.

use wharf::{
    config::{Active, Change, Kept, Made, Tab, Workspace},
    ui::{
        state::{Choice, connect::Start},
        update::{kept_at_start, open_workspace},
    },
};

use super::*;

fn tab(left: &str, right: &str, active: Active) -> Tab {
    Tab { left: left.into(), right: right.into(), active }
}

fn shop() -> Workspace {
    let tabs = vec![
        tab("~/site", "sftp://ann@web-01/var/www", Active::Left),
        tab("", "sftp://nas/srv", Active::Right),
    ];
    Workspace { name: "shop".into(), tab: 2, tabs }
}

fn kept() -> Kept {
    let session = Workspace { tab: 1, tabs: vec![tab("/srv", "~", Active::Right)], ..Workspace::default() };
    let other = Workspace { name: "evil\u{1b}[31m".into(), tab: 1, tabs: vec![tab("/", "/", Active::Left)] };
    Kept { workspaces: vec![shop(), other], session: Some(session), ..Kept::default() }
}

fn panes(w: u16, h: u16) -> Ui {
    let mut ui = two_panes(w, h);
    ui.state.places.can_keep = true;
    kept_at_start(&mut ui.state, kept());
    ui
}

fn opened(ui: &Ui, from: usize) -> Vec<String> {
    let open = |command: &Command| match command {
        Command::Open { place, .. } => Some(place.to_url()),
        _ => None,
    };
    ui.sent[from..].iter().filter_map(open).collect()
}

#[test]
fn workspaces() {
    snapshot("workspaces", |w, h| {
        let mut ui = panes(w, h);
        ui.press("W");
        ui
    });
    snapshot("workspace_save", |w, h| {
        let mut ui = panes(w, h);
        ui.press("Alt-w");
        ui.type_text("shop");
        ui
    });
}

#[test]
fn the_tabs_are_kept_by_a_name() {
    let mut ui = panes(80, 24);
    ui.press("t ^B Tab Alt-w");
    ui.press("Enter");
    assert!(matches!(ui.state.overlay(), Some(Overlay::Text { error: Some(_), .. })), "it needs a name");
    ui.type_text("two tabs");
    ui.press("Enter");
    let Some(Change::SaveWorkspace(saved)) = ui.kept.last() else { panic!("not kept: {:?}", ui.kept) };
    assert_eq!((saved.name.as_str(), saved.tab, saved.tabs.len()), ("two tabs", 2, 2));
    assert_eq!(saved.tabs[0], tab("~/site", "sftp://web-01/var/www/site", Active::Left));
    assert_eq!(saved.tabs[1], tab("", "sftp://web-01/var/www/site", Active::Right));
    ui.msg(Msg::Kept(Box::new(Kept { made: Some(Made::Workspace("two tabs".into())), ..kept() })));
    assert!(ui.says("The workspace two tabs is saved"));
    // Once more it is called the same unless one types another name.
    ui.press("Alt-w Enter");
    assert!(matches!(ui.kept.last(), Some(Change::SaveWorkspace(saved)) if saved.name == "two tabs"));

    let mut ended = panes(80, 24);
    ended.msg(Msg::Ended);
    assert!(ended.quit && matches!(ended.kept.last(), Some(Change::Session(_))), "{:?}", ended.kept);

    let mut demo = two_panes(80, 24);
    demo.press("Alt-w");
    assert!(demo.state.overlay().is_none() && demo.says("not kept here"));
}

#[test]
fn a_workspace_opens_in_place_of_the_tabs() {
    let mut ui = panes(80, 24);
    ui.press("t t");
    let from = ui.sent.len();
    ui.press("W Enter");
    assert_eq!(opened(&ui, from), ["~/site", "sftp://ann@web-01/var/www", "sftp://nas/srv"]);
    assert_eq!((ui.state.tabs.count(), ui.state.tabs.current, ui.state.active), (2, 1, Side::Right));
    assert!(ui.state.left.chooser.is_some() && ui.says("The workspace shop is open"));
    // Each tab gets what it waits for.
    let (location, info) = remote();
    let job = ui.job(Side::Right);
    ui.event(job, What::Connected { location: location.clone(), info });
    assert_eq!(ui.state.right.view.location, Some(location));
    ui.press("1");
    assert_eq!(ui.state.active, Side::Left);
    ui.job(Side::Left);
    ui.job(Side::Right);

    // By the command line as well; one that is not there changes nothing.
    let mut effects = Vec::new();
    assert!(!open_workspace(&mut ui.state, "none", &mut effects) && effects.is_empty());
    assert!(open_workspace(&mut ui.state, "shop", &mut effects));
    // The letter of a button, and Esc.
    let mut ui = panes(80, 24);
    ui.press("W Esc");
    assert_eq!(ui.state.tabs.count(), 1);
    let from = ui.sent.len();
    ui.press("W l");
    assert_eq!(opened(&ui, from), ["/srv", "~"]);
    assert_eq!(ui.state.active, Side::Right);
}

#[test]
fn leaving_keeps_the_tabs_for_the_next_time() {
    let mut ui = panes(80, 24);
    ui.press("q");
    assert!(ui.quit);
    let Some(Change::Session(session)) = ui.kept.last() else { panic!("not kept: {:?}", ui.kept) };
    assert_eq!(session.tabs, [tab("~/site", "sftp://web-01/var/www/site", Active::Left)]);

    let mut demo = two_panes(80, 24);
    demo.press("q");
    assert!(demo.kept.is_empty(), "nothing is kept where nothing may be");

    // They are a key away in the connect screen.
    let mut ui = panes(80, 24);
    ui.press("^B");
    let chooser = ui.state.left.chooser.as_ref().unwrap();
    let has =
        |start: Start| chooser.lines.contains(&wharf::ui::state::connect::Line::Choice(Choice::Start(start)));
    assert!(has(Start::Session) && has(Start::Workspaces));
    let from = ui.sent.len();
    ui.press("F3");
    assert_eq!(opened(&ui, from), ["/srv", "~"]);
}
