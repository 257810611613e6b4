//! A laboratory for other programs: hosts behind NATs, from a description in JSON.
//!
//! The first line of standard input is the description (`description.rs`), each further one an
//! order (`order.rs`); the first line of standard output says how to get inside the hosts:
//!
//! ```text
//! > {"hosts": [{"name": "ann", "address": "192.168.1.2", "delay_ms": 25,
//!               "nat": {"kind": "symmetric", "address": "20.1.0.1"}},
//!              {"name": "node", "address": "20.9.0.1"}]}
//! < {"event": "ready", "hosts": {"ann": {"namespace": "/proc/…/fd/…"}, "node": {"namespace": …}}}
//! > {"id": 1, "do": "line", "host": "ann", "delay_ms": 25, "loss": 0.1}
//! < {"event": "done", "id": 1}
//! ```
//!
//! `nsenter --net=<namespace>` runs a program on a host. The network ends when standard input
//! does, or with this program, however it ends: namespaces have no names and leave nothing.
#[cfg(target_os = "linux")]
mod bench;
#[cfg(target_os = "linux")]
mod description;
#[cfg(target_os = "linux")]
mod order;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    match bench::run() {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("velox-lab: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("velox-lab: hosts are made of Linux's network namespaces");
    std::process::exit(1);
}
