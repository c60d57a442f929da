//! What this machine is: name, kernel, processors.

use std::num::NonZeroU32;

/// The machine's name.
pub fn host_name() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}

/// Kernel name and release, such as `Linux 6.18.44`.
pub fn kernel() -> String {
    let names = rustix::system::uname();
    format!(
        "{} {}",
        names.sysname().to_string_lossy(),
        names.release().to_string_lossy()
    )
}

/// Processors that this process may use.
pub fn cores() -> NonZeroU32 {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    u32::try_from(cores)
        .ok()
        .and_then(NonZeroU32::new)
        .unwrap_or(NonZeroU32::MIN)
}

/// This process's id.
pub fn pid() -> u32 {
    std::process::id()
}
