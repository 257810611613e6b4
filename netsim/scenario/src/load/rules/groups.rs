use super::{Findings, known_group, known_rooms, positive, steps, within};
use crate::{Arrival, Behave, Carrier, Group, Kind, Scenario, Session, Step, mistake::meant};

pub(super) fn check(scenario: &Scenario, findings: &mut Findings<'_>) {
    for (index, group) in scenario.groups.iter().enumerate() {
        let path = steps!["group", index].to_vec();
        let mut check = Check {
            scenario,
            group,
            path,
            findings,
        };
        check.place();
        check.arrival();
        check.session();
        check.kind();
        check.carriers();
        check.behave();
        check.tied();
    }
}

struct Check<'c, 'd> {
    scenario: &'c Scenario,
    group: &'c Group,
    path: Vec<Step>,
    findings: &'c mut Findings<'d>,
}

impl Check<'_, '_> {
    fn of(&self, keys: &[&str]) -> Vec<Step> {
        let keys = keys.iter().map(|key| Step::from(*key));
        self.path.iter().cloned().chain(keys).collect()
    }

    fn say(&mut self, keys: &[&str], message: String) {
        let path = self.of(keys);
        self.findings.at(&path, message);
    }

    fn positive(&mut self, keys: &[&str], span: crate::Span) {
        let path = self.of(keys);
        positive(self.findings, &path, span.0);
    }

    fn within(&mut self, keys: &[&str], moment: crate::Span) {
        let path = self.of(keys);
        within(self.scenario, self.findings, &path, moment.0);
    }

    fn place(&mut self) {
        if self.group.regions.is_empty() {
            self.say(
                &["regions"],
                "`regions` is empty; leave it out for all ten".to_owned(),
            );
        }
        let network = &self.scenario.network;
        if let Some(link) = &self.group.link
            && network.link(link).is_none()
        {
            let names: Vec<_> = network.link_names().collect();
            let meant = meant(link, names);
            self.say(
                &["link"],
                format!("no link \"{link}\"{meant}, or write [network.links.{link}]"),
            );
        }
        let sum = self.group.nat().sum();
        if (sum - 1.0).abs() > 1e-6 {
            self.say(
                &["nat"],
                format!("the shares of `nat` add up to {sum}, but must to 1"),
            );
        }
    }

    fn arrival(&mut self) {
        match self.group.arrival {
            Arrival::AtOnce { at } => self.within(&["arrival", "at"], at),
            Arrival::Steady { from, over } => {
                self.within(&["arrival", "from"], from);
                self.positive(&["arrival", "over"], over);
            }
            Arrival::Flash { at, over } => {
                self.within(&["arrival", "at"], at);
                self.positive(&["arrival", "over"], over);
            }
            Arrival::Diurnal {
                from, period, over, ..
            } => {
                self.within(&["arrival", "from"], from);
                self.positive(&["arrival", "period"], period);
                if let Some(over) = over {
                    self.positive(&["arrival", "over"], over);
                }
                if self.group.replace && self.group.session != Session::Forever {
                    let message = "`replace` keeps a population as it is, while diurnal arrivals \
                                   let it follow the day; add `replace = false`";
                    self.say(&["arrival"], message.to_owned());
                }
            }
            Arrival::Event => {
                let starts = |event: &crate::Event| matches!(&event.action, crate::Action::Start { group, .. } if *group == self.group.name);
                if !self.scenario.events.iter().any(starts) {
                    let message = format!(
                        "group \"{0}\" never starts: no [[event]] has `do = \"start\"` and `group = \"{0}\"`",
                        self.group.name
                    );
                    self.say(&["arrival"], message);
                }
            }
        }
    }

    fn session(&mut self) {
        match self.group.session {
            Session::Exponential { mean } => self.positive(&["session", "mean"], mean),
            Session::Weibull { scale, .. } => self.positive(&["session", "scale"], scale),
            Session::Forever | Session::Trace { .. } => (),
        }
        if self.group.restart.is_some() && self.group.session == Session::Forever {
            let message = "nobody departs to come back: `restart` needs a `session` that ends \
                           (an event with `do = \"restart\"` needs neither)";
            self.say(&["restart"], message.to_owned());
        }
    }

    fn kind(&mut self) {
        let kind = self.group.kind;
        if kind != Kind::Browser && self.group.freeze.is_some() {
            self.say(
                &["freeze"],
                format!("a {} doesn't freeze, only a browser does", kind.name()),
            );
        }
        if let Some(freeze) = self.group.freeze {
            self.positive(&["freeze", "every"], freeze.every);
            self.positive(&["freeze", "for"], freeze.lasting);
        }
        if kind.is_peer() && self.group.bootstrap.is_some() {
            let message = format!(
                "a {} attaches to nodes; did you mean `attach = {{ to = [\"…\"] }}`?",
                kind.name()
            );
            self.say(&["bootstrap"], message);
        }
        if !kind.is_peer() && self.group.attach.is_some() {
            let message = format!(
                "a {} node doesn't attach; `attach` is for peers",
                kind.name()
            );
            self.say(&["attach"], message.replace("node node", "node"));
        }
    }

    fn carriers(&mut self) {
        let carriers = self.group.carriers();
        if carriers.is_empty() {
            self.say(
                &["carriers"],
                "`carriers` is empty; leave it out for the usual".to_owned(),
            );
        }
        let can = |carrier| matches!(carrier, Carrier::WebrtcDirect | Carrier::Ws);
        if self.group.kind == Kind::Browser && !carriers.iter().all(|carrier| can(*carrier)) {
            let message = "a browser has no QUIC and no TCP: its carriers are \"webrtc-direct\" \
                           and \"ws\"";
            self.say(&["carriers"], message.to_owned());
        }
        if self.scenario.network.wire && self.group.kind == Kind::Browser {
            let message = "with `wire` everybody speaks TCP, which a browser doesn't: let it be \
                           of kind \"native\"";
            self.say(&["kind"], message.to_owned());
        } else if self.scenario.network.wire && carriers != [Carrier::Tcp] {
            let message = "with `wire` everybody speaks TCP: write `carriers = [\"tcp\"]`";
            self.say(&["carriers"], message.to_owned());
        }
    }

    fn behave(&mut self) {
        let path = self.of(&["behave"]);
        behave(
            self.scenario,
            &self.group.behave,
            self.group.kind,
            &path,
            self.findings,
        );
    }

    /// The groups that it starts from or attaches to.
    fn tied(&mut self) {
        for (index, name) in self.group.bootstrap.iter().flatten().enumerate() {
            let path = [self.of(&["bootstrap"]), vec![Step::Index(index)]].concat();
            self.tie(name, &path, &[Kind::Bootstrap, Kind::Node]);
        }
        if !self.group.kind.is_peer() {
            return;
        }
        let attach = self.group.attach();
        for (index, name) in attach.to.iter().flatten().enumerate() {
            let path = [self.of(&["attach", "to"]), vec![Step::Index(index)]].concat();
            self.tie(name, &path, &[Kind::Node]);
        }
        if attach.known < attach.count {
            let message = format!(
                "`attach` knows {} nodes but keeps {} attachments; raise `known`",
                attach.known, attach.count
            );
            self.say(&["attach"], message);
        }
        let nodes = self.scenario.attaches_to(self.group);
        if nodes.is_empty() && attach.to.is_none() {
            let message = format!(
                "the peers of \"{}\" have nothing to attach to: the scenario has no group of kind \"node\"",
                self.group.name
            );
            self.say(&["kind"], message);
        }
        let dials = self.group.carriers();
        for node in nodes {
            if !dials.is_empty()
                && !node
                    .carriers()
                    .iter()
                    .any(|carrier| dials.contains(carrier))
            {
                let message = format!(
                    "\"{}\" can't attach to \"{}\": they have no carrier in common",
                    self.group.name, node.name
                );
                self.say(&["carriers"], message);
            }
        }
    }

    fn tie(&mut self, name: &str, path: &[Step], kinds: &[Kind]) {
        if !known_group(self.scenario, self.findings, path, name) {
            return;
        }
        let Some(other) = self.scenario.group(name) else {
            return;
        };
        if !kinds.contains(&other.kind) {
            let kinds: Vec<_> = kinds
                .iter()
                .map(|kind| format!("\"{}\"", kind.name()))
                .collect();
            let message = format!(
                "group \"{name}\" is of kind \"{}\", but must be of kind {}",
                other.kind.name(),
                kinds.join(" or ")
            );
            self.findings.at(path, message);
        }
    }
}

/// Whether hosts of a kind can behave so.
pub(super) fn behave(
    scenario: &Scenario,
    behave: &Behave,
    kind: Kind,
    path: &[Step],
    findings: &mut Findings<'_>,
) {
    let (name, can) = match behave {
        Behave::Honest => return,
        Behave::Spammer { .. } => ("spammer", kind.is_peer()),
        Behave::Sybil { .. } => ("sybil", kind == Kind::Node),
        Behave::Dropper { .. } => ("dropper", kind == Kind::Node),
        Behave::Liar { .. } => ("liar", kind == Kind::Node),
    };
    if !can {
        let who = match behave {
            Behave::Spammer { .. } => "a peer (kind \"browser\" or \"native\")",
            _ => "a node (kind \"node\")",
        };
        let message = format!("a {name} is {who}, not of kind \"{}\"", kind.name());
        findings.at(path, message);
    }
    if let Behave::Sybil { rooms } = behave {
        let path = [path, steps!["rooms"]].concat();
        known_rooms(scenario, findings, &path, rooms);
    }
}
