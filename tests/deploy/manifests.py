"""Checks the Kubernetes manifests and every configuration of deploy/: manifests.py BINARY FOLDER

The folder is for what the checks write. Prints a line for each thing that was checked, and one that begins with "not
checked" for what cannot be checked on this machine. Needs Debian's python3-yaml and python3-kubernetes.
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tomllib

import yaml
from kubernetes import client

DEPLOY = pathlib.Path("deploy")
OVERLAYS = ["base", "replicas"]
# What the schema of python3-kubernetes does not know, since it is older: the class and its field.
NEWER_FIELDS = {("V1Handler", "sleep"), ("V1LifecycleHandler", "sleep")}
MODELS = {
    "Namespace": client.V1Namespace,
    "ServiceAccount": client.V1ServiceAccount,
    "ConfigMap": client.V1ConfigMap,
    "Service": client.V1Service,
    "PersistentVolumeClaim": client.V1PersistentVolumeClaim,
    "Deployment": client.V1Deployment,
    "PodDisruptionBudget": client.V1PodDisruptionBudget,
    "NetworkPolicy": client.V1NetworkPolicy,
}
PLAIN_TYPES = {"str": str, "int": int, "bool": bool, "float": (int, float), "datetime": str}


class Problem(Exception):
    """Something in deploy/ is wrong."""


def require(is_right, text):
    if not is_right:
        raise Problem(text)


def parse_all():
    """Parses every YAML file of deploy/."""
    files = sorted([*DEPLOY.rglob("*.yaml"), *DEPLOY.rglob("*.yml")])
    for file in files:
        with file.open() as opened:
            list(yaml.safe_load_all(opened))
    print(f"{len(files)} YAML files are parsed")


def check_kustomizations():
    """Each file that a kustomization names exists, and each file beside it is named."""
    for overlay in OVERLAYS:
        folder = DEPLOY / "kubernetes" / overlay
        content = yaml.safe_load((folder / "kustomization.yaml").read_text())
        named = set(content["resources"])
        named |= {patch["path"] for patch in content.get("patches", [])}
        named |= {file for one in content["configMapGenerator"] for file in one["files"]}
        for name in named:
            require((folder / name).exists(), f"{folder}: kustomization.yaml names {name}, which does not exist")
        beside = {file.name for file in folder.iterdir()} - {"kustomization.yaml"}
        require(beside <= named, f"{folder}: kustomization.yaml does not name {beside - named}")
    print("the files of the kustomizations exist, and none is left over")


def render(overlay):
    """The objects of an overlay as the cluster would get them; None if this machine cannot render them."""
    folder = DEPLOY / "kubernetes" / overlay
    for command in (["kubectl", "kustomize"], ["kustomize", "build"]):
        if shutil.which(command[0]):
            text = subprocess.run([*command, folder], check=True, capture_output=True, text=True).stdout
            return list(yaml.safe_load_all(text))
    if overlay != "base":
        return None
    # The base has neither patches nor names that kustomize changes in the fields that are compared here.
    named = yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]
    objects = [yaml.safe_load((folder / name).read_text()) for name in named]
    data = {"bot-sso.toml": (folder / "bot-sso.toml").read_text()}
    return [*objects, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "bot-sso"}, "data": data}]


def check_schema(value, kind, place):
    """Compares a value with a type of the client's models: names of fields, and types of plain values."""
    if (found := re.fullmatch(r"list\[(.*)\]", kind)) is not None:
        require(isinstance(value, list), f"{place}: {value!r} is no list")
        for number, entry in enumerate(value):
            check_schema(entry, found.group(1), f"{place}[{number}]")
    elif kind.startswith("dict("):
        require(isinstance(value, dict), f"{place}: {value!r} is no mapping")
    elif kind == "object":
        require(not isinstance(value, (list, dict)), f"{place}: {value!r} is no number and no text")
    elif kind in PLAIN_TYPES:
        is_plain = isinstance(value, PLAIN_TYPES[kind]) and (kind == "bool" or not isinstance(value, bool))
        require(is_plain, f"{place}: {value!r} is no {kind}")
    else:
        check_fields(value, getattr(client, kind), place)


def check_fields(value, model, place):
    require(isinstance(value, dict), f"{place}: {value!r} is no mapping")
    fields = {name: attribute for attribute, name in model.attribute_map.items()}
    for name, of in value.items():
        if (model.__name__, name) in NEWER_FIELDS:
            continue
        require(name in fields, f"{place}: {model.__name__} has no field {name}")
        check_schema(of, model.openapi_types[fields[name]], f"{place}.{name}")


def one(objects, kind):
    found = [it for it in objects if it["kind"] == kind]
    require(len(found) == 1, f"there are {len(found)} objects of the kind {kind}")
    return found[0]


def port_of(address):
    return int(address.rpartition(":")[2])


def check_pod(objects, configuration, overlay):
    """Compares the deployment with the configuration in its ConfigMap."""
    deployment = one(objects, "Deployment")
    pod = deployment["spec"]["template"]["spec"]
    container = next(it for it in pod["containers"] if it["name"] == "bot-sso")
    ports = {it["name"]: it["containerPort"] for it in container["ports"]}
    operations = configuration["operations"]
    require([ports["http"]] == [port_of(it) for it in configuration["server"]["listen"]], f"{overlay}: the port http")
    require(ports["health"] == port_of(operations["health_listen"]), f"{overlay}: the port health")
    for name, path in (("startupProbe", "/healthz"), ("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")):
        require(container[name]["httpGet"] == {"path": path, "port": "health"}, f"{overlay}: {name}")
    backing = one(objects, "Service")["spec"]["ports"]
    require([it["targetPort"] for it in backing] == ["http"], f"{overlay}: the service's port")
    labels = deployment["spec"]["template"]["metadata"]["labels"].items()
    chosen = [deployment["spec"]["selector"]["matchLabels"], one(objects, "Service")["spec"]["selector"]]
    chosen.append(one(objects, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"])
    chosen += [it["spec"]["selector"]["matchLabels"] for it in objects if it["kind"] == "PodDisruptionBudget"]
    require(all(it.items() <= labels for it in chosen), f"{overlay}: a selector chooses other pods")
    volumes = {it["name"]: it for it in pod["volumes"]}
    for each in pod["containers"]:
        context = each["securityContext"]
        require(context["readOnlyRootFilesystem"] is True, f"{overlay}: {each['name']} can write its image")
        require(context["allowPrivilegeEscalation"] is False, f"{overlay}: {each['name']} can gain privileges")
        require(context["capabilities"] == {"drop": ["ALL"]}, f"{overlay}: {each['name']} has capabilities")
        for mount in each["volumeMounts"]:
            require(mount["name"] in volumes, f"{overlay}: there is no volume {mount['name']}")
    require(pod["securityContext"]["runAsNonRoot"] is True, f"{overlay}: it may run as root")
    image_user = re.search(r"^readonly user=(\d+)$", (DEPLOY / "container/build").read_text(), re.M).group(1)
    users = {pod["securityContext"][it] for it in ("runAsUser", "runAsGroup", "fsGroup")}
    require(users == {int(image_user)}, f"{overlay}: {users} is not the user of the image, {image_user}")
    require(volumes["configuration"]["configMap"]["name"] == one(objects, "ConfigMap")["metadata"]["name"],
            f"{overlay}: the configuration is mounted from another ConfigMap")
    secret = volumes["secrets"]["secret"]
    require(secret == {"secretName": "bot-sso", "defaultMode": 0o440}, f"{overlay}: bot-sso refuses files of {secret}")
    check_paths(container, configuration, overlay)
    check_strategy(deployment, objects, configuration, overlay)


def check_paths(container, configuration, overlay):
    """What the configuration reads lies below a mount; what it writes lies below one that can be written."""
    mounts = {it["mountPath"]: it.get("readOnly", False) for it in container["volumeMounts"]}
    config_file = container["args"][container["args"].index("--config") + 1]
    require(str(pathlib.Path(config_file).parent) in mounts, f"{overlay}: {config_file} is not mounted")
    for path in file_paths(configuration):
        require(str(pathlib.Path(path).parent) in mounts, f"{overlay}: {path} is below no mount")
    store = configuration["store"].get("path")
    require(store is None or not mounts[str(pathlib.Path(store).parent)], f"{overlay}: the store cannot be written")


def check_strategy(deployment, objects, configuration, overlay):
    """The embedded store permits one process, which ends before the next one begins."""
    kinds = {it["kind"] for it in objects}
    strategy = deployment["spec"]["strategy"]["type"]
    if "path" in configuration["store"]:
        require((deployment["spec"]["replicas"], strategy) == (1, "Recreate"), f"{overlay}: a file takes one process")
        require("PersistentVolumeClaim" in kinds, f"{overlay}: the store is on no volume")
    else:
        require(deployment["spec"]["replicas"] > 1 and strategy == "RollingUpdate", f"{overlay}: it has one replica")
        require("PodDisruptionBudget" in kinds, f"{overlay}: a drained node may end every replica")
        require("PersistentVolumeClaim" not in kinds, f"{overlay}: a volume is left over")


def file_paths(configuration):
    """Every absolute path in a configuration."""
    if isinstance(configuration, dict):
        configuration = list(configuration.values())
    if isinstance(configuration, list):
        return [path for value in configuration for path in file_paths(value)]
    return [configuration] if isinstance(configuration, str) and configuration.startswith("/") else []


def secret_paths(configuration):
    """The path of each `{ file = "…" }`."""
    if isinstance(configuration, dict):
        if list(configuration) == ["file"] and isinstance(configuration["file"], str):
            return [configuration["file"]]
        configuration = list(configuration.values())
    if isinstance(configuration, list):
        return [path for value in configuration for path in secret_paths(value)]
    return []


def check_configuration(binary, text, place, folder):
    """Lets `bot-sso check` read a configuration whose absolute paths lead below `folder`, with secrets that are none."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    original = tomllib.loads(text)
    moved = re.sub(r'"(/[^"]*)"', lambda found: f'"{folder}{found.group(1)}"', text)
    configuration = tomllib.loads(moved)
    (folder / "bot-sso.toml").write_text(moved)
    keys = folder / configuration["keys"]["file"]
    for path in [*secret_paths({name: of for name, of in configuration.items() if name != "keys"}), keys,
                 *file_paths(configuration)]:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
    for path in secret_paths({name: of for name, of in configuration.items() if name != "keys"}):
        (folder / path).write_text(f"{pathlib.Path(path).name}-secret-of-the-local-stage")
        (folder / path).chmod(0o600)
    subprocess.run([binary, "keys", "create", keys], check=True, capture_output=True)
    checked = subprocess.run([binary, "check", "--config", folder / "bot-sso.toml"], capture_output=True, text=True)
    said = checked.stdout + checked.stderr
    require(checked.returncode == 0 and "warning" not in said, f"{place}: bot-sso check says\n{said}")
    print(f"{place}: bot-sso check accepts every key, without a warning")
    return original


def write_pod(objects, folder):
    """Writes what tests/deploy/pod.sh runs: the configuration, and the arguments of the container, a word a line."""
    folder.mkdir(parents=True, exist_ok=True)
    pod = one(objects, "Deployment")["spec"]["template"]["spec"]
    (folder / "bot-sso.toml").write_text(one(objects, "ConfigMap")["data"]["bot-sso.toml"])
    container = next(it for it in pod["containers"] if it["name"] == "bot-sso")
    (folder / "args").write_text("\n".join(container["args"]) + "\n")


def main():
    binary, work = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    parse_all()
    check_kustomizations()
    check_configuration(binary, (DEPLOY / "systemd/bot-sso.toml").read_text(), "deploy/systemd/bot-sso.toml", work / "systemd")
    stores = {}
    for overlay in OVERLAYS:
        place = f"deploy/kubernetes/{overlay}"
        objects = render(overlay)
        if objects is None:
            print(f"not checked: the rendered manifests of {place}, since this machine has neither kubectl nor kustomize")
            text = (DEPLOY / "kubernetes" / overlay / "bot-sso.toml").read_text()
            stores[overlay] = check_configuration(binary, text, place, work / overlay)
            continue
        for it in objects:
            check_fields(it, MODELS[it["kind"]], f"{place} {it['kind']}")
        text = one(objects, "ConfigMap")["data"]["bot-sso.toml"]
        stores[overlay] = check_configuration(binary, text, place, work / overlay)
        check_pod(objects, stores[overlay], place)
        write_pod(objects, work / "pods" / overlay)
        print(f"{place}: {len(objects)} objects fit the schema of Kubernetes, the configuration and the image")
    for configuration in stores.values():
        del configuration["store"]
    require(stores["base"] == stores["replicas"], "the configurations of the overlays differ in more than the store")


try:
    main()
except Problem as problem:
    print(problem, file=sys.stderr)
    sys.exit(1)
