//! The questions of `trust` in words, for the terminal UI's dialogs and for plain prompts.

use super::escape;
use crate::trust::{Question, SecretKind, UnknownCertificate};

/// A question ready to be put: nothing in it needs escaping any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuestionWords {
    /// One line: what it is about.
    pub title: String,
    /// Facts and explanation, line by line.
    pub lines: Vec<String>,
    /// What stands in front of the answer.
    pub prompt: String,
}

/// The question in words. A first contact's randomart is not among the lines: it is drawn
/// beside them.
pub fn question(question: &Question) -> QuestionWords {
    match question {
        Question::UnknownHost(host) => QuestionWords {
            title: format!("Unknown server {}", escape(&host.host)),
            lines: vec![
                format!("This is the first contact with {} ({}).", escape(&host.host), escape(&host.address)),
                "Compare its key with what its administrator published:".to_owned(),
                format!("{} key", escape(&host.key_type)),
                escape(&host.fingerprint).into_owned(),
                format!("A yes adds it to {}", escape(&host.file.to_string_lossy())),
            ],
            prompt: "Trust this key and connect?".to_owned(),
        },
        Question::UnknownCertificate(certificate) => QuestionWords {
            // What matters comes first: a narrow screen cuts the end.
            title: format!("Untrusted certificate of {}", escape(&certificate.host)),
            lines: certificate_lines(certificate),
            prompt: "Trust this certificate and connect?".to_owned(),
        },
        Question::Secret(request) => {
            let subject = escape(&request.subject);
            let said = request.prompt.trim();
            let (title, ours) = match request.kind {
                SecretKind::Password => (format!("Password for {subject}"), "Password:"),
                SecretKind::Passphrase => (format!("Passphrase of {subject}"), "Passphrase:"),
                SecretKind::Interactive => (format!("{subject} asks"), "Answer:"),
            };
            // The server's own words, each line escaped by itself so that it stays a line.
            let mut lines: Vec<String> =
                said.lines().map(|line| escape(line.trim_end()).into_owned()).collect();
            let prompt = lines.pop().unwrap_or_else(|| ours.to_owned());
            QuestionWords { title, lines, prompt }
        }
    }
}

fn certificate_lines(certificate: &UnknownCertificate) -> Vec<String> {
    let names: Vec<_> = certificate.names.iter().map(|name| escape(name)).collect();
    let mut lines = vec![
        format!("It came from {}; {}.", escape(&certificate.address), escape(&certificate.reason)),
        format!("Subject {}", escape(&certificate.subject)),
        format!("Issuer {}", escape(&certificate.issuer)),
        format!("For {}", if names.is_empty() { "no host".to_owned() } else { names.join(", ") }),
        format!("Valid from {} until {}", certificate.not_before, certificate.not_after),
        "Compare its SHA-256 fingerprint with what the server's administrator published:".to_owned(),
        certificate.fingerprint.to_string(),
    ];
    if !certificate.file.as_os_str().is_empty() {
        lines.push(format!("A yes adds it to {}", escape(&certificate.file.to_string_lossy())));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trust::{SecretRequest, UnknownHost, certificates::Fingerprint};

    #[test]
    fn an_unknown_certificate_says_why_and_what_to_compare() {
        let fingerprint = Fingerprint::of(b"certificate");
        let words = question(&Question::UnknownCertificate(Box::new(UnknownCertificate {
            host: "web-01:21".into(),
            address: "192.0.2.7:21".into(),
            fingerprint,
            subject: "CN=web\x1b[2J".into(),
            issuer: "CN=ours".into(),
            names: vec!["web-01".into(), "192.0.2.7".into()],
            not_before: "2026-01-01".into(),
            not_after: "2026-02-01".into(),
            reason: "it has expired".into(),
            file: "/home/ann/.local/state/wharf/certificates".into(),
        })));
        let text = words.lines.join("\n");
        let print = fingerprint.to_string();
        for part in ["expired", "web-01, 192.0.2.7", "2026-02-01", &print, "/wharf/certificates", "\\x1b[2J"]
        {
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn a_first_contact_says_what_to_compare_and_where_it_goes() {
        let words = question(&Question::UnknownHost(UnknownHost {
            host: "[web-01]:2222".into(),
            address: "192.0.2.7:2222".into(),
            key_type: "ssh-ed25519".into(),
            fingerprint: "SHA256:abc".into(),
            randomart: String::new(),
            file: "/home/ann/.ssh/known_hosts".into(),
        }));
        let text = words.lines.join("\n");
        for part in ["[web-01]:2222", "192.0.2.7", "ssh-ed25519", "SHA256:abc", "/home/ann/.ssh/known_hosts"]
        {
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn prompts_are_in_the_servers_words_escaped() {
        let ask = |prompt: &str| {
            question(&Question::Secret(SecretRequest {
                subject: "ann@web".into(),
                kind: SecretKind::Interactive,
                prompt: prompt.into(),
                echo: true,
            }))
        };
        let words = ask("Welcome\x1b[2J\nOne-time code: ");
        assert_eq!(words.lines, ["Welcome\\x1b[2J"]);
        assert_eq!(words.prompt, "One-time code:");
        assert_eq!(ask("").prompt, "Answer:");
    }
}
