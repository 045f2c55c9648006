# Sourced by the other scripts: what they need, and where the tools are. Not meant to be run.

cd "$(dirname "${BASH_SOURCE[0]}")/.."
TARGET=${CARGO_TARGET_DIR:-target}
SKIPPED=()

say() { printf '\n== %s\n' "$*"; }

# A test that cannot run here: says so now, and again at the end.
skip() {
    SKIPPED+=("$*")
    printf '\n!! SKIPPED: %s\n' "$*" >&2
}

report_skipped() {
    local what
    if ((${#SKIPPED[@]})); then
        printf '\n!! %d SKIPPED:\n' "${#SKIPPED[@]}" >&2
        for what in "${SKIPPED[@]}"; do printf '!!   %s\n' "$what" >&2; done
    fi
}

as_root() {
    if [[ $(id -u) == 0 ]]; then "$@"; elif command -v sudo >/dev/null; then sudo "$@"; else return 1; fi
}

# needs CHECK PACKAGE...: unless the command CHECK succeeds, tries to install the packages; fails if it still does not.
needs() {
    local check=$1
    shift
    eval "$check" >/dev/null 2>&1 && return
    if command -v apt-get >/dev/null; then
        say "installing $*"
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@" >/dev/null 2>&1 ||
            { as_root apt-get update -qq >/dev/null 2>&1 &&
                as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@" >/dev/null; } || true
    fi
    eval "$check" >/dev/null 2>&1
}

needs_rust() {
    if ! command -v cargo >/dev/null; then
        echo "Rust is missing: see https://rustup.rs" >&2
        exit 1
    fi
    # Rust needs a linker.
    needs 'command -v cc' gcc libc6-dev || { echo "A C linker (cc) is missing." >&2; exit 1; }
}

has_libpcap() { needs 'echo "#include <pcap/pcap.h>" | cc -E -' libpcap-dev; }

# needs_python_packages PACKAGE...: has them in an environment of their own, and its interpreter in WEIR_PYTHON.
needs_python_packages() {
    local environment=$TARGET/python package
    needs 'python3 -m venv --help && python3 -c "import ensurepip"' python3 python3-venv || return
    [[ -x $environment/bin/python ]] || python3 -m venv "$environment" || return
    for package; do
        "$environment/bin/python" -I -c "import $package" 2>/dev/null ||
            "$environment/bin/python" -m pip install --quiet --disable-pip-version-check "$package" || return
    done
    export WEIR_PYTHON=$PWD/$environment/bin/python
}
