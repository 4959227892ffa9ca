//! Colours as people write them, and the nearest ones where a terminal has fewer. Must know
//! nothing of what they are for.

use ratatui::style::Color;

use super::Depth;

/// What xterm shows for the sixteen colours, in their order. Terminals differ, but not by much.
const SIXTEEN: [(u8, u8, u8); 16] = [
    (0, 0, 0),
    (205, 0, 0),
    (0, 205, 0),
    (205, 205, 0),
    (0, 0, 238),
    (205, 0, 205),
    (0, 205, 205),
    (229, 229, 229),
    (127, 127, 127),
    (255, 0, 0),
    (0, 255, 0),
    (255, 255, 0),
    (92, 92, 255),
    (255, 0, 255),
    (0, 255, 255),
    (255, 255, 255),
];

/// The steps of a channel in the cube of 6 x 6 x 6 colours.
const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// `#2e5fd0`, `blue`, `light-blue`, `253`, or `default` for the terminal's own.
///
/// # Errors
/// Where it is none of these.
pub(super) fn parse(text: &str) -> Result<Color, String> {
    if text.eq_ignore_ascii_case("default") {
        return Ok(Color::Reset);
    }
    text.parse().map_err(|_| {
        format!(
            "{text} is no colour; write #rrggbb, a number up to 255, a name such as light-blue, or default"
        )
    })
}

/// The colour itself, or the nearest that the depth has.
pub(super) fn reduce(colour: Color, depth: Depth) -> Color {
    match (colour, depth) {
        (_, Depth::None) => Color::Reset,
        (Color::Rgb(r, g, b), Depth::Indexed) => Color::Indexed(nearest((r, g, b), 16..=255)),
        (Color::Rgb(r, g, b), Depth::Sixteen) => Color::Indexed(nearest((r, g, b), 0..=15)),
        (Color::Indexed(index @ 16..), Depth::Sixteen) => Color::Indexed(nearest(rgb(index), 0..=15)),
        (colour, _) => colour,
    }
}

/// Whether dark text can be read on it rather than light; `None` where nobody knows the colour.
pub(super) fn is_light(colour: Color) -> Option<bool> {
    let (r, g, b) = match colour {
        Color::Rgb(r, g, b) => (r, g, b),
        Color::Indexed(index) => rgb(index),
        _ => return None,
    };
    let seen = 2 * u32::from(r) + 5 * u32::from(g) + u32::from(b);
    Some(seen > 8 * 128)
}

/// What an index of the 256 colours stands for.
fn rgb(index: u8) -> (u8, u8, u8) {
    match index {
        0..=15 => SIXTEEN.get(usize::from(index)).copied().unwrap_or_default(),
        16..=231 => {
            let step = |part: u8| STEPS.get(usize::from(part % 6)).copied().unwrap_or_default();
            let cube = index - 16;
            (step(cube / 36), step(cube / 6), step(cube))
        }
        grey => {
            let level = 8 + 10 * (grey - 232);
            (level, level, level)
        }
    }
}

fn nearest((r, g, b): (u8, u8, u8), among: std::ops::RangeInclusive<u8>) -> u8 {
    let far = |index: &u8| {
        let (x, y, z) = rgb(*index);
        let square = |a: u8, b: u8| i32::from(a.abs_diff(b)).pow(2);
        // The eye tells greens apart best and blues worst.
        2 * square(r, x) + 4 * square(g, y) + 3 * square(b, z)
    };
    among.min_by_key(far).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_read_as_they_are_written() {
        assert_eq!(parse("#2e5fd0"), Ok(Color::Rgb(0x2e, 0x5f, 0xd0)));
        assert_eq!(parse("253"), Ok(Color::Indexed(253)));
        assert_eq!(parse("light-blue"), Ok(Color::LightBlue));
        assert_eq!(parse("default"), Ok(Color::Reset));
        for text in ["", "#12", "256", "#gggggg", "bluish", "#ééé"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn fewer_colours_give_the_nearest() {
        assert_eq!(reduce(Color::Rgb(255, 0, 0), Depth::Sixteen), Color::Indexed(9));
        assert_eq!(reduce(Color::Rgb(0, 0, 2), Depth::Sixteen), Color::Indexed(0));
        assert_eq!(reduce(Color::Rgb(0x5f, 0x87, 0xaf), Depth::Indexed), Color::Indexed(67));
        assert_eq!(reduce(Color::Rgb(9, 9, 9), Depth::Indexed), Color::Indexed(232));
        assert_eq!(reduce(Color::Indexed(196), Depth::Sixteen), Color::Indexed(9));
        assert_eq!(reduce(Color::Indexed(196), Depth::True), Color::Indexed(196));
        for index in 16..=255 {
            let (r, g, b) = rgb(index);
            let again = reduce(Color::Rgb(r, g, b), Depth::Indexed);
            assert!(matches!(again, Color::Indexed(other) if rgb(other) == (r, g, b)), "{index}");
        }
    }
}
