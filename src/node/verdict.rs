/// What gossipsub is told about a message that arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// New and true: forward it.
    Accept,
    /// Nothing wrong, nothing new: expired, duplicate, older, unknown.
    Ignore,
    /// A bad signature or encoding: the forwarder should have seen it, and is scored down.
    Reject,
}
