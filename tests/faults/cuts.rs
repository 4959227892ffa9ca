//! Connections that are cut: after every so many bytes, and at random in a big file.

use std::{
    fs,
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use super::{
    World, assert_no_strays, noise,
    program::{into, on},
    proxy::Proxy,
    support::{Sshd, SshdConfig, program},
    tree,
};

/// A small session is cut after every so many bytes, sending a file and fetching one: the old file
/// or the new one stands there, and nothing is left once the same has been asked for again.
#[test]
fn a_session_may_be_cut_anywhere() {
    // The beginning is the handshake, behind it comes the session. All of them take a while:
    // WHARF_ALL_CUTS=0..1000 has a part of them tried.
    match std::env::var("WHARF_ALL_CUTS") {
        Ok(range) => {
            let ends =
                range.split_once("..").and_then(|(from, to)| Some((from.parse().ok()?, to.parse().ok()?)));
            let (from, to) = ends.unwrap_or((0, 16_000));
            cut_after((from..to).filter(|cut| *cut <= 4000 || cut % 11 == 0));
        }
        Err(_) => cut_after((0..16_000).step_by(397)),
    }
}

/// Where the first packets of SFTP wait for room, nobody told them that there will be none.
#[test]
fn a_connection_that_ends_while_sftp_starts_is_noticed() {
    cut_after((3300..4300).step_by(29));
}

fn cut_after(cuts: impl Iterator<Item = u64>) {
    let sshd = Sshd::start(SshdConfig::default());
    let mut cases = cuts.flat_map(|cut| [(cut, true), (cut, false)]).collect::<Vec<_>>();
    cases.reverse();
    let (cases, wrong) = (Mutex::new(cases), Mutex::new(Vec::new()));
    let next = || cases.lock().unwrap().pop();
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                while let Some((cut, up)) = next() {
                    if let Err(why) = one_cut(&sshd, cut, up) {
                        println!("after {cut} bytes, up {up}: {why}");
                        wrong.lock().unwrap().push((cut, up, why));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What goes wrong where the first connection carries `cut` bytes.
fn one_cut(sshd: &Sshd, cut: u64, up: bool) -> Result<(), String> {
    let proxy = Proxy::start(sshd.address(), move |number| if number == 0 { cut } else { u64::MAX });
    let world = behind(&proxy, sshd);
    let (source, target) = (world.path("source"), world.path("target"));
    fs::create_dir_all(&source).unwrap();
    fs::create_dir_all(&target).unwrap();
    let new = noise(3000, cut);
    fs::write(source.join("file"), &new).unwrap();
    fs::write(target.join("file"), "old").unwrap();
    let run = || {
        let (from, to) = match up {
            true => (source.join("file").into(), into(on("harness", &target))),
            false => (on("harness", &source.join("file")), into(&target)),
        };
        let options = ["cp".into(), "--retries=0".into(), "--on-conflict=overwrite".into()];
        let since = Instant::now();
        let ran = program::start(world.command(&[&options[..], &[from, to]].concat())).end();
        let ran = ran.map_err(|said| format!("it hung and said: {said}"))?;
        // A connection that is closed is noticed at once.
        match since.elapsed() {
            took if took > Duration::from_secs(10) => Err(format!("it took {took:?}: {ran:?}")),
            _ => Ok(ran),
        }
    };
    let first = run()?;
    let content = fs::read(target.join("file")).unwrap();
    match first.code {
        Some(0) if content == new => {}
        Some(3 | 5) if content == new || content == b"old" => {
            let second = run()?;
            if second.code != Some(0) {
                return Err(format!("not even the second time: {second:?}"));
            }
        }
        _ => return Err(format!("neither the old file nor the new: {first:?}")),
    }
    if fs::read(target.join("file")).unwrap() != new {
        return Err("not the new file".into());
    }
    if fs::read_dir(&target).unwrap().count() != 1 || !world.records().is_empty() {
        return Err("something is left".into());
    }
    Ok(())
}

/// A wharf that reaches the server through the proxy.
fn behind(proxy: &Proxy, sshd: &Sshd) -> World {
    let world = World::new(sshd.ssh_config());
    let config = proxy.ssh_config(&sshd.ssh_config(), sshd.port(), world.dir.path());
    World { config, ..world }
}

/// The same numbers in the same order every time, from `low` to below `high`.
fn random(number: usize, low: u64, high: u64) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&noise(8, number as u64 + 1));
    low + u64::from_le_bytes(bytes) % (high - low)
}

/// All of a file is on its way when its end is awaited: what of it has arrived then is not sent again,
/// or a link that is cut again and again would never carry more than one window.
#[test]
fn what_arrives_while_the_end_is_awaited_counts() {
    const SIZE: usize = 11 << 20;
    let sshd = Sshd::start(SshdConfig::default());
    let proxy = Proxy::start(sshd.address(), |_| 8 << 20);
    let world = behind(&proxy, &sshd);
    let (source, target) = (world.path("file"), world.path("up"));
    let bytes = noise(SIZE, 5);
    fs::write(&source, &bytes).unwrap();
    fs::create_dir_all(&target).unwrap();
    let arguments = ["cp".into(), source.into_os_string(), into(on("harness", &target))];
    program::start(world.command(&arguments)).wait().ends(0).says(&["trying again"]);
    assert!(fs::read(target.join("file")).unwrap() == bytes);
    assert_no_strays(&target);
}

/// Both ways, cut at random every few megabytes: it goes on each time, and what arrives is what was
/// sent.
#[test]
fn a_big_file_survives_many_cuts() {
    const SIZE: u64 = 64 << 20;
    // One channel carries the file, as the link is short: what has arrived has no gaps. Every
    // connection brings it on but for what is on its way: 16 MiB, and some for the login.
    const LEAST: u64 = 26 << 20;
    const UNDERWAY: u64 = 17 << 20;
    let sshd = Sshd::start(SshdConfig::default());
    let proxy = Proxy::start(sshd.address(), |number| random(number, LEAST, LEAST + (4 << 20)));
    let world = behind(&proxy, &sshd);
    let source = world.path("big");
    let bytes = noise(SIZE as usize, 1);
    fs::write(&source, &bytes).unwrap();
    for (from, to, target) in [
        (source.clone().into_os_string(), into(on("harness", &world.path("up"))), "up/big"),
        (on("harness", &source), into(world.path("down")), "down/big"),
    ] {
        fs::create_dir_all(world.path(target).parent().unwrap()).unwrap();
        let before = proxy.connections();
        let ran = program::start(world.command(&["cp".into(), from, to])).wait().ends(0);
        let used = (proxy.connections() - before) as u64;
        assert!(used > 2, "it was never cut");
        assert!(used <= SIZE.div_ceil(LEAST - UNDERWAY), "{target} took {used} connections");
        ran.says(&["trying again"]);
        assert!(fs::read(world.path(target)).unwrap() == bytes, "{target} differs");
        assert_no_strays(world.path(target).parent().unwrap());
    }
    assert!(world.records().is_empty());
}

/// A tree whose connection is cut again and again arrives whole, and no file twice.
#[test]
fn a_tree_survives_cuts() {
    const FILES: u64 = 1200;
    const LARGEST: u64 = 2000;
    // What a connection must be able to carry so that at least one file gets its name: the login,
    // the listing of what is there already, and everything that may be on its way at once.
    const LOGIN: u64 = 16 << 10;
    const LISTING: u64 = FILES * 200;
    const UNDERWAY: u64 = 160 * (LARGEST + 1000);
    const LEAST: u64 = LOGIN + LISTING + UNDERWAY;
    let sshd = Sshd::start(SshdConfig::default());
    let proxy = Proxy::start(sshd.address(), |number| random(number, LEAST, LEAST + LEAST / 4));
    let world = behind(&proxy, &sshd);
    let source = world.path("source");
    for at in 0..FILES {
        let dir = source.join(format!("{}", at % 7));
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join(format!("{at}")), noise((at * 37 % LARGEST) as usize, at)).unwrap();
    }
    let arguments = ["cp".into(), "-r".into(), source.clone().into(), on("harness", &world.path("target"))];
    program::start(world.command(&arguments)).wait().ends(0).says(&["trying again"]);
    assert!(tree(&source) == tree(&world.path("target")), "the trees differ");
    assert!(proxy.connections() > 2, "{} connections", proxy.connections());
    assert!(world.records().is_empty());
}

/// A part that somebody wrote ahead of a gap, or that does not end as the source does, is not
/// believed.
#[test]
fn a_part_that_differs_is_copied_again() {
    let sshd = Sshd::start(SshdConfig::default());
    let proxy = Proxy::start(sshd.address(), |number| if number == 0 { 30 << 20 } else { u64::MAX });
    let world = behind(&proxy, &sshd);
    let (source, up) = (world.path("big"), world.path("up"));
    fs::write(&source, noise(48 << 20, 1)).unwrap();
    fs::create_dir_all(&up).unwrap();
    let arguments = ["cp".into(), "--retries=0".into(), source.clone().into(), into(on("harness", &up))];
    program::start(world.command(&arguments)).wait().ends(5).says(&["wharf jobs resume"]);
    let part = fs::read_dir(&up).unwrap().next().unwrap().unwrap().path();
    let mut bytes = fs::read(&part).unwrap();
    assert!(bytes.len() > 16 << 20, "{}", bytes.len());
    bytes.fill(7);
    fs::write(&part, bytes).unwrap();
    world.wharf(&["jobs", "resume", "--all"]).ends(0).says(&["from the start again"]);
    assert!(fs::read(up.join("big")).unwrap() == fs::read(&source).unwrap());
    assert_eq!(fs::read_dir(&up).unwrap().count(), 1);
}
