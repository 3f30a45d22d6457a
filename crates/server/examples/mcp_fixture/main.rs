//! The fixture of the official conformance suite, mounted on this crate's MCP transport: `mcp_fixture [stdio]`.
//!
//! Its tools, prompts and resources are what the suite's scenarios ask for; they mean nothing else. Over HTTP it
//! prints the address that it took. With `KEY` in the environment it asks for that key.

mod asked_back;
mod catalogue;
mod handler;
mod input_required;
mod prompts;
mod resources;
mod tools;

use std::io::Write;
use std::net::Ipv4Addr;

use server::mcp::bearer::{self, Bearer, Principal, Refusal};
use server::mcp::{Mcp, Settings, stdio};
use tokio::net::TcpListener;

use crate::handler::Fixture;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let fixture = Fixture::default();
    if std::env::args().nth(1).as_deref() == Some("stdio") {
        stdio::serve(fixture, tokio::io::stdin(), tokio::io::stdout()).await?;
        return Ok(());
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    writeln!(std::io::stdout(), "http://{}/mcp", listener.local_addr()?)?;
    let mut settings = Settings::default();
    settings.bearer = std::env::var("KEY").ok().map(|key| {
        Bearer::new(move |headers| match bearer::token(headers) {
            Some(given) if given == key => Ok(Principal::new("fixture", ())),
            Some(_) => Err(Refusal::invalid()),
            None => Err(Refusal::missing()),
        })
    });
    Mcp::new(move || fixture.clone(), settings).serve(listener, std::future::pending()).await?;
    Ok(())
}
