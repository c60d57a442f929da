# shellcheck shell=bash disable=SC2034
# Who owns rootless Podman, and where its few files are. Sourced by the scripts beside it, never run.
#
# An ordinary user has a Podman of their own. Root has none that is rootless, so for root there is one ordinary user
# with a fixed name; everything of that user lives below one directory, and nothing is written to anybody's home
# configuration or to /etc/containers.

repository=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
engines_dir="$repository/.shakedown/engines"

rootless_user=shakedown
# Not below /var/lib: Podman 4 mounts over that directory when it sets up a user network, and then finds neither its
# networks nor this configuration.
rootless_home=/home/shakedown
rootless_runtime=/run/shakedown-user

if [[ $EUID -eq 0 ]]; then
    rootless_conf="$rootless_home/etc/containers.conf"
else
    rootless_conf="$engines_dir/containers.conf"
fi
