#!/usr/bin/env bash
# Runs a pod of deploy/kubernetes as far as that goes without a cluster: pod.sh IMAGE POD FOLDER. IMAGE is the root
# file system of the image, POD the folder that tests/deploy/manifests.py has written for an overlay.
# The file systems are read-only, the user is that of the manifests, and the secrets have the modes that Kubernetes gives them.
# Run it as root in namespaces of its own:  unshare --mount --net --pid --fork --kill-child pod.sh …
set -euo pipefail

image=$(realpath "$1")
pod=$(realpath "$2")
folder=$(realpath "$3")
here=$(dirname "$(realpath "$0")")
readonly image pod folder here
readonly user=65532
chroot=$(command -v chroot)
readonly chroot
readonly health=http://127.0.0.1:3982
readonly redis_password=redis-password-secret-of-the-local-stage

fail() {
    echo "$1" >&2
    cat "$folder/pod.log" >&2 || true
    exit 1
}

is_healthy() {
    [ "$(curl --silent --max-time 2 "$health/healthz")" = ok ]
}

# Makes the secret as Kubernetes mounts it: links into a hidden folder, files of root that the group of the pod may read.
mount_secret() {
    local data=$folder/secrets/..data name
    mkdir -p "$data"
    for name in graph admin-token metrics-token; do
        echo "$name-secret-of-the-local-stage" > "$data/$name"
    done
    echo "$redis_password" > "$data/redis-password"
    chroot "$root" /usr/bin/bot-sso keys create /tmp/bot-sso.keys > /dev/null
    mv "$root/tmp/bot-sso.keys" "$data/bot-sso.keys"
    chown "root:$user" "$data"/*
    chmod 440 "$data"/*
    for name in "$data"/*; do
        ln -s "..data/$(basename "$name")" "$folder/secrets/$(basename "$name")"
    done
}

# The Redis of the manifests, under the name that the configuration has.
start_redis() {
    local name rights
    name=$(sed -n 's|^url = "redis://\(.*\):6379"$|\1|p' "$pod/bot-sso.toml")
    if [ -z "$name" ]; then
        return 0
    fi
    printf '127.0.0.1 localhost %s\n' "$name" > "$root/etc/hosts"
    mkdir "$folder/redis"
    # The user that docs/replicas.md proposes.
    rights=$(sed -n '/^user bot-sso on >PASSWORD/,/^```/p' "$here/../../docs/replicas.md" | grep -v '^```' | tr -s '\n ' ' ')
    printf '%s\n' "bind 127.0.0.1" "port 6379" "appendonly yes" "dir $folder/redis" "maxmemory-policy noeviction" \
        "${rights/PASSWORD/$redis_password}" > "$folder/redis.conf"
    redis-server "$folder/redis.conf" > "$folder/redis.log" 2>&1 &
    for _ in $(seq 100); do
        if (: > /dev/tcp/127.0.0.1/6379) 2> /dev/null; then
            return 0
        fi
        sleep 0.1
    done
    fail "redis-server does not start"
}

ip link set lo up 2> /dev/null || true
mount --make-rprivate /
mkdir -p "$folder/changes" "$folder/work" "$folder/root"
readonly root=$folder/root
# What the kubelet adds to the image (mount points, /etc/hosts) goes into a layer in memory.
mount -t tmpfs tmpfs "$folder/changes"
mkdir "$folder/changes/up" "$folder/changes/work"
mount -t overlay overlay -o "lowerdir=$image,upperdir=$folder/changes/up,workdir=$folder/changes/work" "$root"
mkdir -p "$root/tmp" "$root/run/secrets/bot-sso" "$root/proc" "$root/dev"
touch "$root/dev/null" "$root/dev/urandom"
mount --bind /dev/null "$root/dev/null"
mount --bind /dev/urandom "$root/dev/urandom"
mount -t proc proc "$root/proc"
mount_secret
cp "$pod/bot-sso.toml" "$root/etc/bot-sso/bot-sso.toml"
start_redis
mount --bind "$folder/secrets" "$root/run/secrets/bot-sso"
mount -o remount,bind,ro "$root/run/secrets/bot-sso"
if grep -q '^path = "/var/lib/bot-sso/' "$pod/bot-sso.toml"; then
    mount -t tmpfs -o "mode=2770,gid=$user" tmpfs "$root/var/lib/bot-sso"
fi
mount -o remount,ro "$root"

mapfile -t args < "$pod/args"
# Runs the program in the place of the shell that calls.
in_image() {
    exec env -i "$chroot" --userspec=$user:$user "$root" /usr/bin/bot-sso "$@"
}
online=$(in_image check --online --config /etc/bot-sso/bot-sso.toml 2>&1) || true
# There is no network here, but the TLS client was set up with the image's certificate authorities.
grep -q 'online checks$' <<< "$online" || fail "bot-sso check --online: $online"
in_image "${args[@]}" > "$folder/pod.log" 2>&1 &
readonly process=$!
for _ in $(seq 150); do
    if is_healthy; then
        break
    fi
    sleep 0.1
done
is_healthy || fail "the pod is not healthy"
ready=$(curl --silent "$health/readyz")
for check in store key_ring log_writer serving; do
    grep -q "\"$check\":{\"status\":\"ok\"" <<< "$ready" || fail "readyz: $ready"
done
[ "$(curl --silent --output /dev/null --write-out '%{http_code}' "$health/metrics")" = 401 ] || fail "metrics without a bearer"
[ "$(curl --silent --output /dev/null --write-out '%{http_code}' "$health/admin/users/x/export")" = 404 ] || fail "an admin API for the network"
kill -TERM "$process"
wait "$process" || fail "the pod ends with $? at SIGTERM"
echo "a pod of $(basename "$pod") runs: read-only, as the user $user, with the secrets that Kubernetes mounts, probes on the health listener"
