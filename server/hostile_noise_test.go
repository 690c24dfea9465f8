package server

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
)

// Noise is random bytes and good frames in which something is wrong, from several peers at a time, always the same by
// its seed. Neighbors on the same ports get the right answers all the time, and in the end nothing is left.

const (
	noisyPeers = 4
	noiseEach  = 20 << 20 // bytes that are made up for each of them
)

// dice makes noise.
type dice struct{ *rand.Rand }

func newDice(a, b uint64) dice { return dice{rand.New(rand.NewPCG(a, b))} }

func (d dice) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(d.Uint32())
	}
	return b
}

// noise is random bytes, or a few of the good frames with something wrong in some of them.
func (d dice) noise(good [][]byte) (b []byte) {
	if d.IntN(4) == 0 {
		return d.bytes(1 + d.IntN(4096))
	}
	for range 1 + d.IntN(8) {
		frame := good[d.IntN(len(good))]
		if d.IntN(3) == 0 {
			frame = d.spoil(frame)
		}
		b = append(b, frame...)
	}
	if d.IntN(8) == 0 {
		b = b[:1+d.IntN(len(b))]
	}
	return b
}

// spoil flips bits, lies about a length, or takes out, doubles or puts in bytes.
func (d dice) spoil(frame []byte) []byte {
	b := bytes.Clone(frame)
	at := d.IntN(len(b))
	some := d.IntN(min(16, len(b)-at) + 1)
	switch d.IntN(6) {
	case 0:
		for range 1 + d.IntN(4) {
			b[d.IntN(len(b))] ^= 1 << d.IntN(8)
		}
	case 1:
		binary.BigEndian.PutUint32(b, d.length(len(b)))
	case 2: // the upper byte of which is the encoding
		binary.BigEndian.PutUint32(b[4:], uint32(d.IntN(3))<<24|d.length(len(b))&0xffffff)
	case 3:
		b = append(b[:at], b[at+some:]...)
	case 4:
		b = append(b[:at+some], frame[at:]...)
	case 5:
		b = append(b[:at], append(d.bytes(some), frame[at:]...)...)
	}
	return b
}

func (d dice) length(real int) uint32 {
	switch d.IntN(3) {
	case 0:
		return uint32(real + d.IntN(64) - 32)
	case 1:
		return uint32(d.IntN(1 << 17))
	default:
		return d.Uint32()
	}
}

// said are good frames, in both encodings.
func said(commands ...codec.Command) (frames [][]byte) {
	for i := range commands {
		for _, enc := range []codec.Encoding{codec.JSON, codec.Binary} {
			commands[i].Opaque = int32(len(frames))
			frames = append(frames, commands[i].Append(nil, enc))
		}
	}
	return frames
}

// asked are requests of all kinds.
func asked() [][]byte {
	beat := `{"clientID":"10.0.0.1@noise","consumerDataSet":[{"groupName":"g"}],"producerDataSet":[],"withoutSub":false}`
	topic := map[string]string{"topic": "News"}
	return said(
		codec.Command{Code: codec.ReqSendMessageV2, Version: codec.Version5_5_0, Ext: sendExt, Body: []byte("body")},
		codec.Command{Code: codec.ReqSendMessageV2, Ext: sendExt, Body: make([]byte, 70_000)},
		codec.Command{Code: codec.ReqSendMessageV2, Flag: codec.FlagOneway, Ext: sendExt, Body: []byte("oneway")},
		codec.Command{Code: codec.ReqPullMessage, Ext: topic, Remark: "a remark"},
		codec.Command{Code: codec.ReqHeartBeat, Language: codec.Java, Body: []byte(beat)},
		codec.Command{Code: codec.ReqHeartBeat, Language: codec.Go, Body: []byte(beat + strings.Repeat(" ", 30_000))},
		codec.Command{Code: codec.ReqUnregisterClient, Ext: map[string]string{"clientID": "10.0.0.1@noise"}},
		codec.Command{Code: codec.ReqEndTransaction, Flag: codec.FlagOneway},
		codec.Command{Code: codec.ReqGetRouteInfoByTopic, Version: codec.Version5_5_0, Ext: topic},
		codec.Command{Code: codec.ReqGetBrokerClusterInfo},
		codec.Command{Code: codec.ReqRegisterBroker, Ext: map[string]string{"brokerName": "broker-a"}},
		codec.Command{Code: codec.ReqGetAllTopicListFromNameServer},
		codec.Command{Code: 9999, Flag: codec.FlagResponse},
	)
}

// crew runs a function for each noisy peer, of which what it returns is what went wrong.
func crew(t *testing.T, peer func(i int) error) {
	t.Helper()
	var wg sync.WaitGroup
	errs := make([]error, noisyPeers)
	begun := time.Now()
	for i := range noisyPeers {
		wg.Add(1)
		go func() { defer wg.Done(); errs[i] = peer(i) }()
	}
	wg.Wait()
	require.NoError(t, errors.Join(errs...))
	t.Logf("noise for %s", time.Since(begun))
}

// watch has neighbors on the port of the noisy broker, if it echoes what begins with "good", and on the name-server port.
func (s *stage) watch(broker string) (check func()) {
	s.t.Helper()
	known := s.place("liar")
	n := 0
	echo := newNeighborThat(dial(s.t, broker), func(c *client) (*codec.Command, error) {
		n++
		body := fmt.Sprint("good ", n)
		a, err := c.Try(&codec.Command{Code: codec.ReqPullMessage, Ext: sendExt, Body: []byte(body)})
		if err == nil && a.Code == codec.ResSuccess && string(a.Body) != body {
			err = fmt.Errorf("%q for %q", a.Body, body)
		}
		return a, err
	})
	topics := 0
	routes := newNeighborThat(dial(s.t, s.Addr("office")), func(c *client) (*codec.Command, error) {
		topics++
		a, err := c.Try(&codec.Command{Code: codec.ReqGetRouteInfoByTopic, Ext: map[string]string{"topic": fmt.Sprint("Topic", topics%50)}})
		if err == nil && a.Code == codec.ResSuccess && !strings.Contains(string(a.Body), `"`+known+`"`) {
			err = fmt.Errorf("%s is not in %q", known, a.Body)
		}
		return a, err
	})
	return func() {
		s.t.Helper()
		for what, n := range map[string]*neighbor{"echo": echo, "routes": routes} {
			n.stop()
			require.NoError(s.t, n.failure(), what)
			require.Positive(s.t, n.sent.Load(), what)
		}
	}
}

// echoing answers requests with their own bodies.
var echoing = proxytest.Answering(func(q *codec.Command) []byte {
	a := success(q)
	a.Body = q.Body
	return a.Append(nil, codec.JSON)
})

func TestNoiseOfClients(t *testing.T) {
	s := newStage(t, "")
	s.liar.Plays(echoing)
	ports := []string{s.place("liar"), s.Addr("office")}
	check := s.watch(ports[0])
	good := asked()
	crew(t, func(i int) error {
		d := newDice(1, uint64(i))
		for made := 0; made < noiseEach; {
			nc, err := net.DialTimeout("tcp", ports[d.IntN(2)], patience)
			if err != nil {
				return err
			}
			nc.SetDeadline(time.Now().Add(patience))
			read := make(chan error, 1)
			go func() { _, err := io.Copy(io.Discard, nc); read <- err }()
			for range 1 + d.IntN(3) {
				b := d.noise(good)
				made += len(b)
				nc.Write(b) // the proxy may have closed it
			}
			if d.IntN(2) == 0 {
				proxytest.Reset(nc)
			} else {
				nc.(*net.TCPConn).CloseWrite()
			}
			if err := <-read; errors.Is(err, os.ErrDeadlineExceeded) {
				return errors.New("a connection stays open")
			}
			nc.Close()
		}
		return nil
	})
	check()
	require.Positive(t, s.stat("request_decoding_error"))
	s.await(func() bool { // the three are read one after another
		return s.stat("request") == s.stat("request_decoding_success")+s.stat("request_decoding_error")
	}, "each request is counted")
	s.unharmed()
}

// answers reads until all of some requests are answered or the connection ends; what is not a frame ends it, too.
func answers(c net.Conn, opaques ...int32) error {
	waiting := map[int32]bool{}
	for _, o := range opaques {
		waiting[o] = true
	}
	for len(waiting) > 0 {
		a, _, err := codec.ReadCommand(c, codec.Limits{})
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return fmt.Errorf("no answer to %v, and no end", waiting)
		}
		if err != nil {
			return nil
		}
		delete(waiting, a.Opaque)
	}
	return nil
}

// noisy has clients ask until the server behind has made up its noise: requests is a few at a time.
func noisy(t *testing.T, port string, made *atomic.Int64, requests func(d dice, opaque int32) *codec.Command) {
	t.Helper()
	crew(t, func(i int) error {
		d := newDice(2, uint64(i))
		for made.Load() < noisyPeers*noiseEach {
			nc, err := net.DialTimeout("tcp", port, patience)
			if err != nil {
				return err
			}
			nc.SetDeadline(time.Now().Add(patience))
			var b []byte
			for opaque := range int32(4) {
				b = requests(d, opaque).Append(b, codec.JSON)
			}
			nc.Write(b)
			err = answers(nc, 0, 1, 2, 3)
			proxytest.Reset(nc)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func TestNoiseOfBrokers(t *testing.T) {
	s := newStage(t, "")
	good := append(asked(), said(
		codec.Command{Flag: codec.FlagResponse, Ext: map[string]string{"msgId": "7F00000100002A9F0000000000000000"}},
		codec.Command{Flag: codec.FlagResponse, Body: make([]byte, 70_000)},
		codec.Command{Code: codec.ReqNotifyConsumerIDsChanged, Flag: codec.FlagOneway, Ext: map[string]string{"consumerGroup": "g"}})...)
	var made atomic.Int64
	var seed atomic.Uint64
	s.liar.Plays(func(up net.Conn) {
		first, _, err := codec.ReadCommand(up, codec.Limits{})
		if err != nil {
			return
		}
		if strings.HasPrefix(string(first.Body), "good") {
			a := success(first)
			a.Body = first.Body
			up.Write(a.Append(nil, codec.JSON))
			echoing(up)
			return
		}
		d := newDice(3, seed.Add(1))
		for range 1 + d.IntN(4) {
			b := d.noise(good)
			made.Add(int64(len(b)))
			if _, err := up.Write(b); err != nil {
				return
			}
		}
	})
	place := s.place("liar")
	check := s.watch(place)
	noisy(t, place, &made, func(d dice, opaque int32) *codec.Command {
		return &codec.Command{Code: codec.ReqSendMessageV2, Opaque: opaque, Ext: sendExt, Body: []byte("x")}
	})
	check()
	require.Positive(t, s.stat("response_decoding_error"))
	s.unharmed()
}

// One of two name servers makes noise, and the other one does about what is relayed. What could be true is left out:
// name servers are believed.
func TestNoiseOfNameServers(t *testing.T) {
	other := proxytest.NewFakeBroker(t)
	s := newStage(t, "timeouts = { name_server = '200ms' }\n", other)
	s.liar.Plays(echoing)
	var made atomic.Int64
	var seed atomic.Uint64
	noise := func(honest func(q *codec.Command) bool) func(net.Conn) {
		return func(up net.Conn) {
			d := newDice(4, seed.Add(1))
			for left := 1 + d.IntN(4); left > 0; {
				q, _, err := codec.ReadCommand(up, codec.Limits{})
				if err != nil {
					return
				}
				answer := s.named(q)
				if q.Code == codec.ReqGetAllTopicListFromNameServer {
					answer.Body = make([]byte, 20_000)
				}
				b := answer.Append(nil, codec.JSON)
				if !honest(q) {
					if b = d.noise([][]byte{b}); credible(b, answer) {
						b = d.bytes(1 + d.IntN(4096))
					}
					made.Add(int64(len(b)))
					left--
				}
				if _, err := up.Write(b); err != nil {
					return
				}
			}
		}
	}
	s.names.Plays(noise(func(*codec.Command) bool { return false }))
	other.Plays(noise(func(q *codec.Command) bool {
		return q.Code != codec.ReqGetAllTopicListFromNameServer
	}))
	check := s.watch(s.place("liar"))
	noisy(t, s.Addr("office"), &made, func(d dice, opaque int32) *codec.Command {
		code := codec.ReqGetAllTopicListFromNameServer
		if d.IntN(50) == 0 { // the directory waits for a better answer
			code = codec.ReqGetRouteInfoByTopic
		}
		return &codec.Command{Code: code, Opaque: opaque, Ext: map[string]string{"topic": fmt.Sprint("Noise", d.IntN(1000))}}
	})
	check()
	s.names.Plays(proxytest.Answering(s.nameServer))
	other.Plays(proxytest.Answering(s.nameServer))
	s.unharmed()
}

// credible reports that b says something else than an answer does, in frames that can be read.
func credible(b []byte, answer *codec.Command) bool {
	for r := bytes.NewReader(b); ; {
		c, _, err := codec.ReadCommand(r, codec.Limits{})
		if err != nil {
			return false
		}
		if json.Valid(c.Body) && (c.Opaque != answer.Opaque || !bytes.Equal(c.Body, answer.Body)) {
			return true
		}
	}
}
