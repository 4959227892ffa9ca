//! A screen as SVG: text in runs of one style, each as wide as its cells whatever the font; lines
//! and blocks as shapes, so that they meet. Knows cells, not what they show.

use std::fmt::Write;

use ratatui::{
    buffer::{Buffer, Cell},
    style::{Color, Modifier},
};
use unicode_width::UnicodeWidthStr;

const CELL: f64 = 8.4;
const LINE: f64 = 18.0;
const FONT: f64 = 14.0;
const AIR: f64 = 14.0;
const BACK: &str = "#16181f";
const EDGE: &str = "#2b2f3a";
const TEXT: &str = "#d5d8e0";

/// The whole screen, as a picture of its own.
pub fn picture(buffer: &Buffer, title: &str) -> String {
    let area = buffer.area;
    let (width, height) =
        (f64::from(area.width) * CELL + 2.0 * AIR, f64::from(area.height) * LINE + 2.0 * AIR);
    let mut out = String::new();
    let (w, h) = (number(width), number(height));
    line(
        &mut out,
        &format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w} {h}" width="{w}" height="{h}" role="img">"#
        ),
    );
    line(&mut out, &format!("<title>{}</title>", escape(title)));
    line(
        &mut out,
        &format!(
            r#"<rect x="0.5" y="0.5" width="{}" height="{}" rx="10" fill="{BACK}" stroke="{EDGE}"/>"#,
            number(width - 1.0),
            number(height - 1.0)
        ),
    );
    line(
        &mut out,
        &format!(
            r#"<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="{}">"#,
            number(FONT)
        ),
    );
    for y in 0..area.height {
        let cells: Vec<&Cell> = (0..area.width).map(|x| &buffer[(area.x + x, area.y + y)]).collect();
        backgrounds(&mut out, &cells, y);
        shapes(&mut out, &cells, y);
        texts(&mut out, &cells, y);
    }
    out.push_str("</g>\n</svg>\n");
    out
}

fn backgrounds(out: &mut String, cells: &[&Cell], y: u16) {
    let colour = |cell: &Cell| background(cell);
    for (x, len) in runs(cells, |a, b| colour(a) == colour(b)) {
        if let Some(fill) = colour(cells[x]) {
            rect(out, x as f64, y, 0.0, len as f64, 1.0, &fill, 1.0);
        }
    }
}

/// Borders, bars and marks.
fn shapes(out: &mut String, cells: &[&Cell], y: u16) {
    for (x, len) in runs(cells, |a, b| a.symbol() == b.symbol() && foreground(a) == foreground(b)) {
        let (cell, colour) = (cells[x], foreground(cells[x]));
        let (left, right) = (at_x(x as f64), at_x((x + len) as f64));
        let (top, middle, bottom) = (at_y(y), at_y(y) + LINE / 2.0, at_y(y + 1));
        let centre = left + CELL / 2.0;
        let mut stroke = |width: f64, path: String| {
            let width = number(width);
            line(out, &format!(r#"<path d="{path}" fill="none" stroke="{colour}" stroke-width="{width}"/>"#));
        };
        // A corner: from the side, round, to above or below.
        let corner = |side: f64, end: f64| {
            let (c, m) = (number(centre), number(middle));
            format!("M{} {m}Q{c} {m} {c} {}", number(side), number(end))
        };
        let uprights = |width: f64, stroke: &mut dyn FnMut(f64, String)| {
            for at in 0..len {
                stroke(
                    width,
                    format!("M{} {}V{}", number(centre + at as f64 * CELL), number(top), number(bottom)),
                );
            }
        };
        match cell.symbol() {
            "─" => stroke(1.2, format!("M{} {}H{}", number(left), number(middle), number(right))),
            "│" => uprights(1.2, &mut stroke),
            "┃" => uprights(3.0, &mut stroke),
            "╭" => stroke(1.2, corner(right, bottom)),
            "╮" => stroke(1.2, corner(left, bottom)),
            "╰" => stroke(1.2, corner(right, top)),
            "╯" => stroke(1.2, corner(left, top)),
            symbol => {
                if let Some((share, opacity)) = block(symbol) {
                    let each = if share < 1.0 { 1 } else { len };
                    for at in (0..len).step_by(each) {
                        // A bar has air above and below; a mark is as high as its line.
                        let is_mark = x > 0 && cells[x - 1].symbol() == "│";
                        let inset = if is_mark { 0.0 } else { 3.0 };
                        let wide = share * each as f64;
                        rect(out, (x + at) as f64, y, inset, wide, 1.0, &colour, opacity);
                    }
                }
            }
        }
    }
}

/// How much of its cell a block fills from the left, and how densely.
fn block(symbol: &str) -> Option<(f64, f64)> {
    let eighths = match symbol {
        "█" | "░" => 8.0,
        "▉" => 7.0,
        "▊" => 6.0,
        "▋" => 5.0,
        "▌" => 4.0,
        "▍" => 3.0,
        "▎" => 2.0,
        "▏" => 1.0,
        _ => return None,
    };
    Some((eighths / 8.0, if symbol == "░" { 0.35 } else { 1.0 }))
}

fn is_shape(symbol: &str) -> bool {
    matches!(symbol, "─" | "│" | "┃" | "╭" | "╮" | "╰" | "╯") || block(symbol).is_some()
}

/// Words and the single spaces between them; what is not ASCII may come from another font and
/// stands by itself.
fn texts(out: &mut String, cells: &[&Cell], y: u16) {
    let mut x = 0;
    while x < cells.len() {
        let first = cells[x];
        if is_blank(first) || is_shape(first.symbol()) {
            x += 1;
            continue;
        }
        let mut text = first.symbol().to_owned();
        let mut end = x + text.width().max(1);
        while first.symbol().is_ascii() && end < cells.len() {
            let gap = usize::from(is_blank(cells[end]));
            let Some(next) = cells.get(end + gap) else { break };
            if is_blank(next) || !next.symbol().is_ascii() || !same_look(first, next) {
                break;
            }
            text.push_str(&" "[..gap]);
            text.push_str(next.symbol());
            end += gap + 1;
        }
        let weight = if first.modifier.contains(Modifier::BOLD) { r#" font-weight="bold""# } else { "" };
        line(
            out,
            &format!(
                r#"<text x="{}" y="{}" textLength="{}" lengthAdjust="spacingAndGlyphs" fill="{}"{weight}>{}</text>"#,
                number(at_x(x as f64)),
                number(at_y(y) + LINE * 0.74),
                number((end - x) as f64 * CELL),
                foreground(first),
                escape(&text)
            ),
        );
        x = end;
    }
}

fn is_blank(cell: &Cell) -> bool {
    cell.symbol().trim().is_empty()
}

fn same_look(a: &Cell, b: &Cell) -> bool {
    foreground(a) == foreground(b) && a.modifier == b.modifier
}

/// Stretches of cells that are alike: where each begins, and how long it is.
fn runs(cells: &[&Cell], alike: impl Fn(&Cell, &Cell) -> bool) -> Vec<(usize, usize)> {
    let mut out: Vec<(usize, usize)> = Vec::new();
    for (x, cell) in cells.iter().enumerate() {
        match out.last_mut() {
            Some((start, len)) if alike(cells[*start], cell) => *len += 1,
            _ => out.push((x, 1)),
        }
    }
    out
}

fn foreground(cell: &Cell) -> String {
    colour(cell.fg).unwrap_or_else(|| TEXT.to_owned())
}

fn background(cell: &Cell) -> Option<String> {
    colour(cell.bg)
}

/// The theme in true colour uses nothing else.
fn colour(colour: Color) -> Option<String> {
    match colour {
        Color::Reset => None,
        Color::Rgb(r, g, b) => Some(format!("#{r:02x}{g:02x}{b:02x}")),
        other => panic!("{other:?} is no colour of the theme in true colour"),
    }
}

#[allow(clippy::too_many_arguments)]
fn rect(out: &mut String, x: f64, y: u16, inset: f64, wide: f64, high: f64, fill: &str, opacity: f64) {
    let (x, y) = (at_x(x), at_y(y) + inset);
    let (wide, high) = (wide * CELL, high * LINE - 2.0 * inset);
    let opacity =
        if opacity < 1.0 { format!(r#" fill-opacity="{}""#, number(opacity)) } else { String::new() };
    let (x, y, wide, high) = (number(x), number(y), number(wide), number(high));
    line(out, &format!(r#"<rect x="{x}" y="{y}" width="{wide}" height="{high}" fill="{fill}"{opacity}/>"#));
}

fn at_x(column: f64) -> f64 {
    AIR + column * CELL
}

fn at_y(row: u16) -> f64 {
    AIR + f64::from(row) * LINE
}

/// Two digits behind the point at most.
fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn line(out: &mut String, text: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{text}");
}
