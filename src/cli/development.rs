use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use actix_web::dev::ServerHandle;
use anyhow::{Context as _, anyhow, bail};
use clap::Args;
use url::Url;

use super::process::{disable_core_files, print, start_logging, survive_file_size_limit, system_clock_and_entropy};
use super::stage_plan::{PlanOptions, stage_file};
use super::stage_replicas::{Gateways, StageReplicas, bind_on_loopback};
use crate::app::{self, BoundListeners, DevelopmentMode, LocalSocket, ServedWithTls};
use crate::config::{self, Environment, LogFormat, LoggingSection};
use crate::dev::{Directory, SilentBot, Stage, StageEntries, StageListeners, StageOptions, Transport};
use crate::domain::{ClockAndEntropy, Entropy};
use crate::sealing::KeyRing;

pub(super) const DEV_HELP: &str = "\
Runs a local tenant (an Entra-like issuer with users), a channel issuer, demo bots and the gateway, all on loopback. The
first line that it prints is the address of a page that talks to the bots. Needs no configuration and no network. Ctrl-C
ends it and deletes all its state.

Examples:
  bot-sso dev                      the gateway on 127.0.0.1:3978, the stage on 3979 (http) and 3980 (https),
                                   the operator's listener on 3981
  bot-sso dev --port 0             any free ports
  bot-sso dev --replicas 3         three gateways over one Redis, the others on 3982 and 3983
  bot-sso dev --bot http://127.0.0.1:3999/api/messages --sdk botbuilder
                                   your own bot behind the gateway; prints the settings that it needs
  bot-sso dev --walkthrough        also commands to paste into a shell, which show a sign-in step by step
  bot-sso dev --print-config > stage.toml
                                   the stage's bots, connections and users as a file, for bot-sso dev --config stage.toml
  bot-sso dev --directory ./stage  keep the stage's CA certificate in ./stage
  bot-sso dev --allow-anonymous    let the Bot Framework Emulator call the bots without app id and password
  bot-sso dev --allow-origin https://chat.example
                                   let the pages of this site use Direct Line; pages on this machine always may
  bot-sso dev --web-chat ./web-chat
                                   show Web Chat in the playground; scripts/web-chat fetches the files";

const NO_WALKTHROUGH: &str =
    "\nThere is no walk-through: it needs a demo bot with a connection, a user who signs in and one who lacks consent.";

#[derive(Debug, Args)]
pub(super) struct DevOptions {
    /// The gateway's port on 127.0.0.1; the stage and the operator's listener take the three ports after it.
    /// With 0, all four are free ports.
    #[arg(long, default_value_t = 3978)]
    pub(super) port: u16,
    /// Let the Bot Framework Emulator on this machine call without a token (channel `emulator`). Its users are signed
    /// in by the code that the sign-in page shows; silent sign-in needs a channel that authenticates its users.
    #[arg(long)]
    allow_anonymous: bool,
    /// An origin whose pages may use Direct Line, beside those of this machine; may be repeated.
    #[arg(long, value_name = "URL", value_parser = parse_origin)]
    allow_origin: Vec<Url>,
    /// The directory with Web Chat and MSAL for the playground's page, as `scripts/web-chat` fetches them.
    #[arg(long, value_name = "DIR", overrides_with = "web_chat")]
    web_chat: Option<PathBuf>,
    /// The directory for the stage's certificates; default: a temporary directory, removed at the end.
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,
    /// Also prints commands to paste into a shell, which show a sign-in step by step.
    #[arg(long)]
    walkthrough: bool,
    /// How many gateways run over one Redis, which the stage starts: the first on --port, the others on the ports after the four.
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=9))]
    replicas: u16,
    #[command(flatten)]
    plan: PlanOptions,
}

/// Runs the stage and the gateway until SIGTERM or Ctrl-C.
pub(super) async fn dev(options: DevOptions) -> anyhow::Result<ExitCode> {
    let entries = options.plan.entries()?;
    if options.plan.print_config {
        print(&stage_file(&entries)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut ports = DevPorts::choose(options.port)?;
    ports.refuse_bots_on_them(&entries)?;
    let _logging = start_logging(LoggingSection { format: LogFormat::Text, ..LoggingSection::default() })?;
    disable_core_files();
    survive_file_size_limit()?;
    let ClockAndEntropy { clock, entropy } = system_clock_and_entropy();
    let temporary = TemporaryDirectory::create(entropy.as_ref())?;
    let listeners = ports.bind().with_context(|| ports.hint())?;
    let stage_options = StageOptions {
        http_port: ports.stage_http,
        https_port: ports.stage_https,
        directory: options.directory.unwrap_or_else(|| temporary.path.join("stage")),
        clock: clock.clone(),
        entropy: entropy.clone(),
    };
    let started = Stage::start_with(stage_options, Directory::of(entries), serve_stage).await;
    let stage = started.with_context(|| ports.hint())?;
    stage.add_operator_listener(&format!("127.0.0.1:{}", ports.operations));
    let replicas = StageReplicas::start(options.replicas - 1, ports.last(options.port), &temporary.path).await?;
    stage.add_replicas(replicas.facts());
    KeyRing::generate(clock.as_ref(), entropy.as_ref()).create_file(&temporary.path.join("bot-sso.keys"))?;
    let listen = format!("127.0.0.1:{}", ports.gateway);
    let gateway = format!("http://{listen}");
    let text = stage.configuration(&gateway, &listen, &temporary.path);
    // The environment of this process is left out: it may hold the settings of a real service.
    let configuration =
        config::parse(&text, &Environment::of(stage.secrets())).map_err(|problems| anyhow!("{problems}"))?;
    if options.allow_anonymous {
        stage.admit_anonymous();
    }
    options.allow_origin.iter().for_each(|origin| stage.allow_origin(origin));
    if let Some(directory) = &options.web_chat {
        stage.load_web_chat(directory)?;
    }
    let development = DevelopmentMode {
        routes: Arc::new(stage.routes(&gateway)),
        anonymous: options.allow_anonymous,
        observer: Some(stage.exchange_observer()),
    };
    // From here on readers of the manifest wait for the users, also those who come as soon as the gateway listens.
    let preparing = stage.prepare_users(&gateway);
    let gateways = Gateways { configuration, ambient: ClockAndEntropy { clock, entropy }, development };
    let gateways = gateways.build(listeners, replicas).await.with_context(|| ports.hint())?;
    print(&stage.welcome(&gateway))?;
    if options.walkthrough {
        print(stage.walkthrough(&gateway).as_deref().unwrap_or(NO_WALKTHROUGH))?;
    }
    tokio::spawn(report_silent_bots(stage.clone()));
    tokio::spawn(preparing);
    gateways.run().await.context("the listeners failed")?;
    stage.shutdown().await;
    Ok(ExitCode::SUCCESS)
}

/// Serves the stage with the bounds of all listeners.
fn serve_stage(listeners: StageListeners) -> std::io::Result<ServerHandle> {
    let StageListeners { http, https, tls, application } = listeners;
    let sockets = vec![LocalSocket { listener: http, tls: None }, LocalSocket { listener: https, tls: Some(tls) }];
    app::serve_locally(sockets, move |ServedWithTls(is_tls)| {
        application.clone().build(if is_tls { Transport::Tls } else { Transport::Plain })
    })
}

/// Prints which bots do not answer yet, and logs when they do.
async fn report_silent_bots(stage: Stage) {
    let silent = stage.find_silent_bots().await;
    for SilentBot { name, endpoint } in &silent {
        let line = format!(
            "\nThe bot {name} does not answer at {endpoint} yet.\n\
             Start it when you like: until then its messages are answered 502."
        );
        // The program also works where its output cannot be written.
        let _ = print(&line);
    }
    stage.watch_silent_bots(silent).await;
}

/// Parses an origin: scheme, host and port of a site.
fn parse_origin(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    match url.scheme() {
        "http" | "https" if is_bare => Ok(url),
        _ => Err("an origin has a scheme, a host and perhaps a port, such as https://chat.example".to_owned()),
    }
}

struct DevPorts {
    gateway: u16,
    stage_http: u16,
    stage_https: u16,
    operations: u16,
}

impl DevPorts {
    /// The hint for a failure at start, which is nearly always a port that is taken.
    fn hint(&self) -> String {
        let Self { gateway, stage_http, stage_https, operations } = self;
        format!(
            "could not start on the ports {gateway}, {stage_http}, {stage_https} and {operations} (if one is taken, choose others with \
             --port, or any free ones with --port 0)"
        )
    }

    fn choose(port: u16) -> anyhow::Result<Self> {
        if port == 0 {
            return Ok(Self { gateway: 0, stage_http: 0, stage_https: 0, operations: 0 });
        }
        match (port.checked_add(1), port.checked_add(2), port.checked_add(3)) {
            (Some(stage_http), Some(stage_https), Some(operations)) => {
                Ok(Self { gateway: port, stage_http, stage_https, operations })
            }
            _ => bail!("--port {port} leaves no room for the three ports after it: write one up to {}", u16::MAX - 3),
        }
    }

    /// The last of the four ports; `None` if any free ports were asked for.
    fn last(&self, asked: u16) -> Option<u16> {
        (asked != 0).then_some(self.operations)
    }

    /// Refuses bots whose addresses are the stage's own. The samples of the Bot Framework listen on 3978, as the gateway does.
    fn refuse_bots_on_them(&self, entries: &StageEntries) -> anyhow::Result<()> {
        let own = [self.gateway, self.stage_http, self.stage_https, self.operations];
        for bot in &entries.bots {
            let Some(url) = bot.endpoint.and_then(|endpoint| Url::parse(endpoint).ok()) else { continue };
            let Some(port) = url.port_or_known_default().filter(|port| own.contains(port)) else { continue };
            if matches!(url.host_str(), Some("127.0.0.1" | "localhost")) {
                bail!(
                    "the bot {} is to listen on port {port}, where bot-sso itself listens: start the bot on another port \
                     (PORT=3999), or bot-sso with --port 4978",
                    bot.name
                );
            }
        }
        Ok(())
    }

    /// Binds the ports of the gateway and of the operator's listener, and writes the chosen ones into `self`: the stage
    /// has to know them before the gateway is built.
    fn bind(&mut self) -> anyhow::Result<BoundListeners> {
        let public = bind_on_loopback("server.listen", &mut self.gateway)?;
        let operations = bind_on_loopback("operations.listen", &mut self.operations)?;
        Ok(BoundListeners { public: vec![public], operations: vec![operations], ..BoundListeners::default() })
    }
}

/// A directory for one run that only its owner can enter. Removed on drop.
struct TemporaryDirectory {
    path: PathBuf,
}

impl TemporaryDirectory {
    fn create(entropy: &dyn Entropy) -> anyhow::Result<Self> {
        let path = config::temporary_directory().join(format!("bot-sso-dev-{}", entropy.hex_id()));
        let made = std::fs::DirBuilder::new().mode(0o700).create(&path);
        made.with_context(|| format!("{} cannot be created", path.display()))?;
        Ok(Self { path })
    }
}

impl Drop for TemporaryDirectory {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "the temporary directory could not be removed");
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use std::net::TcpListener;

    use super::{DevPorts, TemporaryDirectory, bind_on_loopback, parse_origin};
    use crate::domain::SystemEntropy;

    #[test]
    fn the_stage_and_the_operators_listener_take_the_three_ports_after_the_gateways() {
        let ports = DevPorts::choose(4000).unwrap();
        let chosen = [ports.gateway, ports.stage_http, ports.stage_https, ports.operations];
        assert_eq!(chosen, [4000, 4001, 4002, 4003]);
        assert!(DevPorts::choose(65532).is_ok() && DevPorts::choose(65533).is_err());
    }

    #[test]
    fn free_ports_of_gateway_and_operator_are_bound_before_the_application_is_built() {
        let mut free = DevPorts::choose(0).unwrap();
        let listeners = free.bind().unwrap();
        let port_of = |listener: &TcpListener| listener.local_addr().unwrap().port();
        assert_eq!((port_of(&listeners.public[0]), port_of(&listeners.operations[0])), (free.gateway, free.operations));
        assert!(free.gateway != 0 && free.operations != 0 && free.gateway != free.operations);
        let taken = bind_on_loopback("server.listen", &mut free.gateway).unwrap_err();
        assert_eq!(taken.to_string(), format!("server.listen: 127.0.0.1:{}", free.gateway));
    }

    #[test]
    fn an_allowed_origin_is_scheme_host_and_port() {
        for origin in ["https://chat.example", "https://chat.example/", "http://chat.example:8080"] {
            assert!(parse_origin(origin).is_ok(), "{origin}");
        }
        for wrong in [
            "chat.example",
            "https://chat.example/page",
            "https://chat.example?x",
            "https://me@chat.example",
            "null",
            "file:///x",
        ] {
            assert!(parse_origin(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_temporary_directory_is_private_and_is_removed_on_drop() {
        use std::os::unix::fs::PermissionsExt as _;
        let temporary = TemporaryDirectory::create(&SystemEntropy).unwrap();
        let path = temporary.path.clone();
        std::fs::write(path.join("file"), "x").unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        drop(temporary);
        assert!(!path.exists());
    }
}
