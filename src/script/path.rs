//! Paths as Go's `filepath` handles them on Unix: text only, never the file system. Knows bytes.

/// The shortest equal path: no empty, `.` or removable `..` element; `.` for nothing.
pub fn clean(path: &[u8]) -> Vec<u8> {
    let rooted = path.first() == Some(&b'/');
    let mut kept: Vec<&[u8]> = Vec::new();
    for element in path.split(|b| *b == b'/') {
        match element {
            b"" | b"." => {}
            b".." => match kept.last() {
                Some(last) if *last != b".." => drop(kept.pop()),
                // The root's parent is the root.
                None if rooted => {}
                _ => kept.push(element),
            },
            _ => kept.push(element),
        }
    }
    let joined = kept.join(&b'/');
    match (rooted, joined.is_empty()) {
        (true, _) => [b"/".as_slice(), &joined].concat(),
        (false, true) => b".".to_vec(),
        (false, false) => joined,
    }
}

/// Joined and cleaned; empty when both are.
pub fn join(directory: &[u8], name: &[u8]) -> Vec<u8> {
    match (directory, name) {
        (b"", b"") => Vec::new(),
        (b"", only) | (only, b"") => clean(only),
        _ => clean(&[directory, b"/", name].concat()),
    }
}

/// As it is when absolute, else below the directory.
pub fn absolute(directory: &[u8], path: &[u8]) -> Vec<u8> {
    if path.first() == Some(&b'/') {
        path.to_vec()
    } else {
        join(directory, path)
    }
}

/// The last element; `.` for nothing, `/` for only slashes.
pub fn base(path: &[u8]) -> &[u8] {
    let end = path.iter().rposition(|b| *b != b'/');
    match (path, end) {
        (b"", _) => b".",
        (_, None) => b"/",
        (_, Some(end)) => {
            let start = path[..end].iter().rposition(|b| *b == b'/');
            &path[start.map_or(0, |slash| slash + 1)..=end]
        }
    }
}

/// All but the last element, cleaned.
pub fn parent(path: &[u8]) -> Vec<u8> {
    let slash = path.iter().rposition(|b| *b == b'/');
    clean(&path[..slash.map_or(0, |slash| slash + 1)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(expected: &str, actual: &[u8]) {
        assert_eq!(
            expected.as_bytes(),
            actual,
            "{:?}",
            String::from_utf8_lossy(actual)
        );
    }

    #[test]
    fn a_clean_path_is_the_shortest() {
        for (path, clean_path) in [
            ("", "."),
            ("a/b", "a/b"),
            ("a//b/./c/", "a/b/c"),
            ("a/../b", "b"),
            ("a/..", "."),
            ("../a", "../a"),
            ("../../a", "../../a"),
            ("a/../../b", "../b"),
            ("/", "/"),
            ("/..", "/"),
            ("/../a//", "/a"),
        ] {
            check(clean_path, &clean(path.as_bytes()));
        }
    }

    #[test]
    fn joining_cleans_and_absolute_paths_stay() {
        check("/a/b", &join(b"/a", b"b"));
        check("/b", &join(b"/a", b"../b"));
        check("/a/b", &join(b"/a", b"/b"));
        check("a", &join(b"", b"a"));
        check("", &join(b"", b""));
        check("/w/x", &absolute(b"/w", b"./x"));
        check("/x/../y", &absolute(b"/w", b"/x/../y"));
        check("/w", &absolute(b"/w", b""));
    }

    #[test]
    fn the_last_element_and_the_rest() {
        check(".", base(b""));
        check("/", base(b"//"));
        check("a", base(b"a"));
        check("b", base(b"/a/b/"));
        check(".", base(b"."));
        check(".", &parent(b"a"));
        check("/a", &parent(b"/a/b"));
        check("/", &parent(b"/a"));
        check("/a/b", &parent(b"/a/b/"));
    }
}
