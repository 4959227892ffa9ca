//! TLS for FTP (RFC 4217): what a server's certificate must be, and a session store for each
//! control connection that its data connections share. Asks nobody: what was refused is kept
//! for whoever may ask.

use std::{
    fmt, io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::net::TcpStream;
use tokio_rustls::{
    TlsConnector,
    rustls::{
        self, AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore,
        SignatureScheme, SupportedProtocolVersion,
        client::{
            Resumption, WebPkiServerVerifier,
            danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
            verify_server_name,
        },
        crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
        pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
        server::ParsedCertificate,
        version::{TLS12, TLS13},
    },
};
use x509_parser::{extensions::GeneralName, parse_x509_certificate, time::ASN1Time};

use super::stream::Stream;
use crate::{
    fs::{Error, ErrorKind, Operation, Result},
    trust::{
        ChangedIdentity, UnknownCertificate,
        certificates::{Fingerprint, Pin, Pins},
        known_hosts::KnownKey,
    },
};

/// Whom to believe on one server, for all of its connections.
pub struct Trust {
    verifier: Arc<Verifier>,
    name: ServerName<'static>,
    /// TLS 1.3 may be used: a site's option, since its tickets serve for one data connection each
    /// and some servers send none when they are to receive a file.
    newest: Mutex<bool>,
    server: String,
    pins: Option<Pins>,
}

/// What all connections of one control connection share. A store for each: some servers refuse
/// a session that came from another control connection.
#[derive(Clone)]
pub struct Session {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Session({:?})", self.name)
    }
}

/// Why no TLS came about.
#[derive(Debug)]
pub enum Refused {
    /// The certificate is not trusted, and a person may decide.
    Certificate(Box<UnknownCertificate>),
    /// Nobody may decide: a pinned certificate changed, or TLS itself failed.
    Error(Error),
}

impl Trust {
    /// For `host`, by the system's roots or those of `ca` instead, and by what was pinned for
    /// `host:port`.
    pub fn new(host: &str, port: u16, ca: Option<&Path>, pins: Option<Pins>, newest: bool) -> Result<Trust> {
        let name = ServerName::try_from(host.to_owned()).map_err(|_| {
            Error::new(ErrorKind::Usage, Operation::Connect)
                .with_detail("a host with this name cannot have a certificate")
        })?;
        let provider = Arc::new(ring::default_provider());
        let (inner, own) = match ca {
            Some(file) => {
                let own = certificates(file)?;
                (by_roots(&own, &provider)?, own)
            }
            None => match rustls_platform_verifier::Verifier::new(provider.clone()) {
                Ok(verifier) => (Some(Arc::new(verifier) as Arc<dyn ServerCertVerifier>), Vec::new()),
                // A system without roots can still pin.
                Err(_) => (None, Vec::new()),
            },
        };
        let server = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        let pinned = match &pins {
            Some(pins) => pins.find(&server).map_err(|e| {
                Error::io(Operation::ReadConfig, &e).on(pins.file().display().to_string().as_str())
            })?,
            None => None,
        };
        let verifier =
            Verifier { inner, own, provider, pinned: Mutex::new(pinned), refused: Mutex::default() };
        Ok(Trust { verifier: Arc::new(verifier), name, newest: Mutex::new(newest), server, pins })
    }

    /// A fresh session store: for one control connection and its data.
    pub fn session(&self) -> Result<Session> {
        let versions: &[&SupportedProtocolVersion] =
            if *lock(&self.newest) { &[&TLS13, &TLS12] } else { &[&TLS12] };
        let mut config = ClientConfig::builder_with_provider(self.verifier.provider.clone())
            .with_protocol_versions(versions)
            .map_err(|e| Error::new(ErrorKind::Failure, Operation::Connect).with_detail(e.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(self.verifier.clone())
            .with_no_client_auth();
        config.resumption = Resumption::in_memory_sessions(8);
        config.enable_sni = true;
        Ok(Session { config: Arc::new(config), name: self.name.clone() })
    }

    /// What a failed handshake means. `address` is the server's, for the person to see.
    pub fn refused(&self, error: &io::Error, address: &str) -> Refused {
        let refused = lock(&self.verifier.refused).take();
        match (refused, tls_error(error)) {
            (Some(Verdict::Unknown { der, reason }), _) => match describe(&der) {
                Some(mut certificate) => {
                    certificate.host = self.server.clone();
                    certificate.address = address.to_owned();
                    certificate.reason = reason;
                    certificate.file =
                        self.pins.as_ref().map(|pins| pins.file().to_owned()).unwrap_or_default();
                    Refused::Certificate(Box::new(certificate))
                }
                None => Refused::Error(
                    Error::new(ErrorKind::CertificateRefused, Operation::CheckCertificate)
                        .with_detail("the certificate cannot be read"),
                ),
            },
            (Some(Verdict::Changed { der, pin }), _) => {
                let known = KnownKey {
                    file: self.pins.as_ref().map(|pins| pins.file().to_owned()).unwrap_or_default(),
                    // One that was pinned in this run has no line yet that is known.
                    line: pin.line,
                    key_type: String::new(),
                    fingerprint: pin.fingerprint.to_string(),
                };
                let changed = ChangedIdentity {
                    fingerprint: Fingerprint::of(&der).to_string(),
                    key_type: String::new(),
                    remembered: vec![known],
                };
                Refused::Error(
                    Error::new(ErrorKind::CertificateRefused, Operation::CheckCertificate)
                        .with_detail("the certificate has CHANGED")
                        .with_changed_identity(changed),
                )
            }
            (None, Some(rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType))) => {
                Refused::Error(
                    Error::new(ErrorKind::ConnectionFailed, Operation::Connect).with_detail(
                        "what came is no TLS: a server of ftpes:// begins in plain words, one of ftps:// does not",
                    ),
                )
            }
            (None, Some(error)) => Refused::Error(
                Error::new(ErrorKind::ConnectionFailed, Operation::Connect)
                    .with_detail(format!("TLS failed: {error}")),
            ),
            (None, None) => Refused::Error(Error::io(Operation::Connect, error)),
        }
    }

    /// Whether the server asked for a version of TLS that was not offered, and now will be.
    pub fn offers_more_after(&self, error: &io::Error) -> bool {
        let wants = matches!(
            tls_error(error),
            Some(
                rustls::Error::AlertReceived(
                    AlertDescription::ProtocolVersion
                        | AlertDescription::HandshakeFailure
                        | AlertDescription::InsufficientSecurity
                ) | rustls::Error::PeerIncompatible(_)
            )
        );
        wants && !std::mem::replace(&mut *lock(&self.newest), true)
    }

    /// From now on this certificate is the server's, and with `remember` for later programs too.
    pub fn accept(&self, certificate: &UnknownCertificate, remember: bool) -> Result<()> {
        let pin = Pin { fingerprint: certificate.fingerprint, line: 0 };
        *lock(&self.verifier.pinned) = Some(pin);
        match &self.pins {
            Some(pins) if remember => pins.remember(&self.server, certificate.fingerprint).map_err(|e| {
                Error::io(Operation::RememberCertificate, &e).on(pins.file().display().to_string().as_str())
            }),
            _ => Ok(()),
        }
    }
}

impl Session {
    /// The client's side of the handshake on `tcp`.
    pub async fn handshake(&self, tcp: TcpStream) -> io::Result<Stream> {
        let connector = TlsConnector::from(self.config.clone());
        Ok(Stream::Tls(Box::new(connector.connect(self.name.clone(), tcp).await?)))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn tls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let bad = |why: String| {
        Err(Error::new(ErrorKind::Usage, Operation::ReadArguments)
            .on(format!("--tls-ca {}", file.display()))
            .with_detail(why))
    };
    let pem = match std::fs::read(file) {
        Ok(pem) => pem,
        Err(error) => return bad(error.to_string()),
    };
    match CertificateDer::pem_slice_iter(&pem).collect::<std::result::Result<Vec<_>, _>>() {
        Ok(found) if found.is_empty() => bad("the file holds no certificate in PEM form".to_owned()),
        Ok(found) => Ok(found),
        Err(error) => bad(error.to_string()),
    }
}

fn by_roots(
    own: &[CertificateDer<'static>],
    provider: &Arc<CryptoProvider>,
) -> Result<Option<Arc<dyn ServerCertVerifier>>> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(own.iter().cloned());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build();
    Ok(verifier.ok().map(|verifier| verifier as Arc<dyn ServerCertVerifier>))
}

/// A pinned certificate and no other; else the chain to a root.
struct Verifier {
    /// `None` where there are no roots at all.
    inner: Option<Arc<dyn ServerCertVerifier>>,
    /// What `--tls-ca` holds: a server's own certificate in it is trusted as it is.
    own: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
    pinned: Mutex<Option<Pin>>,
    refused: Mutex<Option<Verdict>>,
}

enum Verdict {
    Unknown { der: Vec<u8>, reason: String },
    Changed { der: Vec<u8>, pin: Pin },
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verifier")
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        if let Some(pin) = lock(&self.pinned).clone() {
            if pin.fingerprint == Fingerprint::of(end_entity) {
                return Ok(ServerCertVerified::assertion());
            }
            *lock(&self.refused) = Some(Verdict::Changed { der: end_entity.to_vec(), pin });
            return Err(CertificateError::ApplicationVerificationFailure.into());
        }
        let checked = if self.own.iter().any(|own| own.as_ref() == end_entity.as_ref()) {
            named_and_in_time(end_entity, server_name, now)
        } else {
            match &self.inner {
                Some(inner) => inner
                    .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
                    .map(|_| ()),
                None => Err(CertificateError::UnknownIssuer.into()),
            }
        };
        checked.map(|()| ServerCertVerified::assertion()).inspect_err(|error| {
            let reason = reason(error, end_entity, self.inner.is_some());
            *lock(&self.refused) = Some(Verdict::Unknown { der: end_entity.to_vec(), reason });
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// A certificate that was named as trusted still has to be this server's, and valid now.
fn named_and_in_time(
    der: &CertificateDer<'_>,
    name: &ServerName<'_>,
    now: UnixTime,
) -> std::result::Result<(), rustls::Error> {
    verify_server_name(&ParsedCertificate::try_from(der)?, name)?;
    let (_, parsed) = parse_x509_certificate(der).map_err(|_| CertificateError::BadEncoding)?;
    let now = now.as_secs() as i64;
    if parsed.validity().not_before.timestamp() > now {
        return Err(CertificateError::NotValidYet.into());
    }
    if parsed.validity().not_after.timestamp() < now {
        return Err(CertificateError::Expired.into());
    }
    Ok(())
}

/// Why it is not trusted, as a phrase.
fn reason(error: &rustls::Error, der: &[u8], has_roots: bool) -> String {
    use CertificateError::*;
    let rustls::Error::InvalidCertificate(problem) = error else { return error.to_string() };
    let is_own_issuer = parse_x509_certificate(der).is_ok_and(|(_, c)| c.subject() == c.issuer());
    match problem {
        Expired | ExpiredContext { .. } => "it has expired".to_owned(),
        NotValidYet | NotValidYetContext { .. } => "it is not valid yet".to_owned(),
        Revoked => "it has been revoked".to_owned(),
        NotValidForName | NotValidForNameContext { .. } => "it is not for this server's name".to_owned(),
        _ if is_own_issuer => "it is self-signed: nobody vouches for it".to_owned(),
        UnknownIssuer if !has_roots => "this system has no root certificates to check it by".to_owned(),
        UnknownIssuer => "its issuer is not among the trusted roots".to_owned(),
        BadSignature => "its signature is wrong".to_owned(),
        problem => problem.to_string(),
    }
}

/// What a person can compare.
fn describe(der: &[u8]) -> Option<UnknownCertificate> {
    let (_, parsed) = parse_x509_certificate(der).ok()?;
    let mut names: Vec<String> = Vec::new();
    if let Ok(Some(extension)) = parsed.subject_alternative_name() {
        names.extend(extension.value.general_names.iter().take(50).filter_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            GeneralName::IPAddress(bytes) => match **bytes {
                [a, b, c, d] => Some(std::net::Ipv4Addr::new(a, b, c, d).to_string()),
                ref bytes => {
                    <[u8; 16]>::try_from(bytes).ok().map(|v6| std::net::Ipv6Addr::from(v6).to_string())
                }
            },
            _ => None,
        }));
    }
    Some(UnknownCertificate {
        host: String::new(),
        address: String::new(),
        fingerprint: Fingerprint::of(der),
        subject: parsed.subject().to_string(),
        issuer: parsed.issuer().to_string(),
        names,
        not_before: date(parsed.validity().not_before),
        not_after: date(parsed.validity().not_after),
        reason: String::new(),
        file: Default::default(),
    })
}

/// `2026-11-21`, in UTC.
fn date(time: ASN1Time) -> String {
    chrono::DateTime::from_timestamp(time.timestamp(), 0)
        .map_or_else(|| "beyond time".to_owned(), |time| time.format("%Y-%m-%d").to_string())
}
