//! Real FTP servers for tests: one way to ask for vsftpd, proftpd or pure-ftpd, plain or with
//! TLS. Owns the user, the files and the certificate they share; how each is told is in a file
//! of its own. Must never touch a server that it did not start.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use super::{
    PASSWORD, PASSWORD_USER,
    certificates::{Identity, Issuer},
    create_password_user, current_user,
    daemon::{Daemon, directory},
    is_root, proftpd, pureftpd, vsftpd,
};

/// [`PASSWORD`] as crypt(3) stores it (SHA-512): for the servers with user files of their own.
pub const PASSWORD_CRYPT: &str =
    "$6$wharftest$scQl.uui.wHa4LQrVoNjfDqMteYhKmL51dEg651823a7XyELyFmvrs43keHlXoD14uymU7LNuy73ilWD/mKlE1";

/// Which program serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Software {
    /// Has no MLSD; needs root.
    Vsftpd,
    Proftpd,
    /// Has neither implicit TLS nor session reuse to insist on; needs root. Its own log is the
    /// system's: only transfers can be read.
    Pureftpd,
}

pub const ALL: [Software; 3] = [Software::Vsftpd, Software::Proftpd, Software::Pureftpd];

impl Software {
    pub fn has_mlsd(self) -> bool {
        self != Software::Vsftpd
    }

    pub fn has_implicit_tls(self) -> bool {
        self != Software::Pureftpd
    }

    /// Whether its log has every command and reply.
    pub fn logs_commands(self) -> bool {
        self != Software::Pureftpd
    }
}

/// How a server speaks TLS (RFC 4217; implicit TLS is older than that).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tls {
    #[default]
    None,
    /// AUTH TLS works, and so does doing without.
    Offered,
    /// Nobody logs in, and no data goes, without AUTH TLS.
    Required,
    /// TLS from the first byte.
    Implicit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    V1_2,
    V1_3,
}

/// What differs from one server to the next. A server that cannot be told a part of it panics.
#[derive(Clone, Debug, Default)]
pub struct FtpConfig {
    pub tls: Tls,
    /// Oldest and newest version of TLS.
    pub tls_versions: Option<(TlsVersion, TlsVersion)>,
    /// The data channel's TLS session must resume the control channel's.
    pub require_reuse: bool,
    pub issuer: Issuer,
    /// No MLSD, MLST or facts, where the server has them otherwise.
    pub no_mlsd: bool,
    /// `anonymous` may log in too, and read what [`FtpServer::anonymous_root`] holds.
    pub anonymous: bool,
    /// The login directory is `/` to the client.
    pub chroot: bool,
    /// The address that PASV tells, in place of the server's own.
    pub announced_address: Option<Ipv4Addr>,
    pub max_per_address: Option<u32>,
    /// On `::1` in place of 127.0.0.1. vsftpd alone.
    pub ipv6: bool,
    /// An idle session ends after this. pure-ftpd counts in minutes.
    pub idle: Option<Duration>,
    /// Lines for vsftpd's and proftpd's configuration, arguments for pure-ftpd.
    pub extra: Vec<String>,
}

/// Who logs in, as the servers are told.
#[derive(Clone, Debug)]
pub struct Login {
    pub user: String,
    pub uid: u32,
    pub gid: u32,
}

/// Everything a server's own file needs to write its configuration.
pub struct Setup<'a> {
    pub config: &'a FtpConfig,
    pub login: &'a Login,
    pub dir: &'a Path,
    pub port: u16,
}

impl Setup<'_> {
    /// Where logins land.
    pub fn root(&self) -> PathBuf {
        self.dir.join("root")
    }

    pub fn anonymous_root(&self) -> PathBuf {
        self.dir.join("anonymous")
    }

    pub fn cert(&self) -> PathBuf {
        self.dir.join("cert.pem")
    }

    pub fn key(&self) -> PathBuf {
        self.dir.join("key.pem")
    }

    /// Certificate and key in one file.
    pub fn both(&self) -> PathBuf {
        self.dir.join("both.pem")
    }

    /// Bounds the versions of TLS for a server that has no settings for it: OpenSSL's own
    /// configuration, config(5ssl).
    pub fn bound_tls(&self, command: &mut Command) {
        let Some((oldest, newest)) = self.config.tls_versions else { return };
        let name = |version| match version {
            TlsVersion::V1_2 => "TLSv1.2",
            TlsVersion::V1_3 => "TLSv1.3",
        };
        let text = format!(
            "openssl_conf = start\n[start]\nssl_conf = ssl\n[ssl]\nsystem_default = versions\n[versions]\n\
             MinProtocol = {}\nMaxProtocol = {}\n",
            name(oldest),
            name(newest),
        );
        let file = self.dir.join("openssl.cnf");
        fs::write(&file, text).expect("openssl.cnf");
        command.env("OPENSSL_CONF", file);
    }
}

/// A running FTP server; it ends with this.
pub struct FtpServer {
    software: Software,
    config: FtpConfig,
    login: Login,
    identity: Identity,
    daemon: Daemon,
}

impl FtpServer {
    /// Starts one on a free port of 127.0.0.1 and waits until it listens. Panics with its log
    /// where it does not.
    pub fn start(software: Software, config: FtpConfig) -> FtpServer {
        assert!(!config.ipv6 || software == Software::Vsftpd, "{software:?} is not told of ::1");
        let login = login(software);
        let identity = Identity::new(config.issuer);
        let (name, prepare): (_, fn(&Setup<'_>) -> Command) = match software {
            Software::Vsftpd => ("vsftpd", vsftpd::command),
            Software::Proftpd => ("proftpd", proftpd::command),
            Software::Pureftpd => ("pure-ftpd", pureftpd::command),
        };
        let dir = directory(name);
        let root = dir.path().join("root");
        for path in [&root, &dir.path().join("anonymous")] {
            fs::create_dir(path).expect("a directory to serve");
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("permissions");
        }
        give(&root, &login);
        write_identity(dir.path(), &identity);
        let daemon = Daemon::start(name, dir, {
            let (config, login) = (config.clone(), login.clone());
            move |dir, port| prepare(&Setup { config: &config, login: &login, dir, port })
        });
        FtpServer { software, config, login, identity, daemon }
    }

    pub fn software(&self) -> Software {
        self.software
    }

    pub fn config(&self) -> &FtpConfig {
        &self.config
    }

    pub fn port(&self) -> u16 {
        self.daemon.port()
    }

    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port()).into()
    }

    pub fn user(&self) -> &str {
        &self.login.user
    }

    pub fn password(&self) -> &'static str {
        PASSWORD
    }

    /// Where logins land, on this machine's disk.
    pub fn root(&self) -> PathBuf {
        self.daemon.dir().join("root")
    }

    /// The same as the client sees it: what PWD answers behind a login.
    pub fn home(&self) -> String {
        if self.config.chroot { "/".to_owned() } else { self.root().display().to_string() }
    }

    /// What anonymous logins see as `/`.
    pub fn anonymous_root(&self) -> PathBuf {
        self.daemon.dir().join("anonymous")
    }

    /// For files of the test beside what is served; it goes away with the server.
    pub fn dir(&self) -> &Path {
        self.daemon.dir()
    }

    /// The server's certificate and the authority it may be trusted by.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The authority as a PEM file.
    pub fn ca_file(&self) -> PathBuf {
        self.daemon.dir().join("ca.pem")
    }

    /// A file of the user who logs in, below [`FtpServer::root`].
    pub fn put(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.root().join(name);
        fs::write(&path, content).expect("a file to serve");
        self.give(&path);
        path
    }

    /// Makes the user who logs in the owner of a path.
    pub fn give(&self, path: &Path) {
        give(path, &self.login);
    }

    /// What it has said so far.
    pub fn log(&self) -> String {
        self.daemon.log()
    }

    /// Waits for a line of the log that contains `text`.
    #[track_caller]
    pub fn wait_for_log(&self, text: &str) {
        self.daemon.wait_for_log(text);
    }

    /// Ends it, sessions and all; the port stays its own for [`FtpServer::restart`].
    pub fn stop(&mut self) {
        self.daemon.stop();
    }

    /// Ends it, sessions and all, and starts it again on the same port.
    pub fn restart(&mut self) {
        self.daemon.restart();
    }

    /// The same with a new key, certificate and authority: what a man in the middle looks like.
    pub fn restart_with_new_identity(&mut self) {
        self.identity = Identity::new(self.config.issuer);
        write_identity(self.daemon.dir(), &self.identity);
        self.daemon.restart();
    }

    /// Cuts every session and goes on listening.
    pub fn cut_sessions(&self) {
        self.daemon.cut_sessions();
    }

    /// Stops every session where it stands: nothing answers there any more.
    pub fn freeze_sessions(&self) {
        self.daemon.freeze_sessions();
    }

    /// The server itself, and all that it has started.
    pub fn processes(&self) -> Vec<u32> {
        self.daemon.processes()
    }

    /// Lets them go on.
    pub fn thaw_sessions(&self) {
        self.daemon.thaw_sessions();
    }
}

/// Root has the servers act as [`PASSWORD_USER`], as no FTP server likes root; others can only
/// act as themselves.
fn login(software: Software) -> Login {
    if is_root() {
        create_password_user();
        let user = nix::unistd::User::from_name(PASSWORD_USER).ok().flatten().expect("the user");
        return Login { user: user.name, uid: user.uid.as_raw(), gid: user.gid.as_raw() };
    }
    assert!(software == Software::Proftpd, "{software:?} runs as root only: run the tests as root");
    let (uid, gid) = (nix::unistd::geteuid().as_raw(), nix::unistd::getegid().as_raw());
    Login { user: current_user(), uid, gid }
}

fn give(path: &Path, login: &Login) {
    if is_root() {
        chown(path, Some(login.uid), Some(login.gid)).expect("a new owner");
    }
}

fn write_identity(dir: &Path, identity: &Identity) {
    let Identity { cert_pem, key_pem, ca_pem, .. } = identity;
    for (name, text, mode) in [
        ("cert.pem", cert_pem.clone(), 0o644),
        ("key.pem", key_pem.clone(), 0o600),
        ("both.pem", format!("{key_pem}{cert_pem}"), 0o600),
        ("ca.pem", ca_pem.clone(), 0o644),
    ] {
        let file = dir.join(name);
        fs::write(&file, text).expect("a certificate's file");
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("permissions");
    }
}
