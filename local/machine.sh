#!/bin/sh
# Looks for what must be installed on the machine. The makefiles call this before they compile or download anything.
#
#   sh local/machine.sh check KIND...     lists everything that is missing for python, build, test, node or c++, and
#                                         exits with 2. If nothing is missing, prints the C library: musl or gnu
#   sh local/machine.sh setup KIND...     installs what is missing: it runs the line that `check` prints
#   sh local/machine.sh left-out KIND...  says what differs from a release, and what was not measured
#   sh local/machine.sh python            prints the Python that creates the environments
#   sh local/machine.sh arm64             exits with 0 if the command line for arm64 can be built, and run by QEMU
#
# It reads ARCH, LIBC, CARGO_HOME and CI. If CI is set, everything that the tests can use is required. It needs only a
# POSIX shell, because anything else may be missing.
set -u
# With CDPATH set, cd would print where it goes.
CDPATH='' cd -- "$(dirname "$0")/.." || exit 2
# Where rustup installs. It comes first, as rustup has it: a system may have an older Rust, and a terminal that was opened
# before rustup ran does not know the folder. common.mk does the same.
CARGO_BIN="${CARGO_HOME:-${HOME:-}/.cargo}/bin"
[ ! -x "$CARGO_BIN/rustc" ] || PATH="$CARGO_BIN:$PATH"

ARCHITECTURE=${ARCH:-x86_64}
[ "$ARCHITECTURE" != arm64 ] || ARCHITECTURE=aarch64
RUST=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
RUSTUP="curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y"

has() { command -v "$1" > /dev/null 2>&1; }

say() { printf '%s\n' "$*" >&2; }

# -- What is missing: a line for each, and the packages that have it by their names in apt, dnf and brew.
missing='' optional='' apt='' dnf='' brew='' rust='' unknown='' line='' python_is_told=''

packages() { apt="$apt${1:+ $1}" dnf="$dnf${2:+ $2}" brew="$brew${3:+ $3}"; }

lacks() {
  missing="$missing
  - $1"
  packages "$2" "$3" "$4"
}

# The tests do without these, unless CI is set.
could_use() {
  if [ -n "${CI:-}" ]; then
    lacks "$@"
  else
    optional="$optional
  - $1"
    packages "$2" "$3" "$4"
  fi
}

# The first Python that is new enough and can make environments. python3 alone may be older than another that is here.
a_python() {
  for python in python3 python3.14 python3.13 python3.12 python3.11; do
    if has "$python" &&
      "$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2> /dev/null; then
      printf '%s\n' "$python"
      return
    fi
  done
  return 1
}

look_for_rust() {
  if ! has rustc || ! has cargo || ! version=$(rustc --version 2> /dev/null); then
    lacks "Rust $RUST or newer: rustc and cargo were not found" '' '' ''
    if has rustup; then
      rust='rustup default stable'
    else
      rust=$RUSTUP
      has curl || packages 'curl ca-certificates' curl curl
    fi
    return
  fi
  version=${version#rustc }
  major=${version%%.*} minor=${version#*.}
  minor=${minor%%.*}
  if [ "$major" -eq "${RUST%%.*}" ] && [ "$minor" -lt "${RUST#*.}" ]; then
    lacks "Rust $RUST or newer: this is ${version%% *}" '' '' ''
    if has rustup; then rust='rustup update stable'; else rust=$RUSTUP; fi
  fi
}

look_for_python() {
  [ -z "$python_is_told" ] || return
  a_python > /dev/null && return
  python_is_told=1
  if ! has python3; then
    lacks 'Python 3.11 or newer with venv: python3 was not found' 'python3 python3-venv' python3.11 python@3.13
  elif python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null; then
    lacks "Python's venv and ensurepip, which belong to Python but are packages of their own on Debian" \
      python3-venv python3 python@3.13
  else
    lacks "Python 3.11 or newer with venv: this is $(python3 --version 2>&1)" 'python3.11 python3.11-venv' python3.11 \
      python@3.13
  fi
}

# Whether programs can be linked: on some systems the compiler comes without the C library's headers and start files.
look_for_a_c_compiler() {
  if ! has cc; then
    lacks 'a C compiler: cc was not found' 'gcc libc6-dev' gcc gcc
  elif ! printf '#include <stdlib.h>\nint main(void) { return 0; }\n' | cc -x c - -o /dev/null 2> /dev/null; then
    lacks 'a C compiler that can link a program: cc cannot' 'gcc libc6-dev' 'gcc glibc-devel' gcc
  fi
}

# Where a test can be the DNS server. Linux only, and some containers and systems forbid it.
has_a_network() { sh tests/own_network.sh true > /dev/null 2>&1; }

look_for_a_network() {
  has_a_network && return
  if has unshare; then
    could_use 'the right to create network and mount namespaces (unshare), to try DNS answers' '' '' ''
  else
    could_use 'unshare, to try DNS answers in a network of its own' util-linux util-linux ''
  fi
}

# A program for the other architecture, on a machine for x86-64. It loads no library, so QEMU alone runs it.
has_qemu() { has qemu-aarch64 || has qemu-aarch64-static; }

look_for() {
  case $1 in
    nothing) ;;
    python)
      look_for_python
      ;;
    build)
      look_for_rust
      look_for_a_c_compiler
      look_for_python
      has git || lacks 'git' git git git
      ;;
    test)
      has valgrind || could_use 'valgrind, to count instructions' valgrind valgrind valgrind
      has zsh || could_use 'zsh, to try every command of the documents in it' zsh zsh zsh
      has openssl || could_use 'openssl, to try how customers check a signature' openssl openssl openssl
      [ "$ARCHITECTURE" = aarch64 ] || has_qemu ||
        could_use 'qemu-aarch64, to run the command line for arm64' qemu-user qemu-user ''
      look_for_a_network
      ;;
    c++)
      has c++ || lacks 'a C++ compiler, for libFuzzer: c++ was not found' g++ gcc-c++ gcc
      ;;
    node)
      if ! has npm || ! has node; then
        lacks 'Node 20 or newer with npm: node and npm were not found' 'nodejs npm' nodejs-npm node
      elif ! node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 20 ? 1 : 0)'; then
        lacks "Node 20 or newer with npm: this is $(node --version)" 'nodejs npm' nodejs-npm node
      fi
      ;;
    *)
      say "machine.sh does not know the kind '$1'. The kinds are: nothing, python, build, test, node, c++."
      exit 2
      ;;
  esac
}

# -- The line that installs it.
# Sets `line`, and `unknown`: packages for whose manager there is no line here.
find_line() {
  if [ "$(id -u)" = 0 ]; then root=''; else root='sudo '; fi
  line=''
  if has apt-get; then
    [ -z "$apt" ] || line="${root}apt-get update && ${root}apt-get install --yes --no-install-recommends$apt"
  elif has dnf; then
    [ -z "$dnf" ] || line="${root}dnf install --assumeyes$dnf"
  elif has brew; then
    [ -z "$brew" ] || line="brew install$brew"
  else
    unknown=$apt
  fi
  [ -z "$rust" ] || line="${line:+$line && }$rust"
}

# -- The C library: musl, which is linked into the function, or glibc if musl is not available.
has_target() { [ -d "$(rustc --print target-libdir --target "$1" 2> /dev/null)" ]; }

ARM64_TARGET=aarch64-unknown-linux-musl

get_target() {
  has_target "$1" && return
  has rustup || return
  say "Rust's standard library for $1 is missing. rustup tries to install it."
  # At most a minute for a server that cannot be reached.
  if has timeout; then timeout 60 rustup target add "$1" >&2; else rustup target add "$1" >&2; fi
  has_target "$1"
}

choose_libc() {
  case $ARCHITECTURE in
    x86_64 | aarch64) ;;
    *)
      say "ARCH is '$ARCH'; it must be x86_64 or arm64"
      exit 2
      ;;
  esac
  case ${LIBC:-} in
    musl | gnu)
      get_target "$ARCHITECTURE-unknown-linux-$LIBC" || {
        say "LIBC=$LIBC needs Rust's standard library for $ARCHITECTURE-unknown-linux-$LIBC. It is not installed," \
          "and rustup could not install it."
        exit 2
      }
      ;;
    '')
      if get_target "$ARCHITECTURE-unknown-linux-musl"; then
        LIBC=musl
      elif get_target "$ARCHITECTURE-unknown-linux-gnu"; then
        LIBC=gnu
        say "Rust's standard library for $ARCHITECTURE-unknown-linux-musl is not installed, and rustup could not" \
          "install it. To build for glibc without this attempt, set LIBC=gnu."
        say_gnu
      else
        say "Rust's standard library is installed neither for $ARCHITECTURE-unknown-linux-musl nor for" \
          "$ARCHITECTURE-unknown-linux-gnu, and rustup could not install it."
        exit 2
      fi
      ;;
    *)
      say "LIBC is '$LIBC'; it must be musl or gnu"
      exit 2
      ;;
  esac
  printf '%s\n' "$LIBC"
}

say_gnu() {
  say "NOT AS PUBLISHED: the function is built for glibc instead of musl. You can run and test it here, but not" \
    "release it."
}

say_arm64() {
  [ "$ARCHITECTURE" != aarch64 ] || return 0
  if ! has_qemu; then
    say "NOT TRIED: the command line for arm64, because qemu-aarch64 is missing. \`make setup\` installs it."
  elif [ "${LIBC:-musl}" != musl ]; then
    say "NOT TRIED: the command line for arm64, because LIBC=gnu is set."
  elif ! has_target "$ARM64_TARGET"; then
    say "NOT TRIED: the command line for arm64, because Rust's standard library for $ARM64_TARGET is not installed," \
      "and rustup could not install it."
  fi
}

check() {
  for kind in "$@"; do look_for "$kind"; done
  if [ -n "$missing" ]; then
    say "Missing on this machine, and required:$missing"
    [ -z "$optional" ] || say "Missing, but optional for the tests:$optional"
    find_line
    [ -z "$unknown" ] || say "apt-get, dnf and brew were not found. The names of the packages in Debian:$unknown"
    case " $* " in
      *' node '* | *' c++ '*) command="sh local/machine.sh setup $*" ;;
      *) command='make setup' ;;
    esac
    installs=it
    [ -z "$unknown" ] || installs=Rust
    [ -z "$line" ] || say "To install $installs, run this line. \`$command\` runs it for you:

  $line
"
    say "Nothing was compiled or downloaded."
    exit 2
  fi
  for kind in "$@"; do
    [ "$kind" != build ] || { choose_libc; return; }
  done
}

setup() {
  for kind in "$@"; do look_for "$kind"; done
  if [ -n "$missing$optional" ]; then
    say "Missing on this machine:$missing$optional"
    find_line
    if [ -n "$line" ]; then
      say "+ $line"
      sh -c "$line" >&2 || exit 2
    fi
    [ -z "$unknown" ] || {
      say "apt-get, dnf and brew were not found. The names of the other packages in Debian:$unknown"
      exit 2
    }
  fi
  # Whether it was enough: a package manager may have an older one. This also gets what rustup has for musl.
  sh local/machine.sh check "$@" > /dev/null || exit 2
  say 'Everything that this project needs is installed. Continue with `make run` or `make test`.'
}

left_out() {
  for kind in "$@"; do
    case $kind in
      build) [ "${LIBC:-}" != gnu ] || say_gnu ;;
      valgrind)
        has valgrind || say "NOT MEASURED: the instructions of a Create, because valgrind is missing." \
          "\`make setup\` installs it."
        ;;
      test)
        left_out valgrind
        has zsh || say "NOT TRIED in zsh: the commands of the documents, because zsh is missing." \
          "\`make setup\` installs it."
        has openssl || say "NOT TRIED with openssl: how customers check a signature. \`make setup\` installs it."
        has_a_network || say "NOT TRIED: the function with wrong DNS answers, because this machine does not let you" \
          "create network and mount namespaces (unshare)."
        say_arm64
        ;;
    esac
  done
}

case ${1:-} in
  check | setup | python)
    action=$1
    shift
    [ "$action" != python ] || action=a_python
    $action "$@"
    ;;
  arm64) [ "$ARCHITECTURE-${LIBC:-musl}" = x86_64-musl ] && has_qemu && get_target "$ARM64_TARGET" ;;
  left-out)
    shift
    left_out "$@"
    ;;
  *)
    sed -n '2,/^[^#]/s/^# \{0,1\}//p' local/machine.sh
    [ "${1:-}" = --help ] || exit 2
    ;;
esac
