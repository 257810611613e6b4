//! A TURN server on its own: `serve <listen> <secret> [own-host]`, as in
//! `cargo run --release --example serve 127.0.0.1:3478 north own-host`.

use velox_turn::{Config, Policy, Secret, Service, Setup};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(listen), Some(secret)) = (arguments.next(), arguments.next()) else {
        return Err("usage: serve <listen> <secret> [own-host]".into());
    };
    let own_host = arguments.next().as_deref() == Some("own-host");
    let mut config = Config::default();
    config.per_user.bytes_per_second = 10_000_000_000;
    config.per_user.burst = 10_000_000_000;
    config.in_all = config.per_user;
    config.max_per_user = 1_000;
    let service = Service::start(Setup {
        listen: vec![listen.parse()?],
        ports: (49_152, 65_535),
        external: Vec::new(),
        realm: "example.org".to_owned(),
        secret: Secret::new(secret.clone()),
        config,
        policy: Policy {
            private: own_host,
            own_host,
        },
    })?;
    println!("{}", service.listening()[0]);
    let credentials = Secret::new(secret).issue("somebody", u64::MAX / 2);
    println!("{} {}", credentials.username, credentials.password);
    std::future::pending::<()>().await;
    Ok(())
}
