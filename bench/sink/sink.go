//go:build linux

package sink

import (
	"crypto/tls"
	"encoding/json"
	"io"
	"math"
	"net/netip"
	"os"

	"github.com/rocketmq-proxy/rocketmq-proxy/bench/wire"
)

// Ports are addresses of one sink, plain or with TLS.
type Ports struct {
	Broker     string // where requests are answered
	NameServer string // its routes name Broker
}

// Addresses is what a sink tells the process that started it. Secured needs TLS, and its routes name what needs TLS.
type Addresses struct{ Plain, Secured Ports }

// Task is the argument of a sink's process.
type Task struct {
	Certificate string // PEM file, with the key; empty: Secured has no addresses
}

// Main is the sink process, which lives until its standard input ends.
func Main(task string, stdin io.Reader, stdout io.Writer) error {
	var t Task
	if err := json.Unmarshal([]byte(task), &t); err != nil {
		return err
	}
	l, err := wire.NewLoop()
	if err != nil {
		return err
	}
	l.Polite = true
	at, err := t.open(l)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(stdout).Encode(at); err != nil {
		return err
	}
	go func() {
		io.Copy(io.Discard, stdin) //nolint:errcheck // the end is what counts
		os.Exit(0)
	}()
	return l.RunUntil(math.MaxInt64, nil)
}

func (t Task) open(l *wire.Loop) (at Addresses, err error) {
	b := &broker{}
	if err := b.listen(l); err != nil {
		return at, err
	}
	if at.Plain, err = ports(l, b, as); err != nil || t.Certificate == "" {
		return at, err
	}
	pair, err := tls.LoadX509KeyPair(t.Certificate, t.Certificate)
	if err != nil {
		return at, err
	}
	at.Secured, err = ports(l, b, func(plain netip.AddrPort) (netip.AddrPort, error) { return wire.Terminate(pair, plain) })
	return at, err
}

// as is a port without TLS in front of it.
func as(plain netip.AddrPort) (netip.AddrPort, error) { return plain, nil }

// ports opens a name server; in front of it and of the broker stands what secure makes.
func ports(l *wire.Loop, b *broker, secure func(netip.AddrPort) (netip.AddrPort, error)) (p Ports, err error) {
	at, err := secure(b.host)
	if err != nil {
		return p, err
	}
	p.Broker = at.String()
	plain, err := l.Listen(0, &nameServer{broker: b, address: p.Broker})
	if err != nil {
		return p, err
	}
	if at, err = secure(plain); err != nil {
		return p, err
	}
	p.NameServer = at.String()
	return p, nil
}
