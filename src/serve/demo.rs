//! The demo: a sample tree in a temporary directory, shared by a server on the loopback
//! interface. Must never touch a file outside that directory.

use std::{
    fs::{self, File, FileTimes, Permissions},
    io,
    net::Ipv4Addr,
    os::unix::{
        ffi::OsStrExt,
        fs::{PermissionsExt, symlink},
    },
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rand::distr::{Alphanumeric, SampleString};
use secrecy::SecretString;
use tempfile::TempDir;

use super::{Server, Share};
use crate::fs::{RemotePath, local::Local, rooted::Rooted};

const USER: &str = "demo";
/// Long enough for a progress bar to be seen.
const CHART_BYTES: usize = 6 << 20;

/// A running demo. Dropping it ends the server and removes every file.
pub struct Demo {
    server: Server,
    password: SecretString,
    local: PathBuf,
    // Behind the server, so that the files go once nobody serves them.
    dir: TempDir,
}

impl Demo {
    pub fn server(&self) -> &Server {
        &self.server
    }

    pub fn user(&self) -> &str {
        USER
    }

    /// Writes a known_hosts file that trusts this server, and returns its path. It goes with the
    /// demo.
    pub fn write_known_hosts(&self) -> io::Result<PathBuf> {
        let file = self.dir.path().join("known_hosts");
        let addr = self.server.addr();
        fs::write(&file, format!("[{}]:{} {}\n", addr.ip(), addr.port(), self.server.host_key().line))?;
        Ok(file)
    }

    /// Made up for this start.
    pub fn password(&self) -> &SecretString {
        &self.password
    }

    /// A directory of this machine with a few files to send.
    pub fn local_dir(&self) -> &Path {
        &self.local
    }
}

/// Plants the tree and starts the server on a free port.
pub async fn start() -> io::Result<Demo> {
    let dir = tempfile::Builder::new().prefix("wharf-demo-").tempdir()?;
    let (remote, local) = (dir.path().join("harbour"), dir.path().join("company"));
    let (remote, local) = tokio::task::spawn_blocking(move || {
        fs::create_dir(&remote)?;
        plant(&remote)?;
        fs::create_dir(&local)?;
        plant_local(&local)?;
        io::Result::Ok((remote, local.canonicalize()?))
    })
    .await??;
    let root = RemotePath::new(remote.as_os_str().as_bytes());
    let fs = Rooted::new(Arc::new(Local::new()), &root).await.map_err(io::Error::other)?;
    let password = SecretString::from(Alphanumeric.sample_string(&mut rand::rng(), 20));
    let share = Share { fs: Arc::new(fs), user: USER.into(), password: password.clone() };
    let server = super::start(share, (Ipv4Addr::LOCALHOST, 0)).await?;
    Ok(Demo { server, password, local, dir })
}

/// Writes the sample tree into `dir`, which must exist: nested folders, texts, a binary of a
/// few MiB (the same in every run), a link, an empty folder, names of many kinds.
pub fn plant(dir: &Path) -> io::Result<()> {
    for folder in
        ["harbour", "harbour/quays/north", "harbour/quays/south", "ships", "charts", "tools", "empty berth"]
    {
        fs::create_dir_all(dir.join(folder))?;
    }
    for (name, text, days) in [
        ("README.txt", include_str!("../../assets/demo/readme.txt"), 0),
        ("harbour/log-book.txt", include_str!("../../assets/demo/log-book.txt"), 1),
        ("harbour/tide table.txt", include_str!("../../assets/demo/tides.txt"), 9),
        ("harbour/.pilot-notes", include_str!("../../assets/demo/pilot-notes.txt"), 400),
        ("ships/Möwe.txt", include_str!("../../assets/demo/moewe.txt"), 33),
        ("ships/海鷗.txt", include_str!("../../assets/demo/haiou.txt"), 71),
        ("tools/signal.sh", include_str!("../../assets/demo/signal.sh"), 1200),
    ] {
        write(&dir.join(name), text.as_bytes(), days)?;
    }
    for berth in 1..=12 {
        let quay = if berth % 2 == 0 { "north" } else { "south" };
        let text = format!("Berth {berth}\nDepth: {} m\nFree: {}\n", 4 + berth * 7 % 9, berth % 3 == 0);
        write(&dir.join(format!("harbour/quays/{quay}/berth {berth}.txt")), text.as_bytes(), berth * 17)?;
    }
    write(&dir.join("charts/approach.chart"), &soundings(CHART_BYTES), 250)?;
    fs::set_permissions(dir.join("tools/signal.sh"), Permissions::from_mode(0o755))?;
    symlink("harbour/log-book.txt", dir.join("latest"))
}

fn plant_local(dir: &Path) -> io::Result<()> {
    fs::create_dir(dir.join("outbound"))?;
    write(&dir.join("letter.txt"), include_str!("../../assets/demo/letter.txt").as_bytes(), 0)?;
    write(&dir.join("outbound/cargo.bin"), &soundings(CHART_BYTES / 3), 3)?;
    for crate_number in 1..=5 {
        let text = format!("Crate {crate_number}: handle with care, this side up.\n");
        write(&dir.join(format!("outbound/crate {crate_number}.txt")), text.as_bytes(), crate_number)?;
    }
    Ok(())
}

/// Writes a file that looks `days` old.
fn write(path: &Path, content: &[u8], days: u64) -> io::Result<()> {
    fs::write(path, content)?;
    fs::set_permissions(path, Permissions::from_mode(0o644))?;
    let age = Duration::from_secs(days * 86_400 + days * 977 % 50_000);
    let time = SystemTime::now().checked_sub(age).unwrap_or(UNIX_EPOCH);
    File::options().write(true).open(path)?.set_times(FileTimes::new().set_modified(time))
}

/// Bytes that look random and are the same every time: a linear congruential generator with
/// the constants of Knuth's MMIX.
fn soundings(len: usize) -> Vec<u8> {
    let mut state = 1987_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..len).map(|_| next()).collect()
}
