//! moto's IAM: an emulator that we did not write. `make tools` installs it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A moto server on a free port of loopback. It is killed when dropped.
pub struct Moto {
    child: Child,
    pub endpoint: String,
}

/// The account that moto acts for when it is not told another.
pub const ACCOUNT: &str = "123456789012";

impl Moto {
    pub fn start() -> Self {
        let program = program();
        let mut child = Command::new(&program)
            .args(["-H", "127.0.0.1", "-p", "0"])
            // AWS's own managed policies are there as they are in every account.
            .env("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}; `make tools` installs it", program.display()));
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let endpoint = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| Some(line.split_once("Running on ")?.1.trim().to_owned()))
            .expect("moto says where it listens");
        // It must not stop because nobody reads its log.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, endpoint }
    }

    /// An empty account again.
    pub async fn reset(&self) {
        let (host, reset) = (self.endpoint.trim_start_matches("http://"), "POST /moto-api/reset HTTP/1.0\r\n\r\n");
        let mut connection = TcpStream::connect(host).unwrap();
        connection.write_all(reset.as_bytes()).unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        assert!(answer.contains(" 200 "), "{answer}");
    }
}

/// In the folder of this package, or in the workspace above it.
fn program() -> PathBuf {
    let folders = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let programs: Vec<_> = folders.take(3).map(|folder| folder.join(".venv/bin/moto_server")).collect();
    programs.iter().find(|program| program.exists()).unwrap_or(&programs[0]).clone()
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
