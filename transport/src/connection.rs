//! One connection on its driver's side: str0m, its channels, and when it is over.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use str0m::{
    Candidate, Event, IceCreds, Input, Output, Rtc, RtcError,
    channel::{ChannelConfig, ChannelData, ChannelId},
    config::DtlsVersion,
    ice::{StunMessage, StunMessageBuilder, TransId},
    net::{Protocol, Receive},
};
use velox_sockets::Backlog;

use crate::{
    config::Config,
    crypto::{self, hmac_sha1},
    error::Ended,
    fingerprint::{Fingerprint, noise_prologue},
    frame::MAX_MESSAGE,
    link::{Link, NOISE, StreamId},
    pace::Pace,
    stream::state::State,
    stun::is_stun,
    username::Credentials,
    window::Window,
};

/// What goes to an address that hasn't proved to be the peer's, per byte that came from there
/// (RFC 9000, section 8).
const AMPLIFICATION: usize = 3;
/// Unread bytes of a peer that isn't authenticated.
const UNREAD_BEFORE_NOISE: usize = 64 * 1024;
/// What is under way when the window narrows; more than this on top of it is sent by nobody who
/// keeps to the rules.
const OVERRUN: usize = 1 << 20;

/// How often the round trip to a peer that is sent much is measured.
const PROBE_EVERY: Duration = Duration::from_secs(1);

/// Which end of a connection we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// We were dialed: ICE-lite, DTLS server, and the initiator of Noise.
    Server,
    /// We dialed.
    Client,
}

/// A connection whose channel 0 is open: Noise can begin.
#[derive(Debug)]
pub(crate) struct Arrived {
    pub(crate) link: Arc<Link>,
    pub(crate) prologue: Vec<u8>,
    pub(crate) local: SocketAddr,
    pub(crate) remote: SocketAddr,
}

pub(crate) struct Connection {
    rtc: Rtc,
    role: Role,
    pub(crate) link: Arc<Link>,
    pub(crate) local: SocketAddr,
    pub(crate) remote: SocketAddr,
    /// Where else it was heard from: a browser may move to another of its interfaces.
    pub(crate) aliases: Vec<SocketAddr>,
    pub(crate) credentials: Credentials,
    certificate: Fingerprint,
    window: Arc<Window>,
    pace: Pace<ChannelId>,
    noise: ChannelId,
    streams: HashMap<ChannelId, StreamId>,
    channels: HashMap<StreamId, ChannelId>,
    heard: Instant,
    probed: Option<(Instant, [u8; 12])>,
    handshake_until: Option<Instant>,
    deadline_check: Option<Instant>,
    timeout: Instant,
    /// When the driver comes next by itself.
    pub(crate) scheduled: Option<Instant>,
    /// The DTLS handshake is over, so the address is the peer's.
    proved: bool,
    received: usize,
    sent: usize,
    arrived: Option<Arrived>,
}

/// Everything that a connection needs from outside, for one step.
pub(crate) struct Step<'a> {
    pub(crate) config: &'a Config,
    pub(crate) now: Instant,
    pub(crate) backlog: &'a mut Backlog,
}

/// A peer's request, with USE-CANDIDATE. The key is known to both ends.
fn nominating(request: &[u8], credentials: &Credentials) -> Option<Vec<u8>> {
    let request = StunMessage::parse(request).ok()?;
    let nominating = StunMessageBuilder::new()
        .binding()
        .request()
        .username(request.username()?)
        .prio(request.prio()?)
        .ice_controlling(request.ice_controlling()?)
        .use_candidate()
        .build(request.trans_id());
    let mut bytes = vec![0; 1024];
    let key = credentials.server.as_bytes();
    let length = nominating.to_bytes(Some(key), &mut bytes, hmac_sha1).ok()?;
    bytes.truncate(length);
    Some(bytes)
}

fn failed(error: RtcError) -> Ended {
    Ended::Failed(error.to_string())
}

impl Connection {
    pub(crate) fn new(
        config: &Config,
        role: Role,
        credentials: Credentials,
        expected: Option<Fingerprint>,
        (local, remote): (SocketAddr, SocketAddr),
        link: Arc<Link>,
        now: Instant,
    ) -> Result<Self, Ended> {
        let ours = |ufrag: &str, pass: &str| IceCreds {
            ufrag: ufrag.to_owned(),
            pass: pass.to_owned(),
        };
        let server = ours(&credentials.server, &credentials.server);
        let client = ours(&credentials.client, &credentials.client_password);
        let is_server = role == Role::Server;
        let (here, there) = if is_server {
            (server, client)
        } else {
            (client, server)
        };
        let window = Window::new(config.receive_window);
        let setup = Rtc::builder()
            .set_dtls_cert(config.certificate.to_str0m())
            .set_dtls_version(DtlsVersion::Dtls12)
            .set_ice_lite(is_server)
            .set_fingerprint_verification(expected.is_some())
            .set_local_ice_credentials(here)
            .set_sctp_max_buffered_amount(config.send_window)
            .set_sctp_max_message_size(MAX_MESSAGE as u32)
            .clear_codecs();
        let mut rtc = crypto::build(setup, window.clone(), now);
        let candidate = |address| {
            Candidate::host(address, "udp").map_err(|error| Ended::Failed(error.to_string()))
        };
        rtc.add_local_candidate(candidate(local)?);
        if !is_server {
            rtc.add_remote_candidate(candidate(remote)?);
        }
        let mut direct = rtc.direct_api();
        direct.set_remote_ice_credentials(there);
        direct.set_ice_controlling(!is_server);
        // str0m wants one even where it isn't compared.
        direct.set_remote_fingerprint(expected.unwrap_or(Fingerprint::from([0; 32])).to_str0m());
        direct.start_dtls(!is_server).map_err(failed)?;
        direct.start_sctp(!is_server);
        let noise = direct.create_data_channel(ChannelConfig {
            negotiated: Some(0),
            ..ChannelConfig::default()
        });
        Ok(Connection {
            rtc,
            role,
            link,
            local,
            remote,
            aliases: Vec::new(),
            credentials,
            certificate: config.certificate.fingerprint(),
            window,
            pace: Pace::new(now),
            noise,
            streams: HashMap::from([(noise, NOISE)]),
            channels: HashMap::from([(NOISE, noise)]),
            heard: now,
            probed: None,
            handshake_until: Some(now + config.handshake_timeout),
            deadline_check: None,
            timeout: now,
            scheduled: None,
            proved: !is_server,
            received: 0,
            sent: 0,
            arrived: None,
        })
    }

    /// Counts what was exchanged before there was a connection, and lets ICE see it.
    ///
    /// Who begins DTLS on a path has chosen it. A browser says so only in its next request, 50 ms
    /// later, and until then ICE lets nothing out: the answer to the ClientHello would wait for
    /// that, and mostly for the browser's retransmission. So the request nominates here at once.
    pub(crate) fn introduce(&mut self, request: &[u8], received: usize, sent: usize, now: Instant) {
        self.received = received;
        self.sent = sent;
        let nominating = nominating(request, &self.credentials);
        let request = nominating.as_deref().unwrap_or(request);
        self.input(self.remote, request, now).ok();
        // It has been answered already.
        for _ in 0..64 {
            if let Ok(Output::Timeout(_)) | Err(_) = self.rtc.poll_output() {
                break;
            }
        }
    }

    /// A datagram from one of the peer's addresses.
    pub(crate) fn datagram(
        &mut self,
        source: SocketAddr,
        bytes: &[u8],
        step: &mut Step<'_>,
    ) -> Result<(), Ended> {
        self.received = self.received.saturating_add(bytes.len());
        self.heard = step.now;
        if let Some((asked, id)) = self.probed
            && is_stun(bytes)
            && bytes.get(8..20) == Some(&id[..])
        {
            self.pace
                .answered_after(step.now.saturating_duration_since(asked));
            return Ok(());
        }
        self.input(source, bytes, step.now)?;
        self.advance(step)
    }

    fn input(&mut self, source: SocketAddr, bytes: &[u8], now: Instant) -> Result<(), Ended> {
        // What can't be read is nobody's fault but the network's.
        let Ok(received) = Receive::new(Protocol::Udp, source, self.local, bytes) else {
            return Ok(());
        };
        self.rtc
            .handle_input(Input::Receive(now, received))
            .map_err(failed)
    }

    /// The time that the connection asked for has come, or it was called.
    pub(crate) fn wake(&mut self, step: &mut Step<'_>) -> Result<(), Ended> {
        self.answer();
        self.rtc
            .handle_input(Input::Timeout(step.now))
            .map_err(failed)?;
        self.check(step)?;
        self.advance(step)
    }

    fn answer(&self) {
        let mut shared = self.link.lock();
        shared.answered();
        self.window.set_unread(shared.unread);
        if std::mem::take(&mut shared.has_read) {
            self.window.reopen();
        }
    }

    fn check(&mut self, step: &mut Step<'_>) -> Result<(), Ended> {
        let now = step.now;
        let (authenticated, closing) = {
            let shared = self.link.lock();
            (shared.authenticated, shared.closing)
        };
        if authenticated {
            self.handshake_until = None;
        }
        if self.handshake_until.is_some_and(|until| until <= now) {
            return Err(Ended::HandshakeTimeout(step.config.handshake_timeout));
        }
        if closing {
            self.rtc.close().map_err(failed)?;
            self.drain(step)?;
            return Err(Ended::Closed);
        }
        let silence = now.saturating_duration_since(self.heard);
        if silence >= step.config.silence_timeout {
            return Err(Ended::Silent(step.config.silence_timeout));
        }
        if self.proved && self.probe_at(step.config) <= now {
            self.probe(step);
        }
        if self.deadline_check.is_some_and(|at| at <= now) {
            self.give_up_on_the_late(now);
        }
        Ok(())
    }

    fn give_up_on_the_late(&mut self, now: Instant) {
        let link = self.link.clone();
        let mut shared = link.lock();
        let (mut late, mut next) = (Vec::new(), None::<Instant>);
        for (id, stream) in &mut shared.streams {
            match stream.deadline {
                Some(deadline) if deadline <= now => {
                    stream.give_up();
                    late.push(*id);
                }
                Some(deadline) => next = Some(next.map_or(deadline, |next| next.min(deadline))),
                None => {}
            }
        }
        late.into_iter().for_each(|id| shared.stir(id));
        self.deadline_check = next;
    }

    /// When the peer is next asked for a sign, if it stays silent.
    fn probe_at(&self, config: &Config) -> Instant {
        let first = self.heard + config.silence_timeout / 2;
        match self.probed {
            Some((last, _)) if last >= self.heard => {
                first.max(last + (config.silence_timeout / 8).max(Duration::from_millis(20)))
            }
            _ => first,
        }
    }

    /// A STUN request, which every ICE agent answers.
    fn probe(&mut self, step: &mut Step<'_>) {
        let Credentials {
            server,
            client,
            client_password,
            ..
        } = &self.credentials;
        let (username, key) = match self.role {
            Role::Server => (format!("{client}:{server}"), client_password),
            Role::Client => (format!("{server}:{client}"), server),
        };
        let request = StunMessageBuilder::new()
            .binding()
            .request()
            .username(&username)
            .prio(1);
        let request = match self.role {
            Role::Server => request.ice_controlled(1),
            Role::Client => request.ice_controlling(1),
        };
        let mut bytes = vec![0; 1024];
        let message = request.build(TransId::new());
        if let Ok(length) = message.to_bytes(Some(key.as_bytes()), &mut bytes, hmac_sha1) {
            let mut id = [0; 12];
            id.copy_from_slice(&bytes[8..20]);
            self.probed = Some((step.now, id));
            step.backlog.push(self.local, self.remote, &bytes[..length]);
        }
    }

    /// Moves everything that can move.
    fn advance(&mut self, step: &mut Step<'_>) -> Result<(), Ended> {
        // Each round hands over what the one before made room for. Those that are cut off here
        // go on at the next datagram, or at once by the timeout.
        for _ in 0..64 {
            let opened = self.drain(step)?;
            self.go_on(step);
            let wrote = self.write(step);
            if !opened && !wrote {
                break;
            }
        }
        Ok(())
    }

    /// Takes str0m's output up to its next timeout. Whether a channel has opened.
    fn drain(&mut self, step: &mut Step<'_>) -> Result<bool, Ended> {
        let mut opened = false;
        let mut again = 16;
        loop {
            match self.rtc.poll_output().map_err(failed)? {
                Output::Timeout(at) if at <= step.now && again > 0 => {
                    again -= 1;
                    self.rtc
                        .handle_input(Input::Timeout(step.now))
                        .map_err(failed)?;
                }
                Output::Timeout(at) => {
                    self.timeout = at;
                    return Ok(opened);
                }
                Output::Transmit(transmit) => {
                    let bytes: &[u8] = &transmit.contents;
                    if self.proved || self.sent + bytes.len() <= AMPLIFICATION * self.received {
                        self.sent = self.sent.saturating_add(bytes.len());
                        let to = transmit.destination;
                        if let Some(bytes) = self.pace.pass(to, bytes, step.config, step.now) {
                            step.backlog.push(self.local, to, bytes);
                        }
                    }
                }
                Output::Event(event) => opened |= self.event(event, step)?,
            }
        }
    }

    fn event(&mut self, event: Event, step: &mut Step<'_>) -> Result<bool, Ended> {
        match event {
            Event::Connected => self.proved = true,
            Event::ChannelOpen(channel, _) if channel == self.noise => self.arrive()?,
            Event::ChannelOpen(channel, _) => {
                self.opened(channel, step.config);
                return Ok(true);
            }
            Event::ChannelData(data) => self.data(&data, step.config)?,
            Event::ChannelClose(channel) => self.closed(channel),
            Event::Closed => return Err(Ended::ByPeer),
            _ => {}
        }
        Ok(false)
    }

    fn arrive(&mut self) -> Result<(), Ended> {
        let fingerprint = self.rtc.direct_api().remote_dtls_fingerprint().cloned();
        let Some(theirs) = fingerprint.as_ref().and_then(Fingerprint::from_str0m) else {
            return Err(Ended::Failed("the peer showed no certificate".to_owned()));
        };
        let (client, server) = match self.role {
            Role::Server => (theirs, self.certificate),
            Role::Client => (self.certificate, theirs),
        };
        self.arrived = Some(Arrived {
            link: self.link.clone(),
            prologue: noise_prologue(client, server),
            local: self.local,
            remote: self.remote,
        });
        Ok(())
    }

    /// What the transport is to be told, once.
    pub(crate) fn take_arrived(&mut self) -> Option<Arrived> {
        self.arrived.take()
    }

    fn opened(&mut self, channel: ChannelId, config: &Config) {
        let link = self.link.clone();
        let mut shared = link.lock();
        if let Some(&id) = self.streams.get(&channel) {
            shared.stir(id);
            return;
        }
        if shared.streams.len() >= config.max_streams {
            drop(shared);
            self.rtc.direct_api().close_data_channel(channel);
            return;
        }
        let id = shared.add(State::theirs());
        shared.inbound.push_back(id);
        crate::link::wake(&mut shared.inbound_waker);
        self.streams.insert(channel, id);
        self.channels.insert(id, channel);
    }

    fn data(&mut self, data: &ChannelData, config: &Config) -> Result<(), Ended> {
        let Some(&id) = self.streams.get(&data.id) else {
            return Ok(());
        };
        let link = self.link.clone();
        let mut shared = link.lock();
        let Some(stream) = shared.streams.get_mut(&id) else {
            return Ok(());
        };
        match stream.receive(&data.data) {
            Ok(more) => {
                shared.unread += more;
                self.window.set_unread(shared.unread);
                shared.stir(id);
                let most = if shared.authenticated {
                    config.receive_window + OVERRUN
                } else {
                    UNREAD_BEFORE_NOISE
                };
                if shared.unread > most {
                    return Err(Ended::Overrun);
                }
            }
            Err(error) => {
                tracing::debug!(remote = %self.remote, %error, "stream reset");
                stream.lose();
                drop(shared);
                self.rtc.direct_api().close_data_channel(data.id);
            }
        }
        Ok(())
    }

    fn closed(&mut self, channel: ChannelId) {
        let Some(id) = self.streams.remove(&channel) else {
            return;
        };
        self.channels.remove(&id);
        let mut shared = self.link.lock();
        if let Some(stream) = shared.streams.get_mut(&id) {
            stream.lose();
            if stream.is_abandoned() {
                shared.remove(id);
            }
        }
    }

    /// Hands messages of streams to SCTP, one each in turn, until it takes no more. Whether it
    /// took any.
    fn write(&mut self, step: &mut Step<'_>) -> bool {
        let link = self.link.clone();
        let mut shared = link.lock();
        for id in std::mem::take(&mut shared.opening) {
            let channel = self
                .rtc
                .direct_api()
                .create_data_channel(ChannelConfig::default());
            self.streams.insert(channel, id);
            self.channels.insert(id, channel);
            self.timeout = step.now;
        }
        let mut wrote = false;
        let until = step.now + step.config.fin_ack_timeout;
        while let Some(id) = shared.stirred.pop_front() {
            let Some(stream) = shared.streams.get_mut(&id) else {
                continue;
            };
            let Some(&channel) = self.channels.get(&id) else {
                stream.queued = false;
                if stream.is_abandoned() && stream.is_over() {
                    shared.remove(id);
                }
                continue;
            };
            if !self.pace.has_room(step.config) {
                shared.stirred.push_front(id);
                break;
            }
            let Some(mut open) = self.rtc.channel(channel) else {
                // It is stirred again when it opens.
                stream.queued = false;
                continue;
            };
            let Some(message) = stream.next_message(until) else {
                stream.queued = false;
                if stream.is_over() {
                    self.finish(&mut shared, id, channel, until);
                    wrote = true;
                }
                continue;
            };
            match open.write(true, &message) {
                Ok(true) => {
                    wrote = true;
                    self.pace.taken(channel, message.len());
                    if stream.deadline.is_some() {
                        self.check_by(until);
                    }
                    shared.stirred.push_back(id);
                }
                Ok(false) => {
                    stream.refuse(message);
                    shared.stirred.push_front(id);
                    break;
                }
                Err(error) => {
                    tracing::debug!(remote = %self.remote, %error, "stream lost");
                    stream.queued = false;
                    stream.lose();
                }
            }
        }
        drop(shared);
        // How far away the peer is matters to those alone who send it much.
        if self.pace.unacknowledged() > step.config.send_burst / 2
            && self
                .probed
                .is_none_or(|(last, _)| last + PROBE_EVERY <= step.now)
        {
            self.probe(step);
        }
        wrote
    }

    /// Reckons what the peer hasn't acknowledged, and sends what may go by now.
    fn go_on(&mut self, step: &mut Step<'_>) {
        let rtc = &mut self.rtc;
        let amount = |id| rtc.channel(id).map_or(0, |mut open| open.buffered_amount());
        self.pace.recount(amount, step.now);
        while let Some((to, datagram)) = self.pace.next(step.config, step.now) {
            step.backlog.push(self.local, to, &datagram);
        }
    }

    /// Both ends have said everything on this channel. Until `until` the peer may close it where
    /// that is the peer's turn.
    fn finish(
        &mut self,
        shared: &mut crate::link::Shared,
        id: StreamId,
        channel: ChannelId,
        until: Instant,
    ) {
        // The dialer closes the Noise channel: it is the one who hears the last message.
        if id == NOISE && self.role == Role::Server {
            return;
        }
        let Some(stream) = shared.streams.get_mut(&id) else {
            return;
        };
        if !stream.is_ours_to_close(until) {
            self.check_by(until);
            return;
        }
        self.rtc.direct_api().close_data_channel(channel);
        if stream.is_abandoned() {
            shared.remove(id);
        }
    }

    fn check_by(&mut self, at: Instant) {
        self.deadline_check = Some(self.deadline_check.map_or(at, |check| check.min(at)));
    }

    /// When the driver has to come again.
    pub(crate) fn next(&self, config: &Config) -> Instant {
        let silent = self.heard + config.silence_timeout;
        let mut next = self.timeout.min(silent);
        if self.proved {
            next = next.min(self.probe_at(config));
        }
        let paced = self.pace.due(config);
        for at in [self.handshake_until, self.deadline_check, paced]
            .into_iter()
            .flatten()
        {
            next = next.min(at);
        }
        next
    }

    pub(crate) fn is_server(&self) -> bool {
        self.role == Role::Server
    }

    /// Whether the handshake isn't over.
    pub(crate) fn is_handshaking(&self) -> bool {
        self.handshake_until.is_some()
    }

    /// Tells the peer that it is over, where that is still possible.
    pub(crate) fn farewell(&mut self, step: &mut Step<'_>) {
        if self.rtc.close().is_ok() {
            let _ = self.drain(step);
        }
    }
}
