//! What known_hosts lines mean. Touches no network; files only below a temporary directory.

use std::os::unix::fs::{PermissionsExt, symlink};

use proptest::prelude::*;

use super::*;

fn blob(parts: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    for part in parts {
        out.extend_from_slice(&(part.len() as u32).to_be_bytes());
        out.extend_from_slice(part);
    }
    out
}

fn ed25519(seed: u8) -> Vec<u8> {
    blob(&[b"ssh-ed25519", &[seed; 32]])
}

fn rsa(seed: u8) -> Vec<u8> {
    blob(&[b"ssh-rsa", &[1, 0, 1], &[seed; 256]])
}

fn entry(hosts: &str, key: &[u8]) -> String {
    format!("{hosts} {} {}\n", algorithm(key).unwrap(), key::base64(key))
}

fn known(text: &str) -> KnownHosts {
    let mut known = KnownHosts::default();
    known.add(Path::new("f"), text.as_bytes());
    known
}

fn at(line: usize) -> Verdict {
    Verdict::Known { file: "f".into(), line }
}

fn is_changed(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Changed { .. })
}

#[test]
fn a_name_with_its_key_is_known_and_no_other() {
    let hosts = known(&entry("web,10.0.0.1", &ed25519(1)));
    assert_eq!(hosts.check("web", 22, &ed25519(1)), at(1));
    assert_eq!(hosts.check("WEB", 22, &ed25519(1)), at(1));
    assert_eq!(hosts.check("10.0.0.1", 22, &ed25519(1)), at(1));
    assert_eq!(hosts.check("web2", 22, &ed25519(1)), Verdict::Unknown);
    assert_eq!(hosts.check("we", 22, &ed25519(1)), Verdict::Unknown);
}

#[test]
fn another_key_or_another_type_is_a_change() {
    let hosts = known(&format!("# old\n{}", entry("web", &ed25519(1))));
    let Verdict::Changed { known } = hosts.check("web", 22, &ed25519(2)) else { panic!("accepted") };
    assert_eq!(known.len(), 1);
    assert_eq!((known[0].line, known[0].key_type.as_str()), (2, "ssh-ed25519"));
    assert_eq!(known[0].fingerprint, fingerprint(&ed25519(1)));
    assert!(is_changed(&hosts.check("web", 22, &rsa(1))));
}

#[test]
fn any_of_several_keys_is_known() {
    let hosts = known(&format!(
        "{}{}{}",
        entry("web", &ed25519(1)),
        entry("web", &ed25519(2)),
        entry("web", &rsa(1))
    ));
    assert_eq!(hosts.check("web", 22, &ed25519(2)), at(2));
    assert_eq!(hosts.check("web", 22, &rsa(1)), at(3));
    assert!(is_changed(&hosts.check("web", 22, &rsa(2))));
    assert_eq!(hosts.known_algorithms("web", 22), ["ssh-ed25519", "ssh-rsa"]);
}

#[test]
fn patterns_and_negation() {
    let hosts = known(&entry("*.example.org,!bad.example.org,h?st", &ed25519(1)));
    for name in ["a.example.org", "a.b.example.org", "A.EXAMPLE.ORG", "host", ".example.org"] {
        assert_eq!(hosts.check(name, 22, &ed25519(1)), at(1), "{name}");
    }
    for name in ["bad.example.org", "example.org", "hst", "hoost", "a.example.org.evil"] {
        assert_eq!(hosts.check(name, 22, &ed25519(1)), Verdict::Unknown, "{name}");
    }
    let only_negated = known(&entry("!bad", &ed25519(1)));
    assert_eq!(only_negated.check("good", 22, &ed25519(1)), Verdict::Unknown);
}

#[test]
fn a_port_is_part_of_the_name_with_the_bare_name_to_fall_back_on() {
    let bare = known(&entry("web", &ed25519(1)));
    assert_eq!(bare.check("web", 2222, &ed25519(1)), at(1));
    assert_eq!(bare.check("web", 2222, &ed25519(2)), Verdict::Unknown, "as ssh has it: another server");
    assert_eq!(bare.known_algorithms("web", 2222), ["ssh-ed25519"]);

    let both = known(&format!("{}{}", entry("web", &ed25519(1)), entry("[web]:2222", &ed25519(2))));
    assert_eq!(both.check("web", 2222, &ed25519(2)), at(2));
    assert!(is_changed(&both.check("web", 2222, &ed25519(1))), "the port's own line decides");
    assert!(is_changed(&both.check("web", 22, &ed25519(2))));
    assert_eq!(both.check("web", 2223, &ed25519(2)), Verdict::Unknown);

    let wild = known(&entry("[*]:2222", &ed25519(1)));
    assert_eq!(wild.check("any", 2222, &ed25519(1)), at(1));
    assert_eq!(wild.check("any", 22, &ed25519(1)), Verdict::Unknown);
}

#[test]
fn revoked_beats_known_in_any_file_and_on_any_port() {
    let mut hosts = known(&entry("web", &ed25519(1)));
    let revoked = format!("@revoked * {}", entry("", &ed25519(1)).trim_start());
    hosts.add(Path::new("global"), revoked.as_bytes());
    let verdict = Verdict::Revoked { file: "global".into(), line: 1 };
    assert_eq!(hosts.check("web", 22, &ed25519(1)), verdict);
    assert_eq!(hosts.check("other", 2222, &ed25519(1)), verdict);
    assert_eq!(hosts.check("other", 22, &ed25519(2)), Verdict::Unknown);
    assert!(hosts.known_algorithms("web", 22).is_empty());

    let bare = known(&format!("@revoked {}", entry("web", &ed25519(1))));
    assert!(matches!(bare.check("web", 2222, &ed25519(1)), Verdict::Revoked { .. }));
    assert_eq!(bare.check("else", 22, &ed25519(1)), Verdict::Unknown);

    let tabs = known(&format!("@revoked\tweb\t{}", entry("", &ed25519(1)).trim_start()));
    assert!(matches!(tabs.check("web", 22, &ed25519(1)), Verdict::Revoked { .. }));
}

#[test]
fn a_revoked_number_in_another_spelling_is_the_same_key() {
    let long = blob(&[b"ssh-rsa", &[0, 0, 1, 0, 1], &[&[0; 3][..], &[7; 256]].concat()]);
    let hosts = known(&format!("@revoked {}", entry("web", &long)));
    assert!(matches!(hosts.check("web", 22, &rsa(7)), Verdict::Revoked { .. }));
}

#[test]
fn an_authority_is_not_a_host_key() {
    let hosts = known(&format!("@cert-authority {}", entry("*.example.org", &ed25519(1))));
    assert_eq!(hosts.check("a.example.org", 22, &ed25519(1)), Verdict::Unknown);
    assert_eq!(hosts.authorities("a.example.org", 22), [ed25519(1)]);
    assert!(hosts.authorities("example.com", 22).is_empty());
    assert!(hosts.known_algorithms("a.example.org", 22).is_empty());
}

#[test]
fn a_certificate_is_never_known() {
    let certificate = blob(&[b"ssh-ed25519-cert-v01@openssh.com", &[1; 32], &[2; 32]]);
    let hosts = known(&entry("web", &certificate));
    assert_eq!(hosts.check("web", 22, &certificate), Verdict::Unknown);
    assert_eq!(hosts.invalid_lines().len(), 1);
}

#[test]
fn hashed_names_match_by_name_and_port() {
    let hash = line::hash_name("[web]:2222", &[9; 20]);
    let hosts = known(&entry(&hash, &ed25519(1)));
    assert_eq!(hosts.check("Web", 2222, &ed25519(1)), at(1));
    assert_eq!(hosts.check("web", 22, &ed25519(1)), Verdict::Unknown);
    assert_eq!(known(&entry("|1|c2hvcnQ=|c2hvcnQ=", &ed25519(1))).invalid_lines().len(), 1);
}

#[test]
fn odd_lines_are_tolerated_and_counted() {
    let good = entry("web", &ed25519(1));
    let good = good.trim_end();
    let long = "x".repeat(100_000);
    let text = format!(
        "\r\n  # comment\r\n\t{}\r\nweb\nweb ssh-ed25519\nweb ssh-ed25519 !!!\n@strange {good}\nweb ssh-rsa {}\n{} {long}\n{}",
        good.replace(' ', "\t \t"),
        key::base64(&ed25519(1)),
        good,
        entry(&long, &ed25519(2)),
    );
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(b"\xff\xfe\x80 ssh-ed25519 \xff\nlast ssh-ed25519 ");
    bytes.extend_from_slice(key::base64(&ed25519(3)).as_bytes());
    let mut hosts = KnownHosts::default();
    hosts.add(Path::new("f"), &bytes);
    let lines: Vec<usize> = hosts.invalid_lines().iter().map(|l| l.line).collect();
    assert_eq!(lines, [4, 5, 6, 7, 8, 11]);
    assert_eq!(hosts.check("web", 22, &ed25519(1)), at(3));
    assert_eq!(hosts.check("last", 22, &ed25519(3)), at(12));
}

#[test]
fn an_unreadable_file_is_an_error_and_a_missing_one_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("missing");
    assert!(KnownHosts::load(std::slice::from_ref(&missing), &[]).is_ok());
    let error = KnownHosts::load(&[missing], &[dir.path().to_owned()]).unwrap_err();
    assert_eq!(error.path, dir.path());
    assert!(error.to_string().starts_with(&dir.path().display().to_string()), "{error}");
}

#[test]
fn remembering_appends_and_touches_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join(".ssh/known_hosts");
    remember(&file, "Web", 22, &ed25519(1), false).unwrap();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), entry("web", &ed25519(1)));
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(&file), 0o600);
    assert_eq!(mode(file.parent().unwrap()), 0o700);

    std::fs::write(&file, "# no newline").unwrap();
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o640)).unwrap();
    remember(&file, "web", 2222, &rsa(1), true).unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.starts_with("# no newline\n|1|"), "{text}");
    assert_eq!(mode(&file), 0o640);
    let hosts = KnownHosts::load(&[file], &[]).unwrap();
    assert!(matches!(hosts.check("web", 2222, &rsa(1)), Verdict::Known { line: 2, .. }));
}

#[test]
fn remembering_refuses_what_it_cannot_write() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("known_hosts");
    for name in ["", "a b", "a\nb", "a,b", "*", "|1|x", "@revoked", "#x", "!x"] {
        let error = remember(&file, name, 22, &ed25519(1), false).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{name:?}");
    }
    assert!(remember(&file, "web", 22, b"no key", false).is_err());
    assert!(!file.exists());

    let (dangling, target) = (dir.path().join("dangling"), dir.path().join("target"));
    symlink(&target, &dangling).unwrap();
    assert!(remember(&dangling, "web", 22, &ed25519(1), false).is_err());
    assert!(!target.exists());
    std::fs::write(&target, "").unwrap();
    remember(&dangling, "web", 22, &ed25519(1), false).unwrap();
    assert_eq!(std::fs::read_to_string(&target).unwrap(), entry("web", &ed25519(1)));

    remember(Path::new("/dev/null"), "web", 22, &ed25519(1), false).unwrap();
}

proptest! {
    #[test]
    fn reading_never_panics(text in proptest::collection::vec(any::<u8>(), 0..400), blob in proptest::collection::vec(any::<u8>(), 0..80)) {
        let mut hosts = KnownHosts::default();
        hosts.add(Path::new("f"), &text);
        let _ = hosts.check("web", 22, &blob);
        let _ = randomart(&blob);
        let _ = algorithm(&blob);
    }

    #[test]
    fn lines_almost_right_never_panic(
        line in "(@[a-z-]{0,10}[ \t])?[|1*?!a,\\[\\]:=]{0,12}[ \t]{0,2}(ssh-(rsa|ed25519)|RSA)?[ \t]{0,2}(AAAA[A-Za-z0-9+/]{0,40}={0,2})?[ \t#]{0,3}.{0,5}"
    ) {
        let _ = known(&line);
    }

    #[test]
    fn patterns_agree_with_the_obvious_definition(pattern in "[ab*?]{0,8}", name in "[ab]{0,8}") {
        fn obvious(p: &[u8], n: &[u8]) -> bool {
            match p.first() {
                None => n.is_empty(),
                Some(b'*') => (0..=n.len()).any(|i| obvious(&p[1..], &n[i..])),
                Some(b'?') => !n.is_empty() && obvious(&p[1..], &n[1..]),
                Some(c) => n.first() == Some(c) && obvious(&p[1..], &n[1..]),
            }
        }
        let hosts = known(&entry(&format!("{pattern},x"), &ed25519(1)));
        let matched = hosts.check(&name, 22, &ed25519(1)) == at(1);
        prop_assert_eq!(matched, obvious(pattern.as_bytes(), name.as_bytes()));
    }
}
