//! Servers that want a password, answers, or several things in turn: sshd in several
//! configurations, and a scripted one for prompts that no sshd here can be made to ask.

use std::{borrow::Cow, fs, os::unix::fs::PermissionsExt, process::Command};

use russh::{
    MethodKind, MethodSet,
    server::{Auth, Response},
};
use wharf::{fs::ErrorKind, trust::SecretKind};

use crate::{
    scripted::{self, Script},
    support::{PASSWORD, PASSWORD_USER, Sshd, SshdConfig, person::Person},
};

/// An sshd for the user with a password, and its ssh_config as that user.
fn with(lines: &[&str]) -> Sshd {
    let extra = lines.iter().map(ToString::to_string).collect();
    let sshd = Sshd::start(SshdConfig { password_auth: true, extra, ..SshdConfig::default() });
    let own = fs::read_to_string(sshd.ssh_config()).unwrap();
    fs::write(sshd.ssh_config(), format!("Host harness\n  User {PASSWORD_USER}\n{own}")).unwrap();
    sshd
}

const PAM: [&str; 2] = ["UsePAM yes", "KbdInteractiveAuthentication yes"];

#[tokio::test]
async fn only_a_password() {
    let sshd = with(&["AuthenticationMethods password"]);
    let person = Person::who_says(&["wrong", PASSWORD]);
    person.connects(&sshd.ssh_config(), "harness").await.unwrap();
    let asked = person.asked();
    assert!(asked.len() == 2 && asked.iter().all(|a| a.kind == SecretKind::Password && !a.echo), "{asked:?}");
}

#[tokio::test]
async fn only_keyboard_interactive() {
    let sshd = with(&[PAM[0], PAM[1], "AuthenticationMethods keyboard-interactive"]);
    let person = Person::who_says(&[PASSWORD]);
    person.connects(&sshd.ssh_config(), "harness").await.unwrap();
    let asked = person.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].kind, SecretKind::Interactive);
    assert!(asked[0].prompt.contains("Password"), "in the server's words: {asked:?}");
}

#[tokio::test]
async fn several_methods_one_after_the_other() {
    for (methods, answers) in [
        ("publickey,password", &[PASSWORD][..]),
        ("publickey,keyboard-interactive", &[PASSWORD]),
        ("password,keyboard-interactive", &[PASSWORD, PASSWORD]),
        ("keyboard-interactive,publickey", &[PASSWORD]),
        ("password,publickey", &[PASSWORD]),
    ] {
        let sshd = with(&[PAM[0], PAM[1], &format!("AuthenticationMethods {methods}")]);
        let person = Person::who_says(answers);
        let connected = person.connects(&sshd.ssh_config(), "harness").await;
        assert!(connected.is_ok(), "{methods}: {:?}\n{}", connected.err(), sshd.log());
        assert_eq!(person.asked().len(), answers.len(), "{methods}");
    }
}

#[tokio::test]
async fn what_was_accepted_is_told_when_the_rest_fails() {
    let sshd = with(&["AuthenticationMethods publickey,password"]);
    let person = Person::who_says(&[]);
    let error = person.connects(&sshd.ssh_config(), "harness").await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::LoginFailed);
    let detail = error.detail().unwrap();
    assert!(detail.contains("user_key (accepted, more is required)"), "{detail}");
    assert!(detail.contains("the server takes password"), "{detail}");
}

#[tokio::test]
async fn preferred_authentications_are_the_order_and_the_set() {
    let sshd = with(&PAM);
    let own = fs::read_to_string(sshd.ssh_config()).unwrap();
    let prefer = |list: &str| {
        fs::write(sshd.ssh_config(), format!("Host harness\n  PreferredAuthentications {list}\n{own}"))
            .unwrap();
    };
    // The key would let in, were it offered.
    prefer("password,publickey");
    let person = Person::who_says(&[PASSWORD]);
    person.connects(&sshd.ssh_config(), "harness").await.unwrap();
    assert_eq!(person.asked()[0].kind, SecretKind::Password);
    assert!(!sshd.log().contains("publickey"), "{}", sshd.log());

    prefer("keyboard-interactive");
    let person = Person::who_says(&["wrong", "wrong", "wrong"]);
    let error = person.connects(&sshd.ssh_config(), "harness").await.err().unwrap();
    assert!(person.asked().iter().all(|asked| asked.kind == SecretKind::Interactive));
    assert!(!error.detail().unwrap().contains("user_key"), "{error}");
}

#[tokio::test]
async fn a_password_that_was_right_is_not_asked_again_and_one_that_is_wrong_is() {
    for methods in ["password", "keyboard-interactive"] {
        let sshd = with(&[PAM[0], PAM[1], &format!("AuthenticationMethods {methods}")]);
        let person = Person::who_says(&[PASSWORD]);
        person.connects(&sshd.ssh_config(), "harness").await.unwrap();
        let silent = Person::again(&[], person.kept());
        silent.connects(&sshd.ssh_config(), "harness").await.unwrap();
        assert!(silent.asked().is_empty(), "{methods}: {:?}", silent.asked());

        // Somewhere else the same password is not tried.
        let other = with(&[PAM[0], PAM[1], &format!("AuthenticationMethods {methods}")]);
        let stranger = Person::again(&[], person.kept());
        let refused = stranger.connects(&other.ssh_config(), "harness").await.err().unwrap();
        assert_eq!(refused.kind(), ErrorKind::LoginFailed);
        assert_eq!(stranger.asked().len(), 1, "{methods}");
    }
}

#[tokio::test]
async fn a_password_that_has_changed_is_forgotten_and_asked_for() {
    let right = std::sync::Arc::new(std::sync::Mutex::new("first"));
    let now = right.clone();
    let server = scripted::serve(Script {
        methods: &[MethodKind::Password],
        password: Box::new(move |given| {
            if given == *now.lock().unwrap() { Auth::Accept } else { again(MethodKind::Password) }
        }),
        ..Script::default()
    })
    .await;
    let person = Person::who_says(&["first"]);
    person.reaches(&server.target(), server.ssh()).await.unwrap();
    *right.lock().unwrap() = "second";
    let person = Person::again(&["second"], person.kept());
    person.reaches(&server.target(), server.ssh()).await.unwrap();
    assert_eq!(person.asked().len(), 1);
    let person = Person::again(&[], person.kept());
    person.reaches(&server.target(), server.ssh()).await.unwrap();
    assert!(person.asked().is_empty(), "the new one is kept");
}

/// Refused, and may be tried again.
fn again(method: MethodKind) -> Auth {
    let methods = MethodSet::from(&[method][..]);
    Auth::Reject { proceed_with_methods: Some(methods), partial_success: false }
}

/// Asks two things at once, one of them in the open, and then for a code.
fn two_rounds(round: usize, response: Option<Vec<String>>) -> Auth {
    let prompts = |prompts: &'static [(Cow<'static, str>, bool)]| Auth::Partial {
        name: "Two steps".into(),
        instructions: "Have your token at hand.".into(),
        prompts: prompts.into(),
    };
    match (round, response.as_deref()) {
        (0, _) => prompts(&[(Cow::Borrowed("Staff number: "), true), (Cow::Borrowed("Password: "), false)]),
        (1, Some([number, password])) if number == "4711" && password == "secret" => {
            prompts(&[(Cow::Borrowed("One-time code: "), false)])
        }
        (2, Some([code])) if code == "000111" => Auth::Accept,
        _ => Auth::reject(),
    }
}

#[tokio::test]
async fn several_prompts_and_a_code_are_asked_in_the_servers_words() {
    let server = scripted::serve(Script {
        methods: &[MethodKind::KeyboardInteractive],
        interactive: Box::new(two_rounds),
        ..Script::default()
    })
    .await;
    let person = Person::who_says(&["4711", "secret", "000111"]);
    person.reaches(&server.target(), server.ssh()).await.unwrap();
    let asked = person.asked();
    let shown: Vec<_> = asked.iter().map(|a| (a.prompt.as_str(), a.echo)).collect();
    assert_eq!(
        shown,
        [
            ("Two steps\nHave your token at hand.\nStaff number: ", true),
            ("Password: ", false),
            ("Two steps\nHave your token at hand.\nOne-time code: ", false),
        ]
    );
    // A code is good for one login: everything is asked anew.
    let person = Person::again(&["4711", "secret", "000111"], person.kept());
    person.reaches(&server.target(), server.ssh()).await.unwrap();
    assert_eq!(person.asked().len(), 3);
}

/// Says something and asks nothing; then asks; then says why not.
fn says_first(round: usize, response: Option<Vec<String>>) -> Auth {
    let says = |name: &'static str, instructions: &'static str| Auth::Partial {
        name: name.into(),
        instructions: instructions.into(),
        prompts: vec![].into(),
    };
    match (round, response.as_deref()) {
        (0, _) => says("Notice", "Your password ends tomorrow."),
        (1, Some([])) => Auth::Partial {
            name: "".into(),
            instructions: "".into(),
            prompts: vec![(Cow::Borrowed("Code: "), false)].into(),
        },
        (2, Some([code])) if code == "000111" => Auth::Accept,
        (2, _) => says("", "The code has expired."),
        _ => Auth::reject(),
    }
}

#[tokio::test]
async fn what_is_said_without_a_question_is_shown_with_the_next_one_or_with_the_refusal() {
    let server = || {
        scripted::serve(Script {
            methods: &[MethodKind::KeyboardInteractive],
            interactive: Box::new(says_first),
            ..Script::default()
        })
    };
    let person = Person::who_says(&["000111"]);
    let right = server().await;
    person.reaches(&right.target(), right.ssh()).await.unwrap();
    assert_eq!(person.asked()[0].prompt, "Notice\nYour password ends tomorrow.\nCode: ");
    let (wrong, person) = (server().await, Person::who_says(&["1"]));
    let refused = person.reaches(&wrong.target(), wrong.ssh()).await.err().unwrap();
    assert!(refused.detail().unwrap().contains("the server says: The code has expired."), "{refused}");
}

#[tokio::test]
async fn a_refused_answer_is_not_asked_again_without_a_word() {
    let server = scripted::serve(Script {
        methods: &[MethodKind::KeyboardInteractive, MethodKind::Password],
        password: Box::new(|_| again(MethodKind::Password)),
        interactive: Box::new(|round, response| match (round, response.as_deref()) {
            (2, _) => Auth::Reject {
                proceed_with_methods: Some(MethodSet::from(
                    &[MethodKind::KeyboardInteractive, MethodKind::Password][..],
                )),
                partial_success: false,
            },
            _ => says_first(round, response),
        }),
        ..Script::default()
    })
    .await;
    let person = Person::who_says(&["1", "2", "3", "4", "5", "6"]);
    let refused = person.reaches(&server.target(), server.ssh()).await.err().unwrap();
    let asked = person.asked();
    let shown: Vec<_> = asked.iter().map(|a| a.prompt.as_str()).collect();
    let once = "Notice\nYour password ends tomorrow.\nCode: ";
    let again = format!("Permission denied, please try again.\n{once}");
    let password = "Permission denied, please try again.\nPassword:";
    assert_eq!(shown, [once, &again, &again, "", password, password]);
    // Each method is named once.
    let detail = refused.detail().unwrap();
    assert!(detail.contains("tried keyboard-interactive (3 times), password (3 times); "), "{detail}");
}

#[tokio::test]
async fn a_lone_code_is_never_used_twice() {
    let server = scripted::serve(Script {
        methods: &[MethodKind::KeyboardInteractive],
        interactive: Box::new(|round, response| match (round, response.as_deref()) {
            (0, _) => Auth::Partial {
                name: "".into(),
                instructions: "".into(),
                prompts: vec![(Cow::Borrowed("Verification code: "), false)].into(),
            },
            (_, Some([code])) if code == "000111" => Auth::Accept,
            _ => Auth::reject(),
        }),
        ..Script::default()
    })
    .await;
    let person = Person::who_says(&["000111"]);
    person.reaches(&server.target(), server.ssh()).await.unwrap();
    let person = Person::again(&["000111"], person.kept());
    person.reaches(&server.target(), server.ssh()).await.unwrap();
    assert_eq!(person.asked().len(), 1);
}

#[tokio::test]
async fn a_server_that_asks_without_end_is_left() {
    let server = scripted::serve(Script {
        methods: &[MethodKind::KeyboardInteractive],
        interactive: Box::new(|_, _| Auth::Partial {
            name: "".into(),
            instructions: "".into(),
            prompts: Vec::new().into(),
        }),
        ..Script::default()
    })
    .await;
    let person = Person::who_says(&[]);
    let error = person.reaches(&server.target(), server.ssh()).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
}

#[tokio::test]
async fn a_server_that_always_wants_one_more_is_left() {
    let server = scripted::serve(Script {
        methods: &[MethodKind::Password],
        password: Box::new(|_| Auth::Reject {
            proceed_with_methods: Some(MethodSet::from(&[MethodKind::Password][..])),
            partial_success: true,
        }),
        ..Script::default()
    })
    .await;
    let person = Person::who_says(&["x"; 100]);
    let error = person.reaches(&server.target(), server.ssh()).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::LoginFailed);
    assert!(person.asked().len() < 20, "{}", person.asked().len());
}

#[tokio::test]
async fn a_jail_with_sftp_and_nothing_else() {
    // sshd wants every directory above a jail closed to others: /tmp is not.
    let jail = tempfile::Builder::new().prefix("wharf-jail-").tempdir_in("/run").unwrap();
    fs::set_permissions(jail.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(jail.path().join("inside"), "here").unwrap();
    let sshd = with(&[&format!("ChrootDirectory {}", jail.path().display()), "ForceCommand internal-sftp"]);
    let connected = Person::who_says(&[]).connects(&sshd.ssh_config(), "harness").await.unwrap();
    let found = connected.fs.stat(&wharf::fs::RemotePath::new("/inside")).await.unwrap();
    assert_eq!(found.attributes.size, Some(4));
    assert!(connected.fs.stat(&wharf::fs::RemotePath::new("/etc")).await.is_err());
}

#[tokio::test]
async fn three_servers_in_a_row_each_ask_for_themselves() {
    let servers: Vec<Sshd> = (0..3).map(|_| with(&["AuthenticationMethods password"])).collect();
    let dir = tempfile::tempdir().unwrap();
    let (known, config) = (dir.path().join("known_hosts"), dir.path().join("config"));
    let mut lines = String::new();
    let mut text = String::new();
    for (name, (sshd, before)) in
        ["outer", "middle", "inner"].iter().zip(servers.iter().zip(["none", "outer", "middle"]))
    {
        lines += &fs::read_to_string(sshd.known_hosts()).unwrap();
        text += &format!(
            "Host {name}\n HostName 127.0.0.1\n Port {}\n User {PASSWORD_USER}\n ProxyJump {before}\n",
            sshd.port()
        );
    }
    text += &format!(
        "Host *\n IdentityFile none\n IdentityAgent none\n UserKnownHostsFile {}\n GlobalKnownHostsFile /dev/null\n",
        known.display()
    );
    fs::write(&known, lines).unwrap();
    fs::write(&config, text).unwrap();
    let person = Person::who_says(&[PASSWORD; 3]);
    let connected = person.connects(&config, "inner").await.unwrap();
    // The addresses are the same: the ports and the hops' names tell which server it is.
    let subjects: Vec<String> = person.asked().iter().map(|asked| asked.subject.clone()).collect();
    let [outer, middle, inner] = [0, 1, 2].map(|at| {
        let port = servers[at].port();
        format!("{PASSWORD_USER}@127.0.0.1:{port}")
    });
    let expected = [format!("jump host outer: {outer}"), format!("jump host middle: {middle}"), inner];
    assert_eq!(subjects, expected);
    connected.fs.close().await;
    // Each hop's answer is known by now.
    let silent = Person::again(&[], person.kept());
    silent.connects(&config, "inner").await.unwrap();
    assert!(silent.asked().is_empty(), "{:?}", silent.asked());
}

#[tokio::test]
async fn a_revoked_key_is_refused_and_named() {
    let sshd = Sshd::start(SshdConfig::default());
    let revoked = sshd.dir().join("revoked");
    let made = Command::new("ssh-keygen")
        .args(["-q", "-k", "-f"])
        .arg(&revoked)
        .arg(sshd.user_key().with_extension("pub"))
        .status()
        .unwrap();
    assert!(made.success());
    let refusing = Sshd::start(SshdConfig {
        extra: vec![format!("RevokedKeys {}", revoked.display())],
        ..SshdConfig::default()
    });
    // The same key on a server that has it both authorized and revoked.
    fs::copy(sshd.user_key().with_extension("pub"), refusing.dir().join("authorized_keys")).unwrap();
    fs::copy(sshd.user_key(), refusing.user_key()).unwrap();
    fs::copy(sshd.user_key().with_extension("pub"), refusing.user_key().with_extension("pub")).unwrap();
    let error = Person::who_says(&[]).connects(&refusing.ssh_config(), "harness").await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::LoginFailed);
    assert!(error.detail().unwrap().contains("user_key"), "{error}");
    refusing.wait_for_log("revoked");
}

/// Keeps what a response says beyond the call that brought it.
pub fn owned(response: Option<Response<'_>>) -> Option<Vec<String>> {
    response.map(|parts| parts.map(|part| String::from_utf8_lossy(&part).into_owned()).collect())
}
