//! A port of 127.0.0.1 that is a server's own for as long as its test wants it.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpSocket;

/// A port that the system picked and gives to nobody else while this lives, whether or not a
/// server listens there: it is bound, which one that allows the address to be used again, as
/// servers do, may share, and neither an outgoing connection nor a search for a free port does.
pub struct Port {
    number: u16,
    _bound: TcpSocket,
}

impl Port {
    pub fn pick() -> Port {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_reuseaddr(true).expect("SO_REUSEADDR");
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).expect("a free port");
        Port { number: socket.local_addr().expect("its address").port(), _bound: socket }
    }

    pub fn number(&self) -> u16 {
        self.number
    }
}
