#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| velox_fuzz::turn_stream(data));
