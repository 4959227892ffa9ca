//! What the command line may say: the commands, as `--help` shows them. Must never act on them.

use std::ffi::OsString;

use clap::{Parser, Subcommand};

use super::{attributes, bookmark, exec, jobs, options::*, sum};

/// Two panes, any of them local or on a server; files copied between them.
#[derive(Debug, Parser)]
#[command(name = "wharf", version, about, subcommand_precedence_over_arg = true)]
pub struct Arguments {
    #[command(flatten)]
    pub common: Common,

    #[command(subcommand)]
    pub command: Option<Command>,

    /// Open the tabs that were kept by this name
    #[arg(long, value_name = "NAME", conflicts_with = "left")]
    pub workspace: Option<String>,

    /// What the left pane shows: a path, sftp://USER@HOST:PORT/PATH, HOST:PATH, or a bookmark's
    /// name
    pub left: Option<OsString>,

    /// What the right pane shows
    pub right: Option<OsString>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start a server over a sample tree in a temporary directory, and connect to it
    Demo,
    /// Copy files and directories from any place to any place
    Cp(CpArguments),
    /// List a directory
    Ls(LsArguments),
    /// Move files and directories; across servers they are copied, checked, and then removed
    Mv(MvArguments),
    /// Make DST like SRC: copy what is new or changed
    Sync(SyncArguments),
    /// Remove files; links are removed, never followed
    Rm(RmArguments),
    /// Create directories
    Mkdir(MkdirArguments),
    /// Write files to standard output
    Cat(PlacesArguments),
    /// Say all that is known of a path, links not followed
    Stat(StatArguments),
    /// Set permissions
    Chmod(attributes::ChmodArguments),
    /// Set owner and group, where the login may
    Chown(attributes::ChownArguments),
    /// Set times, to now or as told; create an empty file where there is none
    Touch(attributes::TouchArguments),
    /// Create a symbolic link, or without -s a second name for a file
    Ln(LnArguments),
    /// Compute checksums, on the server where it does that
    Sum(sum::SumArguments),
    /// Say where a path leads once all links are followed
    Realpath(StatArguments),
    /// Run a command in a directory of the server; ends with its exit status
    Exec(exec::ExecArguments),
    /// Say how much space is free where a path is
    Df(StatArguments),
    /// Say how a place would be reached; connects nowhere
    Resolve(ResolveArguments),
    /// Add, list, show, remove and import bookmarks
    #[command(subcommand)]
    Bookmark(bookmark::BookmarkCommand),
    /// List interrupted transfers, go on with them, or forget them
    Jobs(jobs::JobsArguments),
    /// Say what an SFTP status means and what to do; without CODE, all of them
    Explain(ExplainArguments),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn arguments_are_consistent() {
        Arguments::command().debug_assert();
    }
}
