#!/bin/sh
# Runs the checks and the decoding bench of avsluice on this machine's GPU, with the libraries beside this file. The exit code is not 0
# when a check failed. Arguments go to the checks: `--simulated` tries the bundle without a GPU.
set -u
cd "$(dirname "$0")" || exit 1

needed=$(cat GLIBC)
found=$(getconf GNU_LIBC_VERSION 2>/dev/null | cut -d' ' -f2)
oldest=$(printf '%s\n%s\n' "$needed" "${found:-0}" | sort -V | head -n 1)
if [ "$oldest" != "$needed" ]; then
    echo "error: this bundle needs glibc $needed, and this system has ${found:-none}: make it on a system no newer than this one" >&2
    exit 1
fi

LD_LIBRARY_PATH="$PWD/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
SIMGPU_DIR="$PWD/lib"
export LD_LIBRARY_PATH SIMGPU_DIR

stream=$PWD/streams/test-25fps.h264
# Without a GPU it is an error, unless the simulated one is asked for.
case " $* " in
    *" --simulated "*) driver= bench='--seconds 1 --simulated' ;;
    *) driver=--hardware bench= ;;
esac
# shellcheck disable=SC2086 # both are words, or none
bin/xtask gpu-test --checks-program "$PWD/bin/gpu-test" --input "$stream" $driver "$@"
checks=$?

echo
# shellcheck disable=SC2086
bin/gpu-bench --input "$stream" $bench
bench=$?
[ "$checks" -eq 0 ] && [ "$bench" -eq 0 ]
