//! The cryptography behind str0m: its aws-lc-rs backend, but for DTLS, whose configuration is
//! made once. str0m's own provider makes one per connection, and with it runs a self-test that
//! costs more than a millisecond.
//!
//! Nothing here is installed process-wide.

use std::{
    cell::RefCell,
    sync::{Arc, LazyLock, OnceLock},
    time::Instant,
};

use dimpl::Dtls;
use str0m::{
    Rtc, RtcConfig,
    config::{CryptoProvider, DtlsCert, DtlsVersion},
    crypto::{
        CryptoError,
        dtls::{DtlsImplError, DtlsInstance, DtlsOutput, DtlsProvider, ProtocolVersion},
    },
};

use crate::window::{Rewriter, Window};

static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| {
    Arc::new(CryptoProvider {
        dtls_provider: &CachedDtls,
        ..str0m::crypto::from_feature_flags()
    })
});

pub(crate) fn provider() -> &'static Arc<CryptoProvider> {
    &PROVIDER
}

/// HMAC-SHA1, STUN's integrity.
pub(crate) fn hmac_sha1(key: &[u8], parts: &[&[u8]]) -> [u8; 20] {
    PROVIDER.sha1_hmac_provider.sha1_hmac(key, parts)
}

#[derive(Debug)]
struct CachedDtls;

static CONFIG: OnceLock<Arc<dimpl::Config>> = OnceLock::new();

impl DtlsProvider for CachedDtls {
    fn generate_certificate(&self) -> Option<DtlsCert> {
        None
    }

    fn new_dtls(
        &self,
        certificate: &DtlsCert,
        now: Instant,
        _: DtlsVersion,
        mtu: Option<usize>,
    ) -> Result<Box<dyn DtlsInstance>, CryptoError> {
        let config = match CONFIG.get() {
            Some(config) => config.clone(),
            None => {
                // No cookie: it would cost every browser a round trip. What is sent to an
                // address that hasn't proved itself is bounded by what came from it instead.
                let mut builder = dimpl::Config::builder().use_server_cookie(false);
                if let Some(mtu) = mtu {
                    builder = builder.mtu(mtu);
                }
                let config = builder.build().map_err(|error| {
                    CryptoError::Other(format!("DTLS can't be set up: {error}"))
                })?;
                CONFIG.get_or_init(|| Arc::new(config)).clone()
            }
        };
        let window = NEXT_WINDOW
            .take()
            .unwrap_or_else(|| Window::new(usize::MAX));
        Ok(Box::new(Instance {
            dtls: Dtls::new_12(config, certificate.clone(), now),
            rewriter: Rewriter::new(window),
        }))
    }
}

thread_local! {
    /// The window of the connection that is being made: str0m has no way to hand it on.
    static NEXT_WINDOW: RefCell<Option<Arc<Window>>> = const { RefCell::new(None) };
}

/// Makes a connection whose SCTP offers no more than `window` has room for.
pub(crate) fn build(config: RtcConfig, window: Arc<Window>, now: Instant) -> Rtc {
    NEXT_WINDOW.set(Some(window));
    config.set_crypto_provider(PROVIDER.clone()).build(now)
}

#[derive(Debug)]
struct Instance {
    dtls: Dtls,
    rewriter: Rewriter,
}

impl DtlsInstance for Instance {
    fn set_active(&mut self, active: bool) {
        self.dtls.set_active(active);
    }

    fn handle_packet(&mut self, packet: &[u8]) -> Result<(), DtlsImplError> {
        self.dtls.handle_packet(packet)
    }

    fn poll_output<'a>(&mut self, buffer: &'a mut [u8]) -> DtlsOutput<'a> {
        if let Some(update) = self.rewriter.update()
            && !matches!(self.dtls.send_application_data(&update), Ok(taken) if taken > 0)
        {
            self.rewriter.postpone();
        }
        self.dtls.poll_output(buffer)
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), DtlsImplError> {
        self.dtls.handle_timeout(now)
    }

    fn send_application_data(&mut self, data: &[u8]) -> Result<usize, DtlsImplError> {
        let Some(narrowed) = self.rewriter.narrow(data) else {
            return self.dtls.send_application_data(data);
        };
        self.dtls.send_application_data(&narrowed)
    }

    fn is_active(&self) -> bool {
        self.dtls.is_active()
    }

    fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.dtls.protocol_version()
    }

    fn is_closing(&self) -> bool {
        self.dtls.is_closing()
    }

    fn is_closed(&self) -> bool {
        self.dtls.is_closed()
    }

    fn close(&mut self) -> Result<(), DtlsImplError> {
        self.dtls.close()
    }
}
