#!/bin/bash
# Servers on one Linux machine, without virtual machines. Each has its own network, mounts, processes, host name and
# root, an overlay on this machine's that is thrown away; its own sshd on port 22 and, if asked for, its own dockerd.
#
#   rig.sh up DIR NAME NET ENGINE...     servers s1, s2 ... at NET.11, NET.12 ...; ENGINE: docker, podman, both or none
#   rig.sh boot DIR SERVER               after a poweroff
#   rig.sh poweroff DIR SERVER           as if the cable of its power supply were pulled
#   rig.sh link DIR SERVER up|down       the cable of its network
#   rig.sh room DIR SERVER MB|off        how much of its disk is free
#   rig.sh delay DIR SERVER MS|off       one way, in both directions
#   rig.sh exec DIR SERVER COMMAND...    without ssh
#   rig.sh down DIR                      takes everything away
#   rig.sh engine-down DIR               the same for an engine without a server
#   rig.sh sweep BASE                    the same for all that a process which no longer lives has left below BASE
#
# BASE/claims has a link for each thing that is in use, which points to its owner: `PID.START_TIME`.
# DIR keeps a rig's state: its keys, known_hosts and one folder per server. DIR/sshd_config, if it is there before `up`,
# is added to each server's; DIR/seed-docker and DIR/seed-podman are what its engines begin with. DIR/user, if it is there
# before `up`, names an ordinary user of each server, who may log in and has what a rootless Podman needs.
set -euo pipefail

self=$(readlink -f "$0")
path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
disk_size=8g # of memory at most, taken as it is used

main() {
  local command=${1:-help} dir=${2:-}
  shift 2 || true
  if [ "$command" = up ]; then
    name=$1 net=$2
    mkdir -p "$dir"
    printf 'name=%q\nnet=%q\n' "$name" "$net" >"$dir/settings"
    shift 2
  else
    # shellcheck source=/dev/null
    [ -f "$dir/settings" ] && . "$dir/settings"
  fi
  state=$dir
  case $command in
    up) up "$@" ;;
    boot) boot "$1" && wait_until_up "$1" ;;
    poweroff) poweroff "$1" ;;
    link) ip -n "$name-sw" link set "$1" "$2" ;;
    room) room "$1" "$2" ;;
    delay) delay "$1" "$2" ;;
    exec) inside "$@" ;;
    down) down ;;
    engine-down) engine_down ;;
    sweep) sweep "$state" ;;
    init) init "$1" ;;
    *) sed -n '2,/^set/s/^# \{0,1\}//p' "$self" >&2; exit 2 ;;
  esac
}

up() {
  [ -f "$state/key" ] || ssh-keygen -q -t ed25519 -N '' -C "$name" -f "$state/key"
  lay_switch
  local i=0 engine
  for engine in "$@"; do
    i=$((i + 1))
    mkdir -p "$state/s$i"
    echo "$engine" >"$state/s$i/engine"
    ssh-keygen -q -t ed25519 -N '' -C "s$i" -f "$state/s$i/hostkey"
    echo "$(address "s$i") $(cut -d' ' -f1,2 "$state/s$i/hostkey.pub")" >>"$state/known_hosts"
  done
  local server booting=()
  for server in $(servers); do
    boot "$server" &
    booting+=($!)
  done
  wait_for "${booting[@]}"
  for server in $(servers); do wait_until_up "$server"; done
}

wait_for() {
  local job
  for job in "$@"; do wait "$job"; done
}

servers() { (cd "$state" && ls -d s[0-9]* 2>/dev/null | sort -V) || true; }
number() { echo "${1#s}"; }
address() { echo "$net.$((10 + $(number "$1")))"; }

# --- the network ------------------------------------------------------------------------------------------------------

# The bridge has a namespace of its own, because dockerd makes the main one drop what it forwards.
lay_switch() {
  ip netns add "$name-sw"
  ip -n "$name-sw" link set lo up
  ip netns exec "$name-sw" sysctl -qw net.bridge.bridge-nf-call-iptables=0 2>/dev/null || true
  ip -n "$name-sw" link add br0 type bridge
  ip -n "$name-sw" link set br0 up
  ip link add "$name-ctl" type veth peer name ctl netns "$name-sw"
  ip addr add "$net.1/24" dev "$name-ctl"
  ip link set "$name-ctl" up
  ip -n "$name-sw" link set ctl master br0 up
}

# A clean network stack, as after a reboot. The MAC address stays, or the first connection would take 20 s.
lay_network() {
  local server=$1 mac
  mac=02:77:00:00:00:$(printf %02x "$(number "$server")")
  ip netns del "$name-$server" 2>/dev/null || true
  ip -n "$name-sw" link del "$server" 2>/dev/null || true
  ip netns add "$name-$server"
  ip -n "$name-$server" link set lo up
  ip -n "$name-$server" link add eth0 address "$mac" type veth peer name "$server" netns "$name-sw"
  ip -n "$name-$server" addr add "$(address "$server")/24" dev eth0
  ip -n "$name-$server" link set eth0 up
  ip -n "$name-$server" route add default via "$net.1"
  local bridge=br0
  ip -n "$name-sw" link show "br-$server" >/dev/null 2>&1 && bridge=br-$server # its delay outlives the server
  ip -n "$name-sw" link set "$server" master "$bridge" up
}

# The kernel need not have netem: a program relays the frames between two bridges and holds them back.
delay() {
  local server=$1 ms=$2 file=$state/$1/relay
  if [ "$ms" = off ]; then
    [ -f "$file.pid" ] || return 0
    ip -n "$name-sw" link set "$server" master br0
    kill "$(cat "$file.pid")" 2>/dev/null || true
    rm -f "$file.pid"
    ip -n "$name-sw" link del "br-$server"
    return
  fi
  echo "$ms" >"$file.conf"
  if [ -f "$file.pid" ] && kill -HUP "$(cat "$file.pid")" 2>/dev/null; then return; fi
  [ -x "$state/netrelay" ] || cc -O2 -o "$state/netrelay" "$(dirname "$self")/netrelay.c"
  setsid nsenter --net="/run/netns/$name-sw" "$state/netrelay" "ta-$server" "tb-$server" "$file.conf" \
    >"$file.log" 2>&1 </dev/null &
  echo $! >"$file.pid"
  poll 100 grep -q ready "$file.log"
  ip -n "$name-sw" link add "br-$server" type bridge
  ip -n "$name-sw" link set "br-$server" up
  ip -n "$name-sw" link set "ta-$server" master "br-$server" up
  ip -n "$name-sw" link set "tb-$server" master br0 up
  ip -n "$name-sw" link set "$server" master "br-$server"
}

# --- a server's life --------------------------------------------------------------------------------------------------

boot() {
  local server=$1 home=$state/$1 holder
  mkdir -p "$home/disk" "$home/root"
  mountpoint -q "$home/disk" || mount -t tmpfs -o "size=$disk_size,mode=755" "$name-$server" "$home/disk"
  lay_network "$server"
  rm -f "$home/init.pid"
  # --kill-child: when the process that holds the namespaces dies, the whole server does.
  setsid nsenter --net="/run/netns/$name-$server" \
    unshare --mount --uts --ipc --pid --fork --kill-child --propagation private \
    "$self" init "$state" "$server" >"$home/console.log" 2>&1 </dev/null &
  holder=$!
  echo $holder >"$home/holder.pid"
  poll 200 has_child "$holder"
  local init
  init=$(child_of "$holder")
  # Until its root has been switched, /proc/$init/root is this machine's, whose engine must not be taken for the server's.
  if ! poll 500 holds "/proc/$init/root/run/rig.up" "$server"; then
    cat "$home/console.log" >&2
    echo "$server does not boot" >&2
    return 1
  fi
  echo "$init" >"$home/init.pid"
}

# Its disk becomes smaller: to fill it would take memory.
room() {
  local disk=$state/$1/disk size=$disk_size
  [ "$2" = off ] || size=$(($(df -Pk "$disk" | awk 'NR == 2 { print $3 }') + $2 * 1000))k
  mount -o "remount,size=$size" "$disk"
}

child_of() { local child; { read -r child _ || true; } <"/proc/$1/task/$1/children"; echo "$child"; }
has_child() { [ -n "$(child_of "$1")" ]; }
holds() { local line; { read -r line <"$1"; } 2>/dev/null && [ "$line" = "$2" ]; }

# The first process of a server.
init() {
  local server=$1 home=$state/$1 root=$state/$1/root disk=$state/$1/disk
  hostname "$server"
  mkdir -p "$disk"/{upper,work,home,docker,containers,containerd}
  mount -t overlay overlay -o "lowerdir=/,upperdir=$disk/upper,workdir=$disk/work" "$root"
  mount -t proc proc "$root/proc"
  mount --rbind /dev "$root/dev"
  mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
  mount -t sysfs sysfs "$root/sys"
  mount --rbind /sys/fs/cgroup "$root/sys/fs/cgroup"
  mount -t tmpfs -o mode=755 tmpfs "$root/run"
  mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
  mkdir -p "$root"/run/{sshd,lock} "$root"/var/lib/{docker,containers,containerd}
  local own
  for own in docker containers containerd; do mount --bind "$disk/$own" "$root/var/lib/$own"; done
  mount --bind "$disk/home" "$root/root"
  [ ! -f "$state/user" ] || prepare_rootless "$root" "$disk"
  [ -f "$disk/home/.rig/services" ] || install_system "$server" "$root" "$home"
  mkdir -p "$root/.old"
  cd "$root"
  pivot_root . .old
  cd /
  umount -l /.old
  mount --make-rshared / # as systemd does; Podman warns where it is not
  exec /bin/bash /root/.rig/services
}

# What a server has of its own, and what it must not see of this machine.
install_system() {
  local server=$1 root=$2 home=$3
  rm -rf "$root"/etc/docker "$root"/etc/containers/{networks,certs.d,containers.conf} "$root"/var/log/sshd.log
  mkdir -p "$root"/etc/{docker,containers} "$root"/root/{.ssh,.rig}
  chmod 700 "$root"/root "$root"/root/{.ssh,.rig}
  echo "127.0.0.1 localhost $server" >"$root/etc/hosts"
  echo 'nameserver 127.0.0.1' >"$root/etc/resolv.conf"
  echo '{}' >"$root/etc/docker/daemon.json"
  case $(cat "$home/engine") in docker | both) plant docker "$home/disk/docker" ;; esac
  case $(cat "$home/engine") in podman | both) plant podman "$home/disk/containers" ;; esac
  sed -i 's/^root:![^:]*:/root:*:/' "$root/etc/shadow" # a locked account may not log in, not even with a key
  install -m 600 "$state/key.pub" "$root/root/.ssh/authorized_keys"
  install -m 600 "$home/hostkey" "$root/root/.rig/hostkey"
  [ ! -f "$state/user" ] || add_user "$root" "$(cat "$state/user")"
  cat >"$root/root/.rig/sshd_config" <<CONFIG
Port 22
HostKey /root/.rig/hostkey
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
PidFile /run/sshd.pid
LogLevel VERBOSE
Subsystem sftp /usr/lib/openssh/sftp-server
$(cat "$state/sshd_config" 2>/dev/null || true)
CONFIG
  cat >"$root/etc/containers/containers.conf" <<'CONFIG'
[containers]
default_ulimits = ["nofile=20000:20000", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[network]
network_backend = "netavark"
CONFIG
  cat >"$root/root/.rig/services" <<SERVICES
export PATH=$path HOME=/root LANG=C.UTF-8
ulimit -n 20000
cd /
/usr/sbin/sshd -D -e -f /root/.rig/sshd_config 2>>/var/log/sshd.log &
case $(cat "$home/engine") in
  docker | both) dockerd --cgroup-parent /$name-$server >>/var/log/dockerd.log 2>&1 & ;;
esac
echo $server >/run/rig.up
command -v tini >/dev/null && exec tini -s -- sleep infinity
while :; do wait -n 2>/dev/null || sleep 0.2; done # reaps
SERVICES
}

# What udev and systemd do for users on other machines. Their homes are on a file system that takes overlays on top of it.
prepare_rootless() {
  local root=$1 disk=$2
  mkdir -p "$disk/users"
  mount --bind "$disk/users" "$root/home"
  [ -e "$disk/tun" ] || mknod -m 666 "$disk/tun" c 10 200
  mount --bind "$disk/tun" "$root/dev/net/tun"
}

add_user() {
  local root=$1 user=$2 file
  chroot "$root" useradd -m -s /bin/sh -p '*' "$user"
  for file in subuid subgid; do
    grep -qs "^$user:" "$root/etc/$file" || echo "$user:200000:65536" >>"$root/etc/$file"
  done
  mkdir -p "$root/home/$user"/{.ssh,.config/containers}
  chmod 700 "$root/home/$user/.ssh"
  install -m 600 "$state/key.pub" "$root/home/$user/.ssh/authorized_keys"
  printf '[storage]\ndriver = "overlay"\n' >"$root/home/$user/.config/containers/storage.conf"
  chroot "$root" chown -R "$user:" "/home/$user"
}

# The images with which an engine begins, as it keeps them.
plant() { [ ! -d "$state/seed-$1" ] || cp -a "$state/seed-$1/." "$2/"; }

wait_until_up() {
  local server=$1
  case $(cat "$state/$server/engine") in
    docker | both) poll 1500 engine_answers "$server" || { tail -5 "$state/$server/disk/upper/var/log/dockerd.log" >&2; return 1; } ;;
  esac
  poll 500 ssh_answers "$server" || { tail -5 "$state/$server/disk/upper/var/log/sshd.log" >&2; return 1; }
}

# The client is asked only when there is something to ask: while dockerd begins, it is better left alone.
engine_answers() { [ -S "/proc/$(<"$state/$1/init.pid")/root/run/docker.sock" ] && inside "$1" docker version >/dev/null 2>&1; }
ssh_answers() { (exec 3<>"/dev/tcp/$(address "$1")/22") 2>/dev/null; }

inside() {
  local server=$1
  shift
  nsenter -t "$(cat "$state/$server/init.pid")" -m -u -i -n -p -- \
    env -i HOME=/root PATH=$path LANG=C.UTF-8 "$@"
}

poweroff() {
  local server=$1 init
  init=$(cat "$state/$server/init.pid" 2>/dev/null || true)
  kill -9 "$(cat "$state/$server/holder.pid")" 2>/dev/null || true
  [ -z "$init" ] || poll 500 is_gone "$init"
  rm -f "$state/$server"/{holder,init}.pid
  ip netns del "$name-$server" 2>/dev/null || true
}

# Who has to reap it may take a second, and does not matter: a zombie has lost everything.
is_gone() { ! grep -qs '^State:[[:space:]]*[^Z[:space:]]' "/proc/$1/status"; }

down() {
  local server
  for server in $(servers); do
    [ -f "$state/$server/relay.pid" ] && { kill "$(cat "$state/$server/relay.pid")" 2>/dev/null || true; }
    [ -f "$state/$server/holder.pid" ] && poweroff "$server" &
  done
  wait
  for server in $(servers); do remove_groups "$server"; done
  for server in $(servers); do
    umount -l "$state/$server/disk" 2>/dev/null || ! mountpoint -q "$state/$server/disk"
    ip netns del "$name-$server" 2>/dev/null || true
  done
  if [ -n "${name:-}" ]; then
    ip netns del "$name-sw" 2>/dev/null || true
    ip link del "$name-ctl" 2>/dev/null || true
  fi
  rm -rf "$state"
}

# An engine of its own on this machine, and what it leaves when it is killed: containers, mounts, a bridge.
engine_down() {
  local engine daemon group process place
  engine=jiji-$(basename "$state")
  daemon=$(cat "$state/pid" 2>/dev/null || true)
  # Another process has the id by now, perhaps.
  if [ -n "$daemon" ] && grep -qsF -- "$state/" "/proc/$daemon/cmdline"; then
    kill "$daemon" && poll 500 is_gone "$daemon"
  fi
  for group in /sys/fs/cgroup/{,*/}"$engine"; do
    [ -d "$group" ] || continue
    for process in $(find "$group" -name cgroup.procs -exec cat {} +); do kill -9 "$process" && poll 500 is_gone "$process"; done
    find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || true
  done
  ip link delete "$engine" 2>/dev/null || true
  awk -v below="$state/" 'index($5, below) == 1 { print $5 }' /proc/self/mountinfo | sort -r | xargs -r umount -l
  rm -rf "$state"
}

sweep() {
  local base=$1 claim
  for claim in "$base"/claims/*; do
    [ -L "$claim" ] || continue
    ! is_alive "$(readlink "$claim")" || continue
    case ${claim##*/} in
      rig-*) "$self" down "$base/${claim##*/rig-}" ;;
      engine-*) "$self" engine-down "$base/${claim##*/}" ;;
      registry-*) rm -rf "/etc/docker/certs.d/${claim##*/registry-}" "$base/${claim##*/}" ;;
    esac
    rm -f "$claim"
  done
  # What rigs share goes with the last of them.
  if rmdir "$base/claims" 2>/dev/null; then rm -rf "$base"; fi
}

# is_alive PID.START_TIME: the time tells a process from a later one with the same id
is_alive() {
  local stat
  stat=$(cat "/proc/${1%.*}/stat" 2>/dev/null) || return 1
  read -ra stat <<<"${stat##*) }"
  # One that is ending may show less than all; if it is still there, the next sweep will see.
  if [ "${#stat[@]}" -lt 20 ]; then
    [ -d "/proc/${1%.*}" ]
    return
  fi
  [ "${stat[0]}" != Z ] && [ "${stat[19]}" = "${1#*.}" ]
}

# The control groups that the server's engines have made: they belong to no namespace.
remove_groups() {
  local server=$1 group container
  for group in /sys/fs/cgroup/{,*/}"$name-$server"; do
    [ ! -d "$group" ] || find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || true
  done
  for container in "$state/$server"/disk/containers/storage/overlay-containers/*/; do
    container=$(basename "$container")
    rmdir /sys/fs/cgroup/{,*/}libpod_parent/libpod-{,conmon-}"$container" 2>/dev/null || true
  done
}

# poll TIMES COMMAND...: every 20 ms until it succeeds
poll() {
  local times=$1 i
  shift
  for ((i = 0; i < times; i++)); do
    "$@" && return 0
    sleep 0.02
  done
  return 1
}

main "$@"
