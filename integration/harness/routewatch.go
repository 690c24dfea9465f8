package harness

import (
	"bytes"
	"io"
	"maps"
	"net"
	"slices"
	"sync"
	"testing"
	"time"
)

// RoutePeriod is how often clients look at the routes of their topics, counted from their start.
const RoutePeriod = 30 * time.Second

// RouteWatch is a relay in front of a name server for one client. It keeps what the client was told of one topic, and when:
// what a client does before it can know a broker, or while it cannot know that one is lost, says nothing about the path.
type RouteWatch struct {
	*Relay
	topic string

	mu    sync.Mutex
	looks []RouteLook
}

// RouteLook is one answer of a name server: which brokers have the topic, in order.
type RouteLook struct {
	At      time.Time
	Brokers []string
}

// NewRouteLook is an answer that has just come.
func NewRouteLook(route map[string]string) RouteLook {
	return RouteLook{At: time.Now(), Brokers: slices.Sorted(maps.Keys(route))}
}

// WatchRoutes starts a watch that ends with the test.
func WatchRoutes(t *testing.T, nameServer, topic string) *RouteWatch {
	t.Helper()
	w := &RouteWatch{topic: topic}
	w.Relay = startRelay(t, "127.0.0.1", nameServer, w.pass)
	return w
}

// Looks returns what the client has been told so far.
func (w *RouteWatch) Looks() []RouteLook {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.looks)
}

func (w *RouteWatch) pass(client, server net.Conn) {
	var asked sync.Map // opaques of requests for the topic's route
	go func() {
		eachFrame(server, client, func(request *Answer) {
			if request.Code == 105 && request.ExtFields["topic"] == w.topic { // GET_ROUTEINFO_BY_TOPIC
				asked.Store(request.Opaque, true)
			}
		})
		server.Close()
	}()
	eachFrame(client, server, func(a *Answer) {
		if _, ours := asked.LoadAndDelete(a.Opaque); ours && a.Err() == nil {
			w.note(a)
		}
	})
}

func (w *RouteWatch) note(a *Answer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.looks = append(w.looks, NewRouteLook(brokersIn(a.Body)))
}

// eachFrame copies frames until one end closes. A frame is seen before it is passed on, so before its answer.
func eachFrame(to io.Writer, from io.Reader, see func(*Answer)) {
	for {
		var frame bytes.Buffer
		a, err := ReadAnswer(io.TeeReader(from, &frame))
		if err != nil {
			return
		}
		see(a)
		if _, err := to.Write(frame.Bytes()); err != nil {
			return
		}
	}
}
