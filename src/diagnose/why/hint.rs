//! What to try, where the chain is one whose cure is known. A guess, and marked as one by whoever prints it.

use super::chain::Chain;
use super::graph::Graph;
use super::want::What;
use crate::model::{HangClass, Movement, StackKind};

/// Nothing when there is nothing to say.
pub(super) fn hint(graph: &Graph<'_>, chain: &Chain<'_>, movement: &Movement) -> String {
    let place = chain.decisive();
    let Some(link) = chain.links.get(place) else {
        return String::new();
    };
    match &link.want.what {
        What::End { own: false, .. } => held(graph, chain, place),
        What::End { own: true, .. } => {
            "it has the writing end open itself: close that end before reading".to_owned()
        }
        What::Room(_) if chain.circle.is_some() => {
            "read both outputs of the child at the same time, or send one to a file".to_owned()
        }
        What::Lock { .. } if chain.circle.is_some() => {
            "take the locks in the same order everywhere".to_owned()
        }
        What::Terminal(_) => "give it its input, or `</dev/null`".to_owned(),
        What::Continuation => {
            "SIGSTOP stops a process, and so does its terminal when a background job reads from it"
                .to_owned()
        }
        What::Time if *movement == Movement::Moving => {
            "something moves beside the sleep: a loop that polls for what does not come?".to_owned()
        }
        What::Partner(_) => "open both ends, or open the FIFO for reading and writing".to_owned(),
        What::Output(_)
        | What::Room(_)
        | What::Lock { .. }
        | What::Answer(_)
        | What::Connection(_)
        | What::Child
        | What::Signal
        | What::Container { .. }
        | What::Kernel { .. }
        | What::Processor
        | What::Time
        | What::Event(_)
        | What::Unknown(_) => String::new(),
    }
}

/// Somebody who should not has a pipe open for writing.
fn held(graph: &Graph<'_>, chain: &Chain<'_>, place: usize) -> String {
    let link = &chain.links[place];
    let Some(holder) = link.to else {
        return String::new();
    };
    let is_go = graph
        .stacks(link.pid)
        .any(|stack| stack.kind == StackKind::Goroutine);
    let delay = if is_go {
        ", or set exec.Cmd.WaitDelay"
    } else {
        ""
    };
    let process = graph.process(holder.pid);
    let serves = process.is_some_and(|process| process.engine_helper);
    let left = process.is_some_and(|process| process.adopted);
    match holder.fd {
        Some(fd) if fd > 2 && serves => format!(
            "a descriptor other than 0-2 leaks into a detached container's start; close it there (`{fd}>&-`){delay}"
        ),
        Some(fd) if fd > 2 => {
            format!("close descriptor {fd} when starting the holder (`{fd}>&-`){delay}")
        }
        Some(_) if left && chain.class() == HangClass::PipeHeld => {
            format!(
                "redirect the output of what is left in the background (`>/dev/null 2>&1`){delay}"
            )
        }
        Some(_) | None => String::new(),
    }
}
