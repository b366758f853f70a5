#!/bin/bash
# shellcheck disable=SC1091,SC2154,SC2317  # lib.sh, and functions called by name
# What "Day one" of docs/operating.md tells to type, typed as it stands there, in a booted machine: the package under the
# name that it has there, operating.md.
. ./lib.sh
timeout 20 systemctl is-system-running --wait >/dev/null
# NUMBER: that block of commands of the chapter.
block() {
  awk -v wanted="$1" '/^## / {chapter = /Day one/} /^```/ {inside = /^```sh/ && chapter; seen += inside; next}
    inside && seen == wanted' operating.md
}
block 1 >first
block 2 >second
has 'the first commands are there' '^apt install' cat first
has 'and the second' '^systemctl restart clasp' cat second
has 'the first commands' '"type":"message"' bash -e first
# All but Claude Code itself.
sed -i '/^ANTHROPIC_BASE_URL/d' second
has 'the second' 'openai +openai' bash -e second
has 'the address of clasp.socket' 'listening  127.0.0.1:8080, \[::1\]:8080' claspctl status
has 'the configuration is where it says' '640 root clasp' stat -c '%a %U %G' /etc/clasp/clasp.conf
has 'keys' '600 root root' stat -c '%a %U %G' /etc/clasp/keys.d/openai
try 'what was spent' test -f /var/lib/clasp/costs.json
try 'the control socket' test -S /run/clasp/control.sock
try 'the service with the machine' systemctl enable clasp.service
exit "$failures"
