//! Why a script hangs: a wait-for graph over what was seen, and the one sentence that follows from it.
//!
//! A blocked thread waits for a resource, the resource has holders, a holder waits in its turn, until a leaf
//! or a circle. Of all chains that begin with the script's own processes the one that tells most is told.
//! Facts go in and words come out: no clock, no file, no process.

mod chain;
mod clause;
mod client;
mod graph;
mod guess;
mod hint;
mod lines;
mod things;
mod waiting;
mod want;
mod words;

use std::cmp::Reverse;

use crate::model::{HangClass, Movement, ProcessFact, Scene, Why};
use chain::{Chain, Search};
use graph::Graph;

/// Why nothing goes on in this scene, as far as it follows from the facts; never more than them.
pub fn explain(scene: &Scene, movement: &Movement) -> Why {
    let graph = Graph::new(scene);
    let Some(chain) = best(&graph) else {
        return Why {
            class: HangClass::Unknown,
            sentence: "no process of the script is left, and its line does not end".to_owned(),
            ..Why::default()
        };
    };
    let class = chain.class();
    let chain = chain.told();
    let decisive = &chain.links[chain.decisive()];
    let last = chain.links.last();
    Why {
        class,
        sentence: words::sentence(&graph, &chain, movement),
        subject: chain.links.first().map(|link| link.pid),
        holder: match decisive.to {
            Some(holder) => Some(holder.pid),
            None => last.map(|link| link.pid),
        },
        resource: words::one_line(&decisive.want.what.resource()),
        waits: lines::lines(&graph, &chain),
        hint: hint::hint(&graph, &chain, movement),
    }
}

/// The chain to tell: of the last line that started something; what tells most there.
fn best<'s>(graph: &Graph<'s>) -> Option<Chain<'s>> {
    let mut roots: Vec<&ProcessFact> = graph.roots().filter(|root| root.state != 'Z').collect();
    let weight = |root: &ProcessFact| (!root.engine_helper, !root.adopted, root.line);
    roots.sort_by_key(|root| Reverse(weight(root)));
    let first = weight(roots.first()?);
    let mut search = Search::new(graph);
    let mut best: Option<Chain<'s>> = None;
    for root in roots.iter().filter(|root| weight(root) == first) {
        let Some(chain) = search.from(root.pid, 0) else {
            continue;
        };
        if best
            .as_ref()
            .is_none_or(|best| chain.score() > best.score())
        {
            best = Some(chain);
        }
    }
    best
}

#[cfg(test)]
mod tests;
