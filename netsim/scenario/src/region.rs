use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A place of the latency matrix.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
#[allow(missing_docs)]
pub enum Region {
    Dallas,
    Toronto,
    Washington,
    Frankfurt,
    London,
    Madrid,
    Osaka,
    Sydney,
    Tokyo,
    SaoPaulo,
}

impl Region {
    /// Every region, in the order of the matrix.
    pub const ALL: [Region; 10] = [
        Region::Dallas,
        Region::Toronto,
        Region::Washington,
        Region::Frankfurt,
        Region::London,
        Region::Madrid,
        Region::Osaka,
        Region::Sydney,
        Region::Tokyo,
        Region::SaoPaulo,
    ];

    /// Its name in scenarios and in the matrix.
    pub const fn name(self) -> &'static str {
        match self {
            Region::Dallas => "dallas",
            Region::Toronto => "toronto",
            Region::Washington => "washington",
            Region::Frankfurt => "frankfurt",
            Region::London => "london",
            Region::Madrid => "madrid",
            Region::Osaka => "osaka",
            Region::Sydney => "sydney",
            Region::Tokyo => "tokyo",
            Region::SaoPaulo => "sao_paulo",
        }
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
