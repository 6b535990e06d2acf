#!/usr/bin/env bash
# Boots systemd with the Debian package in a copy of this machine: machine.sh PACKAGE FOLDER. Nothing of the machine is
# changed: the copy is an overlay in memory. Run it in namespaces of its own, as process 1 of its namespace:
#   unshare --pid --mount --net --uts --ipc --cgroup --fork --kill-child machine.sh …
# tests/deploy/installed.sh runs inside and writes its output into FOLDER. Needs root.
set -euo pipefail

package=$(realpath "$1")
folder=$(realpath "$2")
here=$(dirname "$(realpath "$0")")
readonly package folder here
readonly memory=$folder/memory
readonly root=$memory/root

mkdir -p "$memory"
mount --make-rprivate /
mount -t tmpfs tmpfs "$memory"
mkdir "$memory/changes" "$memory/work" "$root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$memory/changes,workdir=$memory/work" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for device in null zero full random urandom tty; do
    touch "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
# The units of the machine itself stay away.
rm -f "$root"/etc/systemd/system/*.wants/* "$root/etc/systemd/system/default.target"
mkdir "$root/check"
mount --bind "$folder" "$root/check"
install -m 755 "$here/installed.sh" "$root/root/installed.sh"
install -m 644 "$package" "$root/root/bot-sso.deb"
cat > "$root/etc/systemd/system/check.service" << 'UNIT'
[Unit]
After=basic.target systemd-journald.service dbus.socket
Requires=systemd-journald.service
[Service]
Type=oneshot
ExecStart=/root/installed.sh
StandardOutput=file:/check/installed.log
StandardError=file:/check/installed.log
ExecStopPost=/usr/bin/systemctl --force exit
UNIT

# A user namespace (PrivateUsers=) cannot be made in a chroot, so this is none.
cd "$root"
mkdir before
pivot_root . before
umount --lazy before
exec env -i container=check PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    /usr/lib/systemd/systemd --system --unit=check.service --log-target=null --show-status=no
