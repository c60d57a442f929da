//! Every unix socket in this process's network: its name, its other end, what lies in it unread. Asked of
//! the kernel through `NETLINK_SOCK_DIAG` (its manual is `sock_diag`, section 7); anybody may ask.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink};

/// One unix socket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnixSocket {
    /// Its inode's number.
    pub inode: u32,
    /// The kernel's number of its state: 1 established, 2 connecting, 7 closed, 10 listening.
    pub state: u8,
    /// Its path, with `@` for an abstract name; empty when it has none.
    pub name: String,
    /// The inode of the other end.
    pub peer: Option<u32>,
    /// Bytes that came and were not read; for a listening socket connections that nobody accepted.
    pub unread: Option<u32>,
}

const SOCK_DIAG_BY_FAMILY: u16 = 20;
const NLM_F_REQUEST: u16 = 1;
const NLM_F_DUMP: u16 = 0x300;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const UDIAG_SHOW_NAME: u32 = 1;
const UDIAG_SHOW_PEER: u32 = 4;
const UDIAG_SHOW_RQLEN: u32 = 0x10;
const UNIX_DIAG_NAME: u16 = 0;
const UNIX_DIAG_PEER: u16 = 2;
const UNIX_DIAG_RQLEN: u16 = 4;
/// Length of `struct nlmsghdr`, and of `struct unix_diag_msg` behind it.
const HEADER: usize = 16;
const MESSAGE: usize = 16;
/// The kernel answers from memory; more than this it never takes.
const PATIENCE: Duration = Duration::from_millis(300);

/// Asks for all of them.
pub fn all() -> io::Result<Vec<UnixSocket>> {
    let socket = rustix::net::socket_with(
        AddressFamily::NETLINK,
        SocketType::RAW,
        SocketFlags::CLOEXEC,
        Some(netlink::SOCK_DIAG),
    )?;
    set_socket_timeout(&socket, Timeout::Recv, Some(PATIENCE))?;
    rustix::net::send(&socket, &request(), SendFlags::empty())?;
    let mut found = Vec::new();
    let mut bytes = vec![0; 64 << 10];
    loop {
        let (count, _) = rustix::net::recv(&socket, &mut bytes[..], RecvFlags::empty())?;
        let answer = bytes.get(..count).unwrap_or_default();
        if take(answer, &mut found)? {
            return Ok(found);
        }
    }
}

/// The sockets that are connected to the listener that this one is connected to; by their inodes, this one's included.
pub fn fellows(own: &UnixStream) -> io::Result<BTreeSet<u64>> {
    let own = rustix::fs::fstat(own)?.st_ino;
    let all = all()?;
    let names: BTreeMap<u32, &str> = all
        .iter()
        .map(|socket| (socket.inode, socket.name.as_str()))
        .collect();
    let far = |socket: &UnixSocket| names.get(&socket.peer?).copied();
    let listener = all
        .iter()
        .find(|socket| u64::from(socket.inode) == own)
        .and_then(far)
        .filter(|name| !name.is_empty());
    let fellows = all
        .iter()
        .filter(|socket| listener.is_some() && far(socket) == listener);
    Ok(fellows.map(|socket| socket.inode.into()).collect())
}

/// `struct nlmsghdr` and `struct unix_diag_req`: every state, with name, peer and queues.
fn request() -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(40_u32.to_ne_bytes());
    bytes.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    bytes.extend((NLM_F_REQUEST | NLM_F_DUMP).to_ne_bytes());
    bytes.extend([0; 8]);
    let family = u8::try_from(AddressFamily::UNIX.as_raw()).unwrap_or_default();
    bytes.extend([family, 0, 0, 0]);
    bytes.extend(u32::MAX.to_ne_bytes());
    bytes.extend(0_u32.to_ne_bytes());
    bytes.extend((UDIAG_SHOW_NAME | UDIAG_SHOW_PEER | UDIAG_SHOW_RQLEN).to_ne_bytes());
    bytes.extend([0; 8]);
    bytes
}

fn number32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn number16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

/// Reads the messages of one answer. `true`: it was the last.
fn take(mut answer: &[u8], found: &mut Vec<UnixSocket>) -> io::Result<bool> {
    while let (Some(length), Some(kind)) = (number32(answer, 0), number16(answer, 4)) {
        let length = length as usize;
        let Some(message) = answer.get(HEADER..length) else {
            return Err(io::Error::other("expected a whole netlink message"));
        };
        match kind {
            NLMSG_DONE => return Ok(true),
            NLMSG_ERROR => {
                let code = number32(message, 0).unwrap_or_default().cast_signed();
                return Err(io::Error::from_raw_os_error(-code));
            }
            _ => found.extend(socket(message)),
        }
        answer = answer.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(false)
}

/// `struct unix_diag_msg` and its attributes.
fn socket(message: &[u8]) -> Option<UnixSocket> {
    let mut socket = UnixSocket {
        state: *message.get(2)?,
        inode: number32(message, 4)?,
        ..UnixSocket::default()
    };
    let mut rest = message.get(MESSAGE..)?;
    while let (Some(length), Some(kind)) = (number16(rest, 0), number16(rest, 2)) {
        let length = usize::from(length);
        let Some(value) = rest.get(4..length) else {
            break;
        };
        match kind {
            UNIX_DIAG_NAME => socket.name = name(value),
            UNIX_DIAG_PEER => socket.peer = number32(value, 0),
            UNIX_DIAG_RQLEN => socket.unread = number32(value, 0),
            _ => {}
        }
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Some(socket)
}

/// A path as it is, or `@` and the rest for an abstract name.
pub fn name(bytes: &[u8]) -> String {
    if let Some((0, rest)) = bytes.split_first() {
        return format!("@{}", String::from_utf8_lossy(rest));
    }
    let path = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(path).into_owned()
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::fd::AsFd;
    use std::os::unix::net::{UnixListener, UnixStream};

    use super::*;

    fn inode(fd: impl AsFd) -> u32 {
        u32::try_from(rustix::fs::fstat(fd).unwrap().st_ino).unwrap()
    }

    #[test]
    fn a_connection_tells_its_path_its_other_end_and_what_is_unread() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("daemon.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let mut client = UnixStream::connect(&path).unwrap();
        let (server, _) = listener.accept().unwrap();
        client.write_all(b"GET /").unwrap();
        let waiting = UnixStream::connect(&path).unwrap();
        let all = all().unwrap();
        let find = |inode: u32| all.iter().find(|socket| socket.inode == inode).unwrap();
        let ours = find(inode(&client));
        assert_eq!((ours.state, ours.name.as_str()), (1, ""));
        assert_eq!(ours.peer, Some(inode(&server)));
        let theirs = find(inode(&server));
        assert_eq!(theirs.name, path.to_str().unwrap());
        assert_eq!(theirs.unread, Some(5));
        let listening = find(inode(&listener));
        assert_eq!((listening.state, listening.unread), (10, Some(1)));
        drop(waiting);
    }

    #[test]
    fn fellows_are_those_who_talk_to_the_same_listener() {
        let directory = tempfile::tempdir().unwrap();
        let listen = |name: &str| {
            let path = directory.path().join(name);
            (UnixListener::bind(&path).unwrap(), path)
        };
        let ((ours, path), (_others, elsewhere)) = (listen("engine"), listen("another"));
        let own = UnixStream::connect(&path).unwrap();
        let fellow = UnixStream::connect(&path).unwrap();
        let stranger = UnixStream::connect(&elsewhere).unwrap();
        // Before they are accepted their other ends cannot be told from nobody's.
        let _accepted = [ours.accept().unwrap(), ours.accept().unwrap()];
        let found = fellows(&own).unwrap();
        let expected = [inode(&own), inode(&fellow)].map(u64::from);
        assert_eq!(found, BTreeSet::from(expected));
        assert!(!found.contains(&u64::from(inode(&stranger))));
        let (pair, _other) = UnixStream::pair().unwrap();
        assert!(fellows(&pair).unwrap().is_empty(), "it has no listener");
    }

    #[test]
    fn a_cut_message_is_an_error_and_an_odd_one_no_socket() {
        let mut found = Vec::new();
        let mut cut = 400_u32.to_ne_bytes().to_vec();
        cut.extend([20, 0, 2, 0]);
        cut.extend([0; 8]);
        assert!(take(&cut, &mut found).is_err());
        assert_eq!(socket(&[1, 1]), None);
        assert_eq!(found, []);
    }

    #[test]
    fn abstract_names_are_marked() {
        assert_eq!(name(b"\0bus"), "@bus");
        assert_eq!(name(b"/run/x.sock\0"), "/run/x.sock");
        assert_eq!(name(b""), "");
    }
}
