use std::{io, net::SocketAddr};

use socket2::{Domain, Type};
use tokio::net::TcpListener;

/// Connections that wait to be accepted.
const WAITING: i32 = 1_024;

/// A listener on the present Tokio runtime, whose port can be listened on again as soon as it has
/// ended. One on an IPv6 address takes nothing by IPv4, so that both families may have the port.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = socket2::Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(WAITING)?;
    TcpListener::from_std(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn both_families_have_the_port() {
        let v4 = listen("0.0.0.0:0".parse().unwrap()).unwrap();
        let port = v4.local_addr().unwrap().port();
        let v6 = listen(SocketAddr::from(([0_u16; 8], port)));
        // A host may have no IPv6, but not an IPv6 that is in IPv4's way.
        let taken = v6.is_err_and(|error| error.kind() == io::ErrorKind::AddrInUse);
        assert!(!taken);
    }
}
