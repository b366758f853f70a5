# The image of CLASP: two programs, pdftotext, their libraries and certificates, and nothing else.
#   BASE       Debian 12, to compile in and to take the libraries from
#   OPT        the compiler's optimisation
ARG BASE=debian:12

FROM ${BASE} AS programs
WORKDIR /src
# By itself, so that a change of the sources does not install everything again.
COPY tools/setup tools/setup
RUN apt-get update && tools/setup build && apt-get install -y --no-install-recommends poppler-utils && apt-get clean
COPY configure.ac config.mk.in VERSION LICENSE Makefile ./
COPY packaging packaging
COPY src src
# What make vocabulary has fetched, or nothing.
COPY LICENSE build/shar[e] build/share/
ARG OPT=-O2
RUN CLASP_NO_SETUP=1 make OPT="${OPT}" build && packaging/container/rootfs build/default /rootfs

FROM scratch
COPY --from=programs /rootfs/ /
# What outlives the container (the costs file), and the control socket, which must be somewhere that
# can be written to when the rest cannot.
COPY --from=programs --chown=65532:65532 /state/ /var/lib/clasp/
VOLUME /var/lib/clasp
ENV CLASP_LISTEN=0.0.0.0 \
    CLASP_CONTROL_SOCKET=/var/lib/clasp/control.sock \
    STATE_DIRECTORY=/var/lib/clasp \
    HOME=/var/lib/clasp
USER 65532:65532
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=5s --retries=3 \
    CMD ["/usr/bin/claspctl", "--timeout", "4", "status"]
ENTRYPOINT ["/usr/bin/clasp"]
