//! Processes of servers, by proc(5): who descends from whom, and ending all of them. Knows no
//! server.

use std::{
    fs,
    process::Child,
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill, killpg},
    unistd::Pid,
};

const PATIENCE: Duration = Duration::from_secs(10);

/// Whom a process started, and they, and so on.
pub fn descendants(pid: u32) -> Vec<u32> {
    let mut found = children(pid);
    let mut next = 0;
    while next < found.len() {
        found.extend(children(found[next]));
        next += 1;
    }
    found
}

fn children(pid: u32) -> Vec<u32> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

/// Sends a signal to each of them; some may have ended by themselves.
pub fn signal(pids: &[u32], signal: Signal) {
    for pid in pids {
        let _ = kill(Pid::from_raw(*pid as i32), signal);
    }
}

/// Ends a process, which leads a group of its own, with all that it started, and returns once
/// none of them runs.
pub fn end(mut child: Child) {
    // One that is killed while it starts another leaves an orphan which nobody finds, with the
    // parent's sockets: they are stopped first, and looked for until there is no new one.
    let mut all = vec![child.id()];
    signal(&all, Signal::SIGSTOP);
    loop {
        let new: Vec<u32> = descendants(child.id()).into_iter().filter(|id| !all.contains(id)).collect();
        if new.is_empty() && all.iter().all(|id| !matches!(state(*id), Some('R' | 'S' | 'D'))) {
            break;
        }
        signal(&new, Signal::SIGSTOP);
        all.extend(new);
        thread::sleep(Duration::from_millis(1));
    }
    signal(&all, Signal::SIGKILL);
    // Those whose parents ended before them are its descendants no more.
    let _ = killpg(Pid::from_raw(child.id() as i32), Signal::SIGKILL);
    let _ = child.wait();
    assert!(are_gone(&all), "some of {all:?} cannot be killed");
}

/// Whether none of them runs any more, which may take a moment after they were killed.
pub fn are_gone(pids: &[u32]) -> bool {
    let deadline = Instant::now() + PATIENCE;
    while pids.iter().any(|pid| !matches!(state(*pid), None | Some('Z' | 'X'))) {
        if Instant::now() > deadline {
            return false;
        }
        thread::sleep(Duration::from_millis(2));
    }
    true
}

/// The letter that proc(5) has for what it is doing.
fn state(pid: u32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit(") ").next()?.chars().next()
}
