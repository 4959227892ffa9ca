//! `--log FILE`: every operation and its answer as a line with the time, for the commands and the
//! panes alike. The file is its owner's alone. Must never write a secret: log lines hold none.

use std::{
    fs::{File, OpenOptions},
    io::Write,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{Common, report};
use crate::{
    engine::{Engine, Record},
    fs::{Error, ErrorKind, LogLine, Operation, RemotePath, Result},
    words,
};

/// Opens the log file, if one was asked for, and has the engine write to it.
pub fn start(engine: &Engine, common: &Common) -> Result<()> {
    let Some(path) = &common.log else { return Ok(()) };
    let file = open(path).map_err(|error| {
        Error::io(Operation::WriteLog, &error)
            .with_kind(ErrorKind::Usage)
            .on(path.to_string_lossy().into_owned())
    })?;
    let path = RemotePath::new(path.as_os_str().as_encoded_bytes());
    engine.record(Arc::new(LogFile { file, path, failed: AtomicBool::new(false) }));
    Ok(())
}

fn open(path: &Path) -> std::io::Result<File> {
    let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
    // One that was there may be open to others. What is no regular file is not ours to change.
    let metadata = file.metadata()?;
    if metadata.is_file() && metadata.permissions().mode() & 0o077 != 0 {
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

struct LogFile {
    file: File,
    path: RemotePath,
    /// Writing has failed, and that was said.
    failed: AtomicBool,
}

impl LogFile {
    /// One call per line, so that lines of several tasks do not mix.
    fn write(&self, text: &str) {
        let now = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        let line = format!("{now} {text}\n");
        if let Err(error) = (&self.file).write_all(line.as_bytes())
            && !self.failed.swap(true, Ordering::Relaxed)
        {
            report(&Error::io(Operation::WriteLog, &error).at(&self.path));
        }
    }
}

impl Record for LogFile {
    fn line(&self, line: &LogLine) {
        let place = words::escape(line.fs.as_str());
        self.write(&format!("{place} {} [{}]", words::log_line(line), words::duration(line.elapsed)));
    }

    fn failure(&self, error: &Error) {
        self.write(&format!("failed: {}", words::error(error)));
    }
}
