//! A TCP proxy in front of a server that cuts its connections when it is told to, or holds what they
//! carry without cutting them. Understands nothing of what passes.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

pub struct Proxy {
    port: u16,
    connections: Arc<AtomicUsize>,
    gate: Arc<Gate>,
}

/// Where a connection stands still whose bytes are used up; where it may not wait, it ends.
struct Gate {
    waits: bool,
    held: AtomicUsize,
    open: Mutex<bool>,
    opened: Condvar,
    /// Nobody needs the proxy any more.
    over: AtomicBool,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.gate.over.store(true, Ordering::SeqCst);
        self.release();
        // Whoever accepts wakes up, and sees it.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

impl Proxy {
    /// `budget` says for each connection, counted from 0, how many bytes it may carry, both ways
    /// together, before it is cut.
    pub fn start(server: SocketAddr, budget: impl Fn(usize) -> u64 + Send + Sync + 'static) -> Proxy {
        Proxy::with(server, budget, false, Duration::ZERO)
    }

    /// Everything passes, and is on its way for so long in each direction.
    pub fn far(server: SocketAddr, delay: Duration) -> Proxy {
        Proxy::with(server, |_| u64::MAX, false, delay)
    }

    /// The same over a long link, which gives each connection 32 KiB in `delay` and no more.
    pub fn start_far(
        server: SocketAddr,
        delay: Duration,
        budget: impl Fn(usize) -> u64 + Send + Sync + 'static,
    ) -> Proxy {
        Proxy::with(server, budget, false, delay)
    }

    /// As `start`, but nothing is cut: both ends stay open, and hear nothing until [`Proxy::release`].
    pub fn holding(server: SocketAddr, budget: impl Fn(usize) -> u64 + Send + Sync + 'static) -> Proxy {
        Proxy::with(server, budget, true, Duration::ZERO)
    }

    fn with(
        server: SocketAddr,
        budget: impl Fn(usize) -> u64 + Send + Sync + 'static,
        waits: bool,
        delay: Duration,
    ) -> Proxy {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicUsize::new(0));
        let count = connections.clone();
        let (held, open, opened) = (AtomicUsize::new(0), Mutex::new(false), Condvar::new());
        let gate = Arc::new(Gate { waits, held, open, opened, over: AtomicBool::new(false) });
        let at = gate.clone();
        thread::spawn(move || {
            for client in listener.incoming() {
                let Ok(client) = client else { return };
                if at.over.load(Ordering::SeqCst) {
                    return;
                }
                let number = count.fetch_add(1, Ordering::SeqCst);
                let Ok(server) = TcpStream::connect(server) else { continue };
                let left = Arc::new(AtomicU64::new(budget(number)));
                carry(client, server, left, &at, delay);
            }
        });
        Proxy { port, connections, gate }
    }

    /// Whether a connection stands still now.
    pub fn holds(&self) -> bool {
        self.gate.held.load(Ordering::SeqCst) > 0
    }

    /// Lets everything pass from now on, what was held first.
    pub fn release(&self) {
        *self.gate.open.lock().unwrap() = true;
        self.gate.opened.notify_all();
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

impl Gate {
    /// Waits until it is open; false where nobody waits.
    fn pass(&self) -> bool {
        if !self.waits {
            return false;
        }
        self.held.fetch_add(1, Ordering::SeqCst);
        let open = self.opened.wait_while(self.open.lock().unwrap(), |open| !*open).unwrap();
        self.held.fetch_sub(1, Ordering::SeqCst);
        *open
    }
}

fn carry(client: TcpStream, server: TcpStream, left: Arc<AtomicU64>, gate: &Arc<Gate>, delay: Duration) {
    for (mut from, mut to) in [
        (client.try_clone().unwrap(), server.try_clone().unwrap()),
        (server.try_clone().unwrap(), client.try_clone().unwrap()),
    ] {
        let (left, gate) = (left.clone(), gate.clone());
        thread::spawn(move || {
            let mut buffer = vec![0; 32 << 10];
            while let Ok(count @ 1..) = from.read(&mut buffer) {
                thread::sleep(delay);
                let before = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                    Some(left.saturating_sub(count as u64))
                });
                let may = before.unwrap_or_default().min(count as u64) as usize;
                if to.write_all(&buffer[..may]).is_err() {
                    break;
                }
                if may < count && !(gate.pass() && to.write_all(&buffer[may..count]).is_ok()) {
                    break;
                }
            }
            let _ = from.shutdown(Shutdown::Both);
            let _ = to.shutdown(Shutdown::Both);
        });
    }
}
