//! The scripted FTP server itself: that it is honest where it is not told otherwise, and at the
//! byte what it is told where it is.

#[allow(dead_code)]
#[path = "servers/client.rs"]
mod client;
mod support;

use std::{
    io::{BufRead, BufReader, ErrorKind, Read, Write},
    net::{TcpListener, TcpStream},
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

use client::{Client, TLS_1_2, TLS_1_3, trusting};
use support::{
    certificates::{Identity, Issuer},
    ftp_script::{Script, Scripted},
};

fn logged_in(server: &Scripted) -> Client {
    let mut client = Client::connect(server.address());
    client.reply().is(220);
    client.log_in("ann", "secret");
    client
}

/// A connection without a client's manners.
fn bare(server: &Scripted) -> BufReader<TcpStream> {
    let stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    BufReader::new(stream)
}

fn line(stream: &mut BufReader<TcpStream>) -> String {
    let mut line = String::new();
    stream.read_line(&mut line).unwrap();
    line
}

#[test]
fn what_is_not_scripted_is_honest() {
    let server = Script::new().file("a", b"content").file("b", b"").start();
    let mut client = logged_in(&server);
    assert!(client.ask("FEAT").is(211).text.contains("MLST"));
    let (list, reply) = client.get("LIST");
    reply.is(226);
    assert_eq!(String::from_utf8(list).unwrap().lines().count(), 2);
    let (list, _) = client.get("MLSD");
    assert!(String::from_utf8(list).unwrap().starts_with("type=file;size=7;modify=20240229123456; a\r\n"));
    assert_eq!(client.ask("SIZE a").is(213).text, "213 7\r\n");
    client.ask("REST 3").is(350);
    assert_eq!(client.get("RETR /a").0, b"tent");
    client.put("STOR c", b"new").is(226);
    client.put("APPE c", b"er").is(226);
    client.ask("RNFR c").is(350);
    client.ask("RNTO d").is(250);
    client.ask("DELE a").is(250);
    client.ask("SIZE a").is(550);
    client.ask("QUIT").is(221);
    assert!(client.try_reply().unwrap().is_none());
    assert_eq!(server.content("d").unwrap(), b"newer");
    assert!(server.lines().contains(&"RNTO d".to_owned()));
}

#[test]
fn active_connections_are_made() {
    let server = Script::new().file("a", b"content").start();
    let mut client = logged_in(&server);
    for how in ["PORT", "EPRT"] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        match how {
            "PORT" => client.ask(&format!("PORT 127,0,0,1,{},{}", port >> 8, port & 255)).is(200),
            _ => client.ask(&format!("EPRT |1|127.0.0.1|{port}|")).is(200),
        };
        client.ask("RETR a").is(150);
        let mut content = Vec::new();
        listener.accept().unwrap().0.read_to_end(&mut content).unwrap();
        assert_eq!(content, b"content");
        client.reply().is(226);
    }
}

#[test]
fn single_answers_are_overridden() {
    let server = Script::new()
        .greeting("220-users online:\r\n123 of them\r\n220 ready\r\n")
        .file("a", b"content")
        .on("SIZE", |control, _| control.reply("213 99999999999"))
        .on("NOOP", |control, _| control.say("200\r\n"))
        .on("PASV", |control, _| control.reply("227 go to 192,0,2,1,4,1"))
        .start();
    let mut stream = bare(&server);
    assert_eq!(line(&mut stream), "220-users online:\r\n");
    assert_eq!(line(&mut stream), "123 of them\r\n");
    let mut client = logged_in(&server);
    assert_eq!(client.ask("SIZE a").text, "213 99999999999\r\n");
    assert_eq!(client.ask("PASV").text, "227 go to 192,0,2,1,4,1\r\n");
    assert_eq!(client.get("RETR a").0, b"content");
    for expected in ["220 ready\r\n", "200\r\n"] {
        assert_eq!(line(&mut stream), expected);
        stream.get_mut().write_all(b"noop\r\n").unwrap();
    }
}

#[test]
fn data_ends_as_the_script_wants_it() {
    let server = Script::new()
        .on("RETR", |control, name| {
            control.reply("150 here it comes");
            let mut data = control.data().unwrap();
            data.send(b"half of ");
            match name {
                "refused" => {
                    data.send(b"it");
                    data.end();
                    control.reply("426 or not");
                }
                "reset" => {
                    data.reset();
                    control.reply("226 all of it");
                }
                other => panic!("nobody asks for {other}"),
            }
        })
        .start();
    let mut client = logged_in(&server);
    let (content, reply) = client.get("RETR refused");
    assert_eq!((&content[..], reply.code), (&b"half of it"[..], 426));
    let mut data = client.passive();
    client.ask("RETR reset").is(150);
    let error = data.read_to_end(&mut Vec::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    client.reply().is(226);
}

#[test]
fn lists_without_end_end_with_the_client() {
    let server = Script::new()
        .on("LIST", |control, _| {
            control.reply("150 here it comes");
            let mut data = control.data().unwrap();
            while data.try_send(&b"-rw-r--r-- 1 a b 1 Jan 1 2024 x\r\n".repeat(1000)).is_ok() {}
            control.reply("426 enough");
        })
        .start();
    let mut client = logged_in(&server);
    let mut data = client.passive();
    client.ask("LIST").is(150);
    data.read_exact(&mut [0; 1_000_000]).unwrap();
    drop(data);
    client.reply().is(426);
}

#[test]
fn tls_begins_where_it_is_asked_for() {
    let identity = Identity::new(Issuer::Authority);
    let server = Script::new().file("a", b"content").tls(&identity).start();
    for versions in [TLS_1_2, TLS_1_3] {
        let mut client = Client::connect(server.address());
        client.reply().is(220);
        client.ask("AUTH TLS").is(234);
        let mut client = client.upgrade(&trusting(&identity, versions)).unwrap();
        client.log_in("ann", "secret");
        client.protect_data();
        assert_eq!(client.get("RETR a").0, b"content");
        client.put("STOR b", b"new").is(226);
        assert_eq!(server.content("b").unwrap(), b"new");
    }
    for heard in server.heard() {
        assert_eq!(heard.is_encrypted, heard.line != "AUTH TLS", "{heard:?}");
    }
    let server = Script::new().implicit_tls(&identity).start();
    let mut client = Client::connect_tls(server.address(), &trusting(&identity, TLS_1_2)).unwrap();
    client.reply().is(220);
    // A client that trusts nobody hangs up, which is not the script's failure.
    let stranger = Identity::new(Issuer::Authority);
    assert!(Client::connect_tls(server.address(), &trusting(&stranger, TLS_1_2)).is_err());
}

#[test]
fn replies_are_slipped_in_before_tls() {
    let identity = Identity::new(Issuer::Authority);
    let server = Script::new()
        .tls(&identity)
        .on("AUTH", |control, _| {
            control.say("234 go ahead\r\n230 you are in\r\n");
            control.try_encrypt();
        })
        .start();
    let mut stream = bare(&server);
    line(&mut stream);
    stream.get_mut().write_all(b"AUTH TLS\r\n").unwrap();
    assert_eq!(line(&mut stream), "234 go ahead\r\n");
    assert_eq!(line(&mut stream), "230 you are in\r\n");
}

/// TLS's own end is left out: to a reader the data is cut off.
#[test]
fn tls_data_is_cut_off() {
    let identity = Identity::new(Issuer::Authority);
    let server = Script::new()
        .implicit_tls(&identity)
        .on("LIST", |control, _| {
            control.reply("150 here it comes");
            let mut data = control.data().unwrap();
            data.send(b"half");
            data.hang_up();
            control.reply("226 all of it");
        })
        .start();
    let mut client = Client::connect_tls(server.address(), &trusting(&identity, TLS_1_2)).unwrap();
    client.reply().is(220);
    client.log_in("ann", "secret");
    client.protect_data();
    assert_eq!(client.try_list().unwrap_err().kind(), ErrorKind::UnexpectedEof);
    client.reply().is(226);
}

#[test]
fn whole_conversations_are_played() {
    let server = Script::new()
        .play(|number, control| match number {
            0 => {
                control.reply("220 one");
                assert_eq!(control.expect("USER"), "ann");
                control.reply("331 go on");
                control.exchange("PASS", "421 too many");
                control.hang_up();
            }
            1 => {
                control.reply("220 two");
                control.reset();
            }
            _ => control.serve(),
        })
        .start();
    let mut first = Client::connect(server.address());
    first.reply().is(220);
    first.ask("USER ann").is(331);
    first.ask("PASS secret").is(421);
    assert!(first.try_reply().unwrap().is_none());
    let mut second = bare(&server);
    let mut said = String::new();
    let outcome = second.read_to_string(&mut said);
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::ConnectionReset);
    logged_in(&server);
    let connections: Vec<usize> = server.heard().iter().map(|heard| heard.connection).collect();
    assert!(connections.starts_with(&[0, 0, 2]), "{connections:?}");
}

#[test]
fn stalling_ends_with_the_client_or_the_test() {
    let server = Script::new()
        .on("NOOP", |control, _| control.stall())
        .on("STOR", |control, _| {
            control.reply("150 go on");
            let _data = control.data();
            control.stall();
        })
        .start();
    let mut client = logged_in(&server);
    client.send("NOOP");
    assert!(client.is_silent_for(Duration::from_millis(200)));
    let mut other = logged_in(&server);
    let _data = other.passive();
    other.ask("STOR a").is(150);
    drop(client);
    let started = Instant::now();
    drop(server);
    assert!(started.elapsed() < Duration::from_secs(10));
    assert!(!matches!(other.try_reply(), Ok(Some(_))));
}

#[test]
fn a_script_that_is_not_kept_to_fails_the_test() {
    for (sent, said) in [(Some("LIST"), "USER"), (None, "hung up")] {
        let server = Script::new()
            .play(|_, control| {
                control.reply("220 ready");
                control.exchange("USER", "331 go on");
            })
            .start();
        let mut client = Client::connect(server.address());
        client.reply().is(220);
        if let Some(line) = sent {
            client.send(line);
            assert!(!matches!(client.try_reply(), Ok(Some(_))));
        }
        drop(client);
        let deadline = Instant::now() + Duration::from_secs(20);
        while server.failures().is_empty() && Instant::now() < deadline {
            std::thread::yield_now();
        }
        let panic = catch_unwind(AssertUnwindSafe(|| drop(server))).unwrap_err();
        let text = panic.downcast_ref::<String>().unwrap();
        assert!(text.contains("was not kept to") && text.contains(said), "{text}");
    }
}
