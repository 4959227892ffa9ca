//! The names of months, as servers print them in the language and the encoding of their locale.

use std::{collections::HashMap, sync::LazyLock};

use encoding_rs::{
    Encoding, ISO_8859_2, ISO_8859_5, ISO_8859_7, KOI8_R, WINDOWS_1250, WINDOWS_1251, WINDOWS_1252,
};

/// Encodings that are no UTF-8; the first that gives a month's name counts.
static ENCODINGS: &[&Encoding] =
    &[WINDOWS_1252, WINDOWS_1250, ISO_8859_2, WINDOWS_1251, KOI8_R, ISO_8859_5, ISO_8859_7];

/// The names of each month without a dot at their end, in lower case, as the C libraries of the usual
/// systems have them; long forms too.
#[rustfmt::skip]
const NAMES: [&[&str]; 12] = [
    &["jan", "january", "januar", "jän", "jänner", "janv", "janvier", "ene", "enero", "gen", "gennaio", "januari", "janeiro", "sty", "stycznia", "led", "ledna", "янв", "января", "січ", "tammi", "tam", "tammikuu", "sij", "siječnja", "ian", "oca", "ιαν", "яну", "sau", "jaan", "urt", "gener"],
    &["feb", "february", "februar", "febr", "fév", "févr", "février", "fev", "fevr", "febrero", "febbraio", "februari", "fevereiro", "lut", "lutego", "úno", "února", "фев", "февр", "февраля", "лют", "helmi", "hel", "helmikuu", "vel", "veljače", "şub", "φεβ", "vas", "veebr", "ots", "fbro", "febrer"],
    &["mar", "march", "mär", "märz", "mrz", "mars", "marzo", "mrt", "maart", "março", "marca", "bře", "března", "мар", "марта", "бер", "maalis", "maa", "maaliskuu", "ožu", "ožujka", "márc", "mart", "μαρ", "kov", "märts", "mzo", "març"],
    &["apr", "april", "avr", "avril", "abr", "abril", "aprile", "kwi", "kwietnia", "dub", "dubna", "апр", "апреля", "кві", "huhti", "huh", "huhtikuu", "tra", "travnja", "ápr", "nis", "απρ", "bal"],
    &["may", "mai", "maj", "mag", "maggio", "mei", "mayo", "maio", "maja", "kvě", "května", "май", "мая", "тра", "touko", "tou", "toukokuu", "svi", "svibnja", "máj", "mája", "μαϊ", "μαι", "geg", "maig", "maí"],
    &["jun", "june", "juni", "juin", "junio", "giu", "giugno", "jún", "junho", "cze", "czerwca", "čen", "čvn", "června", "июн", "июнь", "июня", "чер", "kesä", "kes", "kesäkuu", "lipnja", "haz", "ιουν", "iun", "bir", "juuni", "juny"],
    &["jul", "july", "juli", "juil", "juillet", "julio", "lug", "luglio", "júl", "julho", "lip", "lipca", "čec", "čvc", "července", "июл", "июль", "июля", "heinä", "hei", "heinäkuu", "srpnja", "tem", "ιουλ", "iul", "lie", "juuli", "jui"],
    &["aug", "august", "aoû", "août", "aou", "aout", "ago", "agosto", "augustus", "sie", "sierpnia", "srp", "srpna", "авг", "августа", "сер", "elo", "elokuu", "kol", "kolovoza", "ağu", "αυγ", "rugp", "agost", "ágú", "avg", "agto"],
    &["sep", "sept", "september", "septembre", "septiembre", "set", "settembre", "setembro", "wrz", "września", "zář", "září", "сен", "сент", "сентября", "вер", "syys", "syy", "syyskuu", "ruj", "rujna", "szept", "eyl", "σεπ", "rugs", "setembre", "sbre"],
    &["oct", "october", "okt", "oktober", "octobre", "octubre", "ott", "ottobre", "out", "outubro", "paź", "paz", "października", "říj", "října", "окт", "октября", "жов", "loka", "lok", "lokakuu", "ekim", "eki", "οκτ", "spal", "obre"],
    &["nov", "november", "novembre", "noviembre", "novembro", "lis", "listopada", "listopadu", "ноя", "нояб", "ноября", "лис", "marras", "marraskuu", "stu", "studenoga", "kas", "νοε", "νοέ", "lapkr", "nbre", "noi"],
    &["dec", "december", "dez", "dezember", "déc", "décembre", "dic", "diciembre", "dicembre", "dezembro", "des", "desember", "gru", "grudnia", "pro", "prosince", "дек", "декабря", "гру", "joulu", "jou", "joulukuu", "pros", "prosinca", "ara", "δεκ", "gruod", "gruo", "dets", "desembre", "dbre", "abe"],
];

/// Every word of a listing may be asked for, so that going through the names would be what listings cost.
static MONTHS: LazyLock<HashMap<&str, u32>> = LazyLock::new(|| {
    let months = (1..).zip(NAMES);
    months.flat_map(|(month, names)| names.iter().map(move |name| (*name, month))).collect()
});

/// The month of that name, 1 to 12, with or without a dot or comma at its end.
pub(super) fn named(text: &[u8]) -> Option<u32> {
    let text = text.strip_suffix(b",").unwrap_or(text);
    let text = text.strip_suffix(b".").unwrap_or(text);
    // The longest name is far shorter; a name of one or two bytes is none.
    if text.len() < 3 || text.len() > 40 || text[0].is_ascii_digit() {
        return None;
    }
    if text.is_ascii() {
        return std::str::from_utf8(text).ok().and_then(look_up);
    }
    if let Ok(text) = std::str::from_utf8(text) {
        return look_up(text);
    }
    ENCODINGS.iter().find_map(|encoding| {
        encoding.decode_without_bom_handling_and_without_replacement(text).and_then(|text| look_up(&text))
    })
}

fn look_up(text: &str) -> Option<u32> {
    MONTHS.get(text.to_lowercase().as_str()).copied()
}
