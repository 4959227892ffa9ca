//! Commands on the server, on channels of the connection that carries SFTP. What runs is a script
//! that `sh` reads from its standard input: so it does not matter which shell the login has, and
//! every byte of a name is quoted by one rule. Knows no SFTP requests.
//!
//! Many servers run no commands (`ForceCommand internal-sftp`, restricted shells, appliances).
//! That shows by the script's first words not coming back; it is remembered for the session.

use std::{
    collections::VecDeque,
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use futures::{StreamExt, stream};
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Sig, client};

use super::{Session, stop};
use crate::{
    fs::{
        Algorithm, Checksum, Error, ErrorKind, Operation, Output, OutputStream, Principal, RemotePath,
        Result, path::quote, sum::Computed,
    },
    reply::Reply,
};

/// How long a server may take to begin with the script.
const START_TIMEOUT: Duration = Duration::from_secs(15);

/// What a login's start-up files may print before the script begins.
const GREETING_MAX: usize = 64 << 10;

/// What a tool's answer may have: a name and a checksum are less.
const ANSWER_MAX: usize = 4 << 10;

/// A script that has begun.
pub struct Process {
    session: Weak<Session>,
    /// What there is to be ended if nobody waits for the script's end.
    pub running: Option<stop::Running>,
    incoming: ChannelReadHalf,
    writer: Option<ChannelWriteHalf<client::Msg>>,
    /// What came along with the first words.
    early: VecDeque<Output>,
    /// How it ended, once the server has told.
    ended: Option<Output>,
}

impl Process {
    /// The next output; how it ended, once, as the last.
    pub async fn next(&mut self) -> Option<Output> {
        if let Some(output) = self.early.pop_front() {
            return Some(output);
        }
        while let Some(message) = self.incoming.wait().await {
            match message {
                ChannelMsg::Data { data } if !data.is_empty() => return Some(Output::Stdout(data)),
                ChannelMsg::ExtendedData { data, ext: 1 } if !data.is_empty() => {
                    return Some(Output::Stderr(data));
                }
                ChannelMsg::ExitStatus { exit_status } => self.ended = Some(Output::Exited(exit_status)),
                ChannelMsg::ExitSignal { signal_name, .. } => {
                    self.ended = Some(Output::Killed(signal(&signal_name)));
                }
                _ => {}
            }
        }
        self.writer = None;
        self.ended.take()
    }
}

/// The name as RFC 4254 section 6.10 has it.
pub fn signal(signal: &Sig) -> String {
    match signal {
        Sig::Custom(name) => name.clone(),
        known => format!("{known:?}"),
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let Some(writer) = self.writer.take() else { return };
        let is_over = self.ended.is_some();
        let running = self.running.map(|running| stop::Running { is_over, ..running });
        stop::give_up(&self.session, writer, running);
    }
}

/// Runs `script` and waits until it has begun.
pub async fn start(
    session: &Arc<Session>,
    operation: Operation,
    path: &RemotePath,
    script: &[u8],
) -> Result<Process> {
    if let Some(error) = session.no_commands.get() {
        return Err(error.clone().during(operation).about(path));
    }
    let refused = |detail: String| {
        let error = session.error(Error::new(ErrorKind::Unsupported, operation), path).with_detail(detail);
        let _ = session.no_commands.set(error.clone());
        error
    };
    // mod_sftp would end the whole connection.
    if !session.first.version().bears_channels() {
        return Err(refused("this server runs no commands".to_owned()));
    }
    let broken = |error: russh::Error| {
        let error = Error::new(ErrorKind::ConnectionLost, operation).with_detail(error.to_string());
        session.error(error, path)
    };
    let mark = format!("wharf {:016x}", rand::random::<u64>());
    // With the number of the process, which whatever the script becomes by `exec` keeps.
    let mut text = format!("echo '{mark}' $$\n").into_bytes();
    text.extend_from_slice(script);
    text.push(b'\n');
    let beginning = async {
        let channel =
            session.connection.execute("sh").await.map_err(|e| session.error(e.during(operation), path))?;
        let (incoming, writer) = channel.split();
        let mut process = Process {
            session: Arc::downgrade(session),
            running: None,
            incoming,
            writer: Some(writer),
            early: VecDeque::new(),
            ended: None,
        };
        if let Some(writer) = &process.writer {
            writer.data_bytes(text).await.map_err(broken)?;
            writer.eof().await.map_err(broken)?;
        }
        match greet(&mut process, mark.as_bytes()).await {
            Ok(()) => Ok(process),
            Err(why) => Err(refused(why)),
        }
    };
    tokio::time::timeout(START_TIMEOUT, beginning)
        .await
        .unwrap_or_else(|_| Err(refused("the server did not begin to run a command".to_owned())))
}

/// Reads up to the script's first words.
async fn greet(process: &mut Process, mark: &[u8]) -> std::result::Result<(), String> {
    let mut said = BytesMut::new();
    let mut complaint = BytesMut::new();
    let because = |complaint: &[u8], otherwise: String| {
        let text = String::from_utf8_lossy(complaint);
        match text.lines().map(str::trim).find(|line| !line.is_empty()) {
            Some(line) => format!("the server runs no commands: {line}"),
            None => otherwise,
        }
    };
    while said.len() < GREETING_MAX && complaint.len() < GREETING_MAX {
        match process.incoming.wait().await {
            Some(ChannelMsg::Data { data }) => {
                said.extend_from_slice(&data);
                if let Some((pid, end)) = begins(&said, mark) {
                    process.running = pid.map(|pid| stop::Running { pid, is_over: false });
                    let rest = said.split_off(end).freeze();
                    if !complaint.is_empty() {
                        process.early.push_back(Output::Stderr(complaint.freeze()));
                    }
                    if !rest.is_empty() {
                        process.early.push_back(Output::Stdout(rest));
                    }
                    return Ok(());
                }
            }
            Some(ChannelMsg::ExtendedData { data, .. }) => complaint.extend_from_slice(&data),
            Some(ChannelMsg::Failure) => return Err("the server runs no commands".to_owned()),
            Some(ChannelMsg::ExitStatus { exit_status }) => {
                // What was printed may still be on its way, though sshd sends it first.
                process.ended = Some(Output::Exited(exit_status));
            }
            Some(_) => {}
            None => {
                let otherwise = match process.ended.take() {
                    Some(Output::Exited(status)) => {
                        format!("the server runs no commands: it ended with exit status {status}")
                    }
                    _ => "the server runs no commands".to_owned(),
                };
                // The words of a login that may not: "This service allows sftp connections only."
                let words = if said.is_empty() { &complaint } else { &said };
                let printable = words.iter().all(|b| !matches!(b, 0..=8 | 14..=31));
                return Err(because(if printable { words } else { b"" }, otherwise));
            }
        }
    }
    Err("the server printed something else than the command's output".to_owned())
}

/// Whether `mark` begins a line in `said` that is whole: the number behind it, and where the line
/// ends. Only at the start of a line, or a script that is printed back would be taken for one that
/// runs.
fn begins(said: &[u8], mark: &[u8]) -> Option<(Option<u32>, usize)> {
    let start = said.windows(mark.len()).enumerate().find_map(|(at, window)| {
        let fresh = at == 0 || said[at - 1] == b'\n';
        (fresh && window == mark).then_some(at + mark.len())
    })?;
    let length = said.get(start..)?.iter().position(|b| *b == b'\n')?;
    let number = std::str::from_utf8(&said[start..start + length]).ok();
    let number = number.and_then(|number| number.trim().parse().ok());
    // 1 as a group means everything there is.
    Some((number.filter(|pid| *pid > 1), start + length + 1))
}

/// Fails where the server runs no commands.
pub async fn probe(session: &Arc<Session>, operation: Operation, path: &RemotePath) -> Result<()> {
    let mut process = start(session, operation, path, b"exit 0").await?;
    // It ends by itself.
    process.running = None;
    Ok(())
}

/// Runs `command` in `dir` by the login's own shell.
pub async fn execute(session: &Arc<Session>, dir: &RemotePath, command: &[u8]) -> Result<OutputStream> {
    let started = Instant::now();
    let mut script = b"cd ".to_vec();
    script.extend(quote(dir.as_bytes()));
    script.extend_from_slice(b" || exit 126\nexec \"${SHELL:-/bin/sh}\" -c ");
    script.extend(quote(command));
    script.extend_from_slice(b" </dev/null");
    let process = start(session, Operation::Execute, dir, &script).await?;
    let running = Running { process, session: session.clone(), dir: dir.clone(), started };
    let output = stream::unfold(Some(running), |running| async {
        let mut running = running?;
        match running.process.next().await {
            Some(output @ (Output::Exited(_) | Output::Killed(_))) => {
                running.log(&output);
                Some((Ok(output), None))
            }
            Some(output) => Some((Ok(output), Some(running))),
            None => {
                let kind = match running.session.first.ended() {
                    Some(_) => ErrorKind::ConnectionLost,
                    None => ErrorKind::Failure,
                };
                let error = running.session.error(Error::new(kind, Operation::Execute), &running.dir);
                Some((Err(error.with_detail("the server did not say how the command ended")), None))
            }
        }
    });
    Ok(output.fuse().boxed())
}

struct Running {
    process: Process,
    session: Arc<Session>,
    dir: RemotePath,
    started: Instant,
}

impl Running {
    fn log(&self, end: &Output) {
        let reply = match end {
            Output::Exited(status) => Reply::command(*status, ""),
            Output::Killed(name) => Reply::command(255, format!("ended by signal {name}")),
            _ => return,
        };
        // Not the command itself: it may hold what nobody else is to read.
        self.session.log_as("run a command in".into(), Some(&self.dir), reply, self.started);
    }
}

/// Runs a script for its short answer; `None` if it failed.
async fn answer(
    session: &Arc<Session>,
    operation: Operation,
    path: &RemotePath,
    what: &str,
    script: &[u8],
) -> Result<Option<String>> {
    let started = Instant::now();
    let mut process = start(session, operation, path, script).await?;
    let (mut out, mut err) = (BytesMut::new(), BytesMut::new());
    let status = loop {
        match process.next().await {
            Some(Output::Stdout(bytes)) => take(&mut out, &bytes),
            Some(Output::Stderr(bytes)) => take(&mut err, &bytes),
            Some(Output::Exited(status)) => break status,
            Some(Output::Killed(_)) => break 255,
            None if session.first.ended().is_some() => {
                return Err(session.error(Error::new(ErrorKind::ConnectionLost, operation), path));
            }
            None => break 255,
        }
    };
    let said = String::from_utf8_lossy(&err);
    let said = said.lines().next().unwrap_or_default().trim();
    session.log_as(what.to_owned(), Some(path), Reply::command(status, said), started);
    Ok((status == 0).then(|| String::from_utf8_lossy(&out).into_owned()))
}

/// Keeps no more than an answer may have.
fn take(kept: &mut BytesMut, bytes: &Bytes) {
    let room = ANSWER_MAX.saturating_sub(kept.len());
    kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
}

/// The tools that compute a checksum, in the order to be tried, each with what it is called with.
/// All of them print the digits first when they read standard input. None prints a CRC as others do:
/// cksum(1) computes another.
fn tools(algorithm: Algorithm) -> &'static [(&'static str, &'static str)] {
    match algorithm {
        Algorithm::Sha256 => {
            &[("sha256sum", ""), ("shasum", "-a 256"), ("sha256", "-q"), ("openssl", "dgst -sha256 -r")]
        }
        Algorithm::Sha512 => {
            &[("sha512sum", ""), ("shasum", "-a 512"), ("sha512", "-q"), ("openssl", "dgst -sha512 -r")]
        }
        Algorithm::Sha1 => {
            &[("sha1sum", ""), ("shasum", "-a 1"), ("sha1", "-q"), ("openssl", "dgst -sha1 -r")]
        }
        Algorithm::Md5 => &[("md5sum", ""), ("md5", "-q"), ("openssl", "dgst -md5 -r")],
        Algorithm::Crc32 => &[],
    }
}

/// The checksum by whichever tool the server has. The file is the tool's standard input, so that
/// no tool sees its name: it may begin with a dash, or hold what a tool would escape.
pub async fn checksum(session: &Arc<Session>, path: &RemotePath, algorithm: Algorithm) -> Result<Checksum> {
    let tools = tools(algorithm);
    if tools.is_empty() {
        return Err(session.error(Error::new(ErrorKind::Unsupported, Operation::Checksum), path));
    }
    // A pipe would wait for a writer.
    let mut script = b"f=".to_vec();
    script.extend(quote(path.as_bytes()));
    script.extend_from_slice(b"\n[ -f \"$f\" ] || exit 2\n");
    for (tool, arguments) in tools {
        script.extend_from_slice(
            format!(
                "if command -v {tool} >/dev/null 2>&1; then echo {tool}; exec {tool} {arguments} <\"$f\"; fi\n"
            )
            .as_bytes(),
        );
    }
    script.extend_from_slice(b"exit 127\n");
    let what = algorithm.name();
    let said = answer(session, Operation::Checksum, path, what, &script).await?;
    let mut lines = said.as_deref().unwrap_or_default().lines();
    let tool = lines.next().and_then(|line| tools.iter().find(|(tool, _)| *tool == line));
    let digits = lines.next().and_then(|line| line.split_ascii_whitespace().next());
    tool.zip(digits)
        .and_then(|((tool, _), digits)| Checksum::from_hex(algorithm, digits, Computed::Server(tool)))
        .ok_or_else(|| {
            let error = session.error(Error::new(ErrorKind::Unsupported, Operation::Checksum), path);
            error.with_detail("the server's own tools did not compute it")
        })
}

/// Bytes of a script that names directories; more of them go into the next one.
const SCRIPT_MAX: usize = 64 << 10;

/// Has the server write out the volumes of directories; false where its tools have not done it. Only
/// Linux's `sync -f` is known to wait and to tell: others take no notice of arguments.
pub async fn sync_volumes(session: &Arc<Session>, dirs: &[RemotePath]) -> Result<bool> {
    let mut dirs = dirs.iter().peekable();
    while let Some(first) = dirs.next() {
        let mut script = b"[ \"$(uname)\" = Linux ] || exit 3\nexec sync -f ".to_vec();
        script.extend(quote(first.as_bytes()));
        while script.len() < SCRIPT_MAX
            && let Some(dir) = dirs.next()
        {
            script.push(b' ');
            script.extend(quote(dir.as_bytes()));
        }
        if answer(session, Operation::Close, first, "sync -f", &script).await?.is_none() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The number of a user or group by the server's own tools. `name` is no option.
pub async fn owner_id(session: &Arc<Session>, principal: Principal, name: &str) -> Result<Option<u32>> {
    let mut script = match principal {
        Principal::User => b"id -u ".to_vec(),
        Principal::Group => b"getent group ".to_vec(),
    };
    script.extend(quote(name.as_bytes()));
    let root = RemotePath::root();
    let said = answer(session, Operation::FindOwner, &root, "look up an owner", &script).await?;
    let line = said.as_deref().and_then(|said| said.lines().next()).unwrap_or_default();
    Ok(match principal {
        Principal::User => line.trim().parse().ok(),
        Principal::Group => line.split(':').nth(2).and_then(|id| id.parse().ok()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every byte that a name may have, through the shell of this machine.
    #[test]
    fn every_byte_comes_through_a_shell() {
        use std::{io::Write, process::Stdio};
        let name: Vec<u8> = (1..=255).collect();
        let mut shell =
            std::process::Command::new("sh").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let script = [b"f=".to_vec(), quote(&name), b"\nprintf %s \"$f\"\n".to_vec()].concat();
        shell.stdin.take().unwrap().write_all(&script).unwrap();
        assert_eq!(shell.wait_with_output().unwrap().stdout, name);
    }

    #[test]
    fn the_first_words_are_a_line_of_their_own() {
        assert_eq!(begins(b"hello\nmark 4711\nrest", b"mark"), Some((Some(4711), 16)));
        assert_eq!(begins(b"echo 'mark 4711\n", b"mark"), None);
        assert_eq!(begins(b"mark 47", b"mark"), None);
        for none in [&b"mark\n"[..], b"mark $$\n", b"mark 1\n", b"mark 0\n", b"mark -1\n"] {
            assert_eq!(begins(none, b"mark"), Some((None, none.len())));
        }
    }
}
