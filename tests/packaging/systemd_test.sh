#!/usr/bin/env bash
# Boots a clean root with the .deb in it, systemd as the first process, and has an administrator there use the unit
# and a line of /etc/fstab: systemd_test.sh PACKAGES ROOT_ARCHIVE, with a demo Hub in HF_ENDPOINT.
# All of it happens in namespaces and a control group of its own, which end with it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
skip() { echo "skipped: $*"; exit 77; }

# Where the control groups are that systemd uses: mount_cgroups DIRECTORY
mount_cgroups() {
  if grep -q :name=systemd: /proc/self/cgroup; then
    mount -t cgroup -o none,name=systemd cgroup "$1"
  else
    mount -t cgroup2 cgroup2 "$1"
  fi
}

case ${1-} in
--join)  # the first process of its namespaces: into a control group, and to the next step
  work=$4
  mkdir "$work/cgroup"
  mount_cgroups "$work/cgroup"
  mkdir "$work/cgroup/$(basename "$work")"
  echo 1 >"$work/cgroup/$(basename "$work")/cgroup.procs"
  umount "$work/cgroup"
  exec unshare --cgroup "$here/systemd_test.sh" --boot "${@:2}"
  ;;
--boot)  # still the first process, which becomes systemd
  packages=$2 archive=$3 work=$4
  root=$work/root
  . "$here/clean_root.sh"
  unpack_root "$archive" "$root"
  ln -s /proc/self/fd "$root/dev/fd"
  touch "$root/dev/console"
  mount --bind "$(tty)" "$root/dev/console"
  mount -t sysfs -o ro sysfs "$root/sys"
  mount -t tmpfs -o mode=755 none "$root/run"
  mount -t tmpfs none "$root/sys/fs/cgroup"
  if grep -q :name=systemd: /proc/self/cgroup; then
    mkdir "$root/sys/fs/cgroup/systemd"
    mount_cgroups "$root/sys/fs/cgroup/systemd"
  else
    mount_cgroups "$root/sys/fs/cgroup"
  fi
  # What a boot does to the machine is not for this one: kernel variables, controllers, modules, devices.
  mount --bind "$root/proc/sys" "$root/proc/sys"
  mount -o remount,bind,ro "$root/proc/sys"
  head -n 1 /proc/cgroups >"$work/no-controllers"
  mount --bind "$work/no-controllers" "$root/proc/cgroups"
  rm -f "$root/etc/hostname"
  rm -f "$root"/lib/systemd/system/{sysinit,local-fs,sockets,multi-user}.target.wants/*
  ln -s ../systemd-journald.service "$root/lib/systemd/system/sysinit.target.wants/"
  cp "$packages"/*.deb "$root/tmp/neffs.deb"
  chroot "$root" dpkg --install /tmp/neffs.deb >/dev/null
  cp "$here/systemd_admin.sh" "$root/usr/local/bin/administrator"
  cat >"$root/etc/systemd/system/administrator.service" <<EOF
[Unit]
After=sysinit.target
Requires=sysinit.target
SuccessAction=exit
FailureAction=exit
[Service]
Type=oneshot
Environment=HF_ENDPOINT=$HF_ENDPOINT
ExecStart=/usr/local/bin/administrator
StandardOutput=file:/administrator.out
StandardError=inherit
TimeoutStartSec=70
EOF
  # As every container manager does it: mounts are seen by services that have a namespace.
  mount --rbind "$root" "$root"
  mount --make-rshared "$root"
  cd "$root"
  exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin container=test \
    chroot . /lib/systemd/systemd --system --unit=administrator.service --show-status=yes
  ;;
esac

[ -f "$2" ] || skip "there is no clean root"
[ -e /dev/fuse ] || skip "there is no /dev/fuse"
tar -tf "$2" ./lib/systemd/systemd >/dev/null 2>&1 || tar -tf "$2" ./usr/lib/systemd/systemd >/dev/null 2>&1 ||
  skip "there is no systemd in the clean root"
work=$(mktemp -d /var/tmp/neffs-systemd-XXXXXX)
# Namespaces have taken the mounts and processes with them, control groups stay.
leave() {
  mkdir -p "$work/cgroup"
  # shellcheck disable=SC2016
  unshare --mount --propagation private bash -c '
    mount_cgroups "$1"
    [ ! -d "$1/$2" ] || find "$1/$2" -depth -type d -exec rmdir {} +' bash "$work/cgroup" "$(basename "$work")" ||
    echo "control groups are left: $(basename "$work")"
  rm -rf --one-file-system "$work"
}
export -f mount_cgroups
trap leave EXIT
unshare --mount --propagation private bash -c 'mount_cgroups "$1"' bash "$(mkdir -p "$work/try"; echo "$work/try")" \
  2>/dev/null || skip "no control groups can be had"
unshare --mount --pid --uts --fork true 2>/dev/null || skip "no namespace can be made"
# The console of what is booted has to be a terminal.
timeout --kill-after=5 100 script --quiet --flush --command "unshare --mount --pid --uts --fork --kill-child --propagation private \
  '$here/systemd_test.sh' --join '$1' '$2' '$work'" "$work/console" </dev/null >/dev/null || true
cat "$work/root/administrator.out" || true
grep -qx 'all is well' "$work/root/administrator.out" || { cat "$work/console"; exit 1; }
