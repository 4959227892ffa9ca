//! Files that are replaced as a whole: read within a bound, written beside and renamed, closed to
//! others. Knows nothing of what is in them.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Nothing that a person writes by hand is larger.
const LIMIT: u64 = 4 * 1024 * 1024;

/// How long another wharf may hold the directory.
const PATIENCE: Duration = Duration::from_secs(2);

/// The text of a file; `None` where there is none.
pub(super) fn read(path: &Path) -> io::Result<Option<String>> {
    let Some(bytes) = read_bytes(path, LIMIT)? else { return Ok(None) };
    String::from_utf8(bytes).map(Some).map_err(|_| io::Error::other("it is not UTF-8"))
}

/// The bytes of a file, at most so many; `None` where there is none.
pub(super) fn read_bytes(path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::other(format!("it is larger than {} MiB", limit >> 20)));
    }
    Ok(Some(bytes))
}

/// Replaces a file in one step; only its owner may read it. A symbolic link stays one: what it
/// leads to is replaced.
pub(super) fn write(path: &Path, text: &str) -> io::Result<()> {
    let path = followed(path)?;
    let dir = path.parent().ok_or_else(|| io::Error::other("it has no directory"))?;
    fs::create_dir_all(dir)?;
    // tempfile creates with 0600.
    let mut file = tempfile::Builder::new().prefix(".wharf-").tempfile_in(dir)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(&path).map_err(|error| error.error)?;
    Ok(())
}

/// Where a chain of links ends, whether or not something is there.
fn followed(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_path_buf();
    for _ in 0..40 {
        match fs::read_link(&path) {
            Ok(target) => path = path.parent().unwrap_or(Path::new("")).join(target),
            Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::NotFound) => {
                return Ok(path);
            }
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("its symbolic links lead round in circles"))
}

/// Keeps other wharfs from writing to the file's directory while `work` reads and writes.
pub(super) fn locked<T>(path: &Path, work: impl FnOnce() -> T) -> T {
    let dir = path.parent().and_then(|dir| {
        fs::create_dir_all(dir).ok()?;
        File::open(dir).ok()
    });
    let until = Instant::now() + PATIENCE;
    // Where locks do not work, such as on some network file systems, it goes without.
    while let Some(Err(fs::TryLockError::WouldBlock)) = dir.as_ref().map(File::try_lock)
        && Instant::now() < until
    {
        std::thread::sleep(Duration::from_millis(10));
    }
    work()
}
