#!/bin/sh
# lock.sh: writes requirements-lock.txt anew, every package of requirements-dev.txt in one version and with its hashes. Needs uv.
# What is tested with is kept: give the versions of an environment whose tests passed, `pip freeze > TESTED`, as lock.sh TESTED.
# torch, and what its builds for a GPU bring, is left out: which build a machine takes is its own to say (docs/decisions.md).
set -eu
cd "$(dirname "$0")/.."
left_out="torch triton cuda-bindings cuda-pathfinder cuda-toolkit nvidia-cublas nvidia-cuda-cupti nvidia-cuda-nvrtc nvidia-cuda-runtime
  nvidia-cudnn-cu13 nvidia-cufft nvidia-cufile nvidia-curand nvidia-cusolver nvidia-cusparse nvidia-cusparselt-cu13 nvidia-nccl-cu13
  nvidia-nvjitlink nvidia-nvshmem-cu13 nvidia-nvtx"
set -- ${1:+--constraints "$1"}
for name in $left_out; do
  set -- "$@" --no-emit-package "$name"
done
uv pip compile requirements-dev.txt --generate-hashes --python-version 3.11.7 --no-header --no-annotate --quiet "$@" -o requirements-lock.txt
