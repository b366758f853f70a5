#!/bin/bash
# shellcheck disable=SC1091,SC2119,SC2120,SC2154,SC2317  # lib.sh, its functions with optional arguments, and called by name
# What the booted machine is asked, in the order of a package's life. Each line of the output begins with ok,
# FAIL, skip or note. The folder has first.deb, next.deb, lib.sh, load.py, backend.py and the tests of debian/tests.
. ./lib.sh
as() { local who=$1; shift; setpriv --reuid 65534 --regid "$who" --clear-groups "$@"; }
# A stream of two seconds, into /tmp/stream.
open_stream() {
  curl -sN -m 30 "$url/v1/messages" -H 'content-type: application/json' >/tmp/stream -d \
    '{"model":"claude-sonnet-4-5","max_tokens":100,"stream":true,"messages":[{"role":"user","content":"Hello"}]}' &
  stream=$!
  wait_for grep -q content_block_delta /tmp/stream
}
config() { cat >"/etc/clasp/${1:-clasp}.conf"; }

timeout 20 systemctl is-system-running --wait >/dev/null
has 'the machine has booted' 'running|degraded' systemctl is-system-running
note "systemd $(systemctl --version | sed -n '1s/systemd \([0-9]*\).*/\1/p') was up after" \
  "$((($(show FinishTimestampMonotonic '') - $(show UserspaceTimestampMonotonic '')) / 1000)) ms"

# ---- installation ----
has 'the package installs' 'Setting up clasp' dpkg -i first.deb
try 'its sockets listen' systemctl is-active clasp.socket clasp-control.socket
try 'and do so after the next boot' systemctl is-enabled clasp.socket clasp-control.socket
fails 'the daemon waits for the first connection' systemctl is-active clasp.service
has 'the account' 'clasp.*/var/lib/clasp.*nologin' getent passwd clasp
has 'the configuration is for root and the daemon' '640 root clasp' stat -c '%a %U %G' /etc/clasp/clasp.conf
has 'keys are for root' '700 root root' stat -c '%a %U %G' /etc/clasp/keys.d
t=$(since)
has 'a first connection starts the daemon, which answers from the demo' '"type":"message"' ask
note "first answer after $(($(since) - t)) ms, the start of the daemon included"
has 'IPv6' 'HTTP/1.1 200' curl -sSi -m 10 'http://[::1]:8080/healthz'
has 'systemctl status says what it does' 'Status: "[^"]*(listening|8080)' systemctl status --no-pager -n0 clasp.service
note "$(systemctl status --no-pager -n0 clasp.service | grep -E 'Active|Status|Memory|Tasks')"
has 'it runs as clasp' '^clasp$' ps -o user= -p "$(show MainPID)"
try 'units are without mistakes' systemd-analyze verify --recursive-errors=yes --man=no clasp.service clasp.socket \
  clasp-control.socket clasp@x.service clasp@x.socket clasp-control@x.socket
try 'the sandbox has a score of 1.2 or less' systemd-analyze security --offline=yes --threshold=12 /lib/systemd/system/clasp.service
try 'instances too' systemd-analyze security --offline=yes --threshold=12 /lib/systemd/system/clasp@.service
note "sandbox: $(systemd-analyze security --no-pager --offline=yes /lib/systemd/system/clasp.service | sed -n 's/.*Overall/overall/p')," \
  "running: $(systemd-analyze security --no-pager clasp.service | sed -n 's/.*service: //p')"

try 'the test of the package for plain users' as 65534 ./smoke
try 'and that of the service' ./service

# ---- the control socket ----
has 'root may ask' 'healthy' claspctl status
has 'members of the group may look' 'healthy' as clasp claspctl --socket /run/clasp/control.sock status
fails 'but change nothing' as clasp claspctl --socket /run/clasp/control.sock log-level debug
has 'strangers may not even look' 'permission denied' as 65534 claspctl --socket /run/clasp/control.sock status
has 'root may change' 'debug' claspctl log-level debug

# ---- a backend, its key as a credential, TLS ----
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout /tmp/key.pem -days 2 \
  -out /usr/local/share/ca-certificates/test.crt -subj /CN=backend.test -addext subjectAltName=DNS:backend.test 2>/dev/null
update-ca-certificates >/dev/null 2>&1
echo '127.0.0.1 backend.test' >>/etc/hosts
systemd-run --quiet --unit backend python3 "$PWD/backend.py" /usr/local/share/ca-certificates/test.crt /tmp/key.pem
wait_for curl -s -o /dev/null http://127.0.0.1:9001/
install -m 600 /dev/stdin /etc/clasp/keys.d/test <<<sk-of-the-test
cat >>/etc/clasp/clasp.conf <<'C'
[backend]
provider = custom
base_url = http://127.0.0.1:9001/v1
api_key_file = credential:keys_test
model = first-model
C
try 'a key in keys.d needs a restart' systemctl restart clasp.service
has 'and reaches the backend' 'key=Bearer sk-of-the-test text=Hello' ask
fails 'others cannot read it' as clasp cat /run/credentials/clasp.service/keys_test
sed -i 's|http://127.0.0.1:9001|https://backend.test:9443|' /etc/clasp/clasp.conf
try 'reload' systemctl reload clasp.service
has 'TLS with the certificates of the system, a name from the resolver' 'key=Bearer' ask
python3 - >/tmp/pdf.json <<'P'
import base64
objects = [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
           b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 300]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
           b"<</Length 47>>stream\nBT /F1 18 Tf 20 200 Td (words of a page) Tj ET \nendstream",
           b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"]
out, places = b"%PDF-1.4\n", []
for number, text in enumerate(objects, 1):
    places.append(len(out))
    out += b"%d 0 obj\n%s\nendobj\n" % (number, text)
start = len(out)
out += b"xref\n0 6\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % p for p in places)
out += b"trailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % start
print('[{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"%s"}},'
      '{"type":"text","text":"Read"}]' % base64.b64encode(out).decode())
P
has 'pdftotext runs inside the sandbox' 'words of a page' ask "$(cat /tmp/pdf.json)"

# ---- reload ----
sed -i 's/first-model/second-model/' /etc/clasp/clasp.conf
try 'a reload' systemctl reload clasp.service
has 'has the new model' '"model"' ask
has 'and the log line of it' 'second-model' journalctl -u clasp -o json --no-pager -n 20
echo 'nonsense = 1' >>/etc/clasp/clasp.conf
fails 'a reload with a mistake fails' systemctl reload clasp.service
has 'says where it is' 'nonsense' journalctl -u clasp -o cat --no-pager -n 20
has 'and the old configuration stays' 'key=Bearer' ask
sed -i '/nonsense/d' /etc/clasp/clasp.conf
has 'journal fields of an exchange' '"CLASP_OUTCOME":"completed"' journalctl -u clasp -o json --no-pager CLASP_STATUS=200 -n 1
fails 'no key is in the journal' grep -q sk-of-the-test <(journalctl -u clasp -o json --no-pager)

# ---- restarts under load ----
sed -i 's|https://backend.test:9443|http://127.0.0.1:9001|' /etc/clasp/clasp.conf
systemctl reload clasp.service
first=$(show MainPID)
start_load
t=$(since)
try 'restart under load' systemctl restart clasp.service
note "restart took $(($(since) - t)) ms"
end_load
has 'no request failed over a restart' ' 0 errors' cat /tmp/load
note "restart: $(head -1 /tmp/load)"
second=$(show MainPID)
if [ "$first" != "$second" ]; then ok 'it is another process'; else bad 'the restart left the process'; fi
sed -i '1i # by the administrator' /etc/clasp/clasp.conf
start_load
t=$(since)
try 'upgrade under load' dpkg --force-confold -i next.deb
note "upgrade took $(($(since) - t)) ms"
end_load
has 'no request failed over an upgrade' ' 0 errors' cat /tmp/load
note "upgrade: $(head -1 /tmp/load)"
has 'the new version is there' 'next' dpkg-query -W clasp
if [ "$second" != "$(show MainPID)" ]; then ok 'and runs'; else bad 'the upgrade left the process'; fi
has 'an edited configuration is kept' 'by the administrator' head -1 /etc/clasp/clasp.conf
has 'with its owner' '640 root clasp' stat -c '%a %U %G' /etc/clasp/clasp.conf

# ---- another process without a restart ----
third=$(show MainPID)
restarts=$(show NRestarts)
open_stream
start_load
try 'claspctl upgrade' claspctl upgrade
end_load
has 'no request failed over it' ' 0 errors' cat /tmp/load
note "claspctl upgrade: $(head -1 /tmp/load)"
wait "$stream"
has 'a stream that ran was finished' 'event: message_stop' cat /tmp/stream
fourth=$(show MainPID)
if [ "$third" != "$fourth" ] && [ "$(show NRestarts)" = "$restarts" ]; then ok 'systemd knows the new process'; else bad "main process $third, $fourth"; fi
fails 'as its own child, to which it gives time to stop' \
  sh -c 'journalctl -b -o cat --no-pager -u clasp.service | grep -E "not our child|signal SIGKILL"'
has 'the new process speaks for itself' '^Serving' show StatusText
waits 'the process before ends' sh -c "! kill -0 $third"
has 'a program that is none changes nothing' 'This process goes on' claspctl upgrade --binary /bin/false
try 'a reload reaches the new one' systemctl reload clasp.service
try 'and so does a restart' systemctl restart clasp.service
has 'after which it answers' 'key=' ask

# ---- crashes ----
kill -KILL "$(show MainPID)"
has 'it comes back after SIGKILL' 'key=' ask
has 'counted by systemd' '^1$' show NRestarts
mkdir -p /run/systemd/system/clasp.service.d
printf '[Service]\nWatchdogSec=1s\nTimeoutStopSec=1s\n' >/run/systemd/system/clasp.service.d/watchdog.conf
systemctl daemon-reload
systemctl restart clasp.service
sleep 2.5
has 'the watchdog is fed' '^0$' show NRestarts
claspctl upgrade >/dev/null 2>&1
hung=$(show MainPID)
sleep 2.5
if [ "$(show NRestarts) $(show MainPID)" = "0 $hung" ]; then ok 'by the process after an upgrade too'; else bad 'the watchdog took the process after an upgrade'; fi
open_stream
try 'a restart' systemctl restart clasp.service
wait "$stream"
has 'gets the time that running requests need, whatever the unit says' 'event: message_stop' cat /tmp/stream
hung=$(show MainPID)
kill -STOP "$hung"
waits 'a hung daemon is noticed' sh -c 'journalctl -u clasp -o cat --no-pager | grep -q "Watchdog timeout"'
waits 'and replaced' sh -c "[ \$(systemctl show -P MainPID clasp) != $hung ] && systemctl is-active -q clasp"
has 'it answers again' 'key=' ask
rm -r /run/systemd/system/clasp.service.d
systemctl daemon-reload
systemctl stop clasp.service
fails 'it stops' systemctl is-active clasp.service
ip -6 address delete ::1/128 dev lo
try 'the sockets open where IPv6 is switched off' systemctl restart clasp.socket
ip -6 address add ::1/128 dev lo
has 'and it starts with the next connection' 'key=' ask
echo 'nonsense = 1' >>/etc/clasp/clasp.conf
systemctl restart --no-block clasp.service
ask >/tmp/patient & patient=$!
sleep 3
sed -i '/nonsense/d' /etc/clasp/clasp.conf
wait "$patient"
has 'who connects while the configuration is broken is served once it is mended' 'key=' cat /tmp/patient
try 'the sockets stayed' systemctl is-active clasp.socket clasp-control.socket

mkdir -p /etc/systemd/system/clasp.socket.d
printf '[Socket]\nListenStream=\nListenStream=0.0.0.0:8090\n' >/etc/systemd/system/clasp.socket.d/override.conf
systemctl daemon-reload
try 'other addresses of the socket, while the daemon runs' systemctl restart clasp.socket
has 'are those that it serves' 'key=' ask '"Hello"' http://127.0.0.1:8090
has 'and no others' 'listening  0.0.0.0:8090$' claspctl status
rm -r /etc/systemd/system/clasp.socket.d
systemctl daemon-reload
try 'and back' systemctl restart clasp.socket
has 'are served again' 'key=' ask

# ---- control that is off, and a daemon that has no control socket ----
sed -i '1i [control]\nsocket = off' /etc/clasp/clasp.conf
systemctl restart clasp.service
t=$(since)
has 'control that is off says so, although its socket listens' 'control.socket is off.*disable --now clasp-control.socket' claspctl status
fails 'a reload' systemctl reload clasp.service
took=$(($(since) - t))
if [ "$took" -lt 8000 ]; then ok "does not hang ($took ms)"; else bad "claspctl and a reload took $took ms"; fi
has 'and says why' 'claspctl.*control.socket is off' journalctl -u clasp -o short --no-pager -n 20
has 'doctor says it too' 'warning  control.socket is off' claspctl doctor
sed -i '1,2d' /etc/clasp/clasp.conf
systemctl restart clasp.service
try 'and it can be asked again' claspctl status
systemctl stop clasp-control.socket clasp.service
mkdir /tmp/credentials
cp /etc/clasp/keys.d/test /tmp/credentials/keys_test
export CREDENTIALS_DIRECTORY=/tmp/credentials
has 'doctor knows the port of the socket unit' '127.0.0.1:8080: systemd listens there for clasp' claspctl doctor
fails 'and takes it for no other program' sh -c 'claspctl doctor | grep "another program"'
unset CREDENTIALS_DIRECTORY
systemctl start clasp-control.socket clasp.service

# ---- several instances ----
cp -p /etc/clasp/clasp.conf /etc/clasp/c.conf
sed -i '1i [server]\nlisten = 127.0.0.1:0' /etc/clasp/c.conf
try 'an instance as the documentation says' systemctl enable --now clasp-control@c.socket clasp@c.service
has 'any free port is shown as the one that it is' 'listening  127.0.0.1:[1-9]' claspctl --instance c status
systemctl disable --now clasp-control@c.socket clasp@c.service >/dev/null 2>&1
rm /etc/clasp/c.conf
for n in a b; do
  printf '[server]\nlisten = 127.0.0.1:808%d\n[backend]\nprovider = demo\n' "$([ $n = a ] && echo 1 || echo 2)" | config $n
done
systemctl enable --now clasp-control@a.socket clasp-control@b.socket clasp@a.service >/dev/null 2>&1
mkdir -p /etc/systemd/system/clasp@b.socket.d
printf '[Socket]\nListenStream=127.0.0.1:8082\n' >/etc/systemd/system/clasp@b.socket.d/port.conf
systemctl daemon-reload
try 'the socket of an instance' systemctl start clasp@b.socket
has 'an instance that listens by itself' '"type":"message"' ask '"Hello"' http://127.0.0.1:8081
has 'an instance with a socket of systemd' '"type":"message"' ask '"Hello"' http://127.0.0.1:8082
has 'which has a Unix socket too' 'HTTP/1.1 200' curl -sSi --unix-socket /run/clasp/b/clasp.sock http://clasp/healthz
has 'claspctl asks the one' "pid $(show MainPID clasp@a.service)," claspctl --instance a status
has 'and the other' "pid $(show MainPID clasp@b.service)," claspctl --instance b status
start_load 8081
try 'restart of one that listens by itself' systemctl restart clasp@a.service
end_load
has 'no request failed there either' ' 0 errors' cat /tmp/load
note "restart without a socket unit: $(head -1 /tmp/load)"
has 'its sockets are in the fd store' '^[1-9]' show NFileDescriptorStore clasp@a.service
kill -KILL "$(show MainPID clasp@a.service)"
has 'so that nobody is refused after a crash' '"type":"message"' ask '"Hello"' http://127.0.0.1:8081
has 'each has its own state' '/a$' sh -c 'ls -d /var/lib/clasp/a; ls -d /var/lib/clasp/b'
systemctl stop clasp@b.socket clasp-control@b.socket clasp@b.service

# ---- removal ----
has 'costs are kept' 'costs.json' ls /var/lib/clasp
try 'remove' dpkg -r clasp
has 'closes the port' 'refused|Failed to connect' curl -sS -m 5 "$url/healthz"
fails 'ends the instances' systemctl is-active clasp@a.service
has 'keeps configuration and state' '/etc/clasp/clasp.conf.*/var/lib/clasp/costs.json' echo /etc/clasp/*.conf /var/lib/clasp/*
try 'the same package again' dpkg --force-confold -i next.deb
has 'goes on with the old configuration' 'key=' ask
systemctl disable --now clasp.socket >/dev/null 2>&1
try 'an installation over itself' dpkg --force-confold -i next.deb
fails 'leaves alone what the administrator switched off' systemctl is-enabled clasp.socket
rm /etc/clasp/[ab].conf
rm -r /etc/systemd/system/clasp@b.socket.d
systemctl enable clasp.service clasp@b.socket >/dev/null 2>&1
ln -s /etc/systemd/system/clasp-mine.service /etc/systemd/system/multi-user.target.wants/
has 'instances are enabled' '/clasp.service .*/clasp@a.service .*/clasp-control@a.socket .*/clasp@b.socket' \
  echo /etc/systemd/system/*.wants/clasp*
try 'purge' dpkg -P clasp
try 'leaves what is not of the package' rm /etc/systemd/system/multi-user.target.wants/clasp-mine.service
has 'and else nothing' '^$' find /etc /var/lib /run /usr /lib -name '*clasp*' -not -path '/run/systemd/*' -not -path '/etc/hostname'
has 'and no unit failed meanwhile' '^$' systemctl --failed --no-legend --plain
exit "$failures"
