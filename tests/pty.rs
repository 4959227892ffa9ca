//! Journeys: the program itself in a terminal, with real servers, as a person would use it.

#[path = "pty/connect.rs"]
mod connect;
#[path = "pty/demo.rs"]
mod demo;
#[path = "pty/edit.rs"]
mod edit;
#[path = "pty/ftp.rs"]
mod ftp;
#[path = "pty/hand.rs"]
mod hand;
#[path = "pty/places.rs"]
mod places;
#[path = "pty/plans.rs"]
mod plans;
#[path = "pty/quiet.rs"]
mod quiet;
#[path = "pty/screen.rs"]
mod screen;
#[path = "pty/server.rs"]
mod server;
#[path = "pty/signs.rs"]
mod signs;
mod support;
#[path = "pty/viewer.rs"]
mod viewer;
