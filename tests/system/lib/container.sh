#!/bin/bash
# Builds the image from programs that are there already, and lives with a container of it: prints one
# line `NAME VALUE` for what it saw, which container.test.mjs judges. Exit 77: not possible here, with
# the reason on standard error.
#   container.sh BUILD WORK PORT ENVIRONMENT-FILE
# No daemon and no registry are needed. Podman wants a plain cgroup2 at its usual place, so it runs in
# namespaces of its own, and everything in WORK: nothing is left behind.
set -euo pipefail
build=$(realpath "$1") work=$2 port=$3 settings=$4
cd "$(dirname "$0")/../../.."
skip() { echo "$*" >&2; exit 77; }
[ "$(id -u)" = 0 ] || skip 'only root can make namespaces here'
for tool in buildah podman crun unshare; do command -v "$tool" >/dev/null || skip "$tool is not installed (tools/setup test)"; done
cg2=$(findmnt -rn -t cgroup2 -o TARGET | head -1)
[ -n "$cg2" ] || skip 'no cgroup2 is mounted'
cg=$cg2/clasp-container.$$
mkdir "$cg" 2>/dev/null || skip "no cgroup can be made in $cg2"
end() {
  [ ! -w "$cg/cgroup.kill" ] || echo 1 >"$cg/cgroup.kill" || :
  for _ in 1 2 3 4 5; do find "$cg" -depth -type d -exec rmdir {} + 2>/dev/null && break; sleep 0.2; done
}
trap end EXIT

# The stage that compiles is replaced by one that has what it would make.
context=$work/context
mkdir -p "$context"
awk '/^FROM .* AS programs$/ {print "FROM scratch AS programs\nCOPY rootfs /rootfs\nCOPY state /state"; left_out = 1; next}
  /^FROM / {left_out = 0} !left_out' Dockerfile >"$context/Dockerfile"
packaging/container/rootfs "$build" "$context/rootfs" >&2
printf '[storage]\ndriver = "overlay"\nrunroot = "%s/run"\ngraphroot = "%s/graph"\n' "$work" "$work" >"$work/storage.conf"
export CONTAINERS_STORAGE_CONF=$work/storage.conf

live() {
  mount -t tmpfs tmpfs /run
  mount -t tmpfs tmpfs /dev/shm # podman's locks
  mount -t cgroup2 cgroup2 /sys/fs/cgroup
  mkdir /sys/fs/cgroup/init
  echo 1 >/sys/fs/cgroup/init/cgroup.procs
  local pod=(podman --cgroup-manager=cgroupfs --log-level=fatal)
  # What the machines that run this test do not allow podman's defaults.
  local run=(run -d --cgroups=disabled --ulimit nofile=1024:1024 --ulimit nproc=500:500
    --read-only --cap-drop ALL --security-opt no-new-privileges)
  buildah build --isolation chroot --format docker -t clasp:test "$context" >"$work/build.log" 2>&1 ||
    { cat "$work/build.log" >&2; exit 1; }
  echo "size $(podman images --format '{{.Size}}' clasp:test)"

  # As it is, with nothing set but what the demo needs, in a network of its own.
  "${pod[@]}" "${run[@]}" --name plain --network=none -e PROVIDER=demo clasp:test >/dev/null
  for _ in $(seq 30); do "${pod[@]}" healthcheck run plain >/dev/null 2>&1 && break; sleep 0.1; done
  if "${pod[@]}" healthcheck run plain >/dev/null; then echo 'health ok'; else "${pod[@]}" logs plain >&2; fi
  local pid
  pid=$("${pod[@]}" inspect --format '{{.State.Pid}}' plain)
  sed -nE 's/^(Uid|Gid|CapEff|NoNewPrivs):\s*(\S+).*/\1 \2/p' "/proc/$pid/status"
  awk '$2 == "/" {split($4, o, ","); print "root", o[1]}' "/proc/$pid/mounts"
  echo "status $("${pod[@]}" exec plain claspctl --json status)"
  echo "pdf $("${pod[@]}" exec plain pdftotext -v 2>&1 | head -1)"
  "${pod[@]}" kill --signal STOP plain >/dev/null
  "${pod[@]}" healthcheck run plain >/dev/null 2>&1 && echo 'health of a stopped one ok'
  "${pod[@]}" kill --signal CONT plain >/dev/null
  "${pod[@]}" stop -t 20 plain >/dev/null
  echo "exit $("${pod[@]}" inspect --format '{{.State.ExitCode}}' plain)"
  echo "costs $("${pod[@]}" inspect --format '{{(index .Mounts 0).Source}}' plain | xargs ls)" | tr '\n' ' '
  echo

  # With an .env as users write it, and a request that the test outside sends and holds while it stops.
  "${pod[@]}" "${run[@]}" --name set --network=host --env-file "$settings" -e CLASP_LISTEN=127.0.0.1 -e "CLASP_PORT=$port" clasp:test >/dev/null
  echo 'serving -'
  read -r _ # the answer is on its way
  "${pod[@]}" stop -t 20 set >/dev/null
  echo "drained $("${pod[@]}" inspect --format '{{.State.ExitCode}}' set)"
  "${pod[@]}" rm -fva >/dev/null 2>&1 || :
}
export -f live
export context work port settings
(
  echo "$BASHPID" >"$cg/cgroup.procs"
  exec timeout -s KILL 120 unshare --mount --cgroup --pid --fork --kill-child --mount-proc --propagation private \
    bash -euo pipefail -c live
)
