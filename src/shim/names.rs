//! How the engines understand the names in a command line: images, and volumes that come into being by being used. Pure.

use std::ffi::OsStr;

use crate::engine::names::is_volume_name;
use crate::model::EngineKind;

/// An image's name as the engine keeps it. Podman puts a name without a registry under `localhost`, and looks a short
/// name up elsewhere, too: unqualified, it might be somebody else's image.
pub(super) fn image(client: EngineKind, name: &str) -> String {
    let is_domain = |part: &str| part == "localhost" || part.contains(['.', ':']);
    let qualified = name
        .split_once('/')
        .is_some_and(|(first, _)| is_domain(first));
    let last = name.rsplit('/').next().unwrap_or_default();
    let tag = if last.contains([':', '@']) {
        ""
    } else {
        ":latest"
    };
    match client {
        EngineKind::Podman if !qualified => format!("localhost/{name}{tag}"),
        EngineKind::Docker | EngineKind::Podman => format!("{name}{tag}"),
    }
}

/// The volume in `-v NAME:/path[:options]`. A path or a lone target names none.
pub(super) fn bound_volume(value: &OsStr) -> Option<String> {
    let (source, _) = value.to_str()?.split_once(':')?;
    is_volume_name(source).then(|| source.to_owned())
}

/// The volume in `--mount type=volume,source=NAME,…`; `volume` is the type when none is given.
pub(super) fn mounted_volume(value: &OsStr) -> Option<String> {
    let fields: Vec<(&str, &str)> = value
        .to_str()?
        .split(',')
        .filter_map(|field| field.trim_matches('"').split_once('='))
        .collect();
    let field = |keys: &[&str]| {
        fields
            .iter()
            .rfind(|(key, _)| keys.contains(key))
            .map(|(_, value)| *value)
    };
    let is_volume = field(&["type"]).is_none_or(|kind| kind == "volume");
    let source = field(&["source", "src"])?;
    (is_volume && is_volume_name(source)).then(|| source.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use EngineKind::{Docker, Podman};

    #[test]
    fn images_are_named_as_the_engine_keeps_them() {
        let cases = [
            (Docker, "a", "a:latest"),
            (Docker, "a/b:1", "a/b:1"),
            (Docker, "host:5000/a", "host:5000/a:latest"),
            (Podman, "a", "localhost/a:latest"),
            (Podman, "a/b:1", "localhost/a/b:1"),
            (Podman, "localhost/a", "localhost/a:latest"),
            (Podman, "quay.io/a/b@sha256:00", "quay.io/a/b@sha256:00"),
        ];
        for (client, name, kept) in cases {
            assert_eq!(image(client, name), kept);
        }
    }

    #[test]
    fn only_a_name_makes_a_volume() {
        let bound = |value: &str| bound_volume(OsStr::new(value)).unwrap_or_default();
        for (value, name) in [
            ("data:/x", "data"),
            ("data:/x:ro,Z", "data"),
            ("a.b_c-1:/x", "a.b_c-1"),
            ("/x", ""),
            ("data", ""),
            ("/host:/x", ""),
            ("./data:/x", ""),
            ("~/data:/x", ""),
            ("dir/data:/x", ""),
        ] {
            assert_eq!(bound(value), name, "{value}");
        }
        let mounted = |value: &str| mounted_volume(OsStr::new(value)).unwrap_or_default();
        for (value, name) in [
            ("type=volume,source=data,target=/x", "data"),
            ("type=volume,src=data,dst=/x", "data"),
            ("src=data,dst=/x", "data"),
            ("type=volume,target=/x", ""),
            ("type=bind,source=data,target=/x", ""),
            ("type=tmpfs,target=/x", ""),
            ("readonly,type=volume,\"source=data\"", "data"),
        ] {
            assert_eq!(mounted(value), name, "{value}");
        }
    }
}
