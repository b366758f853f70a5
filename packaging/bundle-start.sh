#!/bin/sh
# Runs @PROGRAM@ with the libraries that came with it.
here=$(dirname "$(dirname "$(readlink -f "$0")")")
# The library that speaks TLS looks for certificates where Debian has them: in a folder of one file
# for each, which is cheaper, else in one file.
if [ -z "${SSL_CERT_FILE:-}${SSL_CERT_DIR:-}" ]; then
  for file in /etc/ssl/certs/*.0; do
    [ ! -e "$file" ] || export SSL_CERT_DIR=/etc/ssl/certs
    break
  done
  [ -n "${SSL_CERT_DIR:-}" ] || for file in /etc/ssl/certs/ca-certificates.crt \
    /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/ca-bundle.pem /etc/ssl/cert.pem; do
    [ -r "$file" ] || continue
    export SSL_CERT_FILE="$file"
    break
  done
fi
exec "$here/lib/@LOADER@" --argv0 @PROGRAM@ --library-path "$here/lib" "$here/libexec/@PROGRAM@" "$@"
