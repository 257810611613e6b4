#![no_main]
libfuzzer_sys::fuzz_target!(
    |data: &[u8]| velox_fuzz::signed::<velox_mesh::wire::presence::Count>(data)
);
