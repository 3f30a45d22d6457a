//! The process of this machine that listens on an address, as Linux tells it in `/proc`.
//!
//! Other systems have no such files: then nobody is found, and a peer there cannot be counted.

use std::net::SocketAddr;
use std::path::Path;

/// The state of a socket that listens.
const LISTEN: &str = "0A";

/// The process that listens on the port of `address`.
pub(crate) fn pid_of(address: SocketAddr) -> Option<u32> {
    let inode = ["tcp", "tcp6"].iter().find_map(|table| {
        let text = std::fs::read_to_string(Path::new("/proc/net").join(table)).ok()?;
        inode_in(&text, address.port())
    })?;
    let wanted = format!("socket:[{inode}]");
    let processes = std::fs::read_dir("/proc").ok()?.flatten();
    processes.filter_map(|process| process.file_name().to_str()?.parse::<u32>().ok()).find(|pid| {
        let files = std::fs::read_dir(Path::new("/proc").join(pid.to_string()).join("fd"));
        files.into_iter().flatten().flatten().any(|file| {
            std::fs::read_link(file.path()).is_ok_and(|target| target.to_str() == Some(wanted.as_str()))
        })
    })
}

/// The inode of the socket that listens on `port`.
fn inode_in(table: &str, port: u16) -> Option<u64> {
    let wanted = format!(":{port:04X}");
    table.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let is_it = fields.get(1)?.ends_with(&wanted) && *fields.get(3)? == LISTEN;
        is_it.then(|| fields.get(9)?.parse().ok()).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_listens_is_found_and_nobody_is_found_on_a_port_that_was_closed() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        assert_eq!(pid_of(address), Some(std::process::id()));
        drop(listener);
        assert_eq!(pid_of(address), None);
    }
}
