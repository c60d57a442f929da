//! The difference of two texts in unified form, anchored at lines that occur once in each text.
//! Made to agree byte for byte with what Go's testscript prints. Knows bytes.

use std::collections::BTreeMap;
use std::fmt::Write;

/// Lines of context around a change.
const CONTEXT: usize = 3;

/// The difference with its header; empty when the texts are equal.
pub fn diff(old_name: &str, old: &[u8], new_name: &str, new: &[u8]) -> Vec<u8> {
    if old == new {
        return Vec::new();
    }
    let (old, new): (Vec<&[u8]>, Vec<&[u8]>) = (lines(old), lines(new));
    let mut header = String::new();
    writeln!(
        header,
        "diff {old_name} {new_name}\n--- {old_name}\n+++ {new_name}"
    )
    .expect("writing to a string cannot fail");
    let mut printed = header.into_bytes();
    for chunk in chunks(&old, &new) {
        chunk.print(&mut printed);
    }
    printed
}

fn lines(text: &[u8]) -> Vec<&[u8]> {
    text.split_inclusive(|b| *b == b'\n').collect()
}

/// A stretch of equal lines: so many from this place on, in both texts.
#[derive(Clone, Copy)]
struct Run {
    old: usize,
    new: usize,
    length: usize,
}

impl Run {
    fn end(self) -> (usize, usize) {
        (self.old + self.length, self.new + self.length)
    }
}

/// A block of the printed difference.
#[derive(Default)]
struct Chunk<'a> {
    start: (usize, usize),
    counts: (usize, usize),
    lines: Vec<(u8, &'a [u8])>,
}

impl<'a> Chunk<'a> {
    fn removed(&mut self, lines: &[&'a [u8]]) {
        self.counts.0 += lines.len();
        self.lines.extend(lines.iter().map(|line| (b'-', *line)));
    }

    fn added(&mut self, lines: &[&'a [u8]]) {
        self.counts.1 += lines.len();
        self.lines.extend(lines.iter().map(|line| (b'+', *line)));
    }

    fn common(&mut self, lines: &[&'a [u8]]) {
        self.counts.0 += lines.len();
        self.counts.1 += lines.len();
        self.lines.extend(lines.iter().map(|line| (b' ', *line)));
    }

    fn print(&self, printed: &mut Vec<u8>) {
        // Line numbers count from 1, but an empty side is at 0.
        let number = |start: usize, count: usize| start + usize::from(count > 0);
        let ((old, new), (old_count, new_count)) = (self.start, self.counts);
        let (old, new) = (number(old, old_count), number(new, new_count));
        let head = format!("@@ -{old},{old_count} +{new},{new_count} @@\n");
        printed.extend_from_slice(head.as_bytes());
        for (sign, line) in &self.lines {
            printed.push(*sign);
            printed.extend_from_slice(line);
            if !line.ends_with(b"\n") {
                printed.extend_from_slice(b"\n\\ No newline at end of file\n");
            }
        }
    }
}

/// Groups the changes between the equal runs into chunks with their context.
fn chunks<'a>(old: &[&'a [u8]], new: &[&'a [u8]]) -> Vec<Chunk<'a>> {
    let mut finished = Vec::new();
    let mut chunk = Chunk::default();
    let mut done = (0, 0);
    for run in runs(old, new) {
        chunk.removed(&old[done.0..run.old]);
        chunk.added(&new[done.1..run.new]);
        done = run.end();
        let at_end = done == (old.len(), new.len());
        let bridged = if chunk.lines.is_empty() {
            CONTEXT
        } else {
            2 * CONTEXT
        };
        // Too few equal lines to separate two chunks.
        if !at_end && run.length < bridged {
            chunk.common(&old[run.old..done.0]);
            continue;
        }
        if !chunk.lines.is_empty() {
            let context = run.length.min(CONTEXT);
            chunk.common(&old[run.old..run.old + context]);
            finished.push(std::mem::take(&mut chunk));
        }
        if !at_end {
            chunk.start = (done.0 - CONTEXT, done.1 - CONTEXT);
            chunk.common(&old[chunk.start.0..done.0]);
        }
    }
    finished
}

/// The equal stretches: around each anchor as far as the texts agree. The first begins at the start
/// of both texts and the last ends at their end; both may be empty.
fn runs(old: &[&[u8]], new: &[&[u8]]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let ends = [(0, 0), (old.len(), new.len())];
    let anchors = anchors(old, new);
    let places = ends[..1].iter().chain(&anchors).chain(&ends[1..]);
    for &(at_old, at_new) in places {
        let (done_old, done_new) = runs.last().map_or((0, 0), |run| run.end());
        // Inside the run of an earlier anchor.
        if !runs.is_empty() && at_old < done_old {
            continue;
        }
        let before = old[done_old..at_old]
            .iter()
            .rev()
            .zip(new[done_new..at_new].iter().rev())
            .take_while(|(old, new)| old == new)
            .count();
        let after = old[at_old..]
            .iter()
            .zip(&new[at_new..])
            .take_while(|(old, new)| old == new)
            .count();
        runs.push(Run {
            old: at_old - before,
            new: at_new - before,
            length: before + after,
        });
        if runs.last().is_some_and(|run| run.end() == ends[1]) {
            break;
        }
    }
    runs
}

/// How often a line occurs, and where it was last.
#[derive(Default)]
struct Occurrences {
    old: (usize, usize),
    new: (usize, usize),
}

/// Lines that occur once in each text, in the longest order that both texts share.
fn anchors(old: &[&[u8]], new: &[&[u8]]) -> Vec<(usize, usize)> {
    let mut occurrences: BTreeMap<&[u8], Occurrences> = BTreeMap::new();
    for (place, line) in old.iter().enumerate() {
        let seen = &mut occurrences.entry(line).or_default().old;
        *seen = (seen.0 + 1, place);
    }
    for (place, line) in new.iter().enumerate() {
        let seen = &mut occurrences.entry(line).or_default().new;
        *seen = (seen.0 + 1, place);
    }
    let mut unique: Vec<(usize, usize)> = occurrences
        .values()
        .filter(|seen| seen.old.0 == 1 && seen.new.0 == 1)
        .map(|seen| (seen.old.1, seen.new.1))
        .collect();
    unique.sort_unstable();
    longest_rise(&unique)
}

/// The longest subsequence whose second members rise, by patience sorting. Of several equally long
/// ones, the one found from the back by taking the last candidate each time: Go's choice.
fn longest_rise(pairs: &[(usize, usize)]) -> Vec<(usize, usize)> {
    let mut smallest_ends: Vec<usize> = Vec::new();
    let mut lengths = Vec::with_capacity(pairs.len());
    for (_, value) in pairs {
        let length = smallest_ends.partition_point(|end| end < value);
        match smallest_ends.get_mut(length) {
            Some(end) => *end = *value,
            None => smallest_ends.push(*value),
        }
        lengths.push(length + 1);
    }
    let mut wanted = smallest_ends.len();
    let mut rise = Vec::with_capacity(wanted);
    for (pair, length) in pairs.iter().zip(&lengths).rev() {
        if *length == wanted {
            rise.push(*pair);
            wanted -= 1;
        }
    }
    rise.reverse();
    rise
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(old: &str, new: &str, expected: &str) {
        let shown = diff("a", old.as_bytes(), "b", new.as_bytes());
        let shown = String::from_utf8(shown).unwrap();
        let body = shown.strip_prefix("diff a b\n--- a\n+++ b\n");
        assert_eq!(body.unwrap_or(&shown), expected);
    }

    /// Each word a line.
    fn text(words: &str) -> String {
        let lines = words.split_whitespace().flat_map(|word| [word, "\n"]);
        lines.collect()
    }

    #[test]
    fn equal_texts_have_no_difference() {
        check("", "", "");
        check("x\n", "x\n", "");
    }

    #[test]
    fn an_empty_side_is_at_line_zero() {
        check("", "a\nb\n", "@@ -0,0 +1,2 @@\n+a\n+b\n");
        check("a\n", "", "@@ -1,1 +0,0 @@\n-a\n");
        check("a\n", "b\n", "@@ -1,1 +1,1 @@\n-a\n+b\n");
    }

    #[test]
    fn a_missing_final_newline_is_said() {
        check(
            "a\nb",
            "a\nb\n",
            "@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+b\n",
        );
        check(
            "a\nb\n",
            "c\nb",
            "@@ -1,2 +1,2 @@\n-a\n-b\n+c\n+b\n\\ No newline at end of file\n",
        );
        check(
            "x\nb",
            "y\nb",
            "@@ -1,2 +1,2 @@\n-x\n+y\n b\n\\ No newline at end of file\n",
        );
    }

    #[test]
    fn changes_far_apart_are_chunks_of_their_own() {
        check(
            &text("1 2 3 4 5 6 7 8 9 10 11 12 13 14 x 15 16 17 18 19 20"),
            &text("1 2 3 4 5 6 8 9 10 11 12 13 14 17 18 19 20"),
            "@@ -4,7 +4,6 @@\n 4\n 5\n 6\n-7\n 8\n 9\n 10\n@@ -12,9 +11,6 @@\n 12\n 13\n 14\n-x\n-15\n-16\n 17\n 18\n 19\n",
        );
    }

    #[test]
    fn six_equal_lines_separate_and_five_do_not() {
        check(
            &text("x 1 2 3 4 5 6 y"),
            &text("1 2 3 4 5 6"),
            "@@ -1,4 +1,3 @@\n-x\n 1\n 2\n 3\n@@ -5,4 +4,3 @@\n 4\n 5\n 6\n-y\n",
        );
        check(
            &text("x 1 2 3 4 5 y"),
            &text("1 2 3 4 5"),
            "@@ -1,7 +1,5 @@\n-x\n 1\n 2\n 3\n 4\n 5\n-y\n",
        );
    }

    #[test]
    fn lines_that_repeat_are_no_anchors() {
        check(
            "a\n\nb\n\nc\n\nd\n\ne\n\nf\n",
            "a\n\nB\n\nC\n\nd\n\ne\n\nf\n",
            "@@ -1,8 +1,8 @@\n a\n \n-b\n-\n-c\n+B\n+\n+C\n \n d\n \n",
        );
    }

    #[test]
    fn moved_lines_keep_the_longest_order() {
        check(
            &text("a b c d"),
            &text("d a b c"),
            "@@ -1,4 +1,4 @@\n+d\n a\n b\n c\n-d\n",
        );
    }

    /// Applies a printed difference to the old text, checking what it claims to be there.
    fn patched(old: &str, shown: &str) -> String {
        let old: Vec<&str> = old.split_inclusive('\n').collect();
        let (mut at, mut new) = (0, String::new());
        for line in shown.lines().skip(3) {
            if let Some(head) = line.strip_prefix("@@ -") {
                let (start, count) = head.split_once(' ').unwrap().0.split_once(',').unwrap();
                let start: usize = start.parse().unwrap();
                let start = start - usize::from(count != "0");
                new.extend(old[at..start].iter().copied());
                at = start;
            } else if line.starts_with('\\') {
                assert_eq!(new.pop(), Some('\n'));
            } else {
                let (sign, text) = line.split_at(1);
                if sign != "+" {
                    assert_eq!(old[at].trim_end_matches('\n'), text);
                    at += 1;
                }
                if sign != "-" {
                    new += text;
                    new.push('\n');
                }
            }
        }
        new.extend(old[at..].iter().copied());
        new
    }

    proptest! {
        #[test]
        fn the_difference_turns_one_text_into_the_other(old in "([ab\n]|[a-z]\n){0,30}", new in "([ab\n]|[a-z]\n){0,30}") {
            let end = |text: String| if text.is_empty() { text } else { text + "\n" };
            let (old, new) = (end(old), end(new));
            let shown = String::from_utf8(diff("a", old.as_bytes(), "b", new.as_bytes())).unwrap();
            prop_assert_eq!(patched(&old, &shown), new);
        }
    }
}
