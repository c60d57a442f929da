//! A demand on an engine's version: `>=5.0`. What it is demanded for is not known here.

/// A demand on the engine's version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineVersion {
    /// The operator.
    pub compare: Comparison,
    /// The version as it was written; what it leaves out is not compared.
    pub version: Vec<u32>,
}

/// An operator between versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `>=`
    AtLeast,
    /// `>`
    Above,
    /// `<=`
    AtMost,
    /// `<`
    Below,
    /// `=`
    Same,
}

const OPERATORS: [(&str, Comparison); 5] = [
    // The longer ones first: `>` begins `>=`.
    (">=", Comparison::AtLeast),
    ("<=", Comparison::AtMost),
    (">", Comparison::Above),
    ("<", Comparison::Below),
    ("=", Comparison::Same),
];

/// Digits only: Rust's own reading accepts a sign.
fn number(text: &str) -> Option<u32> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

impl EngineVersion {
    /// Reads an operator and numbers: `>=5.0`.
    pub fn parse(text: &str) -> Option<EngineVersion> {
        let text = text.trim();
        let (version, compare) = OPERATORS
            .into_iter()
            .find_map(|(sign, compare)| Some((text.strip_prefix(sign)?, compare)))?;
        let version = version
            .trim()
            .split('.')
            .map(number)
            .collect::<Option<_>>()?;
        Some(EngineVersion { compare, version })
    }

    /// Whether an engine of this version is meant. Only as many parts are compared as were
    /// written, so `=5.0` holds for 5.0.3 and `>5.0` does not. What follows the numbers (`-rc1`, `+dfsg`)
    /// does not count; a version that starts with no number satisfies nothing.
    pub fn holds(&self, version: &str) -> bool {
        let version = version.trim();
        let version = version.strip_prefix('v').unwrap_or(version);
        let end = version
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(version.len());
        let (numbers, _) = version.split_at(end);
        let mut found: Vec<u32> = numbers.split('.').map_while(number).collect();
        if found.is_empty() {
            return false;
        }
        found.resize(self.version.len(), 0);
        match self.compare {
            Comparison::AtLeast => found >= self.version,
            Comparison::Above => found > self.version,
            Comparison::AtMost => found <= self.version,
            Comparison::Below => found < self.version,
            Comparison::Same => found == self.version,
        }
    }
}
