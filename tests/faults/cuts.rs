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

/// A small session is cut after every so many bytes: the old file or the new one stands there, and
/// nothing is left once the same has been asked for again.
#[test]
fn a_session_may_be_cut_anywhere() {
    let sshd = Sshd::start(SshdConfig::default());
    // All of them take minutes.
    let step = if std::env::var_os("WHARF_ALL_CUTS").is_some() { 1 } else { 397 };
    let cuts = Mutex::new((0..16_000u64).step_by(step).collect::<Vec<_>>());
    let next = || cuts.lock().unwrap().pop();
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                while let Some(cut) = next() {
                    one_cut(&sshd, cut);
                }
            });
        }
    });
}

fn one_cut(sshd: &Sshd, cut: u64) {
    println!("after {cut} bytes");
    let proxy = Proxy::start(sshd.address(), move |number| if number == 0 { cut } else { u64::MAX });
    let world = World::new(sshd.ssh_config());
    let config = proxy.ssh_config(&sshd.ssh_config(), sshd.port(), world.dir.path());
    let world = World { config, ..world };
    let (source, up) = (world.path("source"), world.path("up"));
    fs::create_dir_all(&source).unwrap();
    fs::create_dir_all(&up).unwrap();
    fs::write(source.join("file"), noise(3000, cut)).unwrap();
    fs::write(up.join("file"), "old").unwrap();
    let run = || {
        let arguments = ["cp".into(), "--on-conflict=overwrite".into(), source.join("file").into()];
        let arguments = [&arguments[..], &[into(on("harness", &up))]].concat();
        program::start(world.command(&arguments)).wait()
    };
    let first = run();
    assert!(matches!(first.code, Some(0 | 3 | 5)), "cut after {cut}: {first:?}");
    let content = fs::read(up.join("file")).unwrap();
    let new = noise(3000, cut);
    assert!(content == b"old" || content == new, "cut after {cut}: neither the old file nor the new");
    if first.code == Some(0) {
        assert_eq!(content, new, "cut after {cut}");
    } else {
        run().ends(0);
    }
    assert_eq!(fs::read(up.join("file")).unwrap(), new, "cut after {cut}");
    assert_no_strays(&up);
    assert!(world.records().is_empty(), "cut after {cut}");
    println!("after {cut} bytes: done");
}

/// Both ways, cut every few megabytes: it goes on each time, and what arrives is what was sent.
#[test]
fn a_big_file_survives_many_cuts() {
    let sshd = Sshd::start(SshdConfig::default());
    let proxy = Proxy::start(sshd.address(), |number| {
        let megabytes = [9, 23, 14, 31, 12, 27][number % 6];
        (megabytes << 20) + 4711 * number as u64
    });
    let world = World::new(sshd.ssh_config());
    let config = proxy.ssh_config(&sshd.ssh_config(), sshd.port(), world.dir.path());
    let world = World { config, ..world };
    let source = world.path("big");
    let bytes = noise(64 << 20, 1);
    fs::write(&source, &bytes).unwrap();
    for (from, to, target) in [
        (source.clone().into_os_string(), into(on("harness", &world.path("up"))), "up/big"),
        (on("harness", &source), into(world.path("down")), "down/big"),
    ] {
        fs::create_dir_all(world.path(target).parent().unwrap()).unwrap();
        let before = proxy.connections();
        let since = Instant::now();
        let ran = program::start(world.command(&["cp".into(), from, to])).wait().ends(0);
        assert!(proxy.connections() > before + 2, "it was never cut");
        // Going on each time, it needs no more connections than its bytes.
        assert!(proxy.connections() < before + 20, "{} connections", proxy.connections() - before);
        ran.says(&["trying again"]);
        assert!(since.elapsed() < Duration::from_secs(120), "{:?}", since.elapsed());
        assert!(fs::read(world.path(target)).unwrap() == bytes, "{target} differs");
        assert_no_strays(world.path(target).parent().unwrap());
    }
    assert!(world.records().is_empty());
}

/// A tree whose connection is cut again and again arrives whole, and no file twice.
#[test]
fn a_tree_survives_cuts() {
    let sshd = Sshd::start(SshdConfig::default());
    let proxy = Proxy::start(sshd.address(), |number| 300_000 + 77_777 * number as u64);
    let world = World::new(sshd.ssh_config());
    let config = proxy.ssh_config(&sshd.ssh_config(), sshd.port(), world.dir.path());
    let world = World { config, ..world };
    let source = world.path("source");
    for at in 0..400u64 {
        let dir = source.join(format!("{}", at % 7));
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join(format!("{at}")), noise((at as usize * 37) % 9000, at)).unwrap();
    }
    let arguments = [
        "cp".into(),
        "-r".into(),
        "--retries=12".into(),
        source.clone().into(),
        on("harness", &world.path("target")),
    ];
    program::start(world.command(&arguments)).wait().ends(0).says(&["trying again"]);
    assert!(tree(&source) == tree(&world.path("target")), "the trees differ");
    assert!(world.records().is_empty());
}

/// A part that somebody wrote ahead of a gap, or that does not end as the source does, is not
/// believed.
#[test]
fn a_part_that_differs_is_copied_again() {
    let sshd = Sshd::start(SshdConfig::default());
    let proxy = Proxy::start(sshd.address(), |number| if number == 0 { 30 << 20 } else { u64::MAX });
    let world = World::new(sshd.ssh_config());
    let config = proxy.ssh_config(&sshd.ssh_config(), sshd.port(), world.dir.path());
    let world = World { config, ..world };
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
