//! The USERNAME of a first STUN request: which handshake, and the secrets of both ends.

/// `libp2p+webrtc+v1/`: one string is ufrag and password of both ends.
const V1: &str = "libp2p+webrtc+v1/";
/// `libp2p+webrtc+v2/`: the server's ufrag and password are this and the client's password.
const V2: &str = "libp2p+webrtc+v2/";
/// RFC 8839, section 5.4: length of an `ice-ufrag`.
const UFRAG: std::ops::RangeInclusive<usize> = 4..=256;
/// RFC 8839, section 5.4: length of an `ice-pwd`.
const PASSWORD: std::ops::RangeInclusive<usize> = 22..=256;

/// Which version of the WebRTC-direct handshake a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// The client rewrites its own SDP.
    V1,
    /// The client leaves its SDP alone.
    V2,
}

/// What both ends know after the USERNAME.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The handshake.
    pub version: Version,
    /// The server's ufrag, which is its password too.
    pub server: String,
    /// The client's ufrag.
    pub client: String,
    /// The client's password.
    pub client_password: String,
}

/// Why a USERNAME is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UsernameError {
    /// There is no colon.
    #[error("the USERNAME has no ':'")]
    NoColon,
    /// A half is shorter than 4 or longer than 256 bytes.
    #[error("a half of the USERNAME isn't 4 to 256 bytes long")]
    Length,
    /// A half has something else than letters, digits, '+' and '/'.
    #[error("the USERNAME has other characters than ICE allows")]
    Characters,
    /// Neither v1 nor v2.
    #[error("the USERNAME begins with no known handshake version")]
    UnknownVersion,
    /// The password inside is shorter than 22 bytes.
    #[error("the password inside the USERNAME isn't 22 to 256 bytes long")]
    Password,
}

impl Credentials {
    /// What a client says that dials by handshake v2 with fresh secrets.
    pub fn dial(version: Version) -> Self {
        let (client, password) = (random(8), random(32));
        match version {
            Version::V1 => {
                let both = format!("{V1}{password}");
                Credentials {
                    version,
                    server: both.clone(),
                    client: both.clone(),
                    client_password: both,
                }
            }
            Version::V2 => Credentials {
                version,
                server: format!("{V2}{password}"),
                client,
                client_password: password,
            },
        }
    }

    /// Reads and checks a USERNAME as a server receives it: `server:client`.
    pub fn parse(username: &str) -> Result<Self, UsernameError> {
        let (server, client) = username.split_once(':').ok_or(UsernameError::NoColon)?;
        for half in [server, client] {
            if !UFRAG.contains(&half.len()) {
                return Err(UsernameError::Length);
            }
            if !half.bytes().all(is_ice_char) {
                return Err(UsernameError::Characters);
            }
        }
        let (version, client_password) = if server.starts_with(V1) {
            (Version::V1, client)
        } else if let Some(password) = server.strip_prefix(V2) {
            (Version::V2, password)
        } else {
            return Err(UsernameError::UnknownVersion);
        };
        if version == Version::V2 && !PASSWORD.contains(&client_password.len()) {
            return Err(UsernameError::Password);
        }
        Ok(Credentials {
            version,
            server: server.to_owned(),
            client: client.to_owned(),
            client_password: client_password.to_owned(),
        })
    }
}

/// RFC 8839, section 5.1: `ALPHA / DIGIT / "+" / "/"`.
fn is_ice_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/'
}

fn random(length: usize) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    (0..length)
        .map(|_| char::from(ALPHABET[usize::from(rand::random::<u8>() & 63)]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_picks_the_version() {
        let v2 = Credentials::parse("libp2p+webrtc+v2/abcdefghijklmnopqrstuv:frag").unwrap();
        assert_eq!(v2.version, Version::V2);
        assert_eq!(v2.server, "libp2p+webrtc+v2/abcdefghijklmnopqrstuv");
        assert_eq!(
            (v2.client.as_str(), v2.client_password.as_str()),
            ("frag", "abcdefghijklmnopqrstuv")
        );
        let v1 = Credentials::parse("libp2p+webrtc+v1/abcd:libp2p+webrtc+v1/abcd").unwrap();
        assert_eq!(v1.version, Version::V1);
        assert_eq!(v1.client_password, v1.server);
    }

    #[test]
    fn what_a_dialer_makes_is_accepted() {
        for version in [Version::V1, Version::V2] {
            let made = Credentials::dial(version);
            let username = format!("{}:{}", made.server, made.client);
            assert_eq!(Credentials::parse(&username), Ok(made));
        }
    }

    #[test]
    fn everything_else_is_refused() {
        let long = "a".repeat(300);
        for (username, error) in [
            ("", UsernameError::NoColon),
            ("libp2p+webrtc+v1/abcd", UsernameError::NoColon),
            ("libp2p+webrtc+v1/abcd:abc", UsernameError::Length),
            (
                &format!("libp2p+webrtc+v1/{long}:abcd"),
                UsernameError::Length,
            ),
            (
                &format!("libp2p+webrtc+v1/abcd:{long}"),
                UsernameError::Length,
            ),
            ("libp2p+webrtc+v1/ab\r\ncd:abcd", UsernameError::Characters),
            ("libp2p+webrtc+v1/abcd:ab:cd", UsernameError::Characters),
            ("libp2p+webrtc+v1/äbcd:abcd", UsernameError::Characters),
            (
                "libp2p+webrtc+v3/abcdefghijklmnopqrstuv:abcd",
                UsernameError::UnknownVersion,
            ),
            ("abcd:efgh", UsernameError::UnknownVersion),
            ("libp2p+webrtc+v2/short:abcd", UsernameError::Password),
        ] {
            assert_eq!(Credentials::parse(username), Err(error), "{username:?}");
        }
    }
}
