//! Every way in which Go's syntax differs from that of the `regex` crate, as data.

use super::parse::translate;
use super::{compile, count, decoded, find, matches_as_is};

#[track_caller]
fn check(pattern: &str, found: &[&str], not_found: &[&str]) {
    let regex = compile(pattern.as_bytes()).unwrap_or_else(|error| panic!("{pattern}: {error}"));
    for text in found {
        assert!(regex.is_match(text.as_bytes()), "{pattern} in {text:?}");
    }
    for text in not_found {
        assert!(!regex.is_match(text.as_bytes()), "{pattern} in {text:?}");
    }
}

#[track_caller]
fn check_error(pattern: &[u8], wanted: &str) {
    match compile(pattern) {
        Ok(_) => panic!("{} is accepted", String::from_utf8_lossy(pattern)),
        Err(error) => assert_eq!(error.to_string(), format!("error parsing regexp: {wanted}")),
    }
}

#[track_caller]
fn check_count(pattern: &str, text: &[u8], wanted: usize) {
    let regex = compile(pattern.as_bytes()).unwrap();
    assert_eq!(count(&regex, text), wanted, "{pattern}");
}

#[test]
fn a_brace_that_begins_no_repetition_is_plain() {
    check(r#"{"Id":"#, &[r#"[{"Id":"x"}]"#], &["Id"]);
    check("{{.ID}}", &["{{.ID}}", "{{xID}}"], &["ID"]);
    check("^a{,3}$", &["a{,3}"], &["", "a", "aaa"]);
    check("^a{01}$", &["a{01}"], &["a"]);
    check("^a{1,x}$", &["a{1,x}"], &[]);
    check("^a{$", &["a{"], &[]);
    check("^a{1$", &["a{1"], &[]);
    check("^{}]}$", &["{}]}"], &[]);
    check("^{*$", &["", "{{{"], &["a"]);
    check("^a{2,3}$", &["aa", "aaa"], &["a", "aaaa"]);
    check("^a{2,}?$", &["aa", "aaaa"], &["a"]);
}

#[test]
fn a_quotation_is_plain_text() {
    check(r"^\Q{a}.*\E+$", &["{a}.*", "{a}.***"], &["{a}x"]);
    check(r"\Q[(", &["[("], &["("]);
    check(r"^\Qa\E$", &["a"], &["aE"]);
    check(r"^a\Q\E*$", &["", "aa"], &["b"]);
    check(r"^a*\Q\E*$", &["", "aa"], &["b"]);
    check(r"^\Q\", &[r"\"], &["a"]);
}

#[test]
fn escaped_angle_brackets_are_plain() {
    check(r"^\<x\>$", &["<x>"], &["x"]);
}

#[test]
fn a_class_has_no_operators() {
    check("^[[]$", &["["], &["]"]);
    check("^[a&&b]+$", &["a&b"], &["c"]);
    check("^[!--]+$", &["!-"], &["a"]);
    check("^[+--]+$", &["+,-"], &["."]);
    check("^[a~~b]+$", &["a~b"], &["c"]);
    check("^[[a]b]$", &["[b]", "ab]"], &["a", "b"]);
    check("^[]a]+$", &["]a"], &["b"]);
    check("^[^]a]+$", &["xy"], &["]", "a"]);
    check("^[a-]+$", &["a-"], &["b"]);
    check("^[-a]+$", &["a-"], &["b"]);
    check(r"^[\d-z]+$", &["1-z"], &["a"]);
    check(r"^[#\] ]+$", &["# ]"], &["a"]);
    check("^[^a]$", &["\n", "é"], &["a"]);
}

#[test]
fn named_classes_are_those_of_go() {
    check("^[[:alpha:]_]+$", &["aZ_"], &["1", "é"]);
    check("^[[:^alpha:]]+$", &["1é"], &["a"]);
    check(r"^\pL+$", &["aé"], &["1"]);
    check(r"^\p{Greek}$", &["α"], &["a"]);
    check(r"^\p{^Greek}$", &["a"], &["α"]);
    check(r"^\P{^Greek}$", &["α"], &["a"]);
    check(r"^[^\p{Lu}\d]+$", &["abc"], &["A", "1"]);
}

#[test]
fn a_class_may_have_its_long_name_in_any_spelling() {
    check(r"^\p{Letter}$", &["a", "é"], &["1"]);
    check(r"^\p{uppercase letter}$", &["A"], &["a"]);
    check(r"^\p{old-ITALIC}$", &["\u{10300}"], &["a"]);
    check(r"^\pl\p{_l_u_}$", &["aA"], &["aa"]);
    check(r"^\p{LC}$", &["a", "A"], &["ª", "1"]);
    check(r"^\p{Any}$", &["a", "\n", "é"], &["", "ab"]);
    check(r"^\p{ascii}$", &["a", "\n"], &["é"]);
    check(r"(?i)^\p{ASCII}$", &["k", "\u{212A}"], &["é"]);
    check(r"^\p{Assigned}$", &["a"], &["\u{378}"]);
    check(r"^\P{^Assigned}$", &["a"], &["\u{378}"]);
    check(r"^[\p{Cn}a]$", &["a", "\u{378}"], &["b"]);
    check(r"^\p{Sidetic}$", &["\u{10940}"], &["a"]);
    check(r"^\P{Surrogate}$", &["a"], &[]);
    for name in ["{}", "{Grek}", "{gc=L}", "{Alphabetic}", "_", "{Lëtter}"] {
        let wanted = format!(r"invalid character class range: `\p{name}`");
        check_error(format!(r"\p{name}x").as_bytes(), &wanted);
    }
}

#[test]
fn the_letters_for_classes_are_ascii() {
    check(r"^\d$", &["1"], &["٣"]);
    check(r"^\D$", &["٣", "a"], &["1"]);
    check(r"^\w$", &["a", "_"], &["é"]);
    check(r"^\W$", &["é", "\u{1F600}"], &["a"]);
    check(r"^\s+$", &[" \t\r\u{c}"], &["\u{b}", "\u{a0}"]);
    check(r"^[^\W]$", &["a"], &["é"]);
    check(r"a\b", &["a", "aé"], &["ab"]);
    check(r"a\B", &["ab"], &["a", "aé"]);
}

#[test]
fn characters_are_code_points() {
    check("^.$", &["é", "日"], &["ab", "\n"]);
    check("^[é日]$", &["é", "日"], &["e"]);
    check("^é+$", &["éé"], &["e"]);
}

#[test]
fn an_invalid_byte_is_one_character() {
    let regex = compile(b"^a.b$").unwrap();
    assert!(regex.is_match(&decoded(b"a\xffb")));
    assert!(!regex.is_match(&decoded(b"a\xff\xffb")));
    for (text, wanted) in [
        (&b"\xffa\xffb\xff"[..], Some(1..4)),
        (b"\xe6\x97\xffb\xff", None),
        ("é\na日b".as_bytes(), Some(3..8)),
    ] {
        let regex = compile(b"a.b").unwrap();
        assert_eq!(find(&regex, text), wanted, "{text:?}");
    }
    let all = compile(b"(?s).*").unwrap();
    assert_eq!(find(&all, b"a\xff\xfe"), Some(0..3));
    assert_eq!(find(&all, b"\xff"), Some(0..1));
    assert_eq!(&*decoded(b"\xe6\x97"), "\u{FFFD}\u{FFFD}".as_bytes());
}

#[test]
fn what_matches_without_an_invalid_byte_matches_as_go_reads_it() {
    let patterns = [
        "", "a", "a.b", "^b", "b$", r"\bb", r"\Bb", r"\B", "[^a]", "é?", "(?s).*", r"\z",
    ];
    let texts: [&[u8]; 9] = [
        b"",
        b"\xff",
        b"a\xffb",
        b"\xffb",
        b"b\xff",
        b"\xc3a\xa9b",
        b"\xff\nb\n\xff",
        b"\xf0\x9f\x98",
        b"aab\xc3\xa9",
    ];
    for pattern in patterns {
        let regex = compile(pattern.as_bytes()).unwrap();
        for text in texts {
            let found = find(&regex, text);
            let as_is = matches_as_is(&regex, text);
            assert!(!as_is || found.is_some(), "{pattern} {text:?}");
            if str::from_utf8(text).is_ok() {
                assert_eq!(as_is, found.is_some(), "{pattern} {text:?}");
            }
        }
    }
    let regex = compile(b"a.b").unwrap();
    assert!(matches_as_is(&regex, b"\xffa_b"));
    assert!(!matches_as_is(&regex, b"a\xffb"));
}

#[test]
fn a_character_can_be_written_by_its_number() {
    check(r"^\101\x42\x{43}\0$", &["ABC\0"], &[]);
    check(r"^\xe9$", &["é"], &[]);
    check(r"^\123456$", &["S456"], &[]);
    check(r"^\a\f\n\r\t\v$", &["\u{7}\u{c}\n\r\t\u{b}"], &[]);
    check(r"^\_\-\!\ $", &["_-! "], &[]);
    check(r"\x{D800}", &[], &["", "a"]);
    check(r"^[\x{D800}a]$", &["a"], &["b"]);
}

#[test]
fn anchors_are_those_of_lines() {
    check("^foo$", &["foo", "a\nfoo\nb"], &["xfoo", "foo\r\n"]);
    check(r"\Afoo\z", &["foo"], &["a\nfoo", "foo\n"]);
    check("(?-m)^foo$", &["foo"], &["a\nfoo"]);
    check("^*a", &["a"], &["b"]);
}

#[test]
fn flags_agree() {
    check("(?i)^abc$", &["ABC"], &["x"]);
    check("(?s)a.b", &["a\nb"], &["ab"]);
    check("(?ii-s:A)B", &["aB"], &["ab"]);
    check("(?)a", &["a"], &["b"]);
    check("^a(?i)*b$", &["aaB", "b"], &["Ab"]);
    check("^(?:a(?i)b|c)D$", &["aBD", "CD"], &["Cd", "AbD"]);
    check(r"(?i)^\w$", &["\u{212A}"], &["é"]);
}

#[test]
fn names_of_groups_agree() {
    check("(?P<n>a)", &["a"], &["b"]);
    check("(?P<1>a)", &["a"], &["b"]);
    check("(?<n_1>a)", &["a"], &["b"]);
    check("(?P<n>a)(?P<n>b)", &["ab"], &["b"]);
}

#[test]
fn an_alternative_may_be_empty() {
    check("^(|a|)$", &["", "a"], &["b"]);
    check("^()*$", &[""], &["b"]);
}

#[test]
fn matches_do_not_overlap_and_empty_ones_count() {
    check_count("aa", b"aaaaa", 2);
    check_count("x*", "é日".as_bytes(), 3);
    check_count("a*", b"baac", 3);
    check_count("", b"\xff\xff", 3);
    check_count("a(?U)*", b"aa", 3);
    check_count("(?:(?U)a+)a*", b"aa", 1);
}

#[test]
fn errors_of_nesting_show_the_whole_pattern() {
    check_error(b"(a", "missing closing ): `(?m)(a`");
    check_error(b"a)", "unexpected ): `(?m)a)`");
}

#[test]
fn a_pattern_is_no_deeper_than_in_go() {
    let nested = |open: &str, within: &str, close: &str, times: usize| {
        let (open, close) = (open.repeat(times), close.repeat(times));
        format!("{open}{within}{close}").into_bytes()
    };
    // Go allows exactly the first number of each, and neither more.
    for (open, within, close, most) in [
        ("(", "ab", ")", 999),
        ("(", "a.", ")", 998),
        ("(a", "b", ")", 500),
        ("(?P<n>a|", "b.", ")", 499),
        ("(?:a", "b", ")*", 500),
        ("(", "a", ")+", 499),
    ] {
        let pattern = nested(open, within, close, most);
        assert!(compile(&pattern).is_ok(), "{open} {close}");
        let pattern = nested(open, within, close, most + 1);
        let error = compile(&pattern).expect_err("too deep").to_string();
        let wanted = "error parsing regexp: expression nests too deeply: `(?m)(";
        assert!(error.starts_with(wanted), "{open} {close}: {error}");
    }
    for (open, close) in [("(?:", ")"), ("(?:a", ")"), ("(?:a|", ")")] {
        assert!(compile(&nested(open, "c", close, 1100)).is_ok(), "{open}");
    }
}

#[test]
fn a_pattern_is_no_larger_than_in_go() {
    // Go allows exactly so many characters in each, and no more.
    for (open, close, most) in [
        ("(", "){1000}", 3353),
        ("(?:", "){1000}", 3355),
        ("(?:y|", "){500,1000}", 3352),
        ("(?:.|", "){500,}", 6708),
        ("((?:.", "){2}){500}", 3353),
        ("(?:a{10}", "){100}", 33544),
    ] {
        let pattern = |most| format!("{open}{}{close}", "x".repeat(most)).into_bytes();
        assert!(translate(&pattern(most)).is_ok(), "{open} {close}");
        let error = translate(&pattern(most + 1)).expect_err("too large");
        let error = error.to_string();
        let wanted = format!("error parsing regexp: expression too large: `{open}");
        assert!(error.starts_with(&wanted), "{open} {close}: {error}");
    }
}

#[test]
fn errors_of_repetition_show_the_operator() {
    check_error(b"*", "missing argument to repetition operator: `*`");
    check_error(b"a|+?", "missing argument to repetition operator: `+?`");
    check_error(
        b"(?i)(?:{2})",
        "missing argument to repetition operator: `{2}`",
    );
    check_error(b"a**", "invalid nested repetition operator: `**`");
    check_error(b"a*??b", "invalid nested repetition operator: `*??`");
    check_error(b"a+{2}", "invalid nested repetition operator: `+{2}`");
    check_error(b"a{1001}", "invalid repeat count: `{1001}`");
    check_error(b"a{99999999999}", "invalid repeat count: `{99999999999}`");
    check_error(b"a{3,2}", "invalid repeat count: `{3,2}`");
    check_error(b"(a{100}){100}", "invalid repeat count: `{100}`");
}

#[test]
fn errors_of_escapes_show_the_escape() {
    check_error(br"a\yb", r"invalid escape sequence: `\y`");
    check_error(br"\1", r"invalid escape sequence: `\1`");
    check_error(br"\8", r"invalid escape sequence: `\8`");
    check_error(br"\C", r"invalid escape sequence: `\C`");
    check_error(br"a\Z", r"invalid escape sequence: `\Z`");
    check_error(br"\x{110000}", r"invalid escape sequence: `\x{110000`");
    check_error(br"\x4", r"invalid escape sequence: `\x4`");
    check_error(br"\xg0", r"invalid escape sequence: `\xg0`");
    check_error(br"[a-\d]", r"invalid escape sequence: `\d`");
    check_error(br"a\", "trailing backslash at end of expression: ``");
}

#[test]
fn errors_of_classes_show_the_range() {
    check_error(b"a[b", "missing closing ]: `[b`");
    check_error(b"[]", "missing closing ]: `[]`");
    check_error(b"[z-a]", "invalid character class range: `z-a`");
    check_error(b"[[:foo:]]", "invalid character class range: `[:foo:]`");
    check_error(br"\p{Foo}x", r"invalid character class range: `\p{Foo}`");
    check_error(br"\p{Greek", r"invalid character class range: `\p{Greek`");
}

#[test]
fn errors_of_groups_show_their_start() {
    check_error(b"(?x)", "invalid or unsupported Perl syntax: `(?x`");
    check_error(b"(?=a)", "invalid or unsupported Perl syntax: `(?=`");
    check_error(b"(?i-)", "invalid or unsupported Perl syntax: `(?i-)`");
    check_error(b"(?P>n)", "invalid or unsupported Perl syntax: `(?P`");
    check_error(b"(?P<n", "invalid named capture: `(?P<n`");
    check_error(b"(?P<>a)", "invalid named capture: `(?P<>`");
    check_error(b"(?P<a b>a)", "invalid named capture: `(?P<a b>`");
}

#[test]
fn errors_of_encoding_show_the_rest() {
    check_error(b"a\xffb", "invalid UTF-8: `\u{FFFD}b`");
    check_error(b"[\xff]", "invalid UTF-8: `\u{FFFD}]`");
}
