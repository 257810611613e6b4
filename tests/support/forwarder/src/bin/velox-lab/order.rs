//! What the laboratory may be told while it runs.

use std::net::Ipv4Addr;

use serde::Deserialize;

use crate::description::{LineDescription, NatDescription};

/// An order, and the number that its answer has.
#[derive(Debug, PartialEq, Deserialize)]
pub struct Numbered {
    pub id: u64,
    #[serde(flatten)]
    pub order: Order,
}

/// What to do.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Order {
    /// Puts a host behind another NAT, which knows of nothing that was before; as the host's
    /// router does that restarts and is given another address.
    Nat { host: String, nat: NatDescription },
    /// The same, and gives the host another address of its own; as a phone that leaves a wifi.
    Move {
        host: String,
        address: Ipv4Addr,
        nat: NatDescription,
    },
    /// Changes a host's line.
    Line {
        host: String,
        #[serde(flatten)]
        line: LineDescription,
    },
    /// Asks what the forwarder has done since this was asked last.
    Figures,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_read() {
        let read = |text: &str| serde_json::from_str::<Numbered>(text).unwrap().order;
        assert_eq!(
            read(r#"{"id": 1, "do": "line", "host": "ann", "delay_ms": 5}"#),
            Order::Line {
                host: "ann".to_owned(),
                line: LineDescription {
                    delay_ms: 5,
                    loss: 0.0
                },
            }
        );
        let nat = r#"{"kind": "symmetric", "address": "20.1.0.7"}"#;
        assert!(matches!(
            read(&format!(
                r#"{{"id": 2, "do": "nat", "host": "ann", "nat": {nat}}}"#
            )),
            Order::Nat { .. }
        ));
        assert!(matches!(
            read(&format!(
                r#"{{"id": 3, "do": "move", "host": "ann", "address": "10.0.0.2", "nat": {nat}}}"#
            )),
            Order::Move { .. }
        ));
        assert_eq!(read(r#"{"id": 4, "do": "figures"}"#), Order::Figures);
    }
}
