//! `wharf bookmark import`: sites of FileZilla, WinSCP and ssh_config become bookmarks, on a real
//! disk. No password may be seen anywhere afterwards.

use std::{fs, path::Path};

use super::wharf;

const SITES: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<FileZilla3 version="3.66.4" platform="*nix">
  <Servers>
    <Folder expanded="1">Clients
      <Server><Host>web-01</Host><Port>2222</Port><Protocol>1</Protocol><User>ann</User>
        <Pass encoding="base64">aHVudGVyMg==</Pass><Logontype>1</Logontype><Name>shop</Name>
        <RemoteDir>1 0 3 var 3 www</RemoteDir></Server>
      <Server><Host>evil&#x1b;[31m</Host><Protocol>1</Protocol><Name>evil</Name></Server>
    </Folder>
    <Server><Host>ftp.example.org</Host><Protocol>0</Protocol><Logontype>0</Logontype><Name>mirror&#x202e;</Name></Server>
  </Servers>
</FileZilla3>
"#;

fn bookmarks(home: &Path) -> String {
    fs::read_to_string(home.join(".config/wharf/bookmarks.toml")).unwrap_or_default()
}

fn with_filezilla() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir_all(home.path().join(".config/filezilla")).unwrap();
    fs::write(home.path().join(".config/filezilla/sitemanager.xml"), SITES).unwrap();
    home
}

#[test]
fn sites_are_found_where_filezilla_keeps_them() {
    let home = with_filezilla();
    let home = home.path();
    let ran = wharf(home, ["bookmark", "import", "--dry-run"]).ends(0);
    assert_eq!(ran.lines().len(), 2, "{}", ran.text());
    ran.says(&["2 sites of FileZilla", "would become bookmarks", "1 password stays", "its host is none"]);
    assert_eq!(bookmarks(home), "", "nothing is written");

    let ran = wharf(home, ["bookmark", "import"]).ends(0);
    assert!(ran.text().contains("Clients/shop  sftp://ann@web-01:2222/var/www"), "{}", ran.text());
    assert!(!ran.text().contains('\u{202e}'), "{}", ran.text());
    let kept = bookmarks(home);
    assert!(kept.contains("folder = \"Clients\"") && kept.contains("remote = \"/var/www\""), "{kept}");
    assert!(!kept.contains("hunter2") && !kept.contains("aHVudGVyMg"), "{kept}");
    let shown = wharf(home, ["bookmark", "show", "shop"]).ends(0).text();
    assert!(shown.contains("sftp://ann@web-01:2222/var/www"), "{shown}");

    // Once more: everything is there.
    let ran = wharf(home, ["bookmark", "import", "--from", "filezilla"]).ends(0);
    assert_eq!(ran.text(), "");
    ran.says(&["2 are there already"]);
    assert_eq!(bookmarks(home), kept);
}

#[test]
fn comments_in_the_bookmarks_stay() {
    let home = with_filezilla();
    let home = home.path();
    let mine = "# mine\n[[bookmark]]\nname = \"shop\"\nplace = \"nas:\"  # ask Kim\n";
    fs::create_dir_all(home.join(".config/wharf")).unwrap();
    fs::write(home.join(".config/wharf/bookmarks.toml"), mine).unwrap();
    wharf(home, ["-q", "bookmark", "import"]).ends(0);
    let kept = bookmarks(home);
    assert!(kept.starts_with(mine), "{kept}");
    assert!(kept.contains("name = \"shop (Clients)\""), "{kept}");
    // A broken file is never written to.
    fs::write(home.join(".config/wharf/bookmarks.toml"), "[[bookmark]\n").unwrap();
    wharf(home, ["bookmark", "import"]).ends(2).says(&["bookmarks.toml:1"]);
    assert_eq!(bookmarks(home), "[[bookmark]\n");
}

#[test]
fn a_file_shows_whose_it_is() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let ini = "[Sessions\\Work/db%20box]\r\nHostName=db\r\nUserName=ann\r\nPassword=A35C74\r\n";
    fs::write(home.join("old.ini"), ini).unwrap();
    let ran = wharf(home, ["bookmark", "import", "old.ini"]).ends(0);
    assert!(ran.text().contains("Work/db box  sftp://ann@db"), "{}", ran.text());
    ran.says(&["1 site of WinSCP", "1 password stays"]);
    assert!(!bookmarks(home).contains("A35C74"));

    fs::write(home.join("notes.txt"), "nothing of the kind\n").unwrap();
    wharf(home, ["bookmark", "import", "notes.txt"]).ends(2).says(&["neither FileZilla's"]);
    wharf(home, ["bookmark", "import", "none.xml"]).ends(1).says(&["none.xml"]);
    wharf(home, ["bookmark", "import"]).ends(1).says(&["FileZilla and WinSCP", "name it"]);
    wharf(home, ["bookmark", "import", "--from", "winscp", "."]).ends(1);
}

#[test]
fn hosts_of_ssh_config() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    fs::write(home.join("config"), "Host web-01 nas *.lan !x\n  Port 2222\nHost *\n  User ann\n").unwrap();
    let ran = wharf(home, ["bookmark", "import", "--from", "ssh", "config"]).ends(0);
    assert_eq!(ran.lines(), ["web-01  sftp://web-01", "nas  sftp://nas"]);
    wharf(home, ["-F", "config", "bookmark", "import", "--from", "ssh"])
        .ends(0)
        .says(&["2 are there already"]);
}

#[test]
fn hostile_files_end_soon() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let big = fs::File::create(home.join("big.xml")).unwrap();
    big.set_len(100 << 20).unwrap();
    wharf(home, ["bookmark", "import", "big.xml"]).ends(1).says(&["larger than 16 MiB"]);
    let mut bomb = String::from("<?xml version=\"1.0\"?><!DOCTYPE x [<!ENTITY a0 \"lol\">");
    for n in 1..30 {
        bomb += &format!("<!ENTITY a{n} \"{}\">", format!("&a{};", n - 1).repeat(10));
    }
    bomb += "]><FileZilla3><Servers><Server><Host>&a29;</Host></Server></Servers></FileZilla3>";
    fs::write(home.join("bomb.xml"), bomb).unwrap();
    wharf(home, ["bookmark", "import", "bomb.xml"]).ends(2).says(&["DOCTYPE"]);
    fs::write(home.join("deep.xml"), format!("<FileZilla3>{}", "<Folder>".repeat(1 << 20))).unwrap();
    wharf(home, ["bookmark", "import", "deep.xml"]).ends(2).says(&["deep"]);
    // More sites than anybody has: the first are taken, and the rest is named.
    let one =
        |n: usize| format!("<Server><Host>h{n}</Host><Protocol>1</Protocol><Name>same name</Name></Server>");
    let many: String = (0..6_000).map(one).collect();
    fs::write(home.join("many.xml"), format!("<FileZilla3><Servers>{many}</Servers></FileZilla3>")).unwrap();
    wharf(home, ["bookmark", "import", "--dry-run", "many.xml"]).ends(0).says(&["5000 sites", "left out"]);
    assert_eq!(bookmarks(home), "");
}
