//! Logging in: keys, keyboard-interactive and password, in the order of the configuration, one
//! after the other where the server wants several. Asks only through `Prompt`; what it keeps of
//! the answers is `trust::Secrets`' business.

mod keys;
mod offers;
mod prompts;

use std::{future::Future, time::Duration};

use russh::{
    MethodKind,
    client::{AuthResult, Handle, Handler},
    keys::{HashAlg, PublicKey},
};
use secrecy::SecretString;

use super::{config::HostConfig, patience::Asking};
use crate::{
    fs::{Context, Error, ErrorKind, Operation, Result},
    trust::SecretId,
};

/// How many methods one login may take, one after the other: a server that always wants one more
/// is not followed for ever.
const MOST_STEPS: usize = 8;

/// For the server's answer to a key, unless ConnectTimeout says.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// How a login came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoggedIn {
    /// The method that came last.
    pub by: MethodKind,
    /// The same would go once more with nobody there: by a key that nobody has to touch, or a
    /// password that is kept.
    pub needs_nobody: bool,
}

/// Logs in as `config.user`, first with the password that was given, if one was. `asking` is
/// raised while a person is asked; `banner` hands over what the server has said so far.
pub async fn login<H: Handler>(
    handle: &mut Handle<H>,
    config: &HostConfig,
    given: Option<&SecretString>,
    context: &Context,
    asking: &Asking,
    banner: &(dyn Fn() -> String + Sync),
) -> Result<LoggedIn> {
    // Behind two jump hosts, one address can be two machines: the name that was asked for tells
    // them apart.
    let host = format!("{} {}", config.original, config.hostname);
    let id = SecretId::Login { user: config.user.clone(), host, port: config.port };
    let kept = context.prompt.secrets().and_then(|secrets| secrets.recall(&id));
    let mut login = Login {
        handle,
        config,
        context,
        asking,
        id,
        given: given.cloned(),
        kept,
        typed: None,
        offered: Vec::new(),
        used: Vec::new(),
        key_tries: 0,
        untried: 0,
        partial: false,
        declined: false,
        tried: Vec::new(),
        accepted: None,
        rsa_hash: None,
        problems: Vec::new(),
        answered: false,
    };
    if let Some(by) = login.run().await? {
        let is_kept = login.typed.is_some() && context.prompt.secrets().is_some();
        let needs_nobody = !login.partial && (!login.answered || is_kept);
        if let (Some(secrets), Some(secret)) = (context.prompt.secrets(), login.typed.take()) {
            secrets.keep(login.id.clone(), secret);
        }
        return Ok(LoggedIn { by, needs_nobody });
    }
    Err(login.refused(&banner()))
}

struct Login<'a, H: Handler> {
    handle: &'a mut Handle<H>,
    config: &'a HostConfig,
    context: &'a Context,
    asking: &'a Asking,
    id: SecretId,
    /// The password that came with the place.
    given: Option<SecretString>,
    /// The password of an earlier login, until it has been tried.
    kept: Option<SecretString>,
    /// A password that may answer the next login too, if this one succeeds.
    typed: Option<SecretString>,
    /// Keys that were offered, none of them twice.
    offered: Vec<PublicKey>,
    /// Keys that were accepted, and more wanted.
    used: Vec<PublicKey>,
    key_tries: usize,
    /// Keys that were left out for the password's sake.
    untried: usize,
    /// The server has accepted something and wants more.
    partial: bool,
    /// The person has refused to answer.
    declined: bool,
    /// What was tried, for the error.
    tried: Vec<String>,
    /// What the server said it takes next.
    accepted: Option<Vec<MethodKind>>,
    rsa_hash: Option<Option<HashAlg>>,
    /// Keys that could not be used, and why.
    problems: Vec<String>,
    /// Somebody has answered, or touched a key, or may have had to.
    answered: bool,
}

/// What one method came to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    LoggedIn,
    /// The server accepts it and wants more.
    Partial,
    Refused,
}

fn broken(error: &russh::Error) -> Error {
    let gone = matches!(
        error,
        russh::Error::SendError | russh::Error::RecvError | russh::Error::Disconnect | russh::Error::HUP
    );
    let lost = Error::new(ErrorKind::ConnectionLost, Operation::Login);
    if gone { lost } else { lost.with_detail(error.to_string()) }
}

/// Waits for the server's answer, but not for ever.
async fn answer<T>(asking: &Asking, limit: Duration, work: impl Future<Output = T>) -> Result<T> {
    asking.within(limit, work).await.ok_or_else(|| {
        Error::new(ErrorKind::Timeout, Operation::Login)
            .with_detail(format!("the server did not answer the login within {} s", limit.as_secs()))
    })
}

impl<H: Handler> Login<'_, H> {
    /// The method that logged in; `None` where none did.
    async fn run(&mut self) -> Result<Option<MethodKind>> {
        let order = self.order();
        if order.is_empty() {
            return Ok((self.none().await? == Step::LoggedIn).then_some(MethodKind::None));
        }
        // Whoever gives a password means it, but a server may want a key before it: it is asked.
        if self.given.is_some() && self.none().await? == Step::LoggedIn {
            return Ok(Some(MethodKind::None));
        }
        let mut spent: Vec<MethodKind> = Vec::new();
        for _ in 0..MOST_STEPS {
            let mut went_on = false;
            for method in &order {
                if *method != MethodKind::PublicKey && self.accepted.is_none() {
                    // Nothing has been tried yet: `none` makes the server say what it takes.
                    if self.none().await? == Step::LoggedIn {
                        return Ok(Some(MethodKind::None));
                    }
                }
                if spent.contains(method) || !self.takes(*method) {
                    continue;
                }
                match self.method(*method).await? {
                    Step::LoggedIn => return Ok(Some(*method)),
                    Step::Partial => {
                        self.partial = true;
                        // What was refused may be what is wanted next; what was accepted is not.
                        if *method == MethodKind::PublicKey {
                            self.used.extend(self.offered.pop());
                        }
                        self.offered.clone_from(&self.used);
                        went_on = true;
                        break;
                    }
                    Step::Refused => spent.push(*method),
                }
            }
            if !went_on {
                return Ok(None);
            }
            spent.clear();
        }
        Ok(None)
    }

    /// The methods in the order to be tried (ssh_config's PreferredAuthentications).
    fn order(&self) -> Vec<MethodKind> {
        use MethodKind::{KeyboardInteractive, Password, PublicKey};
        let config = self.config;
        let mut order = if config.preferred_authentications.is_empty() {
            vec![PublicKey, KeyboardInteractive, Password]
        } else {
            let known = [PublicKey, KeyboardInteractive, Password];
            let named = config.preferred_authentications.iter().filter_map(|name| name.parse().ok());
            named.filter(|method| known.contains(method)).collect()
        };
        order.retain(|method| match method {
            PublicKey => config.pubkey_authentication,
            KeyboardInteractive => config.kbd_interactive_authentication,
            _ => config.password_authentication,
        });
        if self.given.is_some() {
            order.sort_by_key(|method| match method {
                Password => 0,
                KeyboardInteractive => 1,
                _ => 2,
            });
        }
        order
    }

    fn takes(&self, method: MethodKind) -> bool {
        self.accepted.as_ref().is_none_or(|methods| methods.contains(&method)) && !self.lost()
    }

    fn lost(&self) -> bool {
        self.handle.is_closed()
    }

    async fn method(&mut self, method: MethodKind) -> Result<Step> {
        match method {
            MethodKind::PublicKey => self.with_keys().await,
            MethodKind::KeyboardInteractive => self.interactive().await,
            _ => self.with_password().await,
        }
    }

    async fn none(&mut self) -> Result<Step> {
        let user = self.config.user.clone();
        let asked = answer(self.asking, self.answer_timeout(), self.handle.authenticate_none(user)).await?;
        Ok(self.note(asked.map_err(|e| broken(&e))?, None))
    }

    fn answer_timeout(&self) -> Duration {
        self.config.connect_timeout.unwrap_or(ANSWER_TIMEOUT)
    }

    /// Remembers the outcome of one try.
    fn note(&mut self, result: AuthResult, what: Option<String>) -> Step {
        match result {
            AuthResult::Success => Step::LoggedIn,
            AuthResult::Failure { remaining_methods, partial_success } => {
                self.accepted = Some(remaining_methods.to_vec());
                if let Some(what) = what {
                    self.tried.push(if partial_success {
                        format!("{what} (accepted, more is required)")
                    } else {
                        what
                    });
                }
                if partial_success { Step::Partial } else { Step::Refused }
            }
        }
    }

    fn refused(&self, banner: &str) -> Error {
        let mut detail = if self.tried.is_empty() {
            "nothing could be tried".to_owned()
        } else {
            format!("tried {}", each_once(&self.tried).join(", "))
        };
        if let Some(methods) = &self.accepted
            && !methods.is_empty()
        {
            let names: Vec<&str> = methods.iter().map(<&str>::from).collect();
            detail += &format!("; the server takes {}", names.join(", "));
        }
        for problem in &self.problems {
            detail += &format!("; {problem}");
        }
        match self.untried {
            0 => {}
            1 => detail += "; 1 more key was not tried, IdentityFile with IdentitiesOnly names the right one",
            more => {
                detail += &format!(
                    "; {more} more keys were not tried, IdentityFile with IdentitiesOnly names the right one"
                );
            }
        }
        if self.lost() {
            detail += "; the server closed the connection";
        }
        if !banner.trim().is_empty() {
            detail += &format!("; the server says: {}", banner.trim());
        }
        Error::new(ErrorKind::LoginFailed, Operation::Login)
            .with_detail(format!("as {}: {detail}", self.config.user))
    }
}

/// What was tried more than once is told once: `password (3 times)`.
fn each_once(tried: &[String]) -> Vec<String> {
    let mut counted: Vec<(&str, usize)> = Vec::new();
    for what in tried {
        match counted.iter_mut().find(|(known, _)| known == what) {
            Some((_, times)) => *times += 1,
            None => counted.push((what, 1)),
        }
    }
    let told = |(what, times): (&str, usize)| match times {
        1 => what.to_owned(),
        times => format!("{what} ({times} times)"),
    };
    counted.into_iter().map(told).collect()
}
