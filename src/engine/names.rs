//! What both engines take for a name. Pure.

/// A volume's name; all else where a volume may stand is a path.
pub fn is_volume_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(plain)
}
