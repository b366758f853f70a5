#!/bin/sh
# Runs the @PROGRAM@ of this machine's processor.
here=$(dirname "$(dirname "$(readlink -f "$0")")")
case $(uname -m) in
  x86_64) platform=linux-x64 ;;
  aarch64) platform=linux-arm64 ;;
  *) platform=linux-$(uname -m) ;;
esac
if [ ! -x "$here/$platform/bin/@PROGRAM@" ]; then
  echo "@PROGRAM@: this package has no program for $platform" >&2
  exit 1
fi
exec "$here/$platform/bin/@PROGRAM@" "$@"
