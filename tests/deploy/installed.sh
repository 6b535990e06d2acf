#!/usr/bin/env bash
# Installs the package, and drives the service as an operator does. tests/deploy/machine.sh runs this under a systemd.
# /check/booted says that systemd has booted, /check/passed that everything was right.
set -euo pipefail

touch /check/booted
readonly configuration=/etc/bot-sso/bot-sso.toml
readonly secrets=/etc/bot-sso/secrets
readonly operations=http://127.0.0.1:3981

fail() {
    echo "$1" >&2
    systemctl status bot-sso --no-pager --full >&2 || true
    journalctl --unit bot-sso --no-pager >&2 || true
    exit 1
}

# Fails with the text $1 unless the command $2... succeeds.
expect() {
    local text=$1
    shift
    "$@" || fail "$text: $*"
}

# Fails with the text $1 if the command $2... succeeds.
refuse() {
    local text=$1
    shift
    if "$@" > /dev/null 2>&1; then
        fail "$text: $*"
    fi
}

# Waits until the command $2... succeeds.
wait_for() {
    local text=$1
    shift
    for _ in $(seq 150); do
        if "$@" > /dev/null 2>&1; then
            return 0
        fi
        sleep 0.1
    done
    fail "$text did not come within 15 s: $*"
}

property() {
    systemctl show bot-sso --property "$1" --value
}

is_healthy() {
    [ "$(curl --silent --max-time 2 "$operations/healthz")" = ok ]
}

has_event() {
    grep -q "\"event\":\"$1\"" /var/log/bot-sso/audit.jsonl
}

# Whether the audit stream has the file at its path open.
is_audited() {
    grep -q '"audit_writer":{"status":"ok"' <(curl --silent --max-time 2 "$operations/readyz")
}

# Whether the service has been started again once, and lives.
is_restarted() {
    [ "$(property NRestarts)" = 1 ] && is_healthy
}

# Whether the field $1 of the status of the main process is $2.
status_is() {
    local value
    value=$(sed -n "s/^$1:\t*\([^\t]*\).*/\1/p" "/proc/$(property MainPID)/status")
    [ "$value" = "$2" ]
}

ip link set lo up 2> /dev/null || true
dpkg --install /root/bot-sso.deb
expect "the user is not made" id bot-sso
[ "$(stat -c '%U:%G %a' $secrets)" = 'bot-sso:bot-sso 700' ] || fail "the folder for secrets is not private"
[ "$(stat -c '%U:%G %a' $configuration)" = 'root:bot-sso 640' ] || fail "the configuration can be read by others"
[ "$(property ActiveState)" = inactive ] || fail "an installation starts the service, with the addresses of an example"
said=$(systemd-analyze verify bot-sso.service 2>&1 || true)
[ -z "$said" ] || fail "systemd-analyze verify: $said"
echo "the package is installed: user, folders, unit; the service is not started"

refuse "a service without secrets starts" systemctl start bot-sso
expect "the journal does not name the problem" grep -q 'keys.file' <(journalctl --unit bot-sso)
systemctl stop bot-sso
echo "without secrets, systemctl start fails, and the journal has the problems"

# The commands of docs/deploying.md.
for name in graph admin-token metrics-token; do
    openssl rand -hex 32 | install -m 400 -o bot-sso -g bot-sso /dev/stdin "$secrets/$name"
done
runuser -u bot-sso -- bot-sso keys create $secrets/bot-sso.keys
expect "the user of the service cannot check the configuration" runuser -u bot-sso -- bot-sso check --config $configuration
systemctl start bot-sso
wait_for "the health" is_healthy
user=$(id -u bot-sso)
expect "another user" status_is Uid "$user"
expect "capabilities" status_is CapEff 0000000000000000
expect "new privileges" status_is NoNewPrivs 1
expect "no filter of system calls" status_is Seccomp 2
[ "$(property MemoryMax)" = 1610612736 ] || fail "MemoryMax is $(property MemoryMax)"
[ "$(stat -c '%U %a' /var/lib/bot-sso/bot-sso.db)" = 'bot-sso 600' ] || fail "the store can be read by others"
echo "it serves as bot-sso, without capabilities, with a filter of system calls"

ready=$(curl --silent "$operations/readyz")
for check in store key_ring log_writer serving audit_writer; do
    expect "readyz: $ready" grep -q "\"$check\":{\"status\":\"ok\"" <<< "$ready"
done
token=$(cat $secrets/metrics-token)
expect "no metrics" grep -q '^bot_sso_build_info' <(curl --silent -H "Authorization: Bearer $token" "$operations/metrics")
refuse "metrics without a bearer" curl --silent --fail "$operations/metrics"
echo "readyz, and metrics with their bearer alone"

process=$(property MainPID)
systemctl reload bot-sso
wait_for "the event of a reload" has_event reloaded
sed --in-place 's/^public_url/public_uri/' $configuration
refuse "a reload of a configuration with a problem" systemctl reload bot-sso
sed --in-place 's/^public_uri/public_url/' $configuration
expect "the service after a refused reload" is_healthy
runuser -u bot-sso -- bot-sso keys rotate $secrets/bot-sso.keys
systemctl reload bot-sso
[ "$(property MainPID)" = "$process" ] || fail "a reload has restarted the process"
echo "systemctl reload: SIGHUP, and a refusal if the configuration has a problem"

logrotate --force /etc/logrotate.d/bot-sso
wait_for "the audit file after its rotation" test -e /var/log/bot-sso/audit.jsonl
wait_for "the audit writer" is_audited
[ -e /var/log/bot-sso/audit.jsonl.1 ] || fail "logrotate has rotated nothing"
echo "logrotate rotates the audit file, and the service opens the new one"

kill -KILL "$process"
wait_for "the restart after a crash" is_restarted
process=$(property MainPID)
dpkg --install /root/bot-sso.deb > /dev/null
wait_for "the health after an upgrade" is_healthy
[ "$(property MainPID)" != "$process" ] || fail "an upgrade does not restart the service"
echo "it comes back after kill -9, and after an upgrade"

systemctl stop bot-sso
[ "$(property Result) $(property ExecMainStatus)" = 'success 0' ] || fail "the end is $(property Result)"
expect "the audit stream" has_event stopped
systemctl start bot-sso
dpkg --remove bot-sso > /dev/null
refuse "the removed service" is_healthy
dpkg --purge bot-sso > /dev/null
for kept in $secrets/bot-sso.keys /var/lib/bot-sso/bot-sso.db; do
    [ -e "$kept" ] || fail "a purge removes $kept"
done
[ ! -e /usr/bin/bot-sso ] || fail "a removal leaves the program"
echo "it ends with 0 at SIGTERM; a removal stops it; a purge keeps the keys and the store"
touch /check/passed
