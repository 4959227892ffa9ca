//! Every wait of a login has a limit and can be cancelled, and leaves no connection behind.

use std::{sync::Arc, time::Duration};

use russh::{MethodKind, server::Auth};
use tokio::{net::TcpListener, sync::mpsc};
use wharf::{
    engine::{Command, Engine, Event, JobId, Options, What},
    fs::{ErrorKind, Place, PlacePath, RemotePath, SshOptions, Stage, Target, local::Local},
};

use crate::{
    scripted::{Running, Script, mute, serve},
    support::person::{PATIENCE, Person},
};

fn engine(ssh: SshOptions) -> (Engine, mpsc::Receiver<Event>) {
    Engine::start(Options {
        ssh,
        ftp: Default::default(),
        local: Arc::new(Local::new()),
        current_dir: RemotePath::root(),
        home: RemotePath::root(),
        batch: false,
    })
}

async fn next(events: &mut mpsc::Receiver<Event>) -> What {
    tokio::time::timeout(PATIENCE, events.recv()).await.expect("nothing happens").unwrap().what
}

/// Opens the place, cancels when `is_there` sees that it is where it is to be cancelled, and
/// waits for the end.
async fn cancelled_when(target: Target, ssh: SshOptions, is_there: impl Fn(&What) -> bool) {
    let (engine, mut events) = engine(ssh);
    engine.send(Command::Open { job: JobId(1), place: Place::Remote(target, PlacePath::Login) });
    loop {
        let what = next(&mut events).await;
        if is_there(&what) {
            break;
        }
        assert!(!matches!(what, What::Failed(_) | What::Done(_)), "{what:?}");
    }
    engine.send(Command::Cancel { job: JobId(1) });
    let cancelled = async {
        loop {
            match next(&mut events).await {
                What::Cancelled => return,
                What::Failed(error) => panic!("{error}"),
                _ => {}
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(5), cancelled).await.expect("it takes too long to cancel");
}

async fn left(server: &mut Running) {
    let gone = server.open.wait_for(|open| *open == 0);
    tokio::time::timeout(PATIENCE, gone).await.expect("a connection was left behind").unwrap();
}

fn at(stage: Stage) -> impl Fn(&What) -> bool {
    move |what| matches!(what, What::Stage(at) if *at == stage)
}

/// Servers that fall silent, one for each step.
async fn silent_servers() -> Vec<(&'static str, Running, Stage)> {
    let id = b"SSH-2.0-Mute\r\n";
    let script = |change: fn(&mut Script)| {
        let mut script = Script::default();
        change(&mut script);
        script
    };
    vec![
        ("before it names itself", mute(b"").await, Stage::CheckingHostKey),
        ("in the key exchange", mute(id).await, Stage::CheckingHostKey),
        ("at the login", serve(script(|s| s.stalls_at_login = true)).await, Stage::LoggingIn),
        ("at the channel", serve(script(|s| s.stalls_at_channel = true)).await, Stage::OpeningSession),
        ("at SFTP", serve(script(|s| s.stalls_at_sftp = true)).await, Stage::OpeningSession),
    ]
}

#[tokio::test]
async fn a_silent_server_can_be_left_at_every_step() {
    for (step, mut server, stage) in silent_servers().await {
        cancelled_when(server.target(), server.ssh(), at(stage)).await;
        left(&mut server).await;
        println!("left {step}");
    }
}

#[tokio::test]
async fn a_silent_server_is_given_up_at_every_step() {
    // The steps after the login have longer limits, and are waited for by hand.
    for (step, mut server, _) in silent_servers().await.into_iter().take(3) {
        let error = Person::who_says(&[]).reaches(&server.target(), server.ssh()).await.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{step}: {error}");
        left(&mut server).await;
    }
}

#[tokio::test]
async fn a_connection_that_does_not_come_about_can_be_cancelled() {
    // A listener whose queue is full drops further attempts: they stay on their way.
    let listener = tokio::net::TcpSocket::new_v4().unwrap();
    listener.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener: TcpListener = listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let mut full = Vec::new();
    while let Ok(Ok(socket)) =
        tokio::time::timeout(Duration::from_millis(300), tokio::net::TcpStream::connect(address)).await
    {
        full.push(socket);
    }
    let target = Target {
        scheme: &wharf::fs::SFTP,
        host: "127.0.0.1".into(),
        user: None,
        port: Some(address.port()),
        password: None,
    };
    let ssh = SshOptions { config_file: Some("none".into()), ..SshOptions::default() };
    cancelled_when(target, ssh, at(Stage::Connecting)).await;
}

#[tokio::test]
async fn a_question_can_be_cancelled() {
    let mut server = serve(Script {
        methods: &[MethodKind::Password],
        password: Box::new(|_| Auth::Accept),
        ..Script::default()
    })
    .await;
    cancelled_when(server.target(), server.ssh(), |what| matches!(what, What::Ask { .. })).await;
    left(&mut server).await;
}

#[tokio::test]
async fn a_person_may_take_longer_than_the_server() {
    struct Slow(Arc<Person>);
    #[async_trait::async_trait]
    impl wharf::trust::Prompt for Slow {
        async fn ask(&self, question: wharf::trust::Question) -> wharf::trust::Answer {
            // Longer than the ConnectTimeout of these servers.
            tokio::time::sleep(Duration::from_secs(4)).await;
            self.0.ask(question).await
        }
    }
    let server = serve(Script {
        methods: &[MethodKind::Password],
        password: Box::new(|given| if given == "slowly" { Auth::Accept } else { Auth::reject() }),
        ..Script::default()
    })
    .await;
    let context = wharf::fs::Context {
        ssh: server.ssh(),
        ftp: Default::default(),
        prompt: Arc::new(Slow(Person::who_says(&["slowly"]))),
        observer: Arc::new(crate::support::person::Deaf),
        wanted: None,
    };
    wharf::fs::connect(&server.target(), &context).await.unwrap();
}
