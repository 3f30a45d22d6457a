//! The cases of the oracle, read from its standard output as it writes them.

use std::io::{BufReader, Read as _};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde::Deserialize;
use serde_json::Value as Json;

/// A request as it is to be sent, and what must come of it.
#[derive(Debug, Deserialize)]
pub(crate) struct Case {
    pub(crate) index: u64,
    pub(crate) family: String,
    pub(crate) transport: String,
    pub(crate) signal: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) expect: Expect,
    #[serde(skip)]
    pub(crate) body: Vec<u8>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Expect {
    pub(crate) http: u16,
    /// The code of `google.rpc.Status` and of gRPC; nothing for what is no gRPC call at all.
    pub(crate) code: Option<u32>,
    /// The content type of the answer, where it is told.
    #[serde(rename = "type")]
    pub(crate) content_type: Option<String>,
    /// What a request that is taken leaves behind.
    pub(crate) taken: Option<Taken>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Taken {
    pub(crate) sent: u64,
    pub(crate) stored: Vec<Json>,
    pub(crate) rejected: u64,
    pub(crate) repaired: bool,
}

/// The oracle at work.
pub(crate) struct Oracle {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Oracle {
    /// Starts it with these words.
    pub(crate) fn start(words: &[String]) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/oracle/main.py");
        let mut command = Command::new("python3");
        command.args(["-B", script]).args(words).stdout(Stdio::piped());
        let mut child = command.spawn().expect("python3 starts; hint: `cargo xtask test --only needs`");
        let out = BufReader::new(child.stdout.take().unwrap());
        Self { child, out }
    }
}

impl Oracle {
    /// Ends it before it has written everything.
    pub(crate) fn end(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Iterator for Oracle {
    type Item = Case;

    fn next(&mut self) -> Option<Case> {
        let mut lengths = [0; 8];
        if self.out.read_exact(&mut lengths).is_err() {
            let status = self.child.wait().unwrap();
            assert!(status.success(), "the oracle ended with {status}");
            return None;
        }
        let length = |at: usize| u32::from_le_bytes(lengths[at..at + 4].try_into().unwrap()) as usize;
        let mut head = vec![0; length(0)];
        self.out.read_exact(&mut head).unwrap();
        let mut case: Case = serde_json::from_slice(&head).unwrap();
        case.body = vec![0; length(4)];
        self.out.read_exact(&mut case.body).unwrap();
        Some(case)
    }
}
