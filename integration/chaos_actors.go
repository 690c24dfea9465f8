package integration

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// actorTree is the proxy's tree of actors in this process, with the sockets that the program uses, where actors can be
// made to panic. The program has no way to do that to itself, and so there is no process here.
type actorTree struct {
	env      *actors.Env
	top      *actor.PID
	stats    *actors.Statistics
	listener *actors.Listener
}

func newActorTree(t *testing.T, nameServers []string, l *ledger) *actorTree {
	t.Helper()
	dir, err := runSubdir(unique(t, "actors"))
	if err != nil {
		t.Fatal(err)
	}
	logFile, err := os.Create(filepath.Join(dir, "proxy.log"))
	if err != nil {
		t.Fatal(err)
	}
	sockets, stop, err := transport.New(codec.Limits{}, 0, 0, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	table, err := route.NewPortTable(route.PortOptions{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	d := actors.NewDirectory("main", nameServers, 5*time.Second)
	a := &actorTree{stats: actors.NewStatistics("main")}
	a.listener = &actors.Listener{Name: "it", Address: "127.0.0.1:0", StatPrefix: "main", Directory: d, Table: table}
	a.env = actors.NewEnv(sockets, slog.New(slog.NewTextHandler(logFile, nil)), actors.Settings{}, func(why error) {
		l.violate("the proxy gave up: %v", why)
	})
	a.top, err = a.env.Start(&actors.Tree{Statistics: a.stats, Directories: []*actors.Directory{d}, Listeners: []*actors.Listener{a.listener}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.env.Stop(a.top); err != nil {
			t.Error(err)
		}
		stop()
		logFile.Close()
	})
	await(t, func() error {
		if !a.listener.Open() {
			return fmt.Errorf("the listener is not open")
		}
		return nil
	})
	return a
}

func (a *actorTree) nameServer() string { return a.listener.Addr().String() }

func (a *actorTree) vitals(context.Context) (vitals, error) {
	var text bytes.Buffer
	a.stats.WriteMetrics(&text)
	buffered, _ := a.env.Transport.Buffered()
	fmt.Fprintln(&text, "rocketmq_proxy_buffered_bytes", buffered)
	return vitals{text: text.String(), inside: true, actors: len(a.env.Actors(actors.Root))}, nil
}

// victim has one torment for each kind of actor. The pause between two keeps each far from the number of failures that
// its supervisor takes for a crash loop.
func (a *actorTree) victim() victim {
	v := victim{name: "actors"}
	for _, kind := range actors.Kinds() {
		v.torments = append(v.torments, torment{"panic in a " + kind, func(s *scene) error {
			var ids []string
			for _, id := range a.env.Actors(actors.Root) {
				if actors.Kind(id) == kind {
					ids = append(ids, id)
				}
			}
			if len(ids) == 0 {
				return nil
			}
			slices.Sort(ids)
			id := ids[s.rand.IntN(len(ids))]
			s.log("%s", id)
			a.env.System.Root.Send(a.env.System.NewLocalPID(id), &messages.Fault{Reason: "chaos"})
			return nil
		}})
	}
	return v
}
