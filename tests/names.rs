//! Names are bytes: each odd one through every operation of the program, on this machine and on
//! OpenSSH's server, and it arrives as it was.

mod support;

use std::{
    collections::BTreeSet,
    ffi::{OsStr, OsString},
    fs,
    os::unix::{
        ffi::{OsStrExt, OsStringExt},
        fs::MetadataExt,
    },
    path::{Path, PathBuf},
};

use support::{
    ALIAS, Sshd, SshdConfig,
    program::{into, on, wharf},
};

fn odd_names() -> Vec<Vec<u8>> {
    let mut names: Vec<Vec<u8>> = [
        &b"caf\xe9 latin-1.txt"[..],
        b"two\nlines",
        b"carriage\rreturn\ttab",
        b"\x1b[31mred\x1b]0;owned\x07",
        "right\u{202e}gnp.exe".as_bytes(),
        "zero\u{200b}width\u{feff}".as_bytes(),
        b"-rf",
        b"--help",
        b" spaces ",
        b"back\\slash\\n",
        b"*?[a-z]",
        b"'quote\" `id` $(id) ;id|id&",
        b"#%25~!{a,b}",
        b"host:path",
        b"~",
        b"...",
        b"\xff\xfe\x80",
        b"\xed\xa0\x80 surrogate",
        b"\x01\x7f\xc2\x9b31m",
        "\u{65e5}\u{672c}\u{8a9e} e\u{301} \u{1f469}\u{200d}\u{1f680}".as_bytes(),
    ]
    .iter()
    .map(|name| name.to_vec())
    .collect();
    names.push(vec![b'x'; 255]);
    names.push([vec![0xe9; 254], b"y".to_vec()].concat());
    names
}

fn join(dir: &Path, name: &[u8]) -> PathBuf {
    dir.join(OsStr::from_bytes(name))
}

fn names_in(dir: &Path) -> BTreeSet<Vec<u8>> {
    fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_vec()).collect()
}

/// Places below `dir`, on this machine or on the server.
fn place(dir: &Path, name: &[u8], remote: bool) -> OsString {
    let path = join(dir, name);
    if remote { on(ALIAS, &path) } else { path.into_os_string() }
}

fn with(words: &[&str], places: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    words.iter().map(OsString::from).chain(places).collect()
}

#[test]
fn every_name_goes_both_ways_and_stays_as_it_is() {
    let sshd = Sshd::start(SshdConfig::default());
    let config = sshd.ssh_config();
    let names = odd_names();
    let all: BTreeSet<Vec<u8>> = names.iter().cloned().collect();
    let world = tempfile::tempdir().unwrap();
    let at = |name: &str| {
        let dir = world.path().join(name);
        fs::create_dir(&dir).unwrap();
        dir
    };
    let (from, far, back) = (at("from"), at("far"), at("back"));
    for name in &names {
        fs::write(join(&from, name), name).unwrap();
    }
    let same = |dir: &Path| {
        assert_eq!(names_in(dir), all, "{dir:?}");
        for name in &names {
            assert_eq!(fs::read(join(dir, name)).unwrap(), *name);
        }
    };
    let each =
        |dir: &Path, remote: bool| names.iter().map(move |name| place(dir, name, remote)).collect::<Vec<_>>();

    // There and back.
    let mut up = each(&from, false);
    up.push(into(on(ALIAS, &far)));
    wharf(&config, with(&["cp"], up)).ends(0);
    same(&far);
    let mut down = each(&far, true);
    down.push(into(&back));
    wharf(&config, with(&["cp"], down)).ends(0);
    same(&back);

    for (dir, remote) in [(&far, true), (&back, false)] {
        // A pipe gets the names as they are, and JSON has every byte of them.
        let here = if remote { on(ALIAS, dir) } else { dir.clone().into_os_string() };
        let listed = wharf(&config, with(&["ls", "-a"], [here.clone()])).ends(0).stdout;
        for name in &names {
            let line = [name, &b"\n"[..]].concat();
            assert!(listed.windows(line.len()).any(|window| window == line), "{name:?}");
        }
        let listed = wharf(&config, with(&["ls", "-a", "--json"], [here])).ends(0).lines();
        assert_eq!(listed.len(), names.len());
        let told: BTreeSet<Vec<u8>> = listed.iter().map(|line| name_of(line)).collect();
        assert_eq!(told, all);

        wharf(&config, with(&["chmod", "640"], each(dir, remote))).ends(0);
        assert!(names.iter().all(|name| fs::metadata(join(dir, name)).unwrap().mode() & 0o7777 == 0o640));
        wharf(&config, with(&["touch", "-d", "2001-09-09T01:46:40Z"], each(dir, remote))).ends(0);
        assert!(names.iter().all(|name| fs::metadata(join(dir, name)).unwrap().mtime() == 1_000_000_000));

        let sums = wharf(&config, with(&["sum", "--json"], each(dir, remote))).ends(0);
        for (line, name) in sums.lines().iter().zip(&names) {
            let row: serde_json::Value = serde_json::from_str(line).unwrap();
            let digest = <sha2::Sha256 as sha2::Digest>::digest(name);
            let digits: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(row["checksum"], digits, "{name:?}");
            let computed = if remote { "server" } else { "here" };
            assert_eq!(row["computed"], computed, "{name:?}: {}", sums.stderr);
        }
        let looked = wharf(&config, with(&["stat"], each(dir, remote))).ends(0);
        assert!(!looked.text().contains(|c: char| c.is_control() && c != '\n'), "escaped for people");

        // Renamed to each other's places and back: nothing is read into a name.
        for name in &names {
            let plain = place(dir, b"plain", remote);
            let odd = place(dir, name, remote);
            wharf(&config, with(&["mv"], [odd.clone(), plain.clone()])).ends(0);
            assert_eq!(fs::read(dir.join("plain")).unwrap(), *name);
            wharf(&config, with(&["mv"], [plain, odd])).ends(0);
        }
        same(dir);

        // Links of such names, to such names.
        for name in names.iter().filter(|name| name.len() < 200) {
            let mut link = b"link to ".to_vec();
            link.extend_from_slice(name);
            let words = [OsString::from("ln"), "-s".into(), "--".into(), OsString::from_vec(name.clone())];
            wharf(&config, words.into_iter().chain([place(dir, &link, remote)])).ends(0);
            assert_eq!(fs::read(join(dir, &link)).unwrap(), *name);
            wharf(&config, with(&["rm"], [place(dir, &link, remote)])).ends(0);
        }

        wharf(&config, with(&["rm"], each(dir, remote))).ends(0);
        assert!(names_in(dir).is_empty());
    }
}

/// The bytes of a name in a line of JSON.
fn name_of(line: &str) -> Vec<u8> {
    let row: serde_json::Value = serde_json::from_str(line).unwrap();
    match row.get("name_hex") {
        None => row["name"].as_str().unwrap().as_bytes().to_vec(),
        Some(hex) => {
            let hex = hex.as_str().unwrap();
            (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
        }
    }
}

/// As parts of a path too, and in a directory that is copied and removed with all it holds.
#[test]
fn trees_of_odd_names_go_both_ways() {
    let sshd = Sshd::start(SshdConfig::default());
    let config = sshd.ssh_config();
    let names = odd_names();
    let world = tempfile::tempdir().unwrap();
    let from = world.path().join("from");
    for name in &names {
        let dir = join(&from, name);
        fs::create_dir_all(&dir).unwrap();
        fs::write(join(&dir, name), name).unwrap();
    }
    let (far, back) = (world.path().join("far"), world.path().join("back"));
    wharf(&config, with(&["cp", "-r"], [from.clone().into_os_string(), on(ALIAS, &far)])).ends(0);
    wharf(&config, with(&["cp", "-r"], [on(ALIAS, &far), on(ALIAS, &world.path().join("twin"))])).ends(0);
    wharf(&config, with(&["cp", "-r"], [on(ALIAS, &world.path().join("twin")), back.clone().into()])).ends(0);
    for name in &names {
        assert_eq!(fs::read(join(&join(&back, name), name)).unwrap(), *name);
    }
    wharf(&config, with(&["rm", "-r"], [on(ALIAS, &far)])).ends(0);
    assert!(!far.exists());
}
