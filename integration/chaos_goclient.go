package integration

import (
	"bufio"
	"encoding/json"
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

// goClients are processes of rocketmq-client-go, each with a producer: two with a member each of a group that does not
// care for order, and one with two members of a group that does. They come back by timers of 20 and 30 seconds, and so
// take part in long rounds only.
func goClients(t *testing.T, a *arena, c *crowd) {
	concurrent, orderly := unique(t, "concurrent"), unique(t, "orderly")
	c.groups = append(c.groups, concurrent, orderly)
	for _, g := range []*goProcess{
		{name: "go-0", group: concurrent},
		{name: "go-1", group: concurrent},
		{name: "go-2", group: orderly, order: newSequence()},
	} {
		g.arena = a
		g.start(t)
		c.processes = append(c.processes, g)
		c.stop = append(c.stop, func() {
			if err := g.leave(); err != nil {
				t.Error(err)
			}
		})
	}
}

// goProcess is a seat for processes with a stock client each (chaos_gochild.go), one after another: this one can be
// killed and frozen as a whole, with its sockets.
type goProcess struct {
	arena *arena
	name  string
	group string
	order *sequence // of a group that consumes in order; nil: it does not
	dir   string
	turn  int // each has ids and client ids of its own

	now   *process
	in    *os.File
	heard sync.WaitGroup // whoever reads what they say
}

// start starts the first of them.
func (g *goProcess) start(t *testing.T) {
	t.Helper()
	var err error
	if g.dir, err = runSubdir(unique(t, g.name)); err == nil {
		err = g.launch()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.kill)
}

// launch starts the next process. Its members are each behind another proxy.
func (g *goProcess) launch() error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	g.turn++
	child := goChild{Topic: g.arena.topic, Group: g.group, Name: fmt.Sprintf("%s.%d", g.name, g.turn), Ordered: g.order != nil,
		Log: filepath.Join(g.dir, "goclient.log")}
	for i := range 2 {
		child.NameServers = append(child.NameServers, g.arena.fronts[(g.turn+i)%len(g.arena.fronts)].nameServer())
	}
	if !child.Ordered {
		child.NameServers = child.NameServers[:1]
	}
	words, err := json.Marshal(child)
	if err != nil {
		return err
	}
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), goChildWords+"="+string(words))
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
		case scan(line, "received %s %s %d %d\n", &id, &at.broker, &at.queue, &at.offset):
			g.received(id, at)
		default:
			g.arena.ledger.violate("%s: %s", g.name, strings.TrimSpace(line))
		}
	}
}

func (g *goProcess) received(id string, at place) {
	g.arena.ledger.receive(g.group, numberedBody(id))
	if g.order == nil {
		return
	}
	if err := g.order.see(at, id); err != nil {
		g.arena.ledger.violate("%s: %v", g.group, err)
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
	v := victim{name: g.name, torments: ailments(func() *process { return g.now })}
	if g.order != nil {
		return v // what its members have locked would stay locked for a minute
	}
	v.torments = append(v.torments,
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
	)
	return v
}
