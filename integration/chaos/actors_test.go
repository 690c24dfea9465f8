package chaos

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/integration/harness"
)

// actorTree is a process with the proxy's tree of actors, where these can be made to panic (actorchild_test.go). The
// program has no way to do that to itself.
type actorTree struct {
	process *harness.Process
	address string // of the name-server port

	mu  sync.Mutex
	in  *os.File
	out *bufio.Scanner
}

func newActorTree(t *testing.T, to upstreams) *actorTree {
	t.Helper()
	dir, err := harness.RunSubdir(harness.Unique(t, "actors"))
	if err != nil {
		t.Fatal(err)
	}
	a := &actorTree{}
	if err := a.launch(dir, to); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		a.in.Close()
		if err := a.process.AwaitEnd(); err != nil {
			t.Error(err)
		}
	})
	said, err := a.ask("address")
	if err != nil {
		t.Fatal(err)
	}
	a.address = strings.TrimSpace(said)
	return a
}

func (a *actorTree) launch(dir string, to upstreams) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	words, err := json.Marshal(to)
	if err != nil {
		return err
	}
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), actorChild+"="+string(words))
	p, in, out, err := harness.StartTalking("actors", filepath.Join(dir, "proxy.log"), cmd)
	if err != nil {
		return err
	}
	a.process, a.in, a.out = p, in, bufio.NewScanner(out)
	return nil
}

// ask gives the process a command and returns what it prints.
func (a *actorTree) ask(words ...string) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, err := fmt.Fprintln(a.in, strings.Join(words, " ")); err != nil {
		return "", fmt.Errorf("the actors' process is gone: %w: %s", err, a.process.LastOutput())
	}
	var said strings.Builder
	for a.out.Scan() {
		if a.out.Text() == endOfAnswer {
			return said.String(), nil
		}
		fmt.Fprintln(&said, a.out.Text())
	}
	return "", fmt.Errorf("the actors' process ended: %w: %s", cmp.Or(a.out.Err(), io.EOF), a.process.LastOutput())
}

func (a *actorTree) nameServer() string { return a.address }

func (a *actorTree) measure(context.Context) (baseline, error) {
	text, err := a.ask("metrics")
	if err != nil {
		return baseline{}, err
	}
	return baselineIn(text)
}

// target has one fault for each kind of actor. The pause between two keeps each far from the number of failures that
// its supervisor takes for a crash loop.
func (a *actorTree) target() target {
	v := target{name: "actors", faults: processFaults(func() *harness.Process { return a.process })}
	for _, kind := range actors.Kinds() {
		v.faults = append(v.faults, fault{"panic in a " + kind, func(in *injection) error {
			id, err := a.ask("panic", kind, strconv.Itoa(in.rand.Int()))
			in.log("%s", strings.TrimSpace(id))
			return err
		}})
	}
	return v
}
