//! A file that is open on one channel, of the session's own connection or of a further one. Knows
//! no data and no order of it.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;

use super::{
    MIB,
    channel::{Channel, Pending},
    request::Request,
    ssh::Connection,
    window::{Permit, Window},
};
use crate::fs::Operation;

/// A file of this size is worth several channels from its start.
pub const LARGE: u64 = 16 << 20;

/// Below this round trip one channel is as quick as several.
pub const LONG_LINK: Duration = Duration::from_millis(5);

/// A file that is open on one channel; closed when dropped.
pub struct Lane {
    pub channel: Channel,
    pub handle: Bytes,
    /// Bytes on their way on it.
    pub ahead: usize,
    /// The further connection that it is on.
    pub member: Option<Arc<Member>>,
    /// It is to carry no more.
    pub retired: bool,
    closed: bool,
}

impl Lane {
    pub fn new(channel: Channel, handle: Bytes) -> Lane {
        Lane { channel, handle, ahead: 0, member: None, retired: false, closed: false }
    }

    /// On a further connection.
    pub fn on(member: Arc<Member>, handle: Bytes) -> Lane {
        let mut lane = Lane::new(member.channel.clone(), handle);
        lane.member = Some(member);
        lane
    }

    pub fn is_on(&self, member: &Arc<Member>) -> bool {
        self.member.as_ref().is_some_and(|own| Arc::ptr_eq(own, member))
    }

    /// Whether more may go over it.
    pub fn carries(&self) -> bool {
        !self.retired && self.channel.ended().is_none()
    }

    /// Sends `len` bytes of data for `offset`.
    pub fn write(&mut self, offset: u64, data: Vec<Bytes>, len: usize, permit: Permit) -> Pending {
        self.ahead += len;
        let request = Request::Write { handle: &self.handle, offset, len: len as u32 };
        self.channel.send_data(Operation::Write, request, data, permit)
    }

    /// Closes it, with the answer to hear.
    pub fn close(mut self) -> Pending {
        self.closed = true;
        self.channel.send(Operation::Close, Request::Close { handle: &self.handle })
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        if !self.closed {
            drop(self.channel.send(Operation::Close, Request::Close { handle: &self.handle }));
        }
    }
}

/// A further connection; it ends with the last file that uses it, once the session has let it go.
pub struct Member {
    connection: Arc<Connection>,
    pub channel: Channel,
    /// For what is written over it.
    pub window: Arc<Window>,
}

impl Member {
    pub fn new(connection: Connection, channel: Channel) -> Member {
        let window = Window::new(2 * MIB, MIB, 4 * MIB);
        Member { connection: Arc::new(connection), channel, window }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let connection = self.connection.clone();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { connection.disconnect().await });
        }
    }
}
