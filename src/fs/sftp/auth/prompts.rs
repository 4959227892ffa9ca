//! What a person answers: passwords and keyboard-interactive, with what was typed before tried
//! first, once. Knows no keys.

use std::time::Duration;

use russh::{
    MethodKind,
    client::{AuthResult, Handler, KeyboardInteractiveAuthResponse as Interactive, Prompt as Line},
};
use secrecy::{ExposeSecret, SecretString};

use super::{Login, Step, answer, broken};
use crate::{
    fs::{Error, ErrorKind, Operation, Result},
    trust::{Answer, Question, SecretKind, SecretRequest},
};

/// Rounds of one keyboard-interactive exchange, and prompts of one round.
const MOST_ROUNDS: usize = 32;
const MOST_PROMPTS: usize = 16;

/// Characters of a server's texts that are shown above its prompts, and of one prompt.
const MOST_SAID: usize = 2000;
const MOST_ASKED: usize = 500;

/// In OpenSSH's words: asked the same twice, one would think that nothing had happened.
const DENIED: &str = "Permission denied, please try again.";

/// For its answer to a secret: it may ask others, and wait for somebody to confirm on a
/// telephone. As long as OpenSSH's server gives a login (LoginGraceTime).
const JUDGE_TIMEOUT: Duration = Duration::from_secs(120);

impl<H: Handler> Login<'_, H> {
    pub(super) async fn with_password(&mut self) -> Result<Step> {
        let mut denied = false;
        for (known, what) in [
            (self.given.take(), "the password in the URL"),
            (self.kept.take(), "the password of the last login"),
        ] {
            let Some(known) = known else { continue };
            match self.password(&known, what).await? {
                Step::Refused => {
                    self.forget();
                    denied = true;
                }
                step => {
                    self.typed = Some(known);
                    return Ok(step);
                }
            }
        }
        for _ in 0..self.config.number_of_password_prompts {
            if self.declined || !self.takes(MethodKind::Password) {
                break;
            }
            let prompt = if denied { format!("{DENIED}\nPassword:") } else { String::new() };
            let Some(password) = self.ask(SecretKind::Password, prompt, false).await else {
                break;
            };
            match self.password(&password, "password").await? {
                Step::Refused => denied = true,
                step => {
                    self.typed = Some(password);
                    return Ok(step);
                }
            }
        }
        Ok(Step::Refused)
    }

    fn forget(&self) {
        if let Some(secrets) = self.context.prompt.secrets() {
            secrets.forget(&self.id);
        }
    }

    async fn password(&mut self, password: &SecretString, what: &str) -> Result<Step> {
        if !self.takes(MethodKind::Password) {
            return Ok(Step::Refused);
        }
        let (user, secret) = (self.config.user.clone(), password.expose_secret().to_owned());
        let trying = self.handle.authenticate_password(user, secret);
        let result = answer(self.asking, JUDGE_TIMEOUT, trying).await?.map_err(|e| broken(&e))?;
        Ok(self.note(result, Some(what.to_owned())))
    }

    async fn ask(&mut self, kind: SecretKind, prompt: String, echo: bool) -> Option<SecretString> {
        let subject = SecretRequest::login(&self.config.user, &self.config.hostname, self.config.port, &[22]);
        let request = SecretRequest { subject, kind, prompt, echo };
        self.answered = true;
        let _asked = self.asking.begin();
        match self.context.prompt.ask(Question::Secret(request)).await {
            Answer::Secret(secret) => Some(secret),
            Answer::Yes | Answer::No => {
                self.declined = true;
                None
            }
        }
    }

    /// Keyboard-interactive (RFC 4256): every prompt in the server's words, echo as told.
    pub(super) async fn interactive(&mut self) -> Result<Step> {
        let mut refusal = String::new();
        for _ in 0..self.config.number_of_password_prompts {
            if self.declined || !self.takes(MethodKind::KeyboardInteractive) {
                break;
            }
            match self.exchange(&mut refusal).await? {
                Some(Step::Refused) => {}
                Some(step) => return Ok(step),
                None => break,
            }
        }
        Ok(Step::Refused)
    }

    /// One exchange from its start to the server's verdict; `None` where another one would be in vain.
    /// The first question comes with the `refusal` of the exchange before, and a new one is left there.
    async fn exchange(&mut self, refusal: &mut String) -> Result<Option<Step>> {
        let user = self.config.user.clone();
        // Even without a prompt, somebody may confirm on a telephone.
        self.answered = true;
        let starting = self.handle.authenticate_keyboard_interactive_start(user, None);
        let mut response = answer(self.asking, JUDGE_TIMEOUT, starting).await?.map_err(|e| broken(&e))?;
        let mut asked = 0;
        let mut password = None;
        let mut used_known = false;
        // What is not shown yet: a round may say something and ask nothing (RFC 4256 section 3.2).
        let mut heading = String::new();
        for _ in 0..MOST_ROUNDS {
            let (name, instructions, prompts) = match response {
                Interactive::Success => {
                    // A code would be of no use the next time, and what follows another factor may
                    // be one: only a lone password is worth keeping.
                    if asked == 1 && !self.partial {
                        self.typed = password;
                    }
                    return Ok(Some(Step::LoggedIn));
                }
                Interactive::Failure { remaining_methods, partial_success } => {
                    let said = format!("the server says: {}", heading.trim());
                    if !heading.is_empty() && !self.problems.contains(&said) {
                        self.problems.push(said);
                    }
                    if used_known && !partial_success {
                        self.forget();
                    }
                    *refusal = std::mem::take(&mut heading) + DENIED + "\n";
                    let result = AuthResult::Failure { remaining_methods, partial_success };
                    let step = self.note(result, Some("keyboard-interactive".to_owned()));
                    // A server that refuses without a question will do so each time.
                    return Ok(Some(step).filter(|step| asked > 0 || *step != Step::Refused));
                }
                Interactive::InfoRequest { name, instructions, prompts } => (name, instructions, prompts),
            };
            if prompts.len() > MOST_PROMPTS {
                return Err(Error::new(ErrorKind::Protocol, Operation::Login)
                    .with_detail(format!("the server asks {} things at once", prompts.len())));
            }
            let mut answers = Vec::with_capacity(prompts.len());
            add_heading(&mut heading, &name, &instructions);
            let alone = prompts.len() == 1;
            for line in prompts {
                asked += 1;
                let known = if asked == 1 && !line.echo { self.known_for(&line, alone) } else { None };
                used_known |= known.is_some();
                let is_password = is_password(&line);
                let answer = match known {
                    Some(known) => Some(known),
                    None => {
                        let said = std::mem::take(refusal) + &std::mem::take(&mut heading);
                        let prompt = said + &shortened(&line.prompt, MOST_ASKED);
                        self.ask(SecretKind::Interactive, prompt, line.echo).await
                    }
                };
                let Some(secret) = answer else {
                    self.tried.push("keyboard-interactive (not answered)".to_owned());
                    return Ok(None);
                };
                answers.push(secret.expose_secret().to_owned());
                password = is_password.then_some(secret);
            }
            let responding = self.handle.authenticate_keyboard_interactive_respond(answers);
            response = answer(self.asking, JUDGE_TIMEOUT, responding).await?.map_err(|e| broken(&e))?;
        }
        Err(Error::new(ErrorKind::Protocol, Operation::Login).with_detail("the server asks without end"))
    }

    /// What answers the first hidden prompt without asking: the password that came with the
    /// place, or, where it is the only prompt and asks for a password, that of the last login.
    fn known_for(&mut self, line: &Line, alone: bool) -> Option<SecretString> {
        if self.partial {
            return None;
        }
        if let Some(given) = self.given.take() {
            return Some(given);
        }
        if alone && is_password(line) { self.kept.take() } else { None }
    }
}

/// What stands above the next prompt, a line each.
fn add_heading(heading: &mut String, name: &str, instructions: &str) {
    for text in [name, instructions].into_iter().map(str::trim_end).filter(|text| !text.is_empty()) {
        let room = MOST_SAID.saturating_sub(heading.chars().count());
        // Said in each round again, and not yet read.
        if room > 0 && !heading.lines().any(|line| line == text) {
            *heading += &shortened(text, room);
            heading.push('\n');
        }
    }
}

fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((cut, _)) => format!("{}…", &text[..cut]),
    }
}

/// Whether a hidden prompt asks for what stays the same from one login to the next.
fn is_password(line: &Line) -> bool {
    let text = line.prompt.to_lowercase();
    let is_code = ["code", "one-time", "otp", "token", "pin"].iter().any(|word| text.contains(word));
    !line.echo && !is_code && text.contains("passw")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks(prompt: &str, echo: bool) -> bool {
        is_password(&Line { prompt: prompt.to_owned(), echo })
    }

    #[test]
    fn a_password_is_told_from_a_code() {
        assert!(asks("Password: ", false));
        assert!(asks("(ann@web-01) Passwort:", false));
        assert!(!asks("Verification code: ", false));
        assert!(!asks("One-time password: ", false));
        assert!(!asks("Passcode: ", false));
        assert!(!asks("Password: ", true));
    }

    #[test]
    fn a_heading_keeps_its_lines_and_its_measure() {
        let heading = |texts: &[(&str, &str)]| {
            let mut heading = String::new();
            texts.iter().for_each(|(name, text)| add_heading(&mut heading, name, text));
            heading
        };
        assert_eq!(heading(&[("", " \n")]), "");
        let two = ("Two steps", "Look at your telephone.\n");
        assert_eq!(heading(&[two]), "Two steps\nLook at your telephone.\n");
        assert_eq!(heading(&[two, two, ("", "Now.")]), "Two steps\nLook at your telephone.\nNow.\n");
        let long = "é".repeat(100_000);
        assert_eq!(heading(&[(&long, "more")]).chars().count(), MOST_SAID + 2);
    }
}
