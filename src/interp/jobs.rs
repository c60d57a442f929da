//! Programs in the background: waited for in the order of their start, ended with the script.

use crate::model::Place;

use super::execution::Execution;
use super::halt::{Halt, fail, text};
use super::world::{Finished, Interrupted, JobId, Status};

/// The signal that asks a job to end.
pub(super) const SIGINT: i32 = 2;

/// A program that was started with `&`.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) id: JobId,
    /// From `&name&`, or empty.
    pub(super) name: Vec<u8>,
    /// The program's base name and its words, for the log.
    pub(super) title: Vec<u8>,
    /// Started with `!`.
    pub(super) negated: bool,
    /// Where it was started.
    pub(super) place: Place,
    /// Kept, because a job that fails a `wait` is shown again at the end.
    pub(super) finished: Option<Finished>,
}

/// How a process ended, in Go's words.
pub(super) fn status_words(status: Status) -> String {
    let names = [
        "hangup",
        "interrupt",
        "quit",
        "illegal instruction",
        "trace/breakpoint trap",
        "aborted",
        "bus error",
        "floating point exception",
        "killed",
        "user defined signal 1",
        "segmentation fault",
        "user defined signal 2",
        "broken pipe",
        "alarm clock",
        "terminated",
    ];
    match status {
        Status::Exited(code) => format!("exit status {code}"),
        Status::Signaled(signal) => {
            let index = usize::try_from(signal - 1).ok();
            match index.and_then(|index| names.get(index)) {
                Some(name) => format!("signal: {name}"),
                None => format!("signal: signal {signal}"),
            }
        }
    }
}

pub(super) fn succeeded(status: Status) -> bool {
    status == Status::Exited(0)
}

/// Whether a process ended as its line expects.
pub(super) fn expect(status: Status, negated: bool) -> Result<(), Halt> {
    match (succeeded(status), negated) {
        (true, true) => fail!("unexpected command success"),
        (false, false) => fail!("unexpected command failure"),
        _ => Ok(()),
    }
}

impl Execution<'_> {
    pub(super) fn job_named(&self, name: &[u8]) -> Option<usize> {
        // Unnamed jobs have no name to be found by.
        let mut jobs = self.jobs.iter();
        jobs.position(|job| !name.is_empty() && job.name == name)
    }

    /// Waits for a job; what it left is in it afterwards, whatever happened.
    pub(super) fn finish_job(&mut self, index: usize) -> Result<(), Interrupted> {
        let job = &mut self.jobs[index];
        if job.finished.is_some() {
            return Ok(());
        }
        match self.world.finish(job.id) {
            Ok(finished) => {
                job.finished = Some(finished);
                Ok(())
            }
            Err((interrupted, finished)) => {
                job.finished = Some(*finished);
                Err(interrupted)
            }
        }
    }

    fn log_job(&mut self, index: usize) {
        let job = &self.jobs[index];
        let Some(finished) = &job.finished else {
            return;
        };
        let status = status_words(finished.status);
        self.log
            .line(&text!("[background] ", job.title, ": ", status));
        self.log.stream("stdout", &finished.stdout);
        self.log.stream("stderr", &finished.stderr);
    }

    /// `wait`: all jobs, in the order of their start, each as it was expected to end.
    pub(super) fn wait_for_all(&mut self) -> Result<(), Halt> {
        for index in 0..self.jobs.len() {
            let result = self.finish_job(index);
            self.log_job(index);
            result?;
            let job = &self.jobs[index];
            if let Some(finished) = &job.finished {
                expect(finished.status, job.negated)?;
            }
        }
        self.collect_jobs();
        Ok(())
    }

    /// The outputs of all jobs, one behind the other, become the last output; no job is left.
    fn collect_jobs(&mut self) {
        let jobs = std::mem::take(&mut self.jobs);
        let finished = jobs.iter().filter_map(|job| job.finished.as_ref());
        self.stdout = super::execution::joined(finished.clone().map(|finished| &finished.stdout));
        self.stderr = super::execution::joined(finished.map(|finished| &finished.stderr));
    }

    /// `wait NAME`.
    pub(super) fn wait_for(&mut self, index: usize) -> Result<(), Halt> {
        let result = self.finish_job(index);
        let job = &self.jobs[index];
        let Some(finished) = &job.finished else {
            return Ok(());
        };
        self.stdout = finished.stdout.clone();
        self.stderr = finished.stderr.clone();
        self.log.stream("stdout", &self.stdout);
        self.log.stream("stderr", &self.stderr);
        result?;
        expect(finished.status, job.negated)?;
        self.jobs.remove(index);
        Ok(())
    }

    pub(super) fn interrupt_jobs(&mut self) {
        for job in self.jobs.iter().filter(|job| job.finished.is_none()) {
            // One that ended by itself just before is as good.
            self.world.signal(job.id, SIGINT);
        }
    }

    /// The end of the script: every job is asked to end and waited for; how it ends does not count.
    /// Tells the first job that the world had to end instead.
    pub(super) fn close_jobs(&mut self) -> Option<(Interrupted, Place)> {
        self.interrupt_jobs();
        let mut interrupted = None;
        for index in 0..self.jobs.len() {
            let job = &self.jobs[index];
            if job.finished.is_none() {
                self.world.line(&job.place);
            }
            if let Err(kind) = self.finish_job(index) {
                interrupted.get_or_insert_with(|| (kind, self.jobs[index].place.clone()));
            }
            self.log_job(index);
        }
        self.collect_jobs();
        interrupted
    }
}
