//! A TCP proxy in front of a server that cuts its connections when it is told to. Understands
//! nothing of what passes.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    thread,
};

/// How many bytes a connection may carry, both ways together; the last one is for all that follow.
pub struct Proxy {
    port: u16,
    connections: Arc<AtomicUsize>,
}

impl Proxy {
    /// `budget` says for each connection, counted from 0, how many bytes it may carry.
    pub fn start(server: SocketAddr, budget: impl Fn(usize) -> u64 + Send + Sync + 'static) -> Proxy {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicUsize::new(0));
        let count = connections.clone();
        thread::spawn(move || {
            for client in listener.incoming() {
                let Ok(client) = client else { return };
                let number = count.fetch_add(1, Ordering::SeqCst);
                let Ok(server) = TcpStream::connect(server) else { continue };
                let left = Arc::new(AtomicU64::new(budget(number)));
                carry(client, server, left);
            }
        });
        Proxy { port, connections }
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// The server's ssh_config with the proxy in the server's place.
    pub fn ssh_config(&self, config: &Path, port: u16, dir: &Path) -> PathBuf {
        let text = std::fs::read_to_string(config).unwrap();
        let known = dir.join(format!("known_{}", self.port));
        let hosts = config.with_file_name("known_hosts");
        let keys = std::fs::read_to_string(hosts).unwrap();
        std::fs::write(&known, keys.replace(&format!(":{port} "), &format!(":{} ", self.port))).unwrap();
        let lines: String = text
            .lines()
            .map(|line| match line.trim().split_once(' ') {
                Some(("Port", _)) => format!("  Port {}\n", self.port),
                Some(("UserKnownHostsFile", _)) => {
                    format!("  UserKnownHostsFile \"{}\"\n", known.display())
                }
                _ => format!("{line}\n"),
            })
            .collect();
        let file = dir.join(format!("config_{}", self.port));
        std::fs::write(&file, lines).unwrap();
        file
    }
}

fn carry(client: TcpStream, server: TcpStream, left: Arc<AtomicU64>) {
    let order = Arc::new(Mutex::new(()));
    for (mut from, mut to) in [
        (client.try_clone().unwrap(), server.try_clone().unwrap()),
        (server.try_clone().unwrap(), client.try_clone().unwrap()),
    ] {
        let (left, order) = (left.clone(), order.clone());
        thread::spawn(move || {
            let mut buffer = vec![0; 32 << 10];
            while let Ok(count @ 1..) = from.read(&mut buffer) {
                let may = {
                    let _order = order.lock().unwrap();
                    let may = left.load(Ordering::SeqCst).min(count as u64);
                    left.fetch_sub(may, Ordering::SeqCst);
                    may as usize
                };
                if to.write_all(&buffer[..may]).is_err() || may < count {
                    break;
                }
            }
            let _ = from.shutdown(Shutdown::Both);
            let _ = to.shutdown(Shutdown::Both);
        });
    }
}
