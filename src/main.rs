//! The program: arguments to a face (headless command or demo), and its exit code. No logic.

use std::process::ExitCode;

use clap::Parser;
use wharf::cli::{self, Arguments};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("wharf: could not start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let exit = runtime.block_on(async {
        match &arguments.command {
            Some(command) => cli::run(command, &arguments.common).await,
            None => cli::Exit::Usage,
        }
    });
    // A thread that is still typing at a prompt must not keep the program from ending.
    runtime.shutdown_background();
    exit.into()
}
