//! The anchored diff that `cmp` prints, byte for byte as Go's testscript prints it.
//!
//! It must not know where the two texts come from, nor the words of the failure around them.

use std::borrow::Cow;
use std::collections::BTreeMap;

/// Lines of context around a change.
const CONTEXT: usize = 3;

/// What a last line without a newline is given, in the text and in the comparison.
const NO_NEWLINE: &[u8] = b"\n\\ No newline at end of file\n";

/// A place in both texts, or a number of lines of each.
#[derive(Clone, Copy)]
struct Pair {
    old: usize,
    new: usize,
}

/// The unified diff from `old` to `new`; empty when they are equal.
pub fn diff(old_name: &[u8], old: &[u8], new_name: &[u8], new: &[u8]) -> Vec<u8> {
    if old == new {
        return Vec::new();
    }
    let (old, new) = (lines(old), lines(new));
    let header: [&[u8]; 9] = [
        b"diff ", old_name, b" ", new_name, b"\n--- ", old_name, b"\n+++ ", new_name, b"\n",
    ];
    let mut printer = Printer {
        out: header.concat(),
        old: &old,
        new: &new,
        done: Pair { old: 0, new: 0 },
        start: Pair { old: 0, new: 0 },
        count: Pair { old: 0, new: 0 },
        body: Vec::new(),
    };
    for anchor in anchors(&old, &new) {
        // An earlier anchor may have grown over this one.
        if anchor.old >= printer.done.old && printer.step(anchor) {
            break;
        }
    }
    printer.out
}

/// The lines of a text, each with its end, so that a missing last newline is a difference.
fn lines(text: &[u8]) -> Vec<Cow<'_, [u8]>> {
    text.split_inclusive(|&byte| byte == b'\n')
        .map(|line| match line.last() {
            Some(b'\n') => Cow::Borrowed(line),
            _ => Cow::Owned([line, NO_NEWLINE].concat()),
        })
        .collect()
}

/// The hunks written so far, and the one that is being collected.
struct Printer<'a> {
    out: Vec<u8>,
    old: &'a [Cow<'a, [u8]>],
    new: &'a [Cow<'a, [u8]>],
    /// Up to here, lines are in a hunk or were passed over.
    done: Pair,
    start: Pair,
    count: Pair,
    body: Vec<u8>,
}

impl Printer<'_> {
    /// Takes the lines up to the end of the match around `anchor`; true at the end of both texts.
    fn step(&mut self, anchor: Pair) -> bool {
        let (first, last) = self.grow(anchor);
        let equal = last.old - first.old;
        for at in self.done.old..first.old {
            self.push(b'-', &self.old[at]);
            self.count.old += 1;
        }
        for at in self.done.new..first.new {
            self.push(b'+', &self.new[at]);
            self.count.new += 1;
        }
        let at_end = last.old >= self.old.len() && last.new >= self.new.len();
        let open = !self.body.is_empty();
        // Too few equal lines to close one hunk and open the next.
        if !at_end && (equal < CONTEXT || (open && equal < 2 * CONTEXT)) {
            self.keep(first.old, last.old);
            self.done = last;
            return false;
        }
        if open {
            self.keep(first.old, first.old + equal.min(CONTEXT));
            self.flush();
        }
        if !at_end {
            self.start = Pair {
                old: last.old - CONTEXT,
                new: last.new - CONTEXT,
            };
            self.keep(self.start.old, last.old);
            self.done = last;
        }
        at_end
    }

    /// The widest run of equal lines around `anchor` that does not reach back before `done`.
    fn grow(&self, anchor: Pair) -> (Pair, Pair) {
        let (mut first, mut last) = (anchor, anchor);
        while first.old > self.done.old
            && first.new > self.done.new
            && self.old[first.old - 1] == self.new[first.new - 1]
        {
            first.old -= 1;
            first.new -= 1;
        }
        while last.old < self.old.len()
            && last.new < self.new.len()
            && self.old[last.old] == self.new[last.new]
        {
            last.old += 1;
            last.new += 1;
        }
        (first, last)
    }

    fn push(&mut self, sign: u8, line: &[u8]) {
        self.body.push(sign);
        self.body.extend_from_slice(line);
    }

    /// Adds equal lines, by their places in the old text.
    fn keep(&mut self, from: usize, to: usize) {
        for at in from..to {
            self.push(b' ', &self.old[at]);
        }
        self.count.old += to - from;
        self.count.new += to - from;
    }

    /// Writes the collected hunk.
    fn flush(&mut self) {
        // Lines count from 1, but an empty side is `0,0`.
        let first = |start: usize, count: usize| start + usize::from(count > 0);
        let head = format!(
            "@@ -{},{} +{},{} @@\n",
            first(self.start.old, self.count.old),
            self.count.old,
            first(self.start.new, self.count.new),
            self.count.new,
        );
        self.out.extend_from_slice(head.as_bytes());
        self.out.append(&mut self.body);
        self.count = Pair { old: 0, new: 0 };
    }
}

/// Where the texts are held together: the start, a longest rising sequence of the lines that occur
/// exactly once in each, and the end.
fn anchors(old: &[Cow<'_, [u8]>], new: &[Cow<'_, [u8]>]) -> Vec<Pair> {
    let (in_old, in_new) = (unique(old), unique(new));
    let mut pairs: Vec<Pair> = in_old
        .iter()
        .filter_map(|(line, &old)| {
            let new = *in_new.get(line)?;
            Some(Pair { old, new })
        })
        .collect();
    pairs.sort_by_key(|pair| pair.old);
    let mut found = vec![Pair {
        old: old.len(),
        new: new.len(),
    }];
    found.extend(rising(&pairs));
    found.push(Pair { old: 0, new: 0 });
    found.reverse();
    found
}

/// The lines that occur once, with their places.
fn unique<'a>(lines: &'a [Cow<'_, [u8]>]) -> BTreeMap<&'a [u8], usize> {
    let mut places: BTreeMap<&[u8], Option<usize>> = BTreeMap::new();
    for (at, line) in lines.iter().enumerate() {
        places
            .entry(line)
            .and_modify(|place| *place = None)
            .or_insert(Some(at));
    }
    places
        .into_iter()
        .filter_map(|(line, place)| Some((line, place?)))
        .collect()
}

/// A longest sequence of `pairs` (sorted by their old place) that rises in the new text, last first.
fn rising(pairs: &[Pair]) -> Vec<Pair> {
    // tails[k]: the lowest end of a rising sequence of k + 1 pairs seen so far.
    let mut tails: Vec<usize> = Vec::new();
    let mut lengths = Vec::with_capacity(pairs.len());
    for pair in pairs {
        let at = tails.partition_point(|&tail| tail < pair.new);
        match tails.get_mut(at) {
            Some(tail) => *tail = pair.new,
            None => tails.push(pair.new),
        }
        lengths.push(at + 1);
    }
    // Of the pairs of one length a later one lies lower, so the first found from behind always fits.
    let mut wanted = tails.len();
    let mut sequence = Vec::with_capacity(wanted);
    for (pair, &length) in pairs.iter().zip(&lengths).rev() {
        if length == wanted {
            sequence.push(*pair);
            wanted -= 1;
        }
    }
    sequence
}

#[cfg(test)]
mod tests {
    use super::diff;

    #[track_caller]
    fn check(old: &str, new: &str, wanted: &str) {
        let found = diff(b"F1", old.as_bytes(), b"F2", new.as_bytes());
        let wanted = match wanted {
            "" => String::new(),
            hunks => format!("diff F1 F2\n--- F1\n+++ F2\n{hunks}"),
        };
        assert_eq!(String::from_utf8_lossy(&found), wanted);
    }

    #[test]
    fn equal_texts_give_nothing() {
        check("", "", "");
        check("a\nb\n", "a\nb\n", "");
    }

    #[test]
    fn one_line_has_a_count_too() {
        check("a\n", "b\n", "@@ -1,1 +1,1 @@\n-a\n+b\n");
    }

    #[test]
    fn an_empty_side_is_zero_zero() {
        check("", "a\nb\n", "@@ -0,0 +1,2 @@\n+a\n+b\n");
        check("a\n", "", "@@ -1,1 +0,0 @@\n-a\n");
    }

    #[test]
    fn a_missing_last_newline_is_a_difference() {
        check(
            "a\nb",
            "a\nb\n",
            "@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+b\n",
        );
        check(
            "x\nb",
            "y\nb",
            "@@ -1,2 +1,2 @@\n-x\n+y\n b\n\\ No newline at end of file\n",
        );
    }

    #[test]
    fn six_equal_lines_split_the_hunks() {
        check(
            "A\n1\n2\n3\n4\n5\n6\nB\n",
            "a\n1\n2\n3\n4\n5\n6\nb\n",
            "@@ -1,4 +1,4 @@\n-A\n+a\n 1\n 2\n 3\n@@ -5,4 +5,4 @@\n 4\n 5\n 6\n-B\n+b\n",
        );
    }

    #[test]
    fn five_equal_lines_do_not() {
        check(
            "A\n1\n2\n3\n4\n5\nB\n",
            "a\n1\n2\n3\n4\n5\nb\n",
            "@@ -1,7 +1,7 @@\n-A\n+a\n 1\n 2\n 3\n 4\n 5\n-B\n+b\n",
        );
    }

    #[test]
    fn three_lines_of_context_surround_a_change() {
        check(
            "1\n2\n3\n4\nX\n5\n6\n7\n8\n",
            "1\n2\n3\n4\nY\n5\n6\n7\n8\n",
            "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-X\n+Y\n 5\n 6\n 7\n",
        );
    }

    #[test]
    fn lines_that_occur_twice_are_no_anchors() {
        check(
            "x\n}\n}\ny\n",
            "}\nz\n}\n",
            "@@ -1,4 +1,3 @@\n-x\n-}\n-}\n-y\n+}\n+z\n+}\n",
        );
    }

    #[test]
    fn names_and_lines_are_bytes() {
        assert_eq!(
            diff(b"\xff", b"\xfe\n", b"b", b""),
            b"diff \xff b\n--- \xff\n+++ b\n@@ -1,1 +0,0 @@\n-\xfe\n"
        );
    }
}
