//! From cause to action: profiles, inventory, policy, approval, executors, verification, undo.
//!
//! A profile recognises a kind of cause; the operator's inventory says what may be done about it and with which
//! values; the policy says whether a person is asked; an [`approval::Authority`] alone makes approvals; an
//! executor acts, with an approval only (I5); [`Verification`] measures whether it worked. Nothing of telemetry
//! ever reaches an argument: names from telemetry may only *match* an entry of the inventory (I10).

pub mod approval;
pub mod channels;
pub mod executors;
pub mod inventory;
pub mod policy;
pub mod profiles;
pub mod propose;
pub mod verification;

pub use approval::{Approval, Authority};
pub use executors::{Executor, UndoPermit};
pub use inventory::Inventory;
pub use policy::Policy;
pub use verification::Verification;
