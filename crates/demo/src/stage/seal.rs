//! The sealed choice: a commitment that everybody may see at once, and what it stands for, which comes out only with
//! the verdict. BLAKE3 over a secret nonce and the choice: nobody can guess the choice from the commitment, and nobody
//! can exchange the choice afterwards.
//! It deliberately writes nothing anywhere: until it is opened, the choice is in the memory of this process alone.

use std::fs::File;
use std::io::{self, Read as _};

use serde::{Deserialize, Serialize};

use crate::clock;
use crate::director::Cause;
use crate::fault::Fault;
use crate::rng::Rng;

/// What the viewer chose.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Choice {
    /// The format of this document.
    pub schema: String,
    /// The fault, such as `slow_query`.
    pub fault: String,
    /// How strong.
    pub strength: f64,
    /// When it was chosen.
    pub chosen_at_unix_nanos: i64,
    /// What is to blame.
    pub causes: Vec<Cause>,
}

/// A choice and what proves that it was made before the verdict.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Seal {
    /// BLAKE3 of the nonce's text followed by the choice's text, in hexadecimal.
    pub commitment: String,
    /// 32 bytes of chance, in hexadecimal.
    pub nonce: String,
    /// The choice, as JSON text.
    pub choice: String,
}

impl Seal {
    /// Seals the choice.
    ///
    /// # Errors
    /// When the system gives no chance.
    pub(super) fn new(fault: Fault, strength: f64) -> io::Result<Self> {
        let causes = fault.script(strength).unwrap_or_default().causes;
        let choice = Choice {
            schema: "firstcause.choice/1".to_owned(),
            fault: fault.to_string(),
            strength,
            chosen_at_unix_nanos: clock::unix_nanos(),
            causes: causes.iter().map(Cause::to_come).collect(),
        };
        let choice = serde_json::to_string(&choice)?;
        let nonce: String = chance()?.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { commitment: commitment(&nonce, &choice), nonce, choice })
    }

    /// Whether the commitment is to this choice.
    pub fn holds(&self) -> bool {
        commitment(&self.nonce, &self.choice) == self.commitment
    }
}

fn commitment(nonce: &str, choice: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(nonce.as_bytes()).update(choice.as_bytes());
    hasher.finalize().to_hex().to_string()
}

/// One of the faults that break something, by true chance: a seed that others know would give it away.
pub(super) fn surprise() -> io::Result<Fault> {
    let is_fault = |fault: &Fault| fault.script(1.0).is_some_and(|script| !script.causes.is_empty());
    let faults: Vec<_> = Fault::available().into_iter().filter(is_fault).collect();
    let seed = chance()?.first_chunk::<8>().copied().map_or(0, u64::from_le_bytes);
    let turn = Rng::new(seed, 5).below(faults.len() as u64);
    let chosen = usize::try_from(turn).ok().and_then(|turn| faults.get(turn).copied());
    Ok(chosen.unwrap_or(Fault::None))
}

fn chance() -> io::Result<[u8; 32]> {
    let mut bytes = [0; 32];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_holds_until_its_choice_or_nonce_is_exchanged() {
        let seal = Seal::new(Fault::SlowQuery, 1.0).unwrap();
        assert!(seal.holds() && seal.choice.contains("slow_query") && !seal.commitment.contains("slow"));
        let other = Seal { choice: seal.choice.replace("slow_query", "none"), ..seal.clone() };
        assert!(!other.holds());
        assert_ne!(seal.commitment, Seal::new(Fault::SlowQuery, 1.0).unwrap().commitment);
    }
}
