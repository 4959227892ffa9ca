//! `wharf resolve`: how a place would be reached. Connects nowhere.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::{Common, Exit, ResolveArguments, pane_place, printed};
use crate::{
    fs::{self, Place, PlacePath, Result, Route},
    words,
};

pub async fn run(arguments: &ResolveArguments, common: &Common) -> Result<Exit> {
    let text = match pane_place(&arguments.place)? {
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
        format!("{}\n", json!({ "protocol": "local", "path": path, "host_key": "not-checked" }))
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

fn host_key(route: &Route) -> &'static str {
    match (route.protocol, route.host_known) {
        ("sftp", true) => "known",
        ("sftp", false) => "unknown",
        _ => "not-checked",
    }
}

fn object(route: &Route, path: &PlacePath) -> Value {
    json!({
        "protocol": route.protocol,
        "host": route.host,
        "port": route.port,
        "user": route.user,
        "path": path_text(path),
        "identity_files": route.identity_files,
        "jumps": route.jumps,
        "proxy_command": route.proxy_command,
        "host_key": host_key(route),
    })
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
    rows.push(("host key", host_key(route).to_owned()));
    rows.iter().map(|(name, value)| format!("{name:>11}  {}\n", words::escape(value))).collect()
}
