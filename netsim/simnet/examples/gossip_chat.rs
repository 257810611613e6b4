//! A chat by plain gossipsub: thirty hosts in three regions, one of which is cut off for a
//! minute. Nothing in it knows of the simulator but `main`.
//!
//! `cargo run --release -p simnet --example gossip_chat [seed]`

use std::{cell::RefCell, rc::Rc, time::Duration};

use libp2p::{
    gossipsub::{self, IdentTopic, MessageAuthenticity},
    identity::Keypair,
    swarm::SwarmEvent,
};
use simnet::{Carrier, Carriers, HostConfig, Running, Settings, Simulation};

simnet::interpose!();

const HOSTS: usize = 30;
const REGIONS: usize = 3;
const QUIC: Carriers = Carriers {
    listen: &[Carrier::Quic],
    dial: &[Carrier::Quic],
};

fn chat(key: &Keypair) -> gossipsub::Behaviour {
    let config = gossipsub::Config::default();
    let author = MessageAuthenticity::Signed(key.clone());
    let mut chat = gossipsub::Behaviour::new(author, config).expect("the defaults are consistent");
    chat.subscribe(&IdentTopic::new("chat"))
        .expect("no filter forbids it");
    chat
}

type Chatter = Running<gossipsub::Behaviour>;

fn enter(sim: &mut Simulation, number: usize, known: Option<&Chatter>) -> Chatter {
    let config = HostConfig {
        region: number % REGIONS,
        ..HostConfig::default()
    };
    let host = sim.host(&format!("chatter {number}"), config);
    let key = sim.key(host);
    let idle = Duration::from_secs(60);
    let chatter = sim.swarm(host, &key, QUIC, idle, || chat(&key));
    if let Some(known) = known {
        let address = sim.address(known.host(), Carrier::Quic);
        chatter.with(|swarm| swarm.dial(address).expect("the address is one"));
    }
    chatter
}

/// Has one say something, and gives the times, in ms, after which others heard it.
fn say(sim: &mut Simulation, chatters: &[Chatter], who: usize, what: &'static str) -> Vec<f64> {
    let said = sim.now();
    let heard = Rc::new(RefCell::new(Vec::new()));
    for chatter in chatters {
        let heard = heard.clone();
        chatter.listen(move |_, event| {
            if let SwarmEvent::Behaviour(gossipsub::Event::Message { message, .. }) = event
                && message.data == what.as_bytes()
            {
                let after = simnet::now() - said;
                heard.borrow_mut().push(after.as_secs_f64() * 1e3);
            }
        });
    }
    chatters[who].with(|swarm| {
        let topic = IdentTopic::new("chat");
        swarm
            .behaviour_mut()
            .publish(topic, what.as_bytes())
            .expect("it has neighbours")
    });
    sim.run_until(said + Duration::from_secs(5));
    heard.take()
}

fn main() {
    let seed = std::env::args()
        .nth(1)
        .map_or(1, |seed| seed.parse().expect("the seed is a number"));
    let regions = [[5, 40, 90], [40, 5, 60], [90, 60, 5]]
        .map(|row| row.map(Duration::from_millis).to_vec())
        .to_vec();
    let settings = Settings {
        seed,
        regions,
        jitter: 0.05,
        loss: 0.001,
        wire: false,
    };
    simnet::run(settings, |sim| {
        let mut chatters: Vec<Chatter> = Vec::new();
        for number in 0..HOSTS {
            // Each knows one who came before.
            let known = number.checked_sub(1).map(|last| chatters[last / 2].clone());
            chatters.push(enter(sim, number, known.as_ref()));
            let now = sim.now();
            sim.run_until(now + Duration::from_millis(200));
        }
        let now = sim.now();
        sim.run_until(now + Duration::from_secs(10));

        let heard = say(sim, &chatters, 0, "hello");
        println!(
            "{} of {} heard it, half of them after {:.0} ms, the last after {:.0} ms",
            heard.len(),
            HOSTS - 1,
            heard[heard.len() / 2],
            heard[heard.len() - 1]
        );

        let split = sim.split(chatters.iter().enumerate().map(|(number, chatter)| {
            let side = u32::from(number % REGIONS == 2);
            (chatter.host(), side)
        }));
        let heard = say(sim, &chatters, 0, "is anybody there?");
        println!("with one region cut off, {} heard it", heard.len());
        sim.mend(split);

        println!(
            "{:.0} s of virtual time, {} packets, trace {:016x}",
            sim.now().as_secs_f64(),
            sim.happened(),
            sim.trace_hash()
        );
    });
}
