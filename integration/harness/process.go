package harness

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// Process is a child of this test process: a broker, a name server, the proxy under test, a Java program. Its
// output goes to a file, so that a failing test can name it.
type Process struct {
	Name    string
	LogPath string        // what it prints
	Exited  chan struct{} // closed when it has exited and WaitErr is set
	WaitErr error         // nil: it exited with 0

	cmd *exec.Cmd
}

// starts is served by one goroutine that keeps its thread: Linux sends the parent-death signal when the *thread*
// that forked ends, not when the process does, and Go ends threads when it likes.
var starts = make(chan func())

func init() {
	go func() {
		runtime.LockOSThread()
		for start := range starts {
			start()
		}
	}()
}

// StartProcess starts argv with its output in logPath. The child dies with the test process.
func StartProcess(name, logPath string, argv ...string) (*Process, error) {
	return StartCommand(name, logPath, exec.Command(argv[0], argv[1:]...))
}

// StartCommand starts a command. What it prints goes to logPath, unless its standard output is taken already.
func StartCommand(name, logPath string, cmd *exec.Cmd) (*Process, error) {
	logFile, err := os.OpenFile(logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("cannot keep the output of %s: %w", name, err)
	}
	defer logFile.Close()
	cmd.Stderr = logFile
	if cmd.Stdout == nil {
		cmd.Stdout = logFile
	}
	cmd.SysProcAttr = dieWithParent()
	started := make(chan error)
	starts <- func() { started <- cmd.Start() }
	if err := <-started; err != nil {
		return nil, fmt.Errorf("cannot start %s: %w", name, err)
	}
	p := &Process{Name: name, cmd: cmd, LogPath: logPath, Exited: make(chan struct{})}
	go p.wait()
	return p, nil
}

// StartTalking starts a command that is talked with: in is its standard input, out its standard output.
func StartTalking(name, logPath string, cmd *exec.Cmd) (p *Process, in, out *os.File, err error) {
	// Pipes of os, not of exec: those are closed when the process exits, maybe before all was read.
	stdin, in, err := os.Pipe()
	if err != nil {
		return nil, nil, nil, err
	}
	defer stdin.Close()
	out, stdout, err := os.Pipe()
	if err != nil {
		in.Close()
		return nil, nil, nil, err
	}
	defer stdout.Close()
	cmd.Stdin, cmd.Stdout = stdin, stdout
	if p, err = StartCommand(name, logPath, cmd); err != nil {
		in.Close()
		out.Close()
	}
	return p, in, out, err
}

func (p *Process) wait() {
	p.WaitErr = p.cmd.Wait()
	close(p.Exited)
}

// Running tells whether the process has not exited yet.
func (p *Process) Running() bool {
	select {
	case <-p.Exited:
		return false
	default:
		return true
	}
}

// ExitStatus is how a process that has exited did so, as "exit status 1" or "signal: killed".
func (p *Process) ExitStatus() string { return p.cmd.ProcessState.String() }

// Kill ends the process without asking it, as a crash would.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill() // an error means that it has exited already
	<-p.Exited
}

// AwaitEnd returns what the process exits with, which it ought to do now; after the patience it is killed, which is an
// error.
func (p *Process) AwaitEnd() error {
	select {
	case <-p.Exited:
		if p.WaitErr != nil {
			return fmt.Errorf("%s ended with %w; its output is in %s", p.Name, p.WaitErr, p.LogPath)
		}
		return nil
	case <-time.After(Patience):
		p.Kill()
		return fmt.Errorf("%s did not end within %s; its output is in %s", p.Name, Patience, p.LogPath)
	}
}

// Terminate asks the process to end (SIGTERM) and returns what it exited with; after the patience it is killed,
// which is an error.
func (p *Process) Terminate(patience time.Duration) error {
	if !p.Running() {
		return fmt.Errorf("%s had exited before it was asked to: %s; its output is in %s", p.Name, p.ExitStatus(), p.LogPath)
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("cannot signal %s: %w", p.Name, err)
	}
	select {
	case <-p.Exited:
		if p.WaitErr != nil {
			return fmt.Errorf("%s ended with %w; its output is in %s", p.Name, p.WaitErr, p.LogPath)
		}
		return nil
	case <-time.After(patience):
		p.Kill()
		return fmt.Errorf("%s did not end within %s of SIGTERM; its output is in %s", p.Name, patience, p.LogPath)
	}
}

// LastOutput returns the end of what the process printed, for failure messages.
func (p *Process) LastOutput() string {
	const most = 4000
	text, err := os.ReadFile(p.LogPath)
	if err != nil {
		return err.Error()
	}
	if len(text) > most {
		text = text[len(text)-most:]
	}
	return strings.TrimSpace(string(text))
}

// Await calls ready until it returns nil, and gives up when the patience is over or the process has exited.
func (p *Process) Await(what string, patience time.Duration, ready func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.Exited:
			return fmt.Errorf("%s exited (%s) before %s: %w\n%s", p.Name, p.ExitStatus(), what, err, p.LastOutput())
		case <-ctx.Done():
			return fmt.Errorf("%s: not %s within %s: %w\n%s", p.Name, what, patience, err, p.LastOutput())
		case <-time.After(50 * time.Millisecond):
		}
	}
}
