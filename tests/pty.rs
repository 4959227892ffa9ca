//! Journeys: the program itself in a terminal, with real servers, as a person would use it.

#[path = "pty/connect.rs"]
mod connect;
#[path = "pty/demo.rs"]
mod demo;
#[path = "pty/hand.rs"]
mod hand;
#[path = "pty/screen.rs"]
mod screen;
#[path = "pty/server.rs"]
mod server;
mod support;
