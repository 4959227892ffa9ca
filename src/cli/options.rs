//! The options of the commands, one struct for each, and those that all share. Must never act on
//! them, nor know the list of commands.

use std::{ffi::OsString, path::PathBuf, sync::Arc};

use clap::{Args, ValueEnum};

use crate::{
    config::{self, Store},
    fs::{
        FtpOptions, SshOptions,
        ftp::{Active, DataMode, Site, Sites, ports},
    },
    transfer::{OnConflict, Policy},
};

/// Options of every command.
#[derive(Args, Clone, Debug)]
pub struct Common {
    /// Use this ssh_config instead of ~/.ssh/config
    #[arg(short = 'F', long = "ssh-config", value_name = "FILE", global = true)]
    pub ssh_config: Option<PathBuf>,

    /// Log in with this private key first (may be given several times)
    #[arg(short = 'i', long = "identity", value_name = "FILE", global = true)]
    pub identities: Vec<PathBuf>,

    /// Use this file instead of ~/.ssh/known_hosts
    #[arg(long, value_name = "FILE", global = true)]
    pub known_hosts: Option<PathBuf>,

    /// Remember the key of an unknown host without asking; refuse a changed one as ever
    #[arg(long, global = true)]
    pub accept_new: bool,

    /// Never ask anything: what would need an answer fails
    #[arg(long, global = true)]
    pub batch: bool,

    /// For FTPS: trust the certificates in this file (PEM) instead of the system's
    #[arg(long, value_name = "FILE", global = true)]
    pub tls_ca: Option<PathBuf>,

    #[command(flatten)]
    pub ftp: FtpArguments,

    /// Print only errors
    #[arg(short, long, global = true)]
    pub quiet: bool,

    /// Print every operation and the server's answer on standard error
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub verbose: bool,

    /// Append every operation and the server's answer to this file, with the time
    #[arg(long, value_name = "FILE", global = true)]
    pub log: Option<PathBuf>,
    /// Where bookmarks and passwords are kept, once `main` has said so.
    #[arg(skip)]
    pub store: Option<Arc<Store>>,
}

/// What an FTP site may need.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "FTP")]
pub struct FtpArguments {
    /// Let the server open the data connections (active mode)
    #[arg(long, global = true)]
    pub ftp_active: bool,

    /// Never let the server open data connections
    #[arg(long, global = true, conflicts_with = "ftp_active")]
    pub ftp_passive: bool,

    /// In active mode, listen on these ports only
    #[arg(long, value_name = "FIRST-LAST", global = true, value_parser = parse_ports)]
    pub ftp_ports: Option<(u16, u16)>,

    /// In active mode, tell the server this address
    #[arg(long, value_name = "ADDRESS", global = true)]
    pub ftp_address: Option<std::net::IpAddr>,

    /// The charset of the server's names, for example latin1; without this, bytes as they are
    #[arg(long, value_name = "CHARSET", global = true)]
    pub ftp_charset: Option<String>,

    /// Use TLS 1.3 where the server has it, not only where it has nothing older
    #[arg(long, global = true)]
    pub ftp_tls13: bool,

    /// Open at most this many connections to an FTP server
    #[arg(long, value_name = "N", global = true, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub connections: Option<u16>,
}

fn parse_ports(text: &str) -> std::result::Result<(u16, u16), String> {
    ports(text).ok_or_else(|| "ports are written FIRST-LAST, for example 50000-50100".to_owned())
}

impl FtpArguments {
    /// What a bookmark keeps of them.
    pub fn site(&self) -> Site {
        Site {
            data: match (self.ftp_active, self.ftp_passive) {
                (true, _) => DataMode::Active,
                (_, true) => DataMode::Passive,
                _ => DataMode::Automatic,
            },
            ports: self.ftp_ports,
            address: self.ftp_address,
            charset: self.ftp_charset.clone(),
            tls13: self.ftp_tls13,
            connections: self.connections.map_or(0, usize::from),
        }
    }
}

impl Common {
    pub fn ftp_options(&self) -> FtpOptions {
        let said = self.ftp.site();
        let sites = self.store.clone().map(|store| {
            Sites::new(move |target| config::site(&store.bookmarks().unwrap_or_default().list, target))
        });
        FtpOptions {
            tls_ca: self.tls_ca.clone(),
            tls13: said.tls13,
            pins: directories::ProjectDirs::from("", "", "wharf")
                .map(|dirs| dirs.state_dir().unwrap_or_else(|| dirs.data_dir()).join("certificates")),
            data: said.data,
            active: Active { ports: said.ports, external: said.address },
            charset: said.charset,
            connections: said.connections,
            sites: sites.unwrap_or_default(),
        }
    }

    pub fn ssh_options(&self) -> SshOptions {
        SshOptions {
            config_file: self.ssh_config.clone(),
            identities: self.identities.clone(),
            known_hosts: self.known_hosts.clone(),
            accept_new: self.accept_new,
        }
    }
}

/// What every command that moves bytes takes.
#[derive(Args, Debug)]
pub struct TransferArguments {
    /// Move no more than this many bytes per second, for example 2MiB
    #[arg(long, value_name = "RATE", value_parser = parse_rate)]
    pub limit: Option<u64>,

    /// Copy at most N files at a time; without this, as many as the server bears
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub jobs: Option<u16>,

    /// How often in a row to try again after the connection was lost
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub retries: u32,

    /// Compare the checksums of each file and its source before it gets its name; says how they
    /// were had
    #[arg(long)]
    pub verify: bool,
}

impl TransferArguments {
    /// What they ask for; the rest is as ever.
    pub fn policy(&self) -> Policy {
        Policy {
            limit: self.limit,
            jobs: self.jobs,
            retries: self.retries,
            verify: self.verify,
            ..Policy::default()
        }
    }
}

#[derive(Args, Debug)]
pub struct CpArguments {
    #[command(flatten)]
    pub transfer: TransferArguments,

    /// Copy directories with all that they hold
    #[arg(short, long)]
    pub recursive: bool,

    /// What to do where the target exists; without this, what is identical is skipped and the
    /// rest refused
    #[arg(long, value_enum, value_name = "POLICY")]
    pub on_conflict: Option<ConflictArgument>,

    /// Copy what symbolic links of SRC lead to, not the links
    #[arg(short = 'L', long)]
    pub follow: bool,

    /// Leave times and permissions to the target
    #[arg(long)]
    pub no_preserve: bool,

    /// Only print what would be done, one step a line
    #[arg(short = 'n', long)]
    pub dry_run: bool,

    /// How it ended as a JSON object, or with --dry-run the steps, one object a line
    #[arg(long)]
    pub json: bool,

    /// SRC… DST: a DST that ends in / or is a directory keeps the name of SRC
    #[arg(required = true, num_args = 2.., value_names = ["SRC", "DST"])]
    pub places: Vec<OsString>,
}

#[derive(Args, Debug)]
pub struct LsArguments {
    /// One line per entry with mode, owner, size and time
    #[arg(short)]
    pub long: bool,

    /// Also names that begin with a dot
    #[arg(short, long)]
    pub all: bool,

    /// Also all that is below, links not followed
    #[arg(short = 'R', long)]
    pub recursive: bool,

    /// One JSON object per line
    #[arg(long)]
    pub json: bool,

    /// What to list
    #[arg(default_value = ".")]
    pub place: OsString,
}

#[derive(Args, Debug)]
pub struct MvArguments {
    /// How it ended as a JSON object
    #[arg(long)]
    pub json: bool,

    #[command(flatten)]
    pub transfer: TransferArguments,

    /// What to do where the target exists; without this it is refused
    #[arg(long, value_enum, value_name = "POLICY")]
    pub on_conflict: Option<ConflictArgument>,

    /// SRC… DST: a DST that ends in / or is a directory keeps the name of SRC
    #[arg(required = true, num_args = 2.., value_names = ["SRC", "DST"])]
    pub places: Vec<OsString>,
}

#[derive(Args, Debug)]
pub struct SyncArguments {
    #[command(flatten)]
    pub transfer: TransferArguments,

    /// Copy what symbolic links of SRC lead to, not the links
    #[arg(short = 'L', long)]
    pub follow: bool,

    /// Remove from DST what SRC does not have, once all else has been copied
    #[arg(long)]
    pub delete: bool,

    /// Copy to each side what only the other has; nothing is removed. What both have and differs
    /// is refused
    #[arg(long, conflicts_with = "follow")]
    pub both: bool,

    /// With --both: what to do where both sides have a file and differ
    #[arg(long, value_enum, value_name = "POLICY", requires = "both")]
    pub on_conflict: Option<BothArgument>,

    /// Tell files of the same size apart by their content, not by their time
    #[arg(long)]
    pub checksum: bool,

    /// Only print what would be done, one step a line
    #[arg(short = 'n', long)]
    pub dry_run: bool,

    /// How it ended as a JSON object, or with --dry-run the steps, one object a line
    #[arg(long)]
    pub json: bool,

    #[arg(required = true, num_args = 2, value_names = ["SRC", "DST"])]
    pub places: Vec<OsString>,
}

#[derive(Args, Debug)]
pub struct RmArguments {
    /// Remove directories with all that they hold
    #[arg(short, long)]
    pub recursive: bool,

    #[arg(required = true, value_name = "PLACE")]
    pub places: Vec<OsString>,
}

#[derive(Args, Debug)]
pub struct MkdirArguments {
    /// Create those above as well; one that exists is no error
    #[arg(short, long)]
    pub parents: bool,

    #[arg(required = true, value_name = "PLACE")]
    pub places: Vec<OsString>,
}

#[derive(Args, Debug)]
pub struct PlacesArguments {
    #[arg(required = true, value_name = "PLACE")]
    pub places: Vec<OsString>,
}

#[derive(Args, Debug)]
pub struct StatArguments {
    /// One JSON object per line
    #[arg(long)]
    pub json: bool,

    #[arg(required = true, value_name = "PLACE")]
    pub places: Vec<OsString>,
}

#[derive(Args, Debug)]
pub struct ResolveArguments {
    /// As one JSON object
    #[arg(long)]
    pub json: bool,

    pub place: OsString,
}

#[derive(Args, Debug)]
pub struct LnArguments {
    /// A symbolic link, which holds TARGET as it is
    #[arg(short, long)]
    pub symbolic: bool,

    /// What the link holds; without -s, a file on the same server
    pub target: OsString,

    /// Where the link is created
    pub place: OsString,
}

/// `500k`, `2MiB`, `1.5 GB`; a plain number is bytes.
fn parse_rate(text: &str) -> std::result::Result<u64, String> {
    let why = || "a rate is a number of bytes per second, such as 500k or 2MiB".to_owned();
    crate::words::read_rate(text).ok_or_else(why)
}

#[derive(Args, Debug)]
pub struct ExplainArguments {
    /// Without a protocol, SFTP and FTP; without a code, all of them
    #[arg(num_args = 0..=2, value_names = ["sftp|ftp", "CODE"])]
    pub words: Vec<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ConflictArgument {
    /// One question for all, on the terminal
    Ask,
    Overwrite,
    Skip,
    /// Copy under a free name: `name (1).ext`
    Rename,
    /// Overwrite what is older
    Newer,
    /// Complete what is shorter and ends as the source does there; it is written to where it stands
    Resume,
}

/// What to do where both sides have a file.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum BothArgument {
    /// The newer one replaces the other
    Newer,
    /// Both stay as they are
    Skip,
}

impl From<BothArgument> for OnConflict {
    fn from(argument: BothArgument) -> Self {
        match argument {
            BothArgument::Newer => OnConflict::Newer,
            BothArgument::Skip => OnConflict::Skip,
        }
    }
}

impl From<ConflictArgument> for OnConflict {
    fn from(argument: ConflictArgument) -> Self {
        match argument {
            ConflictArgument::Ask => OnConflict::Ask,
            ConflictArgument::Overwrite => OnConflict::Overwrite,
            ConflictArgument::Skip => OnConflict::Skip,
            ConflictArgument::Rename => OnConflict::Rename,
            ConflictArgument::Newer => OnConflict::Newer,
            ConflictArgument::Resume => OnConflict::Resume,
        }
    }
}
