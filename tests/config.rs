//! What is kept between runs, on a real disk: bookmarks and recent places through the store, and
//! the commands that use them.

#[path = "config/import.rs"]
mod import;
mod support;

use std::{
    collections::HashMap,
    ffi::OsStr,
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use secrecy::{ExposeSecret, SecretString};
use support::{
    ALIAS, PASSWORD, PASSWORD_USER, Sshd, SshdConfig,
    program::{Ran, bare, start},
};
use tempfile::TempDir;
use wharf::{
    config::{Bookmark, Change, Importable, Made, Program, Store, Tab, Workspace},
    engine::{Answer, Ask, Command, Engine, JobId, Options, What},
    fs::{ErrorKind, Place, RemotePath, SshOptions, memory::Memory},
    trust::{self, SecretError, SecretStore},
};

/// A keyring in memory, or one that is not there.
#[derive(Default)]
struct Secrets {
    kept: Mutex<HashMap<String, String>>,
    missing: bool,
}

impl Secrets {
    fn keys(&self) -> Vec<String> {
        self.kept.lock().unwrap().keys().cloned().collect()
    }
}

impl SecretStore for Secrets {
    fn get(&self, key: &str) -> Result<Option<SecretString>, SecretError> {
        let kept = self.kept.lock().unwrap();
        Ok(kept.get(key).cloned().map(SecretString::from))
    }

    fn set(&self, key: &str, secret: &SecretString) -> Result<(), SecretError> {
        if self.missing {
            return Err(SecretError::Unavailable);
        }
        self.kept.lock().unwrap().insert(key.to_owned(), secret.expose_secret().to_owned());
        Ok(())
    }

    fn delete(&self, key: &str) -> Result<(), SecretError> {
        self.kept.lock().unwrap().remove(key);
        Ok(())
    }
}

struct Kept {
    dir: TempDir,
    secrets: Arc<Secrets>,
    store: Store,
}

fn kept_with(secrets: Secrets) -> Kept {
    let dir = tempfile::tempdir().unwrap();
    let secrets = Arc::new(secrets);
    let store = Store::new(&dir.path().join("config"), &dir.path().join("state"), secrets.clone());
    Kept { dir, secrets, store }
}

fn kept() -> Kept {
    kept_with(Secrets::default())
}

impl Kept {
    fn file(&self) -> PathBuf {
        self.dir.path().join("config/bookmarks.toml")
    }

    fn write(&self, text: &str) {
        fs::create_dir_all(self.dir.path().join("config")).unwrap();
        fs::write(self.file(), text).unwrap();
    }

    fn text(&self) -> String {
        fs::read_to_string(self.file()).unwrap()
    }

    /// Everything in every file.
    fn all_text(&self) -> String {
        fn collect(dir: &Path, into: &mut String) {
            for entry in fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    collect(&path, into);
                } else {
                    into.push_str(&fs::read_to_string(path).unwrap());
                }
            }
        }
        let mut text = String::new();
        collect(self.dir.path(), &mut text);
        text
    }
}

fn bookmark(name: &str, place: &str) -> Bookmark {
    Bookmark { name: name.into(), place: place.into(), ..Bookmark::default() }
}

fn save(old: Option<&str>, bookmark: Bookmark, password: Option<&str>) -> Change {
    Change::Save {
        old: old.map(str::to_owned),
        bookmark: Box::new(bookmark),
        password: password.map(|text| SecretString::from(text.to_owned())),
    }
}

#[test]
fn the_file_is_its_owners_alone_and_appears_with_its_directories() {
    let kept = kept();
    assert!(kept.store.load().bookmarks.is_empty());
    assert!(!kept.file().exists(), "looking creates nothing");
    let after = kept.store.apply(save(None, bookmark("shop", "sftp://web-01"), None));
    assert_eq!(after.made, Some(Made::Saved("shop".into())));
    assert_eq!(after.bookmarks.len(), 1);
    assert_eq!(fs::metadata(kept.file()).unwrap().permissions().mode() & 0o777, 0o600);
    let others = fs::read_dir(kept.dir.path().join("config")).unwrap().count();
    assert_eq!(others, 1, "nothing else is left beside it");
}

#[test]
fn a_broken_file_is_never_written() {
    let kept = kept();
    let broken = "# mine\n[[bookmark]]\nname = \"shop\nplace = 3\n";
    kept.write(broken);
    let now = kept.store.load();
    let error = now.error.expect("it is broken");
    assert!(error.place().is_some_and(|place| place.ends_with("bookmarks.toml:3")), "{error:?}");
    for change in [
        save(None, bookmark("new", "nas:"), None),
        save(Some("shop"), bookmark("shop", "nas:"), None),
        Change::Remove { name: "shop".into() },
        Change::Visit { url: "sftp://nas/".into(), at: 1 },
    ] {
        kept.store.apply(change);
        assert_eq!(kept.text(), broken);
    }
    let failed = kept.store.apply(save(None, bookmark("new", "nas:"), None)).failed.expect("refused");
    assert_eq!(failed.kind(), ErrorKind::Usage);
}

#[test]
fn a_link_stays_a_link_even_to_nothing() {
    let kept = kept();
    fs::create_dir_all(kept.dir.path().join("config")).unwrap();
    fs::create_dir(kept.dir.path().join("dotfiles")).unwrap();
    symlink("../dotfiles/bookmarks.toml", kept.file()).unwrap();
    for name in ["one", "two"] {
        kept.store.apply(save(None, bookmark(name, "nas:"), None));
        assert!(kept.file().symlink_metadata().unwrap().is_symlink());
    }
    let text = fs::read_to_string(kept.dir.path().join("dotfiles/bookmarks.toml")).unwrap();
    assert!(text.contains("one") && text.contains("two"), "{text}");
    symlink("round", kept.dir.path().join("config/round")).unwrap();
    fs::remove_file(kept.file()).unwrap();
    symlink("round", kept.file()).unwrap();
    assert!(kept.store.apply(save(None, bookmark("x", "nas:"), None)).failed.is_some());
}

#[test]
fn two_who_save_at_once_lose_nothing() {
    let kept = kept();
    std::thread::scope(|scope| {
        for at in 0..8 {
            let store = kept.store.clone();
            scope.spawn(move || {
                for n in 0..5 {
                    let after = store.apply(save(None, bookmark(&format!("b{at}-{n}"), "nas:"), None));
                    assert!(after.failed.is_none(), "{:?}", after.failed);
                }
            });
        }
    });
    assert_eq!(kept.store.load().bookmarks.len(), 40);
}

#[test]
fn passwords_are_in_the_keyring_and_nowhere_else() {
    let kept = kept();
    kept.store.apply(save(None, bookmark("shop", "sftp://ann@web-01/x"), Some("hunter2")));
    assert_eq!(kept.secrets.keys(), ["sftp://ann@web-01"]);
    // The login moves, and the password with it.
    kept.store.apply(save(Some("shop"), bookmark("shop", "sftp://ann@web-02/x"), None));
    assert_eq!(kept.secrets.keys(), ["sftp://ann@web-02"]);
    // Two bookmarks of one login share it; the last one takes it along.
    kept.store.apply(save(None, bookmark("log", "sftp://ann@web-02/log"), None));
    kept.store.apply(Change::Remove { name: "shop".into() });
    assert_eq!(kept.secrets.keys(), ["sftp://ann@web-02"]);
    kept.store.apply(Change::Remove { name: "log".into() });
    assert!(kept.secrets.keys().is_empty());
    kept.store.apply(Change::Visit { url: "sftp://ann:hunter2@web-01/".into(), at: 1 });
    assert!(!kept.all_text().contains("hunter2"));
}

#[test]
fn without_a_keyring_nothing_is_stored_and_it_is_said() {
    let kept = kept_with(Secrets { missing: true, ..Secrets::default() });
    let after = kept.store.apply(save(None, bookmark("shop", "sftp://ann@web-01"), Some("hunter2")));
    assert_eq!(after.made, Some(Made::Saved("shop".into())), "the bookmark itself is saved");
    assert!(after.warnings.iter().any(|warning| warning.contains("there is no keyring here")));
    assert!(!kept.all_text().contains("hunter2"));
}

#[test]
fn recent_places_can_be_fewer_or_none() {
    let kept = kept();
    for at in 0..60 {
        kept.store.apply(Change::Visit { url: format!("sftp://h{at}/"), at });
    }
    let recent = kept.store.load().recent;
    assert_eq!((recent.len(), recent[0].url.as_str()), (50, "sftp://h59/"));
    let left = kept.store.apply(Change::Forget { url: "sftp://h59/".into() }).recent;
    assert_eq!(left[0].url, "sftp://h58/");
    fs::create_dir_all(kept.dir.path().join("config")).unwrap();
    fs::write(kept.dir.path().join("config/config.toml"), "recent_places = 0\n").unwrap();
    let none =
        Store::new(&kept.dir.path().join("config"), &kept.dir.path().join("off"), kept.secrets.clone());
    none.apply(Change::Visit { url: "sftp://h/".into(), at: 1 });
    assert!(none.load().recent.is_empty() && !kept.dir.path().join("off").exists());
}

/// They are for the panes, which show what is wrong in them; a script's standard error is no place
/// for that.
#[test]
fn commands_say_nothing_of_settings_of_the_panes() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join(".config/wharf");
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("keys.toml"), "preset = 'vim'\n[panes]\ncpoy = 'x'\n").unwrap();
    fs::write(dir.join("config.toml"), "recent_places = 'many'\ntheme = 'dusk'\n").unwrap();
    let ran = wharf(home.path(), ["ls", "."]).ends(0);
    assert_eq!(ran.stderr, "");
}

#[test]
fn a_password_with_a_slash_in_it_is_not_shown() {
    let home = tempfile::tempdir().unwrap();
    let ran = wharf(home.path(), ["ls", "sftp://ann:se/cret@host/x"]).ends(2);
    assert!(!ran.stderr.contains("cret") && !ran.stderr.contains("se/"), "{}", ran.stderr);
    ran.says(&["sftp://ann:***@host/x", "%2F"]);
}

#[test]
fn the_tour_is_for_the_first_start_alone() {
    let kept = kept();
    assert!(kept.store.load().is_first_start);
    assert!(!kept.store.apply(Change::Toured).is_first_start);
    assert!(!kept.store.load().is_first_start);
    let other = self::kept();
    other.store.apply(save(None, bookmark("shop", "sftp://h"), None));
    assert!(!other.store.load().is_first_start, "who has bookmarks has been here");
}

#[test]
fn workspaces_and_the_last_session_are_kept() {
    let kept = kept();
    let tab = |left: &str, right: &str| Tab { left: left.into(), right: right.into(), ..Tab::default() };
    let shop = Workspace { name: "shop".into(), tab: 1, tabs: vec![tab("~/site", "sftp://ann@web-01/var")] };
    let after = kept.store.apply(Change::SaveWorkspace(shop.clone()));
    assert_eq!((after.made, after.workspaces), (Some(Made::Workspace("shop".into())), vec![shop.clone()]));
    let session = Workspace { tab: 1, tabs: vec![tab("/srv", "sftp://a:secret@h")], ..Workspace::default() };
    let after = kept.store.apply(Change::Session(session));
    assert_eq!(after.session.unwrap().tabs, [tab("/srv", "")]);
    assert!(!kept.all_text().contains("secret"));
    // A broken file is named, never written to, and in the way of nothing else.
    let file = kept.dir.path().join("config/workspaces.toml");
    fs::write(&file, "[[workspace]\n").unwrap();
    let now = kept.store.load();
    assert!(now.workspaces.is_empty() && now.warnings[0].contains("workspaces.toml"), "{:?}", now.warnings);
    assert!(kept.store.apply(Change::SaveWorkspace(shop)).failed.is_some());
    assert_eq!(fs::read_to_string(&file).unwrap(), "[[workspace]\n");
    // Who remembers no places remembers no session.
    fs::write(kept.dir.path().join("config/config.toml"), "recent_places = 0\n").unwrap();
    let none =
        Store::new(&kept.dir.path().join("config"), &kept.dir.path().join("off"), kept.secrets.clone());
    none.apply(Change::Session(Workspace { tab: 1, tabs: vec![tab("/", "/")], ..Workspace::default() }));
    assert!(none.load().session.is_none() && !kept.dir.path().join("off").exists());
}

#[test]
fn a_workspace_that_is_not_there_is_named() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    wharf(home, ["--workspace", "none"]).ends(1).says(&["Could not find the workspace none"]);
    fs::create_dir_all(home.join(".config/wharf")).unwrap();
    let text = "[[workspace]]\nname = \"shop\"\n[[workspace.tabs]]\nleft = \"/\"\n";
    fs::write(home.join(".config/wharf/workspaces.toml"), text).unwrap();
    wharf(home, ["--workspace", "none"]).ends(1).says(&["there are shop"]);
    // It is there, and only a terminal is missing.
    wharf(home, ["--workspace", "shop"]).ends(2).says(&["need a terminal"]);
}

#[test]
fn sites_to_import_are_looked_for_when_the_connect_screen_opens() {
    let kept = kept();
    let home = kept.dir.path().join("home");
    fs::create_dir_all(home.join(".filezilla")).unwrap();
    let sites = "<FileZilla3><Servers><Server><Host>h</Host><Protocol>1</Protocol><Name>a</Name></Server>\
                 <Server><Host>i</Host><Protocol>1</Protocol><Name>b</Name></Server></Servers></FileZilla3>";
    fs::write(home.join(".filezilla/sitemanager.xml"), sites).unwrap();
    let store = kept.store.clone().with_home(&home);
    assert!(store.load().importable.is_none(), "the start does not wait for it");
    let found = store.apply(Change::Reload).importable.unwrap();
    assert_eq!(found, [Importable { program: Program::FileZilla, sites: 2 }]);
    let after = store.apply(Change::Import { program: Program::FileZilla });
    let Some(Made::Imported(imported)) = after.made else { panic!("{:?}", after.failed) };
    assert_eq!((imported.added.len(), after.bookmarks.len(), after.importable), (2, 2, Some(Vec::new())));
    let none = store.apply(Change::Import { program: Program::WinScp });
    assert_eq!(none.failed.unwrap().operation(), wharf::fs::Operation::ImportBookmarks);
}

/// wharf with a home of its own.
fn wharf<A: AsRef<OsStr>>(home: &Path, arguments: impl IntoIterator<Item = A>) -> Ran {
    let mut command = bare();
    command.env("HOME", home).env_remove("XDG_CONFIG_HOME").env_remove("XDG_STATE_HOME");
    command.current_dir(home).arg("--batch").args(arguments);
    start(command).wait()
}

#[test]
fn bookmarks_on_the_command_line() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    wharf(home, ["bookmark", "list"]).ends(0).silently();
    wharf(
        home,
        [
            "bookmark",
            "add",
            "the shop",
            "sftp://ann:secret@web-01:2222/var",
            "--folder",
            "work",
            "--note",
            "x",
        ],
    )
    .ends(0)
    .says(&["the password in the place is not kept", "bookmarks.toml"]);
    wharf(home, ["-q", "bookmark", "add", "here", "docs"]).ends(0).silently();
    let listed = wharf(home, ["bookmark", "list"]).ends(0);
    assert_eq!(
        listed.lines(),
        [
            "work/the shop  sftp://ann@web-01:2222/var".to_owned(),
            format!("here           {}/docs", home.display())
        ]
    );
    let json = wharf(home, ["bookmark", "list", "--json"]).ends(0);
    let first: serde_json::Value = serde_json::from_str(&json.lines()[0]).unwrap();
    assert_eq!(first["name"], "the shop");
    assert_eq!(first["folder"], "work");
    assert_eq!(first["local"], serde_json::Value::Null);
    assert!(wharf(home, ["bookmark", "show", "here"]).ends(0).text().contains("/docs"));
    wharf(home, ["bookmark", "add", "here", "x"]).ends(2).says(&["there is a bookmark here already"]);
    for (name, place) in [("a:b", "x"), ("x", "gopher://h"), ("", "x")] {
        wharf(home, ["bookmark", "add", name, place]).ends(2);
    }
    wharf(home, ["bookmark", "show", "nowhere"]).ends(1).says(&["Could not find the bookmark nowhere"]);
    wharf(home, ["bookmark", "remove", "nowhere"]).ends(1);
    // The name leads there.
    let resolved = wharf(home, ["-F", "none", "resolve", "--json", "the shop"]).ends(0).text();
    let resolved: serde_json::Value = serde_json::from_str(&resolved).unwrap();
    assert_eq!((resolved["host"].as_str(), resolved["port"].as_u64()), (Some("web-01"), Some(2222)));
    fs::create_dir(home.join("docs")).unwrap();
    fs::write(home.join("docs/a.txt"), "x").unwrap();
    assert_eq!(wharf(home, ["ls", "here:"]).ends(0).lines(), ["a.txt"]);
    assert_eq!(wharf(home, ["cat", "here:a.txt"]).ends(0).stdout, b"x");
    wharf(home, ["bookmark", "remove", "here"]).ends(0).silently();
    assert_eq!(wharf(home, ["bookmark", "list"]).ends(0).lines().len(), 1);
}

#[test]
fn a_broken_file_stops_only_what_may_mean_a_bookmark() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join(".config/wharf");
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("bookmarks.toml"), "[[bookmark]\n").unwrap();
    fs::write(home.path().join("a.txt"), "x").unwrap();
    assert_eq!(wharf(home.path(), ["cat", "a.txt"]).ends(0).stdout, b"x");
    wharf(home.path(), ["ls", "web-01:"])
        .ends(2)
        .says(&["~/.config/wharf/bookmarks.toml:1", "Correct the file"]);
    wharf(home.path(), ["bookmark", "add", "x", "y"]).ends(2).says(&["bookmarks.toml:1"]);
    assert_eq!(fs::read_to_string(dir.join("bookmarks.toml")).unwrap(), "[[bookmark]\n");
}

#[test]
fn a_bookmark_comes_before_a_host_of_ssh_config() {
    let server = Sshd::start(SshdConfig::default());
    let home = tempfile::tempdir().unwrap();
    let (here, there) = (home.path().join("here"), server.dir().join("there"));
    for (dir, name) in [(&here, "local.txt"), (&there, "remote.txt")] {
        fs::create_dir(dir).unwrap();
        fs::write(dir.join(name), "x").unwrap();
    }
    let config = server.ssh_config();
    let list = |place: &str| {
        let arguments = [OsStr::new("-F"), config.as_os_str(), OsStr::new("ls"), OsStr::new(place)];
        wharf(home.path(), arguments).ends(0).lines()
    };
    assert_eq!(list(&format!("{ALIAS}:{}", there.display())), ["remote.txt"]);
    let place = format!("{ALIAS}:{}", there.display());
    wharf(home.path(), ["-q", "bookmark", "add", "shop", &place]).ends(0);
    assert_eq!(list("shop:"), ["remote.txt"]);
    wharf(home.path(), ["-q", "bookmark", "add", ALIAS, "here"]).ends(0);
    assert_eq!(list(&format!("{ALIAS}:")), ["local.txt"]);
}

/// Logs in with a password to the server behind `host`, and counts how often it is asked for.
async fn log_in(server: &Sshd, host: &str, extra: &str, stored: &str) -> (usize, bool) {
    let config = server.dir().join("password_config");
    let text = format!(
        "Host far\n  HostName 127.0.0.1\n  Port {0}\n  User {PASSWORD_USER}\n{extra}\n\
         Host *\n  UserKnownHostsFile \"{1}\"\n  GlobalKnownHostsFile /dev/null\n  IdentityAgent none\n  \
         PubkeyAuthentication no\n",
        server.port(),
        server.known_hosts().display()
    );
    fs::write(&config, text).unwrap();
    let (engine, mut events) = Engine::start(Options {
        ssh: SshOptions { config_file: Some(config), ..SshOptions::default() },
        ftp: Default::default(),
        local: Arc::new(Memory::new("local")),
        current_dir: RemotePath::root(),
        home: RemotePath::root(),
        batch: false,
    });
    let secrets = Secrets::default();
    secrets.set(&format!("sftp://{host}"), &SecretString::from(stored.to_owned())).unwrap();
    engine.use_secrets(Arc::new(secrets));
    let place = Place::parse(format!("{host}:").as_bytes()).unwrap();
    engine.send(Command::Open { job: JobId(1), place });
    let (mut asked, mut connected) = (0, false);
    loop {
        let event = tokio::time::timeout(std::time::Duration::from_secs(30), events.recv());
        match event.await.expect("in time").expect("an event").what {
            What::Ask { question, ask: Ask::Trust(trust::Question::Secret(_)) } => {
                asked += 1;
                let answer = Answer::Trust(trust::Answer::Secret(PASSWORD.to_owned().into()));
                engine.send(Command::Answer { question, answer });
            }
            What::Connected { .. } => connected = true,
            What::Done(_) | What::Failed(_) => break,
            _ => {}
        }
    }
    engine.shut_down().await;
    (asked, connected)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stored_password_is_given_once_and_to_nobody_else() {
    let server = Sshd::start(SshdConfig { password_auth: true, ..SshdConfig::default() });
    assert_eq!(log_in(&server, "far", "", PASSWORD).await, (0, true));
    // A wrong one is not given again: the person is asked.
    assert_eq!(log_in(&server, "far", "", "wrong").await, (1, true));
    // A host on the way asks with the same words, and must not get it.
    let jump = format!(
        "Host way\n  HostName 127.0.0.1\n  Port {0}\n  User {PASSWORD_USER}\n\
                        Host behind\n  HostName 127.0.0.1\n  Port {0}\n  User {PASSWORD_USER}\n  ProxyJump way\n",
        server.port()
    );
    assert_eq!(log_in(&server, "behind", &jump, PASSWORD).await, (2, true));
}
