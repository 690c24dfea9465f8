package integration

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

// process is a child of this test process: a broker, a name server, the proxy under test, a Java program. Its
// output goes to a file, so that a failing test can name it.
type process struct {
	name    string
	cmd     *exec.Cmd
	logPath string
	exited  chan struct{} // closed once waitErr is set
	waitErr error
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

// startProcess starts argv with its output in logPath. The child dies with the test process.
func startProcess(name, logPath string, argv ...string) (*process, error) {
	return startCommand(name, logPath, exec.Command(argv[0], argv[1:]...))
}

// startCommand starts a command. What it prints goes to logPath, unless its standard output is taken already.
func startCommand(name, logPath string, cmd *exec.Cmd) (*process, error) {
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
	p := &process{name: name, cmd: cmd, logPath: logPath, exited: make(chan struct{})}
	go p.wait()
	return p, nil
}

// startTalking starts a command that is talked with: in is its standard input, out its standard output.
func startTalking(name, logPath string, cmd *exec.Cmd) (p *process, in, out *os.File, err error) {
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
	if p, err = startCommand(name, logPath, cmd); err != nil {
		in.Close()
		out.Close()
	}
	return p, in, out, err
}

func (p *process) wait() {
	p.waitErr = p.cmd.Wait()
	close(p.exited)
}

// running tells whether the process has not exited yet.
func (p *process) running() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// kill ends the process without asking it, as a crash would.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // an error means that it has exited already
	<-p.exited
}

// awaitEnd returns what the process exits with, which it ought to do now; after the patience it is killed, which is an
// error.
func (p *process) awaitEnd() error {
	select {
	case <-p.exited:
		if p.waitErr != nil {
			return fmt.Errorf("%s ended with %w; its output is in %s", p.name, p.waitErr, p.logPath)
		}
		return nil
	case <-time.After(patience):
		p.kill()
		return fmt.Errorf("%s did not end within %s; its output is in %s", p.name, patience, p.logPath)
	}
}

// terminate asks the process to end (SIGTERM) and returns what it exited with; after the patience it is killed,
// which is an error.
func (p *process) terminate(patience time.Duration) error {
	if !p.running() {
		return fmt.Errorf("%s had exited before it was asked to: %v; its output is in %s", p.name, p.waitErr, p.logPath)
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("cannot signal %s: %w", p.name, err)
	}
	select {
	case <-p.exited:
		if p.waitErr != nil {
			return fmt.Errorf("%s ended with %w; its output is in %s", p.name, p.waitErr, p.logPath)
		}
		return nil
	case <-time.After(patience):
		p.kill()
		return fmt.Errorf("%s did not end within %s of SIGTERM; its output is in %s", p.name, patience, p.logPath)
	}
}

// lastOutput returns the end of what the process printed, for failure messages.
func (p *process) lastOutput() string {
	const most = 4000
	text, err := os.ReadFile(p.logPath)
	if err != nil {
		return err.Error()
	}
	if len(text) > most {
		text = text[len(text)-most:]
	}
	return strings.TrimSpace(string(text))
}

// await calls ready until it returns nil, and gives up when the patience is over or the process has exited.
func (p *process) await(what string, patience time.Duration, ready func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.exited:
			return fmt.Errorf("%s exited (%v) before %s: %w\n%s", p.name, p.waitErr, what, err, p.lastOutput())
		case <-ctx.Done():
			return fmt.Errorf("%s: not %s within %s: %w\n%s", p.name, what, patience, err, p.lastOutput())
		case <-time.After(50 * time.Millisecond):
		}
	}
}
