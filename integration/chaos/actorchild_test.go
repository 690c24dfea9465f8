package chaos

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// actorChild is the environment variable that makes this program be a tree of actors, with the sockets that the proxy
// uses, in front of upstreams, as JSON.
const actorChild = "CHAOS_ACTORS"

// endOfAnswer is the line behind each answer of the child.
const endOfAnswer = "."

// gaveUp is what the child exits with when a pillar fails again and again.
const gaveUp = 3

// tree is what the child consists of.
type tree struct {
	env      *actors.Env
	top      *actor.PID
	stats    *actors.Statistics
	listener *actors.Listener
	sockets  transport.Transport
}

// beActors answers commands from standard input until that ends, and then stops all actors.
func beActors(words string) int {
	var to upstreams
	if err := json.Unmarshal([]byte(words), &to); err != nil {
		return complain(err)
	}
	t, stop, err := growTree(to)
	if err != nil {
		slog.Error("cannot start", "error", err)
		return 1
	}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); fmt.Println(endOfAnswer) {
		switch f := strings.Fields(in.Text()); f[0] {
		case "address":
			for !t.listener.Open() {
				time.Sleep(10 * time.Millisecond)
			}
			fmt.Println(t.listener.Addr())
		case "metrics":
			t.printMetrics()
		case "panic":
			n, _ := strconv.Atoi(f[2])
			fmt.Println(t.panicIn(f[1], n))
		}
	}
	if err := t.env.Stop(t.top); err != nil {
		slog.Error("cannot stop", "error", err)
		return 1
	}
	stop()
	return 0
}

func growTree(to upstreams) (t *tree, stop func(), err error) {
	t = &tree{stats: actors.NewStatistics("main")}
	t.sockets, stop, err = transport.New(codec.Limits{}, 0, 0, time.Second, proxytest.FromEnvironment()...)
	if err != nil {
		return nil, nil, err
	}
	table, err := route.NewPortTable(route.PortOptions{}, nil)
	if err != nil {
		return nil, nil, err
	}
	clusters := []*actors.Cluster{actors.NewCluster("main", to.NameServers, 5*time.Second)}
	t.listener = &actors.Listener{Name: "it", Address: "127.0.0.1:0", StatPrefix: "main", Cluster: clusters[0], Table: table}
	settings := actors.Settings{}
	if to.onePort() {
		moved, err := route.NewMatcher(route.MatcherSpec{Exact: movedTopic})
		if err != nil {
			return nil, nil, err
		}
		settings.OnePortTimeout = route.DefaultOnePortTimeout
		clusters = append(clusters, actors.NewCluster("moved", to.Moved, 5*time.Second))
		t.listener.OnePort, t.listener.Clusters, t.listener.Lines = true, clusters, []route.Line{{Topic: moved, Cluster: "moved"}}
	}
	// Standard error: the parent keeps it.
	t.env = actors.NewEnv(t.sockets, slog.New(slog.NewTextHandler(os.Stderr, nil)), settings, func(why error) {
		slog.Error("the proxy gave up", "reason", why)
		os.Exit(gaveUp)
	})
	t.env.InjectFaults()
	t.top, err = t.env.Start(&actors.Tree{Stats: t.stats, Clusters: clusters, Listeners: []*actors.Listener{t.listener}})
	return t, stop, err
}

// printMetrics prints what /metrics of the program would, as far as it is looked at.
func (t *tree) printMetrics() {
	t.stats.WriteMetrics(os.Stdout)
	metrics.WriteProcessMetrics(os.Stdout)
	metrics.WriteFDMetrics(os.Stdout)
	buffered, _ := t.sockets.Buffered()
	fmt.Println("rocketmq_proxy_buffered_bytes", buffered)
	fmt.Println("actors", len(t.env.Actors(actors.Root)))
}

// panicIn makes the n-th actor of a kind panic, counted around, and returns its id.
func (t *tree) panicIn(kind string, n int) string {
	var ids []string
	for _, id := range t.env.Actors(actors.Root) {
		if actors.Kind(id) == kind {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return "there is none"
	}
	slices.Sort(ids)
	id := ids[n%len(ids)]
	t.env.Fault(id, "chaos")
	return id
}
