package integration

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// goProcess is a seat for processes with a stock client each (chaos_gochild.go), one after another: this one can be
// killed and frozen as a whole, with its sockets.
type goProcess struct {
	arena *arena
	name  string
	group string
	dir   string
	turn  int // each has ids and a client id of its own

	now   *process
	in    *os.File
	heard sync.WaitGroup // whoever reads what they say
}

// newGoProcess starts the first of them.
func newGoProcess(t *testing.T, a *arena, name, group string) *goProcess {
	t.Helper()
	dir, err := runSubdir(unique(t, name))
	if err == nil {
		g := &goProcess{arena: a, name: name, group: group, dir: dir}
		if err = g.launch(); err == nil {
			t.Cleanup(g.kill)
			return g
		}
	}
	t.Fatal(err)
	return nil
}

// launch starts the next process. It talks through one proxy after another.
func (g *goProcess) launch() error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	g.turn++
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), goChild+"="+strings.Join([]string{g.arena.fronts[g.turn%len(g.arena.fronts)].nameServer(),
		g.arena.topic, g.group, fmt.Sprintf("%s.%d", g.name, g.turn), g.dir}, " "))
	p, in, out, err := startTalking(g.name, filepath.Join(g.dir, "stderr"), cmd)
	if err != nil {
		return err
	}
	g.now, g.in = p, in
	g.heard.Go(func() { g.hear(out) })
	return nil
}

// hear notes what a process says until it has ended. A line that was cut short was not said.
func (g *goProcess) hear(out *os.File) {
	defer out.Close()
	for lines := bufio.NewReader(out); ; {
		line, err := lines.ReadString('\n')
		if err != nil {
			if !errors.Is(err, io.EOF) {
				g.arena.ledger.violate("%s cannot be heard: %v", g.name, err)
			}
			return
		}
		var id string
		var at place
		switch {
		case line == "doubt\n":
			g.arena.ledger.doubt()
		case scan(line, "accepted %s %s %d %d\n", &id, &at.broker, &at.queue, &at.offset):
			g.arena.ledger.accept(id, at)
		case scan(line, "received %s\n", &id):
			g.arena.ledger.receive(g.group, numberedBody(id))
		default:
			g.arena.ledger.violate("%s: %s", g.name, strings.TrimSpace(line))
		}
	}
}

func scan(line, format string, into ...any) bool {
	n, _ := fmt.Sscanf(line, format, into...) // it may be another line
	return n == len(into)
}

func (g *goProcess) kill() {
	g.now.kill()
	g.in.Close()
	g.heard.Wait()
}

// leave asks the process to end as a client does that is shut down.
func (g *goProcess) leave() error {
	g.in.Close()
	select {
	case <-g.now.exited:
	case <-time.After(patience):
		g.now.kill()
		return fmt.Errorf("%s does not end: %s", g.name, g.now.lastOutput())
	}
	g.heard.Wait()
	if g.now.waitErr != nil {
		return fmt.Errorf("%s ended with %w: %s", g.name, g.now.waitErr, g.now.lastOutput())
	}
	return nil
}

// hush has it send nothing more; it goes on consuming.
func (g *goProcess) hush() error {
	_, err := fmt.Fprintln(g.in, "hush")
	return err
}

func (g *goProcess) victim() victim {
	return victim{name: g.name, torments: append(ailments(func() *process { return g.now }),
		torment{"kill", func(s *scene) error {
			g.kill()
			s.last(2 * time.Second)
			return g.launch()
		}},
		torment{"leave", func(s *scene) error {
			if err := g.leave(); err != nil {
				return err
			}
			s.last(time.Second)
			return g.launch()
		}},
	)}
}
