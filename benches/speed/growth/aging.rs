use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bot_sso::app::{self, BoundListeners};
use bot_sso::config;
use bot_sso::domain::{ClockAndEntropy, OffsetClock, SystemEntropy};

use crate::load::{Load, Template};
use crate::processes::{Process, Run, free_port, leave_measured_core, resident_of};
use crate::setting::{SERVICE_URL, User, write_configuration};
use crate::signing::Signer;

/// How far the clock is moved. The longest life of what an exchange leaves in memory is a day.
const AGE: Duration = Duration::from_hours(25);
/// The exchanges before the first look at the memory, and after the clock has been moved: so many that all caches that are
/// bounded by bytes are full.
const FEW: usize = 50_000;
/// The exchanges that are signed and sent at a time.
const CHUNK: usize = 10_000;
/// How long the memory may take to fall after the clock has been moved. An idle store removes some thousand expired records a
/// second, and what is known of a record is kept until then.
const PATIENCE: Duration = Duration::from_mins(10);
/// How much the memory may have grown in the end.
const MOST: f64 = 1.2;

/// An application of the library in a process of its own, whose clock can be moved. The program itself has no such switch.
struct AgingServer {
    child: Child,
    port: u16,
}

impl AgingServer {
    fn start(directory: &Path) -> Self {
        let mut command = Run::OnMeasuredCore.command(&std::env::current_exe().unwrap());
        command.args(["aging-server", directory.to_str().unwrap()]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut server = Self { child: command.spawn().unwrap(), port: 0 };
        server.port = server.read_line().parse().expect("the server names its port");
        server
    }

    fn read_line(&mut self) -> String {
        let mut line = String::new();
        // Each line is an answer to what was written before, so the reader holds nothing back.
        BufReader::new(self.child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    fn advance(&mut self, span: Duration) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{}", span.as_secs()).unwrap();
        assert_eq!(self.read_line(), "advanced");
    }

    fn resident(&self) -> f64 {
        resident_of(&self.child.id().to_string()) as f64 / 1e6
    }
}

impl Drop for AgingServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Signs in `exchanges` users, moves the clock by 25 hours, signs a few more in, and prints the memory after each step. It has
/// to come back to that after the first few within 20 %.
pub fn age(directory: &Path, exchanges: usize) {
    leave_measured_core();
    std::fs::create_dir_all(directory).unwrap();
    let signer = Signer::create(directory);
    let identity = Process::part(&["identity-side", directory.to_str().unwrap()], Run::OnOtherCore);
    write_configuration(directory, free_port(), identity.port, "[store]\ndurability = \"normal\"\n");
    let mut server = AgingServer::start(directory);
    let idle = server.resident();
    let few = FEW.min(exchanges);
    sign_in(&server, &signer, 0, few);
    let before = server.resident();
    println!("idle: {idle:.1} MB; after {few} exchanges: {before:.1} MB");
    sign_in(&server, &signer, few, exchanges);
    println!("after {exchanges} more: {:.1} MB", server.resident());
    server.advance(AGE);
    signer.advance(AGE);
    // What is over is removed when others come.
    sign_in(&server, &signer, few + exchanges, few);
    let begun = Instant::now();
    let mut after = server.resident();
    while after > MOST * before && begun.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_secs(1));
        after = after.min(server.resident());
    }
    let verdict = if after <= MOST * before { "reached" } else { "missed" };
    println!(
        "after 25 hours and {few} more: {after:.1} MB, {:.2} times the memory after the first {few} (at most {MOST}): {verdict}",
        after / before
    );
}

/// Signs in `count` users, each for the first time, from the number `first` on.
fn sign_in(server: &AgingServer, signer: &Signer, first: usize, count: usize) {
    for begin in (first..first + count).step_by(CHUNK) {
        let channel_token = signer.channel_token(SERVICE_URL);
        let numbers: Vec<usize> = (begin..(first + count).min(begin + CHUNK)).collect();
        let invoke = |number: &usize| {
            let user = User(*number);
            Template::invoke(user, &signer.user_token(user), (SERVICE_URL, channel_token.as_str()))
        };
        let invokes: Vec<Template> = numbers.iter().map(invoke).collect();
        let requests = invokes.len() as u64;
        Load { templates: &invokes, from: begin as u64 + 1, requests, in_copies: false }.run(&[server.port]);
    }
}

/// Serves the configuration in `directory`. Each line of standard input moves the clock by so many seconds.
pub fn serve_aging(directory: &Path) {
    let configuration = config::load(&directory.join("bot-sso.toml")).expect("the bench writes a valid configuration");
    let clock = Arc::new(OffsetClock::default());
    actix_web::rt::System::new().block_on(async {
        let ambient = ClockAndEntropy { clock: clock.clone(), entropy: Arc::new(SystemEntropy) };
        let application = app::build(configuration, ambient, BoundListeners::default(), None).await.unwrap();
        println!("{}", application.token_service_addresses()[0].port());
        std::thread::spawn(move || {
            for line in std::io::stdin().lines() {
                clock.advance(Duration::from_secs(line.unwrap().parse().unwrap()));
                println!("advanced");
            }
        });
        application.run().await.unwrap();
    });
}
