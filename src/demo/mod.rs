//! A whole mesh in one process, with an origin whose page shows what it does.
