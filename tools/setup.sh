#!/usr/bin/env bash
# Makes .venv ready to work in, on a machine that has little more than Python and make. Run through `make setup`.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { echo "setup: $*"; }

can_install_system_packages() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }

system_package() {
  can_install_system_packages || return 1
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@" >/dev/null 2>&1 && return 0
  apt-get update -qq >/dev/null 2>&1 || true
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@" >/dev/null 2>&1
}

# A version manager's shim may be on the path and yet fail: what counts is that it runs and is new enough.
works() { "$1" -c 'import sys, ssl, sqlite3, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

choose_python() {
  for name in ${PYTHON:-} python3.13 python3.12 python3.11 python3; do
    if works "$name"; then echo "$name"; return 0; fi
  done
  return 1
}

make_environment() {
  rm -rf .venv
  "$1" -m venv .venv >/dev/null 2>&1 && [ -x .venv/bin/pip ] && return 0
  # Debian splits venv's pip into a package of its own.
  rm -rf .venv
  version=$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  system_package "python$version-venv" || system_package python3-venv || true
  "$1" -m venv .venv >/dev/null 2>&1 && [ -x .venv/bin/pip ] && return 0
  rm -rf .venv
  "$1" -m virtualenv -q .venv
}

if ! works .venv/bin/python || [ ! -x .venv/bin/pip ]; then
  python=$(choose_python) || {
    system_package python3 python3-venv && python=$(choose_python) || {
      say "needs Python 3.11 or later, with ssl, sqlite3 and venv; found none (set PYTHON=/path/to/python3)"
      exit 1
    }
  }
  say "making .venv with $python ($("$python" --version))"
  make_environment "$python"
fi

say "installing windtunnel and its tools into .venv"
.venv/bin/python -m pip install --quiet --disable-pip-version-check -c tools/constraints.txt -e '.[dev,aws]'

if command -v node >/dev/null; then
  :
elif system_package nodejs; then
  say "installed node ($(node --version)), for Lambda functions in JavaScript"
else
  say "skipped node (needs root and apt-get): Lambda functions in JavaScript will not run"
fi

if command -v initdb >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; then
  :
elif system_package postgresql; then
  say "installed PostgreSQL, for \`make test-postgres\`"
else
  say "skipped PostgreSQL (needs root and apt-get): \`make test-postgres\` will skip its tests"
fi

touch .venv/.ready
say "ready"
