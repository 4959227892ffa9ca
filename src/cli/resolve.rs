//! `wharf resolve`: how a place would be reached. Connects nowhere.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::{Common, Exit, options::ResolveArguments, pane_place, printed};
use crate::{
    fs::{self, HostKeyState, Place, PlacePath, Result, Route},
    words,
};

pub async fn run(arguments: &ResolveArguments, common: &Common) -> Result<Exit> {
    let text = match pane_place(&arguments.place, common)?.place {
        Place::Local(path) => local(&path, arguments.json),
        Place::Remote(target, path) => {
            let route = fs::route(&target, &common.ssh_options()).await?;
            if arguments.json { format!("{}\n", object(&route, &path)) } else { text(&route, &path) }
        }
    };
    printed(io::stdout().lock().write_all(text.as_bytes())).map(|()| Exit::Done)
}

fn local(path: &[u8], as_json: bool) -> String {
    if as_json {
        let path = String::from_utf8_lossy(path);
        let nothing: [&str; 0] = [];
        let object = json!({
            "protocol": "local",
            "host": null,
            "port": null,
            "user": null,
            "path": path,
            "identity_files": nothing,
            "jumps": nothing,
            "proxy_command": null,
            "host_key": HostKeyState::NotChecked.name(),
        });
        format!("{object}\n")
    } else {
        format!("   protocol  local\n       path  {}\n", words::escape_bytes(path))
    }
}

/// The path as far as it is known: a relative one starts where the server puts a login.
fn path_text(path: &PlacePath) -> Option<String> {
    match path {
        PlacePath::Login => None,
        PlacePath::Relative(bytes) => Some(format!("~/{}", String::from_utf8_lossy(bytes))),
        PlacePath::Absolute(path) => Some(path.to_string()),
    }
}

fn object(route: &Route, path: &PlacePath) -> Value {
    // JSON has no way to write a name that is not UTF-8.
    let identity_files: Vec<_> = route.identity_files.iter().map(|file| file.to_string_lossy()).collect();
    json!({
        "protocol": route.protocol,
        "host": route.host,
        "port": route.port,
        "user": route.user,
        "path": path_text(path),
        "identity_files": identity_files,
        "jumps": route.jumps,
        "proxy_command": route.proxy_command,
        "host_key": route.host_key.name(),
    })
}

/// More than a word: nobody should take "known" for "the server has shown it".
fn host_key(state: HostKeyState) -> &'static str {
    match state {
        HostKeyState::Known => "known; compared when it is connected to",
        HostKeyState::Unknown => "unknown; asked about when it is connected to",
        HostKeyState::Revoked => "revoked; it will be refused",
        HostKeyState::NotChecked => "not checked",
    }
}

fn text(route: &Route, path: &PlacePath) -> String {
    let mut rows = vec![
        ("protocol", route.protocol.to_owned()),
        ("host", route.host.clone()),
        ("port", route.port.to_string()),
        ("user", route.user.clone()),
        ("path", path_text(path).unwrap_or_else(|| "the login directory".to_owned())),
    ];
    rows.extend(route.identity_files.iter().map(|file| ("identity", file.display().to_string())));
    rows.extend(route.jumps.iter().map(|jump| ("through", jump.clone())));
    rows.extend(route.proxy_command.iter().map(|command| ("through", format!("the command {command}"))));
    rows.push(("host key", host_key(route.host_key).to_owned()));
    rows.iter().map(|(name, value)| format!("{name:>11}  {}\n", words::escape(value))).collect()
}
