//! Files of a server looked at.

use std::{
    fs::{self, File},
    os::unix::fs::FileExt,
};

use crate::{
    screen::*,
    server::{Panes, place, shared},
    support::{Sshd, SshdConfig},
};

const F3: &str = "\x1bOR";

#[test]
fn a_huge_file_of_a_server_is_looked_at_and_searched() {
    const SIZE: u64 = 10 << 30;
    let server = Sshd::start(SshdConfig::default());
    let dir = shared(&server);
    let huge = File::create(dir.join("huge.log")).unwrap();
    huge.set_len(SIZE).unwrap();
    huge.write_all_at(b"the beginning\n", 0).unwrap();
    huge.write_all_at(&b"line\n".repeat(60_000), 14).unwrap();
    huge.write_all_at(b"a needle in it\n", 3 << 20).unwrap();
    huge.write_all_at(b"\nthe very end\n", SIZE - 14).unwrap();
    let mut panes = Panes::start(&server, &place(&dir));
    let screen = &mut panes.screen;
    screen.wait_for("huge.log");
    screen.press(TAB);
    screen.go_to("huge.log");
    screen.press(F3);
    screen.wait_for("the beginning");
    screen.wait_for("10.0 GiB");

    screen.press("/");
    screen.wait_for("Case counts");
    screen.enter("NEEDLE".to_lowercase().as_str());
    screen.wait_for("a needle in it");

    // What is not there takes a while in ten gigabytes; Esc does not.
    screen.press("/");
    screen.wait_for("Case counts");
    screen.enter("nowhere");
    screen.wait_for("searching nowhere");
    screen.press(ESC);
    screen.wait_for("The search was stopped");

    screen.press("G");
    screen.wait_for("the very end");
    screen.press("x");
    screen.wait_for("bytes");
    screen.press("G");
    screen.wait_for("27ffffff0");
    screen.press("g");
    screen.wait_for("74 68 65 20 62");
    screen.press("q");
    screen.wait_until_gone("74 68 65 20 62");
    screen.wait_for("remote.txt");
    panes.quit();
}

#[test]
fn what_may_not_be_read_says_so() {
    let server = Sshd::start(SshdConfig::default());
    let dir = shared(&server);
    let mut panes = Panes::start(&server, &place(&dir));
    let screen = &mut panes.screen;
    screen.wait_for("remote.txt");
    fs::remove_file(dir.join("remote.txt")).unwrap();
    screen.press(TAB);
    screen.go_to("remote.txt");
    screen.press(F3);
    screen.wait_for("Could not");
    screen.press(ESC);
    screen.wait_until_gone("Could not");
    panes.quit();
}

/// A picture of 64 by 32 pixels, red above and blue below: a PNG without compression.
fn picture() -> Vec<u8> {
    let (width, height) = (64u32, 32u32);
    let mut rows = Vec::new();
    for y in 0..height {
        rows.push(0);
        let pixel = if y < height / 2 { [230, 20, 20] } else { [20, 20, 230] };
        (0..width).for_each(|_| rows.extend(pixel));
    }
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut chunk = |name: &[u8], data: &[u8]| {
        file.extend((data.len() as u32).to_be_bytes());
        let body = [name, data].concat();
        file.extend(&body);
        file.extend(crc32fast::hash(&body).to_be_bytes());
    };
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
    chunk(b"IHDR", &header);
    // RFC 1950 and 1951: one stored block, and its Adler-32.
    let length = rows.len() as u16;
    let (mut a, mut b) = (1u32, 0u32);
    for byte in &rows {
        a = (a + u32::from(*byte)) % 65521;
        b = (b + a) % 65521;
    }
    let stored = [&[0x78, 0x01, 1][..], &length.to_le_bytes(), &(!length).to_le_bytes(), &rows].concat();
    chunk(b"IDAT", &[&stored[..], &(b << 16 | a).to_be_bytes()].concat());
    chunk(b"IEND", b"");
    file
}

#[test]
fn files_of_a_server_are_coloured_and_pictures_shown() {
    let server = Sshd::start(SshdConfig::default());
    let dir = shared(&server);
    fs::write(dir.join("main.rs"), "// a note\nfn main() {\n    let n = 42;\n}\n").unwrap();
    fs::write(dir.join("flag.png"), picture()).unwrap();
    fs::write(dir.join("torn.png"), &picture()[..200]).unwrap();
    let mut panes = Panes::start(&server, &place(&dir));
    let screen = &mut panes.screen;
    screen.wait_for("main.rs");
    screen.press(TAB);
    screen.go_to("main.rs");
    screen.press(F3);
    screen.wait_for("Rust");
    let colours = |screen: &vt100::Screen, text: &str| {
        let row = rows(screen).position(|line| line.contains(text))?;
        let line = rows(screen).nth(row)?;
        let column = line[..line.find(text)?].chars().count();
        Some(screen.cell(row.try_into().ok()?, column.try_into().ok()?)?.fgcolor())
    };
    screen.wait_until("a comment in another colour than the code", |screen| {
        let (comment, code) = (colours(screen, "// a note"), colours(screen, "n = 42"));
        comment.is_some() && code.is_some() && comment != code
    });
    screen.press("q");
    screen.wait_for("flag.png");
    screen.go_to("flag.png");
    screen.press(F3);
    screen.wait_for("64 x 32");
    screen.wait_for("▀▀▀▀▀▀▀▀");
    screen.press("x");
    screen.wait_for("89 50 4e 47");
    screen.press("x");
    screen.wait_for("▀▀▀▀▀▀▀▀");
    screen.press("q");
    screen.wait_for("torn.png");
    screen.go_to("torn.png");
    screen.press(F3);
    screen.wait_for("This picture cannot be shown");
    screen.press("q");
    screen.wait_for("remote.txt");
    panes.quit();
}
