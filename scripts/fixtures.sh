# shellcheck shell=bash
# How the fixtures are run on an engine, and how one sees that the engine is as it was. Sourced by the scripts beside
# it, never run.
#
# Docker is used by the caller. Rootless Podman belongs to a user who may not read the checkout: the executable and the
# fixtures are copied to a directory of that user, the stage, and are run there with a state directory of their own.

scripts=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)

# on_docker EXECUTABLE [ARGUMENT...]
on_docker() {
    (cd -- "$scripts/.." && "$@")
}

# on_podman EXECUTABLE [ARGUMENT...]
on_podman() {
    local executable=$1 stage code=0
    shift
    stage=$(make_stage "$executable")
    (cd -- "$stage" && SHAKEDOWN_DIR="$stage/state" "$scripts/as-rootless" "./$(basename -- "$executable")" "$@") ||
        code=$?
    [[ $code -eq 0 && ${KEEP_RECORDS:-} != 1 ]] || keep_records "$stage/state" podman
    rm -rf -- "$stage"
    return "$code"
}

make_stage() {
    local stage
    stage=$(mktemp -d "$("$scripts/as-rootless" --dir)/run.XXXXXX")
    cp -R -- "$1" "$scripts/../fixtures" "$scripts/../harness.toml" "$stage"
    [[ $EUID -ne 0 ]] || chown -R --reference="$(dirname -- "$stage")" "$stage"
    echo "$stage"
}

# keep_records STATE NAME: the record of a run that failed, or that somebody wants to keep, is wanted after its stage is
# gone.
keep_records() {
    [[ -d $1/runs ]] || return 0
    local kept="$scripts/../.shakedown/$2"
    mkdir -p "$kept"
    cp -R -- "$1/runs" "$kept"
    echo "the records are kept in .shakedown/$2/runs; shakedown report reads them with --state-dir .shakedown/$2"
}

# answers ENGINE: whether it is there and answers.
answers() {
    timeout 60 "$scripts/engine-state" "$1" >/dev/null 2>&1
}

# as_it_was ENGINE BEFORE: compares what the engine holds with what it held, and says so. What others did in the meantime
# may still go away, so it looks again for a while; what we left behind stays.
as_it_was() {
    local engine=$1 before=$2 difference deadline=$((SECONDS + 10))
    until difference=$(diff <(echo "$before") <("$scripts/engine-state" "$engine")); do
        if ((SECONDS >= deadline)); then
            echo "$engine: not as it was (< before, > after):"
            echo "$difference"
            return 1
        fi
        sleep 1
    done
    echo "$engine: containers, networks, volumes and images are what they were"
}
