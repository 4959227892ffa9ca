//! A picture in front of each name, where one is wanted: letters that every terminal has, or the
//! pictures of a Nerd Font. Must decide nothing else.

use crate::{
    config::settings::Icons,
    fs::{Entry, Kind},
};

/// Ends of names that have a picture of their own; the pictures are Font Awesome's, whose places
/// every Nerd Font keeps.
const BY_EXTENSION: &[(&[&str], &str)] = &[
    (&["png", "jpg", "jpeg", "gif", "webp", "svg", "bmp", "tif", "tiff", "ico", "heic", "avif"], "\u{f1c5}"),
    (&["zip", "gz", "tgz", "xz", "bz2", "zst", "7z", "rar", "tar", "deb", "rpm", "jar"], "\u{f1c6}"),
    (&["mp3", "flac", "ogg", "opus", "wav", "m4a", "aac"], "\u{f1c7}"),
    (&["mp4", "mkv", "webm", "avi", "mov", "mpg", "mpeg"], "\u{f1c8}"),
    (
        &[
            "rs", "c", "h", "cpp", "hpp", "py", "js", "ts", "go", "java", "rb", "php", "sh", "html", "css",
            "json", "toml", "yaml", "yml", "xml", "lua", "pl", "swift", "kt",
        ],
        "\u{f1c9}",
    ),
    (&["pdf"], "\u{f1c1}"),
    (&["doc", "docx", "odt", "rtf"], "\u{f1c2}"),
    (&["xls", "xlsx", "ods", "csv"], "\u{f1c3}"),
    (&["ppt", "pptx", "odp"], "\u{f1c4}"),
    (&["txt", "md", "rst", "log", "org", "tex"], "\u{f15c}"),
    (&["sql", "db", "sqlite", "sqlite3"], "\u{f1c0}"),
    (&["pem", "key", "crt", "pub", "gpg", "asc"], "\u{f023}"),
];

/// The picture of an entry, one column wide; `None` where none is wanted.
pub fn icon(icons: Icons, entry: &Entry) -> Option<&'static str> {
    let runs = entry.attributes.mode.is_some_and(|mode| mode & 0o111 != 0);
    match icons {
        Icons::None => None,
        // As in the first column of a long listing.
        Icons::Ascii => Some(match entry.kind {
            Kind::Dir => "d",
            Kind::Symlink => "l",
            Kind::Other => "?",
            Kind::File if runs => "x",
            Kind::File => "-",
        }),
        Icons::Unicode => Some(match entry.kind {
            Kind::Dir => "▪",
            Kind::Symlink => "↪",
            Kind::Other => "◇",
            Kind::File if runs => "▸",
            Kind::File => "·",
        }),
        Icons::Nerd => Some(match entry.kind {
            Kind::Dir => "\u{f07b}",
            Kind::Symlink => "\u{f0c1}",
            Kind::Other => "\u{f059}",
            Kind::File => by_name(&entry.name).unwrap_or(if runs { "\u{f013}" } else { "\u{f15b}" }),
        }),
    }
}

fn by_name(name: &[u8]) -> Option<&'static str> {
    let dot = name.iter().rposition(|byte| *byte == b'.').filter(|at| *at > 0)?;
    let extension = std::str::from_utf8(name.get(dot + 1..)?).ok()?.to_ascii_lowercase();
    let (_, icon) = BY_EXTENSION.iter().find(|(all, _)| all.contains(&extension.as_str()))?;
    Some(icon)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::text;

    #[test]
    fn every_icon_takes_one_column() {
        for (_, icon) in BY_EXTENSION {
            assert_eq!(text::width(icon), 1, "{icon:?}");
        }
        for name in ["a.TAR", "b", ".bashrc", "c.rs", "\u{65e5}."] {
            for kind in [Kind::File, Kind::Dir, Kind::Symlink, Kind::Other] {
                for icons in [Icons::Ascii, Icons::Unicode, Icons::Nerd] {
                    let found = icon(icons, &Entry::new(name.as_bytes(), kind));
                    assert_eq!(found.map(text::width), Some(1), "{name} {kind:?}");
                }
                assert_eq!(icon(Icons::None, &Entry::new(name.as_bytes(), kind)), None);
            }
        }
        assert_eq!(by_name(b"a.TAR"), Some("\u{f1c6}"));
        assert_eq!(by_name(b".zip"), None, "a hidden file without an extension");
    }
}
