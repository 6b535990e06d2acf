"""Watches a running bot-sso with a real Prometheus, as deploy/prometheus says: watched.py BINARY FOLDER PROMETHEUS PROMTOOL BLACKBOX

Run it in a network namespace of its own: all programs listen on the ports that the files of deploy/ name. Checks every metric
name, label and label value that an alert or the dashboard uses against the program's table and what it serves.
"""

import base64
import http.server
import json
import pathlib
import re
import shlex
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import yaml

DEPLOY = pathlib.Path("deploy")
TABLE = pathlib.Path("src/observability/metrics/table.rs")
PROMETHEUS = "http://127.0.0.1:9090"
OPERATIONS = "http://127.0.0.1:3981"
LIMIT = 60
# Of Prometheus itself and of the blackbox exporter, with labels of the jobs.
OTHER_METRICS = {"up": set(), "probe_success": set(), "ALERTS": {"alertname", "alertstate"}}
TARGET_LABELS = {"job", "instance"}
SUFFIXES = {"Counter": ["_total"], "Gauge": [""], "Info": ["_info"], "Histogram": ["_bucket", "_count", "_sum"]}
# Sections that the example lacks, so that each metric has series.
MORE_SECTIONS = """
[channels]
issuer = "http://127.0.0.1:{keys}"
jwks_url = "http://127.0.0.1:{keys}/keys"
allow_insecure_http = true
[identity_providers.entra]
jwks_url = "http://127.0.0.1:{keys}/keys"
allow_insecure_http = true
[skills.weather]
app_id = "99999999-9999-4999-8999-999999999999"
tenant = "22222222-2222-4222-8222-222222222222"
endpoint = "https://weather.example.com/api/messages"
connections = ["weather"]
bots = ["help-desk"]
[directories.market]
"""


class Problem(Exception):
    """Something in deploy/ is wrong."""


def require(is_right, text):
    if not is_right:
        raise Problem(text)


def fetch(url, bearer=None):
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {bearer}"} if bearer else {})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)


def query(path, **parameters):
    """An answer of Prometheus' API."""
    status, body = fetch(f"{PROMETHEUS}/api/v1/{path}?{urllib.parse.urlencode(parameters)}")
    require(status == 200, f"Prometheus answers {status} to {path} {parameters}: {body}")
    return json.loads(body)["data"]


def wait_until(what, is_so):
    """Waits until `is_so` gives something true, and returns it. Prometheus asks every second."""
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        try:
            if found := is_so():
                return found
        except Problem:
            pass
        time.sleep(0.2)
    raise Problem(f"not within {LIMIT} s: {what}")


class Keys(http.server.BaseHTTPRequestHandler):
    """Publishes signing keys, in the place of the channels and of the identity provider."""

    document = b""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(self.document)))
        self.end_headers()
        self.wfile.write(self.document)

    def log_message(self, *_):
        pass


def publish_keys(folder):
    """Starts the publisher, and returns its port."""
    private = folder / "signing.pem"
    subprocess.run(["openssl", "genrsa", "-out", private, "2048"], check=True, capture_output=True)
    said = subprocess.run(["openssl", "rsa", "-in", private, "-noout", "-modulus"], check=True, capture_output=True, text=True)
    modulus = bytes.fromhex(said.stdout.strip().partition("=")[2])
    key = {"kty": "RSA", "use": "sig", "kid": "1", "e": "AQAB", "endorsements": ["msteams"],
           "n": base64.urlsafe_b64encode(modulus).rstrip(b"=").decode()}
    Keys.document = json.dumps({"keys": [key]}).encode()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Keys)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


class Programs:
    """The programs that run, each with its output in a file."""

    def __init__(self, folder):
        self.folder = folder
        self.running = {}

    def start(self, name, command, cwd=None):
        output = (self.folder / f"{name}.log").open("wb")
        self.running[name] = subprocess.Popen([str(it) for it in command], stdout=output, stderr=output, cwd=cwd)

    def stop(self, name):
        process = self.running.pop(name)
        process.terminate()
        return process.wait(timeout=40)

    def stop_all(self):
        for name in list(self.running):
            self.stop(name)


def configure(binary, folder, keys_port):
    """Writes the example of deploy/systemd with paths below `folder`, and returns the bearer of the metrics."""
    text = (DEPLOY / "systemd/bot-sso.toml").read_text()
    text = re.sub(r'"(/[^"]*)"', lambda found: f'"{folder}{found.group(1)}"', text)
    # The alerts on the ends of credentials need a secret that says when it ends.
    text = text.replace('file = "secrets/graph"', 'file = "secrets/graph", expires = 2099-01-31')
    (folder / "bot-sso.toml").write_text(text + MORE_SECTIONS.format(keys=keys_port))
    for path in ("var/lib/bot-sso", "var/log/bot-sso", "secrets"):
        (folder / path).mkdir(parents=True)
    for name in ("graph", "admin-token", "metrics-token"):
        (folder / "secrets" / name).write_text(f"{name}-secret-of-the-local-stage")
        (folder / "secrets" / name).chmod(0o600)
    subprocess.run([binary, "keys", "create", folder / "secrets/bot-sso.keys"], check=True, capture_output=True)
    return "metrics-token-secret-of-the-local-stage"


def service_command(binary, folder):
    """The command line of the unit, with this program and this configuration."""
    unit = (DEPLOY / "systemd/bot-sso.service").read_text()
    words = shlex.split(re.search(r"^ExecStart=(.*)$", unit, re.M).group(1))
    require(words[0] == "/usr/bin/bot-sso", f"the unit starts {words[0]}")
    return [binary, *(folder / "bot-sso.toml" if word == "/etc/bot-sso/bot-sso.toml" else word for word in words[1:])]


def read_table():
    """The labels of each sample name of the program's table."""
    labels = {}
    for kind, name, names in re.findall(r'(Counter|Gauge|Info|Histogram) "(\w+)" \[(.*)\]', TABLE.read_text()):
        for suffix in SUFFIXES[kind]:
            more = {"le"} if suffix == "_bucket" else set()
            labels[name + suffix] = set(re.findall(r'"(\w+)"', names)) | more
    require(len(labels) > 20, f"{TABLE} has another form than this test reads")
    return labels


def read_values(text):
    """The values of each label of each metric that the program serves."""
    values = {}
    for name, labels in re.findall(r"^(\w+)(?:\{(.*)\})? ", text, re.M):
        values.setdefault(name, {})
        for label, value in re.findall(r'(\w+)="([^"]*)"', labels or ""):
            values[name].setdefault(label, set()).add(value)
    return values


def check_expression(expression, place, table, values):
    """Every name, label and value in an expression is one of the program. Returns the labels that its result may have."""
    plain = re.sub(r'"[^"]*"', '""', expression)
    names = set(re.findall(r"\b(?:bot_sso_\w+|process_\w+|up|probe_success)\b", plain))
    require(names, f"{place}: {expression} has no metric")
    known = table | OTHER_METRICS
    for name in names:
        require(name in known, f"{place}: the program has no metric {name}")
        require(name in OTHER_METRICS or name in values, f"{place}: the program serves no series of {name}")
    for name, matchers in re.findall(r"(\w+)\{([^}]*)\}", expression):
        for label, comparison, value in re.findall(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"', matchers):
            require(label in known[name] | TARGET_LABELS, f"{place}: {name} has no label {label}")
            if label not in TARGET_LABELS:
                check_value(value, comparison, values[name][label], f"{place}: {name}")
    labels = set.union(*(known[name] for name in names)) | TARGET_LABELS
    for group in re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", expression):
        unknown = {it.strip() for it in group.split(",")} - labels
        require(not unknown, f"{place}: no metric of {expression} has {unknown}")
    grouped = [set(re.split(r"\s*,\s*", it.strip())) for it in re.findall(r"\bby\s*\(([^)]*)\)", expression)]
    return set.union(*grouped) if grouped else labels


def check_value(value, comparison, served, place):
    options = value.split("|") if "~" in comparison else [value]
    for option in options:
        require(option in served, f"{place} has no {option!r} among {sorted(served)}")


def rules():
    groups = yaml.safe_load((DEPLOY / "prometheus/alerts.yaml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def dashboard_expressions():
    """The expressions of the dashboard, with values for Grafana's variables."""
    dashboard = json.loads((DEPLOY / "grafana/bot-sso.json").read_text())
    numbers = [panel["id"] for panel in dashboard["panels"]]
    require(len(set(numbers)) == len(numbers), "two panels of the dashboard have one id")
    places = set()
    for panel in dashboard["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        require(at["x"] + at["w"] <= 24 and not cells & places, f"the panel {panel['title']} overlaps another one")
        places |= cells
    variables = {"job": "bot-sso", "instance": "127.0.0.1:3981", "__rate_interval": "1m"}
    filled = []
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            expression = re.sub(r"\$(\w+)", lambda found: variables[found.group(1)], target["expr"])
            filled.append((panel["title"], expression, target["legendFormat"]))
    return filled


def check_names(values):
    """The names of the alerts and of the dashboard, and the labels that their texts show."""
    table = read_table()
    for rule in rules():
        place = f"the alert {rule['alert']}"
        labels = check_expression(rule["expr"], place, table, values)
        shown = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
        require(shown <= labels, f"{place}: its summary shows {shown - labels}, which it does not have")
    for title, expression, legend in dashboard_expressions():
        labels = check_expression(expression, f"the panel {title}", table, values)
        shown = set(re.findall(r"\{\{(\w+)\}\}", legend))
        require(shown <= labels, f"the panel {title}: its legend shows {shown - labels}, which it does not have")
    used = {name for text in [*(it["expr"] for it in rules()), *(it[1] for it in dashboard_expressions())]
            for name in re.findall(r"\b(?:bot_sso|process)_\w+", text)}
    unused = {name for name in table if not any(name == it or name.rpartition("_")[0] == it.rpartition("_")[0] for it in used)}
    require(not unused, f"neither an alert nor the dashboard shows {unused}")
    print(f"{len(rules())} alerts and {len(dashboard_expressions())} queries of the dashboard use names, labels and values of the "
          "program, and show every metric")


def check_guide():
    """docs/deploying.md has a row for each alert, and for no other."""
    rows = re.findall(r"^\| `(BotSso\w+)` \|", pathlib.Path("docs/deploying.md").read_text(), re.M)
    require(rows == [rule["alert"] for rule in rules()], "docs/deploying.md has other alerts than alerts.yaml")
    print("docs/deploying.md explains each alert")


def set_up_prometheus(folder, token):
    """Copies deploy/prometheus, with a second as interval."""
    for name in ("prometheus.yml", "alerts.yaml", "blackbox.yml"):
        text = (DEPLOY / "prometheus" / name).read_text()
        (folder / name).write_text(re.sub(r"_interval: 15s", "_interval: 1s", text))
    (folder / "bot-sso.token").write_text(token)


def state_of(alert):
    return next(rule["state"] for group in query("rules")["groups"] for rule in group["rules"] if rule["name"] == alert)


def value_of(expression):
    result = query("query", query=expression)["result"]
    return result[0]["value"][1] if result else None


def watch(programs, folder, token, promtool):
    wait_until("both targets are scraped", lambda: [it["health"] for it in query("targets")["activeTargets"]] == ["up", "up"])
    wait_until("bot-sso is ready", lambda: value_of('probe_success{job="bot-sso-ready"}') == "1")
    print("Prometheus scrapes bot-sso, and the blackbox exporter finds it ready")
    require(fetch(f"{OPERATIONS}/metrics")[0] == 401, "the metrics are served without their bearer")
    text = fetch(f"{OPERATIONS}/metrics", token)[1]
    said = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True)
    require(said.returncode == 0, f"promtool check metrics: {said.stdout}{said.stderr}")
    print("promtool parses the metrics, and has nothing to say against their names")
    check_names(read_values(text))
    loaded = wait_until("each rule was evaluated", evaluated_rules)
    bad = [(it["name"], it.get("lastError"), it["state"]) for it in loaded if it["health"] != "ok" or it["state"] != "inactive"]
    require(len(loaded) == len(rules()) and not bad, f"{len(loaded)} rules, of which are not well: {bad}")
    for title, expression, _ in dashboard_expressions():
        query("query", query=expression)
    require(value_of('bot_sso_identity_provider_reachable{provider="entra"}') == "1", "the provider's keys were not fetched")
    print(f"Prometheus has loaded {len(loaded)} alerts, none of them fires, and it answers every query of the dashboard")
    keys = folder / "secrets/bot-sso.keys"
    keys.rename(folder / "moved.keys")
    wait_until("BotSsoNotReady is pending without a key file", lambda: state_of("BotSsoNotReady") == "pending")
    (folder / "moved.keys").rename(keys)
    wait_until("BotSsoNotReady ends", lambda: state_of("BotSsoNotReady") == "inactive")
    require(programs.stop("bot-sso") == 0, "bot-sso does not end with 0 at SIGTERM")
    wait_until("BotSsoDown is pending", lambda: state_of("BotSsoDown") == "pending")
    print("a missing key file and a stopped process are seen: BotSsoNotReady and BotSsoDown")


def evaluated_rules():
    found = [rule for group in query("rules")["groups"] for rule in group["rules"]]
    return found if found and all(rule["health"] != "unknown" for rule in found) else None


def main():
    binary, folder, *tools = (pathlib.Path(it).resolve() for it in sys.argv[1:])
    prometheus, promtool, blackbox = tools
    check_guide()
    targets = [it for job in yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text())["scrape_configs"]
               for it in job["static_configs"][0]["targets"]]
    require(targets == ["127.0.0.1:3981", f"{OPERATIONS}/readyz"], f"prometheus.yml has other targets: {targets}")
    programs = Programs(folder)
    try:
        token = configure(binary, folder, publish_keys(folder))
        set_up_prometheus(folder, token)
        programs.start("bot-sso", service_command(binary, folder))
        programs.start("blackbox", [blackbox, f"--config.file={folder / 'blackbox.yml'}", "--web.listen-address=127.0.0.1:9115"])
        programs.start("prometheus", [prometheus, f"--config.file={folder / 'prometheus.yml'}",
                                      f"--storage.tsdb.path={folder / 'series'}", "--web.listen-address=127.0.0.1:9090"])
        watch(programs, folder, token, promtool)
    except Problem:
        for name in programs.running:
            print(f"{name}: {(folder / f'{name}.log').read_text()[-2000:]}", file=sys.stderr)
        raise
    finally:
        programs.stop_all()


try:
    main()
except Problem as problem:
    print(problem, file=sys.stderr)
    sys.exit(1)
