//go:build linux

package load

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
)

// Driver tells a generator process what to do.
type Driver struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	lines *bufio.Scanner
}

// errGenerator is all that the bench knows: the generator shares its standard error.
var errGenerator = errors.New("the load generator failed; it says why above")

// Drive starts a generator process, which program makes of a task, and returns when its connections are open.
func Drive(s Spec, program func(task string) *exec.Cmd) (*Driver, error) {
	task, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	d := &Driver{cmd: program(string(task))}
	if d.stdin, err = d.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := d.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := d.cmd.Start(); err != nil {
		return nil, err
	}
	d.lines = bufio.NewScanner(stdout)
	if err := d.await(); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

func (d *Driver) await() error {
	if !d.lines.Scan() || d.lines.Text() != doneLine {
		return errGenerator
	}
	return nil
}

func (d *Driver) tell(line string) error {
	if _, err := fmt.Fprintln(d.stdin, line); err != nil {
		return errGenerator
	}
	return nil
}

// Slice loads the candidate once, for Spec.Warmup and Spec.Measure; what it takes adds up.
func (d *Driver) Slice() error {
	if err := d.tell(sliceLine); err != nil {
		return err
	}
	return d.await()
}

// Count loads the candidate once, for Spec.Count, and counts its system calls.
func (d *Driver) Count() error {
	if err := d.tell(countLine); err != nil {
		return err
	}
	return d.await()
}

// End returns what all slices have measured.
func (d *Driver) End() (o Outcome, err error) {
	if err := d.tell(endLine); err != nil {
		return o, err
	}
	if !d.lines.Scan() {
		return o, errGenerator
	}
	return o, json.Unmarshal(d.lines.Bytes(), &o)
}

// Close ends the process.
func (d *Driver) Close() {
	d.stdin.Close()
	d.cmd.Process.Kill() //nolint:errcheck // it may have ended by itself
	d.cmd.Wait()         //nolint:errcheck // it has nothing more to say
}
