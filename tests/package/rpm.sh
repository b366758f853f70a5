#!/bin/bash
# shellcheck disable=SC1091,SC2119,SC2154,SC2317  # lib.sh, and functions called by name
# The life of the RPM in a booted machine that has rpm: first.rpm, next.rpm, load.py. Dependencies are Debian's, of
# which rpm knows nothing.
. ./lib.sh
timeout 20 systemctl is-system-running --wait >/dev/null
try 'the RPM installs' rpm -i --nodeps first.rpm
has 'the account' 'clasp.*/var/lib/clasp.*nologin' getent passwd clasp
has 'the configuration is for root and the daemon' '640 root clasp' stat -c '%a %U %G' /etc/clasp/clasp.conf
has 'keys are for root' '700 root root' stat -c '%a %U %G' /etc/clasp/keys.d
try 'its files are as they were packed' rpm -V --nodeps clasp
try 'units are without mistakes' systemd-analyze verify --recursive-errors=yes --man=no clasp.service clasp.socket \
  clasp-control.socket clasp@x.service clasp@x.socket clasp-control@x.socket
try 'its sockets are enabled as the documentation says' systemctl enable --now clasp.socket clasp-control.socket
has 'a first connection starts the daemon, which answers from the demo' '"type":"message"' ask
has 'claspctl reaches it' 'healthy' claspctl status

printf '[server]\nlisten = 127.0.0.1:8081\n[backend]\nprovider = demo\n' >/etc/clasp/a.conf
chgrp clasp /etc/clasp/a.conf
try 'an instance' systemctl enable --now clasp-control@a.socket clasp@a.service
sed -i '1i # by the administrator' /etc/clasp/clasp.conf
first=$(show MainPID)
instance=$(show MainPID clasp@a.service)
start_load
try 'upgrade under load' rpm -U --nodeps next.rpm
end_load
has 'no request failed over it' ' 0 errors' cat /tmp/load
note "upgrade: $(head -1 /tmp/load)"
has 'the new version is there' 'next' rpm -q clasp
if [ "$first" != "$(show MainPID)" ]; then ok 'and runs'; else bad 'the upgrade left the process'; fi
if [ "$instance" != "$(show MainPID clasp@a.service)" ]; then ok 'in the instance too'; else bad 'the upgrade left the instance'; fi
has 'an edited configuration is kept' 'by the administrator' head -1 /etc/clasp/clasp.conf
has 'with its owner' '640 root clasp' stat -c '%a %U %G' /etc/clasp/clasp.conf

install -m 600 /dev/stdin /etc/clasp/keys.d/test <<<sk-of-the-test
try 'erase' rpm -e clasp
has 'closes the port' 'refused|Failed to connect' curl -sS -m 5 "$url/healthz"
fails 'ends the instances' systemctl is-active clasp@a.service clasp-control@a.socket
fails 'starts none at the next boot' sh -c 'ls /etc/systemd/system/*.wants | grep clasp'
has 'keeps an edited configuration, keys and state' 'clasp.conf.rpmsave.*keys.d/test.*costs.json' \
  echo /etc/clasp/*.rpmsave /etc/clasp/keys.d/* /var/lib/clasp/*
has 'and no unit failed meanwhile' '^$' systemctl --failed --no-legend --plain
exit "$failures"
