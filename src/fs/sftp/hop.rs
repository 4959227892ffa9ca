//! Questions on the way: what a jump host asks says which one it is, and a login that nobody
//! waits for asks nothing and tries nothing else. Knows no connection.

use std::{borrow::Cow, slice, sync::Arc};

use async_trait::async_trait;
use russh::MethodKind;

use super::config::HostConfig;
use crate::{
    fs::{Context, LogLine, Observer, Stage},
    trust::{Answer, Prompt, Question, Secrets},
};

/// Puts the questions of one jump host: two of them may have the same user and address.
pub struct HopPrompt {
    prompt: Arc<dyn Prompt>,
    /// As ProxyJump names it.
    name: String,
}

impl HopPrompt {
    pub fn new(prompt: Arc<dyn Prompt>, name: &str) -> Arc<HopPrompt> {
        Arc::new(HopPrompt { prompt, name: name.to_owned() })
    }
}

#[async_trait]
impl Prompt for HopPrompt {
    async fn ask(&self, mut question: Question) -> Answer {
        match &mut question {
            Question::UnknownHost(host) => host.address += &format!(" (jump host {})", self.name),
            // In front: on a small screen the end of a title is cut.
            Question::Secret(request) => {
                request.subject = format!("jump host {}: {}", self.name, request.subject);
            }
            // TLS has no hops.
            Question::UnknownCertificate(_) => {}
        }
        self.prompt.ask(question).await
    }

    fn secrets(&self) -> Option<&Secrets> {
        self.prompt.secrets()
    }
}

/// The methods that logged in before, hop by hop, which the same way once more keeps to. Where one
/// does not work any more, the next could ask somebody on a telephone who has started nothing.
pub struct Methods<'a>(Option<slice::Iter<'a, MethodKind>>);

impl<'a> Methods<'a> {
    pub fn any() -> Methods<'a> {
        Methods(None)
    }

    pub fn of(known: &'a [MethodKind]) -> Methods<'a> {
        Methods(Some(known.iter()))
    }

    /// The configuration of the next hop, narrowed to its method.
    pub fn next<'c>(&mut self, config: &'c HostConfig) -> Cow<'c, HostConfig> {
        let Some(known) = &mut self.0 else { return Cow::Borrowed(config) };
        let method = known.next().unwrap_or(&MethodKind::None);
        let only = vec![<&str>::from(method).to_owned()];
        Cow::Owned(HostConfig { preferred_authentications: only, ..config.clone() })
    }
}

/// Asks nobody, and tells nobody how far it is; knows what was typed before.
pub struct Unasked(pub Context);

#[async_trait]
impl Prompt for Unasked {
    async fn ask(&self, _: Question) -> Answer {
        Answer::No
    }

    fn secrets(&self) -> Option<&Secrets> {
        self.0.prompt.secrets()
    }
}

impl Observer for Unasked {
    fn reply(&self, line: LogLine) {
        self.0.observer.reply(line);
    }

    fn stage(&self, _: Stage) {}
}
