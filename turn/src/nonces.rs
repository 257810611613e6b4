use std::net::IpAddr;

use data_encoding::HEXLOWER;

use crate::credentials::Secret;

/// Nonces that needn't be remembered: the time at which they were given, signed together with the
/// address that they were given to.
#[derive(Debug)]
pub(crate) struct Nonces {
    secret: Secret,
    life: u64,
}

impl Nonces {
    /// Each is good for `life` seconds.
    pub fn new(life: u64) -> Self {
        Nonces {
            secret: Secret::random(),
            life,
        }
    }

    pub fn issue(&self, client: IpAddr, unix: u64) -> String {
        let mut nonce = format!("{unix:012x}");
        HEXLOWER.encode_append(&self.signature(client, unix), &mut nonce);
        nonce
    }

    pub fn is_good(&self, nonce: &str, client: IpAddr, unix: u64) -> bool {
        let given = nonce
            .get(..12)
            .and_then(|hex| u64::from_str_radix(hex, 16).ok());
        given.is_some_and(|given| {
            given <= unix && unix - given < self.life && nonce == self.issue(client, given)
        })
    }

    fn signature(&self, client: IpAddr, unix: u64) -> [u8; 8] {
        let text = format!("{unix} {}", client.to_canonical());
        let signed = self.secret.sign(text.as_bytes());
        signed[..8].try_into().expect("eight of twenty")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn are_good_for_one_client_and_a_while() {
        let nonces = Nonces::new(60);
        let client = "192.0.2.1".parse().unwrap();
        let nonce = nonces.issue(client, 1_000);
        assert!(nonces.is_good(&nonce, client, 1_000));
        assert!(nonces.is_good(&nonce, "::ffff:192.0.2.1".parse().unwrap(), 1_059));
        assert!(!nonces.is_good(&nonce, client, 1_060));
        assert!(!nonces.is_good(&nonce, client, 999));
        assert!(!nonces.is_good(&nonce, "192.0.2.2".parse().unwrap(), 1_000));
        let other = Nonces::new(60).issue(client, 1_000);
        for nonce in [&nonce[..20], &nonce[1..], &other, "", "é00000000000"] {
            assert!(!nonces.is_good(nonce, client, 1_000), "{nonce}");
        }
    }
}
