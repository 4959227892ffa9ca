//! Lists of algorithms as ssh_config(5) writes them: `+` adds to the default, `-` takes away, `^`
//! puts first. The defaults are those of OpenSSH 9.2. Must never say what wharf itself can do.

use crate::trust::pattern::matches;

/// Which list it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Cipher,
    Mac,
    Kex,
    /// Of host keys and of login keys.
    Key,
}

impl Family {
    /// What ssh offers where nothing is said.
    pub fn defaults(self) -> &'static [&'static str] {
        match self {
            Family::Cipher => CIPHERS,
            Family::Mac => MACS,
            Family::Kex => KEX,
            Family::Key => KEYS,
        }
    }

    fn others(self) -> &'static [&'static str] {
        match self {
            Family::Cipher => &["3des-cbc", "aes128-cbc", "aes192-cbc", "aes256-cbc"],
            Family::Mac => &[
                "hmac-sha1-96",
                "hmac-md5",
                "hmac-md5-96",
                "hmac-sha1-96-etm@openssh.com",
                "hmac-md5-etm@openssh.com",
                "hmac-md5-96-etm@openssh.com",
            ],
            Family::Kex => &[
                "diffie-hellman-group1-sha1",
                "diffie-hellman-group14-sha1",
                "diffie-hellman-group-exchange-sha1",
                // Of later versions.
                "mlkem768x25519-sha256",
            ],
            Family::Key => &[
                "webauthn-sk-ecdsa-sha2-nistp256@openssh.com",
                "ssh-dss",
                "ssh-dss-cert-v01@openssh.com",
                "ssh-rsa",
                "ssh-rsa-cert-v01@openssh.com",
            ],
        }
    }

    fn all(self) -> impl Iterator<Item = &'static str> {
        self.defaults().iter().chain(self.others()).copied()
    }

    /// Whether ssh takes the text for a list. What follows a `-` may be anything; the others
    /// must be names, or patterns of key types.
    pub fn check(self, text: &str) -> Result<(), String> {
        if text.starts_with('-') {
            return Ok(());
        }
        let names = text.strip_prefix(['+', '^']).unwrap_or(text);
        for name in names.split(',') {
            let known = self.all().any(|known| match self {
                Family::Key => matches(name.as_bytes(), known.as_bytes()),
                _ => name == known,
            });
            if !known {
                return Err(format!("{name:?} is no algorithm that is known for it"));
            }
        }
        Ok(())
    }

    /// What a list comes to. Only `-` may leave nothing of it.
    pub fn assemble(self, text: &str) -> Result<Vec<&'static str>, String> {
        let defaults = self.defaults().iter().copied();
        let patterned = |list: &str| {
            let mut found: Vec<&'static str> = Vec::new();
            for pattern in list.split(',') {
                for name in self.all_in_ssh_order() {
                    if matches(pattern.as_bytes(), name.as_bytes()) && !found.contains(&name) {
                        found.push(name);
                    }
                }
            }
            found
        };
        let rest = |text: &str| text[1..].to_owned();
        let joined = |first: Vec<&'static str>, second: Vec<&'static str>| {
            let mut all = first;
            for name in second {
                if !all.contains(&name) {
                    all.push(name);
                }
            }
            all
        };
        let list = match text.as_bytes().first() {
            Some(b'+') => joined(defaults.collect(), patterned(&rest(text))),
            Some(b'^') => joined(patterned(&rest(text)), defaults.collect()),
            Some(b'-') => {
                let denied = rest(text);
                let is_denied =
                    |name: &&str| denied.split(',').any(|p| matches(p.as_bytes(), name.as_bytes()));
                return Ok(defaults.filter(|name| !is_denied(name)).collect());
            }
            _ => patterned(text),
        };
        if list.is_empty() { Err("nothing is left of the list".to_owned()) } else { Ok(list) }
    }

    /// Patterns are expanded in the order of ssh's own table, which `ssh -Q` shows.
    fn all_in_ssh_order(self) -> Vec<&'static str> {
        match self {
            Family::Key => KEYS_IN_ORDER.to_vec(),
            _ => self.all().collect(),
        }
    }
}

const CIPHERS: &[&str] = &[
    "chacha20-poly1305@openssh.com",
    "aes128-ctr",
    "aes192-ctr",
    "aes256-ctr",
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
];

const MACS: &[&str] = &[
    "umac-64-etm@openssh.com",
    "umac-128-etm@openssh.com",
    "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512-etm@openssh.com",
    "hmac-sha1-etm@openssh.com",
    "umac-64@openssh.com",
    "umac-128@openssh.com",
    "hmac-sha2-256",
    "hmac-sha2-512",
    "hmac-sha1",
];

const KEX: &[&str] = &[
    "sntrup761x25519-sha512",
    "sntrup761x25519-sha512@openssh.com",
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
    "diffie-hellman-group-exchange-sha256",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group18-sha512",
    "diffie-hellman-group14-sha256",
];

const KEYS: &[&str] = &[
    "ssh-ed25519-cert-v01@openssh.com",
    "ecdsa-sha2-nistp256-cert-v01@openssh.com",
    "ecdsa-sha2-nistp384-cert-v01@openssh.com",
    "ecdsa-sha2-nistp521-cert-v01@openssh.com",
    "sk-ssh-ed25519-cert-v01@openssh.com",
    "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
    "rsa-sha2-512-cert-v01@openssh.com",
    "rsa-sha2-256-cert-v01@openssh.com",
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "rsa-sha2-512",
    "rsa-sha2-256",
];

const KEYS_IN_ORDER: &[&str] = &[
    "ssh-ed25519",
    "ssh-ed25519-cert-v01@openssh.com",
    "sk-ssh-ed25519@openssh.com",
    "sk-ssh-ed25519-cert-v01@openssh.com",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp256-cert-v01@openssh.com",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp384-cert-v01@openssh.com",
    "ecdsa-sha2-nistp521",
    "ecdsa-sha2-nistp521-cert-v01@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
    "webauthn-sk-ecdsa-sha2-nistp256@openssh.com",
    "ssh-dss",
    "ssh-dss-cert-v01@openssh.com",
    "ssh-rsa",
    "ssh-rsa-cert-v01@openssh.com",
    "rsa-sha2-256",
    "rsa-sha2-256-cert-v01@openssh.com",
    "rsa-sha2-512",
    "rsa-sha2-512-cert-v01@openssh.com",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_type_has_its_place_in_the_order() {
        assert!(Family::Key.all().all(|name| KEYS_IN_ORDER.contains(&name)));
        assert_eq!(Family::Key.all().count(), KEYS_IN_ORDER.len());
    }

    #[test]
    fn lists_add_take_away_and_put_first() {
        let cipher = |text| Family::Cipher.assemble(text).unwrap();
        assert_eq!(cipher("+aes128-cbc,aes128-ctr").len(), CIPHERS.len() + 1);
        assert_eq!(cipher("^aes256-ctr")[..2], ["aes256-ctr", "chacha20-poly1305@openssh.com"]);
        assert_eq!(cipher("-aes*"), ["chacha20-poly1305@openssh.com"]);
        assert_eq!(cipher("aes256-ctr,aes128-ctr"), ["aes256-ctr", "aes128-ctr"]);
        assert!(Family::Cipher.assemble("-*").unwrap().is_empty());
        assert!(Family::Cipher.check("aes256-xyz").is_err() && Family::Cipher.check("aes*").is_err());
        assert!(Family::Key.check("+ssh-*").is_ok() && Family::Cipher.check("-xyz").is_ok());
    }
}
