//! What an honest FTP server answers: RFC 959, 2228, 2389, 2428 and 3659 as far as a client needs
//! them, over one directory of files in memory. Decides nothing that a script has decided.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::{Control, DataFrom, lock};

/// The date of every file.
const DATE: &str = "20240229123456";

/// What a session remembers from one command to the next.
#[derive(Default)]
pub struct State {
    offset: usize,
    rename_from: Option<String>,
}

/// Answers one command.
pub fn answer(control: &mut Control, command: &str, argument: &str) {
    let name = argument.trim_start_matches('/').to_owned();
    match command {
        "USER" => control.reply("331 who says so?"),
        "PASS" => control.reply("230 come in"),
        "SYST" => control.reply("215 UNIX Type: L8"),
        "FEAT" => features(control),
        "OPTS" | "TYPE" | "NOOP" | "PBSZ" | "MODE" | "STRU" | "CLNT" => control.reply("200 fine"),
        "AUTH" if control.shared.script.tls.is_some() => {
            control.reply("234 go ahead");
            control.try_encrypt();
        }
        "PROT" => {
            control.protects_data = argument.eq_ignore_ascii_case("P");
            control.reply("200 fine");
        }
        "PWD" => control.reply("257 \"/\" is where you are"),
        "CWD" => match name.is_empty() || name == "." {
            true => control.reply("250 there you are"),
            false => control.reply("550 no such directory"),
        },
        "CDUP" => control.reply("250 there you are"),
        "EPSV" => {
            let port = control.listen();
            control.reply(&format!("229 come (|||{port}|)"));
        }
        "PASV" => {
            let port = control.listen();
            control.reply(&format!("227 come (127,0,0,1,{},{})", port >> 8, port & 0xff));
        }
        "EPRT" | "PORT" => match client_of(command, argument) {
            Some(address) => {
                control.data_from = DataFrom::Client(address);
                control.reply("200 fine");
            }
            None => control.reply("501 what address is that?"),
        },
        "REST" => {
            control.state.offset = argument.parse().unwrap_or(0);
            control.reply("350 from there on");
        }
        "LIST" | "NLST" | "MLSD" => {
            let list = listing(control, command);
            send(control, list.as_bytes());
        }
        "MLST" => match line_of(control, &name) {
            Some(line) => control.reply(&format!("250-here\r\n {line}\r\n250 that was it")),
            None => control.reply("550 no such file"),
        },
        "SIZE" => match content(control, &name) {
            Some(content) => control.reply(&format!("213 {}", content.len())),
            None => control.reply("550 no such file"),
        },
        "MDTM" => match content(control, &name) {
            Some(_) => control.reply(&format!("213 {DATE}")),
            None => control.reply("550 no such file"),
        },
        "RETR" => match content(control, &name) {
            Some(content) => {
                let offset = std::mem::take(&mut control.state.offset).min(content.len());
                send(control, &content[offset..]);
            }
            None => control.reply("550 no such file"),
        },
        "STOR" | "APPE" => store(control, command, name),
        "DELE" => {
            let removed = lock(&control.shared.files).remove(&name);
            control.reply(if removed.is_some() { "250 gone" } else { "550 no such file" });
        }
        "RNFR" => match content(control, &name) {
            Some(_) => {
                control.state.rename_from = Some(name);
                control.reply("350 and to what?");
            }
            None => control.reply("550 no such file"),
        },
        "RNTO" => match control.state.rename_from.take() {
            Some(from) => {
                let mut files = lock(&control.shared.files);
                if let Some(content) = files.remove(&from) {
                    files.insert(name, content);
                }
                drop(files);
                control.reply("250 done");
            }
            None => control.reply("503 RNFR first"),
        },
        "QUIT" => control.reply("221 bye"),
        _ => control.reply("502 not here"),
    }
}

fn features(control: &mut Control) {
    let tls = if control.shared.script.tls.is_some() { " AUTH TLS\r\n PBSZ\r\n PROT\r\n" } else { "" };
    control.reply(&format!(
        "211-Features:\r\n EPSV\r\n MDTM\r\n MLST type*;size*;modify*;\r\n REST STREAM\r\n SIZE\r\n UTF8\r\n{tls}211 End"
    ));
}

fn content(control: &Control, name: &str) -> Option<Vec<u8>> {
    lock(&control.shared.files).get(name).cloned()
}

/// A fact line: RFC 3659 section 7.2.
fn line_of(control: &Control, name: &str) -> Option<String> {
    if name.is_empty() {
        return Some("type=dir; /".to_owned());
    }
    let len = content(control, name)?.len();
    Some(format!("type=file;size={len};modify={DATE}; {name}"))
}

fn listing(control: &Control, command: &str) -> String {
    let files = lock(&control.shared.files);
    let lines = files.iter().map(|(name, content)| match command {
        "NLST" => format!("{name}\r\n"),
        "MLSD" => format!("type=file;size={};modify={DATE}; {name}\r\n", content.len()),
        _ => format!("-rw-r--r--   1 ann      users    {:>12} Feb 29  2024 {name}\r\n", content.len()),
    });
    lines.collect()
}

/// Sends all of it over a data connection, with the replies around it.
pub fn send(control: &mut Control, content: &[u8]) {
    control.reply("150 here it comes");
    match control.data() {
        Some(mut data) => {
            data.send(content);
            data.end();
            control.reply("226 that was it");
        }
        None => control.reply("425 no data connection"),
    }
}

fn store(control: &mut Control, command: &str, name: String) {
    control.reply("150 go on");
    let Some(mut data) = control.data() else {
        control.reply("425 no data connection");
        return;
    };
    let (received, is_whole) = data.receive();
    data.end();
    let offset = std::mem::take(&mut control.state.offset);
    let mut files = lock(&control.shared.files);
    let content = files.entry(name).or_default();
    match command {
        "APPE" => {}
        _ => content.truncate(offset),
    }
    content.extend_from_slice(&received);
    drop(files);
    control.reply(if is_whole { "226 got it" } else { "426 the data was cut off" });
}

/// The address in PORT (RFC 959 section 4.1.2) or EPRT (RFC 2428 section 2).
fn client_of(command: &str, argument: &str) -> Option<SocketAddr> {
    if command == "EPRT" {
        let fields: Vec<&str> = argument.split(argument.chars().next()?).collect();
        let [_, _, address, port, _] = fields[..] else { return None };
        return Some(SocketAddr::new(address.parse::<IpAddr>().ok()?, port.parse().ok()?));
    }
    let numbers: Vec<u8> = argument.split(',').map_while(|number| number.trim().parse().ok()).collect();
    let [a, b, c, d, high, low] = numbers[..] else { return None };
    Some((Ipv4Addr::new(a, b, c, d), u16::from(high) << 8 | u16::from(low)).into())
}
