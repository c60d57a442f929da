# shellcheck shell=bash disable=SC2154
# Installing packages, and giving an engine the base image of the fixtures. Sourced by the scripts beside it that set up
# engines, never run. They have `say` and `die`, and `engines_dir` for logs.

base_image=localhost/shakedown/base:1

# ---- packages --------------------------------------------------------------------------------------------------------

root() {
    if [[ $EUID -eq 0 ]]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "this needs root, and there is no sudo: $*" 2
    fi
}

# The command's output is of interest only if it fails.
quietly() {
    local output
    output=$("$@" 2>&1) || die "failed: $*: $output"
}

missing_packages() {
    local package
    for package; do
        [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || echo "$package"
    done
}

# Installation replaces nothing: a machine whose packages are in the way says so instead of losing them.
install_packages() {
    command -v apt-get >/dev/null || die "not Debian or Ubuntu; install what corresponds to: $*" 2
    local -a missing
    mapfile -t missing < <(missing_packages "$@")
    [[ ${#missing[@]} -gt 0 ]] || return 0
    say "installing ${missing[*]}"
    mkdir -p "$engines_dir"
    local log="$engines_dir/apt.log"
    {
        root apt-get update -o DPkg::Lock::Timeout=300 &&
            root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends --no-remove \
                -o DPkg::Lock::Timeout=300 "${missing[@]}"
    } >"$log" 2>&1 || die "the installation failed: $(tail -n 5 "$log")"
}

# ---- the base image ----------------------------------------------------------------------------------------------------

ensure_base_image() {
    local engine=$1
    make_base_archive
    local recipe
    recipe=$(sha256sum "$archive" | cut -d' ' -f1)
    if [[ $(base_image_recipe "$engine") == "$recipe" ]]; then
        say "$engine: $base_image is there"
    else
        say "$engine: making $base_image"
        quietly "$engine" import --change 'CMD ["/bin/sh"]' --message "recipe $recipe" - "$base_image" <"$archive"
    fi
}

# The recipe is kept in the image's history, where it is inherited by no container.
base_image_recipe() {
    "$1" image inspect --format '{{.Comment}}' "$base_image" 2>/dev/null | sed -n 's/^recipe //p'
}

# The same bytes for the same busybox: names sorted, times and owners fixed.
make_base_archive() {
    [[ -z ${archive:-} ]] || return 0
    is_static_busybox || install_packages busybox-static
    is_static_busybox || die "the base image needs a statically linked busybox" 2
    local busybox applet
    busybox=$(type -P busybox)
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    archive="$scratch/base.tar"
    mkdir -p "$scratch/root"/{bin,etc,root,tmp,var}
    cp "$busybox" "$scratch/root/bin/busybox"
    for applet in $("$busybox" --list); do
        [[ $applet == busybox ]] || ln -s busybox "$scratch/root/bin/$applet"
    done
    echo 'root:x:0:0:root:/root:/bin/sh' >"$scratch/root/etc/passwd"
    echo 'root:x:0:' >"$scratch/root/etc/group"
    chmod -R u=rwX,go=rX "$scratch/root"
    chmod 1777 "$scratch/root/tmp"
    tar --create --file "$archive" --directory "$scratch/root" --sort=name --mtime=@0 --owner=0 --group=0 \
        --numeric-owner --format=gnu .
}

is_static_busybox() {
    local busybox
    busybox=$(type -P busybox) && ! ldd "$busybox" >/dev/null 2>&1
}
