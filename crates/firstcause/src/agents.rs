//! The wiring of the tools for agents: for whom, and through which door.

use std::net::SocketAddr;

use hyper::StatusCode;
use server::mcp::Settings;
use server::mcp::bearer::{Bearer, Refusal};
use tools::Role;

/// What the person at this machine may do through an agent: everything but deciding.
pub(crate) const ROLE: Role = Role::Remediator;

/// The door of a server that listens at `address`. Who can be reached from elsewhere asks for a key, and there is none.
pub(crate) fn door(address: SocketAddr) -> Settings {
    let mut door = Settings::default();
    if !address.ip().to_canonical().is_loopback() {
        door.bearer = Some(Bearer::new(|_| {
            let text =
                "this listens beyond this machine and has no key yet; hint: listen on 127.0.0.1".to_owned();
            Err(Refusal { status: StatusCode::UNAUTHORIZED, error: None, text })
        }));
    }
    door
}
