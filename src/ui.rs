//! The terminal UI: the event loop, the terminal itself, and carrying out what `update` asks
//! for. Must decide nothing: what a key or an event means is `update`'s business.

pub mod action;
mod beside;
mod icons;
pub mod keymap;
pub mod layout;
mod outside;
pub mod rows;
pub mod settings;
pub mod sheet;
pub mod state;
mod terminal;
pub mod text;
pub mod theme;
pub mod update;
pub mod view;

use std::{
    collections::VecDeque,
    io,
    task::Poll,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use crossterm::event::{Event as Input, EventStream, KeyEventKind};
use futures::{FutureExt, StreamExt, future::BoxFuture};
use ratatui::layout::Size;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc,
    task::JoinHandle,
};

use crate::{
    config::{Change, Kept},
    engine::{Engine, Event},
    fs::{Place, RemotePath, Timestamp},
    ui::{
        beside::Beside,
        state::{Clock, Side, State, Tone},
        terminal::{
            Terminal,
            background::{Asked, Late, Taken},
            signs::Signs,
        },
        theme::{Depth, Theme},
        update::{Demo, Effect, Msg, Outside, Sign, update},
    },
};

/// Makes a change to what is kept between runs, and says what there is then. It may block.
pub type Keep = Box<dyn Fn(Change) -> Kept + Send>;

/// Starts the demo's server, or says why not.
pub type StartDemo = Box<dyn Fn() -> BoxFuture<'static, Result<Demo, String>> + Send>;

/// How to start.
pub struct Options {
    /// Where the left pane begins; `None` is `cwd`.
    pub left: Option<Place>,
    /// Where the right pane begins; `None` is `cwd`, or the connect screen if there is no left
    /// place either.
    pub right: Option<Place>,
    /// This machine's current directory.
    pub cwd: RemotePath,
    /// This machine's home directory, for `~`.
    pub home: RemotePath,
    /// Whether the terminal's title says where the panes are.
    pub title: bool,
    /// Bookmarks and recent places.
    pub kept: Kept,
    /// Keys and look.
    pub settings: settings::Settings,
    /// `None` where nothing is to be kept.
    pub keep: Option<Keep>,
    /// A workspace to open, which is there.
    pub workspace: Option<String>,
    /// `None` where no demo can be started.
    pub demo: Option<StartDemo>,
}

/// The spinner's pace; nothing ticks while nothing is awaited.
const TICK: Duration = Duration::from_millis(120);
/// Progress is shown at most this often.
const PROGRESS: Duration = Duration::from_millis(70);
/// Events of the engine are drawn at most this often; keys at once.
const FRAME: Duration = Duration::from_millis(16);
/// How long the last changes may take to be written when the program ends.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// How many events are taken in before the screen is looked at again.
const DRAIN: usize = 512;

/// Runs the UI until the person quits or a signal ends it. The terminal is as it was before when
/// this returns.
pub async fn run(engine: Engine, events: mpsc::Receiver<Event>, options: Options) -> io::Result<()> {
    let mut terminal = Terminal::start()?;
    let found = Theme::choose(|name| std::env::var(name).ok());
    let asks = options.settings.theme.background.is_none() && found.depth != Depth::None;
    // Before anybody else reads from the terminal. One that cannot be asked stays unasked.
    let asked = if asks { terminal::background::ask().ok() } else { None };
    let this = Loop::new(engine, options, terminal.size()?, found, asked);
    let result = terminal::watched(this.run(&mut terminal, events)).await;
    drop(terminal);
    result
}

struct Loop {
    engine: Engine,
    state: State,
    started: Instant,
    set_title: bool,
    /// The screen does not show the state any more.
    stale: bool,
    drawn: Instant,
    quit: bool,
    /// What is to get the terminal next.
    outside: VecDeque<Outside>,
    keeper: Keeper,
    /// What the terminal says of its background, where it says so late.
    late: Late,
    signs: Signs,
    demo: Option<StartDemo>,
    /// What goes on beside the loop, and what comes of it.
    workers: Beside,
    beside: (mpsc::UnboundedSender<Msg>, mpsc::UnboundedReceiver<Msg>),
    /// The person wants the shell.
    suspend: bool,
}

/// Makes changes one after another, on a thread that may wait for disk and keyring.
struct Keeper {
    changes: mpsc::UnboundedSender<Change>,
    kept: mpsc::UnboundedReceiver<Kept>,
    work: JoinHandle<()>,
}

impl Keeper {
    fn start(keep: Option<Keep>) -> Keeper {
        let (changes, mut to_make) = mpsc::unbounded_channel();
        let (made, kept) = mpsc::unbounded_channel();
        let work = tokio::task::spawn_blocking(move || {
            let Some(keep) = keep else { return };
            while let Some(change) = to_make.blocking_recv() {
                // Nobody may listen any more: what was asked for is kept all the same.
                let _ = made.send(keep(change));
            }
        });
        Keeper { changes, kept, work }
    }

    async fn finish(self) {
        drop(self.changes);
        let _ = tokio::time::timeout(LAST_WORDS, self.work).await;
    }
}

impl Loop {
    fn new(engine: Engine, options: Options, size: Size, found: Theme, asked: Option<Asked>) -> Loop {
        let mut state = State::new(size, options.home);
        state.places.can_keep = options.keep.is_some();
        state.places.can_demo = options.demo.is_some();
        if let Some(term) = std::env::var("TERM").ok().filter(|term| !term.is_empty()) {
            state.term = term;
        }
        state.theme = found;
        if let Some(background) = asked.as_ref().and_then(|asked| asked.background) {
            state.theme.background = background;
        }
        let started = Instant::now();
        let mut this = Loop {
            engine,
            state,
            started,
            set_title: options.title,
            stale: true,
            drawn: started,
            quit: false,
            outside: VecDeque::new(),
            keeper: Keeper::start(options.keep),
            signs: Signs::new(&options.settings, |name| std::env::var(name).ok()),
            demo: options.demo,
            workers: Beside::new(),
            beside: mpsc::unbounded_channel(),
            suspend: false,
            late: asked.map(|asked| asked.late).unwrap_or_default(),
        };
        this.tick();
        let without_places = options.left.is_none() && options.right.is_none();
        if without_places && options.workspace.is_none() {
            let mut effects = Vec::new();
            update::choose(&mut this.state, Side::Right, &mut effects);
            this.carry_out(effects);
        }
        for (side, place) in [(Side::Left, options.left), (Side::Right, options.right)] {
            if this.state.pane(side).chooser.is_some() || options.workspace.is_some() {
                continue;
            }
            let place = place.unwrap_or_else(|| Place::Local(options.cwd.as_bytes().to_vec()));
            let mut effects = Vec::new();
            update::open(&mut this.state, side, place, &mut effects);
            this.carry_out(effects);
        }
        update::settings_at_start(&mut this.state, options.settings);
        let mut effects = Vec::new();
        update::jobs_at_start(&mut this.state, &mut effects);
        this.carry_out(effects);
        // Last, so that what is wrong with the files is not said before something else is.
        let is_first_start = options.kept.is_first_start && this.state.places.can_keep;
        update::kept_at_start(&mut this.state, options.kept);
        if let Some(name) = &options.workspace {
            let mut effects = Vec::new();
            update::open_workspace(&mut this.state, name, &mut effects);
            this.carry_out(effects);
        } else if is_first_start && without_places {
            let mut effects = Vec::new();
            update::greet(&mut this.state, &mut effects);
            this.carry_out(effects);
        }
        this
    }

    async fn run(mut self, terminal: &mut Terminal, events: mpsc::Receiver<Event>) -> io::Result<()> {
        let outcome = self.run_until_end(terminal, events).await;
        if !self.state.quitting {
            // Whatever ended it, what is kept between runs is kept.
            self.tick();
            self.update(Msg::Ended);
        }
        self.keeper.finish().await;
        outcome
    }

    async fn run_until_end(
        &mut self,
        terminal: &mut Terminal,
        mut events: mpsc::Receiver<Event>,
    ) -> io::Result<()> {
        let mut input = EventStream::new();
        let mut progress = self.engine.progress();
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hangup = signal(SignalKind::hangup())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut continued = signal(SignalKind::from_raw(nix::libc::SIGCONT))?;
        let mut events_open = true;
        let mut progress_open = true;
        let mut progress_at = self.started;
        let mut progress_new = false;
        while !self.quit {
            if std::mem::take(&mut self.suspend) {
                terminal.suspend()?;
                self.back(terminal)?;
                continue;
            }
            if let Some(outside) = self.outside.pop_front() {
                // Two readers of one keyboard would share the keys between them.
                drop(input);
                let lent = terminal.leave();
                let ended = self.lend(&outside, &mut events, &mut terminate, &mut hangup).await;
                terminal.enter(lent)?;
                input = EventStream::new();
                // Ctrl-C was meant for the other program.
                interrupt = signal(SignalKind::interrupt())?;
                let Some(ended) = ended else { return Ok(()) };
                self.back(terminal)?;
                self.update(Msg::Returned(outside, ended));
                continue;
            }
            let now = Instant::now();
            if self.stale && now.duration_since(self.drawn) >= FRAME {
                terminal.draw(self.state.theme.depth, |frame| view::draw(frame, &self.state))?;
                (self.stale, self.drawn) = (false, now);
            }
            let tick = self.state.is_animated().then_some(self.drawn + TICK);
            let wake = [
                tick,
                progress_new.then_some(progress_at + PROGRESS),
                self.stale.then_some(self.drawn + FRAME),
            ]
            .into_iter()
            .flatten()
            .min();
            tokio::select! {
                event = input.next() => {
                    self.tick();
                    match event {
                        Some(event) => self.input(event?),
                        None => return Err(io::ErrorKind::UnexpectedEof.into()),
                    }
                    // Polled with this task's own waker: the stream keeps the first one it is given.
                    for _ in 0..DRAIN {
                        match futures::poll!(input.next()) {
                            Poll::Ready(Some(event)) => self.input(event?),
                            _ => break,
                        }
                    }
                    // A key is answered at once, however much else there is to show.
                    if self.stale && !self.quit {
                        terminal.draw(self.state.theme.depth, |frame| view::draw(frame, &self.state))?;
                        (self.stale, self.drawn) = (false, Instant::now());
                    }
                }
                event = events.recv(), if events_open => {
                    self.tick();
                    match event {
                        Some(event) => self.update(Msg::Event(event)),
                        None => {
                            events_open = false;
                            self.state.say(Tone::Bad, "The engine has stopped; quit and start again.");
                            self.stale = true;
                        }
                    }
                    for _ in 0..DRAIN {
                        match events.try_recv() {
                            Ok(event) => self.update(Msg::Event(event)),
                            Err(_) => break,
                        }
                    }
                }
                Some(kept) = self.keeper.kept.recv() => {
                    self.tick();
                    self.update(Msg::Kept(Box::new(kept)));
                }
                Some(msg) = self.beside.1.recv() => {
                    self.tick();
                    self.update(msg);
                }
                changed = progress.changed(), if progress_open && !progress_new => {
                    progress_open = changed.is_ok();
                    progress_new = changed.is_ok();
                }
                _ = continued.recv() => {
                    // Whoever stopped it may have left the terminal in any state.
                    terminal.retake()?;
                    self.back(terminal)?;
                }
                () = sleep_until(wake) => self.tick(),
                _ = terminate.recv() => return Ok(()),
                _ = hangup.recv() => return Ok(()),
                _ = interrupt.recv() => return Ok(()),
            }
            let now = Instant::now();
            if progress_new && now.duration_since(progress_at) >= PROGRESS {
                (progress_new, progress_at) = (false, now);
                let board = progress.borrow_and_update().clone();
                self.update(Msg::Progress(board));
            }
            if self.state.is_animated() && now.duration_since(self.drawn) >= TICK {
                self.stale = true;
            }
        }
        Ok(())
    }

    /// The terminal is ours again, perhaps with another size.
    fn back(&mut self, terminal: &Terminal) -> io::Result<()> {
        let size = terminal.size()?;
        self.signs.show(&Sign::Bar(self.state.bar));
        if self.set_title {
            terminal::set_title(&self.state.title);
        }
        self.tick();
        self.update(Msg::Resize(size.width, size.height));
        Ok(())
    }

    /// Lets another program have the terminal; what the engine reports meanwhile is taken in, so
    /// that jobs go on. `None` where a signal ends this program.
    async fn lend(
        &mut self,
        outside: &Outside,
        events: &mut mpsc::Receiver<Event>,
        terminate: &mut Signal,
        hangup: &mut Signal,
    ) -> Option<Result<i32, String>> {
        let had_title = std::mem::replace(&mut self.set_title, false);
        let running = match outside {
            Outside::Remote { job, name } => match self.engine.take_terminal(*job) {
                Some(terminal) => outside::remote::show(terminal, name).boxed(),
                None => outside::run(outside).boxed(),
            },
            outside => outside::run(outside).boxed(),
        };
        tokio::pin!(running);
        let ended = loop {
            tokio::select! {
                ended = &mut running => break Some(ended),
                Some(event) = events.recv() => {
                    self.tick();
                    self.update(Msg::Event(event));
                }
                _ = terminate.recv() => break None,
                _ = hangup.recv() => break None,
            }
        };
        self.set_title = had_title;
        ended
    }

    fn input(&mut self, event: Input) {
        let msg = match event {
            Input::Key(key) if key.kind == KeyEventKind::Release => return,
            Input::Key(key) => match self.late.take(&key, Instant::now()) {
                Taken::No => Msg::Key(key.into()),
                Taken::Yes | Taken::All(None) => return,
                Taken::All(Some(background)) => {
                    self.state.theme.background = background;
                    self.stale = true;
                    return;
                }
            },
            Input::Mouse(event) => Msg::Mouse(event),
            Input::Paste(text) => Msg::Paste(text),
            Input::Resize(width, height) => Msg::Resize(width, height),
            Input::FocusGained => Msg::Focus(true),
            Input::FocusLost => Msg::Focus(false),
        };
        self.update(msg);
    }

    /// Tells the state what time it is; that alone changes nothing that is drawn.
    fn tick(&mut self) {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = Timestamp {
            seconds: i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
            nanos: since.subsec_nanos(),
        };
        let effects = update(&mut self.state, Msg::Tick(Clock { now, running: self.started.elapsed() }));
        self.carry_out(effects);
    }

    fn update(&mut self, msg: Msg) {
        let effects = update(&mut self.state, msg);
        self.carry_out(effects);
        self.stale = true;
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Send(command) => self.engine.send(command),
                Effect::Keep(change) => {
                    // Ended only where nothing is to be kept.
                    let _ = self.keeper.changes.send(change);
                }
                Effect::SetTitle(title) => {
                    if self.set_title {
                        terminal::set_title(&title);
                    }
                }
                Effect::Terminal(Sign::Suspend) => self.suspend = true,
                Effect::Terminal(sign) => self.signs.show(&sign),
                Effect::Outside(outside) => self.outside.push_back(outside),
                Effect::StartDemo => {
                    let Some(starting) = self.demo.as_ref().map(|start| start()) else { continue };
                    let told = self.beside.0.clone();
                    // Nobody listens any more where the program ends.
                    tokio::spawn(async move { drop(told.send(Msg::Demo(starting.await))) });
                }
                Effect::Open { path, read_only } => {
                    let told = self.beside.0.clone();
                    tokio::spawn(async move {
                        if let Err(why) = outside::open(&path, read_only).await {
                            let name = String::from_utf8_lossy(path.name().unwrap_or_default()).into_owned();
                            let _ = told.send(Msg::Opened(name, why));
                        }
                    });
                }
                Effect::Highlight(chunk) => self.workers.highlight(*chunk, &self.beside.0),
                Effect::Picture(wanted) => self.workers.picture(*wanted, &self.beside.0),
                Effect::Quit => self.quit = true,
            }
        }
    }
}

async fn sleep_until(wake: Option<Instant>) {
    match wake {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
