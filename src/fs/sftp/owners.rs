//! Attributes as version 3 can set them, and the names behind the numbers of owners. Knows no
//! other operation.

use bytes::Bytes;
use futures::StreamExt;

use super::{Session, Sftp, exec, request::Request, response, response::Response};
use crate::fs::{
    Attributes, Error, ErrorKind, FileSystem, Operation, OwnerNames, Principal, ReadOptions, RemotePath,
    Result,
};

const LSETSTAT: &str = "lsetstat@openssh.com";
const NAMES_BY_ID: &str = "users-groups-by-id@openssh.com";

/// How much of a server's list of users is read; longer ones are not of this kind.
const LIST_MAX: usize = 4 << 20;

/// Sets what is `Some` on what `path` leads to, or with `follow` off on what is there itself.
pub async fn set(sftp: &Sftp, path: &RemotePath, attributes: &Attributes, follow: bool) -> Result<()> {
    let session = &sftp.session;
    if !follow && !session.first.version().has(LSETSTAT) {
        return Err(session.error(Error::new(ErrorKind::Unsupported, Operation::SetAttributes), path));
    }
    let mut wanted = Attributes { size: None, ..attributes.clone() };
    // Version 3 sets both owners or none, both times or none: what is not to change is set to
    // what it is.
    let half_owner = wanted.uid.is_some() != wanted.gid.is_some();
    let half_time = wanted.atime.is_some() != wanted.mtime.is_some();
    if half_owner || half_time {
        let there = if follow { sftp.stat(path).await } else { sftp.lstat(path).await };
        let there = there.map_err(|error| error.during(Operation::SetAttributes))?.attributes;
        if half_owner {
            wanted.uid = wanted.uid.or(there.uid);
            wanted.gid = wanted.gid.or(there.gid);
            if wanted.uid.is_none() || wanted.gid.is_none() {
                return Err(session
                    .error(Error::new(ErrorKind::Unsupported, Operation::SetAttributes), path)
                    .with_detail("the server does not tell the owner, so one half of it cannot be set"));
            }
        }
        if half_time {
            wanted.atime = wanted.atime.or(there.atime);
            wanted.mtime = wanted.mtime.or(there.mtime);
        }
    }
    // A change of owner clears set-id bits, and servers set the owner last: it goes first.
    if wanted.uid.is_some() && wanted.mode.is_some() {
        let owner = Attributes { uid: wanted.uid.take(), gid: wanted.gid.take(), ..Attributes::default() };
        command(session, path, &owner, follow).await?;
    }
    command(session, path, &wanted, follow).await
}

async fn command(session: &Session, path: &RemotePath, attributes: &Attributes, follow: bool) -> Result<()> {
    let path_bytes = path.as_bytes();
    let request = if follow {
        Request::SetStat { path: path_bytes, attributes }
    } else {
        Request::LSetStat { path: path_bytes, attributes }
    };
    session.command(Operation::SetAttributes, request, path).await
}

/// The names, where the server has OpenSSH's extension for them.
pub async fn names(session: &Session, uid: Option<u32>, gid: Option<u32>) -> OwnerNames {
    if !session.first.version().has(NAMES_BY_ID) {
        return OwnerNames::default();
    }
    let bytes = |id: Option<u32>| id.map_or_else(Vec::new, |id| id.to_be_bytes().to_vec());
    let (uids, gids) = (bytes(uid), bytes(gid));
    let request = Request::Extended { name: NAMES_BY_ID, strings: &[&uids, &gids] };
    let root = RemotePath::root();
    let Ok(Response::Extended(body)) = session.ask(Operation::FindOwner, request, &root).await else {
        return OwnerNames::default();
    };
    let Ok((user, group)) = response::decode_owner_names(body) else { return OwnerNames::default() };
    let text = |name: Bytes| {
        let name = std::str::from_utf8(&name).ok().filter(|name| !name.is_empty())?;
        Some(session.intern(name))
    };
    OwnerNames { owner: text(user), group: text(group) }
}

/// The number of a user or group: asked of the server's own tools where it runs commands, else
/// read from its lists.
pub async fn id(sftp: &Sftp, principal: Principal, name: &str) -> Result<u32> {
    let unknown = |detail: &'static str| {
        Error::new(ErrorKind::NotFound, Operation::FindOwner)
            .on(sftp.session.id.as_str())
            .with_detail(format!("{name}: {detail}"))
    };
    // What has such a character is no name, and could be an option or a second field.
    if name.is_empty() || name.starts_with('-') || name.contains([':', '\n', '\0', '/']) {
        return Err(unknown("this is no name of a user or group"));
    }
    match exec::owner_id(&sftp.session, principal, name).await {
        Ok(Some(id)) => return Ok(id),
        Ok(None) => {}
        Err(error) if error.kind().ends_session() => return Err(error),
        Err(_) => {}
    }
    let list = RemotePath::new(match principal {
        Principal::User => "/etc/passwd",
        Principal::Group => "/etc/group",
    });
    let unlisted = "the server does not know it, or does not tell; its number works as well";
    let Ok(mut chunks) = sftp.read(&list, ReadOptions::default()).await else {
        return Err(unknown(unlisted));
    };
    let mut text = Vec::new();
    while let Some(Ok(chunk)) = chunks.next().await {
        text.extend_from_slice(&chunk);
        if text.len() > LIST_MAX {
            break;
        }
    }
    listed(&text, name).ok_or_else(|| unknown(unlisted))
}

/// The third field of the line of that name: passwd(5), group(5).
fn listed(list: &[u8], name: &str) -> Option<u32> {
    list.split(|b| *b == b'\n').find_map(|line| {
        let mut fields = line.split(|b| *b == b':');
        if fields.next() != Some(name.as_bytes()) {
            return None;
        }
        std::str::from_utf8(fields.nth(1)?).ok()?.parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_from_the_line_of_exactly_that_name() {
        let list = b"root:x:0:0::/:/bin/sh\nannex:x:7:7::\nann:x:1001:1001:Ann:/home/ann:/bin/sh\nbad:x\n";
        assert_eq!(listed(list, "ann"), Some(1001));
        assert_eq!(listed(list, "root"), Some(0));
        assert_eq!(listed(list, "an"), None);
        assert_eq!(listed(list, "bad"), None);
    }
}
