//! The protocols that wharf speaks, by name. Connects to nothing.

/// A protocol that wharf speaks.
#[derive(Debug)]
pub struct Scheme {
    /// As in a URL.
    pub name: &'static str,
    pub default_port: u16,
    /// One line for help pages.
    pub help: &'static str,
    /// What the connect form asks for, in its order.
    pub parts: &'static [Part],
}

/// A part of a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Host,
    User,
    Port,
    Password,
    /// What the protocol's sites may need besides: [`Site`](super::ftp::Site).
    Options,
}

const LOGIN: &[Part] = &[Part::Host, Part::User, Part::Port, Part::Password];
const FTP_LOGIN: &[Part] = &[Part::Host, Part::User, Part::Port, Part::Password, Part::Options];

pub static SFTP: Scheme = Scheme { name: "sftp", default_port: 22, help: "files over SSH", parts: LOGIN };
pub static FTPES: Scheme = Scheme {
    name: "ftpes",
    default_port: 21,
    help: "FTP with TLS, begun before the login",
    parts: FTP_LOGIN,
};
pub static FTPS: Scheme =
    Scheme { name: "ftps", default_port: 990, help: "FTP with TLS from the start", parts: FTP_LOGIN };
pub static FTP: Scheme =
    Scheme { name: "ftp", default_port: 21, help: "FTP, nothing encrypted", parts: FTP_LOGIN };

/// Every protocol, in the order to show them.
pub static SCHEMES: &[&Scheme] = &[&SFTP, &FTPES, &FTPS, &FTP];

/// The protocol of that name.
pub fn scheme(name: &str) -> Option<&'static Scheme> {
    SCHEMES.iter().copied().find(|s| s.name == name)
}
