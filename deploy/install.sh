#!/bin/sh
# install.sh SOURCE TARGET [EXTRAS]: installs the clone or the wheel SOURCE into the environment TARGET, made where it is missing.
# TORCH_WHEEL: a wheel of torch, a file or an address, to install before the rest is resolved.
set -eu
source=$1 target=$2 extras=${3:-}
[ -x "$target/bin/python" ] || python3 -m venv "$target"
pip() { "${COD_PYTHON:-$target/bin/python}" -m pip ${COD_PYTHON:+--python "$target/bin/python"} "$@"; }
if [ -n "${TORCH_WHEEL:-}" ]; then
  pip install --no-cache-dir --quiet "$TORCH_WHEEL"
fi
pip install --no-cache-dir --quiet "$source${extras:+[$extras]}"
find "$target" -depth -type d \( -name __pycache__ -o -path '*/site-packages/*/tests' \) -exec rm -rf {} + 2>/dev/null || true
"$target/bin/cod" --help >/dev/null
