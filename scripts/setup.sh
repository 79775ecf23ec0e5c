# shellcheck shell=sh disable=SC2154
# Sourced by simulate, test and benchmark, which set `root`: the checkout, as an absolute path.
# `set_up runtime` or `set_up test` returns once .venv holds what the lock file lists, `set_up
# benchmark` once .venv-benchmark does. Nothing is written to stdout.

# Another project's modules must not reach this one's environment.
unset PYTHONHOME PYTHONPATH

minors='3.13 3.12 3.14'

say() {
    printf '%s\n' "$*" >&2
}

# Run by a candidate; answers "ok PATH" or "no REASON". For /usr/bin/python3 the path is
# /usr/bin/python3.12, so that the environment notices when the system moves to 3.13.
probe='
import os, sys
version = sys.version_info[:2]
label = "Python %d.%d" % version
missing = ""
try:
    import venv
    if sys.argv[1] != "uv":
        import ensurepip
except ImportError:
    missing = "its venv module"
if not (3, 12) <= version <= (3, 14):
    print("no " + label)
elif sys.implementation.name != "cpython" or "t" in sys.abiflags:
    print("no %s, but not the standard build of CPython" % label)
elif missing:
    print("no %s, but without %s (on Debian and Ubuntu: apt install python%d.%d-venv)"
          % ((label, missing) + version))
else:
    base = getattr(sys, "_base_executable", "") or sys.executable
    exact = os.path.join(os.path.dirname(base), "python%d.%d" % version)
    print("ok " + (exact if os.access(exact, os.X_OK) else base))
'

# try_python FILE: sets `python` and succeeds if FILE is a Python the simulator can use.
try_python() {
    [ -f "$1" ] && [ -x "$1" ] || return 1
    answer=$("$1" -I -c "$probe" "$installer" </dev/null 2>/dev/null) || answer='no does not run'
    case $answer in
        'ok '*)
            python=${answer#ok }
            return 0
            ;;
    esac
    rejected="$rejected
  $1: ${answer#no }"
    return 1
}

# try_installations FOLDER: one installation in each of FOLDER's folders.
try_installations() {
    for minor in $minors; do
        for candidate in "$1"/*/bin/python"$minor"; do
            try_python "$candidate" && return 0
        done
    done
    return 1
}

# search DIRECTORY...: the directories of PATH, then the usual places outside it.
search() {
    for minor in $minors ''; do
        for directory; do
            try_python "${directory:-.}/python${minor:-3}" && return 0
        done
    done
    # A pyenv shim runs only the versions its user has switched on; the others are beside it.
    for directory; do
        case $directory in
            */shims) try_installations "${directory%/shims}/versions" && return 0 ;;
        esac
    done
    for directory in \
        "${PYENV_ROOT:-/nonexistent}/versions" \
        "${HOME:-/nonexistent}/.pyenv/versions" \
        "${XDG_DATA_HOME:-${HOME:-/nonexistent}/.local/share}/uv/python" \
        "${HOME:-/nonexistent}/.local/share/mise/installs/python" \
        "${HOME:-/nonexistent}/.asdf/installs/python" \
        /Library/Frameworks/Python.framework/Versions \
        /opt; do
        try_installations "$directory" && return 0
    done
    for directory in /opt/homebrew/bin /usr/local/bin /usr/bin; do
        for minor in $minors; do
            try_python "$directory/python$minor" && return 0
        done
    done
    [ "$installer" = uv ] || return 1
    say 'No suitable Python here: fetching Python 3.13 with uv ...'
    uv python install --quiet 3.13 >&2 || return 1
    candidate=$(uv python find --no-project --system 3.13) && try_python "$candidate"
}

find_python() {
    rejected=
    installer=pip
    uv --version >/dev/null 2>&1 && installer=uv

    if [ -n "${SIMULATOR_PYTHON-}" ]; then
        candidate=$(command -v "$SIMULATOR_PYTHON") || candidate=$SIMULATOR_PYTHON
        try_python "$candidate" && return 0
        say "SIMULATOR_PYTHON is $SIMULATOR_PYTHON, which the simulator cannot use.${rejected:-
  It is not a program.}"
        say 'It needs Python 3.12, 3.13 or 3.14.'
        exit 2
    fi

    before=$IFS
    IFS=:
    set -f
    # shellcheck disable=SC2086
    set -- $PATH
    set +f
    IFS=$before
    search "$@" && return 0

    say 'The simulator needs Python 3.12, 3.13 or 3.14, and none was found on this machine.'
    say 'Looked on PATH, among the installations of pyenv, uv, mise and asdf, and in the usual'
    say "system folders.${rejected:+ Found, but not usable:$rejected}"
    say 'Any one of these installs it:'
    say '  apt install python3.12 python3.12-venv    Debian, Ubuntu'
    say '  dnf install python3.12                    Fedora, RHEL'
    say '  brew install python@3.13                  macOS'
    say '  pyenv install 3.13'
    say '  uv python install 3.13'
    say 'A Python in some other place: set SIMULATOR_PYTHON to its path.'
    exit 2
}

# The set-up leaves in the environment, as its last act, a copy of each lock it installed.
is_ready() {
    environment=$root/.venv
    [ "$1" = benchmark ] && environment=$root/.venv-benchmark
    [ -x "$environment/bin/python" ] || return 1
    locks=requirements.lock
    [ "$1" = runtime ] || locks="$locks requirements-$1.lock"
    for lock in $locks; do
        cmp -s "$root/scripts/$lock" "$environment/$lock" || return 1
    done
    [ -z "${SIMULATOR_PYTHON-}" ] && return 0
    read -r asked <"$environment/simulator-python" && [ "$asked" = "$SIMULATOR_PYTHON" ]
}

set_up() {
    is_ready "$1" 2>/dev/null && return 0
    find_python
    "$python" -I "$root/scripts/build_environment.py" "$1" "$installer" >&2 || exit $?
}
