//! A host: a network namespace and its one interface.

use std::{
    fs::File,
    io,
    net::Ipv4Addr,
    os::fd::AsRawFd,
    path::PathBuf,
    process::{self, Command, Stdio},
    sync::Arc,
    thread,
};

use nix::sched::{CloneFlags, setns, unshare};
use tun_rs::{DeviceBuilder, SyncDevice};

use crate::Error;

/// The interface's name in every host.
const INTERFACE: &str = "velox0";

/// A host of its own, as far as the network is concerned.
pub struct Host {
    address: Ipv4Addr,
    namespace: File,
    pub(crate) device: Arc<SyncDevice>,
}

impl Host {
    /// A host with this address, from which everything else is reached by its one interface.
    pub fn new(address: Ipv4Addr) -> Result<Self, Error> {
        let failed = |what| {
            move |source| Error::Host {
                what,
                address,
                source,
            }
        };
        on_a_thread(|| {
            unshare(CloneFlags::CLONE_NEWNET)
                .map_err(io::Error::from)
                .map_err(failed("make a network namespace"))?;
            let namespace = File::open("/proc/thread-self/ns/net")
                .map_err(failed("open its network namespace"))?;
            let device = DeviceBuilder::new()
                .name(INTERFACE)
                .ipv4(address, 32, None)
                .mtu(1500)
                .build_sync()
                .and_then(|device| device.set_nonblocking(true).map(|()| device))
                .map_err(failed("make a TUN device"))?;
            ip(&["link", "set", "lo", "up"]).map_err(failed("bring the loopback up"))?;
            ip(&["route", "add", "default", "dev", INTERFACE]).map_err(failed("add a route"))?;
            Ok(Host {
                address,
                namespace,
                device: Arc::new(device),
            })
        })
    }

    /// Its address.
    pub fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// Gives it another address in place of the one that it has: sockets that are bound to the
    /// old one are of no use any more, as when a phone leaves a wifi.
    pub fn readdress(&mut self, address: Ipv4Addr) -> Result<(), Error> {
        let old = self.address;
        let failed = |source| Error::Host {
            what: "change the address",
            address: old,
            source,
        };
        if address != old {
            // The new one first: an interface without an address loses its routes.
            self.inside(|| {
                let change = |what, address| {
                    ip(&["address", what, &format!("{address}/32"), "dev", INTERFACE])
                };
                change("add", address).and_then(|()| change("del", old))
            })?
            .map_err(failed)?;
            self.address = address;
        }
        Ok(())
    }

    /// Its network namespace, for other programs to enter while this host is there:
    /// `nsenter --net=<path>`.
    pub fn namespace(&self) -> PathBuf {
        let descriptor = self.namespace.as_raw_fd();
        format!("/proc/{}/fd/{descriptor}", process::id()).into()
    }

    /// Moves the calling thread to this host, for good: sockets that it opens and processes
    /// and threads that it starts from now on are the host's.
    pub fn enter(&self) -> Result<(), Error> {
        setns(&self.namespace, CloneFlags::CLONE_NEWNET).map_err(|error| Error::Host {
            what: "enter the network namespace",
            address: self.address,
            source: error.into(),
        })
    }

    /// What `act` returns when it is called on this host.
    pub fn inside<T: Send>(&self, act: impl FnOnce() -> T + Send) -> Result<T, Error> {
        on_a_thread(|| {
            self.enter()?;
            Ok(act())
        })
    }
}

/// A namespace is a thread's, so what changes it has a thread of its own.
fn on_a_thread<T: Send>(act: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| match scope.spawn(act).join() {
        Ok(result) => result,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}

fn ip(arguments: &[&str]) -> io::Result<()> {
    let output = Command::new("ip")
        .args(arguments)
        .stdin(Stdio::null())
        .output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!(
        "`ip {}`: {}",
        arguments.join(" "),
        said.trim()
    )))
}
