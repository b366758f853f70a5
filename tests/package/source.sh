#!/bin/bash
# shellcheck disable=SC1091,SC2154,SC2317  # lib.sh, and functions called by name
# What `make install` has put into installed.tar, in a booted machine, with the commands that README.md names for it.
. ./lib.sh
timeout 20 systemctl is-system-running --wait >/dev/null
tar -x -C / --keep-directory-symlink -f installed.tar
awk '/After `make install`/ {here = 1} here && /^```$/ {exit} inside; here && /^```sh/ {inside = 1}' README.md >commands
has 'the commands are there' '^systemd-sysusers' cat commands
try 'they set the service up' bash -e commands
has 'a first connection starts the daemon, which answers from the demo' '"type":"message"' ask
has 'it is the one in /usr/local' '^/usr/local/bin/clasp$' readlink "/proc/$(show MainPID)/exe"
has 'it runs as clasp' '^clasp$' ps -o user= -p "$(show MainPID)"
has 'the configuration is for root and the daemon' '640 root clasp' stat -c '%a %U %G' /etc/clasp/clasp.conf
has 'claspctl reaches it' 'healthy' claspctl status
try 'reload' systemctl reload clasp
try 'units are without mistakes' systemd-analyze verify --recursive-errors=yes --man=no clasp.service clasp.socket \
  clasp-control.socket clasp@x.service clasp@x.socket clasp-control@x.socket
exit "$failures"
