//! A person who answers questions in the order that was agreed, and remembers what was asked.
//! Owns no server.

use std::{
    collections::VecDeque,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use wharf::{
    fs::{self, Connected, Context, Error, LogLine, Observer, Place, SshOptions, Stage, Target},
    trust::{Answer, Prompt, Question, SecretRequest, Secrets},
};

/// Long enough for any machine; only a hang takes this long.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub struct Person {
    answers: Mutex<VecDeque<String>>,
    asked: Mutex<Vec<SecretRequest>>,
    secrets: Arc<Secrets>,
}

impl Person {
    /// Somebody who will give these answers, and then none.
    pub fn who_says(answers: &[&str]) -> Arc<Person> {
        Person::again(answers, Arc::default())
    }

    /// The same, in a program that knows some secrets already.
    pub fn again(answers: &[&str], secrets: Arc<Secrets>) -> Arc<Person> {
        let answers = answers.iter().map(ToString::to_string).collect();
        Arc::new(Person { answers: Mutex::new(answers), asked: Mutex::default(), secrets })
    }

    pub fn kept(&self) -> Arc<Secrets> {
        self.secrets.clone()
    }

    pub fn asked(&self) -> Vec<SecretRequest> {
        self.asked.lock().unwrap().clone()
    }

    /// Connects to a Host of `config` and hangs up.
    pub async fn connects(self: &Arc<Self>, config: &Path, host: &str) -> Result<Connected, Error> {
        let Ok(Place::Remote(target, _)) = Place::parse(format!("{host}:").as_bytes()) else {
            panic!("{host} is no host");
        };
        let ssh = SshOptions { config_file: Some(config.to_owned()), ..SshOptions::default() };
        self.reaches(&target, ssh).await
    }

    pub async fn reaches(self: &Arc<Self>, target: &Target, ssh: SshOptions) -> Result<Connected, Error> {
        let context = Context {
            ssh,
            ftp: Default::default(),
            prompt: self.clone(),
            observer: Arc::new(Deaf),
            wanted: None,
        };
        tokio::time::timeout(PATIENCE, fs::connect(target, &context)).await.expect("the connection hangs")
    }
}

#[async_trait]
impl Prompt for Person {
    async fn ask(&self, question: Question) -> Answer {
        match question {
            Question::Secret(request) => {
                self.asked.lock().unwrap().push(request);
                match self.answers.lock().unwrap().pop_front() {
                    Some(answer) => Answer::Secret(answer.into()),
                    None => Answer::No,
                }
            }
            _ => Answer::No,
        }
    }

    fn secrets(&self) -> Option<&Secrets> {
        Some(&self.secrets)
    }
}

/// Hears nothing.
pub struct Deaf;

impl Observer for Deaf {
    fn reply(&self, _: LogLine) {}
    fn stage(&self, _: Stage) {}
}
