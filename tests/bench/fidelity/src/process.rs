//! A `velox node` process on the calling thread's host.

use std::{
    fs::File,
    io,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use libp2p::Multiaddr;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

/// Longer than a start takes on a busy machine.
const START: Duration = Duration::from_secs(30);
const END: Duration = Duration::from_secs(10);
/// Where a node serves HTTP if it isn't told otherwise.
const HTTP: u16 = 8080;

/// What a node is started with; everything else is as it comes.
#[derive(Clone, Debug)]
pub struct Start {
    pub program: PathBuf,
    pub network: String,
    pub bootstrap: Vec<Multiaddr>,
    /// For its data and its log, `<name>` and `<name>.log`.
    pub folder: PathBuf,
    pub name: String,
}

/// A running node.
pub struct Process {
    program: PathBuf,
    host: Ipv4Addr,
    child: Child,
    _stdout: Lines<BufReader<ChildStdout>>,
    /// How others reach it.
    pub addresses: Vec<Multiaddr>,
}

impl Process {
    /// Starts a node and waits until it is ready. It is killed when the calling thread ends.
    pub async fn start(host: Ipv4Addr, start: Start) -> io::Result<Self> {
        let log = start.folder.join(format!("{}.log", start.name));
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL"])
            .arg(&start.program)
            .args(["node", "--json", "--network", &start.network])
            .arg("--data-dir")
            .arg(start.folder.join(&start.name))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(&log)?)
            .kill_on_drop(true);
        for address in &start.bootstrap {
            command.arg("--bootstrap").arg(address.to_string());
        }
        let mut child = command.spawn()?;
        let stdout = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut lines = BufReader::new(stdout).lines();
        let ready = match timeout(START, lines.next_line()).await {
            Ok(Ok(Some(line))) => serde_json::from_str::<Value>(&line)?,
            _ => return Err(not_ready(&start.name, &log)),
        };
        let ours = format!("/ip4/{host}/");
        let addresses = ready["addrs"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .filter(|address| address.starts_with(&ours))
            .filter_map(|address| address.parse().ok())
            .collect();
        Ok(Process {
            program: start.program,
            host,
            child,
            _stdout: lines,
            addresses,
        })
    }

    /// How many nodes it is connected to.
    pub async fn connections(&self) -> io::Result<u64> {
        let output = Command::new(&self.program)
            .args(["status", "--json", "--http"])
            .arg(format!("http://{}:{HTTP}", self.host))
            .kill_on_drop(true)
            .output();
        let output = timeout(END, output).await??;
        let status: Value = serde_json::from_slice(&output.stdout)?;
        status["connections"]["nodes"]
            .as_u64()
            .ok_or_else(|| io::Error::other("a status without connections"))
    }

    /// Ends it as an operator would, and if need be otherwise.
    pub async fn stop(mut self) {
        if let Some(id) = self.child.id() {
            let told = Command::new("kill").arg(id.to_string()).status().await;
            if told.is_ok() && timeout(END, self.child.wait()).await.is_ok() {
                return;
            }
        }
        self.child.kill().await.ok();
    }
}

fn not_ready(name: &str, log: &Path) -> io::Error {
    let said = std::fs::read_to_string(log).unwrap_or_default();
    io::Error::other(format!("{name} isn't ready after {START:?}:\n{said}"))
}
