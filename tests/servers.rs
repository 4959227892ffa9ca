//! The real servers beside OpenSSH's: that each starts as it is asked to, serves a client that
//! is not wharf's, and is gone afterwards. What wharf does with them is tested elsewhere.

#[path = "servers/client.rs"]
mod client;
mod support;

use std::{fs, net::Ipv4Addr, time::Duration};

use client::{Client, TLS_1_2, TLS_1_3, trusting};
use support::{
    SshServer,
    certificates::Issuer,
    ftp::{ALL, FtpConfig, FtpServer, Software, Tls, TlsVersion},
    mod_sftp::{ModSftp, ModSftpConfig},
    process::are_gone,
};
use tokio_rustls::rustls::{ProtocolVersion, SupportedProtocolVersion};

/// Connects as the server wants it, with TLS where it speaks that, and logs in.
fn logged_in(server: &FtpServer, versions: &[&'static SupportedProtocolVersion]) -> Client {
    let config = trusting(server.identity(), versions);
    let mut client = match server.config().tls {
        Tls::Implicit => Client::connect_tls(server.address(), &config).unwrap(),
        _ => Client::connect(server.address()),
    };
    client.reply().is(220);
    if matches!(server.config().tls, Tls::Offered | Tls::Required) {
        client.ask("AUTH TLS").is(234);
        client = client.upgrade(&config).unwrap();
    }
    client.log_in(server.user(), server.password());
    if server.config().tls != Tls::None {
        client.protect_data();
    }
    client
}

/// Lists, gets and puts.
fn serves(server: &FtpServer, client: &mut Client) {
    let content: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
    server.put("from the server", &content);
    let pwd = client.ask("PWD").is(257).text;
    assert!(pwd.contains(&format!("\"{}\"", server.home())), "{pwd}");
    let (list, reply) = client.get("LIST");
    reply.is(226);
    assert!(String::from_utf8(list).unwrap().contains("from the server"));
    let (got, reply) = client.get("RETR from the server");
    reply.is(226);
    assert!(got == content);
    client.put("STOR from the client", &content).is(226);
    assert!(fs::read(server.root().join("from the client")).unwrap() == content);
    client.ask("DELE from the client").is(250);
    let mlsd = client.ask("FEAT").is(211).text.contains("MLSD") || client.ask("FEAT").text.contains("MLST");
    assert_eq!(mlsd, server.software().has_mlsd() && !server.config().no_mlsd);
}

#[test]
fn every_server_serves_in_the_clear() {
    for software in ALL {
        println!("{software:?}");
        let server = FtpServer::start(software, FtpConfig::default());
        let mut client = logged_in(&server, TLS_1_2);
        serves(&server, &mut client);
        if software.logs_commands() {
            server.wait_for_log("DELE from the client");
        }
        let mut client = Client::connect(server.address());
        client.reply().is(220);
        client.ask(&format!("USER {}", server.user())).is(331);
        client.ask("PASS wrong").is(530);
    }
}

#[test]
fn every_server_serves_with_tls_on_request() {
    for software in ALL {
        for tls in [Tls::Offered, Tls::Required] {
            println!("{software:?}, {tls:?}");
            let server = FtpServer::start(software, FtpConfig { tls, ..FtpConfig::default() });
            let mut client = logged_in(&server, TLS_1_2);
            assert_eq!(client.tls_version(), Some(ProtocolVersion::TLSv1_2));
            serves(&server, &mut client);

            let mut clear = Client::connect(server.address());
            clear.reply().is(220);
            let first = clear.ask(&format!("USER {}", server.user())).code;
            // Some refuse before they are told a password, and end the connection.
            let is_in = first == 331 && clear.ask(&format!("PASS {}", server.password())).code == 230;
            assert_eq!(is_in, tls == Tls::Offered, "{first}");
        }
    }
}

#[test]
fn servers_speak_tls_from_the_first_byte() {
    for software in ALL.into_iter().filter(|software| software.has_implicit_tls()) {
        println!("{software:?}");
        let server = FtpServer::start(software, FtpConfig { tls: Tls::Implicit, ..FtpConfig::default() });
        serves(&server, &mut logged_in(&server, TLS_1_2));
    }
}

#[test]
fn versions_of_tls_are_bounded() {
    use TlsVersion::{V1_2, V1_3};
    for software in ALL {
        for (bounds, good, bad) in [((V1_2, V1_2), TLS_1_2, TLS_1_3), ((V1_3, V1_3), TLS_1_3, TLS_1_2)] {
            println!("{software:?}, {bounds:?}");
            let config = FtpConfig { tls: Tls::Required, tls_versions: Some(bounds), ..FtpConfig::default() };
            let server = FtpServer::start(software, config);
            serves(&server, &mut logged_in(&server, good));
            let mut client = Client::connect(server.address());
            client.reply().is(220);
            client.ask("AUTH TLS").is(234);
            assert!(client.upgrade(&trusting(server.identity(), bad)).is_err());
        }
    }
}

/// With it, a data connection that begins a session of its own is refused; without, it is not.
#[test]
fn session_reuse_is_insisted_on() {
    for software in [Software::Vsftpd, Software::Proftpd] {
        for require_reuse in [true, false] {
            println!("{software:?}, {require_reuse}");
            let config = FtpConfig { tls: Tls::Required, require_reuse, ..FtpConfig::default() };
            let server = FtpServer::start(software, config);
            serves(&server, &mut logged_in(&server, TLS_1_2));
            let mut client = logged_in(&server, TLS_1_2);
            client.forget_sessions(server.identity(), TLS_1_2);
            assert_eq!(client.try_list().is_ok(), !require_reuse);
        }
    }
}

#[test]
fn certificates_are_what_was_asked_for() {
    for (issuer, trusted) in [
        (Issuer::Authority, true),
        (Issuer::Itself, false),
        (Issuer::AuthorityForAnotherName, false),
        (Issuer::AuthorityLongAgo, false),
    ] {
        let config = FtpConfig { tls: Tls::Implicit, issuer, ..FtpConfig::default() };
        let server = FtpServer::start(Software::Proftpd, config);
        let outcome = Client::connect_tls(server.address(), &trusting(server.identity(), TLS_1_2));
        assert_eq!(outcome.is_ok(), trusted, "{issuer:?}: {:?}", outcome.err());
    }
    let config = FtpConfig { tls: Tls::Implicit, ..FtpConfig::default() };
    let mut server = FtpServer::start(Software::Vsftpd, config);
    let (before, fingerprint) = (trusting(server.identity(), TLS_1_2), server.identity().fingerprint());
    server.restart_with_new_identity();
    assert_ne!(server.identity().fingerprint(), fingerprint);
    assert!(Client::connect_tls(server.address(), &before).is_err());
    assert!(Client::connect_tls(server.address(), &trusting(server.identity(), TLS_1_2)).is_ok());
}

#[test]
fn listings_for_machines_can_be_left_out() {
    let server = FtpServer::start(Software::Proftpd, FtpConfig { no_mlsd: true, ..FtpConfig::default() });
    let mut client = logged_in(&server, TLS_1_2);
    serves(&server, &mut client);
    let refusal = client.ask("MLST").code;
    assert!((500..600).contains(&refusal), "{refusal}");
}

#[test]
fn anonymous_logins_see_a_place_of_their_own() {
    for software in [Software::Vsftpd, Software::Proftpd] {
        println!("{software:?}");
        let server = FtpServer::start(software, FtpConfig { anonymous: true, ..FtpConfig::default() });
        fs::write(server.anonymous_root().join("notice"), "for all").unwrap();
        let mut client = Client::connect(server.address());
        client.reply().is(220);
        client.log_in("anonymous", "guest@example.com");
        assert!(client.ask("PWD").is(257).text.contains("\"/\""));
        let (got, reply) = client.get("RETR notice");
        reply.is(226);
        assert_eq!(got, b"for all");
        client.passive();
        assert_eq!(client.ask("STOR mine").code, 550);
        serves(&server, &mut logged_in(&server, TLS_1_2));
    }
}

#[test]
fn logins_can_be_shut_in() {
    for software in ALL {
        println!("{software:?}");
        let server = FtpServer::start(software, FtpConfig { chroot: true, ..FtpConfig::default() });
        assert_eq!(server.home(), "/");
        serves(&server, &mut logged_in(&server, TLS_1_2));
    }
}

#[test]
fn one_address_has_so_many_connections() {
    for software in ALL {
        println!("{software:?}");
        let server =
            FtpServer::start(software, FtpConfig { max_per_address: Some(2), ..FtpConfig::default() });
        let _first = logged_in(&server, TLS_1_2);
        let _second = logged_in(&server, TLS_1_2);
        let mut third = Client::connect(server.address());
        // proftpd refuses at the login only, the others with their first words.
        let mut said = third.reply();
        if said.code == 220 {
            said = third.ask(&format!("USER {}", server.user()));
            if said.code == 331 {
                said = third.ask(&format!("PASS {}", server.password()));
            }
        }
        assert!(matches!(said.code, 421 | 530), "{said:?}");
    }
}

#[test]
fn idle_sessions_end() {
    for software in [Software::Vsftpd, Software::Proftpd] {
        println!("{software:?}");
        let idle = Some(Duration::from_secs(1));
        let server = FtpServer::start(software, FtpConfig { idle, ..FtpConfig::default() });
        let mut client = logged_in(&server, TLS_1_2);
        let said = client.try_reply();
        assert!(said.unwrap().is_none_or(|reply| reply.code == 421));
    }
}

#[test]
fn another_address_is_announced() {
    for software in ALL {
        println!("{software:?}");
        let announced_address = Some(Ipv4Addr::new(192, 0, 2, 7));
        let server = FtpServer::start(software, FtpConfig { announced_address, ..FtpConfig::default() });
        let mut client = logged_in(&server, TLS_1_2);
        let said = client.ask("PASV").is(227).text;
        assert!(said.contains("192,0,2,7,"), "{said}");
    }
}

#[test]
fn sessions_can_be_cut_and_frozen() {
    for software in ALL {
        println!("{software:?}");
        let mut server = FtpServer::start(software, FtpConfig::default());
        let mut client = logged_in(&server, TLS_1_2);
        server.cut_sessions();
        assert!(!matches!(client.try_reply(), Ok(Some(_))));
        let mut client = logged_in(&server, TLS_1_2);
        server.freeze_sessions();
        client.send("NOOP");
        assert!(client.is_silent_for(Duration::from_millis(300)));
        serves(&server, &mut logged_in(&server, TLS_1_2));
        let port = server.port();
        server.restart();
        assert_eq!(server.port(), port);
        serves(&server, &mut logged_in(&server, TLS_1_2));
    }
}

/// A process that is there afterwards, or the directory, is left over.
#[test]
fn nothing_is_left_after_the_end() {
    for software in ALL {
        println!("{software:?}");
        let (processes, dir, mut client) = {
            let server = FtpServer::start(software, FtpConfig::default());
            let client = logged_in(&server, TLS_1_2);
            (server.processes(), server.dir().to_owned(), client)
        };
        assert!(processes.len() > 1, "{processes:?}");
        assert!(are_gone(&processes), "{processes:?}");
        assert!(!dir.exists());
        assert!(!matches!(client.try_reply(), Ok(Some(_))));

        let outcome = std::thread::spawn(move || {
            let server = FtpServer::start(software, FtpConfig::default());
            std::panic::panic_any((server.processes(), server.dir().to_owned()));
        })
        .join();
        let left = outcome.unwrap_err().downcast::<(Vec<u32>, std::path::PathBuf)>().unwrap();
        assert!(are_gone(&left.0), "{:?}", left.0);
        assert!(!left.1.exists());
    }
}

#[test]
fn mod_sftp_serves_openssh_s_own_client() {
    let mut server = ModSftp::start(ModSftpConfig::default());
    fs::write(server.root().join("file"), "content").unwrap();
    let target = server.dir().join("copied");
    let output = server.sftp(&format!("pwd\nls -1\nget file {}\n", target.display()));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains(&server.root().display().to_string()), "{said}");
    assert_eq!(fs::read(target).unwrap(), b"content");
    server.wait_for_log("READ");
    server.restart_with_new_host_key();
    let output = server.sftp("pwd\n");
    assert!(String::from_utf8_lossy(&output.stderr).contains("IDENTIFICATION HAS CHANGED"));
}
