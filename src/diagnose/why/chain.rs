//! From a blocked process to whoever holds it up, and on, until a leaf or a circle.

use std::collections::BTreeMap;

use super::graph::Graph;
use super::waiting::wants;
use super::want::{Holder, Want};
use crate::model::HangClass;

/// More links than this tell nobody anything.
const LONGEST: usize = 64;
/// Holders of one thing that are followed; the others are only named.
const FOLLOWED: usize = 16;

/// One process of a chain, what it wants, and who could give it.
#[derive(Debug, Clone)]
pub(super) struct Link<'s> {
    pub(super) pid: i32,
    pub(super) want: Want<'s>,
    pub(super) to: Option<Holder>,
}

/// From the first waiter to the last.
#[derive(Debug, Clone)]
pub(super) struct Chain<'s> {
    /// At least one.
    pub(super) links: Vec<Link<'s>>,
    /// The last link leads back to the process of this one.
    pub(super) circle: Option<usize>,
}

impl Chain<'_> {
    /// The link that says most: the last that explains a hang by itself, in a circle the strongest.
    pub(super) fn decisive(&self) -> usize {
        let last = self.links.len() - 1;
        if let Some(start) = self.circle {
            // Of equals the first.
            let strongest = (start..=last)
                .rev()
                .max_by_key(|place| self.links[*place].want.strength());
            return strongest.unwrap_or(last);
        }
        let mut places = (0..=last).rev();
        places
            .find(|place| self.links[*place].want.is_strong())
            .unwrap_or(last)
    }

    pub(super) fn class(&self) -> HangClass {
        self.links[self.decisive()].want.what.class()
    }

    /// More is better: what it says, then whether that is certain.
    pub(super) fn score(&self) -> (u8, bool) {
        let want = &self.links[self.decisive()].want;
        let circle = self
            .circle
            .is_some_and(|start| self.links.len() - start > 1);
        let deadlock = circle && want.is_strong();
        (
            want.strength() + if deadlock { 20 } else { 0 },
            want.doubt.is_none(),
        )
    }

    /// The chain without those who only wait for their child. A circle is turned so that it begins with its
    /// strongest link.
    pub(super) fn told(mut self) -> Self {
        let first = self
            .links
            .iter()
            .position(|link| link.to.is_none() || !link.want.what.is_child());
        let first = first.unwrap_or(self.links.len() - 1);
        match self.circle {
            Some(start) if first > start => {
                self.links.drain(..start);
                self.circle = Some(0);
                let strongest = self.decisive();
                self.links.rotate_left(strongest);
            }
            _ => {
                let alone = self.links[first].want.what.is_state();
                let begin = if alone {
                    first.saturating_sub(1)
                } else {
                    first
                };
                self.links.drain(..begin);
                self.circle = self.circle.map(|start| start - begin.min(start));
            }
        }
        self
    }
}

/// Finds the chain that tells most from any process. Each process is looked at once.
#[derive(Debug)]
pub(super) struct Search<'g, 's> {
    graph: &'g Graph<'s>,
    /// What was found; `None` while a process is being looked at.
    found: BTreeMap<i32, Option<Chain<'s>>>,
}

impl<'g, 's> Search<'g, 's> {
    pub(super) fn new(graph: &'g Graph<'s>) -> Self {
        Search {
            graph,
            found: BTreeMap::new(),
        }
    }

    /// The best chain that begins with this process; `None` when nothing is known of it, when it is being
    /// looked at, or too far away.
    pub(super) fn from(&mut self, pid: i32, depth: usize) -> Option<Chain<'s>> {
        if let Some(known) = self.found.get(&pid) {
            return known.clone();
        }
        let process = self.graph.process(pid)?;
        if depth >= LONGEST {
            return None;
        }
        self.found.insert(pid, None);
        let mut best: Option<Chain<'s>> = None;
        for want in wants(self.graph, process) {
            let chain = self.behind(pid, &want, depth);
            // Of equals the first: threads and holders come in the order of their weight.
            if best
                .as_ref()
                .is_none_or(|best| chain.score() > best.score())
            {
                best = Some(chain);
            }
        }
        self.found.insert(pid, best.clone());
        best
    }

    /// The best chain of one want: through each of those who could end it.
    fn behind(&mut self, pid: i32, want: &Want<'s>, depth: usize) -> Chain<'s> {
        let link = |to| Link {
            pid,
            want: want.clone(),
            to,
        };
        let mut best: Option<Chain<'s>> = None;
        for holder in want.holders.iter().take(FOLLOWED) {
            let mut links = vec![link(Some(*holder))];
            let mut circle = (holder.pid == pid).then_some(0);
            if let Some(rest) = self.from(holder.pid, depth + 1) {
                circle = circle.or(rest.circle.map(|place| place + 1));
                links.extend(rest.links);
            }
            // What was found before may lead through this very process.
            if let Some(again) = links.iter().skip(1).position(|link| link.pid == pid) {
                links.truncate(again + 1);
                circle = Some(0);
            }
            let open = links.last().and_then(|last| last.to);
            if let Some(back) = open.filter(|_| circle.is_none()) {
                circle = links.iter().position(|link| link.pid == back.pid);
            }
            let chain = Chain { links, circle };
            if best
                .as_ref()
                .is_none_or(|best| chain.score() > best.score())
            {
                best = Some(chain);
            }
        }
        best.unwrap_or_else(|| Chain {
            links: vec![link(None)],
            circle: None,
        })
    }
}
