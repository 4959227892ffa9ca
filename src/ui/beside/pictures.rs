//! Makes rows of characters of a picture's file. What is too large is refused before it is
//! unpacked; where the file came from is not known here.

use std::io::Cursor;

use image::{
    DynamicImage, ImageDecoder, ImageError, ImageReader, Limits, Rgba, RgbaImage,
    imageops::{FilterType, resize},
};
use ratatui::style::Color;

use super::{Job, Kind};
use crate::{
    engine::JobId,
    ui::{
        state::picture::{Cell, Fit, Fitted, Pictured, Wanted},
        theme::{Background, Depth, Theme},
        update::Msg,
    },
    words,
};

pub(super) const KIND: Kind<Wanted> = Kind { name: "pictures", start, failed };

/// The most pixels that a picture may have.
const PIXELS: u64 = 64 << 20;

/// The most memory, in bytes, that unpacking one may take.
const MEMORY: u64 = 256 << 20;

/// Pixels across and down that are kept: no screen has more.
const KEPT: u32 = 1024;

/// From nothing to all, by how much of a cell they fill.
const RAMP: [char; 10] = [' ', '.', ':', '-', '=', '+', '*', '#', '%', '@'];

/// A picture that is kept, to be made smaller for the screen.
struct Kept {
    ticket: JobId,
    of: (u32, u32),
    image: RgbaImage,
}

fn start() -> Job<Wanted> {
    let mut kept: Option<Kept> = None;
    Box::new(move |wanted| {
        let Wanted { ticket, file, fit } = wanted;
        let mut failure = "There is no picture.".to_owned();
        if let Some(file) = file {
            kept =
                unpack(&file).map_err(|why| failure = why).ok().map(|(of, image)| Kept { ticket, of, image });
        }
        let here = kept.as_ref().filter(|kept| kept.ticket == ticket);
        let result = here.map(|kept| fitted(kept, fit)).ok_or(failure);
        Msg::Picture(Box::new(Pictured { ticket, fit, result }))
    })
}

fn failed(wanted: &Wanted) -> Msg {
    let result = Err("This picture cannot be shown.".to_owned());
    Msg::Picture(Box::new(Pictured { ticket: wanted.ticket, fit: wanted.fit, result }))
}

/// How large it is, and a smaller copy of it.
fn unpack(file: &[u8]) -> Result<((u32, u32), RgbaImage), String> {
    let failed = |error: ImageError| match error {
        ImageError::Limits(_) => too_large(),
        error => format!("This picture cannot be shown: {}.", words::escape(&error.to_string())),
    };
    let mut reader = ImageReader::new(Cursor::new(file))
        .with_guessed_format()
        .map_err(|error| failed(ImageError::IoError(error)))?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(MEMORY);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(failed)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > PIXELS || decoder.total_bytes() > MEMORY {
        return Err(too_large());
    }
    // What a camera was turned by.
    let turned = decoder.orientation();
    let mut image = DynamicImage::from_decoder(decoder).map_err(failed)?;
    if width > KEPT || height > KEPT {
        image = image.thumbnail(KEPT, KEPT);
    }
    let mut of = (width, height);
    if let Ok(turned) = turned {
        let before = image.width() >= image.height();
        image.apply_orientation(turned);
        if before != (image.width() >= image.height()) {
            of = (height, width);
        }
    }
    Ok((of, image.into_rgba8()))
}

fn too_large() -> String {
    format!(
        "Pictures of more than {} million pixels, or {} unpacked, are not shown.",
        PIXELS >> 20,
        words::size(MEMORY)
    )
}

/// As large as there is room, and never larger than it is. A cell is two pixels high.
fn fitted(kept: &Kept, fit: Fit) -> Fitted {
    let (width, height) = kept.image.dimensions();
    let room = (f64::from(fit.cells.0.max(1)), f64::from(fit.cells.1.max(1)) * 2.0);
    let scale = (room.0 / f64::from(width.max(1))).min(room.1 / f64::from(height.max(1))).min(1.0);
    let part = |length: u32| ((f64::from(length) * scale).round() as u32).max(1);
    let small = resize(&kept.image, part(width), part(height), FilterType::Triangle);
    let ground = match fit.background {
        Background::Dark => [0, 0, 0],
        Background::Light => [255, 255, 255],
    };
    let theme = Theme { depth: fit.depth, ..Theme::default() };
    let pixel = |x: u32, y: u32| small.get_pixel_checked(x, y).and_then(|pixel| over(*pixel, ground));
    let cell = |x: u32, y: u32| {
        let both = (pixel(x, y), pixel(x, y + 1));
        match fit.depth {
            Depth::True | Depth::Indexed => halves(both, |rgb| theme.colour(rgb)),
            Depth::Sixteen | Depth::None => shade(both, fit.background),
        }
    };
    let row = |y: u32| (0..small.width()).map(|x| cell(x, y)).collect();
    Fitted { of: kept.of, rows: (0..small.height()).step_by(2).map(row).collect() }
}

/// What shows of a pixel; `None` where nothing does.
fn over(Rgba([r, g, b, alpha]): Rgba<u8>, ground: [u8; 3]) -> Option<[u8; 3]> {
    let share = u32::from(alpha);
    let mix = |own: u8, below: u8| {
        u8::try_from((u32::from(own) * share + u32::from(below) * (255 - share)) / 255).unwrap_or(255)
    };
    let [below_r, below_g, below_b] = ground;
    (alpha >= 16).then(|| [mix(r, below_r), mix(g, below_g), mix(b, below_b)])
}

type Pair = (Option<[u8; 3]>, Option<[u8; 3]>);

/// Two pixels, one above the other.
fn halves(pair: Pair, colour: impl Fn([u8; 3]) -> Color) -> Cell {
    match pair {
        (None, None) => Cell { symbol: ' ', fg: None, bg: None },
        (Some(upper), None) => Cell { symbol: '▀', fg: Some(colour(upper)), bg: None },
        (None, Some(lower)) => Cell { symbol: '▄', fg: Some(colour(lower)), bg: None },
        (Some(upper), Some(lower)) => {
            Cell { symbol: '▀', fg: Some(colour(upper)), bg: Some(colour(lower)) }
        }
    }
}

/// Where there are no colours: how light two pixels are together.
fn shade(pair: Pair, background: Background) -> Cell {
    let light = |pixel: Option<[u8; 3]>| {
        let ground = if background == Background::Dark { 0.0 } else { 1.0 };
        pixel.map_or(ground, |[r, g, b]| {
            (0.299 * f64::from(r) + 0.587 * f64::from(g) + 0.114 * f64::from(b)) / 255.0
        })
    };
    let light = (light(pair.0) + light(pair.1)) / 2.0;
    // Ink is light on dark, and dark on light.
    let ink = if background == Background::Dark { light } else { 1.0 - light };
    let step = (ink * (RAMP.len() - 1) as f64).round() as usize;
    Cell { symbol: RAMP.get(step).copied().unwrap_or('@'), fg: None, bg: None }
}

#[cfg(test)]
mod tests {
    use image::ImageFormat;

    use super::*;

    const FIT: Fit = Fit { cells: (10, 5), depth: Depth::True, background: Background::Dark };

    fn file(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
        let image = RgbaImage::from_fn(width, height, |_, y| match y < height / 2 {
            true => Rgba([250, 0, 0, 255]),
            false => Rgba([0, 0, 250, 255]),
        });
        let mut file = Cursor::new(Vec::new());
        DynamicImage::from(image).into_rgb8().write_to(&mut file, format).unwrap();
        file.into_inner()
    }

    fn show(file: &[u8], fit: Fit) -> Result<Fitted, String> {
        let (of, image) = unpack(file)?;
        Ok(fitted(&Kept { ticket: JobId(1), of, image }, fit))
    }

    #[test]
    fn every_format_is_shown_with_its_sides_in_proportion() {
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::WebP] {
            let shown = show(&file(40, 20, format), FIT).unwrap();
            assert_eq!(shown.of, (40, 20));
            // Ten columns are ten pixels, and five pixels are three rows.
            assert_eq!((shown.rows.len(), shown.rows[0].len()), (3, 10), "{format:?}");
            let Some(Color::Rgb(r, _, b)) = shown.rows[0][0].fg else { panic!("{:?}", shown.rows[0][0]) };
            assert!(r > 200 && b < 50, "{format:?}");
        }
    }

    /// A camera that was held upright says so beside a picture that lies (Exif 2.3, tag 0x0112).
    #[test]
    fn pictures_are_turned_as_the_camera_was() {
        let plain = file(40, 20, ImageFormat::Jpeg);
        let tags = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
        let length = u16::try_from(tags.len() + 2).unwrap().to_be_bytes();
        let turned = [&plain[..2], &[0xff, 0xe1], &length, tags, &plain[2..]].concat();
        let shown = show(&turned, FIT).unwrap();
        assert_eq!(shown.of, (20, 40));
        assert_eq!((shown.rows.len(), shown.rows[0].len()), (5, 5));
        let blue = |cell: &Cell| matches!(cell.fg, Some(Color::Rgb(r, _, b)) if b > 200 && r < 50);
        let red = |cell: &Cell| matches!(cell.fg, Some(Color::Rgb(r, _, b)) if r > 200 && b < 50);
        // What was above is on the right now.
        assert!(shown.rows.iter().all(|row| blue(&row[0]) && red(&row[4])), "{:?}", shown.rows);
    }

    #[test]
    fn small_pictures_stay_small_and_what_is_transparent_is_left_out() {
        let image = RgbaImage::from_fn(2, 3, |_, y| Rgba([9, 9, 9, if y == 0 { 255 } else { 0 }]));
        let shown = fitted(&Kept { ticket: JobId(1), of: (2, 3), image }, FIT);
        assert_eq!((shown.rows.len(), shown.rows[0].len()), (2, 2));
        assert_eq!(shown.rows[0][0], Cell { symbol: '▀', fg: Some(Color::Rgb(9, 9, 9)), bg: None });
        assert_eq!(shown.rows[1][1], Cell { symbol: ' ', fg: None, bg: None });
    }

    #[test]
    fn without_colours_pictures_are_made_of_characters() {
        let plain = Fit { depth: Depth::None, ..FIT };
        let bright = DynamicImage::from(RgbaImage::from_pixel(4, 4, Rgba([255; 4]))).into_rgba8();
        let kept = Kept { ticket: JobId(1), of: (4, 4), image: bright };
        let dark = fitted(&kept, plain);
        assert!(dark.rows.iter().flatten().all(|cell| *cell == Cell { symbol: '@', fg: None, bg: None }));
        let light = fitted(&kept, Fit { background: Background::Light, ..plain });
        assert!(light.rows.iter().flatten().all(|cell| cell.symbol == ' '));
        let indexed = fitted(&kept, Fit { depth: Depth::Indexed, ..FIT });
        assert!(matches!(indexed.rows[0][0].fg, Some(Color::Indexed(16..))));
    }

    #[test]
    fn hostile_pictures_are_refused_in_words() {
        // A header that promises four thousand million pixels.
        let mut bomb = file(4, 4, ImageFormat::Png);
        bomb[16..24].copy_from_slice(&[0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff]);
        let crc = crc32fast::hash(&bomb[12..29]);
        bomb[29..33].copy_from_slice(&crc.to_be_bytes());
        let why = show(&bomb, FIT).unwrap_err();
        assert!(why.contains("million pixels"), "{why}");
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::WebP] {
            let whole = file(64, 64, format);
            for cut in [13, whole.len() / 3, whole.len() - 20] {
                match show(&whole[..cut], FIT) {
                    Ok(_) => {}
                    Err(why) => assert!(why.ends_with('.') && !why.contains('\n'), "{why}"),
                }
            }
        }
    }
}
