//! Trees of files for the tests: building one with everything in it that is hard to copy, and
//! comparing two to the last byte. Looks at this machine's disk only.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fs::{self, File, FileTimes, Metadata},
    os::unix::{
        ffi::OsStrExt,
        fs::{MetadataExt, PermissionsExt, symlink},
    },
    path::{Path, PathBuf},
    time::{Duration, UNIX_EPOCH},
};

/// What two trees must have in common beside names, kinds, bytes and link targets.
#[derive(Clone, Copy, PartialEq)]
pub enum Alike {
    /// Modes, and times to the nanosecond.
    Exact,
    /// Modes, and times to the second: what SFTP version 3 carries.
    Seconds,
    /// No more than that.
    Contents,
}

/// The sizes where something changes: nothing, one page, one request of OpenSSH's server (255
/// KiB), several requests, more than any window.
const SIZES: [u64; 8] = [0, 1, 4095, 261_119, 261_120, 261_121, 3 << 20, (40 << 20) + 7];

const MODES: [u32; 5] = [0o600, 0o644, 0o755, 0o400, 0o444];

/// The day after the epoch, 2001, 2023, 2096.
const TIMES: [u64; 4] = [86_400, 1_000_000_000, 1_700_000_000, 4_000_000_000];

/// Bytes that repeat nowhere near, so that a block in the wrong place shows.
pub fn bytes(len: u64, seed: u64) -> Vec<u8> {
    let mut out = Vec::with_capacity(len as usize + 8);
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    while (out.len() as u64) < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        out.extend_from_slice(&state.to_le_bytes());
    }
    out.truncate(len as usize);
    out
}

pub fn names() -> Vec<OsString> {
    let long = "n".repeat(255);
    // Four bytes each: cut in the middle, it is no UTF-8 any more.
    let long_wide = "\u{1f6a2}".repeat(63) + "xyz";
    let texts = [
        "two words",
        " leading and trailing ",
        "naïve Ærøskøbing",
        "e\u{301}galite\u{301}",
        "港口文件",
        "⚓ harbour \u{1f6a2}",
        ".hidden",
        "..data",
        "-rf",
        "new\nline",
        "tab\tand\u{1b}[31mcolour",
        "quote'double\"back\\slash",
        "$HOME `id` ;&|",
        "*?[a]{b}",
        "percent%20%zz",
        "colon:name",
        "\u{202e}txt.exe",
        "~",
        "#x#",
        &long,
        &long_wide,
    ];
    let odd: [&[u8]; 3] = [b"latin1-\xe9\xff", b"\x80\x81", b"\xf0\x9f\x9a"];
    texts.iter().map(OsString::from).chain(odd.iter().map(|name| OsStr::from_bytes(name).into())).collect()
}

pub fn set_time(path: &Path, seconds: u64, nanos: u32) {
    let time = UNIX_EPOCH + Duration::new(seconds, nanos);
    let file = File::open(path).expect("a file to date");
    file.set_times(FileTimes::new().set_modified(time).set_accessed(time)).expect("its time");
}

pub fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
}

/// Creates `root` with everything below it.
pub fn build(root: &Path) {
    let dir = |name: &str| {
        let path = root.join(name);
        fs::create_dir_all(&path).expect("a directory");
        path
    };
    let sizes = dir("sizes");
    for size in SIZES {
        fs::write(sizes.join(format!("{size}.bin")), bytes(size, size + 1)).expect("a file");
    }
    let (named, dirs) = (dir("names"), dir("names of directories"));
    for (number, name) in names().into_iter().enumerate() {
        fs::write(named.join(&name), bytes(number as u64, 7)).expect("a file");
        fs::create_dir(dirs.join(&name)).expect("a directory");
        fs::write(dirs.join(&name).join("inside"), bytes(100, number as u64)).expect("a file");
    }
    let mut deep = dir("deep");
    for level in 0..20 {
        deep.push(level.to_string());
    }
    fs::create_dir_all(&deep).expect("directories");
    fs::write(deep.join("bottom"), "far down").expect("a file");
    dir("empty/also empty");
    let modes = dir("modes");
    for mode in MODES {
        fs::write(modes.join(format!("{mode:04o}")), bytes(5000, mode.into())).expect("a file");
        set_mode(&modes.join(format!("{mode:04o}")), mode);
    }
    let times = dir("times");
    for (number, seconds) in TIMES.into_iter().enumerate() {
        let file = times.join(seconds.to_string());
        fs::write(&file, "dated").expect("a file");
        // A part of a second survives where the file system has a place for it.
        set_time(&file, seconds, if number % 2 == 0 { 0 } else { 123_456_789 });
    }
    let links = dir("links");
    let link =
        |target: &[u8], name: &str| symlink(OsStr::from_bytes(target), links.join(name)).expect("a link");
    link(b"../sizes/4095.bin", "relative");
    link(b"../names", "to a directory");
    link(b"nowhere/at all", "dangling");
    link(b"/etc/hostname", "absolute");
    link(b"itself", "itself");
    link(b"no\xfftext", "\u{1f517} of bytes");
    fs::write(dir("shut").join("inside"), "in a directory that takes nothing new").expect("a file");
    fs::write(dir("private").join("inside"), "mine").expect("a file");
    for (number, name) in
        ["empty/also empty", "empty", "deep/0", "names", "shut", "private", ""].iter().enumerate()
    {
        set_time(&root.join(name), TIMES[1] + number as u64, 0);
    }
    set_mode(&root.join("shut"), 0o555);
    set_mode(&root.join("private"), 0o700);
}

fn list(dir: &Path) -> Vec<OsString> {
    let entries = fs::read_dir(dir).unwrap_or_else(|e| panic!("{dir:?}: {e}"));
    let mut names: Vec<OsString> = entries.map(|entry| entry.expect("an entry").file_name()).collect();
    names.sort();
    names
}

/// Fails where the two differ.
#[track_caller]
pub fn assert_alike(a: &Path, b: &Path, how: Alike) {
    let look = |path: &Path| fs::symlink_metadata(path).unwrap_or_else(|e| panic!("{path:?}: {e}"));
    let (in_a, in_b) = (look(a), look(b));
    assert_eq!(in_a.file_type(), in_b.file_type(), "the kind of {b:?}");
    if in_a.is_symlink() {
        assert_eq!(
            fs::read_link(a).expect("a link"),
            fs::read_link(b).expect("a link"),
            "the target of {b:?}"
        );
        return;
    }
    if how != Alike::Contents {
        assert_eq!(in_a.mode() & 0o7777, in_b.mode() & 0o7777, "the mode of {b:?}");
        assert_eq!(in_a.mtime(), in_b.mtime(), "the time of {b:?}");
    }
    if how == Alike::Exact {
        assert_eq!(in_a.mtime_nsec(), in_b.mtime_nsec(), "the time of {b:?}");
    }
    if in_a.is_dir() {
        let (names_a, names_b) = (list(a), list(b));
        assert_eq!(names_a, names_b, "the names in {b:?}");
        for name in names_a {
            assert_alike(&a.join(&name), &b.join(&name), how);
        }
    } else {
        assert!(fs::read(a).expect("a file") == fs::read(b).expect("a file"), "the bytes of {b:?}");
    }
}

/// All paths below, the root included.
pub fn walk(root: &Path) -> Vec<PathBuf> {
    let mut found = vec![root.to_owned()];
    let mut next = 0;
    while next < found.len() {
        let path = found[next].clone();
        next += 1;
        if fs::symlink_metadata(&path).is_ok_and(|m| m.is_dir()) {
            found.extend(list(&path).into_iter().map(|name| path.join(name)));
        }
    }
    found
}

/// Whatever would show that something was written: inode and time of change of everything.
pub fn untouched(root: &Path) -> BTreeMap<PathBuf, (u64, i64, i64)> {
    let stamp = |m: Metadata| (m.ino(), m.ctime(), m.ctime_nsec());
    walk(root).into_iter().map(|p| (p.clone(), stamp(fs::symlink_metadata(&p).expect("a file")))).collect()
}

/// Files under the names that unfinished ones have.
pub fn strays(root: &Path) -> Vec<PathBuf> {
    let is_part = |path: &PathBuf| path.as_os_str().as_bytes().ends_with(b".wharf-part");
    walk(root).into_iter().filter(is_part).collect()
}

#[track_caller]
pub fn assert_no_strays(root: &Path) {
    assert_eq!(strays(root), Vec::<PathBuf>::new());
}
