//! The receiver over real sockets, in front of a real store on a simulated disk.

mod cancelled;
mod fuzz;
mod grpc;
mod json;
mod rig;
mod samples;
mod statuses;
mod transport;
mod zstd;
