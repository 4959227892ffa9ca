//! The ports that servers name for data connections. Connects to none.

use super::reply_reader::RawReply;

/// The port of `229 … (|||6446|)`: RFC 2428 section 3. The mark may be any printable character.
pub fn extended_port(raw: &RawReply) -> Option<u16> {
    if raw.code != 229 {
        return None;
    }
    let text = raw.last();
    let open = text.iter().rposition(|b| *b == b'(')?;
    let rest = &text[open + 1..];
    let mark = *rest.first()?;
    let rest = rest.strip_prefix(&[mark, mark, mark])?;
    let end = rest.iter().position(|b| *b == mark)?;
    std::str::from_utf8(&rest[..end]).ok()?.parse().ok().filter(|port| *port > 0)
}

/// The port of `227 … (h1,h2,h3,h4,p1,p2)`, with or without the parentheses: RFC 1123 section
/// 4.1.2.6. The address in it is not used.
pub fn passive_port(raw: &RawReply) -> Option<u16> {
    if raw.code != 227 {
        return None;
    }
    let text = raw.last();
    let groups = text.split(|b| !(b.is_ascii_digit() || *b == b',' || *b == b' '));
    groups.filter_map(six_numbers).next_back()
}

fn six_numbers(text: &[u8]) -> Option<u16> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let numbers: Vec<u8> = text.split(',').map(|n| n.trim().parse().ok()).collect::<Option<_>>()?;
    match numbers[..] {
        [_, _, _, _, high, low] => Some(u16::from(high) << 8 | u16::from(low)).filter(|port| *port > 0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(code: u16, text: &str) -> RawReply {
        RawReply { code, lines: vec![text.as_bytes().to_vec()] }
    }

    #[test]
    fn extended_ports() {
        assert_eq!(extended_port(&raw(229, "Entering Extended Passive Mode (|||6446|)")), Some(6446));
        assert_eq!(extended_port(&raw(229, "x (!!!1!)")), Some(1));
        for text in ["", "(|||)", "(||||)", "(|||0|)", "(|||70000|)", "(|||x|)", "(1,2,3,4,5,6)", "(|1|h|5|)"]
        {
            assert_eq!(extended_port(&raw(229, text)), None, "{text}");
        }
        assert_eq!(extended_port(&raw(227, "(|||6446|)")), None);
    }

    #[test]
    fn passive_ports() {
        for text in [
            "Entering Passive Mode (192,0,2,1,4,1)",
            "Entering Passive Mode. 192,0,2,1,4,1",
            "=192,0,2,1,4,1",
            "Entering Passive Mode (192, 0, 2, 1, 4, 1).",
        ] {
            assert_eq!(passive_port(&raw(227, text)), Some(1025), "{text}");
        }
        for text in ["", "(1,2,3,4,5)", "(1,2,3,4,5,600)", "(1,2,3,4,0,0)", "(1,2,3,4,5,6,7)"] {
            assert_eq!(passive_port(&raw(227, text)), None, "{text}");
        }
    }
}
