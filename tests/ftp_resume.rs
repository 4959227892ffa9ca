//! Big files over FTP that are cut off, on real servers: they are gone on with where they were,
//! in the same run and, where wharf itself was killed, in the next.

mod support;

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use nix::sys::signal::Signal;
use support::{
    ftp::{ALL, FtpConfig, FtpServer, Software, Tls},
    program::{self, Ran, Running},
};

const BIG: usize = 40 << 20;

/// A server, and a wharf with a memory of its own.
struct World {
    server: FtpServer,
    here: tempfile::TempDir,
}

impl World {
    fn new(software: Software, extra: &[&str]) -> World {
        let extra = extra.iter().map(ToString::to_string).collect();
        World::with(software, FtpConfig { extra, ..FtpConfig::default() })
    }

    fn with(software: Software, config: FtpConfig) -> World {
        let server = FtpServer::start(software, config);
        World { server, here: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.here.path().join(name)
    }

    fn url(&self, name: &str) -> String {
        let password = self.server.password().replace(' ', "%20");
        let (user, port, home) = (self.server.user(), self.server.port(), self.server.home());
        let scheme = if self.server.config().tls == Tls::None { "ftp" } else { "ftpes" };
        format!("{scheme}://{user}:{password}@127.0.0.1:{port}{home}/{name}")
    }

    fn start(&self, arguments: &[&str]) -> Running {
        let authority = self.server.ca_file();
        let options = ["-v", "--tls-ca", authority.to_str().unwrap()];
        let all: Vec<OsString> = options.iter().chain(arguments).map(OsString::from).collect();
        let mut command: Command = program::command(Path::new("none"), all);
        command.env("XDG_STATE_HOME", self.path("state"));
        program::start(command)
    }

    fn upload(&self) -> Running {
        if !self.path("big").exists() {
            fs::write(self.path("big"), noise(BIG)).unwrap();
        }
        self.start(&["cp", "--limit=20M", self.path("big").to_str().unwrap(), &self.url("")])
    }

    fn download(&self) -> Running {
        if !self.server.root().join("big").exists() {
            self.server.put("big", &noise(BIG));
        }
        self.start(&["cp", "--limit=20M", &self.url("big"), self.path("big").to_str().unwrap()])
    }

    /// How much of it is there on the server's side, or on this.
    fn part(&self, dir: &Path) -> usize {
        fs::metadata(dir.join(".big.wharf-part")).map_or(0, |found| found.len() as usize)
    }

    #[track_caller]
    fn assert_whole(&self, dir: &Path) {
        assert!(fs::read(dir.join("big")).unwrap() == noise(BIG), "it differs");
        let names: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(!names.iter().any(|name| name.to_string_lossy().contains("wharf-part")), "{names:?}");
        let records = fs::read_dir(self.path("state/wharf/jobs"));
        assert_eq!(records.into_iter().flatten().count(), 0);
    }
}

fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

/// Numbers behind REST, in the order in which they were said.
fn restarts(ran: &Ran) -> Vec<usize> {
    let numbers = ran.stderr.lines().filter_map(|line| {
        let rest = line.split("REST ").nth(1)?;
        rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    });
    numbers.collect()
}

#[test]
fn an_upload_that_is_cut_goes_on() {
    for software in ALL {
        let world = World::new(software, &[]);
        let mut running = world.upload();
        // What Pure-FTPd goes on with has its whole size at once: where it is, does not show.
        let cuts: &[usize] = if software == Software::Pureftpd { &[10] } else { &[10, 24] };
        for megabytes in cuts {
            running.until(|| world.part(&world.server.root()) > megabytes << 20);
            world.server.cut_sessions();
        }
        let ran = running.wait().ends(0);
        world.assert_whole(&world.server.root());
        let at = restarts(&ran);
        let far = |megabytes: &usize| at.iter().any(|offset| *offset > (megabytes - 1) << 20);
        assert!(cuts.iter().all(far), "{software:?}: {at:?}\n{}", ran.stderr);
    }
}

#[test]
fn a_download_that_is_cut_goes_on_as_often_as_it_comes_further() {
    for software in ALL {
        let world = World::new(software, &[]);
        let mut running = world.download();
        for megabytes in [3, 8, 13, 18, 23, 28] {
            running.until(|| world.part(world.here.path()) > megabytes << 20);
            world.server.cut_sessions();
        }
        let ran = running.wait().ends(0);
        world.assert_whole(world.here.path());
        let at = restarts(&ran);
        assert!(at.iter().any(|offset| *offset > 26 << 20), "{software:?}: {at:?}");
    }
}

/// Places that lie anywhere, the same ones in every run.
fn anywhere(seed: usize, count: usize) -> Vec<usize> {
    let bytes = noise(8 * (seed + count));
    let places =
        bytes.chunks(8).skip(seed).map(|eight| eight.iter().fold(0, |sum, byte| sum * 256 + *byte as u64));
    // Not so near to the end that it has arrived before anybody looks.
    let mut places: Vec<usize> = places.map(|place| (place % (BIG as u64 - (8 << 20))) as usize).collect();
    places.sort();
    places
}

/// Under TLS a cut cannot be taken for the end.
#[test]
fn what_is_cut_anywhere_under_tls_goes_on_both_ways() {
    for (seed, software) in ALL.into_iter().enumerate() {
        let config = FtpConfig { tls: Tls::Required, ..FtpConfig::default() };
        let world = World::with(software, config.clone());
        let mut running = world.upload();
        // What Pure-FTPd goes on with has its whole size at once: where it is, does not show.
        let cuts = if software == Software::Pureftpd { 1 } else { 3 };
        for place in anywhere(seed, cuts) {
            running.until(|| world.part(&world.server.root()) > place);
            world.server.cut_sessions();
        }
        let ran = running.wait().ends(0);
        world.assert_whole(&world.server.root());
        assert!(ran.stderr.contains("AUTH TLS"), "{}", ran.stderr);
        let world = World::with(software, config);
        let mut running = world.download();
        for place in anywhere(seed + 9, 4) {
            running.until(|| world.part(world.here.path()) > place);
            world.server.cut_sessions();
        }
        running.wait().ends(0);
        world.assert_whole(world.here.path());
    }
}

#[test]
fn a_killed_upload_goes_on() {
    for software in ALL {
        let world = World::new(software, &[]);
        let mut running = world.upload();
        running.until(|| world.part(&world.server.root()) > 20 << 20);
        running.signal(Signal::SIGKILL);
        running.wait();
        // The same again takes over what it finds.
        let ran = world.upload().wait().ends(0);
        world.assert_whole(&world.server.root());
        let at = restarts(&ran);
        assert!(at.iter().any(|offset| *offset > 19 << 20), "{software:?}: {at:?}\n{}", ran.stderr);
    }
}

#[test]
fn a_killed_download_goes_on() {
    for software in ALL {
        let world = World::new(software, &[]);
        let mut running = world.download();
        running.until(|| world.part(world.here.path()) > 20 << 20);
        running.signal(Signal::SIGKILL);
        running.wait();
        let ran = world.download().wait().ends(0);
        world.assert_whole(world.here.path());
        let at = restarts(&ran);
        assert!(at.iter().any(|offset| *offset > 10 << 20), "{software:?}: {at:?}\n{}", ran.stderr);
    }
}

/// A move is a copy until all of it is there: whenever it is killed, one side has the whole.
#[test]
fn a_killed_move_has_lost_nothing_and_goes_on() {
    for software in ALL {
        let world = World::new(software, &[]);
        fs::write(world.path("big"), noise(BIG)).unwrap();
        let (here, there) = (world.path("big"), world.server.root().join("big"));
        for up in [true, false] {
            let (source, target) = if up { (&here, &there) } else { (&there, &here) };
            let (from, to) = match up {
                true => (here.to_str().unwrap().to_owned(), world.url("")),
                false => (world.url("big"), world.here.path().to_str().unwrap().to_owned()),
            };
            let dir = target.parent().unwrap();
            let mut running = world.start(&["mv", "--limit=20M", &from, &to]);
            running.until(|| world.part(dir) > 16 << 20);
            running.signal(Signal::SIGKILL);
            running.wait();
            assert!(fs::read(source).unwrap() == noise(BIG), "{software:?}, up: {up}");
            assert!(!target.exists());
            world.start(&["mv", &from, &to]).wait().ends(0);
            world.assert_whole(dir);
            assert!(!source.exists(), "{software:?}, up: {up}");
        }
    }
}

/// A server that says nothing for a while is waited for, and whoever waits is told. vsftpd is not
/// tried: it takes a child that stops for one that ends, and waits for that for good.
#[test]
fn silence_is_told_and_sat_out() {
    std::thread::scope(|scope| {
        for software in [Software::Proftpd, Software::Pureftpd] {
            for up in [true, false] {
                scope.spawn(move || {
                    let world = World::new(software, &[]);
                    let (mut running, dir) = match up {
                        true => (world.upload(), world.server.root()),
                        false => (world.download(), world.here.path().to_owned()),
                    };
                    running.until(|| world.part(&dir) > 6 << 20);
                    world.server.freeze_sessions();
                    running.until_it_says("no answer for 5 s");
                    world.server.thaw_sessions();
                    let ran = running.wait().ends(0);
                    world.assert_whole(&dir);
                    assert!(
                        ran.stderr.contains("it goes on, after"),
                        "{software:?}, up: {up}: {}",
                        ran.stderr
                    );
                    assert_eq!(restarts(&ran), [] as [usize; 0], "{software:?}, up: {up}");
                });
            }
        }
    });
}

/// ProFTPD takes REST and refuses the STOR behind it unless it is told otherwise.
#[test]
fn an_upload_goes_on_by_appe_where_stor_does_not() {
    let world = World::new(Software::Proftpd, &["<Directory /*>", "AllowStoreRestart off", "</Directory>"]);
    let mut running = world.upload();
    running.until(|| world.part(&world.server.root()) > 16 << 20);
    world.server.cut_sessions();
    let ran = running.wait().ends(0);
    world.assert_whole(&world.server.root());
    assert!(ran.stderr.contains("APPE"), "{}", ran.stderr);
}

/// Of a source that is another file by now, nothing is kept.
#[test]
fn a_source_that_has_changed_is_sent_from_the_start() {
    let world = World::new(Software::Vsftpd, &[]);
    let mut running = world.upload();
    running.until(|| world.part(&world.server.root()) > 12 << 20);
    running.signal(Signal::SIGKILL);
    running.wait();
    let mut other = noise(BIG);
    other[5] ^= 1;
    fs::write(world.path("big"), &other).unwrap();
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(100);
    fs::File::options().write(true).open(world.path("big")).unwrap().set_modified(later).unwrap();
    world.start(&["cp", world.path("big").to_str().unwrap(), &world.url("")]).wait().ends(0);
    assert!(fs::read(world.server.root().join("big")).unwrap() == other);
}

/// By its record alone, with a login that needs no password: none is ever written down.
#[test]
fn jobs_resume_goes_on_both_ways() {
    let extra = ["anon_upload_enable=YES", "anon_other_write_enable=YES", "anon_umask=022"];
    let extra = extra.map(str::to_owned).to_vec();
    let config = FtpConfig { anonymous: true, extra, ..FtpConfig::default() };
    let server = FtpServer::start(Software::Vsftpd, config);
    let shared = server.anonymous_root().join("in");
    fs::create_dir(&shared).unwrap();
    server.give(&shared);
    let world = World { server, here: tempfile::tempdir().unwrap() };
    fs::write(world.path("big"), noise(BIG)).unwrap();
    let place = format!("ftp://127.0.0.1:{}/in", world.server.port());
    let (to, from) = (format!("{place}/"), format!("{place}/big"));
    let back = world.path("back");
    fs::create_dir(&back).unwrap();
    for (arguments, target) in [
        (["cp", "--limit=20M", world.path("big").to_str().unwrap(), &to], &shared),
        (["cp", "--limit=20M", &from, back.to_str().unwrap()], &back),
    ] {
        let mut running = world.start(&arguments);
        running.until(|| world.part(target) > 20 << 20);
        running.signal(Signal::SIGKILL);
        running.wait();
        let ran = world.start(&["jobs", "resume", "--all"]).wait().ends(0);
        world.assert_whole(target);
        let at = restarts(&ran);
        assert!(at.iter().any(|offset| *offset > 10 << 20), "{at:?}\n{}", ran.stderr);
    }
}
