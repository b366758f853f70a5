# shellcheck shell=bash disable=SC2034  # failures is what the checks exit with
# Words for the checks of a booted machine: each prints a line that begins with ok, FAIL, skip or note.
failures=0 began=$(date +%s%3N)
since() { echo $(($(date +%s%3N) - began)); }
ok() { printf 'ok   %6d ms  %s\n' "$(since)" "$*"; }
bad() { printf 'FAIL %s\n' "$*" | head -c 1500 | tr '\n' ' '; echo; failures=1; }
note() { printf '%s\n' "$*" | sed 's/^/note /'; }
# TITLE COMMAND...: it succeeds.
try() { local title=$1 out; shift; if out=$("$@" 2>&1); then ok "$title"; else bad "$title: $out"; fi; }
# TITLE COMMAND...: it fails.
fails() { local title=$1 out; shift; if out=$("$@" 2>&1); then bad "$title: it did not fail: $out"; else ok "$title"; fi; }
# TITLE PATTERN COMMAND...: its output has the pattern.
has() {
  local title=$1 pattern=$2 out
  shift 2
  out=$("$@" 2>&1) || true
  if grep -Eq -- "$pattern" <<<"$out"; then ok "$title"; else bad "$title: no /$pattern/ in: $out"; fi
}
wait_for() { local _; for _ in $(seq 150); do "$@" >/dev/null 2>&1 && return 0; sleep 0.1; done; return 1; }
waits() { local title=$1; shift; if wait_for "$@"; then ok "$title"; else bad "$title: not within 15 s"; fi; }
# PROPERTY [UNIT]: an empty UNIT is the manager.
show() {
  local unit=("${2-clasp.service}")
  [ -n "${unit[0]}" ] || unit=()
  systemctl show -P "$1" "${unit[@]}"
}
url=http://127.0.0.1:8080
ask() {
  curl -sS -m 20 "${2:-$url}/v1/messages" -H 'content-type: application/json' -d \
    "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":100,\"messages\":[{\"role\":\"user\",\"content\":${1:-\"Hello\"}}]}"
}
start_load() { rm -f /tmp/stop; python3 load.py /tmp/stop "$@" >/tmp/load 2>&1 & load=$!; sleep 1; }
# Streams take two seconds, so these go on for longer.
end_load() { sleep "${1:-2.5}"; touch /tmp/stop; wait "$load"; }
