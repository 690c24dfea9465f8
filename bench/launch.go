//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"syscall"
	"time"
)

// running is a process that was launched; of a candidate, one that has given its first answer. The zero value is no
// process.
type running struct {
	name       string
	nameServer string // of a candidate: what clients dial
	pid        int
	launched   time.Time
	started    time.Duration // from the start of the process to its first answer

	cmd    *exec.Cmd
	output bytes.Buffer // to be read when the process has ended
	ended  chan struct{}
	why    error // of its end
}

// startPatience is how long the first answer may take; Apache's proxy needs half a minute.
const startPatience = 90 * time.Second

// launch starts a process that dies with this one, if the calling goroutine is locked to its thread, as main is.
func launch(name string, cmd *exec.Cmd) (*running, error) {
	r := &running{name: name, cmd: cmd, launched: time.Now(), ended: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &r.output, &r.output
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("cannot start %s: %w", name, err)
	}
	r.pid = cmd.Process.Pid
	go func() {
		r.why = cmd.Wait()
		close(r.ended)
	}()
	return r, nil
}

// await asks again and again until the answer is no error. Who is not ready in time is stopped.
func (r *running) await(ask func() error) error {
	for {
		err := ask()
		if err == nil {
			r.started = time.Since(r.launched)
			return nil
		}
		select {
		case <-r.ended:
			return fmt.Errorf("%s ended before its first answer (%w):\n%s", r.name, r.why, r.output.String())
		case <-time.After(time.Millisecond):
		}
		if time.Since(r.launched) > startPatience {
			r.stop()
			return fmt.Errorf("%s gave no answer within %s: %w\n%s", r.name, startPatience, err, r.output.String())
		}
	}
}

// stop ends the process as a crash would.
func (r *running) stop() {
	if r.cmd != nil {
		r.cmd.Process.Kill() //nolint:errcheck // it may have ended by itself
		<-r.ended
	}
}
