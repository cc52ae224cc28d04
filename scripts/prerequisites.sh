# shellcheck shell=bash
# What a build and a run need from the machine: a Rust toolchain, a C compiler, Postgres.
# Sourced by ./run, ./test and .ci/run, which set `root`, the folder of this repository.
#
# Rust is only checked, never installed. The other two come from the distribution's packages,
# after a question. Written for bash 3.2, which is what macOS brings.

: "${root:?is set by the script that sources this}"

# Non-empty: install without asking. `--yes` sets it; so does an environment variable CI.
assume_yes=${CI:+yes}

# The oldest major version of Postgres that Bunsen works with.
oldest_postgres=15

say() { printf '%s\n' "$*" >&2; }

die() {
  say "$(basename "$0"): $*"
  exit 1
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# Is version $1 at least version $2? Major and minor number count: "1.95.0" "1.95".
version_at_least() {
  local have_major have_minor want_major want_minor
  IFS=. read -r have_major have_minor _ <<<"$1.0"
  IFS=. read -r want_major want_minor _ <<<"$2.0"
  [ "$have_major" -gt "$want_major" ] ||
    { [ "$have_major" -eq "$want_major" ] && [ "$have_minor" -ge "$want_minor" ]; }
}

# ---------------------------------------------------------------- Rust

check_rust() {
  local wanted have
  wanted=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' "$root/Cargo.toml")
  [ -n "$wanted" ] || die "Cargo.toml does not say which rust-version it wants"
  # A shell that was open while Rust was installed does not have this folder in its PATH yet.
  if ! command -v cargo >/dev/null 2>&1 && [ -x "${CARGO_HOME:-${HOME:-}/.cargo}/bin/cargo" ]; then
    PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
    export PATH
  fi
  if ! command -v cargo >/dev/null 2>&1 || ! command -v rustc >/dev/null 2>&1; then
    die "Rust is missing. Install Rust $wanted or newer (https://rustup.rs, or your distribution's package), then start again. This script never installs Rust."
  fi
  have=$(cd "$root" && rustc --version | sed -n 's/^rustc \([0-9]*\.[0-9]*\).*/\1/p')
  [ -n "$have" ] || die "'rustc --version' does not work here; run it by hand and mend what it says"
  version_at_least "$have" "$wanted" ||
    die "Rust $have is too old: $wanted or newer is needed ('rustup update stable', if rustup manages it)"
}

# ---------------------------------------------------------------- C compiler

# A compiler without the C library's headers is of no use, so this compiles a program.
can_compile_c() {
  local folder works=no
  command -v "${CC:-cc}" >/dev/null 2>&1 || return 1
  folder=$(mktemp -d)
  printf '#include <stdlib.h>\nint main(void) { return EXIT_SUCCESS; }\n' >"$folder/try.c"
  "${CC:-cc}" -o "$folder/try" "$folder/try.c" >/dev/null 2>&1 && works=yes
  rm -rf "$folder"
  [ "$works" = yes ]
}

# ---------------------------------------------------------------- Postgres

# Where the programs of Postgres may be, one folder a line. A configured folder is the only one.
postgres_folders() {
  if [ -n "${BUNSEN_POSTGRES_BIN:-}" ]; then
    printf '%s\n' "$BUNSEN_POSTGRES_BIN"
    return
  fi
  local folder
  for folder in /usr/lib/postgresql/*/bin /usr/lib/postgresql*/bin /usr/pgsql-*/bin \
    /usr/libexec/postgresql* /opt/homebrew/opt/postgresql@*/bin /usr/local/opt/postgresql@*/bin; do
    [ ! -d "$folder" ] || printf '%s\n' "$folder"
  done
  if command -v pg_config >/dev/null 2>&1; then pg_config --bindir || true; fi
  if folder=$(command -v postgres); then dirname "$folder"; fi
}

# Newest major version found that has both programs a private Postgres needs; 0 if none.
newest_postgres() {
  local folder version newest=0
  while IFS= read -r folder; do
    if ! [ -x "$folder/postgres" ] || ! [ -x "$folder/initdb" ]; then continue; fi
    version=$("$folder/postgres" --version 2>/dev/null | sed -n 's/^postgres (PostgreSQL) \([0-9]*\).*/\1/p')
    [ "${version:-0}" -le "$newest" ] || newest=$version
  done < <(postgres_folders)
  printf '%s\n' "$newest"
}

has_postgres() { [ "$(newest_postgres)" -ge "$oldest_postgres" ]; }

# ---------------------------------------------------------------- browser

# The oldest major version of node that the tests in a browser are written for.
oldest_node=20

has_browser() {
  local node
  { command -v chromium || command -v chromium-browser; } >/dev/null 2>&1 &&
    command -v npm >/dev/null 2>&1 || return 1
  node=$(node --version 2>/dev/null | sed -n 's/^v\([0-9]*\)\..*/\1/p')
  [ "${node:-0}" -ge "$oldest_node" ]
}

# ---------------------------------------------------------------- packages

package_manager() {
  local name
  for name in apt-get dnf pacman apk zypper brew; do
    if command -v "$name" >/dev/null 2>&1; then
      printf '%s\n' "$name"
      return
    fi
  done
  printf 'none\n'
}

# The packages that bring $2 (compiler, postgres, browser) under the package manager $1.
packages_for() {
  case "$1:$2" in
    apt-get:compiler) echo gcc libc6-dev ;;
    apk:compiler) echo gcc musl-dev ;;
    dnf:compiler | pacman:compiler | zypper:compiler) echo gcc ;;
    apt-get:postgres | pacman:postgres | apk:postgres) echo postgresql ;;
    dnf:postgres | zypper:postgres) echo postgresql-server ;;
    brew:postgres) echo postgresql@17 ;;
    apt-get:browser) echo chromium nodejs npm ;;
  esac
}

# Debian's package makes and starts a cluster of its own, which Bunsen does not use: it runs a
# private one in its data folder. So the package is told not to, and the setting taken away again.
install_with_apt() {
  local folder=/etc/postgresql-common/createcluster.d setting status=0
  setting=$folder/bunsen-no-main-cluster.conf
  as_root mkdir -p "$folder"
  echo 'create_main_cluster = false' | as_root tee "$setting" >/dev/null
  as_root apt-get update || say "The package lists could not be renewed; trying with those at hand."
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" || status=$?
  as_root rm -f "$setting"
  as_root rmdir "$folder" 2>/dev/null || true
  return "$status"
}

# Enterprise Linux 8 and 9 offer old versions unless a newer module stream is chosen.
install_with_dnf() {
  local stream
  case " $* " in *" postgresql-server "*)
    for stream in 18 17 16 15; do
      if as_root dnf -q -y module enable "postgresql:$stream" >/dev/null 2>&1; then break; fi
    done
    ;;
  esac
  as_root dnf install -y "$@"
}

# Without package lists (a fresh container) they are fetched; otherwise the system is left at the
# state it has, since Arch does not support renewing lists for a single package.
install_with_pacman() {
  [ -n "$(ls /var/lib/pacman/sync 2>/dev/null)" ] || as_root pacman -Sy --noconfirm
  as_root pacman -S --needed --noconfirm "$@"
}

install_packages() {
  local manager=$1
  shift
  case "$manager" in
    apt-get) install_with_apt "$@" ;;
    dnf) install_with_dnf "$@" ;;
    pacman) install_with_pacman "$@" ;;
    apk) as_root apk add "$@" ;;
    zypper) as_root zypper --non-interactive install "$@" ;;
    # Homebrew refuses to be run as root.
    brew) brew install "$@" ;;
  esac
}

# Ends the script unless the person, --yes or CI agrees.
agree_to_install() {
  local answer
  [ -z "$assume_yes" ] || return 0
  [ -t 0 ] || die "nobody can be asked here. Start with --yes to install, or install by hand: $*"
  printf 'Install %s with %s now? [y/N] ' "$*" "$manager" >&2
  read -r answer || answer=
  case "$answer" in
    y | Y | yes | Yes | YES) ;;
    *) die "not installed. Install by hand ($*) and start again." ;;
  esac
}

# Looks for what is missing, and installs it. $1 is "postgres" where Bunsen runs its own Postgres,
# $2 "browser" where the tests in a browser, and the others that want node, must run.
prerequisites() {
  local manager packages="" missing=""
  check_rust
  manager=$(package_manager)
  if ! can_compile_c; then
    [ "$manager" != brew ] || die "a C compiler is missing: run 'xcode-select --install', then start again"
    missing="a C compiler"
    packages=$(packages_for "$manager" compiler)
  fi
  if [ "${1:-}" = postgres ] && ! has_postgres; then
    [ -z "${BUNSEN_POSTGRES_BIN:-}" ] ||
      die "BUNSEN_POSTGRES_BIN: no postgres and initdb of version $oldest_postgres or newer in $BUNSEN_POSTGRES_BIN"
    missing="${missing:+$missing and }Postgres $oldest_postgres or newer"
    packages="${packages:+$packages }$(packages_for "$manager" postgres)"
  fi
  # Only tests need it, and they say so when they are skipped.
  if [ "${2:-}" = browser ] && ! has_browser && [ "$manager" = apt-get ]; then
    missing="${missing:+$missing and }chromium with node $oldest_node or newer and npm"
    packages="${packages:+$packages }$(packages_for "$manager" browser)"
  fi
  [ -n "$missing" ] || return 0

  say "Missing: $missing."
  [ "$manager" != none ] || die "no package manager that this script knows; install $missing and start again"
  [ "$manager" = brew ] || [ "$(id -u)" = 0 ] || command -v sudo >/dev/null 2>&1 ||
    die "no sudo here; as root install: $packages"
  # Split on purpose: a list of package names.
  # shellcheck disable=SC2086
  agree_to_install $packages
  # shellcheck disable=SC2086
  install_packages "$manager" $packages || die "the installation of '$packages' failed"

  can_compile_c || die "there is still no working C compiler"
  # Found out now, not after half an hour.
  if [ "${2:-}" = browser ] && [ "$manager" = apt-get ] && ! has_browser; then
    die "this distribution brings node $(node --version 2>/dev/null || echo none); tests in a browser need $oldest_node or newer: see https://nodejs.org/en/download"
  fi
  [ "${1:-}" != postgres ] || has_postgres ||
    die "this distribution brings Postgres $(newest_postgres); $oldest_postgres or newer is needed: see https://www.postgresql.org/download/, or name a database with BUNSEN_DATABASE_URL (for ./run)"
}
