"""Lists what a release is made of: components.py BINARY_TARGET FEATURES SBOM LICENCES

Writes an SBOM (CycloneDX 1.5, JSON) of the program for a target into the file SBOM, and the texts of all licences into the
file LICENCES. Both have the crates that are compiled into the program (cargo tree: no macros, no build scripts, no tools of
tests), the C libraries that three of them contain, and the standard library. The same commit gives the same bytes. Needs
Python 3.11, and the sources of the crates, which a build has fetched.
"""

import collections
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import time
import tomllib
import uuid

# C libraries in crates: the name, the header with the version, how it is written there, the licence (if it is not that of the
# crate), and where its text is.
BUNDLED = {
    "aws-lc-sys": ("aws-lc", "aws-lc/include/openssl/base.h", r'AWSLC_VERSION_NUMBER_STRING "([^"]*)"',
                   None, "aws-lc/LICENSE"),
    "libsqlite3-sys": ("sqlite", "sqlite3/sqlite3.h", r'SQLITE_VERSION\s+"([^"]*)"', "blessing", None),
    "libmimalloc-sys": ("mimalloc", "c_src/mimalloc/v2/include/mimalloc.h", r"MI_MALLOC_VERSION\s+(\d+)", "MIT", "c_src/mimalloc/v2/LICENSE"),
}
SQLITE = "SQLite is in the public domain: https://www.sqlite.org/copyright.html"
LICENCE_FILES = re.compile(r"^(licen[cs]e|copying|copyright|notice|unlicense)", re.I)


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def shipped_crates(target, features):
    """The names and versions of the crates in the program."""
    options = ["--no-default-features", "--features", features] if features != "default" else []
    lines = run("cargo", "tree", "--locked", "--edges", "normal,no-proc-macro", "--target", target, "--prefix", "none",
                "--format", "{p}", *options).splitlines()
    found = {tuple(line.split()[:2]) for line in lines if line.strip()}
    return sorted((name, version.removeprefix("v")) for name, version in found)


def packages():
    """What Cargo knows of each crate, by name and version."""
    return {(it["name"], it["version"]): it for it in json.loads(run("cargo", "metadata", "--locked", "--format-version", "1"))["packages"]}


def checksums():
    """The SHA-256 of the archive of each crate, by name and version."""
    lock = tomllib.loads(pathlib.Path("Cargo.lock").read_text())
    return {(it["name"], it["version"]): it.get("checksum") for it in lock["package"]}


def spdx(package):
    return " ".join((package["license"] or "").replace("/", " OR ").split())


def component(name, version, licence, **more):
    return {"type": "library", "bom-ref": f"{name}@{version}", "name": name, "version": version,
            "licenses": [{"expression": licence}], **more}


def crate_component(package, checksum):
    more = {"scope": "required", "purl": f"pkg:cargo/{package['name']}@{package['version']}"}
    if package["description"]:
        more["description"] = " ".join(package["description"].split())
    if checksum:
        more["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    if package["repository"]:
        more["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
    return component(package["name"], package["version"], spdx(package), **more)


def folder_of(package):
    return pathlib.Path(package["manifest_path"]).parent


def bundled_components(package):
    """The C library in a crate, if it has one."""
    if package["name"] not in BUNDLED:
        return []
    name, header, pattern, licence, _ = BUNDLED[package["name"]]
    version = re.search(pattern, (folder_of(package) / header).read_text(errors="replace")).group(1)
    if name == "mimalloc":
        # 20302 is 2.3.2.
        version = f"{int(version) // 10000}.{int(version) // 100 % 100}.{int(version) % 100}"
    found = component(name, version, licence or spdx(package), purl=f"pkg:generic/{name}@{version}")
    return [found]


def licence_texts(package):
    """The texts of the licences of a crate and of the C library in it."""
    folder = folder_of(package)
    files = [file for file in sorted(folder.iterdir()) if file.is_file() and LICENCE_FILES.match(file.name)]
    if package["license_file"]:
        files.append(folder / package["license_file"])
    if package["name"] in BUNDLED:
        text = BUNDLED[package["name"]][4]
        files += sorted(folder.glob(text)) if text else []
        if text is None:
            yield SQLITE
    for file in dict.fromkeys(files):
        yield file.read_text(errors="replace").strip()


def write_licences(crates, known, standard, place):
    """One section for each text, with the crates that it is of."""
    crates_of, without = collections.defaultdict(list), []
    for key in crates:
        package = known[key]
        texts = list(licence_texts(package))
        if not texts:
            without.append(f"{key[0]} {key[1]}: {spdx(package)}, {package['repository']}")
        for text in texts:
            crates_of[text].append(f"{key[0]} {key[1]}")
    lines = ["What bot-sso contains, and under which licences.", ""]
    lines += [f"{name} {version}: {spdx(known[name, version])}" for name, version in crates]
    lines += [f"The standard library of Rust {standard}: MIT OR Apache-2.0, https://www.rust-lang.org/policies/licenses"]
    if without:
        lines += ["", "These have no text of a licence in their sources:", *without]
    for text, names in sorted(crates_of.items(), key=lambda it: it[1]):
        lines += ["", "=" * 80, ", ".join(names), "=" * 80, "", text]
    place.write_text("\n".join(lines) + "\n")


def main():
    target, features, sbom, licences = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]), pathlib.Path(sys.argv[4])
    crates, known, sums = shipped_crates(target, features), packages(), checksums()
    own = next(key for key in crates if key[0] == "bot-sso")
    crates = [key for key in crates if key != own]
    rust = run("rustc", "--version").split()[1]
    components = []
    for key in crates:
        components.append(crate_component(known[key], sums[key]))
        components += bundled_components(known[key])
    components.append(component("rust-std", rust, "MIT OR Apache-2.0", purl=f"pkg:generic/rust-std@{rust}"))
    commit = os.environ.get("COMMIT", "unknown")
    root = component(*own, "MIT", purl=f"pkg:cargo/bot-sso@{own[1]}")
    root |= {"type": "application", "properties": [{"name": "target", "value": target}, {"name": "commit", "value": commit},
                                                   {"name": "features", "value": features}]}
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH", "0"))))
    content = hashlib.sha256(json.dumps([root, components], sort_keys=True).encode()).hexdigest()
    bom = {"bomFormat": "CycloneDX", "specVersion": "1.5", "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, content)}",
           "version": 1, "metadata": {"timestamp": stamp, "component": root}, "components": components}
    sbom.write_text(json.dumps(bom, indent=1) + "\n")
    write_licences(crates, known, rust, licences)
    print(f"{len(components)} components, {len({json.dumps(it['licenses']) for it in components})} licences")


main()
