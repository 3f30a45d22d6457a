//! The receiver over real sockets, in front of a real store on a simulated disk.

mod rig;
mod statuses;
mod transport;
