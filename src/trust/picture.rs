//! Fingerprints as pictures, which the eye tells apart faster than letters: the walk of "The drunken
//! bishop: An analysis of the OpenSSH fingerprint visualization algorithm" (2009). Must know nothing
//! of what was digested.

/// Columns between the sides of the frame.
pub(super) const WIDTH: usize = 17;
const HEIGHT: usize = 9;
/// A square's mark by how often the bishop stood on it; then where it began, and where it ended.
const MARKS: &[u8; 17] = b" .o+=*BOX@%&#/^SE";

/// A SHA-256 as a picture of eleven lines, with what it is of on the frame.
pub(super) fn of(digest: &[u8], title: &str) -> String {
    const START: (usize, usize) = (WIDTH / 2, HEIGHT / 2);
    const MOST: u8 = MARKS.len() as u8 - 3;
    let mut field = [[0u8; WIDTH]; HEIGHT];
    let (mut x, mut y) = START;
    for byte in digest {
        for step in 0..4 {
            let bits = byte >> (2 * step);
            x = walk(x, bits & 1 != 0, WIDTH);
            y = walk(y, bits & 2 != 0, HEIGHT);
            field[y][x] = (field[y][x] + 1).min(MOST);
        }
    }
    field[START.1][START.0] = MOST + 1;
    field[y][x] = MOST + 2;

    let mut picture = frame(title);
    for row in field {
        picture.push_str("\n|");
        picture.extend(row.iter().map(|&visits| MARKS[usize::from(visits)] as char));
        picture.push('|');
    }
    picture.push('\n');
    picture.push_str(&frame("[SHA256]"));
    picture
}

fn walk(at: usize, forward: bool, size: usize) -> usize {
    if forward { (at + 1).min(size - 1) } else { at.saturating_sub(1) }
}

fn frame(title: &str) -> String {
    let left = (WIDTH.saturating_sub(title.len())) / 2;
    let right = WIDTH.saturating_sub(left + title.len());
    format!("+{}{title}{}+", "-".repeat(left), "-".repeat(right))
}
