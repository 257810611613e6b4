use std::fmt;

/// What a node won't do for a peer, and why. Attach turns it into a
/// [`Refusal`](crate::wire::attach::Refusal).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Denied {
    /// From the documented list of [`Refusal::code`](crate::wire::attach::Refusal::code).
    pub code: &'static str,
    /// One line for people: what was refused and what to do.
    pub text: String,
    /// Whether the attachment ends with it: only where the peer broke the protocol.
    pub fatal: bool,
}

impl Denied {
    /// A refusal after which the attachment goes on.
    pub fn new(code: &'static str, text: impl Into<String>) -> Self {
        Denied {
            code,
            text: text.into(),
            fatal: false,
        }
    }

    /// A refusal that ends the attachment.
    pub fn fatal(code: &'static str, text: impl Into<String>) -> Self {
        Denied {
            code,
            text: text.into(),
            fatal: true,
        }
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.text)
    }
}
