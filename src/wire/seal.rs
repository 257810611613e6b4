//! HPKE (RFC 9180) around an envelope's contents: base mode, DHKEM(X25519, HKDF-SHA256),
//! HKDF-SHA256, AES-128-GCM, info `velox/envelope/1`.

use hpke::{
    Deserializable, Kem as _, OpModeR, OpModeS, Serializable, aead::AesGcm128, kdf::HkdfSha256,
    kem::X25519HkdfSha256, single_shot_open, single_shot_seal, single_shot_seal_with_rng,
};

/// The suite's `info` parameter.
pub const INFO: &[u8] = b"velox/envelope/1";

type Kem = X25519HkdfSha256;

/// The seal can't be opened with this key and associated data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the seal doesn't open: wrong key, or altered on its way")]
pub struct Broken;

/// The X25519 key that envelopes to a peer are sealed to. Made at every start, never stored.
#[derive(Clone)]
pub struct SealingKey {
    secret: <Kem as hpke::Kem>::PrivateKey,
    public: [u8; 32],
}

impl SealingKey {
    /// A fresh key.
    pub fn generate() -> Self {
        let (secret, public) = Kem::gen_keypair();
        SealingKey {
            secret,
            public: public.to_bytes().into(),
        }
    }

    /// The key of which `secret` are the bytes. For test vectors.
    pub fn from_secret(secret: &[u8; 32]) -> Result<Self, Broken> {
        let secret = <Kem as hpke::Kem>::PrivateKey::from_bytes(secret).map_err(|_| Broken)?;
        let public = Kem::sk_to_pk(&secret).to_bytes().into();
        Ok(SealingKey { secret, public })
    }

    /// The public half, as presence records carry it.
    pub fn public(&self) -> [u8; 32] {
        self.public
    }

    /// Opens what [`seal`] made for this key.
    pub fn open(&self, sealed: &[u8], associated_data: &[u8]) -> Result<Vec<u8>, Broken> {
        let (encapsulated, ciphertext) = sealed.split_at_checked(32).ok_or(Broken)?;
        let encapsulated =
            <Kem as hpke::Kem>::EncappedKey::from_bytes(encapsulated).map_err(|_| Broken)?;
        single_shot_open::<AesGcm128, HkdfSha256, Kem>(
            &OpModeR::Base,
            &self.secret,
            &encapsulated,
            INFO,
            ciphertext,
            associated_data,
        )
        .map_err(|_| Broken)
    }
}

/// Seals `plaintext` to the public key `to`: the encapsulated key (32 bytes), then the
/// ciphertext and its tag (16 bytes).
pub fn seal(to: &[u8; 32], plaintext: &[u8], associated_data: &[u8]) -> Result<Vec<u8>, Broken> {
    let to = <Kem as hpke::Kem>::PublicKey::from_bytes(to).map_err(|_| Broken)?;
    let (encapsulated, ciphertext) = single_shot_seal::<AesGcm128, HkdfSha256, Kem>(
        &OpModeS::Base,
        &to,
        INFO,
        plaintext,
        associated_data,
    )
    .map_err(|_| Broken)?;
    Ok(join(&encapsulated, &ciphertext))
}

/// As [`seal`], with the ephemeral key drawn from `rng`. For test vectors: to seal twice with
/// the same key and nonce gives the plaintexts away.
#[doc(hidden)]
pub fn seal_with_rng(
    to: &[u8; 32],
    plaintext: &[u8],
    associated_data: &[u8],
    rng: &mut impl rand::CryptoRng,
) -> Result<Vec<u8>, Broken> {
    let to = <Kem as hpke::Kem>::PublicKey::from_bytes(to).map_err(|_| Broken)?;
    let (encapsulated, ciphertext) = single_shot_seal_with_rng::<AesGcm128, HkdfSha256, Kem>(
        &OpModeS::Base,
        &to,
        INFO,
        plaintext,
        associated_data,
        rng,
    )
    .map_err(|_| Broken)?;
    Ok(join(&encapsulated, &ciphertext))
}

fn join(encapsulated: &<Kem as hpke::Kem>::EncappedKey, ciphertext: &[u8]) -> Vec<u8> {
    [encapsulated.to_bytes().as_slice(), ciphertext].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_only_with_the_right_key_and_data() {
        let key = SealingKey::generate();
        let sealed = seal(&key.public(), b"offer", b"data").expect("seals");
        assert_eq!(key.open(&sealed, b"data"), Ok(b"offer".to_vec()));
        assert_eq!(key.open(&sealed, b"other"), Err(Broken));
        assert_eq!(SealingKey::generate().open(&sealed, b"data"), Err(Broken));
        assert_eq!(key.open(&sealed[..31], b"data"), Err(Broken));
        let mut altered = sealed.clone();
        altered[40] ^= 1;
        assert_eq!(key.open(&altered, b"data"), Err(Broken));
    }
}
