//! A place that looks like `/proc`, made of files, for what no test can bring about or must not.

use std::fs;
use std::os::unix::fs::{FileExt, symlink};
use std::path::Path;
use std::time::Duration;

use super::{Collector, Subject, collect};
use crate::host::procfs::Proc;
use crate::model::{ProcessFact, Scene};

pub(super) struct Fake(tempfile::TempDir);

impl Fake {
    /// The slot is 1.
    pub(super) fn new() -> Self {
        let fake = Fake(tempfile::tempdir().unwrap());
        fake.process(1, 0);
        fake.file("locks", "")
    }

    pub(super) fn root(&self) -> &Path {
        self.0.path()
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        let path = self.root().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    }

    pub(super) fn file(self, name: &str, text: &str) -> Self {
        fs::write(self.path(name), text).unwrap();
        self
    }

    /// A process of the user 0 with one thread.
    fn process(&self, pid: i32, parent: i32) {
        let stat = format!("{pid} (x) S {parent} {pid} 1 0 -1 0 0 0 0 0 3 4 0 0 20 0 1 0 5 0");
        for name in [format!("{pid}/stat"), format!("{pid}/task/{pid}/stat")] {
            fs::write(self.path(&name), &stat).unwrap();
        }
        let status = format!("Name:\tx\nTgid:\t{pid}\nUid:\t0\t0\t0\t0\n");
        fs::write(self.path(&format!("{pid}/status")), status).unwrap();
        fs::create_dir_all(self.root().join(format!("{pid}/fd"))).unwrap();
    }

    pub(super) fn with(self, pid: i32) -> Self {
        self.process(pid, 1);
        self
    }

    /// The process's first thread is in this call.
    pub(super) fn call(self, pid: i32, number: i64, arguments: [u64; 6]) -> Self {
        let words: Vec<String> = arguments.iter().map(|word| format!("{word:#x}")).collect();
        let text = format!(
            "{number} {} 0x7ffd00000000 0x7f0000000000\n",
            words.join(" ")
        );
        self.file(&format!("{pid}/task/{pid}/syscall"), &text)
    }

    pub(super) fn open(self, pid: i32, fd: i32, target: &str, info: &str) -> Self {
        symlink(target, self.path(&format!("{pid}/fd/{fd}"))).unwrap();
        self.file(&format!("{pid}/fdinfo/{fd}"), info)
    }

    pub(super) fn memory(self, pid: i32, address: u64, bytes: &[u8]) -> Self {
        let path = self.path(&format!("{pid}/mem"));
        let mut options = fs::OpenOptions::new();
        let file = options
            .create(true)
            .write(true)
            .truncate(false)
            .open(path)
            .unwrap();
        file.write_all_at(bytes, address).unwrap();
        self
    }

    /// What all collectors but those that ask the kernel itself say of these processes.
    pub(super) fn seen(&self, script: &[i32], what: &[&str]) -> Scene {
        let process = |pid: &i32| ProcessFact {
            pid: *pid,
            parent: 1,
            state: 'S',
            ..ProcessFact::default()
        };
        let processes = script.iter().map(process).collect();
        let subject = Subject::new(Proc::at(self.root()), 1, processes, self.root());
        let collectors: Vec<Collector> = super::collectors()
            .into_iter()
            .filter(|collector| what.contains(&collector.what))
            .collect();
        assert_eq!(collectors.len(), what.len());
        collect(subject, collectors, Duration::from_secs(20), &mut |_| {}).scene
    }
}
