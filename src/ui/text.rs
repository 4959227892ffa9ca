//! Text measured in terminal columns: cutting, padding, wrapping. Takes escaped text only; must
//! know nothing of what it means.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// How many columns the text takes, cluster by cluster as the screen draws it.
pub fn width(text: &str) -> usize {
    text.graphemes(true).map(UnicodeWidthStr::width).sum()
}

/// The longest beginning that fits.
pub fn head(text: &str, columns: usize) -> &str {
    let mut used = 0;
    for (at, cluster) in text.grapheme_indices(true) {
        used += cluster.width();
        if used > columns {
            return text.get(..at).unwrap_or_default();
        }
    }
    text
}

/// The longest end that fits.
pub fn tail(text: &str, columns: usize) -> &str {
    let mut used = 0;
    for (at, cluster) in text.grapheme_indices(true).rev() {
        used += cluster.width();
        if used > columns {
            return text.get(at + cluster.len()..).unwrap_or_default();
        }
    }
    text
}

/// Cut at the end, with an ellipsis.
pub fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    match columns {
        0 => String::new(),
        _ => format!("{}…", head(text, columns - 1)),
    }
}

/// Cut at the beginning: for paths, whose end matters.
pub fn cut_start(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    match columns {
        0 => String::new(),
        _ => format!("…{}", tail(text, columns - 1)),
    }
}

/// Cut in the middle, so that the beginning and the extension stay.
pub fn cut_middle(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    if columns < 5 {
        return cut(text, columns);
    }
    let extension =
        text.rfind('.').filter(|at| *at > 0).map_or(0, |at| width(text.get(at..).unwrap_or_default()));
    // A bit of the name before the extension tells `report-1.pdf` from `report-2.pdf`.
    let end = (columns / 3).max(extension + 2).min(columns / 2);
    format!("{}…{}", head(text, columns - 1 - end), tail(text, end))
}

/// Filled with spaces up to the width; never longer.
pub fn pad(text: &str, columns: usize) -> String {
    let mut out = cut(text, columns);
    let used = width(&out);
    out.extend(std::iter::repeat_n(' ', columns.saturating_sub(used)));
    out
}

/// Filled with spaces in front up to the width; never longer.
pub fn pad_left(text: &str, columns: usize) -> String {
    let cut = cut(text, columns);
    format!("{}{cut}", " ".repeat(columns.saturating_sub(width(&cut))))
}

/// One of the spinner's pictures, by how long the program runs.
pub fn spinner(running: std::time::Duration) -> &'static str {
    const FRAMES: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
    let at = usize::try_from(running.as_millis() / 120).unwrap_or(0) % FRAMES.len();
    FRAMES.get(at).copied().unwrap_or("·")
}

/// In lines of at most that width, broken at spaces where there are any.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(1);
    let indent: String = text.chars().take_while(|c| *c == ' ').take(columns / 2).collect();
    let mut lines = Vec::new();
    let mut line = indent.clone();
    let mut empty = true;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let needed = width(word) + usize::from(!empty);
        if !empty && width(&line) + needed > columns {
            lines.push(std::mem::replace(&mut line, indent.clone()));
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        let mut rest = word;
        loop {
            let room = columns.saturating_sub(width(&line));
            let part = head(rest, room);
            if part.len() == rest.len() {
                line.push_str(rest);
                break;
            }
            // A fingerprint is compared byte by byte, and a path is read name by name.
            let part = match (part.rfind(':'), part.rfind('/')) {
                (Some(at), _) if is_bytes(word) => part.get(..=at).unwrap_or(part),
                (_, Some(at)) if is_path(word) && 2 * at >= part.len() => part.get(..=at).unwrap_or(part),
                _ => part,
            };
            // Too long for any line: broken where the line ends. A cluster wider than the
            // whole line is dropped, since it can be shown nowhere.
            if part.is_empty() && width(&line) <= width(&indent) {
                break;
            }
            line.push_str(part);
            rest = rest.get(part.len()..).unwrap_or_default();
            lines.push(std::mem::replace(&mut line, indent.clone()));
        }
        empty = false;
    }
    if !empty || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// Wrapped in at most so many lines; where there is more, the last one says so.
pub fn wrap_cut(text: &str, columns: usize, most: usize) -> Vec<String> {
    let mut lines = wrap(text, columns);
    if lines.len() > most {
        let rest = lines.split_off(most.saturating_sub(1)).join(" ");
        lines.push(cut(&rest, columns));
        lines.truncate(most);
    }
    lines
}

/// A path or a URL. Fingerprints have slashes as well.
fn is_path(word: &str) -> bool {
    word.trim_start_matches('(').starts_with(['/', '~']) || word.contains("://")
}

/// Bytes in hex, as `AA:BB:CC`.
fn is_bytes(word: &str) -> bool {
    word.contains(':')
        && word.split(':').all(|byte| byte.len() == 2 && byte.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// A fingerprint in lines that can be compared by eye: the bytes of hex stay whole, and as many
/// stand in each row as count easily; any other is broken into lines of the same length.
pub fn wrap_fingerprint(print: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(1);
    if is_bytes(print) {
        let in_a_row = [16, 8, 4, 2].into_iter().find(|bytes| bytes * 3 - 1 <= columns).unwrap_or(1);
        let bytes: Vec<&str> = print.split(':').collect();
        return bytes.chunks(in_a_row).map(|row| row.join(":")).collect();
    }
    let whole = width(print);
    wrap(print, whole.div_ceil(whole.div_ceil(columns).max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_their_extension() {
        assert_eq!(cut_middle("a-very-long-report-name-2024.pdf", 16), "a-very-lo…24.pdf");
        assert_eq!(cut_middle("short.txt", 16), "short.txt");
        assert_eq!(cut_middle("日本語日本語日本語.txt", 12), "日本…語.txt");
        assert!((0..40).all(|w| width(&cut_middle("日本語日本語e\u{301}日本語.txt", w)) <= w));
    }

    #[test]
    fn wrapping_breaks_at_spaces_and_never_overflows() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap("/var/www/site/x", 11), ["/var/www/", "site/x"]);
        assert_eq!(wrap("/abcdefgh", 4), ["/abc", "defg", "h"]);
        assert_eq!(wrap("", 4), [""]);
        assert_eq!(wrap("  a b", 4), ["  a", "  b"]);
        for columns in 0..30 {
            let lines = wrap("Could not 日本語日本語 ver\u{301}ylongwordthatdoesnotfit x", columns);
            assert!(lines.iter().all(|line| width(line) <= columns.max(1)), "{columns} {lines:?}");
        }
    }

    #[test]
    fn a_text_of_too_many_lines_ends_with_a_sign() {
        assert_eq!(wrap_cut("one two three", 7, 2), ["one two", "three"]);
        assert_eq!(wrap_cut("one two three", 7, 1), ["one tw…"]);
        assert_eq!(wrap_cut("one to three", 9, 1), ["one to t…"]);
        assert!(wrap_cut("one two", 7, 0).is_empty());
    }

    #[test]
    fn fingerprints_are_broken_where_they_can_be_compared() {
        let hex = ["AB"; 32].join(":");
        for (columns, rows, first) in [(60, 2, 47), (47, 2, 47), (46, 4, 23), (22, 8, 11), (4, 32, 2)] {
            let lines = wrap_fingerprint(&hex, columns);
            assert_eq!((lines.len(), width(&lines[0])), (rows, first), "{columns}");
            assert_eq!(lines.join(":"), hex);
        }
        let base64 = format!("SHA256:{}", "x".repeat(43));
        assert_eq!(wrap_fingerprint(&base64, 50), [&base64[..]]);
        assert_eq!(wrap_fingerprint(&base64, 34), [&base64[..25], &base64[25..]]);
        assert_eq!(wrap_fingerprint(&base64, 20).iter().map(|line| width(line)).max(), Some(17));
        assert_eq!(wrap("pinned: AB:CD:EF:01:23", 10), ["pinned:", "AB:CD:EF:", "01:23"]);
        assert_eq!(wrap("AB:CD", 1), ["A", "B", ":", "C", "D"], "nothing is lost where no byte fits");
    }

    #[test]
    fn padding_fills_exactly() {
        assert_eq!(pad("日本", 5), "日本 ");
        assert_eq!(width(&pad("日本語", 4)), 4);
    }
}
