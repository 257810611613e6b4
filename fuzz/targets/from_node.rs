#![no_main]
libfuzzer_sys::fuzz_target!(
    |data: &[u8]| velox_fuzz::plain::<velox_mesh::wire::attach::FromNode>(
        data,
        velox_mesh::wire::limits::MESSAGE
    )
);
