//! The Unicode classes that `\p{…}` names: general categories, their long names, scripts. The names are those of Go
//! 1.27; which characters are in a class is the `regex` crate's knowledge, of the release of Unicode before.

use super::escape::NOTHING;

/// The class with this name, as something to put between brackets.
pub(super) fn named(name: &str) -> Option<String> {
    let is = |known: &str| same(name, known);
    if let Some((_, class)) = WRITTEN.iter().find(|(known, _)| is(known)) {
        return Some((*class).to_owned());
    }
    if let Some(script) = SCRIPTS.iter().find(|known| is(known)) {
        return Some(format!(r"\p{{sc={script}}}"));
    }
    let long = LONG.iter().find(|(known, _)| is(known));
    let short = CATEGORIES.iter().find(|known| is(known));
    let category = long.map(|(_, category)| category).or(short)?;
    Some(format!(r"\p{{gc={category}}}"))
}

/// Case counts for nothing in a name, nor do blanks, hyphens and underscores.
fn same(name: &str, known: &str) -> bool {
    let plain = |text: &str| -> Vec<u8> {
        let counts = |byte: &u8| !matches!(byte, b' ' | b'-' | b'_');
        let bytes = text.bytes().filter(counts);
        bytes.map(|byte| byte.to_ascii_lowercase()).collect()
    };
    plain(name) == plain(known)
}

/// Classes that are written out.
const WRITTEN: &[(&str, &str)] = &[
    ("Any", r"\x{0}-\x{10FFFF}"),
    ("ASCII", r"\x{0}-\x{7F}"),
    ("Assigned", r"\P{gc=Cn}"),
    // Surrogates: no text holds one.
    ("Cs", NOTHING),
    ("Surrogate", NOTHING),
    // Scripts that are new in Go's release of Unicode.
    ("Beria_Erfe", r"\x{16EA0}-\x{16EB8}\x{16EBB}-\x{16ED3}"),
    ("Sidetic", r"\x{10940}-\x{10959}"),
    (
        "Tai_Yo",
        r"\x{1E6C0}-\x{1E6DE}\x{1E6E0}-\x{1E6F5}\x{1E6FE}-\x{1E6FF}",
    ),
    ("Tolong_Siki", r"\x{11DB0}-\x{11DDB}\x{11DE0}-\x{11DE9}"),
];

#[rustfmt::skip]
const CATEGORIES: &[&str] = &[
    "C", "Cc", "Cf", "Cn", "Co", "L", "LC", "Ll", "Lm", "Lo", "Lt", "Lu", "M", "Mc", "Me", "Mn",
    "N", "Nd", "Nl", "No", "P", "Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps", "S", "Sc", "Sk", "Sm",
    "So", "Z", "Zl", "Zp", "Zs",
];

/// Long names of categories.
#[rustfmt::skip]
const LONG: &[(&str, &str)] = &[
    ("Cased_Letter", "LC"), ("Close_Punctuation", "Pe"), ("Combining_Mark", "M"),
    ("Connector_Punctuation", "Pc"), ("Control", "Cc"), ("Currency_Symbol", "Sc"),
    ("Dash_Punctuation", "Pd"), ("Decimal_Number", "Nd"), ("Enclosing_Mark", "Me"),
    ("Final_Punctuation", "Pf"), ("Format", "Cf"), ("Initial_Punctuation", "Pi"),
    ("Letter", "L"), ("Letter_Number", "Nl"), ("Line_Separator", "Zl"),
    ("Lowercase_Letter", "Ll"), ("Mark", "M"), ("Math_Symbol", "Sm"), ("Modifier_Letter", "Lm"),
    ("Modifier_Symbol", "Sk"), ("Nonspacing_Mark", "Mn"), ("Number", "N"),
    ("Open_Punctuation", "Ps"), ("Other", "C"), ("Other_Letter", "Lo"), ("Other_Number", "No"),
    ("Other_Punctuation", "Po"), ("Other_Symbol", "So"), ("Paragraph_Separator", "Zp"),
    ("Private_Use", "Co"), ("Punctuation", "P"), ("Separator", "Z"), ("Space_Separator", "Zs"),
    ("Spacing_Mark", "Mc"), ("Symbol", "S"), ("Titlecase_Letter", "Lt"), ("Unassigned", "Cn"),
    ("Uppercase_Letter", "Lu"), ("cntrl", "Cc"), ("digit", "Nd"), ("punct", "P"),
];

#[rustfmt::skip]
const SCRIPTS: &[&str] = &[
    "Adlam", "Ahom", "Anatolian_Hieroglyphs", "Arabic", "Armenian", "Avestan", "Balinese",
    "Bamum", "Bassa_Vah", "Batak", "Bengali", "Bhaiksuki", "Bopomofo", "Brahmi", "Braille",
    "Buginese", "Buhid", "Canadian_Aboriginal", "Carian", "Caucasian_Albanian", "Chakma",
    "Cham", "Cherokee", "Chorasmian", "Common", "Coptic", "Cuneiform", "Cypriot",
    "Cypro_Minoan", "Cyrillic", "Deseret", "Devanagari", "Dives_Akuru", "Dogra", "Duployan",
    "Egyptian_Hieroglyphs", "Elbasan", "Elymaic", "Ethiopic", "Garay", "Georgian", "Glagolitic",
    "Gothic", "Grantha", "Greek", "Gujarati", "Gunjala_Gondi", "Gurmukhi", "Gurung_Khema",
    "Han", "Hangul", "Hanifi_Rohingya", "Hanunoo", "Hatran", "Hebrew", "Hiragana",
    "Imperial_Aramaic", "Inherited", "Inscriptional_Pahlavi", "Inscriptional_Parthian",
    "Javanese", "Kaithi", "Kannada", "Katakana", "Kawi", "Kayah_Li", "Kharoshthi",
    "Khitan_Small_Script", "Khmer", "Khojki", "Khudawadi", "Kirat_Rai", "Lao", "Latin",
    "Lepcha", "Limbu", "Linear_A", "Linear_B", "Lisu", "Lycian", "Lydian", "Mahajani",
    "Makasar", "Malayalam", "Mandaic", "Manichaean", "Marchen", "Masaram_Gondi", "Medefaidrin",
    "Meetei_Mayek", "Mende_Kikakui", "Meroitic_Cursive", "Meroitic_Hieroglyphs", "Miao", "Modi",
    "Mongolian", "Mro", "Multani", "Myanmar", "Nabataean", "Nag_Mundari", "Nandinagari",
    "New_Tai_Lue", "Newa", "Nko", "Nushu", "Nyiakeng_Puachue_Hmong", "Ogham", "Ol_Chiki",
    "Ol_Onal", "Old_Hungarian", "Old_Italic", "Old_North_Arabian", "Old_Permic", "Old_Persian",
    "Old_Sogdian", "Old_South_Arabian", "Old_Turkic", "Old_Uyghur", "Oriya", "Osage", "Osmanya",
    "Pahawh_Hmong", "Palmyrene", "Pau_Cin_Hau", "Phags_Pa", "Phoenician", "Psalter_Pahlavi",
    "Rejang", "Runic", "Samaritan", "Saurashtra", "Sharada", "Shavian", "Siddham",
    "SignWriting", "Sinhala", "Sogdian", "Sora_Sompeng", "Soyombo", "Sundanese", "Sunuwar",
    "Syloti_Nagri", "Syriac", "Tagalog", "Tagbanwa", "Tai_Le", "Tai_Tham", "Tai_Viet", "Takri",
    "Tamil", "Tangsa", "Tangut", "Telugu", "Thaana", "Thai", "Tibetan", "Tifinagh", "Tirhuta",
    "Todhri", "Toto", "Tulu_Tigalari", "Ugaritic", "Vai", "Vithkuqi", "Wancho", "Warang_Citi",
    "Yezidi", "Yi", "Zanabazar_Square",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_a_class_of_its_own() {
        let categories = CATEGORIES.iter().chain(SCRIPTS).copied();
        let pairs = LONG.iter().chain(WRITTEN).map(|(name, _)| *name);
        let names: Vec<&str> = categories.chain(pairs).collect();
        for (at, name) in names.iter().enumerate() {
            let class = named(name).expect(name);
            regex::Regex::new(&format!("[{class}]")).expect(name);
            let loose = format!("-{}_ ", name.to_lowercase().replace('_', ""));
            assert_eq!(named(&loose), Some(class), "{name}");
            let others = names.iter().take(at);
            assert!(!others.into_iter().any(|other| same(other, name)), "{name}");
        }
    }

    #[test]
    fn other_names_are_none_also_where_the_regex_crate_knows_them() {
        for name in [
            "",
            " ",
            "_",
            "Grek",
            "gc=L",
            "sc=Greek",
            "scx=Greek",
            "isGreek",
            "Alphabetic",
            "Foo",
            "L&",
        ] {
            assert_eq!(named(name), None, "{name}");
        }
    }
}
