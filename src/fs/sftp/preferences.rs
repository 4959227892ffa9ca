//! The algorithms that are offered to a server: what ssh_config asks for, as far as the library
//! has it, and else wharf's own choice. Must never offer what is broken unless it was asked for.

use russh::{
    AlgorithmKind, Preferred, cipher, kex,
    keys::{Algorithm, EcdsaCurve, HashAlg},
    mac,
};

use super::config::HostConfig;
use crate::fs::{Error, ErrorKind, Operation, Result};

/// SHA-1 signatures: RFC 8332 section 5 has them go.
const SSH_RSA: Algorithm = Algorithm::Rsa { hash: None };

/// What a key type is called in lists of certificates.
const CERTIFICATE: &str = "-cert-v01@openssh.com";

/// What to offer to the host that `config` leads to. `known` are the types of its keys in
/// known_hosts, and come first, so that a server with several keys shows the one that can be
/// checked. Certificates are offered where an authority is known, or where somebody asks for them.
pub fn preferences(config: &HostConfig, known: &[String], has_authorities: bool) -> Result<Preferred> {
    let cipher = ciphers(&config.ciphers)?;
    Ok(Preferred {
        kex: exchanges(&config.kex_algorithms)?.into(),
        key: keys(&config.host_key_algorithms, known)?.into(),
        host_key_certificates: certificates(&config.host_key_algorithms, known, has_authorities).into(),
        mac: macs(&config.macs, &cipher)?.into(),
        cipher: cipher.into(),
        ..Preferred::DEFAULT
    })
}

/// Those of `asked` that there are, in its order.
fn common<N: Copy + AsRef<str>>(keyword: &str, asked: &[String], there_are: &[&N]) -> Result<Vec<N>> {
    let usable = |name: &&&N| !matches!((***name).as_ref(), "none" | "clear");
    let found: Vec<N> = asked
        .iter()
        .filter_map(|name| there_are.iter().filter(usable).find(|has| (***has).as_ref() == name))
        .map(|name| **name)
        .collect();
    if found.is_empty() {
        let names: Vec<&str> = there_are.iter().filter(usable).map(|name| (**name).as_ref()).collect();
        return Err(nothing_left(keyword, asked, &names));
    }
    Ok(found)
}

fn nothing_left(keyword: &str, asked: &[String], has: &[&str]) -> Error {
    Error::new(ErrorKind::Usage, Operation::ReadConfig).with_detail(format!(
        "{keyword} in ssh_config asks for {}, and wharf has none of them; it has {}",
        asked.join(", "),
        has.join(", ")
    ))
}

fn ciphers(asked: &[String]) -> Result<Vec<cipher::Name>> {
    if !asked.is_empty() {
        return common("Ciphers", asked, cipher::ALL_CIPHERS);
    }
    Ok(if has_aes() {
        vec![
            cipher::AES_256_GCM,
            cipher::CHACHA20_POLY1305,
            cipher::AES_256_CTR,
            cipher::AES_192_CTR,
            cipher::AES_128_CTR,
        ]
    } else {
        Preferred::DEFAULT.cipher.into_owned()
    })
}

fn exchanges(asked: &[String]) -> Result<Vec<kex::Name>> {
    if asked.is_empty() {
        return Ok(Preferred::DEFAULT.kex.into_owned());
    }
    let mut found = common("KexAlgorithms", asked, kex::ALL_KEX_ALGORITHMS)?;
    // Not exchanges but marks that travel among them, strict key exchange for one.
    found.extend([kex::EXTENSION_SUPPORT_AS_CLIENT, kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT]);
    Ok(found)
}

/// Ciphers that authenticate by themselves need none: who has only those may ask for any.
fn macs(asked: &[String], ciphers: &[cipher::Name]) -> Result<Vec<mac::Name>> {
    if asked.is_empty() {
        return Ok(Preferred::DEFAULT.mac.into_owned());
    }
    let alone = [cipher::AES_128_GCM, cipher::AES_256_GCM, cipher::CHACHA20_POLY1305];
    match common("MACs", asked, mac::ALL_MAC_ALGORITHMS) {
        Err(_) if ciphers.iter().all(|cipher| alone.contains(cipher)) => Ok(Vec::new()),
        outcome => outcome,
    }
}

fn own_keys() -> Vec<Algorithm> {
    vec![
        Algorithm::Ed25519,
        Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 },
        Algorithm::Ecdsa { curve: EcdsaCurve::NistP384 },
        Algorithm::Ecdsa { curve: EcdsaCurve::NistP521 },
        Algorithm::Rsa { hash: Some(HashAlg::Sha512) },
        Algorithm::Rsa { hash: Some(HashAlg::Sha256) },
    ]
}

/// Own ones and ssh-rsa, for whoever asks for it.
fn all_keys() -> Vec<Algorithm> {
    let mut all = own_keys();
    all.push(SSH_RSA);
    all
}

fn keys(asked: &[String], known: &[String]) -> Result<Vec<Algorithm>> {
    if asked.is_empty() {
        return Ok(known_first(own_keys(), known));
    }
    let all = all_keys();
    let found = named(asked, "");
    if found.is_empty() && named(asked, CERTIFICATE).is_empty() {
        let names: Vec<&str> = all.iter().map(Algorithm::as_str).collect();
        return Err(nothing_left("HostKeyAlgorithms", asked, &names));
    }
    // ssh keeps to an order that somebody has set, but not to its own with something added (+) or
    // taken away (-). Which it was can be seen by the order only.
    let places: Vec<_> = found.iter().filter_map(|key| all.iter().position(|has| has == key)).collect();
    Ok(if places.is_sorted() { known_first(found, known) } else { found })
}

fn certificates(asked: &[String], known: &[String], has_authorities: bool) -> Vec<Algorithm> {
    match (asked.is_empty(), has_authorities) {
        (true, true) => known_first(own_keys(), known),
        (true, false) => Vec::new(),
        // Else a list that holds certificates and nothing more would offer nothing.
        (false, _) if has_authorities || named(asked, "").is_empty() => named(asked, CERTIFICATE),
        (false, _) => Vec::new(),
    }
}

/// The algorithms that `asked` names with `suffix` behind them, in its order.
fn named(asked: &[String], suffix: &str) -> Vec<Algorithm> {
    let all = all_keys();
    let plain = asked.iter().filter_map(|name| name.strip_suffix(suffix));
    plain.filter_map(|name| all.iter().find(|key| key.as_str() == name).cloned()).collect()
}

fn known_first(mut keys: Vec<Algorithm>, known: &[String]) -> Vec<Algorithm> {
    keys.sort_by_key(|algorithm| {
        // known_hosts says ssh-rsa for the key whatever the signature's hash.
        let name = if matches!(algorithm, Algorithm::Rsa { .. }) { "ssh-rsa" } else { algorithm.as_str() };
        !known.iter().any(|k| k == name)
    });
    keys
}

/// Why the handshake could not agree with the server.
pub fn nothing_in_common(kind: &AlgorithmKind, ours: &[String], theirs: &[String]) -> Error {
    let detail = match kind {
        AlgorithmKind::Key if theirs.iter().all(|name| matches!(name.as_str(), "ssh-rsa" | "ssh-dss")) => {
            "the server signs with ssh-rsa (SHA-1) only, which is off as it can be forged; \
             HostKeyAlgorithms +ssh-rsa for this host in ssh_config turns it on"
                .to_owned()
        }
        kind => {
            let what = match kind {
                AlgorithmKind::Kex => "key exchanges (KexAlgorithms)",
                AlgorithmKind::Key => "host keys (HostKeyAlgorithms)",
                AlgorithmKind::Cipher => "ciphers (Ciphers)",
                AlgorithmKind::Mac => "MACs (MACs)",
                AlgorithmKind::Compression => "compression",
            };
            let listed = |names: &[String]| names.join(", ").chars().take(400).collect::<String>();
            format!("no {what} in common: the server has {}; offered was {}", listed(theirs), listed(ours))
        }
    };
    Error::new(ErrorKind::Unsupported, Operation::Connect).with_detail(detail)
}

#[cfg(target_arch = "x86_64")]
fn has_aes() -> bool {
    std::arch::is_x86_feature_detected!("aes")
}

#[cfg(target_arch = "aarch64")]
fn has_aes() -> bool {
    std::arch::is_aarch64_feature_detected!("aes")
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn has_aes() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn key_names(asked: &[&str], known: &[&str]) -> Vec<String> {
        keys(&list(asked), &list(known)).unwrap().iter().map(|key| key.as_str().to_owned()).collect()
    }

    #[test]
    fn known_key_types_are_offered_first_and_sha1_never() {
        let names = key_names(&[], &["ssh-rsa"]);
        assert_eq!(names[..2], ["rsa-sha2-512", "rsa-sha2-256"]);
        assert!(!names.contains(&"ssh-rsa".to_owned()));
        assert_eq!(key_names(&[], &[])[0], "ssh-ed25519");
    }

    #[test]
    fn an_order_that_somebody_set_stays_and_an_added_one_yields_to_what_is_known() {
        assert_eq!(key_names(&["rsa-sha2-256", "ssh-ed25519"], &["ssh-ed25519"])[0], "rsa-sha2-256");
        let added = ["ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"];
        assert_eq!(
            key_names(&added, &["ssh-rsa"]),
            ["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa", "ssh-ed25519"]
        );
        assert!(keys(&list(&["ssh-dss"]), &[]).is_err());
    }

    #[test]
    fn certificates_are_offered_to_known_authorities_and_to_who_wants_nothing_else() {
        let only = list(&["ssh-ed25519-cert-v01@openssh.com"]);
        assert_eq!(certificates(&only, &[], false), [Algorithm::Ed25519]);
        assert_eq!(keys(&only, &[]).unwrap(), []);
        let both = list(&["ssh-ed25519-cert-v01@openssh.com", "ssh-ed25519"]);
        assert_eq!(certificates(&both, &[], true), [Algorithm::Ed25519]);
        assert_eq!(certificates(&both, &[], false), []);
        assert!(certificates(&[], &[], false).is_empty());
    }

    #[test]
    fn lists_are_cut_to_what_there_is_and_an_empty_one_says_so() {
        let names = ciphers(&list(&["aes128-ctr", "no-such-cipher", "aes256-ctr"])).unwrap();
        assert_eq!(names, [cipher::AES_128_CTR, cipher::AES_256_CTR]);
        let error = ciphers(&list(&["none", "3des-cbc"])).unwrap_err();
        let said = error.detail().unwrap();
        assert!(
            said.contains("Ciphers") && said.contains("3des-cbc") && said.contains("aes256-ctr"),
            "{said}"
        );
        assert!(!said.contains("clear"), "{said}");
        let kex = exchanges(&list(&["curve25519-sha256"])).unwrap();
        assert!(kex.contains(&kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT));
        assert!(macs(&list(&["umac-64@openssh.com"]), &[cipher::AES_256_GCM]).unwrap().is_empty());
        assert!(macs(&list(&["umac-64@openssh.com"]), &[cipher::AES_256_CTR]).is_err());
    }
}
