//! CheckHostIP and what can be said in advance, without a server: ssh itself leaves addresses of
//! this machine alone, so a test's server cannot show it.

use std::{fs, path::Path};

use super::*;
use crate::trust::Never;

fn blob(seed: u8) -> Vec<u8> {
    let mut out = Vec::new();
    for part in [b"ssh-ed25519".as_slice(), &[seed; 32]] {
        out.extend_from_slice(&(part.len() as u32).to_be_bytes());
        out.extend_from_slice(part);
    }
    out
}

struct Setting {
    dir: tempfile::TempDir,
    strict: StrictHostKeyChecking,
    hashed: bool,
    reached: &'static str,
}

impl Setting {
    fn new(strict: StrictHostKeyChecking) -> Setting {
        Setting { dir: tempfile::tempdir().unwrap(), strict, hashed: false, reached: "192.0.2.7" }
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("known_hosts")
    }

    fn knows(&self, name: &str, port: u16, seed: u8) -> &Self {
        known_hosts::remember(&self.file(), name, port, &blob(seed), false).unwrap();
        self
    }

    fn checker(&self) -> HostKeyChecker {
        HostKeyChecker {
            known: KnownHosts::load(&[self.file()], &[]).unwrap(),
            name: "web".into(),
            port: 2222,
            address: self.reached.into(),
            by_address: address_beside(self.reached, 2222, "web", "[web]:2222")
                .map(|address| (address, 2222)),
            revoked: None,
            strict: self.strict,
            file: Some(self.file()),
            hashed: self.hashed,
            prompt: Arc::new(Never),
        }
    }

    async fn check(&self, seed: u8) -> Result<()> {
        self.checker().check("ssh-ed25519", &blob(seed)).await
    }

    fn text(&self) -> String {
        fs::read_to_string(self.file()).unwrap_or_default()
    }
}

#[tokio::test]
async fn an_address_is_remembered_beside_its_name() {
    let new = Setting::new(StrictHostKeyChecking::AcceptNew);
    new.check(1).await.unwrap();
    assert!(new.text().starts_with("[web]:2222,[192.0.2.7]:2222 ssh-ed25519 "), "{}", new.text());
    assert_eq!(new.text().lines().count(), 1);

    let known = Setting::new(StrictHostKeyChecking::Ask);
    known.knows("web", 2222, 1).check(1).await.unwrap();
    assert!(known.text().contains("\n[192.0.2.7]:2222 ssh-ed25519 "), "{}", known.text());
    let before = known.text();
    known.check(1).await.unwrap();
    assert_eq!(known.text(), before, "once is enough");

    let hashed = Setting { hashed: true, ..Setting::new(StrictHostKeyChecking::AcceptNew) };
    hashed.check(1).await.unwrap();
    assert_eq!(hashed.text().matches("|1|").count(), 2);
    assert_eq!(hashed.checker().state(), HostKeyState::Known);
}

#[tokio::test]
async fn an_address_with_another_key_is_refused() {
    for strict in [StrictHostKeyChecking::Yes, StrictHostKeyChecking::Ask, StrictHostKeyChecking::AcceptNew] {
        let setting = Setting::new(strict);
        let error = setting.knows("web", 2222, 1).knows("192.0.2.7", 2222, 2).check(1).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::HostKeyRefused);
        let detail = error.detail().unwrap();
        assert!(detail.contains("192.0.2.7") && detail.contains("known_hosts:2"), "{detail}");
        assert!(error.changed_identity().is_none(), "its own key is the one that is remembered");
    }
    let off = Setting::new(StrictHostKeyChecking::Off);
    off.knows("web", 2222, 1).knows("192.0.2.7", 2222, 2).check(1).await.unwrap();

    let unknown = Setting::new(StrictHostKeyChecking::AcceptNew);
    assert!(unknown.knows("192.0.2.7", 2222, 2).check(1).await.is_err());
    assert!(!unknown.text().contains("web"), "nothing is remembered of it");
}

#[tokio::test]
async fn a_known_address_is_no_reason_to_accept_a_changed_key() {
    let setting = Setting::new(StrictHostKeyChecking::Off);
    let error = setting.knows("web", 2222, 1).knows("192.0.2.7", 2222, 2).check(2).await.unwrap_err();
    assert!(error.changed_identity().is_some() && error.detail().unwrap().contains("CHANGED"));
}

#[test]
fn addresses_that_are_not_checked() {
    let beside = |reached, port, name: &str| {
        address_beside(reached, port, name, &known_hosts::recorded_name(name, port))
    };
    assert_eq!(beside("192.0.2.7", 22, "web").as_deref(), Some("192.0.2.7"));
    for (reached, port, name) in [
        ("192.0.2.7", 22, "192.0.2.7"),
        ("192.0.2.7", 2222, "192.0.2.7"),
        ("127.0.0.1", 22, "localhost"),
        ("::1", 22, "localhost"),
        ("through its ProxyCommand", 22, "web"),
        ("web through a jump host", 22, "web"),
    ] {
        assert_eq!(beside(reached, port, name), None, "{reached}");
    }
    let aliased = address_beside("192.0.2.7", 2222, "192.0.2.7", "alias");
    assert_eq!(aliased.as_deref(), Some("192.0.2.7"), "as ssh has it on another port");
}

#[tokio::test]
async fn what_is_revoked_is_said_in_advance() {
    let setting = Setting::new(StrictHostKeyChecking::Off);
    assert_eq!(setting.checker().state(), HostKeyState::Unknown);
    setting.knows("web", 2222, 1);
    let line = setting.text();
    let list = line.split_once(' ').unwrap().1.to_owned();
    let mut checker = setting.checker();
    checker.revoked = Some((Path::new("list").into(), Revoked::parse(list.as_bytes()).unwrap()));
    assert_eq!(checker.state(), HostKeyState::Revoked);
    assert!(checker.check("ssh-ed25519", &blob(1)).await.unwrap_err().detail().unwrap().contains("list"));

    fs::write(setting.file(), format!("{line}@revoked * {list}")).unwrap();
    assert_eq!(setting.checker().state(), HostKeyState::Revoked);
    fs::write(setting.file(), format!("@revoked * {list}")).unwrap();
    assert_eq!(setting.checker().state(), HostKeyState::Unknown);
}
