//! `/proc/net/tcp` and `tcp6`: addresses, state and queues of TCP sockets.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{Proc, Unread};

/// One TCP socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TcpSocket {
    /// Its inode's number, 0 when no process has it any more.
    pub inode: u64,
    /// Its own address.
    pub local: SocketAddr,
    /// The other end's; port 0 when there is none.
    pub remote: SocketAddr,
    /// The kernel's number of its state: 1 established, 2 connecting, 10 listening.
    pub state: u8,
    /// Bytes that the other machine has not acknowledged.
    pub unsent: u64,
    /// Bytes that came and were not read; for a listening socket connections that nobody accepted.
    pub unread: u64,
}

impl Proc {
    /// The TCP sockets in the network that a process sees.
    pub fn tcp_sockets(&self, pid: i32) -> Result<Vec<TcpSocket>, Unread> {
        let mut found = parse(&self.text_of(pid, "net/tcp")?);
        // A kernel without IPv6 has no such file.
        found.extend(parse(&self.text_of(pid, "net/tcp6").unwrap_or_default()));
        Ok(found)
    }

    /// The network that a process sees, by the kernel's name for it.
    pub fn network(&self, pid: i32) -> Result<String, Unread> {
        self.link(pid, "ns/net")
    }
}

fn parse(text: &str) -> Vec<TcpSocket> {
    text.lines().skip(1).filter_map(socket).collect()
}

/// `0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 12345 …`
fn socket(line: &str) -> Option<TcpSocket> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let (unsent, unread) = words.get(4)?.split_once(':')?;
    let number = |text: &str| u64::from_str_radix(text, 16).ok();
    Some(TcpSocket {
        local: address(words.get(1)?)?,
        remote: address(words.get(2)?)?,
        state: u8::from_str_radix(words.get(3)?, 16).ok()?,
        unsent: number(unsent)?,
        unread: number(unread)?,
        inode: words.get(9)?.parse().ok()?,
    })
}

/// The kernel prints addresses as 32-bit words of memory.
fn address(text: &str) -> Option<SocketAddr> {
    let (host, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let mut bytes = Vec::new();
    for start in (0..host.len()).step_by(8) {
        let word = u32::from_str_radix(host.get(start..start + 8)?, 16).ok()?;
        bytes.extend(word.to_ne_bytes());
    }
    let ip = if let Ok(four) = <[u8; 4]>::try_from(bytes.as_slice()) {
        IpAddr::V4(Ipv4Addr::from(four))
    } else {
        let sixteen = <[u8; 16]>::try_from(bytes.as_slice()).ok()?;
        Ipv6Addr::from(sixteen).to_canonical()
    };
    Some(SocketAddr::new(ip, port))
}

#[cfg(all(test, target_endian = "little"))]
mod tests {
    use super::*;

    #[test]
    fn both_families_are_read() {
        let four = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
            0: 0100007F:1F90 0200007F:C001 01 00000002:00000010 00:00000000 00000000     0        0 777 1 0\n";
        let expected = TcpSocket {
            inode: 777,
            local: "127.0.0.1:8080".parse().unwrap(),
            remote: "127.0.0.2:49153".parse().unwrap(),
            state: 1,
            unsent: 2,
            unread: 16,
        };
        assert_eq!(parse(four), [expected]);
        let six = address("00000000000000000000000001000000:0050").unwrap();
        assert_eq!(six, "[::1]:80".parse().unwrap());
        let mapped = address("0000000000000000FFFF00000100007F:0050").unwrap();
        assert_eq!(mapped, "127.0.0.1:80".parse().unwrap());
        assert_eq!(parse("head\nodd line\n"), []);
    }
}
