//! Ending what runs on the server once nobody waits for it any more. Starts nothing that was not
//! asked for, and reads no output.
//!
//! SSH has a request for signals, but OpenSSH's server refuses it where one logs in as root, and
//! others do not know it; closing the channel ends only what writes to it. So a second channel has
//! a shell end the first one's process group, whose number that told with its first words.

use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::{Duration, Instant},
};

use russh::{ChannelWriteHalf, Sig, client};
use tokio::{runtime::Handle, task::JoinSet};

use super::{Session, exec};
use crate::{
    fs::{Operation, Output, RemotePath, Result},
    reply::Reply,
};

/// How long the server may take to end a command.
const LIMIT: Duration = Duration::from_secs(10);

/// How long a session that is closed waits for that.
const CLOSING: Duration = Duration::from_millis(800);

/// What is being ended on one session.
#[derive(Default)]
pub struct Stopping(Mutex<JoinSet<()>>);

impl Stopping {
    fn add(&self, runtime: &Handle, work: impl Future<Output = ()> + Send + 'static) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while all.try_join_next().is_some() {}
        all.spawn_on(work, runtime);
    }

    /// Waits until all of it has been told to end, but not for long: with the connection goes the
    /// way to tell it.
    pub async fn settle(&self) {
        let all = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let _ = tokio::time::timeout(CLOSING, all.join_all()).await;
    }
}

/// The first process of a script, as the server tells it.
#[derive(Clone, Copy)]
pub struct Running {
    pub pid: u32,
    /// It has ended already; what it has started in the background may have not.
    pub is_over: bool,
}

/// Ends what runs on a channel, and the channel.
pub fn give_up(session: &Weak<Session>, writer: ChannelWriteHalf<client::Msg>, running: Option<Running>) {
    let Ok(runtime) = Handle::try_current() else { return };
    let hang_up = async move {
        let _ = writer.signal(Sig::TERM).await;
        let _ = writer.close().await;
    };
    let Some(session) = session.upgrade() else {
        runtime.spawn(hang_up);
        return;
    };
    let of = session.clone();
    session.stopping.add(&runtime, async move {
        hang_up.await;
        if let Some(running) = running {
            end(&of, running).await;
        }
    });
}

async fn end(session: &Arc<Session>, running: Running) {
    let started = Instant::now();
    let script = script(running);
    let ending = async {
        let mut process =
            exec::start(session, Operation::Execute, &RemotePath::root(), script.as_bytes()).await?;
        // Were this one given up in its turn, nothing of it would be left to end.
        process.running = None;
        while let Some(output) = process.next().await {
            if let Output::Exited(status) = output {
                return Ok(status == 0);
            }
        }
        Result::<bool>::Ok(false)
    };
    let (status, said) = match tokio::time::timeout(LIMIT, ending).await {
        Ok(Ok(true)) => (0, ""),
        _ => (255, "it may still be running on the server"),
    };
    session.log_as(
        "end the command that was given up".to_owned(),
        None,
        Reply::command(status, said),
        started,
    );
}

/// The group has the number of its first process, unless the login's shell has stayed around that:
/// then it and what it has started are ended one by one. A group that is not there has been ended
/// by the signal.
fn script(Running { pid, is_over }: Running) -> String {
    // As POSIX has it: dash knows no `--` behind `-TERM`.
    let group = format!("kill -s TERM -- -{pid} 2>/dev/null");
    if is_over {
        return format!("{group}\nexit 0");
    }
    format!("{group} || {{ pkill -TERM -P {pid}; kill -s TERM {pid}; }} 2>/dev/null\nexit 0")
}
