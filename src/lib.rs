//! A test harness for command-line programs that drive containers.
