#!/bin/bash
# shellcheck disable=SC1091,SC2154,SC2317  # lib.sh, and functions called by name
# The image under a real Docker in a booted machine without a network: context.tar is what to build it from, source.tar
# this repository.
. ./lib.sh
timeout 20 systemctl is-system-running --wait >/dev/null
mkdir /tmp/context /tmp/source /etc/docker
tar -x -C /tmp/context -f context.tar
tar -x -C /tmp/source -f source.tar
cd /tmp/source || exit 1
# There is no overlay on an overlay.
echo '{"storage-driver": "vfs"}' >/etc/docker/daemon.json
systemctl start docker || { journalctl -u docker --no-pager -o cat | grep -i fail | tail -1 | sed 's/^/skip docker does not start: /'; exit 0; }
try 'docker builds the image' docker build -t clasp:latest /tmp/context
note "image: $(docker images --format '{{.Size}}' clasp:latest)"
engine=packaging/container/engine
try 'make docker-run' $engine run -provider demo
waits 'its port is published' curl -sf "$url/readyz"
has 'on the loopback address' '^8080/tcp -> 127.0.0.1:8080$' docker port clasp
has 'it answers' '"type":"message"' ask
has 'claspctl in it' 'healthy' docker exec clasp claspctl status
try 'a signal' docker kill -s HUP clasp
has 'loads the configuration again' 'loaded again' docker logs clasp
for _ in $(seq 70); do [ "$(docker inspect --format '{{.State.Health.Status}}' clasp)" != healthy ] || break; sleep 0.5; done
has 'the health check of the image' '^healthy$' docker inspect --format '{{.State.Health.Status}}' clasp
has 'the limits of the container' '^true \[ALL\] \[no-new-privileges\] 40$' docker inspect --format \
  '{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}} {{.HostConfig.SecurityOpt}} {{.Config.StopTimeout}}' clasp
try 'make docker-stop' $engine stop
has 'ends it' '^$' docker ps -aq
has 'and keeps the state' 'clasp-state' docker volume ls

printf '%s\n' PROVIDER=demo CLASP_PORT=8085 >.env
try 'settings in .env' $engine run
waits 'give another port of the host' curl -sf http://127.0.0.1:8085/readyz
$engine stop >/dev/null 2>&1
command -v docker-compose >/dev/null || { echo 'skip docker-compose is not installed'; exit "$failures"; }
try 'docker compose up' docker-compose up -d
waits 'serves on the same port' curl -sf http://127.0.0.1:8085/readyz
has 'of the loopback address' '127.0.0.1:8085->8080/tcp' docker-compose ps
has 'it knows the host by name' 'host.docker.internal:host-gateway' docker inspect --format '{{.HostConfig.ExtraHosts}}' "$(docker-compose ps -q)"
try 'docker compose down' docker-compose down
DOCKER_PUBLISH=0.0.0.0 docker-compose up -d >/dev/null 2>&1
has 'opened to others when asked' '0.0.0.0:8085->8080/tcp' docker-compose ps
docker-compose down -v >/dev/null 2>&1
exit "$failures"
