# Sets the project up on a fresh machine, silently where nothing is to do. Sourced by scripts/demo and scripts/test with
# `root` set; all it prints goes to stderr, one line a step. Leaves the caller in $root. Returns 1 with a message when it cannot.
# shellcheck shell=bash

export npm_config_update_notifier=false npm_config_fund=false npm_config_audit=false

setup() {
  cd "$root" || return 1
  setup_home
  setup_node && setup_git && setup_iproute && setup_packages && setup_build
}

# npm and buf keep caches in the home folder; an empty variable would put them into the checkout
setup_home() {
  [ -n "${HOME:-}" ] && return
  unset HOME
  HOME=~
  [ -n "$HOME" ] && [ "$HOME" != '~' ] || HOME=${TMPDIR:-/tmp}
  export HOME
}

setup_node() {
  if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    setup_debian nodejs npm || {
      echo 'setup: Node.js 20.12 or later with npm is needed and not on the PATH: https://nodejs.org' >&2
      return 1
    }
  fi
  node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 12) ? 0 : 1)' || {
    echo "setup: Node.js 20.12 or later is needed, $(command -v node) is $(node --version)" >&2
    return 1
  }
}

# nothing here calls git; it is how the project came and how changes leave
setup_git() {
  command -v git >/dev/null && return
  setup_debian git || echo 'setup: git is not installed; going on without it' >&2
}

# one test measures on links of the kernel, where root can make some; it skips without, and says so
setup_iproute() {
  [ "$(id -u)" = 0 ] && [ "$(uname)" = Linux ] || return 0
  command -v ip >/dev/null && command -v tc >/dev/null && return
  command -v apt-get >/dev/null || return 0
  setup_debian iproute2 || echo 'setup: iproute2 is not installed; going on without it' >&2
}

# the tests run the WebGPU kernels and the dashboard in it; they skip without, and say so. Ubuntu's package of that name is another installer.
setup_chromium() {
  [ -e /usr/bin/chromium ] || [ "$(id -u)" != 0 ] && return
  grep -qs '^ID=debian' /etc/os-release && command -v apt-get >/dev/null || return 0
  setup_debian chromium || echo 'setup: chromium is not installed; going on without it' >&2
}

# `check` compares the kernels of NVIDIA cards with what it makes of their sources; it skips that without, and says so
setup_clang() {
  command -v clang-16 >/dev/null || [ "$(id -u)" != 0 ] && return
  grep -qs '^ID=debian' /etc/os-release && command -v apt-get >/dev/null || return 0
  setup_debian clang-16 || echo 'setup: clang-16 is not installed; going on without it' >&2
}

# the tests run the queue that spreads verification over hosts on a real one; they skip without, and say so. It is never started as
# a service: each test has one of its own.
setup_redis() {
  command -v redis-server >/dev/null || [ "$(id -u)" != 0 ] && return
  grep -qs '^ID=\(debian\|ubuntu\)' /etc/os-release && command -v apt-get >/dev/null || return 0
  setup_debian redis-server || echo 'setup: redis-server is not installed; going on without it' >&2
}

# CI carries the container file's steps out with it; it skips that without, and says so
setup_mmdebstrap() {
  command -v mmdebstrap >/dev/null || [ "$(id -u)" != 0 ] && return
  grep -qs '^ID=\(debian\|ubuntu\)' /etc/os-release && command -v apt-get >/dev/null || return 0
  setup_debian mmdebstrap || echo 'setup: mmdebstrap is not installed; going on without it' >&2
}

setup_debian() {
  command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] || return 1
  setup_step "installing $* (apt-get)" setup_apt "$@"
}

setup_apt() {
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@"
}

# The stamp is a copy of the lock file that node_modules was installed from. Without it, an install made by hand counts
# when it is newer than the lock file and has the tools that build and test.
setup_packages() {
  local stamp=node_modules/.assay-lock
  cmp -s package-lock.json "$stamp" && return
  if [ ! -e "$stamp" ] && [ node_modules/.package-lock.json -nt package-lock.json ] &&
    [ -e node_modules/typescript/bin/tsc ] && [ -e node_modules/vitest/vitest.mjs ]; then
    cp package-lock.json "$stamp"
    return
  fi
  setup_step 'installing packages (npm ci)' setup_npm && cp package-lock.json "$stamp"
}

# the retry rides out a registry that hiccups once
setup_npm() {
  npm ci --include=dev --no-progress --loglevel=error || npm ci --include=dev --no-progress --loglevel=error
}

setup_build() {
  node scripts/build.mjs || {
    echo 'setup: the build failed' >&2
    return 1
  }
}

# setup_step LABEL COMMAND...: one line with the time it took; the command's output only when it failed
setup_step() {
  local label=$1 started=$SECONDS log
  shift
  log=$(mktemp) || return 1
  printf 'setup: %s ... ' "$label" >&2
  if "$@" >"$log" 2>&1 </dev/null; then
    printf '%s s\n' $((SECONDS - started)) >&2
    rm -f "$log"
  else
    printf 'failed\n' >&2
    cat "$log" >&2
    rm -f "$log"
    return 1
  fi
}
