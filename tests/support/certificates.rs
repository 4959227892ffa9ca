//! Certificates for test servers: by an authority of the tests' own or self-signed, made when a
//! test runs. Owns no server and touches no disk.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use sha2::{Digest, Sha256};

/// Who answers for a server's certificate, and what is wrong with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Issuer {
    /// The authority of [`Identity::ca_pem`]: fine for whoever trusts it.
    #[default]
    Authority,
    /// Nobody.
    Itself,
    /// The authority, but for another name than 127.0.0.1 or localhost.
    AuthorityForAnotherName,
    /// The authority, until the end of 2020.
    AuthorityLongAgo,
}

/// A server's certificate and key, and the authority that one may trust for it.
#[derive(Clone, Debug)]
pub struct Identity {
    pub cert_pem: String,
    pub key_pem: String,
    pub cert_der: Vec<u8>,
    /// PKCS #8.
    pub key_der: Vec<u8>,
    /// There also where it has not signed the certificate.
    pub ca_pem: String,
    pub ca_der: Vec<u8>,
}

impl Identity {
    /// A new key, a new certificate and a new authority.
    pub fn new(issuer: Issuer) -> Identity {
        let ca_key = KeyPair::generate().expect("a key");
        let mut params = named("wharf test authority", &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let ca = CertifiedIssuer::self_signed(params, ca_key).expect("an authority");

        let names: &[&str] = match issuer {
            Issuer::AuthorityForAnotherName => &["elsewhere.test"],
            _ => &["localhost", "127.0.0.1"],
        };
        let key = KeyPair::generate().expect("a key");
        let mut params = named(names[0], names);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        if issuer == Issuer::AuthorityLongAgo {
            params.not_after = date_time_ymd(2020, 12, 31);
        }
        let cert = match issuer {
            Issuer::Itself => params.self_signed(&key),
            _ => params.signed_by(&key, &ca),
        }
        .expect("a certificate");
        Identity {
            cert_pem: cert.pem(),
            key_pem: key.serialize_pem(),
            cert_der: cert.der().to_vec(),
            key_der: key.serialize_der(),
            ca_pem: ca.pem(),
            ca_der: ca.der().to_vec(),
        }
    }

    /// SHA-256 of the certificate: bytes in upper-case hexadecimal with colons between.
    pub fn fingerprint(&self) -> String {
        let bytes = Sha256::digest(&self.cert_der);
        bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
    }
}

fn named(common_name: &str, alternatives: &[&str]) -> CertificateParams {
    let alternatives: Vec<String> = alternatives.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(alternatives).expect("names");
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2090, 1, 1);
    params
}
