//! What proftpd is told, as an FTP server; the part that every proftpd needs is shared with
//! [`super::mod_sftp`]. Starts nothing itself.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command};

use super::{
    daemon::{unpacked, unpacked_command},
    ftp::{Login, PASSWORD_CRYPT, Setup, Tls, TlsVersion},
    is_root,
};

/// Writes proftpd.conf and gives the command that serves by it.
pub fn command(setup: &Setup<'_>) -> Command {
    let Setup { config, login, dir, .. } = setup;
    let mut text = common(dir, setup.port, login, &setup.root());
    text += "LoadModule mod_tls.c\nLogFormat exchange \"%h %r -> %s %S\"\n";
    text += &format!("ExtendedLog {} ALL exchange\n", dir.join("commands.log").display());
    if config.no_mlsd {
        text += "<IfModule mod_facts.c>\n  FactsAdvertise off\n</IfModule>\n\
                 <Limit MLSD MLST>\n  DenyAll\n</Limit>\n";
    }
    if config.chroot {
        text += "DefaultRoot ~\n";
    }
    if config.anonymous {
        text += &format!(
            "<Anonymous {}>\n  User {user}\n  UserAlias anonymous {user}\n  RequireValidShell off\n  \
             <Limit WRITE>\n    DenyAll\n  </Limit>\n</Anonymous>\n",
            setup.anonymous_root().display(),
            user = ANONYMOUS,
        );
    }
    if let Some(address) = config.announced_address {
        text += &format!("MasqueradeAddress {address}\n");
    }
    if let Some(most) = config.max_per_address {
        text += &format!("MaxClientsPerHost {most}\n");
    }
    if let Some(idle) = config.idle {
        text += &format!("TimeoutIdle {}\n", idle.as_secs().max(1));
    }
    if config.tls != Tls::None {
        let mut options = vec![];
        if config.tls == Tls::Implicit {
            options.push("UseImplicitSSL");
        }
        if !config.require_reuse {
            options.push("NoSessionReuseRequired");
        }
        let versions = match config.tls_versions {
            None | Some((TlsVersion::V1_2, TlsVersion::V1_3)) => "TLSv1.2 TLSv1.3",
            Some((_, TlsVersion::V1_2)) => "TLSv1.2",
            Some((TlsVersion::V1_3, _)) => "TLSv1.3",
        };
        text += &format!(
            "TLSEngine on\nTLSLog {}\nTLSProtocol {versions}\nTLSECCertificateFile {}\nTLSECCertificateKeyFile {}\n\
             TLSVerifyClient off\nTLSRequired {}\n",
            dir.join("tls.log").display(),
            setup.cert().display(),
            setup.key().display(),
            if config.tls == Tls::Offered { "off" } else { "on" },
        );
        if !options.is_empty() {
            text += &format!("TLSOptions {}\n", options.join(" "));
        }
    }
    // Behind the modules that know them.
    text.extend(config.extra.iter().map(|line| format!("{line}\n")));
    run(dir, &text)
}

/// Who an anonymous login acts as.
const ANONYMOUS: &str = "ftp";

/// What every proftpd is told, with `login` as its one user and `home` as where that lands.
pub fn common(dir: &Path, port: u16, login: &Login, home: &Path) -> String {
    let Login { user, uid, gid } = login;
    let (users, groups) = (dir.join("users"), dir.join("groups"));
    let lines = format!(
        "{user}:{PASSWORD_CRYPT}:{uid}:{gid}::{home}:/bin/sh\n{ANONYMOUS}:*:{uid}:{gid}::{home}:/bin/sh\n",
        home = home.display(),
    );
    for (file, text) in [(&users, lines), (&groups, format!("{user}:x:{gid}:\n"))] {
        fs::write(file, text).expect("the users");
        // It refuses what others may read.
        fs::set_permissions(file, fs::Permissions::from_mode(0o600)).expect("permissions");
    }
    let mut text = format!(
        "ServerName wharf-test\nServerType standalone\nDefaultAddress 127.0.0.1\nSocketBindTight on\nPort {port}\n\
         UseIPv6 off\nUseReverseDNS off\nModulePath {}\nPidFile {}\nScoreboardFile {}\nSystemLog {}\n\
         AuthUserFile {}\nAuthGroupFile {}\n",
        unpacked("proftpd", "usr/lib/proftpd").display(),
        dir.join("pid").display(),
        dir.join("scoreboard").display(),
        dir.join("system.log").display(),
        users.display(),
        groups.display(),
    );
    text += "AuthOrder mod_auth_file.c\nUseFtpUsers off\nRequireValidShell off\nDelayEngine off\nWtmpLog off\nTransferLog none\n\
             RootLogin on\nUmask 022\nAllowOverwrite on\nAllowStoreRestart on\nAllowRetrieveRestart on\n\
             MaxInstances 1000\n";
    // Without a User it stays what it was started as, which it needs where that is not root.
    if is_root() {
        text += "User nobody\nGroup nogroup\n";
    }
    text
}

/// Writes proftpd.conf and gives the command that serves by it.
pub fn run(dir: &Path, text: &str) -> Command {
    let file = dir.join("proftpd.conf");
    fs::write(&file, text).expect("proftpd.conf");
    let mut command = unpacked_command("proftpd", "usr/sbin/proftpd");
    command.arg("-n").arg("-c").arg(file);
    command
}
