use std::path::Path;

use crate::{Scenario, ScenarioError, Span};

/// A scenario that is right, 12 lines long, to which each test adds what is wrong.
const BASE: &str = r#"name = "base"
duration = "10m"
warmup = "1m"
[[group]]
name = "nodes"
kind = "node"
count = 10
[[group]]
name = "peers"
kind = "browser"
count = 20
# line 12
"#;

const ROOMS: &str = "[[rooms]]\nname = 'small'\n";

fn wrong_in(text: &str) -> String {
    Scenario::parse(Path::new("a.toml"), text)
        .unwrap_err()
        .to_string()
}

fn wrong(added: &str) -> String {
    wrong_in(&format!("{BASE}{added}"))
}

/// Every line of `cases` is refused with the message beside it.
fn refused(cases: &[(&str, &str)]) {
    for (added, message) in cases {
        assert_eq!(&wrong(added), message, "{added}");
    }
}

#[test]
fn what_is_right_is_read() {
    let scenario = Scenario::parse(Path::new("a.toml"), BASE).unwrap();
    assert_eq!(scenario.groups.len(), 2);
    assert_eq!(scenario.seed, 1);
    assert_eq!(scenario.sample_every, Span::secs(5));
    assert_eq!(scenario.groups[0].link(), "datacenter");
    assert_eq!(scenario.groups[1].link(), "home");
    assert_eq!(scenario.bootstraps(&scenario.groups[0])[0].name, "nodes");
    assert_eq!(scenario.attaches_to(&scenario.groups[1])[0].name, "nodes");
}

#[test]
fn unknown_keys_are_named_with_what_was_meant() {
    refused(&[
        (
            "sesion = { kind = 'forever' }",
            "a.toml:13:1: unknown key `sesion` in [[group]] \"peers\"; did you mean `session`?",
        ),
        (
            "session = { kind = 'exponential', mean = '1m', shap = 2 }",
            "a.toml:13:48: unknown key `shap` in `session` of [[group]] \"peers\"; there are \
             `kind`, `mean`",
        ),
        (
            "[network.links.home]\nuplink = '1 Mbit/s'",
            "a.toml:14:1: unknown key `uplink` in [network.links.home]; did you mean `up`?",
        ),
        (
            "[[event]]\nname = 'x'\nat = '2m'\ndo = 'kill'\ngroup = 'nodes'\nshares = 1",
            "a.toml:18:1: unknown key `shares` in [[event]] \"x\"; did you mean `share`?",
        ),
        (
            "[[asert]]\nmetric = 'x'",
            "a.toml:13:3: unknown key `asert` in the scenario; did you mean `assert`?",
        ),
    ]);
}

#[test]
fn wrong_types_and_names_say_what_is_wanted() {
    refused(&[
        (
            "seed = 'x'",
            "a.toml:13:1: unknown key `seed` in [[group]] \"peers\"; there are `arrival`, `attach`, \
             `behave`, `bootstrap`, `carriers`, `clock_offset`, `count`, `freeze`, `kind`, `leave`, \
             `link`, `name`, `nat`, `regions`, `replace`, `restart`, `session`, `settings`",
        ),
        (
            "replace = 1",
            "a.toml:13:11: `replace` of [[group]] \"peers\" is a whole number, but must be true or \
             false",
        ),
        (
            "clock_offset = 10",
            "a.toml:13:16: `clock_offset` of [[group]] \"peers\" is a whole number, but must be a \
             duration in quotes, like \"10s\"",
        ),
        (
            "clock_offset = '10'",
            "a.toml:13:16: `clock_offset` of [[group]] \"peers\": the duration \"10\" has no unit; \
             did you mean \"10s\"?",
        ),
        (
            "regions = ['frankfort']",
            "a.toml:13:12: entry 1 of `regions` of [[group]] \"peers\" can't be \"frankfort\"; did \
             you mean `frankfurt`?",
        ),
        (
            "session = 'forever'",
            "a.toml:13:11: `session` of [[group]] \"peers\" is a table; write `{ kind = \"forever\" \
             … }`",
        ),
        (
            "session = { mean = '1m' }",
            "a.toml:13:11: `kind` is missing in `session` of [[group]] \"peers\": one of \
             \"forever\", \"exponential\", \"weibull\", \"trace\"",
        ),
        (
            "session = { kind = 'exponentiall', mean = '1m' }",
            "a.toml:13:20: `kind` of `session` of [[group]] \"peers\" can't be \"exponentiall\"; \
             did you mean `exponential`?",
        ),
        (
            "session = { kind = 'exponential' }",
            "a.toml:13:11: `mean` is missing in `session` of [[group]] \"peers\": a duration in \
             quotes, like \"10s\"",
        ),
        (
            "nat = 'opne'",
            "a.toml:13:7: `nat` of [[group]] \"peers\" can't be \"opne\"; did you mean `open`?",
        ),
        (
            "nat = 3",
            "a.toml:13:7: `nat` of [[group]] \"peers\" is a whole number, but must be a table or \
             text",
        ),
        (
            "[network]\nlatency = '20'",
            "a.toml:14:11: `latency` of [network]: the duration \"20\" has no unit; did you mean \
             \"20s\"?",
        ),
        (
            "[network.links.home]\nup = '20 Mbits'",
            "a.toml:14:6: `up` of [network.links.home]: unknown unit `Mbits` in the bandwidth \"20 \
             Mbits\"; did you mean `Mbit/s`?",
        ),
    ]);
}

#[test]
fn impossible_numbers_are_refused() {
    refused(&[
        (
            "leave = { crash = 1.5 }",
            "a.toml:13:19: `crash` of `leave` of [[group]] \"peers\" is 1.5, but must be between 0 \
             and 1",
        ),
        (
            "nat = { open = 0.5, symmetric = 0.4 }",
            "a.toml:13:7: the shares of `nat` add up to 0.9, but must to 1",
        ),
        (
            "session = { kind = 'exponential', mean = '0s' }",
            "a.toml:13:42: `mean` of `session` of [[group]] \"peers\" must be more than 0s",
        ),
        (
            "arrival = { kind = 'flash', at = '20m', over = '1s' }",
            "a.toml:13:34: `at` of `arrival` of [[group]] \"peers\" never comes: the run ends at 10m",
        ),
        (
            "[[rooms]]\nname = 'x'\nsize = { kind = 'fixed', size = 21 }",
            "a.toml:15:33: a room of 21, but its groups have 20 peers",
        ),
        (
            "[[rooms]]\nname = 'x'\nsize = { kind = 'zipf', min = 9, max = 5 }",
            "a.toml:15:31: the smallest size 9 is above the largest 5",
        ),
        (
            "[[resources]]\ncount = 1\nproviders = 50\nlookups_per_second = 1",
            "a.toml:15:13: 50 providers for each resource, but its groups have 20 peers",
        ),
        (
            "[[group]]\nname = 'z'\nkind = 'node'\ncount = 0",
            "a.toml:16:9: `count` of [[group]] \"z\" is 0, but must be between 1 and 1000000",
        ),
        (
            "[[group]]\nname = 'z'\nkind = 'node'\ncount = 1\nleave = { crash = nan }",
            "a.toml:17:19: `crash` of `leave` of [[group]] \"z\" is NaN, but must be between 0 and 1",
        ),
    ]);
    assert_eq!(
        wrong_in(
            "name = 'x'\nduration = '1m'\nwarmup = '2m'\n[[group]]\nname = 'n'\nkind = 'node'\ncount = 1"
        ),
        "a.toml:3:10: nothing is measured: `warmup` is 2m, and the run ends at 1m"
    );
}

#[test]
fn names_must_exist_and_differ() {
    refused(&[
        (
            "[[event]]\nname = 'x'\nat = '2m'\ndo = 'kill'\ngroup = 'node'",
            "a.toml:17:9: no group \"node\"; did you mean `nodes`?",
        ),
        (
            "attach = { to = ['zzz'] }",
            "a.toml:13:18: no group \"zzz\"; there are `nodes`, `peers`",
        ),
        (
            "attach = { to = ['peers'] }",
            "a.toml:13:18: group \"peers\" is of kind \"browser\", but must be of kind \"node\"",
        ),
        (
            "link = 'hoem'",
            "a.toml:13:8: no link \"hoem\"; did you mean `home`?, or write [network.links.hoem]",
        ),
        (
            "[[group]]\nname = 'nodes'\nkind = 'node'\ncount = 1",
            "a.toml:14:8: [[group]] number 1 is called \"nodes\" too; each needs a name of its own",
        ),
        (
            "[[envelopes]]\nper_second = 1",
            "a.toml:13:1: envelopes travel between members of rooms, and the scenario has no \
             [[rooms]]",
        ),
        (
            "[[group]]\nname = 's'\nkind = 'node'\ncount = 1\nbehave = { kind = 'sybil', rooms = 'x' }",
            "a.toml:17:36: no rooms \"x\": the scenario has no [[rooms]]",
        ),
        (
            "[[rooms]]\nname = 'x'\ngroups = ['nodes']",
            "a.toml:15:11: group \"nodes\" is of kind \"node\", but [[rooms]] are of peers (kind \
             \"browser\" or \"native\")",
        ),
    ]);
}

#[test]
fn keys_that_do_not_go_together_are_refused() {
    refused(&[
        (
            "bootstrap = ['nodes']",
            "a.toml:13:13: a browser attaches to nodes; did you mean `attach = { to = [\"…\"] }`?",
        ),
        (
            "carriers = ['quic']",
            "a.toml:13:12: a browser has no QUIC and no TCP: its carriers are \"webrtc-direct\" and \
             \"ws\"",
        ),
        (
            "behave = { kind = 'liar' }",
            "a.toml:13:10: a liar is a node (kind \"node\"), not of kind \"browser\"",
        ),
        (
            "restart = { share = 0.5 }",
            "a.toml:13:11: nobody departs to come back: `restart` needs a `session` that ends (an \
             event with `do = \"restart\"` needs neither)",
        ),
        (
            "arrival = { kind = 'event' }",
            "a.toml:13:11: group \"peers\" never starts: no [[event]] has `do = \"start\"` and \
             `group = \"peers\"`",
        ),
        (
            "[[event]]\nname = 'x'\nat = '2m'\ndo = 'split'",
            "a.toml:13:1: a split needs `regions = [[…], […]]` or `share = 0.5`",
        ),
        (
            "[[event]]\nname = 'x'\nat = '2m'\ndo = 'split'\nshare = 0.5\nfor = '9m'",
            "a.toml:18:7: event \"x\" would last until 11m, but the run ends at 10m",
        ),
        (
            "[[event]]\nname = 'x'\nat = '2m'\ndo = 'start'\ngroup = 'peers'",
            "a.toml:17:9: group \"peers\" arrives by itself; give it `arrival = { kind = \"event\" }`",
        ),
        (
            "[[rooms]]\nname = 'x'\njoins = { kind = 'pair', every = '2s' }\ncount = 3",
            "a.toml:16:1: `count` has no meaning for pairs, which join a new room each time",
        ),
    ]);
    let nodes = BASE.replace(
        "kind = \"node\"\n",
        "kind = \"node\"\nfreeze = { every = '1m', for = '1s' }\n",
    );
    assert_eq!(
        wrong_in(&nodes),
        "a.toml:7:10: a node doesn't freeze, only a browser does"
    );
}

#[test]
fn assertions_on_nothing_are_refused() {
    let of = |assertion: &str| wrong(&format!("{ROOMS}[[assert]]\n{assertion}"));
    for (assertion, message) in [
        (
            "metric = 'gossip.latencies'\nstat = 'p99'\nat_most = '1s'",
            "a.toml:16:10: no metric `gossip.latencies`; did you mean `gossip.latency`?",
        ),
        (
            "metric = 'gossip.latency'\nstat = 'p98'\nat_most = '1s'",
            "a.toml:17:8: `stat` of [[assert]] on \"gossip.latency\" can't be \"p98\"; did you mean \
             `p99`?",
        ),
        (
            "metric = 'gossip.latency'\nat_most = '1s'",
            "a.toml:16:10: `stat` is missing: `gossip.latency` has mean, min, p1, p5, p10, p25, p50, \
             p75, p90, p95, p99, p99.9, max, count",
        ),
        (
            "metric = 'gossip.delivery'\nstat = 'p99'\nat_least = 0.9",
            "a.toml:17:8: `gossip.delivery` is an outcome, which has no `p99`; it has share, count, \
             misses",
        ),
        (
            "metric = 'gossip.delivery'\nat_least = 99",
            "a.toml:17:12: `at_least` of `gossip.delivery`: 99 is no share; shares are between 0 \
             and 1",
        ),
        (
            "metric = 'gossip.latency'\nstat = 'p99'\nat_most = 800",
            "a.toml:18:11: `at_most` of `gossip.latency`: 800 has no unit; did you mean \"800ms\"?",
        ),
        (
            "metric = 'gossip.latency'\nstat = 'p99'",
            "a.toml:16:10: an assertion needs a bound: `at_most`, `at_least`, `at_most_times`, \
             `at_least_times` or `recovers_to`",
        ),
        (
            "metric = 'gossip.latency'\nstat = 'p99'\nat_most_times = 2",
            "a.toml:18:17: `at_most_times` compares with another window; add `of = { from = …, to = \
             … }`",
        ),
        (
            "metric = 'lookup.found'\nat_least = 0.9",
            "a.toml:16:10: nothing is measured as `lookup.found`: the scenario has no [[resources]]",
        ),
        (
            "metric = 'honest.gossip.delivery'\nat_least = 0.9",
            "a.toml:16:10: nothing is measured as `honest.gossip.delivery`: the scenario has no \
             [[rooms]] and a host that isn't honest",
        ),
        (
            "metric = 'gossip.delivery'\nat_least = 0.9\nafter = 'x'",
            "a.toml:18:9: no event \"x\": the scenario has no [[event]]",
        ),
        (
            "metric = 'gossip.delivery'\nat_least = 0.9\nfrom = '20s'",
            "a.toml:18:8: the window begins at 20s, but nothing is measured before the warm-up ends \
             at 1m",
        ),
        (
            "metric = 'gossip.delivery'\nat_least = 0.9\nto = '11m'",
            "a.toml:18:6: the window ends at 11m, but the run at 10m",
        ),
        (
            "metric = 'gossip.delivery'\nat_least = 0.9\nfrom = '5m'\nto = '4m'",
            "a.toml:18:8: the window is empty: it begins at 5m and ends at 4m",
        ),
        (
            "metric = 'gossip.latency'\nrecovers_to = '1s'\nwithin = '1s'",
            "a.toml:17:15: `gossip.latency` doesn't recover: `recovers_to` is for gauges such as \
             `presence.agreement`; use `at_most` or `at_least` with a window",
        ),
        (
            "metric = 'presence.agreement'\nrecovers_to = 0.9\nwithin = '9m'",
            "a.toml:18:10: no sample can show it: it must have recovered by 10m, and the window \
             ends at 10m",
        ),
    ] {
        assert_eq!(of(assertion), message, "{assertion}");
    }
}

#[test]
fn every_mistake_is_reported_in_the_order_of_the_file() {
    let lines = |text: &str| -> Vec<String> {
        let places = text
            .lines()
            .map(|line| line.split(':').nth(1).unwrap().to_owned());
        places.collect()
    };
    let structure = wrong("sesion = 1\ncount = 'x'\nregions = ['nowhere', 'tokio']\nlinc = 1");
    // A key that is written twice isn't TOML, and hides what follows from the other checks.
    assert_eq!(lines(&structure), ["14"], "{structure}");
    let structure = wrong("sesion = 1\nreplace = 'x'\nregions = ['nowhere', 'tokio']\nlinc = 1");
    assert_eq!(
        lines(&structure),
        ["13", "14", "15", "15", "16"],
        "{structure}"
    );
    let rules = wrong(
        "link = 'x'\nattach = { to = ['y'] }\n[[event]]\nname = 'e'\nat = '1h'\ndo = 'kill'\n\
         group = 'z'\n[[assert]]\nmetric = 'nothing'\nat_most = 1\n[[assert]]\n\
         metric = 'lookup.found'\nat_least = 1",
    );
    assert_eq!(
        lines(&rules),
        ["13", "14", "17", "19", "21", "24"],
        "{rules}"
    );
}

#[test]
fn what_is_no_toml_is_refused_with_its_place() {
    let text = wrong("kind = browser\n[[group]\n");
    let places: Vec<_> = text
        .lines()
        .map(|line| line.split(": ").next().unwrap())
        .collect();
    assert_eq!(
        places,
        ["a.toml:13:1", "a.toml:13:8", "a.toml:14:9"],
        "{text}"
    );
    assert_eq!(
        wrong_in(""),
        "a.toml:1:1: `name` is missing in the scenario: text\n\
         a.toml:1:1: `duration` is missing in the scenario: a duration in quotes, like \"10s\"\n\
         a.toml:1:1: a scenario needs at least one [[group]]"
    );
}

#[test]
fn traces_are_read_from_beside_the_scenario() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.toml");
    let text = format!("{BASE}session = {{ kind = 'trace', file = 'lengths.csv' }}\n");
    std::fs::write(&file, text).unwrap();
    let load = || Scenario::load(&file).map_err(|error| error.to_string());

    let missing = load().unwrap_err();
    assert!(
        missing.contains("a.toml:13:36: can't read the trace "),
        "{missing}"
    );
    assert!(missing.contains("lengths.csv: No such file"), "{missing}");

    std::fs::write(folder.path().join("lengths.csv"), "1\nmany\n").unwrap();
    let torn = load().unwrap_err();
    assert!(
        torn.ends_with(
            "lengths.csv:2:1: \"many\" is no session length; each line holds seconds, above 0"
        ),
        "{torn}"
    );

    std::fs::write(folder.path().join("lengths.csv"), "1\n2\n").unwrap();
    let crate::Session::Trace { lengths, .. } = &load().unwrap().groups[1].session else {
        panic!("a trace");
    };
    assert_eq!(lengths.seconds(), [1.0, 2.0]);
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = Scenario::load("/nowhere/a.toml").unwrap_err();
    assert!(matches!(error, ScenarioError::Unreadable { .. }));
    assert!(error.to_string().contains("/nowhere/a.toml"), "{error}");
}

#[test]
fn a_caller_checks_settings_with_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.toml");
    std::fs::write(&file, format!("{BASE}[group.settings.attach]\nmax = 'x'\n")).unwrap();
    let error = Scenario::load_with(&file, |scenario, findings| {
        assert!(scenario.groups[1].settings.contains_key("attach"));
        let path = [
            "group".into(),
            1.into(),
            "settings".into(),
            "attach".into(),
            "max".into(),
        ];
        findings.at(&path, "`max` must be a number");
    });
    let error = error.unwrap_err().to_string();
    assert!(
        error.ends_with("a.toml:14:7: `max` must be a number"),
        "{error}"
    );
}

#[test]
fn a_scenario_survives_json() {
    let text = format!(
        "{BASE}nat = {{ open = 0.5, symmetric = 0.5 }}\n{ROOMS}size = {{ kind = 'zipf', max = 9 }}\n\
         [[event]]\nname = 'e'\nat = '3m'\ndo = 'split'\nregions = [['tokyo'], ['osaka']]\nfor = '1m'\n\
         [[assert]]\nmetric = 'presence.agreement'\nrecovers_to = 0.99\nwithin = '15s'\nafter = 'e'\n\
         [[assert]]\nmetric = 'gossip.latency'\nstat = 'p99'\nat_most_times = 1.5\nafter = 'e'\n\
         of = {{ to = '3m' }}\n"
    );
    let scenario = Scenario::parse(Path::new("a.toml"), &text).unwrap();
    let json = serde_json::to_string(&scenario).unwrap();
    assert_eq!(serde_json::from_str::<Scenario>(&json).unwrap(), scenario);
    let written: Vec<_> = scenario
        .assertions
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        written,
        [
            "presence.agreement ≥ 0.99 again within 15s, after e",
            "gossip.latency p99 ≤ 1.5 × that until 3m, after e"
        ]
    );
    let window = scenario.assertions[0].window.range(&scenario);
    assert_eq!(window, *Span::secs(240)..*Span::secs(600));
}
