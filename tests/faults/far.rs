//! Long links, where wharf saves round trips by what it expects of the server: a server that is
//! otherwise costs time, never a byte.

use std::{fs, os::unix::fs::PermissionsExt, time::Duration};

use super::{
    World, assert_no_strays, noise,
    program::{into, on},
    proxy::Proxy,
    support::{Sshd, SshdConfig, program},
};

/// Each way; several times what counts as long.
const DELAY: Duration = Duration::from_millis(8);

/// OpenSSH's sftp-server with a file open already: the first handle that it gives is not its first.
const ANOTHER_FIRST: &str = r#"#!/usr/bin/perl
use strict;
use IPC::Open2;
my $pid = open2(my $out, my $in, "/usr/lib/openssh/sftp-server");
sub whole {
    my ($from, $length) = @_;
    my $got = "";
    while (length($got) < $length) {
        sysread($from, $got, $length - length($got), length($got)) or exit 1;
    }
    return $got;
}
sub packet {
    my $head = whole($_[0], 4);
    return $head . whole($_[0], unpack("N", $head));
}
sub put {
    my ($to, $bytes) = @_;
    while (length($bytes)) {
        my $count = syswrite($to, $bytes) or exit 1;
        substr($bytes, 0, $count) = "";
    }
}
put($in, packet(\*STDIN));
put(\*STDOUT, packet($out));
my $open = pack("C N N/a N N", 3, 4_000_000_000, "@DECOY@", 1, 0);
put($in, pack("N", length($open)) . $open);
packet($out);
if (fork()) {
    while (sysread($out, my $bytes, 65536)) { put(\*STDOUT, $bytes) }
} else {
    while (sysread(STDIN, my $bytes, 65536)) { put($in, $bytes) }
    kill("TERM", $pid);
}
"#;

/// wharf reads from the handle that an OpenSSH server would give before it is given: what came of
/// another file must not end up in this one.
#[test]
fn a_handle_that_was_guessed_wrong_costs_no_byte() {
    let files = tempfile::tempdir().unwrap();
    let (decoy, program) = (files.path().join("decoy"), files.path().join("sftp-server"));
    fs::write(&decoy, noise(2 << 20, 1)).unwrap();
    fs::write(&program, ANOTHER_FIRST.replace("@DECOY@", decoy.to_str().unwrap())).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let subsystem = format!("Subsystem sftp {}", program.display());
    let sshd = Sshd::start(SshdConfig { extra: vec![subsystem], ..SshdConfig::default() });
    let proxy = Proxy::far(sshd.address(), DELAY);
    let world = World::new(sshd.ssh_config());
    let config = proxy.ssh_config(&sshd.ssh_config(), sshd.port(), world.dir.path());
    let world = World { config, ..world };
    let (source, target) = (world.path("file"), world.path("target"));
    let bytes = noise(2 << 20, 2);
    fs::write(&source, &bytes).unwrap();
    fs::create_dir_all(&target).unwrap();
    let arguments = ["cp".into(), on("harness", &source), into(&target)];
    program::start(world.command(&arguments)).wait().ends(0).silently();
    assert!(fs::read(target.join("file")).unwrap() == bytes);
    assert_no_strays(&target);
}

/// A large file, both ways, where each connection gets 5 MiB/s and may carry what `budget` says; how
/// many connections there were each time.
fn both_ways(budget: impl Fn(usize) -> u64 + Copy + Send + Sync + 'static) -> [usize; 2] {
    let sshd = Sshd::start(SshdConfig::default());
    let world = World::new(sshd.ssh_config());
    let (here, there) = (world.path("here"), world.path("there"));
    for dir in [&here, &there] {
        fs::create_dir_all(dir).unwrap();
    }
    let bytes = noise(96 << 20, 3);
    fs::write(there.join("down"), &bytes).unwrap();
    fs::write(here.join("up"), &bytes).unwrap();
    let copy = |from, to| {
        let proxy = Proxy::start_far(sshd.address(), Duration::from_millis(6), budget);
        let config = proxy.ssh_config(&sshd.ssh_config(), sshd.port(), world.dir.path());
        program::start(World::new(config).command(&["cp".into(), from, to])).wait().ends(0).silently();
        proxy.connections()
    };
    let [down, up] = std::thread::scope(|scope| {
        let down = scope.spawn(|| copy(on("harness", &there.join("down")), into(&here)));
        let up = scope.spawn(|| copy(here.join("up").into(), into(on("harness", &there))));
        [down.join().unwrap(), up.join().unwrap()]
    });
    assert!(fs::read(here.join("down")).unwrap() == bytes);
    assert!(fs::read(there.join("up")).unwrap() == bytes);
    for dir in [&here, &there] {
        assert_no_strays(dir);
    }
    [down, up]
}

#[test]
fn a_large_file_takes_further_connections_where_each_is_slow() {
    let [down, up] = both_ways(|_| u64::MAX);
    assert!((2..=4).contains(&down), "{down} connections down");
    assert!((2..=4).contains(&up), "{up} connections up");
}

#[test]
fn a_further_connection_that_is_lost_costs_no_byte() {
    let [down, up] = both_ways(|connection| if connection == 0 { u64::MAX } else { 3 << 20 });
    assert!(down >= 2, "{down} connections down");
    assert!(up >= 2, "{up} connections up");
}

/// To start with answers, somebody may be asked on a telephone who has started nothing.
#[test]
fn a_further_connection_keeps_to_the_method_that_logged_in() {
    let extra = ["UsePAM yes", "KbdInteractiveAuthentication yes"].map(str::to_owned).to_vec();
    let sshd = Sshd::start(SshdConfig { extra, ..SshdConfig::default() });
    let world = World::new(sshd.ssh_config());
    let (source, target) = (world.path("file"), world.path("target"));
    let bytes = noise(96 << 20, 5);
    fs::write(&source, &bytes).unwrap();
    fs::create_dir_all(&target).unwrap();
    let proxy = Proxy::start_far(sshd.address(), Duration::from_millis(6), |_| u64::MAX);
    let config = proxy.ssh_config(&sshd.ssh_config(), sshd.port(), world.dir.path());
    let arguments = ["cp".into(), on("harness", &source), into(&target)];
    let mut running = program::start(World::new(config).command(&arguments));
    let part = target.join(".file.wharf-part");
    running.until(|| fs::metadata(&part).is_ok_and(|part| part.len() > 0));
    fs::remove_file(sshd.user_key()).unwrap();
    running.wait().ends(0).silently();
    assert!(fs::read(target.join("file")).unwrap() == bytes);
    assert!(proxy.connections() >= 2, "it was tried");
    assert!(!sshd.log().contains("keyboard-interactive"), "{}", sshd.log());
}
