//go:build linux

package process

import (
	"bytes"
	"fmt"
	"os/exec"
	"syscall"
	"time"
)

// Running is a process that was launched. The zero value is none.
type Running struct {
	PID     int
	Started time.Duration // from the start of the process to its first answer

	name     string
	launched time.Time
	cmd      *exec.Cmd
	end      syscall.Signal // what ends it
	output   bytes.Buffer   // to be read when the process has ended
	ended    chan struct{}
	why      error // of its end
}

// startPatience is how long the first answer may take; Apache's proxy needs half a minute.
const startPatience = 90 * time.Second

// Launch starts a process that gets the signal end when it is stopped, or when this one dies, if the calling goroutine is
// locked to its thread, as main is: SIGKILL, except for what has children of its own.
func Launch(name string, cmd *exec.Cmd, end syscall.Signal) (*Running, error) {
	r := &Running{name: name, cmd: cmd, end: end, launched: time.Now(), ended: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &r.output, &r.output
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: end}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("cannot start %s: %w", name, err)
	}
	r.PID = cmd.Process.Pid
	go func() {
		r.why = cmd.Wait()
		close(r.ended)
	}()
	return r, nil
}

// Await asks again and again until the answer is no error. A process that is not ready in time is stopped.
func (r *Running) Await(ask func() error) error {
	for {
		err := ask()
		if err == nil {
			r.Started = time.Since(r.launched)
			return nil
		}
		select {
		case <-r.ended:
			return fmt.Errorf("%s ended before its first answer (%w):\n%s", r.name, r.why, r.output.String())
		case <-time.After(time.Millisecond):
		}
		if time.Since(r.launched) > startPatience {
			r.Stop()
			return fmt.Errorf("%s gave no answer within %s: %w\n%s", r.name, startPatience, err, r.output.String())
		}
	}
}

// Stop ends the process, as a crash would unless it has another signal, and waits for its end.
func (r *Running) Stop() {
	if r.cmd != nil {
		r.cmd.Process.Signal(r.end) //nolint:errcheck // it may have ended by itself
		<-r.ended
	}
}
