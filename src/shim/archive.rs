//! Which images an archive holds, read before the engine loads it: afterwards local Podman tells no one. Reads at
//! positions, so that an archive on standard input is not used up. Knows the format of `docker save`, uncompressed.

use std::fs::File;
use std::os::unix::fs::FileExt;

use serde::Deserialize;

use crate::model::EngineKind;

/// A block of a tar file, in bytes.
const BLOCK: usize = 512;
/// No list of images is longer, in bytes.
const LONGEST: u64 = 1 << 20;
/// No archive of images has more entries.
const ENTRIES: usize = 100_000;

/// One image of the list `manifest.json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Image {
    /// Its configuration's file, which is called after the image's id.
    config: String,
    /// Its names.
    repo_tags: Option<Vec<String>>,
}

/// The names that its images will have, or the ids of those without; `None` when that cannot be told beforehand.
pub(super) fn images(client: EngineKind, archive: &File) -> Option<Vec<String>> {
    let images: Vec<Image> = serde_json::from_slice(&list(archive)?).ok()?;
    let mut found = Vec::new();
    for Image { config, repo_tags } in images {
        let names = repo_tags.unwrap_or_default();
        if names.is_empty() {
            let file = config.rsplit('/').next().unwrap_or_default();
            let id = file.trim_end_matches(".json");
            found.push(format!("sha256:{id}"));
        }
        found.extend(names.iter().map(|name| whole(client, name)));
    }
    Some(found)
}

/// Podman takes a name without a registry for one of Docker's.
fn whole(client: EngineKind, name: &str) -> String {
    let first = name.split_once('/').map_or("", |(first, _)| first);
    let has_registry = first == "localhost" || first.contains(['.', ':']);
    match client {
        EngineKind::Podman if has_registry => name.to_owned(),
        EngineKind::Podman if first.is_empty() => format!("docker.io/library/{name}"),
        EngineKind::Podman => format!("docker.io/{name}"),
        EngineKind::Docker => name.to_owned(),
    }
}

/// The bytes of the file `manifest.json`.
fn list(archive: &File) -> Option<Vec<u8>> {
    let mut at = 0;
    for _ in 0..ENTRIES {
        let mut head = [0; BLOCK];
        archive.read_exact_at(&mut head, at).ok()?;
        let (name, size) = (head.get(..100)?, octal(head.get(124..136)?)?);
        at += BLOCK as u64;
        if name.starts_with(b"manifest.json\0") && size <= LONGEST {
            let mut bytes = vec![0; usize::try_from(size).ok()?];
            archive.read_exact_at(&mut bytes, at).ok()?;
            return Some(bytes);
        }
        at = at.checked_add(size.checked_next_multiple_of(BLOCK as u64)?)?;
    }
    None
}

/// A number as tar writes it; one of another notation is larger than what is looked for here.
fn octal(field: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(field).ok()?;
    let digits = text.trim_matches(['\0', ' ']);
    u64::from_str_radix(digits, 8).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    /// A tar file of these entries.
    fn archive(entries: &[(&str, &str)]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        for (name, text) in entries {
            let mut head = [0; BLOCK];
            head[..name.len()].copy_from_slice(name.as_bytes());
            head[124..135].copy_from_slice(format!("{:011o}", text.len()).as_bytes());
            file.write_all(&head).unwrap();
            file.write_all(text.as_bytes()).unwrap();
            let rest = text.len().next_multiple_of(BLOCK) - text.len();
            file.write_all(&vec![0; rest]).unwrap();
        }
        file.write_all(&[0; 2 * BLOCK]).unwrap();
        file
    }

    fn check(client: EngineKind, list: &str, expected: Option<&[&str]>) {
        let layer = "x".repeat(1000);
        let file = archive(&[("aa.tar", &layer), ("empty", ""), ("manifest.json", list)]);
        let found = images(client, &file);
        let found: Option<Vec<&str>> = found
            .as_ref()
            .map(|all| all.iter().map(String::as_str).collect());
        assert_eq!(found.as_deref(), expected, "{list}");
    }

    #[test]
    fn an_archive_tells_its_images() {
        use EngineKind::{Docker, Podman};
        let named =
            r#"[{"Config":"cc.json","RepoTags":["localhost/a:1","b:1","team/c:1"],"Layers":[]}]"#;
        check(Docker, named, Some(&["localhost/a:1", "b:1", "team/c:1"]));
        check(
            Podman,
            named,
            Some(&[
                "localhost/a:1",
                "docker.io/library/b:1",
                "docker.io/team/c:1",
            ]),
        );
        for nameless in ["null", "[]"] {
            let list = format!(r#"[{{"Config":"blobs/cc.json","RepoTags":{nameless}}}]"#);
            check(Podman, &list, Some(&["sha256:cc"]));
        }
        check(Podman, "[]", Some(&[]));
        check(Podman, "nonsense", None);
    }

    #[test]
    fn what_is_no_such_archive_tells_nothing() {
        let other = archive(&[("index.json", "{}")]);
        assert_eq!(images(EngineKind::Podman, &other), None);
        let mut short = tempfile::tempfile().unwrap();
        short.write_all(b"\x1f\x8b compressed").unwrap();
        assert_eq!(images(EngineKind::Podman, &short), None);
    }
}
