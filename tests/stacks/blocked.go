// Goroutines blocked in every way that a test is likely to hang in, one way for each function below. It says "ready"
// once all are on their way, answers each line of its input with "still here", and ends with its input.
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

//go:noinline
func inReceive(ch chan int) { <-ch }

//go:noinline
func inSend(ch chan int) { ch <- 1 }

//go:noinline
func inNilReceive() { var ch chan int; <-ch }

//go:noinline
func inSelect(a, b chan int) {
	select {
	case <-a:
	case b <- 1:
	}
}

//go:noinline
func inEmptySelect() { select {} }

//go:noinline
func inPipeRead(pipe *os.File) { io.ReadAll(pipe) }

//go:noinline
func inLock(lock *sync.Mutex) { lock.Lock() }

//go:noinline
func inReadLock(lock *sync.RWMutex) { lock.RLock() }

//go:noinline
func inCond(cond *sync.Cond) { cond.L.Lock(); cond.Wait() }

//go:noinline
func inWaitGroup(group *sync.WaitGroup) { group.Wait() }

//go:noinline
func inSleep() { time.Sleep(time.Hour) }

//go:noinline
func inFlock(fd int) { syscall.Flock(fd, syscall.LOCK_EX) }

//go:noinline
func inChild(child *exec.Cmd) { child.Wait() }

//go:noinline
func inLeakedPipe(child *exec.Cmd) { child.Run() }

//go:noinline
func deep(depth int, ch chan int) int {
	if depth == 0 {
		return <-ch
	}
	return deep(depth-1, ch) + 1
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// locked gives two descriptions of one file; the first holds the lock.
func locked() (*os.File, *os.File) {
	first, err := os.CreateTemp("", "blocked")
	fail(err)
	second, err := os.Open(first.Name())
	fail(err)
	fail(os.Remove(first.Name()))
	fail(syscall.Flock(int(first.Fd()), syscall.LOCK_EX))
	return first, second
}

// sleeper is a program that lives until its input ends: no longer than we do.
func sleeper() *exec.Cmd {
	child := exec.Command("cat")
	input, output, err := os.Pipe()
	fail(err)
	child.Stdin = input
	kept = append(kept, output)
	return child
}

// leaking is a shell that ends at once and leaves a child behind that keeps its output open.
func leaking() *exec.Cmd {
	child := exec.Command("sh", "-c", "cat <&3 & exit 0")
	input, output, err := os.Pipe()
	fail(err)
	child.ExtraFiles = []*os.File{input}
	child.Stdout = new(writer)
	kept = append(kept, output)
	return child
}

type writer struct{}

func (*writer) Write(bytes []byte) (int, error) { return len(bytes), nil }

// What must stay open, and reachable.
var kept []*os.File

func main() {
	var lock sync.Mutex
	var shared sync.RWMutex
	var group sync.WaitGroup
	lock.Lock()
	shared.Lock()
	group.Add(1)
	silent := make(chan int)
	input, output, err := os.Pipe()
	fail(err)
	holder, waiter := locked()
	child := sleeper()
	fail(child.Start())
	kept = append(kept, input, output, holder, waiter)

	go inReceive(silent)
	go inSend(make(chan int))
	go inNilReceive()
	go inSelect(silent, make(chan int))
	go inEmptySelect()
	go inPipeRead(input)
	go inLock(&lock)
	go inReadLock(&shared)
	go inCond(sync.NewCond(new(sync.Mutex)))
	go inWaitGroup(&group)
	go inSleep()
	go inFlock(int(waiter.Fd()))
	go inChild(child)
	go inLeakedPipe(leaking())
	go deep(200, silent)

	fmt.Println("ready")
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		fmt.Println("still here")
	}
	runtime.KeepAlive(&lock)
}
