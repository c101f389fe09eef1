#!/bin/sh
# What a container runs: app, worker, scheduler, cluster-worker, or any other command of `cod`.
set -eu
command=${1:-app}
[ $# -gt 0 ] && shift
case "$command" in
  app) exec cod app --no-browser --port "${COD_PORT:-8501}" --server.address "${COD_ADDRESS:-127.0.0.1}" "$@" ;;
  scheduler) exec dask scheduler "$@" ;;
  cluster-worker) exec dask worker "${COD_SCHEDULER:?name the scheduler, as tcp://HOST:8786}" --nthreads 1 "$@" ;;
  *) exec cod "$command" "$@" ;;
esac
