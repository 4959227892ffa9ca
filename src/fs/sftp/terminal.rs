//! A shell on the server, on a terminal: a channel of the connection that carries SFTP. What it
//! shows is passed on byte by byte, as ssh does; nothing of it is read here. Knows no screen.

use std::{sync::Arc, time::Duration};

use futures::{StreamExt, stream};
use russh::ChannelMsg;
use tokio::sync::mpsc;

use super::{Session, exec};
use crate::fs::{
    Error, ErrorKind, Operation, Output, RemotePath, RemoteTerminal, Result, Typed, path::quote,
};

/// How long a server may take to grant a terminal and a shell on it.
const LIMIT: Duration = Duration::from_secs(15);

/// Keys that may wait for a slow server.
const QUEUED: usize = 64;

/// Opens a shell in `dir`: the login's own, as a login shell.
pub async fn open(
    session: &Arc<Session>,
    dir: &RemotePath,
    size: (u16, u16),
    term: &str,
) -> Result<RemoteTerminal> {
    // `ForceCommand internal-sftp` would grant a terminal, and then talk SFTP on it.
    exec::probe(session, Operation::OpenShell, dir).await?;
    let refused = |what: &str| {
        let error = Error::new(ErrorKind::Unsupported, Operation::OpenShell).with_detail(what);
        session.error(error, dir)
    };
    let opening = async {
        let channel = session.connection.execute_on_terminal(script(dir), size, term).await;
        let channel = channel.map_err(|error| session.error(error, dir))?;
        let (mut incoming, writer) = channel.split();
        // A request without a terminal's grant would leave a shell that shows no prompt.
        let mut granted = 0;
        while granted < 2 {
            match incoming.wait().await {
                Some(ChannelMsg::Success) => granted += 1,
                Some(ChannelMsg::Failure) if granted == 0 => {
                    return Err(refused("the server gives no terminal"));
                }
                Some(ChannelMsg::Failure) => return Err(refused("the server runs no shell")),
                Some(ChannelMsg::Close | ChannelMsg::ExitStatus { .. } | ChannelMsg::ExitSignal { .. })
                | None => return Err(refused("the server has closed the shell at once")),
                Some(_) => {}
            }
        }
        Ok((incoming, writer))
    };
    let opened = tokio::time::timeout(LIMIT, opening).await;
    let (incoming, writer) = opened.unwrap_or_else(|_| Err(refused("the server did not open a shell")))?;
    let (typed, mut to_send) = mpsc::channel(QUEUED);
    tokio::spawn(async move {
        while let Some(typed) = to_send.recv().await {
            let sent = match typed {
                Typed::Keys(keys) => writer.data_bytes(keys).await,
                Typed::Size(columns, rows) => writer.window_change(columns.into(), rows.into(), 0, 0).await,
            };
            if sent.is_err() {
                break;
            }
        }
        // Whoever typed has left: the shell is told as by a line that is hung up.
        let _ = writer.close().await;
    });
    let error = session.error(Error::new(ErrorKind::ConnectionLost, Operation::OpenShell), dir);
    let shown =
        stream::unfold((incoming, None, error, false), |(mut incoming, mut ended, error, over)| async move {
            if over {
                return None;
            }
            loop {
                match incoming.wait().await {
                    Some(ChannelMsg::Data { data } | ChannelMsg::ExtendedData { data, .. }) => {
                        return Some((Ok(Output::Stdout(data)), (incoming, ended, error, false)));
                    }
                    Some(ChannelMsg::ExitStatus { exit_status }) => ended = Some(Output::Exited(exit_status)),
                    Some(ChannelMsg::ExitSignal { signal_name, .. }) => {
                        ended = Some(Output::Killed(exec::signal(&signal_name)));
                    }
                    Some(_) => {}
                    None => {
                        let last = ended.take().ok_or_else(|| error.clone());
                        return Some((last, (incoming, None, error, true)));
                    }
                }
            }
        });
    Ok(RemoteTerminal { typed, shown: shown.boxed() })
}

/// What the login's shell is told, whichever that is: all of it in single quotes, which mean the
/// same to every shell.
fn script(dir: &RemotePath) -> Vec<u8> {
    let mut script = b"exec /bin/sh -c 'cd -- \"$1\"; exec \"${SHELL:-/bin/sh}\" -l' sh ".to_vec();
    script.extend(quote(dir.as_bytes()));
    script
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_one_word_whatever_it_is_called() {
        let script = script(&RemotePath::new("/a b'; rm -rf $HOME #"));
        let text = String::from_utf8(script).unwrap();
        assert!(text.ends_with(r"' sh '/a b'\''; rm -rf $HOME #'"), "{text}");
    }
}
