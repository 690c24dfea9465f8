//go:build linux

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// spec is the task of one load generator process.
type spec struct {
	NameServer  string
	Workload    workload
	Answer      int // bytes of a pull's answer
	Connections int
	Window      int     // requests in flight on each connection
	Rate        float64 // of all connections together, per second; 0: as fast as answers come
	Idle        bool    // one request on each connection, then silence
	Settle      time.Duration
	Warmup      time.Duration
	Measure     time.Duration
	PID         int // the candidate's process; 0: none
}

// outcome is what the generator measured. CPU and memory are the candidate's.
type outcome struct {
	Requests int
	Seconds  float64
	CPU      time.Duration
	P50, P99 time.Duration
	Before   int64 // resident bytes before the load
	After    int64 // resident bytes after it; of Idle: with the connections open
	Peak     int64 // the most there ever was
	Clients  int
	Start    time.Duration // of the candidate, to its first answer
}

// runLoad is the load generator process.
func runLoad(s spec, stdout io.Writer) error {
	o, err := s.run()
	if err != nil {
		return err
	}
	return json.NewEncoder(stdout).Encode(o)
}

func (s *spec) run() (*outcome, error) {
	to, err := askRoute(s.NameServer)
	if err != nil {
		return nil, err
	}
	o := &outcome{Clients: s.Connections}
	if o.Before, err = resident(s.PID); err != nil {
		return nil, err
	}
	g, err := s.connect(to)
	if err != nil {
		return nil, err
	}
	switch {
	case s.Idle:
		err = g.idle(s)
	case s.Rate > 0:
		err = g.open(s, o)
	default:
		err = g.saturate(s, o)
	}
	if err != nil {
		return nil, err
	}
	o.count(g)
	if o.After, err = resident(s.PID); err != nil {
		return nil, err
	}
	o.Peak, err = peakResident(s.PID)
	return o, err
}

// call sends a request on a connection of its own. An answer of another code than success is an error.
func call(address string, c *codec.Command) (*codec.Command, error) {
	nc, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return nil, err
	}
	defer nc.Close()
	nc.SetDeadline(time.Now().Add(5 * time.Second)) //nolint:errcheck // a TCP socket that is open has deadlines
	if _, err := nc.Write(c.Append(nil, codec.JSON)); err != nil {
		return nil, err
	}
	answer, _, err := codec.ReadCommand(nc, codec.Limits{})
	if err != nil {
		return nil, fmt.Errorf("cannot read the answer of %s to request %d: %w", address, c.Code, err)
	}
	if answer.Code != codec.ResSuccess {
		return answer, fmt.Errorf("%s answered request %d with code %d: %s", address, c.Code, answer.Code, answer.Remark)
	}
	return answer, nil
}

// askRoute does what a client does first: it asks a name server for the topic's route and takes the master's address.
func askRoute(nameServer string) (netip.AddrPort, error) {
	answer, err := call(nameServer, request(codec.ReqGetRouteInfoByTopic, map[string]string{"topic": topic, "acceptStandardJsonOnly": "true"}, 0))
	if err != nil {
		return netip.AddrPort{}, err
	}
	var route struct {
		BrokerDatas []struct{ BrokerAddrs map[string]string }
	}
	if err := json.Unmarshal(answer.Body, &route); err != nil {
		return netip.AddrPort{}, fmt.Errorf("cannot read the route from %s: %w", nameServer, err)
	}
	if len(route.BrokerDatas) == 0 {
		return netip.AddrPort{}, fmt.Errorf("the route from %s names no broker", nameServer)
	}
	return netip.ParseAddrPort(route.BrokerDatas[0].BrokerAddrs["0"])
}

// generator is the load on its way. It is the peer of all its connections; each has slots, one for each request that
// may be in flight, and a slot's number is in the opaque of its request.
type generator struct {
	loop    *loop
	conns   []*conn
	slots   int // of one connection
	first   *template
	ack     *template
	started []int64 // by connection and slot: when the request was, or should have been, sent
	free    [][]int // open loop: slots at rest, by connection
	acks    []int   // pop: acks that wait for their answer, by connection

	respond   func(g *generator, c *conn, slot int)
	measuring bool
	done      int
	took      []time.Duration
}

var errRefused = errors.New("a request was answered with an error")

func (s *spec) connect(to netip.AddrPort) (*generator, error) {
	l, err := newLoop()
	if err != nil {
		return nil, err
	}
	g := &generator{loop: l, slots: s.Window, took: make([]time.Duration, 0, 1<<20), respond: (*generator).repeat}
	g.first, g.ack = s.Workload.templates(s.Answer)
	if s.Workload == popAndAck {
		g.slots, g.respond = 1+popMessages, (*generator).popped
		g.acks = make([]int, s.Connections)
	}
	g.started = make([]int64, s.Connections*g.slots)
	for i := range s.Connections {
		c, err := l.connect(to, loopback(1+i/20_000), g)
		if err != nil {
			return nil, fmt.Errorf("connection %d of %d: %w", i+1, s.Connections, err)
		}
		c.index = i
		g.conns = append(g.conns, c)
	}
	return g, nil
}

func (g *generator) frame(c *conn, head []byte) {
	slot := opaqueOf(head) - firstOpaque
	if codeOf(head) != int(codec.ResSuccess) || slot < 0 || slot >= g.slots {
		g.loop.err = fmt.Errorf("%w: %q", errRefused, head[codec.PrefixLen:])
		return
	}
	if g.measuring {
		g.done++
		g.took = append(g.took, time.Duration(g.loop.now-g.started[c.index*g.slots+slot]))
	}
	g.respond(g, c, slot)
}

func (g *generator) closed(c *conn, err error) {
	g.loop.err = fmt.Errorf("connection %d was closed: %w", c.index, err)
}

// send puts a request into the batch. Its time counts from at.
func (g *generator) send(c *conn, t *template, slot int, at int64) {
	g.started[c.index*g.slots+slot] = at
	g.loop.batch = t.appendTo(g.loop.batch, firstOpaque+slot)
}

func (o *outcome) count(g *generator) {
	o.Requests = g.done
	if len(g.took) > 0 {
		slices.Sort(g.took)
		o.P50, o.P99 = percentile(g.took, 50), percentile(g.took, 99)
	}
}
