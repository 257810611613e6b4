//! HPKE: RFC 9180 A.1 (DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-128-GCM), base mode, and
//! our own seals with the same suite.

use ::hpke::{
    Deserializable, Kem, OpModeR, OpModeS, Serializable, aead::AesGcm128, kdf::HkdfSha256,
    kem::X25519HkdfSha256, setup_receiver, setup_sender_with_rng,
};
use serde_json::{Value, json};
use velox_mesh::wire::seal::{INFO, SealingKey, seal_with_rng};

use crate::{
    envelopes::Fixed,
    hold,
    json::{hex, unhex, unhex_vec},
};

const INFO_A1: &str = "4f6465206f6e2061204772656369616e2055726e";
const IKM_E: &str = "7268600d403fce431561aef583ee1613527cff655c1343f29812e66706df3234";
const ENC: &str = "37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431";
const SK_R: &str = "4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8";
const PK_R: &str = "3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d";
const PT: &str = "4265617574792069732074727574682c20747275746820626561757479";
/// Associated data and ciphertext by sequence number.
const SEALED: [(&str, &str); 3] = [
    (
        "436f756e742d30",
        "f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a",
    ),
    (
        "436f756e742d31",
        "af2d7e9ac9ae7e270f46ba1f975be53c09f8d875bdc8535458c2494e8a6eab251c03d0c22a56b8ca42c2063b84",
    ),
    (
        "436f756e742d32",
        "498dfcabd92e8acedc281e85af1cb4e3e31c7dc394a1ca20e173cb72516491588d96a19ad4a683518973dcc180",
    ),
];

fn rfc9180() -> Vec<Value> {
    type K = X25519HkdfSha256;
    let secret = <K as Kem>::PrivateKey::from_bytes(&unhex_vec(SK_R)).expect("skRm");
    let public = K::sk_to_pk(&secret);
    assert_eq!(hex(public.to_bytes()), PK_R);
    let info = unhex_vec(INFO_A1);
    let (enc, mut sender) = setup_sender_with_rng::<AesGcm128, HkdfSha256, K>(
        &OpModeS::Base,
        &public,
        &info,
        &mut Fixed(unhex(IKM_E)),
    )
    .expect("encapsulates");
    assert_eq!(hex(enc.to_bytes()), ENC);
    let mut receiver =
        setup_receiver::<AesGcm128, HkdfSha256, K>(&OpModeR::Base, &secret, &enc, &info)
            .expect("decapsulates");
    let seal = |(sequence, (aad, ct)): (usize, &(&str, &str))| {
        let sealed = sender.seal(&unhex_vec(PT), &unhex_vec(aad)).expect("seals");
        assert_eq!(&hex(&sealed), ct);
        let opened = receiver.open(&sealed, &unhex_vec(aad)).expect("opens");
        assert_eq!(hex(opened), PT);
        json!({
            "name": format!("RFC 9180 A.1.1, sequence {sequence}"),
            "type": "hpke-rfc9180",
            "value": {
                "info": INFO_A1, "ephemeral_ikm": IKM_E, "enc": ENC, "receiver_secret": SK_R,
                "receiver_public": PK_R, "sequence": sequence, "plaintext": PT, "aad": aad,
            },
            "hex": ct,
        })
    };
    SEALED.iter().enumerate().map(seal).collect()
}

fn ours(name: &str, plaintext: &[u8], aad: &[u8]) -> Value {
    let secret = unhex(SK_R);
    let key = SealingKey::from_secret(&secret).expect("an X25519 secret");
    let ikm = unhex(IKM_E);
    let sealed = seal_with_rng(&key.public(), plaintext, aad, &mut Fixed(ikm)).expect("seals");
    assert_eq!(key.open(&sealed, aad).as_deref(), Ok(plaintext));
    json!({
        "name": name,
        "type": "seal",
        "value": {
            "info": hex(INFO), "ephemeral_ikm": IKM_E, "receiver_secret": SK_R,
            "receiver_public": PK_R, "plaintext": hex(plaintext), "aad": hex(aad),
        },
        "hex": hex(sealed),
    })
}

#[test]
fn seals_are_as_committed_and_as_the_rfc_has_them() {
    let mut cases = rfc9180();
    cases.push(ours(
        "a seal as envelopes have it",
        b"truth, beauty",
        b"Count-0",
    ));
    cases.push(ours("nothing, sealed", b"", b""));
    hold("hpke.json", cases);
}
