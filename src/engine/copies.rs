//! Copies of servers' files that the system's program was given to read: made, and removed when
//! the program ends, or by the next one where it could not. One that was changed is never removed.

use std::{
    ffi::OsStr,
    fs::{self, File, Metadata, Permissions},
    io::{self, Read, Seek, Write},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use tempfile::TempDir;

/// How their directories begin: each holds one copy, and only this user can enter it.
const PREFIX: &str = "wharf-open-";

/// What the copy was like when it was made, in its directory; locked while its wharf runs. It is
/// empty until the copy is whole.
const RECORD: &str = ".wharf-open";

/// A directory for a copy, which is removed again unless [`Copies::keep`] is called.
pub(crate) struct Fresh {
    dir: TempDir,
    record: File,
}

impl Fresh {
    pub(crate) fn new() -> io::Result<Fresh> {
        Fresh::within(&std::env::temp_dir())
    }

    fn within(parent: &Path) -> io::Result<Fresh> {
        let private = Permissions::from_mode(0o700);
        let dir = tempfile::Builder::new().prefix(PREFIX).permissions(private).tempdir_in(parent)?;
        let file = dir.path().join(RECORD);
        let record = File::options().read(true).write(true).create_new(true).open(file)?;
        record.lock()?;
        Ok(Fresh { dir, record })
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }
}

/// Those of this program.
#[derive(Default)]
pub(crate) struct Copies(Mutex<Vec<(PathBuf, File)>>);

impl Copies {
    /// The copy is whole, and stays until the end.
    pub(crate) fn keep(&self, fresh: Fresh, name: &OsStr) -> io::Result<()> {
        let Fresh { dir, mut record } = fresh;
        let metadata = fs::symlink_metadata(dir.path().join(name))?;
        record.write_all(stamp(&metadata).as_bytes())?;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((dir.keep(), record));
        Ok(())
    }

    /// Removes them; those that were changed stay, and are returned.
    pub(crate) fn clear(&self) -> Vec<PathBuf> {
        let all = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        all.into_iter().filter_map(|(dir, mut record)| remove(&dir, &mut record)).collect()
    }
}

/// Removes what earlier programs that were killed have left; what was changed stays, and is
/// returned once. Blocks on the disk.
pub fn sweep() -> Vec<PathBuf> {
    sweep_in(&std::env::temp_dir())
}

fn sweep_in(parent: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(parent) else { return Vec::new() };
    let is_ours = |name: &OsStr| name.as_encoded_bytes().starts_with(PREFIX.as_bytes());
    let dirs = entries.flatten().filter(|entry| is_ours(&entry.file_name())).map(|entry| entry.path());
    dirs.filter_map(|dir| {
        let metadata = fs::symlink_metadata(&dir).ok()?;
        if !metadata.is_dir() || metadata.uid() != nix::unistd::geteuid().as_raw() {
            return None;
        }
        let mut record = File::options().read(true).write(true).open(dir.join(RECORD)).ok()?;
        // Whoever runs has it locked.
        record.try_lock().ok()?;
        remove(&dir, &mut record)
    })
    .collect()
}

/// Removes a directory with the copy in it; where that was changed, or something else was put
/// beside it, all stays, and its path is returned.
fn remove(dir: &Path, record: &mut File) -> Option<PathBuf> {
    let mut known = String::new();
    record.rewind().and_then(|()| record.take(256).read_to_string(&mut known)).ok()?;
    let entries: Vec<PathBuf> = fs::read_dir(dir).ok()?.flatten().map(|entry| entry.path()).collect();
    let others: Vec<&PathBuf> = entries.iter().filter(|path| !path.ends_with(RECORD)).collect();
    // A copy that never became whole was never opened.
    let is_same = |path: &Path| {
        known.is_empty() || fs::symlink_metadata(path).is_ok_and(|now| now.is_file() && stamp(&now) == known)
    };
    match others[..] {
        [copy] if is_same(copy) => fs::remove_file(copy).ok()?,
        [] => {}
        ref several => {
            // It is the person's now.
            let _ = fs::remove_file(dir.join(RECORD));
            return Some(if let [copy] = several { (*copy).clone() } else { dir.to_owned() });
        }
    }
    let _ = fs::remove_file(dir.join(RECORD));
    let _ = fs::remove_dir(dir);
    None
}

fn stamp(metadata: &Metadata) -> String {
    format!("{} {} {}", metadata.len(), metadata.mtime(), metadata.mtime_nsec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(parent: &Path, copies: &Copies) -> PathBuf {
        let fresh = Fresh::within(parent).unwrap();
        let copy = fresh.path().join("a.pdf");
        fs::write(&copy, "as it came").unwrap();
        copies.keep(fresh, OsStr::new("a.pdf")).unwrap();
        copy
    }

    fn names(dir: &Path) -> usize {
        fs::read_dir(dir).unwrap().count()
    }

    #[test]
    fn copies_go_and_what_was_changed_stays_and_is_named() {
        let parent = tempfile::tempdir().unwrap();
        let copies = Copies::default();
        let (_same, changed, more) =
            (made(parent.path(), &copies), made(parent.path(), &copies), made(parent.path(), &copies));
        fs::write(&changed, "as somebody made it").unwrap();
        fs::write(more.with_file_name("b.pdf"), "saved beside it").unwrap();
        let left = copies.clear();
        assert_eq!(left, [changed.clone(), more.parent().unwrap().to_owned()]);
        assert_eq!(names(parent.path()), 2);
        assert_eq!(fs::read_to_string(changed).unwrap(), "as somebody made it");
        assert!(copies.clear().is_empty());
    }

    #[test]
    fn what_a_killed_program_left_is_removed_and_what_another_has_open_is_not() {
        let parent = tempfile::tempdir().unwrap();
        let (running, killed) = (Copies::default(), Copies::default());
        let open = made(parent.path(), &running);
        let (left, changed) = (made(parent.path(), &killed), made(parent.path(), &killed));
        fs::write(&changed, "as somebody made it").unwrap();
        // A fetch that was cut short, and a directory of that name which is not ours.
        let cut = Fresh::within(parent.path()).unwrap();
        fs::write(cut.path().join("half"), "as it ca").unwrap();
        drop((cut.dir.keep(), cut.record));
        fs::create_dir(parent.path().join("wharf-open-x")).unwrap();
        fs::write(parent.path().join("wharf-open-x/mine"), "mine").unwrap();
        drop(killed);
        assert_eq!(sweep_in(parent.path()), [changed.as_path()]);
        assert!(open.exists() && !left.parent().unwrap().exists() && changed.exists());
        assert_eq!(names(parent.path()), 3);
        assert!(sweep_in(parent.path()).is_empty(), "it is said once");
        assert!(running.clear().is_empty());
    }
}
