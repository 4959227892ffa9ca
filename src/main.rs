//! The program: arguments to a face (terminal UI, demo or headless command), and its exit code.
//! No logic.

use std::{ffi::OsString, io::IsTerminal, path::Path, process::ExitCode, sync::Arc};

use clap::Parser;
use futures::FutureExt;
use tokio::sync::Mutex;
use wharf::{
    cli::{self, Arguments, Command, Common, Exit},
    config::{Named, Store},
    engine::{self, Engine},
    fs::{self, Error, ErrorKind, Operation, Place, PlacePath, SshOptions, Target},
    serve::demo::{self, Demo},
    ui, words,
};

fn main() -> ExitCode {
    let mut arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            cli::say(format_args!("wharf: could not start: {error}"));
            return ExitCode::FAILURE;
        }
    };
    if !matches!(arguments.command, Some(Command::Demo)) {
        // The demo touches nothing of the person's.
        arguments.common.store = Store::of_person().map(Arc::new);
    }
    let exit = runtime.block_on(async {
        match &arguments.command {
            Some(Command::Demo) => demo(&arguments).await,
            Some(command) => cli::run(command, &arguments.common).await,
            None => panes(&arguments).await,
        }
    });
    // A thread that still waits for somebody to type must not keep the program from ending.
    runtime.shutdown_background();
    exit.into()
}

/// The terminal UI with the places of the command line.
async fn panes(arguments: &Arguments) -> Exit {
    let common = &arguments.common;
    if let Err(error) = has_workspace(arguments) {
        return failed(&error);
    }
    let parsed =
        |place: &Option<OsString>| place.as_ref().map(|place| cli::pane_place(place, common)).transpose();
    match (parsed(&arguments.left), parsed(&arguments.right)) {
        (Ok(left), Ok(right)) => {
            left.iter().chain(&right).for_each(|named| cli::warn_of_password(&named.place));
            // A bookmark brings its place on this machine along where there is room for it.
            let beside = left.as_ref().filter(|_| right.is_none()).and_then(|left| left.local.clone());
            let place = |named: Named| named.place;
            match cli::engine_options(common) {
                Ok(options) => {
                    let (left, right) = (left.map(place), right.map(place).or(beside));
                    show(options, common, left, right, arguments.workspace.clone()).await
                }
                Err(error) => failed(&error),
            }
        }
        (Err(error), _) | (_, Err(error)) => failed(&error),
    }
}

/// The terminal UI on a server of its own, over a sample tree.
async fn demo(arguments: &Arguments) -> Exit {
    let started = async {
        let demo = demo::start().await?;
        let known_hosts = demo.write_known_hosts()?;
        Ok::<_, std::io::Error>((demo, known_hosts))
    };
    let (demo, known_hosts) = match started.await {
        Ok(started) => started,
        Err(error) => {
            cli::say(format_args!("wharf: the demo could not start: {error}"));
            return Exit::Items;
        }
    };
    let mut common = arguments.common.clone();
    // The demo is the same on every machine, whatever its ssh_config says.
    common.ssh_config = Some("none".into());
    common.known_hosts = Some(known_hosts);
    let options = match cli::engine_options(&common) {
        Ok(options) => options,
        Err(error) => return failed(&error),
    };
    let left = Place::Local(bytes(demo.local_dir()));
    let right = Place::Remote(target(&demo), PlacePath::Login);
    show(options, &common, Some(left), Some(right), None).await
}

/// Fails where a workspace is asked for that is not there.
fn has_workspace(arguments: &Arguments) -> fs::Result<()> {
    let Some(name) = &arguments.workspace else { return Ok(()) };
    let known =
        arguments.common.store.as_ref().map(|store| store.workspaces()).transpose()?.unwrap_or_default();
    if known.iter().any(|workspace| workspace.name == *name) {
        return Ok(());
    }
    let error = Error::new(ErrorKind::NotFound, Operation::FindWorkspace).on(name.as_str());
    let names: Vec<&str> = known.iter().map(|workspace| workspace.name.as_str()).collect();
    Err(match names[..] {
        [] => error,
        _ => error.with_detail(format!("there are {}", names.join(", "))),
    })
}

/// The login of a demo's server.
fn target(demo: &Demo) -> Target {
    Target {
        scheme: &fs::SFTP,
        host: demo.server().addr().ip().to_string(),
        user: Some(demo.user().to_owned()),
        port: Some(demo.server().addr().port()),
        password: Some(demo.password().clone()),
    }
}

/// Starts a demo beside what the panes show, once: it runs until `running` is dropped.
async fn demo_beside(engine: Engine, running: Arc<Mutex<Option<Demo>>>) -> Result<ui::update::Demo, String> {
    let mut running = running.lock().await;
    if running.is_none() {
        let demo = demo::start().await.map_err(|error| error.to_string())?;
        let known_hosts = demo.write_known_hosts().map_err(|error| error.to_string())?;
        // No word of the demo in the person's known_hosts, and none of their ssh_config in it.
        let options = SshOptions {
            config_file: Some("none".into()),
            known_hosts: Some(known_hosts),
            ..SshOptions::default()
        };
        engine.reach(&target(&demo), options);
        *running = Some(demo);
    }
    let demo = running.as_ref().ok_or("it has ended")?;
    Ok(ui::update::Demo {
        server: Place::Remote(target(demo), PlacePath::Login),
        local: Place::Local(bytes(demo.local_dir())),
    })
}

async fn show(
    options: engine::Options,
    common: &Common,
    left: Option<Place>,
    right: Option<Place>,
    workspace: Option<String>,
) -> Exit {
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        cli::say(format_args!(
            "wharf: the panes need a terminal; `wharf --help` lists the commands that do not"
        ));
        return Exit::Usage;
    }
    let (cwd, home) = (options.current_dir.clone(), options.home.clone());
    let (engine, events) = Engine::start(options);
    if let Err(error) = cli::record(&engine, common) {
        return failed(&error);
    }
    let store = common.store.clone();
    let kept = store.as_ref().map(|store| store.load()).unwrap_or_default();
    let keep = store.map(|store| {
        engine.use_secrets(store.secrets());
        engine.keep_jobs(store.jobs_dir().to_owned());
        engine.run_at_a_time(store.look().settings.transfers);
        Box::new(move |change| store.apply(change)) as ui::Keep
    });
    let settings = common.store.as_ref().map(|store| ui::settings::Settings::of(store.look()));
    let settings = settings.unwrap_or_default();
    // The demo of `wharf demo` is there already.
    let running = Arc::new(Mutex::new(None));
    let start = common.store.is_some().then(|| {
        let (engine, running) = (engine.clone(), running.clone());
        Box::new(move || demo_beside(engine.clone(), running.clone()).boxed()) as ui::StartDemo
    });
    let options =
        ui::Options { left, right, cwd, home, title: true, kept, settings, keep, demo: start, workspace };
    let old = tokio::task::spawn_blocking(engine::copies::sweep);
    let shown = ui::run(engine.clone(), events, options).await;
    engine.shut_down().await;
    for copy in old.await.unwrap_or_default().into_iter().chain(engine.clear_copies()) {
        let shown = words::escape_bytes(&bytes(&copy));
        cli::say(format_args!("wharf: the copy {shown} was changed after it was opened, and stays there"));
    }
    match shown {
        Ok(()) => Exit::Done,
        Err(error) => {
            cli::say(format_args!("wharf: the terminal failed: {error}"));
            Exit::Items
        }
    }
}

fn failed(error: &fs::Error) -> Exit {
    cli::report(error);
    Exit::of(error)
}

fn bytes(path: &Path) -> Vec<u8> {
    std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str()).to_vec()
}
