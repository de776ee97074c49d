# shellcheck shell=bash
# What the scripts share. Source it from the root of the repository.

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
  bold=$'\e[1m' red=$'\e[31m' plain=$'\e[0m'
else
  bold='' red='' plain=''
fi
VENV="${VENV:-.venv}"

say() { printf '%s%s%s\n' "$bold" "$*" "$plain"; }
complain() { printf '%s%s%s\n' "$red" "$*" "$plain" >&2; }

# Prints the first Python that is new enough and can make virtual environments, or says what to install.
find_python() {
  local candidate
  for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
    command -v "$candidate" >/dev/null 2>&1 || continue
    if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      command -v "$candidate"
      return 0
    fi
  done
  return 1
}

# Complains once about everything that is missing, with the line that installs it on Debian and Ubuntu.
check_tools() {
  local missing=() packages=() tool
  if ! find_python >/dev/null; then
    missing+=("Python 3.11 or newer with its venv module")
    packages+=(python3 python3-venv)
  fi
  for tool in gpg gpgv openssl; do
    if ! command -v "$tool" >/dev/null 2>&1; then
      missing+=("$tool")
      case "$tool" in
        gpg) packages+=(gnupg) ;;
        *) packages+=("$tool") ;;
      esac
    fi
  done
  [ "${#missing[@]}" -eq 0 ] && return 0
  complain "The portal needs what is not installed here:"
  printf '  %s\n' "${missing[@]}" >&2
  printf '\nOn Debian and Ubuntu:\n  sudo apt-get install %s\n' "${packages[*]}" >&2
  return 1
}
