# make docker        the image clasp:VERSION and clasp:latest, compiled in it from these sources
#                    DOCKER_FLAGS="--build-arg BASE=…" goes on to the builder
# make docker-run    a container of it, with .env and the variables of this environment that clasp knows
#                    RUN_FLAGS="-provider demo" goes on to clasp
# make docker-stop   drains, stops and removes it
.PHONY: docker docker-run docker-stop
docker:
	packaging/container/engine build $(DOCKER_FLAGS)
docker-run:
	packaging/container/engine run $(RUN_FLAGS)
docker-stop:
	packaging/container/engine stop
