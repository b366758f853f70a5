#!/bin/bash
# shellcheck disable=SC1091,SC2154  # lib.sh
# The tests of debian/tests as Debian runs them, in a booted machine: first.deb is the package, source.tar has debian/.
. ./lib.sh
timeout 20 systemctl is-system-running --wait >/dev/null
mkdir /tmp/source
tar -x -C /tmp/source -f source.tar
cp first.deb /tmp/clasp.deb
# The machine is the container that the test of the service asks for; there is no other one to run it in.
autopkgtest --no-built-binaries /tmp/clasp.deb /tmp/source --ignore-restrictions=isolation-container \
  -o /tmp/results -- null >/tmp/log 2>&1
status=$?
while read -r name result; do
  case $result in PASS*) ok "autopkgtest: $name" ;; SKIP*) echo "skip autopkgtest: $name: $result" ;; *) bad "autopkgtest: $name: $result" ;; esac
done </tmp/results/summary
[ $status = 0 ] || { bad "autopkgtest ended with status $status"; tail -40 /tmp/log; }
exit "$failures"
