//! Metrics and assertions in words.

use netsim_scenario::{
    Assertion, Expectation, Span, Stat, Window,
    metrics::{self, Better, Metric},
};

use crate::Unit;

/// What tables and plots call a metric; its own name where the catalogue has none such.
pub fn title(metric: &str) -> String {
    if let Some(honest) = metric.strip_prefix("honest.") {
        return format!("{}, honest only", title(honest));
    }
    if let Some(duty) = metric.strip_prefix("duty.") {
        let (duty, of) = duty.split_once('.').unwrap_or((duty, ""));
        let of = if of.starts_with("bytes") {
            "Bytes"
        } else {
            "Messages"
        };
        return format!("{of} of a node for {}", duty_title(duty));
    }
    let title = match metric {
        "nodes.alive" => "Nodes up",
        "peers.alive" => "Peers up",
        "node.ready" => "Time until a new node is ready",
        "node.ready_found" => "New nodes ready within 30 s",
        "gossip.latency" => "Time of a join to another node",
        "gossip.delivery" => "Joins that reach a node within 10 s",
        "join.seen_half" => "Time until half of the room sees a join",
        "join.seen_99" => "Time until 99 % of the room see a join",
        "join.seen_all" => "Time until all of the room see a join",
        "join.found" => "Joins that find a member within 3 s",
        "join.first" => "Time until a peer that joins sees a member",
        "sight.mutual" => "Time until a pair sees each other",
        "sight.mutual_found" => "Pairs that see each other within 10 s",
        "sample.full" => "Time until a peer that joins sees a full sample",
        "sample.found" => "Joins that see a full sample within 10 s",
        "presence.agreement" => "Live pairs that agree on presence",
        "presence.ghosts" => "Ghosts",
        "ghost.life" => "Time until a crashed member is gone",
        "envelope.latency" => "Time of an envelope",
        "envelope.acked" => "Envelopes acknowledged",
        "lookup.first" => "Time to the first provider",
        "lookup.end" => "Time of a whole look-up",
        "lookup.found" => "Look-ups that find a provider",
        "attach.first" => "Time to the first attachment",
        "attach.again" => "Time to attach again",
        "attach.without" => "Time without any attachment",
        "attach.lost" => "Attachments lost",
        "neighbour.sync" => "Time until a new neighbour is up to date",
        "neighbour.bytes_per_second" => "Bytes of a connection between nodes",
        "refusals" => "Refusals of the honest",
        "quota.overruns" => "Nodes seen beyond a bound",
        "node.connections" => "Connections of a node",
        "node.bytes_per_second" => "Bytes of a node",
        "node.messages_per_second" => "Messages of a node",
        "peer.bytes_per_second" => "Bytes of a peer",
        "memory.total" => "Memory of the simulation",
        "memory.per_host" => "Memory for each host",
        "wall.per_virtual_second" => "Wall time for a virtual second",
        "events.per_virtual_second" => "Events in a virtual second",
        other => other,
    };
    title.to_owned()
}

/// What a node's traffic is for.
pub fn duty_title(duty: &str) -> &str {
    match duty {
        "gossip" => "gossip",
        "kad" => "the DHT",
        "identify" => "identify",
        "ping" => "ping",
        "attach" => "attachments",
        "presence" => "presence",
        "signal" => "envelopes",
        "discovery" => "discovery",
        "other" => "all else",
        duty => duty,
    }
}

/// The unit of a metric's values.
pub fn unit(metric: &str) -> Unit {
    metrics::find(metric).map_or(Unit::Number, |metric| Unit::from(metric.unit))
}

/// What a metric is, in a sentence.
pub fn about(metric: &str) -> &'static str {
    metrics::find(metric).map_or("", |metric| metric.about)
}

/// The unit of one of a metric's statistics.
pub fn unit_of(metric: &str, stat: Stat) -> Unit {
    metrics::find(metric).map_or(Unit::Number, |metric| Unit::from(metric.unit_of(stat)))
}

pub fn better(metric: &str) -> Better {
    metrics::find(metric).map_or(Better::Neither, |metric| metric.better)
}

/// Whether more of a statistic is better: of an outcome, misses are worse, whatever it is.
pub fn better_of(metric: &str, stat: Stat) -> Better {
    match stat {
        Stat::Misses => Better::Lower,
        Stat::Count => Better::Neither,
        _ => better(metric),
    }
}

/// `Time to the first provider: 99 % at most 2 s, from 2 min to 12 min`.
pub fn promise(assertion: &Assertion) -> String {
    let metric = assertion.metric;
    let title = title(metric.name);
    let amount = |stat, value| Unit::from(metric.unit_of(stat)).say(value);
    let expected = match &assertion.expect {
        Expectation::AtMost { stat, value } => at_most(metric, *stat, &amount(*stat, *value)),
        Expectation::AtLeast { stat, value } => at_least(metric, *stat, &amount(*stat, *value)),
        Expectation::AtMostTimes { stat, times, of } => {
            format!(
                "{} at most {times} × what it is {}",
                of_stat(*stat),
                period(of)
            )
        }
        Expectation::AtLeastTimes { stat, times, of } => {
            format!(
                "{} at least {times} × what it is {}",
                of_stat(*stat),
                period(of)
            )
        }
        Expectation::Recovers { to, within } => {
            let to = Unit::from(metric.unit).say(*to);
            let side = if metric.better == Better::Lower {
                "down to"
            } else {
                "up to"
            };
            format!("back {side} {to} within {}", span(*within))
        }
    };
    let whole = assertion.window == Window::default();
    let window = if whole {
        String::new()
    } else {
        format!(", {}", period(&assertion.window))
    };
    format!("{title}: {}{window}", expected.trim_start())
}

fn at_most(metric: &Metric, stat: Stat, bound: &str) -> String {
    match (stat.quantile(), stat) {
        (_, Stat::Max) if bound == "0" => "none".to_owned(),
        (_, Stat::Total) if bound == "0" => "none".to_owned(),
        (_, Stat::Max) => format!("never more than {bound}"),
        (Some(q), _) if metric.better == Better::Lower && stat != Stat::Min => {
            format!("{} at most {bound}", part(q))
        }
        _ => format!("{} at most {bound}", of_stat(stat)),
    }
}

fn at_least(metric: &Metric, stat: Stat, bound: &str) -> String {
    match (stat.quantile(), stat) {
        (_, Stat::Min) => format!("never less than {bound}"),
        (Some(q), _) if metric.better == Better::Higher && stat != Stat::Max => {
            format!("{} at least {bound}", part(1.0 - q))
        }
        _ => format!("{} at least {bound}", of_stat(stat)),
    }
}

fn part(q: f64) -> String {
    if q == 0.5 {
        "half".to_owned()
    } else {
        Unit::Share.say((q * 1e6).round() / 1e6)
    }
}

fn of_stat(stat: Stat) -> &'static str {
    match stat {
        Stat::Share => "",
        Stat::Mean => "on average",
        Stat::Min => "the least",
        Stat::Max => "the most",
        Stat::P50 => "the median",
        Stat::Last => "in the end",
        Stat::Total => "in all",
        Stat::PerSecond => "each second",
        Stat::Count => "how many,",
        Stat::Misses => "misses,",
        other => other.name(),
    }
}

fn period(window: &Window) -> String {
    match (&window.after, window.from.map(span), window.to.map(span)) {
        (None, None, None) => "over the whole run".to_owned(),
        (None, Some(from), None) => format!("from {from} on"),
        (None, None, Some(to)) => format!("until {to}"),
        (None, Some(from), Some(to)) => format!("from {from} to {to}"),
        (Some(after), None, None) => format!("after “{after}”"),
        (Some(after), Some(from), None) => format!("from {from} after “{after}” on"),
        (Some(after), None, Some(to)) => format!("in the {to} after “{after}”"),
        (Some(after), Some(from), Some(to)) => format!("from {from} to {to} after “{after}”"),
    }
}

fn span(span: Span) -> String {
    crate::unit::length(span.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_has_a_title() {
        for metric in metrics::ALL {
            assert_ne!(title(metric.name), metric.name);
        }
    }

    fn said(expect: Expectation, metric: &'static Metric, after: Option<&str>) -> String {
        let after = after.map(str::to_owned);
        let to = after.is_some().then_some(Span::secs(60));
        let window = Window {
            after,
            from: None,
            to,
        };
        promise(&Assertion {
            metric,
            expect,
            window,
            why: None,
        })
    }

    #[test]
    fn promises_read_as_sentences() {
        use metrics::{LOOKUP_FIRST, LOOKUP_FOUND, PRESENCE_AGREEMENT, QUOTA_OVERRUNS};
        let at_most = |stat, value| Expectation::AtMost { stat, value };
        let at_least = |stat, value| Expectation::AtLeast { stat, value };
        for (expect, metric, after, text) in [
            (
                at_most(Stat::P99, 2000.0),
                &LOOKUP_FIRST,
                None,
                "Time to the first provider: 99 % at most 2 s",
            ),
            (
                at_most(Stat::P50, 500.0),
                &LOOKUP_FIRST,
                Some("kill"),
                "Time to the first provider: half at most 500 ms, in the 1 min after “kill”",
            ),
            (
                at_least(Stat::Share, 0.995),
                &LOOKUP_FOUND,
                None,
                "Look-ups that find a provider: at least 99.5 %",
            ),
            (
                at_least(Stat::P1, 0.9),
                &PRESENCE_AGREEMENT,
                None,
                "Live pairs that agree on presence: 99 % at least 90 %",
            ),
            (
                at_most(Stat::Total, 0.0),
                &QUOTA_OVERRUNS,
                None,
                "Nodes seen beyond a bound: none",
            ),
            (
                Expectation::Recovers {
                    to: 0.99,
                    within: Span::secs(15),
                },
                &PRESENCE_AGREEMENT,
                Some("half dies"),
                "Live pairs that agree on presence: back up to 99 % within 15 s, in the 1 min after “half dies”",
            ),
            (
                Expectation::AtMostTimes {
                    stat: Stat::P99,
                    times: 1.5,
                    of: Window {
                        to: Some(Span::secs(60)),
                        ..Window::default()
                    },
                },
                &LOOKUP_FIRST,
                None,
                "Time to the first provider: p99 at most 1.5 × what it is until 1 min",
            ),
        ] {
            assert_eq!(said(expect, metric, after), text);
        }
    }
}
