//! proftpd's mod_sftp: a second SSH server for tests, with none of OpenSSH's code in it. Owns
//! its keys and files; what it shares with proftpd as an FTP server is in `proftpd.rs`.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use super::{
    SshServer, client_config, current_user,
    daemon::{Daemon, directory},
    ftp::Login,
    generate, proftpd, sftp_batch,
};

/// What differs from one server to the next.
#[derive(Clone, Debug, Default)]
pub struct ModSftpConfig {
    /// Lines for proftpd.conf.
    pub extra: Vec<String>,
}

/// A running proftpd that speaks SSH; it ends with this. Both the user key and
/// [`super::PASSWORD`] log in as whoever runs the tests.
pub struct ModSftp {
    daemon: Daemon,
}

impl ModSftp {
    /// Starts one on a free port of 127.0.0.1 and waits until it listens. Panics with its log
    /// where it does not.
    pub fn start(config: ModSftpConfig) -> ModSftp {
        let dir = directory("mod-sftp");
        let root = dir.path().join("root");
        fs::create_dir(&root).expect("a directory to serve");
        generate(&dir.path().join("host_ed25519"), "ed25519");
        generate(&dir.path().join("user_key"), "ed25519");
        authorize(dir.path());
        let daemon = Daemon::start("proftpd", dir, move |dir, port| command(dir, port, &config));
        let server = ModSftp { daemon };
        let key = server.host_key();
        fs::write(server.known_hosts(), format!("[127.0.0.1]:{} {key}\n", server.port()))
            .expect("known_hosts");
        let text = client_config(server.port(), &server.user_key(), &server.known_hosts());
        fs::write(server.ssh_config(), text).expect("ssh_config");
        server
    }

    pub fn port(&self) -> u16 {
        self.daemon.port()
    }

    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port()).into()
    }

    pub fn user(&self) -> String {
        current_user()
    }

    /// Where logins land.
    pub fn root(&self) -> PathBuf {
        self.daemon.dir().join("root")
    }

    pub fn known_hosts(&self) -> PathBuf {
        self.daemon.dir().join("known_hosts")
    }

    pub fn user_key(&self) -> PathBuf {
        self.daemon.dir().join("user_key")
    }

    /// The public half of the host key: type and base64.
    pub fn host_key(&self) -> String {
        let text = fs::read_to_string(self.daemon.dir().join("host_ed25519.pub")).expect("the host key");
        text.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
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

    /// Ends it, sessions and all, and starts it again on the same port. known_hosts stays.
    pub fn restart(&mut self) {
        self.daemon.restart();
    }

    /// The same with a new host key: what a man in the middle looks like.
    pub fn restart_with_new_host_key(&mut self) {
        let key = self.daemon.dir().join("host_ed25519");
        fs::remove_file(&key).expect("the old host key");
        generate(&key, "ed25519");
        self.daemon.restart();
    }

    /// Cuts every session and goes on listening.
    pub fn cut_sessions(&self) {
        self.daemon.cut_sessions();
    }

    /// `sftp -b -` with these commands.
    pub fn sftp(&self, batch: &str) -> Output {
        sftp_batch(&self.ssh_config(), batch)
    }
}

impl SshServer for ModSftp {
    fn dir(&self) -> &Path {
        self.daemon.dir()
    }

    /// An ssh_config whose Host [`super::ALIAS`] reaches the server without a question.
    fn ssh_config(&self) -> PathBuf {
        self.daemon.dir().join("ssh_config")
    }
}

/// It reads keys in the form of RFC 4716 only.
fn authorize(dir: &Path) {
    let output = Command::new("ssh-keygen")
        .args(["-e", "-m", "RFC4716", "-f"])
        .arg(dir.join("user_key.pub"))
        .output()
        .expect("ssh-keygen, of openssh-client");
    assert!(output.status.success(), "ssh-keygen: {}", String::from_utf8_lossy(&output.stderr));
    let file = dir.join("authorized_keys");
    fs::write(&file, output.stdout).expect("authorized_keys");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("permissions");
}

fn command(dir: &Path, port: u16, config: &ModSftpConfig) -> Command {
    let (uid, gid) = (nix::unistd::geteuid().as_raw(), nix::unistd::getegid().as_raw());
    let login = Login { user: current_user(), uid, gid };
    let mut text = proftpd::common(dir, port, &login, &dir.join("root"));
    text += &format!(
        "LoadModule mod_sftp.c\nSFTPEngine on\nSFTPLog {}\nSFTPHostKey {}\nSFTPAuthorizedUserKeys file:{}\n\
         SFTPAuthMethods publickey password\nLogFormat exchange \"%h %r -> %s\"\nExtendedLog {} ALL exchange\n",
        dir.join("sftp.log").display(),
        dir.join("host_ed25519").display(),
        dir.join("authorized_keys").display(),
        dir.join("commands.log").display(),
    );
    // Behind the modules that know them.
    text.extend(config.extra.iter().map(|line| format!("{line}\n")));
    proftpd::run(dir, &text)
}
