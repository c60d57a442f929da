//! Evaluates a condition: standard ones first, then the user's, then ours.

use crate::model::{EngineFacts, EngineKind};
use crate::script::condition::{Addition, Facts, Standard, addition, standard};
use crate::script::{Dialect, Guard, go_text};

use super::execution::Execution;
use super::halt::{Halt, fail};
use super::registry::ConditionFunction;
use super::world::Interrupted;

impl Execution<'_> {
    /// Whether the line goes on behind this condition.
    pub(super) fn admits(&mut self, guard: &Guard) -> Result<bool, Halt> {
        let holds = self.holds(&guard.condition)?;
        Ok(holds != guard.negated)
    }

    fn holds(&mut self, condition: &[u8]) -> Result<bool, Halt> {
        let quoted = || go_text::quote(condition);
        let Ok(name) = str::from_utf8(condition) else {
            return fail!("unknown condition ", quoted());
        };
        let facts = Facts::new(
            std::env::consts::OS,
            std::env::consts::ARCH,
            self.setup.short,
        );
        match standard(name, &facts) {
            Some(Standard::Known(holds)) => return Ok(holds),
            Some(Standard::Exec(program)) => {
                return Ok(self.look_up(program.as_bytes()).is_ok());
            }
            None => {}
        }
        let registry = self.registry;
        if let Some((condition, suffix)) = registry.condition_named(name) {
            return match self.ask_user(condition, suffix)? {
                Ok(holds) => Ok(holds),
                Err(error) => fail!("bad condition ", quoted(), ": ", error),
            };
        }
        let ours = match self.script.dialect {
            Dialect::Shakedown => addition(name),
            Dialect::Testscript => None,
        };
        match ours {
            Some(Ok(addition)) => {
                let engine = self.world.engine()?;
                Ok(engine.is_some_and(|engine| describes(&addition, &engine)))
            }
            Some(Err(error)) => fail!("bad condition ", quoted(), ": ", error),
            None => fail!("unknown condition ", quoted()),
        }
    }

    /// Conditions of the user's are code of the user's: the world keeps watch.
    fn ask_user(
        &mut self,
        condition: &ConditionFunction,
        suffix: &str,
    ) -> Result<Result<bool, String>, Interrupted> {
        let mut answer = Err("it did not answer".to_owned());
        self.world.call(&mut || {
            answer = super::builtins::caught(|| condition(suffix)).and_then(|answer| answer);
        })?;
        Ok(answer)
    }
}

fn describes(addition: &Addition, engine: &EngineFacts) -> bool {
    match addition {
        Addition::Docker => engine.kind == EngineKind::Docker,
        Addition::Podman => engine.kind == EngineKind::Podman,
        Addition::Rootless => engine.rootless,
        Addition::Engine => true,
        Addition::EngineVersion(range) => range.contains(&engine.version),
    }
}
