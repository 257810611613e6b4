//! How NATs behave.

use serde::{Deserialize, Serialize};

/// Which destinations share an outer port (RFC 4787, section 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mapping {
    /// All: one outer port for an inner one.
    EndpointIndependent,
    /// None: an outer port for each address and port.
    AddressAndPortDependent,
}

/// Who may answer to an outer port (RFC 4787, section 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filtering {
    /// Whoever knows it.
    EndpointIndependent,
    /// Addresses to which something was sent from it.
    AddressDependent,
    /// Addresses and ports to which something was sent from it.
    AddressAndPortDependent,
}

/// The kinds of NAT that browsers are behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// One outer port for an inner one, and whoever knows it gets in.
    FullCone,
    /// One outer port, to which those addresses answer that were spoken to.
    Restricted,
    /// One outer port, to which those addresses and ports answer that were spoken to: most homes.
    PortRestricted,
    /// Another outer port, any free one, for each address and port: many companies.
    Symmetric,
    /// A firewall that lets no UDP through, and TCP out.
    UdpBlocked,
    /// A home's port-restricted NAT behind a carrier's. RFC 6888 (REQ-1) asks the carrier for
    /// endpoint-independent mapping and leaves the filtering open; here both filter by address
    /// and port, as the strictest of carriers that follow it do.
    CarrierGrade,
}

impl Kind {
    /// How it maps; in the case of two NATs, each of them.
    pub fn mapping(self) -> Mapping {
        match self {
            Kind::Symmetric => Mapping::AddressAndPortDependent,
            _ => Mapping::EndpointIndependent,
        }
    }

    /// How it filters; in the case of two NATs, each of them.
    pub fn filtering(self) -> Filtering {
        match self {
            Kind::FullCone => Filtering::EndpointIndependent,
            Kind::Restricted => Filtering::AddressDependent,
            _ => Filtering::AddressAndPortDependent,
        }
    }

    /// Whether UDP gets through at all.
    pub fn carries_udp(self) -> bool {
        self != Kind::UdpBlocked
    }
}
