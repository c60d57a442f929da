//! The sockets of the script's processes: whom they talk to, who that is on this machine, and what lies
//! unread at either end.

use std::collections::BTreeMap;

use super::{Enough, Right, Say, Subject};
use crate::host::procfs::{TaskCall, TcpSocket};
use crate::host::unix_sockets::{self, UnixSocket};
use crate::model::{Finding, SocketFact};

/// The kernel's numbers of a socket's state.
const ESTABLISHED: u8 = 1;
const CONNECTING: u8 = 2;
const LISTENING: u8 = 10;
/// The longest `struct sockaddr`.
const ADDRESS: usize = 128;

pub(super) fn learn(subject: &Subject, say: &Say) -> Result<(), Enough> {
    let table = subject.table();
    let mut sockets: Vec<(&str, &[(i32, i32)])> = table.of_script(subject, "socket:[").collect();
    if sockets.is_empty() {
        return Ok(());
    }
    let unix = unix(say)?;
    let tcp = tcp(subject, say)?;
    sockets.retain(|(name, _)| {
        let inode = inode(name);
        unix.by_inode.contains_key(&inode) || tcp.iter().any(|socket| socket.inode == inode)
    });
    let mut lonely = Vec::new();
    for (name, ends) in sockets {
        let mut fact = SocketFact {
            name: name.to_owned(),
            ends: ends.to_vec(),
            ..SocketFact::default()
        };
        let inode = inode(name);
        match unix.by_inode.get(&inode) {
            Some(socket) => unix.describe(subject, socket, &mut fact),
            None => describe_tcp(subject, &tcp, inode, &mut fact),
        }
        for (pid, _) in fact.ends.iter().chain(&fact.peer_ends) {
            subject.introduce(*pid, say)?;
        }
        say.say(Finding::Socket(fact.clone()))?;
        if unix.by_inode.contains_key(&inode) && fact.peer.is_empty() {
            lonely.push(fact);
        }
    }
    for fact in lonely {
        connecting(subject, &unix, fact, say)?;
    }
    Ok(())
}

fn inode(name: &str) -> u64 {
    let digits = name.trim_start_matches("socket:[").trim_end_matches(']');
    digits.parse().unwrap_or_default()
}

fn word(state: u8) -> String {
    match state {
        ESTABLISHED => "established".to_owned(),
        CONNECTING => "connecting".to_owned(),
        LISTENING => "listening".to_owned(),
        7 => "closed".to_owned(),
        4 | 5 => "finishing".to_owned(),
        8 => "closed by the other end".to_owned(),
        other => format!("state {other}"),
    }
}

/// Every unix socket.
struct Unix {
    by_inode: BTreeMap<u64, UnixSocket>,
}

fn unix(say: &Say) -> Result<Unix, Enough> {
    let all = match unix_sockets::all() {
        Ok(all) => all,
        Err(error) => {
            say.gap("unix sockets", error.to_string())?;
            Vec::new()
        }
    };
    let by_inode = all
        .into_iter()
        .map(|socket| (u64::from(socket.inode), socket));
    Ok(Unix {
        by_inode: by_inode.collect(),
    })
}

impl Unix {
    fn describe(&self, subject: &Subject, socket: &UnixSocket, fact: &mut SocketFact) {
        fact.state = word(socket.state);
        if socket.state == LISTENING {
            fact.peer.clone_from(&socket.name);
            return;
        }
        fact.unread = socket.unread.map(u64::from);
        let peer = socket.peer.filter(|inode| *inode != 0);
        let Some(peer) = peer.and_then(|inode| self.by_inode.get(&u64::from(inode))) else {
            return;
        };
        // A server's end has the name that it listens at; a client's has none, and the server's own then
        // says what the talk is about.
        fact.peer.clone_from(if peer.name.is_empty() {
            &socket.name
        } else {
            &peer.name
        });
        fact.peer_unread = peer.unread.map(u64::from);
        let holders = subject.table().holders(&format!("socket:[{}]", peer.inode));
        fact.peer_ends = holders.to_vec();
    }

    /// Who listens at a path.
    fn listeners(&self, subject: &Subject, path: &str) -> Vec<(i32, i32)> {
        let listens = |socket: &&UnixSocket| socket.state == LISTENING && socket.name == path;
        let sockets = self.by_inode.values().filter(listens);
        let holders = |socket: &UnixSocket| {
            let name = format!("socket:[{}]", socket.inode);
            subject.table().holders(&name).to_vec()
        };
        sockets.flat_map(holders).collect()
    }
}

/// A socket without another end may be about to connect: then the call's argument says where to.
fn connecting(
    subject: &Subject,
    unix: &Unix,
    mut fact: SocketFact,
    say: &Say,
) -> Result<(), Enough> {
    let proc = &subject.proc;
    for (pid, fd) in fact.ends.clone() {
        for tid in proc.tasks(pid).unwrap_or_default() {
            let Ok(TaskCall::In(call)) = proc.call(pid, tid) else {
                continue;
            };
            let [socket, address, length, ..] = call.arguments;
            if call.name() != Some("connect") || i32::try_from(socket) != Ok(fd) {
                continue;
            }
            let length = usize::try_from(length).unwrap_or_default().min(ADDRESS);
            match proc.memory(pid, address, length) {
                Ok(bytes) => {
                    fact.peer = unix_sockets::name(bytes.get(2..).unwrap_or_default());
                    "connecting".clone_into(&mut fact.state);
                    fact.peer_ends = unix.listeners(subject, &fact.peer);
                }
                Err(unread) => {
                    let why = subject.why(&unread, pid, Right::Trace);
                    return say.gap(format!("memory of {pid}"), why);
                }
            }
            for (pid, _) in &fact.peer_ends {
                subject.introduce(*pid, say)?;
            }
            return say.say(Finding::Socket(fact));
        }
    }
    Ok(())
}

/// The TCP sockets of every network that one of the script's processes sees.
fn tcp(subject: &Subject, say: &Say) -> Result<Vec<TcpSocket>, Enough> {
    let mut networks = BTreeMap::new();
    for process in subject.living() {
        // One that does not tell its network is taken to be in ours.
        let network = subject.proc.network(process.pid).ok();
        networks.entry(network).or_insert(process.pid);
    }
    let mut found = Vec::new();
    for pid in networks.into_values() {
        match subject.proc.tcp_sockets(pid) {
            Ok(sockets) => found.extend(sockets),
            Err(unread) => {
                let why = subject.why(&unread, pid, Right::Look);
                say.gap(format!("TCP sockets of {pid}"), why)?;
            }
        }
    }
    Ok(found)
}

fn describe_tcp(subject: &Subject, all: &[TcpSocket], inode: u64, fact: &mut SocketFact) {
    let Some(socket) = all.iter().find(|socket| socket.inode == inode) else {
        return;
    };
    fact.state = word(socket.state);
    if socket.state == LISTENING {
        fact.peer = socket.local.to_string();
        return;
    }
    fact.peer = socket.remote.to_string();
    fact.unread = Some(socket.unread);
    let other = all
        .iter()
        .find(|other| other.local == socket.remote && other.remote == socket.local);
    if let Some(other) = other {
        fact.peer_unread = Some(other.unread + socket.unsent);
        let name = format!("socket:[{}]", other.inode);
        fact.peer_ends = subject.table().holders(&name).to_vec();
    }
}
