//! Reaching a server over SFTP: from its name to a file system, and how it would be reached. Must
//! send no request but the first ones.

use std::{
    sync::{Arc, Mutex, OnceLock, atomic::AtomicBool},
    time::Instant,
};

use russh::MethodKind;

use super::{
    MIB, Session, Sftp,
    config::{self, HostConfig},
    foretold::Foretold,
    further::{Further, Redial},
    hop::{Methods, Unasked},
    host_key::HostKeyChecker,
    lanes::Lanes,
    limits::limits_of,
    request::Request,
    response::Response,
    ssh,
    stop::Stopping,
    window::Window,
};
use crate::{
    fs::{
        Connected, Context, Error, FsId, Operation, PlacePath, RemotePath, Result, Route, ServerInfo,
        SshOptions, Stage, Target,
    },
    trust::Never,
};

/// Asks for [`Limits`](super::limits::Limits): OpenSSH PROTOCOL section 4.8.
const LIMITS: &str = "limits@openssh.com";

/// Connects to `target` as ssh_config says, checks the host key, logs in and starts SFTP.
pub async fn connect(target: &Target, context: &Context) -> Result<Connected> {
    let label = target.label();
    let on_label = |e: Error| e.on(label.as_str());
    context.observer.stage(Stage::ReadingConfig);
    let config = config::resolve(&target.host, target.user.as_deref(), target.port, &context.ssh)
        .await
        .map_err(on_label)?;
    let connection = ssh::connect(&config, target, context, Methods::any()).await.map_err(on_label)?;
    let redial = connection.needs_nobody().then(|| redial(config, target, context, connection.methods()));
    context.observer.stage(Stage::OpeningSession);
    let id = FsId::new(label.as_str());
    let (home, limits) = (Request::RealPath { path: b"." }, Request::Extended { name: LIMITS, strings: &[] });
    let mut requests = vec![(Operation::Canonicalize, home), (Operation::OpenChannel, limits)];
    let wanted = context.wanted.as_ref();
    if let Some(path) = wanted.and_then(PlacePath::as_sent) {
        requests.push((Operation::Stat, Request::LStat { path }));
    }
    let (first, answers) = connection.open_sftp_with(&requests).await.map_err(on_label)?;
    let started = Instant::now();
    let can_tell_limits = first.version().has(LIMITS);
    let mut answers = answers.into_iter();
    let login = answers.next().unwrap_or_else(|| first.send(Operation::Canonicalize, home));
    let limits =
        answers.next().or_else(|| can_tell_limits.then(|| first.send(Operation::OpenChannel, limits)));
    let standing = answers.next();
    let answers = async {
        let limits = match limits {
            Some(pending) => limits_of(pending.response().await?),
            None => limits_of(Response::Extended(bytes::Bytes::new())),
        };
        let standing = match standing {
            Some(pending) => pending.response().await.ok(),
            None => None,
        };
        Ok((limits, login.response().await?, standing))
    };
    let answered = tokio::time::timeout(ssh::OPEN_TIMEOUT, answers).await;
    let answered = answered.unwrap_or_else(|_| Err(ssh::no_answer()));
    let (limits, login, standing) = answered.map_err(on_label)?;
    let info = ServerInfo {
        label: target.user.as_ref().map_or_else(|| target.host.clone(), |u| format!("{u}@{}", target.host)),
        protocol: target.scheme.name,
        trust: connection.host_key_type().to_owned(),
    };
    let home = match &login {
        Response::Names(names) => {
            names.first().map_or_else(RemotePath::root, |name| RemotePath::new(&name.name))
        }
        _ => RemotePath::root(),
    };
    let foretold = match (wanted, standing) {
        (Some(path), Some(response)) => Foretold::new(path.resolve(&home), response, started),
        _ => Foretold::default(),
    };
    // Servers that have learnt from OpenSSH's newer ones do it as those do.
    let sees_links = can_tell_limits || first.version().has("lsetstat@openssh.com");
    let session = Arc::new(Session {
        id,
        connection,
        observer: context.observer.clone(),
        sees_links,
        first,
        second: OnceLock::new(),
        lanes: Lanes::default(),
        further: Further::new(redial),
        limits,
        foretold,
        read_window: Window::new(8 * MIB, MIB, 40 * MIB),
        write_window: Window::new(12 * MIB, MIB, 24 * MIB),
        names: Mutex::default(),
        no_commands: OnceLock::new(),
        stopping: Stopping::default(),
        no_copies: AtomicBool::new(false),
    });
    session.log(&Request::RealPath { path: b"." }, None, &login, started);
    if session.first.version().bears_channels() {
        open_second_channel(&session);
    }
    Ok(Connected { fs: Arc::new(Sftp { session }), info, home })
}

/// The same login once more, by the same methods, with nobody asked and no stage told.
fn redial(config: HostConfig, target: &Target, context: &Context, methods: Vec<MethodKind>) -> Redial {
    let silent = Arc::new(Unasked(context.clone()));
    let context = Context { prompt: silent.clone(), observer: silent, wanted: None, ..context.clone() };
    let known = Arc::new((config, target.clone(), context, methods));
    Box::new(move || {
        let known = known.clone();
        Box::pin(async move {
            let (config, target, context, methods) = &*known;
            ssh::connect(config, target, context, Methods::of(methods)).await
        })
    })
}

/// How `target` would be reached; connects nowhere.
pub async fn route(target: &Target, options: &SshOptions) -> Result<Route> {
    let on_label = |e: Error| e.on(target.label());
    let config = config::resolve(&target.host, target.user.as_deref(), target.port, options)
        .await
        .map_err(on_label)?;
    let checker = HostKeyChecker::load(&config, String::new(), Arc::new(Never)).await.map_err(on_label)?;
    let jumps = config.jumps.iter().map(|jump| {
        let user = jump.user.as_ref().map(|user| format!("{user}@")).unwrap_or_default();
        let port = jump.port.map(|port| format!(":{port}")).unwrap_or_default();
        format!("{user}{}{port}", jump.host)
    });
    Ok(Route {
        protocol: target.scheme.name,
        jumps: jumps.collect(),
        host_key: checker.state(),
        host: config.hostname,
        port: config.port,
        user: config.user,
        identity_files: config.identity_files,
        proxy_command: config.proxy_command,
    })
}

/// Opens the channel for queries while the first is already at work. A server that allows one
/// channel only serves everything on that.
fn open_second_channel(session: &Arc<Session>) {
    let session = Arc::downgrade(session);
    tokio::spawn(async move {
        let Some(session) = session.upgrade() else { return };
        match session.connection.open_sftp().await {
            Ok(channel) => {
                let _ = session.second.set(channel);
            }
            Err(error) => tracing::info!(%error, "no second channel"),
        }
    });
}
