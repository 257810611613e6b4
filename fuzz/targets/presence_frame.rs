#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| velox_fuzz::plain::<
    velox_mesh::wire::presence::PresenceFrame,
>(data, velox_mesh::wire::limits::NODE_FRAME));
