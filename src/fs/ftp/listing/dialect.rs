//! The lines of LIST, in whatever dialect the server prints them: every line is tried in all of them,
//! since no server's name says for sure what it prints. Owns what a listing teaches while it is read:
//! the order of day and month, and what a heading announced. Must never do I/O.

use super::{
    Line, Refusal, as400, checked,
    date::{At, Order, When, Zone},
    distinct, dos, eplf,
    found::{Context, Found},
    mlsd, netware, os2, os9, supertcp, tandem,
    token::{Token, is_space, tokens, trim},
    unix, vms, vxworks, zos, zvm,
};
use crate::fs::Timestamp;

/// How many lines wait at most for one that settles the order of day and month.
const MOST_HELD: usize = 256;

type Dialect = fn(&Context<'_>) -> Option<Found>;

/// The strictest of those that share a look come first.
const DIALECTS: &[Dialect] = &[
    eplf::read,
    netware::read,
    unix::read,
    distinct::read,
    dos::read,
    as400::read,
    tandem::read,
    os9::read,
    os2::read,
    zvm::read,
    vxworks::read,
    supertcp::read,
];

/// Reads the lines of one listing, and learns from each how to read the next.
pub(super) struct Reader {
    zone: Zone,
    vms: vms::Reader,
    zos: zos::Reader,
    /// The orders of day, month and year that all lines so far can have: a bit each.
    orders: u8,
    /// Those in which a line would be of the future.
    unlikely: u8,
    held: Vec<(Line, Option<When>)>,
}

impl Reader {
    pub fn new(now: Timestamp, offset_seconds: Option<i32>) -> Self {
        Reader {
            zone: Zone::new(now, offset_seconds.unwrap_or(0)),
            vms: vms::Reader::default(),
            zos: zos::Reader::default(),
            orders: Order::ALL.iter().fold(0, |bits, order| bits | order.bit()),
            unlikely: 0,
            held: Vec::new(),
        }
    }

    pub fn line(&mut self, line: &[u8], lines: &mut Vec<Line>) {
        let (read, when) = self.read(line, lines);
        let is_open = match when {
            Some(When { at: At::Open(readings), .. }) => {
                for order in Order::ALL {
                    match readings[order as usize] {
                        Some(time) if self.zone.is_ahead(time) => self.unlikely |= order.bit(),
                        Some(_) => {}
                        // That a line contradicts the others settles nothing.
                        None if self.orders != order.bit() => self.orders &= !order.bit(),
                        None => {}
                    }
                }
                true
            }
            Some(When { order: Some(order), .. }) => {
                if self.orders & order.bit() != 0 {
                    self.orders = order.bit();
                }
                false
            }
            _ => false,
        };
        if is_open || !self.held.is_empty() {
            self.held.push((read, when));
            if self.orders.count_ones() == 1 || self.held.len() >= MOST_HELD {
                self.release(lines);
            }
        } else {
            lines.push(settled(read, when, self.orders));
        }
    }

    /// A line that needs no reading, in its place among the others.
    pub fn pass(&mut self, line: Line, lines: &mut Vec<Line>) {
        if self.held.is_empty() {
            lines.push(line);
        } else {
            self.held.push((line, None));
            if self.held.len() >= MOST_HELD {
                self.release(lines);
            }
        }
    }

    pub fn finish(&mut self, lines: &mut Vec<Line>) {
        if let Some(line) = self.vms.finish() {
            self.pass(line, lines);
        }
        self.release(lines);
    }

    fn release(&mut self, lines: &mut Vec<Line>) {
        if !self.held.is_empty() {
            let likely = self.orders & !self.unlikely;
            let orders = if likely == 0 { self.orders } else { likely };
            // From here on, the listing has the order that it was read in so far.
            self.orders =
                Order::ALL.iter().map(|order| order.bit()).find(|bit| orders & bit != 0).unwrap_or(orders);
            lines.extend(self.held.drain(..).map(|(line, when)| settled(line, when, self.orders)));
        }
    }

    fn read(&mut self, line: &[u8], lines: &mut Vec<Line>) -> (Line, Option<When>) {
        let tokens = tokens(line);
        let context = Context { line, tokens: &tokens, zone: &self.zone };
        let mut earlier = None;
        let found = self
            .vms
            .read(&context, &mut earlier)
            .or_else(|| self.zos.read(&context))
            .or_else(|| DIALECTS.iter().find_map(|dialect| dialect(&context)));
        if let Some(line) = earlier {
            self.pass(line, lines);
        }
        match found {
            Some(Found::Entry(entry, when)) => (checked(entry, line), when),
            Some(Found::Ignored) => (Line::Ignored, None),
            Some(Found::Refused(why)) => (Line::Refused { line: line.to_vec(), why }, None),
            None if is_idle(line, &tokens) => (Line::Ignored, None),
            None if looks_like_mlsd(line) => (mlsd::line(line), None),
            None => (Line::Refused { line: line.to_vec(), why: Refusal::NotUnderstood }, None),
        }
    }
}

fn settled(mut line: Line, when: Option<When>, orders: u8) -> Line {
    if let (Line::Entry(entry), Some(when)) = (&mut line, when) {
        entry.attributes.mtime = match when.at {
            At::Known(time) => Some(time),
            At::Open(readings) => Order::ALL
                .iter()
                .filter(|order| orders & order.bit() != 0)
                .chain(&Order::ALL)
                .find_map(|order| readings[*order as usize]),
        };
        entry.mtime_precision = when.precision;
    }
    line
}

/// Some servers answer LIST as if it were MLSD.
fn looks_like_mlsd(line: &[u8]) -> bool {
    let facts = line.iter().position(|byte| is_space(*byte)).map_or(line, |space| &line[..space]);
    facts.ends_with(b";") && facts.contains(&b'=')
}

/// "Total", as `ls` says it in the language of its locale.
const TOTALS: &[&str] = &[
    "total",
    "insgesamt",
    "gesamt",
    "totale",
    "totaal",
    "totalt",
    "itogo",
    "итого",
    "всего",
    "razem",
    "suma",
    "celkem",
    "spolu",
    "összesen",
    "yhteensä",
    "toplam",
    "ukupno",
    "skupaj",
    "合計",
    "总用量",
    "总计",
    "總計",
    "합계",
    "總用量",
    "σύνολο",
    "загалом",
    "kokku",
    "sammanlagt",
    "i alt",
    "totalt:",
    "total:",
    "kopā",
];

/// Neither an entry nor anything that a person should see: an empty line, a total, a ruler, the headings of
/// columns and of directories.
fn is_idle(line: &[u8], tokens: &[Token<'_>]) -> bool {
    let text = trim(line);
    let Some(first) = tokens.first() else { return true };
    if text.iter().all(|byte| matches!(byte, b'-' | b'=' | b' ' | b'\t' | b'_')) {
        return true;
    }
    // `./sub:` is how a recursive listing begins another directory.
    if text.ends_with(b":") && (tokens.len() == 1 || text.contains(&b'/')) && !text.starts_with(b"ls") {
        return true;
    }
    let lower = String::from_utf8_lossy(text).to_lowercase();
    let is_total = TOTALS.iter().filter_map(|total| lower.strip_prefix(*total)).any(|rest| {
        let rest = rest.trim_matches([' ', '\t', ':']);
        // Where the sum has overflowed, it is negative.
        let rest = rest.strip_prefix('-').unwrap_or(rest);
        let is_amount = rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b','));
        rest.bytes().next().is_none_or(|byte| byte.is_ascii_digit()) && is_amount
    });
    if is_total {
        return true;
    }
    is_heading(&lower) && !first.text[0].is_ascii_digit()
}

/// The names of columns: no file is described in these words alone.
fn is_heading(lower: &str) -> bool {
    const COLUMNS: &[&str] = &[
        "name",
        "filename",
        "file",
        "size",
        "date",
        "time",
        "day",
        "owner",
        "group",
        "type",
        "attributes",
        "attr",
        "modified",
        "last",
        "modification",
        "access",
        "code",
        "eof",
        "rwep",
        "last_modified",
        "permissions",
        "links",
        "sector",
        "bytecount",
        "protection",
        "version",
        "perms",
        "user",
        "mode",
        "month",
        "year",
    ];
    let words = lower.split_whitespace();
    words.clone().count() >= 3 && words.clone().all(|word| COLUMNS.contains(&word.trim_matches('-')))
}
