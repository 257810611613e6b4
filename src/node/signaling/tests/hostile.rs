//! Anything in any order.

use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn frames_never_panic(frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 0..20)) {
        let (mut state, _, now) = one();
        state.linked(node(1), &address(), now);
        for frame in frames {
            let _ = state.received(node(1), &frame, now);
            outputs(&mut state);
        }
    }

    /// Whatever happens in whatever order: nothing held outlives its time, and every
    /// envelope that was never sent anywhere is answered.
    #[test]
    fn everything_ends(steps in prop::collection::vec((0u8..8, 0u8..6, 0u64..900), 1..80)) {
        let (mut state, alice, mut now) = one();
        let bob = peer(2).peer_id();
        for (what, n, ms) in steps {
            now = now.after(Duration::from_millis(ms));
            match what {
                0 => state.linked(node(n), &address(), now),
                1 => state.unlinked(node(n), now),
                2 => {
                    let refusal = SignalFrame::Undelivered(Undelivered {
                        id: id(n),
                        to: bob,
                        code: "not-attached".to_owned(),
                    });
                    let _ = state.received(node(n), &cbor::encode(&refusal), now);
                }
                3 => state.expired(now),
                _ => {
                    let via = (n..n + 3).map(node).collect();
                    let carried = envelope(&alice, bob, n, now);
                    let _ = state.carry(alice.peer_id(), carried, via, what == 4, now);
                }
            }
            outputs(&mut state);
        }
        for _ in 0..4 {
            now = now.after(Duration::from_secs(1));
            state.expired(now);
        }
        prop_assert_eq!(state.deadline(), None);
        prop_assert_eq!(state.summary().held, 0);
        prop_assert_eq!(state.summary().held_bytes, 0);
    }
}
