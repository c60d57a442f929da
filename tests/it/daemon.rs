//! A Docker daemon of a test's own, which can be killed and started again. The machine's is never touched.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::engines::{BASE, Engine};
use super::project::eventually;

/// A Docker daemon that nobody else uses, ended when dropped.
pub(super) struct Daemon {
    child: Child,
    place: TempDir,
}

impl Daemon {
    /// Needs root; says so where it cannot be had.
    pub(super) fn start() -> Option<Daemon> {
        if !rustix::process::geteuid().is_root() || !Engine::Docker.usable() {
            eprintln!("SKIPPED: a Docker daemon of our own needs root");
            return None;
        }
        let place = tempfile::Builder::new().prefix("d-").tempdir().unwrap();
        let child = launch(place.path());
        let mut daemon = Daemon { child, place };
        daemon.answers();
        let load = "docker save \"$BASE\" | docker --host \"$HOST\" load";
        let mut copy = Command::new("sh");
        copy.args(["-c", load]).env("BASE", BASE);
        let done = copy.env("HOST", daemon.host()).output().unwrap();
        let stderr = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{stderr}");
        Some(daemon)
    }

    pub(super) fn host(&self) -> String {
        format!("unix://{}/d.sock", self.place.path().display())
    }

    fn answers(&mut self) {
        let log = self.place.path().join("log");
        eventually("the daemon answers", || {
            let ended = self.child.try_wait().unwrap();
            let said = || fs::read_to_string(&log).unwrap_or_default();
            assert!(ended.is_none(), "{ended:?}: {}", said());
            let mut version = Command::new("docker");
            version.args(["--host", &self.host(), "version"]);
            let done = version.output().unwrap();
            done.status.success().then_some(())
        });
    }

    /// As a crash does it.
    pub(super) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// With what it had.
    pub(super) fn restart(&mut self) {
        // Its containerd dies after it. A new one must not be kept from starting by that, and finds the containers.
        let file = self.place.path().join("exec/containerd/containerd.pid");
        let pid = fs::read_to_string(file).unwrap();
        eventually("its containerd is gone", || {
            let alive = Path::new("/proc").join(pid.trim()).exists();
            (!alive).then_some(())
        });
        self.child = launch(self.place.path());
        self.answers();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        // It takes its containerd along, as SIGKILL would not.
        if matches!(self.child.try_wait(), Ok(None)) {
            rustix::process::kill_process(pid, rustix::process::Signal::TERM).ok();
        }
        self.child.wait().ok();
        // One that was killed leaves its mount.
        let data = self.place.path().join("data");
        while Command::new("umount")
            .arg(&data)
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|done| done.success())
        {}
    }
}

fn launch(place: &Path) -> Child {
    let at = |name: &str| place.join(name).display().to_string();
    let log = File::create(place.join("log")).unwrap();
    fs::write(place.join("daemon.json"), "{}").unwrap();
    // In a network of its own: a daemon that is to have no bridge takes the machine's away.
    Command::new("unshare")
        .args(["--net", "dockerd"])
        .arg("--host")
        .arg(format!("unix://{}", at("d.sock")))
        .args(["--data-root", &at("data"), "--exec-root", &at("exec")])
        .args(["--pidfile", &at("pid"), "--config-file", &at("daemon.json")])
        .args(["--bridge", "none", "--iptables=false", "--ip6tables=false"])
        .args(["--storage-driver", "vfs"])
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap()
}
