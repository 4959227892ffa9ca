//! What revocation lists revoke, without a server; those of ssh-keygen are in `tests/revoked.rs`.

use proptest::prelude::*;

use super::*;

fn blob(seed: u8) -> Vec<u8> {
    let mut out = Vec::new();
    for part in [b"ssh-ed25519".as_slice(), &[seed; 32]] {
        string(&mut out, part);
    }
    out
}

fn string(out: &mut Vec<u8>, part: &[u8]) {
    out.extend_from_slice(&(part.len() as u32).to_be_bytes());
    out.extend_from_slice(part);
}

fn section(kind: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![kind];
    string(&mut out, content);
    out
}

fn strings(parts: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    parts.iter().for_each(|part| string(&mut out, part));
    out
}

fn krl(sections: &[Vec<u8>]) -> Vec<u8> {
    let mut out = krl::MAGIC.to_vec();
    out.extend_from_slice(&1u32.to_be_bytes());
    out.extend_from_slice(&[0; 24]);
    out.extend(strings(&[b"", b"a comment"]));
    out.extend(sections.concat());
    out
}

fn of(serial: u64, key_id: &'static str, authority: &[u8]) -> (u64, &'static str, Vec<u8>) {
    (serial, key_id, authority.to_vec())
}

fn has(revoked: &Revoked, (serial, key_id, authority): (u64, &str, Vec<u8>)) -> bool {
    let key = blob(9);
    revoked.has_certificate(&Certificate {
        key: &key,
        authority: &authority,
        serial,
        key_id: key_id.as_bytes(),
    })
}

#[test]
fn a_list_of_keys() {
    let line = |seed| format!("ssh-ed25519 {} a comment\n", STANDARD.encode(blob(seed)));
    let revoked = Revoked::parse(format!("# revoked\n\n  {}{}", line(1), line(2)).as_bytes()).unwrap();
    assert!(revoked.has_key(&blob(1)) && revoked.has_key(&blob(2)) && !revoked.has_key(&blob(3)));
    assert!(has(&revoked, of(0, "", &blob(1))), "a revoked authority vouches for nobody");
    assert!(Revoked::parse(b"").unwrap().keys.is_empty());
    for bad in ["x\n", "ssh-ed25519\n", "ssh-ed25519 AAAA\n", "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIA==\n"] {
        let text = format!("{}{bad}", line(1));
        assert!(matches!(Revoked::parse(text.as_bytes()), Err(Unusable::Line(2))), "{bad}");
    }
}

#[test]
fn keys_and_fingerprints_of_a_krl() {
    let revoked = Revoked::parse(&krl(&[
        section(2, &strings(&[&blob(1), &blob(2)])),
        section(3, &strings(&[Sha1::digest(blob(3)).as_slice()])),
        section(5, &strings(&[Sha256::digest(blob(4)).as_slice()])),
    ]))
    .unwrap();
    assert_eq!([1, 2, 3, 4, 5].map(|seed| revoked.has_key(&blob(seed))), [true, true, true, true, false]);
}

#[test]
fn certificates_of_a_krl() {
    let number = |n: u64| n.to_be_bytes().to_vec();
    let mut of_one = strings(&[&blob(1), b""]);
    of_one.extend(section(0x20, &[number(5), number(7)].concat()));
    of_one.extend(section(0x21, &[number(100), number(200)].concat()));
    of_one.extend(section(0x22, &[number(1000), strings(&[&[0, 0x80, 0x01]])].concat()));
    let mut of_any = strings(&[b"", b""]);
    of_any.extend(section(0x23, &strings(&[b"stolen"])));
    of_any.extend(section(0x39, &[strings(&[b"name"]), vec![0], strings(&[b""])].concat()));
    let revoked = Revoked::parse(&krl(&[section(1, &of_one), section(1, &of_any)])).unwrap();
    for (serial, is_revoked) in
        [(5, true), (6, false), (7, true), (99, false), (100, true), (200, true), (201, false)]
            .into_iter()
            .chain([(1000, true), (1001, false), (1014, false), (1015, true), (1016, false), (0, false)])
            .chain([(u64::MAX, false)])
    {
        assert_eq!(has(&revoked, of(serial, "", &blob(1))), is_revoked, "{serial}");
        assert!(!has(&revoked, of(serial, "", &blob(2))), "{serial} of another authority");
    }
    assert!(has(&revoked, of(0, "stolen", &blob(2))) && !has(&revoked, of(0, "stole", &blob(2))));
}

#[test]
fn what_is_not_understood_makes_a_krl_unusable() {
    let good = krl(&[section(2, &strings(&[&blob(1)]))]);
    assert!(Revoked::parse(&good).is_ok());
    for cut in krl::MAGIC.len()..good.len() {
        let is_whole = cut == krl(&[]).len();
        assert_eq!(Revoked::parse(&good[..cut]).is_ok(), is_whole, "cut at {cut}");
    }
    for bad in [
        section(6, b""),
        section(3, &strings(&[b"short"])),
        section(255, &[strings(&[b"name"]), vec![1], strings(&[b""])].concat()),
        section(1, &[strings(&[b"", b""]), section(0x24, b"")].concat()),
        section(1, &[strings(&[b"", b""]), section(0x21, &[1; 8])].concat()),
    ] {
        assert!(matches!(Revoked::parse(&krl(std::slice::from_ref(&bad))), Err(Unusable::Krl(_))), "{bad:?}");
    }
    let mut later = good;
    later[krl::MAGIC.len() + 3] = 2;
    assert!(Revoked::parse(&later).is_err());
}

proptest! {
    #[test]
    fn reading_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Revoked::parse(&bytes);
        let _ = Revoked::parse(&krl(std::slice::from_ref(&bytes)));
        let _ = Revoked::parse(&krl(&[section(1, &bytes)]));
    }
}
