//! One SFTP conversation over one SSH channel: numbers the requests, sends them in the order
//! of the calls, and hands each answer to whoever waits for it. Knows no files.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf, client};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::{
    assembler::{Assembler, Packet},
    pulse::Pulse,
    request::{self, Request},
    response::{Malformed, Response, TYPE_VERSION, Version},
    version,
    window::Permit,
};
use crate::{
    fs::{Error, ErrorKind, Operation, Result},
    reply::{self, Reply},
};

/// Small packets that are due together leave in one SSH packet of up to this size.
const COALESCE: usize = 32 << 10;

/// A conversation; clones share it.
#[derive(Clone)]
pub struct Channel(Arc<Shared>);

struct Shared {
    next_id: AtomicU32,
    /// The shortest time that an answer has taken, in nanoseconds.
    quickest: AtomicU64,
    /// No handle was asked for yet, and the server numbers them.
    unnumbered: AtomicBool,
    waiting: Mutex<Waiting>,
    outgoing: mpsc::UnboundedSender<Outgoing>,
    version: Version,
    over: CancellationToken,
    pulse: Arc<Pulse>,
}

/// Why a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    pub said: String,
    /// The server took leave.
    pub orderly: bool,
}

#[derive(Default)]
struct Waiting {
    by_id: HashMap<u32, Waiter>,
    /// Why nothing more will come.
    ended: Option<Error>,
}

struct Waiter {
    answer: oneshot::Sender<Result<Response>>,
    /// Given back when the answer arrives, whether or not anybody looks at it then: a file that
    /// waits for something else must not keep others from writing.
    permit: Option<Permit>,
    /// What the request weighs on its way.
    bytes: u64,
    sent: Instant,
}

impl Waiter {
    fn new(bytes: usize, permit: Option<Permit>) -> (Waiter, oneshot::Receiver<Result<Response>>) {
        let (answer, receiver) = oneshot::channel();
        (Waiter { answer, permit, bytes: bytes as u64, sent: Instant::now() }, receiver)
    }
}

/// A request that leaves together with INIT: what its answer is called, and the request.
pub type Early<'a> = (Operation, Request<'a>);

struct Outgoing {
    head: Bytes,
    payload: Vec<Bytes>,
}

/// The answer to come for one request. Dropping it abandons the answer, not the request.
pub struct Pending {
    operation: Operation,
    answer: oneshot::Receiver<Result<Response>>,
    /// It was waited for, and not looked at yet.
    here: Option<std::result::Result<Result<Response>, oneshot::error::RecvError>>,
}

impl Pending {
    /// Waits for the answer.
    pub async fn response(mut self) -> Result<Response> {
        self.wait().await;
        match self.here.take().unwrap_or(Ok(Err(lost(String::new())))) {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(error.during(self.operation)),
            Err(_) => Err(Error::new(ErrorKind::ConnectionLost, self.operation)),
        }
    }

    /// Waits until the answer is here; `arrived` has it then.
    pub async fn wait(&mut self) {
        if self.here.is_none() {
            self.here = Some((&mut self.answer).await);
        }
    }

    /// The outcome, if the answer is here already. Expects STATUS OK.
    pub fn arrived(&mut self) -> Option<Result<()>> {
        let here = match self.here.take() {
            Some(here) => here.map_err(|_| oneshot::error::TryRecvError::Closed),
            None => self.answer.try_recv(),
        };
        match here {
            Ok(answer) => {
                Some(answer.map_err(|e| e.during(self.operation)).and_then(|response| match response {
                    Response::Status { code: reply::SFTP_OK, .. } => Ok(()),
                    other => Err(unexpected(self.operation, &other)),
                }))
            }
            Err(oneshot::error::TryRecvError::Empty) => None,
            Err(oneshot::error::TryRecvError::Closed) => {
                Some(Err(Error::new(ErrorKind::ConnectionLost, self.operation)))
            }
        }
    }

    /// Expects a STATUS and returns it whatever its code.
    pub async fn status(self) -> Result<Reply> {
        let operation = self.operation;
        match self.response().await? {
            Response::Status { code, text } => Ok(Reply::sftp(code, text)),
            other => Err(unexpected(operation, &other)),
        }
    }

    /// Expects STATUS OK.
    pub async fn ok(self) -> Result<()> {
        let operation = self.operation;
        let reply = self.status().await?;
        if reply.code == reply::SFTP_OK { Ok(()) } else { Err(Error::sftp(operation, reply)) }
    }
}

/// The error for an answer of another type than the request calls for: the status, if it is
/// one, otherwise a breach of the protocol.
pub fn unexpected(operation: Operation, response: &Response) -> Error {
    match response {
        Response::Status { code: reply::SFTP_OK, .. } => Error::new(ErrorKind::Protocol, operation)
            .with_detail("the server answered OK where it owed a result"),
        Response::Status { code, text } => Error::sftp(operation, Reply::sftp(*code, text.clone())),
        other => Error::new(ErrorKind::Protocol, operation)
            .with_detail(format!("the server answered {} to something else", other.name())),
    }
}

impl Channel {
    /// Requests the subsystem on a fresh session channel and exchanges versions. `why_ended`
    /// is asked for what is known of the connection when it ends; `pulse` is told of what is awaited.
    /// What is in `early` does not wait for VERSION, which saves a round trip with servers that
    /// bear it; the answers come in its order. `round_trip` is what opening the channel took.
    pub async fn start(
        ssh: russh::Channel<client::Msg>,
        round_trip: Duration,
        early: &[Early<'_>],
        pulse: Arc<Pulse>,
        why_ended: Arc<dyn Fn() -> Option<Ended> + Send + Sync>,
    ) -> Result<(Channel, Vec<Pending>)> {
        let (mut incoming, writer) = ssh.split();
        let mut assembler = Assembler::default();
        // INIT follows the subsystem request without waiting for its answer: one round trip
        // less, and a refusal still shows as a failure message.
        let mut hello = BytesMut::from(&request::encode_init()[..]);
        let mut waiting = Waiting::default();
        let mut answers = Vec::new();
        let mut next_id = 1;
        for (operation, request) in early {
            let head = request.encode(next_id);
            let (waiter, answer) = Waiter::new(head.len(), None);
            waiting.by_id.insert(next_id, waiter);
            answers.push(Pending { operation: *operation, answer, here: None });
            hello.extend_from_slice(&head);
            next_id += 1;
        }
        let asking = async {
            writer.request_subsystem(true, "sftp").await?;
            writer.data_bytes(hello.freeze()).await
        };
        let said = || why_ended().map(|ended| ended.said);
        let version = version::exchanged(&mut incoming, &mut assembler, asking, said).await?;
        let (outgoing, queue) = mpsc::unbounded_channel();
        waiting.by_id.values().for_each(|waiter| pulse.expect(waiter.bytes));
        let shared = Arc::new(Shared {
            next_id: AtomicU32::new(next_id),
            quickest: AtomicU64::new(u64::try_from(round_trip.as_nanos()).unwrap_or(u64::MAX)),
            // The server is OpenSSH's where something was asked early.
            unnumbered: AtomicBool::new(!early.is_empty()),
            waiting: Mutex::new(waiting),
            outgoing,
            version,
            over: CancellationToken::new(),
            pulse,
        });
        let over = shared.over.clone();
        let writing = write_loop(writer, queue, Arc::downgrade(&shared));
        // Room for what is to be sent never comes on a connection that has ended: what is queued
        // goes with it.
        tokio::spawn(async move { over.run_until_cancelled(writing).await });
        tokio::spawn(read_loop(incoming, assembler, Arc::downgrade(&shared), why_ended));
        Ok((Channel(shared), answers))
    }

    /// The shortest time that an answer has taken: about a round trip.
    pub fn quickest(&self) -> Duration {
        Duration::from_nanos(self.0.quickest.load(Ordering::Relaxed))
    }

    /// The handle that the next OPEN will most likely get, if that can be told; once at most.
    ///
    /// Handles are opaque (draft-ietf-secsh-filexfer-02 section 6.3), but OpenSSH's server numbers
    /// them from 0. Whoever uses this must believe nothing that came of it until the answer to OPEN
    /// has named the same handle.
    pub fn first_handle(&self) -> Option<Bytes> {
        self.0.unnumbered.swap(false, Ordering::Relaxed).then_some(Bytes::from_static(&[0; 4]))
    }

    /// Whether both are the same conversation.
    pub fn is(&self, other: &Channel) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub fn version(&self) -> &Version {
        &self.0.version
    }

    /// Why the conversation is over, if it is.
    pub fn ended(&self) -> Option<Error> {
        self.0.waiting().ended.clone()
    }

    /// Waits until the conversation is over.
    pub async fn when_ended(&self) -> Error {
        self.0.over.cancelled().await;
        self.ended().unwrap_or_else(|| lost(String::new()))
    }

    /// How long the server has owed an answer without a sign of life; `None` where it owes none.
    pub fn silence(&self) -> Option<Duration> {
        self.0.pulse.silence()
    }

    /// Sends a request. Requests go out in the order of these calls.
    pub fn send(&self, operation: Operation, request: Request<'_>) -> Pending {
        self.dispatch(operation, request, Vec::new(), None)
    }

    /// Sends a request with the data that follows its head. `permit` is given back when the
    /// answer arrives.
    pub fn send_data(
        &self,
        operation: Operation,
        request: Request<'_>,
        payload: Vec<Bytes>,
        permit: Permit,
    ) -> Pending {
        self.dispatch(operation, request, payload, Some(permit))
    }

    fn dispatch(
        &self,
        operation: Operation,
        request: Request<'_>,
        payload: Vec<Bytes>,
        permit: Option<Permit>,
    ) -> Pending {
        if matches!(request, Request::Open { .. } | Request::OpenDir { .. }) {
            self.0.unnumbered.store(false, Ordering::Relaxed);
        }
        let id = self.0.next_id.fetch_add(1, Ordering::Relaxed);
        let head = request.encode(id);
        let (waiter, answer) =
            Waiter::new(head.len() + payload.iter().map(Bytes::len).sum::<usize>(), permit);
        let mut waiting = self.0.waiting();
        if let Some(error) = &waiting.ended {
            let _ = waiter.answer.send(Err(error.clone()));
        } else {
            self.0.pulse.expect(waiter.bytes);
            waiting.by_id.insert(id, waiter);
            // The lock is held, so that the queue has the order of the ids. A closed queue means
            // that the reader is about to end everything that waits.
            let _ = self.0.outgoing.send(Outgoing { head, payload });
        }
        Pending { operation, answer, here: None }
    }
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self, error: Error) {
        let mut waiting = self.waiting();
        for (_, waiter) in waiting.by_id.drain() {
            self.pulse.settle(waiter.bytes);
            let _ = waiter.answer.send(Err(error.clone()));
        }
        waiting.ended.get_or_insert(error);
        self.over.cancel();
    }

    /// Delivers the packets that are whole; false where that ended the conversation.
    fn take_in(&self, assembler: &mut Assembler) -> bool {
        loop {
            let delivered = match assembler.next() {
                Ok(Some(Packet::Response(id, response))) => self.deliver(id, response),
                Ok(Some(Packet::Version(_))) => Err(Malformed::UnknownType(TYPE_VERSION)),
                Ok(None) => return true,
                Err(malformed) => Err(malformed),
            };
            if let Err(malformed) = delivered {
                let what = match malformed {
                    Malformed::UnknownType(0) => "an answer to no request".to_owned(),
                    other => other.to_string(),
                };
                self.end(Error::new(ErrorKind::Protocol, Operation::Read).with_detail(what));
                return false;
            }
        }
    }

    fn deliver(&self, id: u32, response: Response) -> Result<(), Malformed> {
        let Some(Waiter { answer, permit, bytes, sent }) = self.waiting().by_id.remove(&id) else {
            return Err(Malformed::UnknownType(0));
        };
        self.pulse.settle(bytes);
        let took = u64::try_from(sent.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.quickest.fetch_min(took, Ordering::Relaxed);
        if let Some(permit) = permit {
            permit.answered();
        }
        // Nobody waits for it any more: a handle would stay open on the server for good.
        if let Err(Ok(Response::Handle(handle))) = answer.send(Ok(response)) {
            let id = self.next_id.fetch_add(1, Ordering::Relaxed);
            let head = Request::Close { handle: &handle }.encode(id);
            let (waiter, _) = Waiter::new(head.len(), None);
            self.pulse.expect(waiter.bytes);
            self.waiting().by_id.insert(id, waiter);
            let _ = self.outgoing.send(Outgoing { head, payload: Vec::new() });
        }
        Ok(())
    }
}

async fn write_loop(
    writer: ChannelWriteHalf<client::Msg>,
    mut queue: mpsc::UnboundedReceiver<Outgoing>,
    shared: std::sync::Weak<Shared>,
) {
    let mut together = BytesMut::new();
    let sent = async {
        while let Some(first) = queue.recv().await {
            let mut next = Some(first);
            while let Some(Outgoing { head, payload }) = next {
                together.extend_from_slice(&head);
                for piece in payload {
                    // Copying small pieces costs less than an SSH packet of their own.
                    if together.len() + piece.len() <= COALESCE {
                        together.extend_from_slice(&piece);
                    } else {
                        if !together.is_empty() {
                            writer.data_bytes(together.split().freeze()).await?;
                        }
                        writer.data_bytes(piece).await?;
                    }
                }
                next = if together.len() < COALESCE { queue.try_recv().ok() } else { None };
            }
            if !together.is_empty() {
                writer.data_bytes(together.split().freeze()).await?;
            }
        }
        let _ = writer.eof().await;
        writer.close().await
    }
    .await;
    if let (Err(error), Some(shared)) = (sent, shared.upgrade()) {
        shared.end(lost(error.to_string()));
    }
}

fn lost(detail: String) -> Error {
    Error::new(ErrorKind::ConnectionLost, Operation::Read).with_detail(detail)
}

async fn read_loop(
    mut incoming: ChannelReadHalf,
    mut assembler: Assembler,
    shared: std::sync::Weak<Shared>,
    why_ended: Arc<dyn Fn() -> Option<Ended> + Send + Sync>,
) {
    let mut detail = None;
    // Answers to early requests may have come along with VERSION.
    if shared.upgrade().is_none_or(|shared| !shared.take_in(&mut assembler)) {
        return;
    }
    while let Some(message) = incoming.wait().await {
        let data = match message {
            ChannelMsg::Data { data } => data,
            ChannelMsg::ExitStatus { exit_status } => {
                if exit_status != 0 {
                    detail = Some(format!("the server's SFTP program ended with status {exit_status}"));
                }
                continue;
            }
            ChannelMsg::ExitSignal { signal_name, .. } => {
                detail = Some(format!("the server's SFTP program was ended by signal {signal_name:?}"));
                continue;
            }
            _ => continue,
        };
        let Some(shared) = shared.upgrade() else { return };
        assembler.push(data);
        if !shared.take_in(&mut assembler) {
            return;
        }
    }
    if let Some(shared) = shared.upgrade() {
        // The reason that the whole connection ended for, where it did, comes a moment after
        // its channels end.
        let mut ended = why_ended();
        if ended.is_none() && detail.is_none() {
            tokio::time::sleep(Duration::from_millis(50)).await;
            ended = why_ended();
        }
        // A channel that ends by itself on a connection that lives has been closed on purpose.
        let orderly = ended.as_ref().map_or(detail.is_none(), |ended| ended.orderly);
        let said = ended.map(|ended| ended.said).or(detail);
        let error = lost(said.unwrap_or_else(|| "the server closed the session".into()));
        shared.end(if orderly { error.in_good_order() } else { error });
    }
}
