package chaos

import (
	"bufio"
	"cmp"
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

	"github.com/rocketmq-proxy/rocketmq-proxy/integration/harness"
)

// goClients are processes of rocketmq-client-go, each with a producer: two with a member each of a group that does not
// care for order, and one with all members of a group that does.
func goClients(t *testing.T, e *environment, c *clients) {
	concurrent, orderly := harness.Unique(t, "concurrent"), harness.Unique(t, "orderly")
	topic := cmp.Or(e.stockTopic, e.topic)
	c.groups = append(c.groups, consumerGroup{concurrent, topic}, consumerGroup{orderly, topic})
	for _, g := range []*goProcess{
		{name: "go-0", group: concurrent},
		{name: "go-1", group: concurrent},
		{name: "go-2", group: orderly, order: newSequence()},
	} {
		g.env = e
		g.start(t)
		c.processes = append(c.processes, g)
		c.stop = append(c.stop, func() {
			if err := g.leave(); err != nil {
				t.Error(err)
			}
		})
	}
}

// goProcess is a process of stock clients (gochild_test.go), and each of its successors: such can be killed and frozen as a
// whole, with their sockets.
type goProcess struct {
	t     *testing.T
	env   *environment
	name  string
	group string
	order *sequence // of a group that consumes in order; nil: it does not
	dir   string
	turn  int // each has ids and client ids of its own

	now     *harness.Process
	in      *os.File
	stopped chan struct{}  // closed when it sends nothing more
	heard   sync.WaitGroup // readers of their output
}

// start starts the first of them.
func (g *goProcess) start(t *testing.T) {
	t.Helper()
	g.t = t
	var err error
	if g.dir, err = harness.RunSubdir(harness.Unique(t, g.name)); err == nil {
		err = g.launch()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.kill)
}

// launch starts the next process.
func (g *goProcess) launch() error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	g.turn++
	child := goChild{
		Topic: cmp.Or(g.env.stockTopic, g.env.topic), Group: g.group, Name: fmt.Sprintf("%s.%d", g.name, g.turn), Ordered: g.order != nil,
		NameServers: []string{g.proxy(0)}, Log: filepath.Join(g.dir, "goclient.log"),
	}
	for n := 1; child.Ordered && n < g.env.orderly; n++ {
		child.NameServers = append(child.NameServers, g.proxy(n))
	}
	words, err := json.Marshal(child)
	if err != nil {
		return err
	}
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), goChildWords+"="+string(words))
	p, in, out, err := harness.StartTalking(g.name, filepath.Join(g.dir, "stderr"), cmd)
	if err != nil {
		return err
	}
	p.WatchBypasses(g.t)
	g.now, g.in, g.stopped = p, in, make(chan struct{})
	g.heard.Go(func() { g.hear(out) })
	return nil
}

// proxy is the name server of the n-th proxy of the present process: with each process they come in another order.
func (g *goProcess) proxy(n int) string {
	return g.env.proxies[(g.turn+n)%len(g.env.proxies)].nameServer()
}

// hear notes what a process says until it has ended. A line that was cut short was not said.
func (g *goProcess) hear(out *os.File) {
	defer out.Close()
	for lines := bufio.NewReader(out); ; {
		line, err := lines.ReadString('\n')
		if err != nil {
			if !errors.Is(err, io.EOF) {
				g.env.ledger.violate("%s cannot be heard: %v", g.name, err)
			}
			return
		}
		var id string
		var at place
		switch {
		case line == "doubt\n":
			g.env.ledger.doubt()
		case line == "stopped\n":
			close(g.stopped)
		case scan(line, "accepted %s %s %d %d\n", &id, &at.broker, &at.queue, &at.offset):
			g.env.ledger.accept(id, g.env.storedAt(at))
		case scan(line, "received %s %s %d %d\n", &id, &at.broker, &at.queue, &at.offset):
			g.received(id, at)
		default:
			g.env.ledger.violate("%s: %s", g.name, strings.TrimSpace(line))
		}
	}
}

func (g *goProcess) received(id string, at place) {
	g.env.ledger.receive(g.group, numberedBody(id))
	if g.order == nil {
		return
	}
	if err := g.order.see(at, id); err != nil {
		g.env.ledger.violate("%s: %v", g.group, err)
	}
}

// storedAt is where a message is of which this client says where it was stored. It names no broker, and says the one that it
// has chosen: while its topic has no route it chooses by that of TBW102, and behind one port the only broker of the topic
// gets the message all the same.
func (e *environment) storedAt(at place) place {
	for broker, topic := range e.moved {
		if topic == e.stockTopic {
			at.broker = broker
		}
	}
	return at
}

func scan(line, format string, into ...any) bool {
	n, _ := fmt.Sscanf(line, format, into...) // it may be another line
	return n == len(into)
}

func (g *goProcess) kill() {
	g.now.Kill()
	g.in.Close()
	g.heard.Wait()
}

// leave asks the process to end as a client does that is shut down.
func (g *goProcess) leave() error {
	g.in.Close()
	err := g.now.AwaitEnd()
	g.heard.Wait()
	return err
}

// stopSending has it send nothing more and returns when all that it has sent is known; it goes on consuming.
func (g *goProcess) stopSending() error {
	if _, err := fmt.Fprintln(g.in, "stop"); err != nil {
		return fmt.Errorf("%s is gone: %w: %s", g.name, err, g.now.LastOutput())
	}
	select {
	case <-g.stopped:
		return nil
	case <-time.After(harness.Patience):
		return fmt.Errorf("%s has not ended sending within %s; its output is in %s", g.name, harness.Patience, g.now.LogPath)
	}
}

func (g *goProcess) target() target {
	v := target{name: g.name, faults: processFaults(func() *harness.Process { return g.now })}
	if g.order != nil {
		return v // what its members have locked would stay locked for a minute
	}
	v.faults = append(v.faults,
		fault{"kill", func(in *injection) error {
			g.kill()
			in.waitUpTo(2 * time.Second)
			return g.launch()
		}},
		fault{"leave", func(in *injection) error {
			if err := g.leave(); err != nil {
				return err
			}
			in.waitUpTo(time.Second)
			return g.launch()
		}},
	)
	return v
}
