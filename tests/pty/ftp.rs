//! FTP under TLS in the panes: a certificate that nobody vouches for, shown and pinned; files
//! copied both ways; what the server answered.

use std::{ffi::OsStr, fs, path::Path};

use crate::{
    screen::*,
    support::{
        certificates::Issuer,
        ftp::{FtpConfig, FtpServer, Software, Tls},
    },
};

fn start(home: &Path, place: &str) -> Screen {
    let arguments = ["-F", "none", "here", place].map(OsStr::new);
    let screen = Screen::start(120, 34, home, &arguments);
    screen.wait_for("local.txt");
    screen
}

fn log_in(screen: &mut Screen, server: &FtpServer) {
    screen.wait_for("Password for");
    screen.enter(server.password());
    screen.wait_for("remote.txt");
}

fn quit(mut screen: Screen) {
    screen.press("q");
    assert_eq!(screen.wait().exit_code(), 0, "{}", screen.text());
    screen.assert_given_back();
}

#[test]
fn a_certificate_is_pinned_and_files_go_both_ways() {
    let config = FtpConfig { tls: Tls::Required, issuer: Issuer::Itself, ..FtpConfig::default() };
    let mut server = FtpServer::start(Software::Vsftpd, config);
    server.put("remote.txt", b"from the server\n");
    let home = tempfile::tempdir().unwrap();
    let here = home.path().join("here");
    fs::create_dir(&here).unwrap();
    fs::write(here.join("local.txt"), "from this machine\n").unwrap();
    let place = format!("ftpes://{}@127.0.0.1:{}{}", server.user(), server.port(), server.home());
    let fingerprint = server.identity().fingerprint();

    // Enter takes the safe answer.
    let mut screen = start(home.path(), &place);
    screen.wait_for("Untrusted certificate");
    for text in ["self-signed", "2020-01-01", &fingerprint[..29]] {
        screen.wait_for(text);
    }
    screen.press(ENTER);
    screen.wait_for("Could not trust the certificate");
    assert!(!screen.text().contains("Password for"), "{}", screen.text());
    screen.press(TAB);
    screen.press(CTRL_R);
    screen.wait_for("Untrusted certificate");
    screen.press("y");
    log_in(&mut screen, &server);

    // The right pane has the focus: down, then up.
    screen.go_to("remote.txt");
    screen.press(F5);
    screen.wait_for("✓ remote.txt → ");
    screen.press(TAB);
    screen.go_to("local.txt");
    screen.press(F5);
    screen.wait_for("✓ local.txt → ");
    assert_eq!(fs::read(here.join("remote.txt")).unwrap(), b"from the server\n");
    assert_eq!(fs::read(server.root().join("local.txt")).unwrap(), b"from this machine\n");
    screen.press("L");
    for text in ["RNTO", "250"] {
        screen.wait_for(text);
    }
    quit(screen);

    // Pinned: the next start asks for the password alone.
    let mut screen = start(home.path(), &place);
    log_in(&mut screen, &server);
    assert!(!screen.text().contains("Untrusted certificate"));
    quit(screen);

    // A changed one is no question.
    server.restart_with_new_identity();
    let screen = start(home.path(), &place);
    for text in ["Certificate changed", &fingerprint[..23], "certificates:1"] {
        screen.wait_for(text);
    }
    assert!(!screen.text().contains("Trust it and connect"), "{}", screen.text());
    quit(screen);
}
