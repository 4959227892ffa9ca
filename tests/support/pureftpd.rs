//! What pure-ftpd is told: its arguments, and a database of users (pure-ftpd(8), pure-pw(8)).
//! Serves nothing itself.

use std::{fs, process::Command};

use super::{
    daemon::unpacked_command,
    ftp::{PASSWORD_CRYPT, Setup, Tls},
};

/// Writes the database of users and gives the command that serves by it.
pub fn command(setup: &Setup<'_>) -> Command {
    let Setup { config, login, dir, .. } = setup;
    assert!(config.tls != Tls::Implicit, "pure-ftpd has no implicit TLS");
    assert!(!config.require_reuse, "pure-ftpd never insists on a session to be reused");
    assert!(!config.no_mlsd, "pure-ftpd always has MLSD");
    assert!(!config.anonymous, "pure-ftpd takes anonymous logins only where the system has a user ftp");

    // What stands before "/./" is "/" to the client.
    let jail = if config.chroot { "/./" } else { "" };
    let home = format!("{}{jail}", setup.root().display());
    let (users, database) = (dir.join("users"), dir.join("users.pdb"));
    let line = format!("{}:{PASSWORD_CRYPT}:{}:{}::{home}::::::::::::\n", login.user, login.uid, login.gid);
    fs::write(&users, line).expect("the users");
    let made = unpacked_command("pure-ftpd", "usr/bin/pure-pw")
        .arg("mkdb")
        .arg(&database)
        .arg("-f")
        .arg(&users)
        .output()
        .expect("pure-pw");
    assert!(made.status.success(), "pure-pw: {}", String::from_utf8_lossy(&made.stderr));

    let mut command = unpacked_command("pure-ftpd", "usr/sbin/pure-ftpd");
    command.arg("-S").arg(format!("127.0.0.1,{}", setup.port));
    command.arg("-l").arg(format!("puredb:{}", database.display()));
    command.arg("-O").arg(format!("clf:{}", dir.join("transfers.log").display()));
    command.arg("-g").arg(dir.join("pid"));
    // Users from 1 up, none anonymous, no names looked up, dot files served and listed, no
    // limit that a test would meet by chance.
    command.args(["-u", "1", "-E", "-H", "-D", "-z", "-U", "022:022", "-c", "1000", "-L", "1000000:1000"]);
    if let Some(most) = config.max_per_address {
        command.arg("-C").arg(most.to_string());
    }
    if let Some(idle) = config.idle {
        command.arg("-I").arg(idle.as_secs().div_ceil(60).max(1).to_string());
    }
    if let Some(address) = config.announced_address {
        command.arg("-P").arg(address.to_string());
    }
    match config.tls {
        Tls::None | Tls::Implicit => {}
        Tls::Offered => {
            command.args(["-Y", "1"]);
        }
        // On both channels; 2 would leave data in the clear.
        Tls::Required => {
            command.args(["-Y", "3"]);
        }
    }
    if config.tls != Tls::None {
        command.arg("-2").arg(setup.both());
    }
    command.args(&config.extra);
    setup.bound_tls(&mut command);
    command
}
