//! Connections that stand still and are not cut: by a proxy that holds, at every stage of a login
//! and in the middle of a file.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use super::{
    World, assert_no_strays, noise,
    program::{into, on},
    proxy::Proxy,
    support::{Sshd, SshdConfig, program},
};

fn behind(proxy: &Proxy, sshd: &Sshd, lines: &str) -> World {
    let world = World::new(sshd.ssh_config());
    let config = proxy.ssh_config(&sshd.ssh_config(), sshd.port(), world.dir.path());
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, format!("{text}{lines}")).unwrap();
    World { config, ..world }
}

fn is_thorough() -> bool {
    std::env::var_os("WHARF_LONG_FAULTS").is_some()
}

/// What stands still for a while goes on where it was, on the same connection.
#[test]
fn a_stall_that_ends_is_sat_out() {
    let sshd = Sshd::start(SshdConfig::default());
    for up in [true, false] {
        let proxy = Proxy::holding(sshd.address(), |_| 6 << 20);
        let world = behind(&proxy, &sshd, "");
        let (source, target) = (world.path("big"), world.path("target"));
        let bytes = noise(24 << 20, 1);
        fs::write(&source, &bytes).unwrap();
        fs::create_dir_all(&target).unwrap();
        let (from, to) = match up {
            true => (source.into_os_string(), into(on("harness", &target))),
            false => (on("harness", &source), into(&target)),
        };
        let mut running = program::start(world.command(&["cp".into(), from, to]));
        running.until(|| proxy.holds());
        // Long enough for it to ask whether anybody is there.
        thread::sleep(Duration::from_millis(if is_thorough() { 9000 } else { 500 }));
        proxy.release();
        let ran = running.wait().ends(0);
        match is_thorough() {
            // It may be done before anything more is to be said.
            true => ran.says(&["still waiting"]),
            false => ran.silently(),
        };
        assert!(fs::read(target.join("big")).unwrap() == bytes);
        assert_eq!(proxy.connections(), 1, "up: {up}");
        assert_no_strays(&target);
    }
}

/// Whoever waits is told so while it lasts, unless they want to hear nothing.
#[test]
fn a_stall_is_told_while_it_lasts() {
    let sshd = Sshd::start(SshdConfig::default());
    let (proxy, quiet) =
        (Proxy::holding(sshd.address(), |_| 6 << 20), Proxy::holding(sshd.address(), |_| 6 << 20));
    let copies = [(&proxy, ""), (&quiet, "-q")].map(|(proxy, option)| {
        let world = behind(proxy, &sshd, "");
        fs::write(world.path("big"), noise(24 << 20, 1)).unwrap();
        let said = world.path("said");
        // Not so fast that it is over before it can be seen to go on.
        let (limit, big) = ("--limit=12M".into(), world.path("big").into());
        let mut arguments = vec!["cp".into(), limit, big, on("harness", &world.path("target"))];
        if !option.is_empty() {
            arguments.push(option.into());
        }
        let mut command = world.command(&arguments);
        command.stdout(std::process::Stdio::null()).stderr(fs::File::create(&said).unwrap());
        (command.spawn().unwrap(), said, world)
    });
    let said = |at: usize| fs::read_to_string(&copies[at].1).unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while !said(0).contains("no answer for") && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(5));
    }
    let told = said(0);
    proxy.release();
    quiet.release();
    let [(mut aloud, aloud_said, _world), (mut silent, silent_said, _other)] = copies;
    let (aloud, silent) = (aloud.wait().unwrap(), silent.wait().unwrap());
    assert!(told.contains("wharf: no answer for 5 s; still waiting"), "{told}");
    let (all, nothing) = (fs::read_to_string(aloud_said).unwrap(), fs::read_to_string(silent_said).unwrap());
    assert!(aloud.success() && silent.success(), "{all}{nothing}");
    assert!(all.contains("it goes on, after"), "{all}");
    assert_eq!(nothing, "");
}

/// A stall that does not end is one: the person is told, and another connection goes on.
#[test]
fn a_stall_that_does_not_end_is_left_for_another_connection() {
    if !is_thorough() {
        return println!("takes its time: WHARF_LONG_FAULTS=1 runs it");
    }
    let sshd = Sshd::start(SshdConfig::default());
    for up in [true, false] {
        let proxy = Proxy::holding(sshd.address(), |number| if number == 0 { 20 << 20 } else { u64::MAX });
        let world = behind(&proxy, &sshd, "");
        let (source, target) = (world.path("big"), world.path("target"));
        let bytes = noise(48 << 20, 1);
        fs::write(&source, &bytes).unwrap();
        fs::create_dir_all(&target).unwrap();
        let (from, to) = match up {
            true => (source.into_os_string(), into(on("harness", &target))),
            false => (on("harness", &source), into(&target)),
        };
        let since = Instant::now();
        let ran = program::start(world.command(&["cp".into(), from, to])).wait().ends(0);
        println!("up {up}: {:?}", since.elapsed());
        ran.says(&["was lost", "trying again"]);
        assert!(fs::read(target.join("big")).unwrap() == bytes);
        assert!(since.elapsed() < Duration::from_secs(45), "{:?}", since.elapsed());
        assert_no_strays(&target);
    }
}

/// At whatever stage of the login the server falls silent, it is given up after its time, and the
/// stage is named.
#[test]
fn silence_before_the_session_has_its_limit() {
    let sshd = Sshd::start(SshdConfig::default());
    let early = [(0, "SSH handshake"), (60, "SSH handshake"), (1500, "SSH handshake"), (2700, "")];
    let late = [(3500, "stopped answering"), (3780, "stopped answering"), (4100, "")];
    let late = late.into_iter().filter(|_| is_thorough());
    thread::scope(|scope| {
        for (bytes, says) in early.into_iter().chain(late) {
            let sshd = &sshd;
            scope.spawn(move || {
                let proxy = Proxy::holding(sshd.address(), move |_| bytes);
                let world = behind(&proxy, sshd, "  ConnectTimeout 1\n");
                let since = Instant::now();
                let place = format!("harness:{}", world.dir.path().display());
                let ran = world.wharf(&["ls", &place]).ends(3);
                println!("after {bytes} bytes, {:?}: {}", since.elapsed(), ran.stderr);
                assert!(since.elapsed() < Duration::from_secs(40), "after {bytes}: {:?}", since.elapsed());
                ran.says(&["harness", says]);
            });
        }
    });
}
