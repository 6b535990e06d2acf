"""The programs of a drill: the stage (`bot-sso dev`), a recorded bot, and `bot-sso serve`, which the drill torments."""

import collections
import http.server
import json
import os
import pathlib
import re
import signal
import socketserver
import subprocess
import threading
import time

from wire import Unanswered, Wire

START_LIMIT = 60
ADMIN_TOKEN = "admin-token-secret-of-the-local-stage"

CONFIGURATION = """
[server]
public_url = "{gateway}"
listen = ["127.0.0.1:0"]
[channels]
issuer = "{channel_issuer}"
jwks_url = "{http}/channel/v1/.well-known/keys"
allow_insecure_http = true
[identity_providers.entra]
authority = "{http}"
issuer = "{v2_issuer}"
v1_issuer = "{v1_issuer}"
jwks_url = "{http}/common/discovery/v2.0/keys"
token_endpoint = "{http}/{{tenant}}/oauth2/v2.0/token"
authorization_endpoint = "{http}/{{tenant}}/oauth2/v2.0/authorize"
allow_insecure_http = true
[bots.demo]
app_id = "{app_id}"
tenant = "{tenant}"
endpoint = "{bot}"
after_exchange = "notify"
[connections.graph]
bot = "demo"
client_secret = {{ file = "client.secret" }}
scopes = ["https://graph.microsoft.com/User.Read", "offline_access"]
token_exchange_uri = "{exchange_uri}"
tenants = ["{tenant}"]
[operations]
listen = "127.0.0.1:0"
admin_token = {{ file = "admin.token" }}
[limits]
user_exchanges_per_minute = 1000000
[store]
{store}
[keys]
file = "bot-sso.keys"
"""


class RecordedBot:
    """A bot that answers 200 to everything, and counts the `tokens/response` events of each user id."""

    def __init__(self):
        self.events = collections.Counter()
        events = self.events

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                activity = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))))
                if activity.get("name") == "tokens/response":
                    events[activity["from"]["id"]] += 1
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
            daemon_threads = True
            request_queue_size = 512

            def handle_error(self, *_):
                """A killed service breaks its connections."""

        server = Server(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{server.server_address[1]}/api/messages"
        threading.Thread(target=server.serve_forever, daemon=True).start()


def private_file(path, text):
    path.write_text(text)
    path.chmod(0o600)


def end(process, number=signal.SIGKILL):
    """Ends a process, and returns its exit code."""
    if process.poll() is None:
        process.send_signal(number)
    try:
        return process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise AssertionError("the process did not end within a minute") from None


class Stage:
    """`bot-sso dev`: the local tenant and the channel. Its gateway is used only for the manifest."""

    def __init__(self, binary, environment=None):
        environment = {"PATH": os.environ["PATH"], **(environment or {})}
        # The output names secrets, so it goes to no file.
        self.process = subprocess.Popen([binary, "dev", "--port", "0"], env=environment, text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        manifest = None
        for line in self.process.stdout:
            if found := re.search(r"(http://\S+)/dev/manifest\.json", line):
                manifest = found
                break
        assert manifest, "the stage did not start"
        threading.Thread(target=self.process.stdout.read, daemon=True).start()
        self.gateway = manifest[1]
        deadline = time.monotonic() + START_LIMIT
        while True:
            try:
                self.manifest = Wire(self.gateway).request("GET", "/dev/manifest.json").json()
                break
            except Unanswered:
                assert time.monotonic() < deadline, "the stage does not answer"
                time.sleep(0.05)
        self.tenant = self.manifest["tenant"]["id"]
        self.http = self.manifest["tenant"]["authority"].removesuffix("/" + self.tenant)
        self.bot = next(bot for bot in self.manifest["bots"] if bot["name"] == "demo")

    def get(self, path):
        return Wire(self.http).request("GET", path).json()

    def configuration(self, bot_endpoint, store):
        connection = next(entry for entry in self.manifest["connections"] if entry["bot"] == "demo")
        return CONFIGURATION.format(
            gateway=self.gateway, http=self.http, tenant=self.tenant, bot=bot_endpoint, store=store,
            channel_issuer=self.get("/channel/v1/.well-known/openidconfiguration")["issuer"],
            v2_issuer=self.get("/common/v2.0/.well-known/openid-configuration")["issuer"],
            v1_issuer=self.get("/common/.well-known/openid-configuration")["issuer"],
            app_id=self.bot["app_id"], exchange_uri=connection["token_exchange_uri"])

    def stop(self):
        end(self.process, signal.SIGTERM)


class Service:
    """A running `bot-sso serve`."""

    def __init__(self, process, log, offset):
        self.process, self.log = process, log
        deadline = time.monotonic() + START_LIMIT
        while True:
            line = next((line for line in self.lines(offset) if '"listening"' in line), None)
            if line is not None:
                break
            assert process.poll() is None, f"bot-sso ended with {process.returncode}; see {log}"
            assert time.monotonic() < deadline, f"bot-sso does not listen; see {log}"
            time.sleep(0.005)
        line = json.loads(line)
        self.base = "http://" + line["addresses"].strip("[]")
        self.operations = "http://" + line["operations"].strip("[]")

    def lines(self, offset=0):
        with self.log.open("rb") as file:
            file.seek(offset)
            return file.read().decode("utf-8", "replace").split("\n")

    def resident(self, name="VmRSS"):
        """A figure of /proc/PID/status in MiB. `VmHWM` is the highest resident memory, `VmPeak` that of addresses."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"^{name}:\s+(\d+)", status, re.MULTILINE)[1]) / 1024

    def open_files(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def assert_runs(self):
        assert self.process.poll() is None, f"bot-sso ended with {self.process.returncode}; see {self.log}"

    def kill(self):
        end(self.process)

    def stop(self):
        code = end(self.process, signal.SIGTERM)
        assert code == 0, f"bot-sso ended with {code} after SIGTERM"


class Setting:
    """A directory with the files of one bot-sso, and everything around it. `environment` is that of all programs; `store` is
    the path of the embedded store, or the keys of the section as lines; `sections` writes more of the configuration for a
    stage."""

    def __init__(self, name, binary, directory, logs, environment=None, store="bot-sso.db", sections=lambda stage: ""):
        self.binary, self.environment = binary, environment or {}
        self.directory = directory / name
        self.directory.mkdir(parents=True)
        logs.mkdir(parents=True, exist_ok=True)
        self.log = logs / f"drill-{name}.log"
        self.log.write_bytes(b"")
        self.bot = RecordedBot()
        self.stage = Stage(binary, environment)
        self.services = []
        private_file(self.directory / "client.secret", self.stage.bot["app_secret"])
        private_file(self.directory / "admin.token", ADMIN_TOKEN)
        store = store if "=" in store else f'path = "{store}"'
        text = self.stage.configuration(self.bot.endpoint, store) + sections(self.stage)
        (self.directory / "bot-sso.toml").write_text(text)
        subprocess.run([binary, "keys", "create", self.directory / "bot-sso.keys"], check=True, stdout=subprocess.DEVNULL)

    def serve(self, prefix=(), environment=None):
        """Starts `bot-sso serve`, with `prefix` before the command and more of the environment, and waits until it listens.
        Services that run at the same time share a log."""
        offset = self.log.stat().st_size
        command = [*prefix, self.binary, "serve", "--config", self.directory / "bot-sso.toml"]
        with self.log.open("ab") as log:
            process = subprocess.Popen(command, env={"PATH": os.environ["PATH"], **self.environment, **(environment or {})},
                                       stdout=subprocess.DEVNULL, stderr=log)
        self.services.append(process)
        return Service(process, self.log, offset)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.services:
            end(process)
        self.stage.stop()


