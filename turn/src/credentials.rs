use data_encoding::BASE64;
use hmac::{Hmac, Mac};
use sha1::Sha1;

/// A user's name and password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// `<end in seconds since 1970>:<user>`.
    pub username: String,
    /// HMAC-SHA-1 of it, in base64.
    pub password: String,
}

/// What passwords are made with: whoever knows it can let users in. coturn takes the same as
/// `static-auth-secret`.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    /// A secret that is known to others too.
    pub fn new(secret: impl Into<Vec<u8>>) -> Self {
        Secret(secret.into())
    }

    /// A new one.
    pub fn random() -> Self {
        Secret(rand::random::<[u8; 32]>().to_vec())
    }

    /// Lets a user in until then, in seconds since 1970.
    pub fn issue(&self, user: &str, until: u64) -> Credentials {
        let username = format!("{until}:{user}");
        let password = self.password(&username);
        Credentials { username, password }
    }

    /// The password that belongs to a name.
    pub fn password(&self, username: &str) -> String {
        BASE64.encode(&self.sign(username.as_bytes()))
    }

    pub(crate) fn sign(&self, bytes: &[u8]) -> [u8; 20] {
        let mut mac = Hmac::<Sha1>::new_from_slice(&self.0).expect("keys have any length");
        mac.update(bytes);
        mac.finalize().into_bytes().into()
    }
}

/// The end of what a name allows, and the user.
pub(crate) fn read(username: &str) -> Option<(u64, &str)> {
    let (until, user) = username.split_once(':')?;
    Some((until.parse().ok()?, user))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_those_of_coturn() {
        // echo -n 1700000000:alice | openssl dgst -sha1 -hmac north -binary | base64
        let credentials = Secret::new("north").issue("alice", 1_700_000_000);
        assert_eq!(credentials.username, "1700000000:alice");
        assert_eq!(credentials.password, "Cd/49soE35ICqcJF/bCTn8Z4OyE=");
        assert_eq!(read(&credentials.username), Some((1_700_000_000, "alice")));
        assert_eq!(read("alice"), None);
        assert_eq!(read("soon:alice"), None);
    }
}
