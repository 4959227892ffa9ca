//! Whether the other end of a connection still moves. Counts its bytes and the answers that are
//! awaited, asks a server that says nothing, and cuts the connection when nothing comes of it.
//! Knows nothing of what is said.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::Notify,
    time::Instant,
};
use tokio_util::sync::{CancellationToken, DropGuard, WaitForCancellationFutureOwned};

/// How long silence is borne.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// A server that owes an answer and has said nothing for so long is asked whether it is there.
    suspicion: Duration,
    /// How long it then has for a word.
    grace: Duration,
    /// What was sent and not answered may still be on its way, over a link of at least this many
    /// bytes a second.
    slowest: u64,
    /// However much is on its way, more than this is not waited for.
    longest: Duration,
    /// How often a server that owes an answer is looked at.
    period: Duration,
    /// A server that owes nothing and has said nothing for so long is asked too, and has `grace`
    /// for a word; `None` where it is left alone.
    idle: Option<Duration>,
}

impl Limits {
    pub const NETWORK: Limits = Limits {
        suspicion: Duration::from_secs(5),
        grace: Duration::from_secs(8),
        slowest: 16 << 10,
        longest: Duration::from_secs(60),
        period: Duration::from_secs(1),
        idle: Some(Duration::from_secs(10)),
    };

    /// The same, but for a server that is left alone while it owes nothing.
    pub fn patient_when_idle(self) -> Limits {
        Limits { idle: None, ..self }
    }
}

/// The signs of life of one connection.
pub struct Pulse {
    started: Instant,
    /// When the other end gave a sign of life last, in milliseconds from `started`; likewise
    /// `owing_since`.
    moved: AtomicU64,
    owing_since: AtomicU64,
    /// Bytes of requests that are not answered, and of those that were.
    unanswered: AtomicU64,
    answered: AtomicU64,
    /// Nothing more could be sent, for nothing was taken.
    stuck: AtomicBool,
    /// Others talk through it, and look after that by themselves.
    carries: AtomicBool,
    /// Answers that are awaited.
    owed: AtomicUsize,
    owing: Notify,
    cut: CancellationToken,
    limits: Limits,
}

impl Pulse {
    pub fn new(limits: Limits) -> Arc<Pulse> {
        Arc::new(Pulse {
            limits,
            started: Instant::now(),
            moved: AtomicU64::new(0),
            owing_since: AtomicU64::new(0),
            unanswered: AtomicU64::new(0),
            answered: AtomicU64::new(0),
            stuck: AtomicBool::new(false),
            carries: AtomicBool::new(false),
            owed: AtomicUsize::new(0),
            owing: Notify::new(),
            cut: CancellationToken::new(),
        })
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// The other end has given a sign of life.
    fn moved(&self) {
        self.moved.store(self.now(), Ordering::Relaxed);
    }

    /// A request of so many bytes is on its way.
    pub fn expect(&self, bytes: u64) {
        self.unanswered.fetch_add(bytes, Ordering::Relaxed);
        if self.owed.fetch_add(1, Ordering::Relaxed) == 0 {
            self.owing_since.store(self.now(), Ordering::Relaxed);
            self.owing.notify_one();
        }
    }

    /// The answer to a request of so many bytes came, or will never.
    pub fn settle(&self, bytes: u64) {
        self.unanswered.fetch_sub(bytes, Ordering::Relaxed);
        self.answered.fetch_add(bytes, Ordering::Relaxed);
        self.owed.fetch_sub(1, Ordering::Relaxed);
    }

    /// Another connection runs through this one. What that one sends may stand in front of a
    /// question for long, so that none is asked for idleness' sake: the other asks.
    pub fn carry(&self) {
        self.carries.store(true, Ordering::Relaxed);
    }

    /// How long a server that owes nothing may still be silent before it is asked; `None` where it
    /// is not.
    fn until_asked(&self) -> Option<Duration> {
        let idle = self.limits.idle.filter(|_| !self.carries.load(Ordering::Relaxed))?;
        let silence = self.now().saturating_sub(self.moved.load(Ordering::Relaxed));
        Some(idle.saturating_sub(Duration::from_millis(silence)))
    }

    /// How long the server has owed an answer without a sign of life; `None` where it owes none.
    pub fn silence(&self) -> Option<Duration> {
        let since = self.moved.load(Ordering::Relaxed).max(self.owing_since.load(Ordering::Relaxed));
        let owes = self.owed.load(Ordering::Relaxed) > 0;
        owes.then(|| Duration::from_millis(self.now().saturating_sub(since)))
    }

    /// The silence after which there is no hope, on a link that took `rate` bytes a second.
    fn limit(&self, rate: u64) -> Duration {
        let Limits { suspicion, grace, slowest, longest, .. } = self.limits;
        // Links become slower, but seldom to less than a quarter within seconds.
        let sending = Duration::from_secs(self.unanswered.load(Ordering::Relaxed) / slowest.max(rate / 4));
        suspicion + (grace + sending).min(longest)
    }

    /// Whether the connection was cut for its silence, or because nobody wants it any more.
    pub fn is_cut(&self) -> bool {
        self.cut.is_cancelled()
    }

    /// Cuts the connection when the guard is dropped.
    pub fn guard(&self) -> DropGuard {
        self.cut.clone().drop_guard()
    }
}

/// Watches a connection to its end. `ask` makes the server say something.
pub async fn watch(pulse: Weak<Pulse>, ask: impl AsyncFn()) {
    let (mut asked, mut watches) = (false, false);
    let (mut rate, mut before) = (0, (Instant::now(), 0));
    loop {
        let Some(pulse) = pulse.upgrade() else { return };
        let now = (Instant::now(), pulse.answered.load(Ordering::Relaxed));
        if watches && now.0 - before.0 > pulse.limits.period * 5 {
            // This program was stopped for a while: nobody has listened either.
            pulse.moved();
        }
        if now.1 > before.1 {
            let millis = u64::try_from((now.0 - before.0).as_millis()).unwrap_or(u64::MAX).max(1);
            rate = (rate + (now.1 - before.1).saturating_mul(1000) / millis) / 2;
        }
        before = now;
        watches = false;
        match pulse.silence() {
            _ if pulse.is_cut() => return,
            None => {
                asked = false;
                // A connection that ended owes nothing for good: then nobody wakes this one, and
                // it looks by itself.
                let wait = pulse.until_asked().unwrap_or(pulse.limits.longest);
                if !wait.is_zero() {
                    let _ = tokio::time::timeout(wait, pulse.owing.notified()).await;
                } else if !answers(&pulse, &ask).await {
                    pulse.cut.cancel();
                    return;
                }
                continue;
            }
            Some(silence) if silence < pulse.limits.suspicion => asked = false,
            Some(silence) if silence >= pulse.limit(rate) => {
                pulse.cut.cancel();
                return;
            }
            Some(_) if asked => {}
            Some(_) => {
                asked = true;
                let _ = tokio::time::timeout(pulse.limits.period, ask()).await;
            }
        }
        let period = pulse.limits.period;
        watches = true;
        drop(pulse);
        tokio::time::sleep(period).await;
    }
}

/// Whether a server that owes nothing says a word when it is asked. Counts looks, not time: while
/// this program is stopped, it cannot hear.
async fn answers(pulse: &Pulse, ask: &impl AsyncFn()) -> bool {
    let Limits { grace, period, .. } = pulse.limits;
    let before = pulse.moved.load(Ordering::Relaxed);
    let _ = tokio::time::timeout(period, ask()).await;
    let mut waited = Duration::ZERO;
    while pulse.moved.load(Ordering::Relaxed) == before {
        if waited >= grace {
            return false;
        }
        tokio::time::sleep(period).await;
        waited += period;
    }
    true
}

/// A stream whose bytes are counted, and that ends when it is cut.
pub struct Counted<S> {
    inner: S,
    pulse: Arc<Pulse>,
    reading_cut: Pin<Box<WaitForCancellationFutureOwned>>,
    writing_cut: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl<S> Counted<S> {
    pub fn new(inner: S, pulse: Arc<Pulse>) -> Self {
        let cut = || Box::pin(pulse.cut.clone().cancelled_owned());
        Counted { inner, reading_cut: cut(), writing_cut: cut(), pulse }
    }
}

fn check(cut: &mut Pin<Box<WaitForCancellationFutureOwned>>, cx: &mut Context<'_>) -> io::Result<()> {
    match cut.as_mut().poll(cx) {
        Poll::Ready(()) => Err(io::ErrorKind::TimedOut.into()),
        Poll::Pending => Ok(()),
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        check(&mut this.reading_cut, cx)?;
        let before = buf.filled().len();
        let polled = Pin::new(&mut this.inner).poll_read(cx, buf);
        if buf.filled().len() > before {
            this.pulse.moved();
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        check(&mut this.writing_cut, cx)?;
        let polled = Pin::new(&mut this.inner).poll_write(cx, buf);
        match &polled {
            // There is room again: the other end takes what it is sent, however slowly.
            Poll::Ready(Ok(_)) => {
                if this.pulse.stuck.swap(false, Ordering::Relaxed) {
                    this.pulse.moved();
                }
            }
            Poll::Ready(Err(_)) => {}
            Poll::Pending => this.pulse.stuck.store(true, Ordering::Relaxed),
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        check(&mut this.writing_cut, cx)?;
        Pin::new(&mut this.inner).poll_flush(cx)
    }

    /// Never fails: the end of a broken stream would hide why it broke.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if check(&mut this.writing_cut, cx).is_err() {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut this.inner).poll_shutdown(cx).map(|_| Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    const SHORT: Limits = Limits {
        suspicion: Duration::from_millis(500),
        grace: Duration::from_millis(500),
        slowest: 1,
        longest: Duration::from_secs(2),
        period: Duration::from_millis(50),
        idle: None,
    };

    type Watched = (Arc<Pulse>, Counted<tokio::io::DuplexStream>, tokio::io::DuplexStream, Arc<AtomicU32>);

    /// A watched connection and its other end; counts how often the server was asked.
    fn watched() -> Watched {
        watched_within(SHORT)
    }

    /// The same, for a server that is asked when it is idle.
    fn watched_when_idle() -> Watched {
        watched_within(Limits { idle: Some(Duration::from_millis(300)), ..SHORT })
    }

    fn watched_within(limits: Limits) -> Watched {
        let pulse = Pulse::new(limits);
        let (ours, theirs) = tokio::io::duplex(1 << 10);
        let asked = Arc::new(AtomicU32::new(0));
        let count = asked.clone();
        tokio::spawn(watch(Arc::downgrade(&pulse), async move || {
            count.fetch_add(1, Ordering::Relaxed);
        }));
        (pulse.clone(), Counted::new(ours, pulse), theirs, asked)
    }

    #[tokio::test]
    async fn a_server_that_owes_an_answer_and_is_silent_is_asked_and_then_cut() {
        let (pulse, mut ours, _theirs, asked) = watched();
        pulse.expect(0);
        let began = Instant::now();
        let error = ours.read_u8().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
    }

    #[tokio::test]
    async fn a_silent_server_that_owes_nothing_is_left_alone() {
        let (pulse, mut ours, _theirs, asked) = watched();
        pulse.expect(0);
        pulse.settle(0);
        assert!(tokio::time::timeout(Duration::from_secs(3), ours.read_u8()).await.is_err());
        assert_eq!(asked.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn an_idle_server_that_does_not_answer_is_cut() {
        let (_pulse, mut ours, _theirs, asked) = watched_when_idle();
        let began = Instant::now();
        assert_eq!(ours.read_u8().await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        assert!(began.elapsed() >= Duration::from_millis(800), "{:?}", began.elapsed());
    }

    #[tokio::test]
    async fn an_idle_server_that_answers_stays() {
        let (_pulse, mut ours, mut theirs, asked) = watched_when_idle();
        let answering = asked.clone();
        tokio::spawn(async move {
            let mut answered = 0;
            while answered < 4 {
                tokio::time::sleep(Duration::from_millis(5)).await;
                if answering.load(Ordering::Relaxed) > answered {
                    answered += 1;
                    theirs.write_all(b"x").await.unwrap();
                }
            }
            theirs
        });
        let mut all = [0; 4];
        ours.read_exact(&mut all).await.unwrap();
        assert_eq!(asked.load(Ordering::Relaxed), 4);
    }

    #[tokio::test]
    async fn a_connection_that_carries_another_is_not_asked_for_idleness() {
        let (pulse, mut ours, _theirs, asked) = watched_when_idle();
        pulse.carry();
        assert!(tokio::time::timeout(Duration::from_secs(2), ours.read_u8()).await.is_err());
        assert_eq!(asked.load(Ordering::Relaxed), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn while_the_program_was_stopped_nobody_was_silent() {
        let (pulse, mut ours, mut theirs, _) = watched();
        pulse.expect(0);
        tokio::time::sleep(Duration::from_millis(100)).await;
        tokio::time::advance(Duration::from_secs(60)).await;
        theirs.write_all(b"x").await.unwrap();
        assert_eq!(ours.read_u8().await.unwrap(), b'x');
        assert!(!pulse.is_cut());
    }

    #[tokio::test]
    async fn a_slow_answer_is_waited_for_while_anything_moves() {
        let (pulse, mut ours, mut theirs, _) = watched();
        pulse.expect(0);
        tokio::spawn(async move {
            for _ in 0..10 {
                tokio::time::sleep(Duration::from_millis(300)).await;
                theirs.write_all(b"x").await.unwrap();
            }
        });
        let mut all = [0; 10];
        ours.read_exact(&mut all).await.unwrap();
    }

    #[tokio::test]
    async fn a_slow_taker_is_alive() {
        let (pulse, mut ours, mut theirs, _) = watched();
        pulse.expect(9);
        tokio::spawn(async move {
            let mut taken = vec![0; 256];
            for _ in 0..20 {
                tokio::time::sleep(Duration::from_millis(300)).await;
                theirs.read_exact(&mut taken).await.unwrap();
            }
            theirs.write_all(b"x").await.unwrap();
        });
        // Five times what fits at once: the longest of SHORT passes without a byte from there.
        ours.write_all(&[0; 5 << 10]).await.unwrap();
        assert_eq!(ours.read_u8().await.unwrap(), b'x');
    }

    #[tokio::test]
    async fn what_is_still_being_sent_has_its_time() {
        let (pulse, mut ours, _theirs, _) = watched();
        pulse.expect(9);
        let began = Instant::now();
        ours.read_u8().await.unwrap_err();
        // The longest of SHORT: the nine bytes alone would have nine seconds.
        assert!(began.elapsed() >= Duration::from_millis(2500), "{:?}", began.elapsed());
    }

    #[tokio::test]
    async fn a_fast_link_has_less_time() {
        let pulse = Pulse::new(Limits::NETWORK);
        pulse.expect(16 << 20);
        assert_eq!(pulse.limit(0), Duration::from_secs(65));
        assert_eq!(pulse.limit(64 << 20), Duration::from_secs(14));
    }
}
