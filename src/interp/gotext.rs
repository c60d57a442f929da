//! The words that Go uses for errors, signals and quoted text, which suites match against. Pure.

use std::fmt::Write as _;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::Status;

/// Go's text for an error number.
pub(super) fn errno(number: i32) -> String {
    let text = match number {
        libc::EPERM => "operation not permitted",
        libc::ENOENT => "no such file or directory",
        libc::EIO => "input/output error",
        libc::EINTR => "interrupted system call",
        libc::EBADF => "bad file descriptor",
        libc::ENXIO => "no such device or address",
        libc::E2BIG => "argument list too long",
        libc::ENOEXEC => "exec format error",
        libc::EAGAIN => "resource temporarily unavailable",
        libc::ENOMEM => "cannot allocate memory",
        libc::EACCES => "permission denied",
        libc::EBUSY => "device or resource busy",
        libc::EEXIST => "file exists",
        libc::EXDEV => "invalid cross-device link",
        libc::ENODEV => "no such device",
        libc::ENOTDIR => "not a directory",
        libc::EISDIR => "is a directory",
        libc::EINVAL => "invalid argument",
        libc::ENFILE => "too many open files in system",
        libc::EMFILE => "too many open files",
        libc::ETXTBSY => "text file busy",
        libc::EFBIG => "file too large",
        libc::ENOSPC => "no space left on device",
        libc::ESPIPE => "illegal seek",
        libc::EROFS => "read-only file system",
        libc::EMLINK => "too many links",
        libc::EPIPE => "broken pipe",
        libc::ENAMETOOLONG => "file name too long",
        libc::ENOTEMPTY => "directory not empty",
        libc::ELOOP => "too many levels of symbolic links",
        libc::EOPNOTSUPP => "operation not supported",
        libc::ESTALE => "stale NFS file handle",
        libc::EDQUOT => "disk quota exceeded",
        _ => return format!("errno {number}"),
    };
    text.to_owned()
}

/// An error of the operating system as Go prints it, without the operation and the path.
pub(super) fn cause(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(number) => errno(number),
        // A zero byte in a path does not get as far as the system.
        None if error.kind() == io::ErrorKind::InvalidInput => errno(libc::EINVAL),
        None => error.to_string(),
    }
}

/// `open PATH: no such file or directory`.
pub(super) fn path_error(operation: &str, path: &Path, error: &io::Error) -> Vec<u8> {
    about_path(operation, path, &format!(": {}", cause(error)))
}

/// Text around a path, whose bytes stay as they are: `mkdir PATH: not a directory`.
pub(super) fn about_path(before: &str, path: &Path, after: &str) -> Vec<u8> {
    let path = path.as_os_str().as_bytes();
    let space: &[u8] = if before.is_empty() { b"" } else { b" " };
    [before.as_bytes(), space, path, after.as_bytes()].concat()
}

/// `exit status 1`, `signal: killed`, `signal: aborted (core dumped)`.
pub(super) fn status(status: Status) -> String {
    match status {
        Status::Exited(code) => format!("exit status {code}"),
        Status::Signaled(number) => format!("signal: {}", signal(number)),
        Status::Dumped(number) => format!("signal: {} (core dumped)", signal(number)),
    }
}

fn signal(number: i32) -> String {
    let text = match number {
        libc::SIGHUP => "hangup",
        libc::SIGINT => "interrupt",
        libc::SIGQUIT => "quit",
        libc::SIGILL => "illegal instruction",
        libc::SIGTRAP => "trace/breakpoint trap",
        libc::SIGABRT => "aborted",
        libc::SIGBUS => "bus error",
        libc::SIGFPE => "floating point exception",
        libc::SIGKILL => "killed",
        libc::SIGUSR1 => "user defined signal 1",
        libc::SIGSEGV => "segmentation fault",
        libc::SIGUSR2 => "user defined signal 2",
        libc::SIGPIPE => "broken pipe",
        libc::SIGALRM => "alarm clock",
        libc::SIGTERM => "terminated",
        libc::SIGSTKFLT => "stack fault",
        libc::SIGXCPU => "CPU time limit exceeded",
        libc::SIGXFSZ => "file size limit exceeded",
        libc::SIGVTALRM => "virtual timer expired",
        libc::SIGPROF => "profiling timer expired",
        libc::SIGIO => "I/O possible",
        libc::SIGPWR => "power failure",
        libc::SIGSYS => "bad system call",
        _ => return format!("signal {number}"),
    };
    text.to_owned()
}

/// Go's `%q`: a double-quoted string literal.
pub(super) fn quote(text: &[u8]) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for chunk in text.utf8_chunks() {
        for character in chunk.valid().chars() {
            quote_character(character, &mut quoted);
        }
        for byte in chunk.invalid() {
            write_infallible(&mut quoted, format_args!("\\x{byte:02x}"));
        }
    }
    quoted.push('"');
    quoted
}

fn quote_character(character: char, quoted: &mut String) {
    let number = u32::from(character);
    match character {
        '"' => quoted.push_str("\\\""),
        '\\' => quoted.push_str("\\\\"),
        '\x07' => quoted.push_str("\\a"),
        '\x08' => quoted.push_str("\\b"),
        '\x0c' => quoted.push_str("\\f"),
        '\n' => quoted.push_str("\\n"),
        '\r' => quoted.push_str("\\r"),
        '\t' => quoted.push_str("\\t"),
        '\x0b' => quoted.push_str("\\v"),
        _ if is_printable(character) => quoted.push(character),
        _ if number < 0x80 => write_infallible(quoted, format_args!("\\x{number:02x}")),
        _ if number < 0x1_0000 => write_infallible(quoted, format_args!("\\u{number:04x}")),
        _ => write_infallible(quoted, format_args!("\\U{number:08x}")),
    }
}

/// Near to Go's table: what Rust would show as it is in a debug string, where a mark that combines is shown as it is
/// behind another character.
fn is_printable(character: char) -> bool {
    let mut behind_another = [b'x', 0, 0, 0, 0];
    let length = character.encode_utf8(&mut behind_another[1..]).len();
    let text = str::from_utf8(&behind_another[..=length]).unwrap_or_default();
    character == '\'' || text.escape_debug().count() == 2
}

/// Go's `%#q`: back quotes where the text allows it.
pub(super) fn quote_pattern(text: &[u8]) -> String {
    match str::from_utf8(text) {
        Ok(text) if text.chars().all(can_back_quote) => format!("`{text}`"),
        _ => quote(text),
    }
}

fn can_back_quote(character: char) -> bool {
    character != '`'
        && character != '\u{feff}'
        && (character == '\t' || (character >= ' ' && character != '\x7f'))
}

fn write_infallible(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    text.write_fmt(arguments)
        .expect("writing to a string does not fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting_is_that_of_go() {
        assert_eq!(quote(b"a\"b\\c\n\x01\xff"), r#""a\"b\\c\n\x01\xff""#);
        assert_eq!(quote("it's é\u{200b}".as_bytes()), r#""it's é\u200b""#);
        assert_eq!(quote("z\u{301}".as_bytes()), "\"z\u{301}\"");
        assert_eq!(quote("\u{301}".as_bytes()), "\"\u{301}\"");
        assert_eq!(quote_pattern(b"a\tb'"), "`a\tb'`");
        assert_eq!(quote_pattern(b"a`b"), "\"a`b\"");
        assert_eq!(quote_pattern(b"a\nb"), "\"a\\nb\"");
    }

    #[test]
    fn statuses_are_in_the_words_of_go() {
        assert_eq!(status(Status::Exited(3)), "exit status 3");
        assert_eq!(status(Status::Signaled(libc::SIGKILL)), "signal: killed");
        assert_eq!(status(Status::Signaled(40)), "signal: signal 40");
        let dumped = status(Status::Dumped(libc::SIGABRT));
        assert_eq!(dumped, "signal: aborted (core dumped)");
    }
}
