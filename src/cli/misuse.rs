//! What was typed wrong: all of it at once, with what was probably meant. Exit code 2.

use std::fmt;

/// A command line that cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Misuse {
    /// At least one.
    pub mistakes: Vec<Mistake>,
}

/// One thing typed wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// A lowercase fragment: what was expected and what was found.
    pub message: String,
    /// What to do about it, only where something can be done.
    pub hint: Option<String>,
}

impl Mistake {
    pub(super) fn new(message: impl Into<String>) -> Mistake {
        let message = message.into();
        Mistake {
            message,
            hint: None,
        }
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> Mistake {
        let hint = Some(hint.into());
        Mistake { hint, ..self }
    }

    pub(super) fn did_you_mean(self, near: Option<&str>) -> Mistake {
        match near {
            Some(near) => self.hint(format!("did you mean `{near}`?")),
            None => self,
        }
    }
}

impl From<Mistake> for Misuse {
    fn from(mistake: Mistake) -> Misuse {
        let mistakes = vec![mistake];
        Misuse { mistakes }
    }
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, mistake) in self.mistakes.iter().enumerate() {
            if number > 0 {
                writeln!(f)?;
            }
            write!(f, "error: {}", mistake.message)?;
            if let Some(hint) = &mistake.hint {
                write!(f, "\n  hint: {hint}")?;
            }
        }
        Ok(())
    }
}
