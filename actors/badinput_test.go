package actors_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
)

// smallLimits keep the bad frames of these tests small.
var smallLimits = codec.Limits{MaxFrame: 100_000, MaxHeader: 10_000}

// prefixed makes a prefix that says what it likes, and bytes behind it.
func prefixed(total int32, mark uint32, rest string) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(total))
	return append(binary.BigEndian.AppendUint32(b, mark), rest...)
}

// badFrames are bytes that are no frame, and what is said about them.
var badFrames = []struct {
	name   string
	bytes  []byte
	reason string
}{
	{"a length of 0", prefixed(0, 0, ""), "length 0 is below 4"},
	{"a negative length", prefixed(-5, 0, ""), "length -5 is below 4"},
	{"the least length", prefixed(-1<<31, 0, ""), "is below 4"},
	{"an oversized length", prefixed(100_000, 2, "{}"), "exceeds the limit of 100000 bytes (limits.max_frame)"},
	{"the greatest length", prefixed(1<<31-1, 2, "{}"), "exceeds the limit"},
	{"a header over the limit", prefixed(50_000, 10_001, "{"), "exceeds the limit of 10000 bytes (limits.max_header)"},
	{"a header longer than its frame", prefixed(20, 17, "{}"), "does not fit"},
	{"an unknown encoding", prefixed(20, 7<<24|2, "{}"), "unknown header encoding 7"},
	{"HTTP", []byte("GET / HTTP/1.1\r\nHost: mq\r\n\r\n"), "exceeds the limit"},
	{"TLS", []byte("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), "exceeds the limit"},
	{"no JSON", rawJSON(`nonsense`, ""), "JSON header has no '{'"},
	{"broken JSON", rawJSON(`{"code":10,"opaque":`, ""), "JSON header"},
	{"a code that is no number", rawJSON(`{"code":"ten"}`, ""), "code"},
	{"a key twice", rawJSON(`{"code":10,"code":11}`, ""), "twice"},
	{"an empty header", rawJSON(``, "body"), "JSON header"},
	{"a short ROCKETMQ header", prefixed(4+5, 1<<24|5, "12345"), "shorter than its fixed part"},
	{"a lying ROCKETMQ remark", prefixed(4+21, 1<<24|21, strings.Repeat("\x00", 13)+"\x7f\xff\xff\xff\x00\x00\x00\x00"), "remark length"},
	{"lying ROCKETMQ ext fields", prefixed(4+21, 1<<24|21, strings.Repeat("\x00", 17)+"\x00\x00\x00\x09"), "ext fields length"},
}

func TestBadFramesOfClients(t *testing.T) {
	onBoth(t, func(t *testing.T, on sockets) {
		r := start(t, on, options{limits: smallLimits})
		other, otherBroker := r.pinned()
		for _, bad := range badFrames {
			t.Run(bad.name, func(t *testing.T) {
				before := len(r.log.lines("malformed frame from client"))
				client, broker := r.pinned()
				client.open(broker)
				client.write(bad.bytes)
				client.ends()
				broker.ends()
				r.until("it is logged", func() bool { return len(r.log.lines("malformed frame from client")) > before })
				lines := r.log.lines("malformed frame from client", "client="+client.local())
				require.Len(t, lines, 1, "logged once, with the peer; all: %q", r.log.lines("malformed frame")[before:])
				require.Contains(t, lines[0], bad.reason)
				require.Contains(t, lines[0], "level=WARN")
				require.Equal(t, bad.name == "HTTP", strings.Contains(lines[0], "looks_like=HTTP"))
			})
		}
		other.open(otherBroker)
		other.close()
		r.settle(1 + len(badFrames))
		require.Equal(t, len(badFrames), r.stat("request_decoding_error"))
		require.Equal(t, r.stat("request_decoding_success")+len(badFrames), r.stat("request"))
		require.Zero(t, r.stat("response_decoding_error"))
		r.gaugesAreZero()
	})
}

// What came before the bad bytes in one write is read and counted.
func TestGoodFramesBeforeABadOneAreCounted(t *testing.T) {
	onBoth(t, func(t *testing.T, on sockets) {
		r := start(t, on, options{})
		client, broker := r.pinned()
		good := frame(&codec.Command{Code: codec.ReqSendMessage, Opaque: 9, Flag: codec.FlagOneway, Body: []byte("good")})
		client.write(append(good, prefixed(-1, 0, "bad")...))
		client.ends()
		r.settle(1)
		broker.close()
		require.Equal(t, 1, r.stat("send_message_v1"))
		require.Equal(t, 1, r.stat("request_decoding_error"))
	})
}

// Their memory is given back although the connection ends while they are on their way.
func TestGoodFramesBeforeABadOneAreNotKept(t *testing.T) {
	onBoth(t, func(t *testing.T, on sockets) {
		r := start(t, on, options{})
		good := frame(&codec.Command{Code: codec.ReqSendMessage, Opaque: 9, Body: make([]byte, 3000)})
		for range 500 {
			client := dial(t, r.port(brokerA))
			client.write(append(bytes.Clone(good), prefixed(-1, 0, "bad")...))
			client.ends()
			client.close()
		}
		r.until("nothing is kept, but for what loops need not tell", func() bool {
			n, _ := r.env.Transport.Buffered()
			return int(n) < len(r.env.Transport.Executors())*256<<10
		})
	})
}

func TestBadFramesOnTheNameServerPort(t *testing.T) {
	onBoth(t, func(t *testing.T, on sockets) {
		r := start(t, on, options{limits: smallLimits})
		for _, bad := range badFrames {
			client := dial(t, r.nameServer())
			client.write(bad.bytes)
			client.ends()
		}
		r.settle(len(badFrames))
		require.Equal(t, len(badFrames), r.stat("request_decoding_error"))
		require.Equal(t, codec.ResTopicNotExist, dial(t, r.nameServer()).call(routeRequest("Unknown")).Code)
	})
}

func TestBadFramesOfBrokers(t *testing.T) {
	onBoth(t, func(t *testing.T, on sockets) {
		r := start(t, on, options{limits: smallLimits})
		other, otherBroker := r.pinned()
		for _, bad := range badFrames {
			t.Run(bad.name, func(t *testing.T) {
				client, broker := r.pinned()
				opaque := client.request(codec.ReqSendMessage, "in flight")
				broker.next()
				broker.write(bad.bytes)
				a := client.next()
				require.Equal(t, opaque, a.Opaque)
				require.Equal(t, codec.ResServiceNotAvailable, a.Code)
				require.Contains(t, a.Remark, bad.reason)
				broker.ends()
				client.request(codec.ReqSendMessage, "next")
				broker = r.broker.accept()
				broker.answer(broker.next(), "stored")
				require.Equal(t, "stored", string(client.next().Body), "the client is kept")
				lines := r.log.lines("malformed frame from upstream", "client="+client.local())
				require.Len(t, lines, 1)
				require.Contains(t, lines[0], "upstream="+r.broker.addr)
				require.Equal(t, bad.name == "HTTP", strings.Contains(lines[0], "looks_like=HTTP"))
				require.Contains(t, lines[0], bad.reason)
				client.close()
			})
		}
		other.open(otherBroker)
		other.close()
		r.settle(1 + len(badFrames))
		require.Equal(t, len(badFrames), r.stat("response_decoding_error"))
		require.Equal(t, r.stat("response_decoding_success")+len(badFrames), r.stat("response"))
		require.Zero(t, r.stat("request_decoding_error"))
		r.gaugesAreZero()
	})
}

// What a broker said before the bad bytes still reaches the client.
func TestGoodAnswersBeforeABadOneArrive(t *testing.T) {
	onBoth(t, func(t *testing.T, on sockets) {
		r := start(t, on, options{})
		client, broker := r.pinned()
		client.request(codec.ReqSendMessage, "first")
		client.request(codec.ReqSendMessage, "second")
		first := broker.next()
		broker.next()
		answer := first.Answer(codec.ResSuccess, "stored")
		broker.write(append(frame(answer), prefixed(-1, 0, "bad")...))
		require.Equal(t, "stored", client.next().Remark)
		require.Equal(t, codec.ResServiceNotAvailable, client.next().Code)
	})
}

// A frame of exactly the limit passes, and one byte more does not.
func TestFrameLimitIsExact(t *testing.T) {
	t.Parallel()
	r := start(t, best, options{limits: smallLimits})
	client, broker := r.pinned()
	c := &codec.Command{Code: codec.ReqSendMessage, Opaque: 5}
	c.Body = make([]byte, smallLimits.MaxFrame-len(frame(c)))
	client.write(frame(c))
	require.Len(t, broker.next().Body, len(c.Body))
	c.Body = append(c.Body, 0)
	client.write(frame(c))
	client.nc.CloseWrite() // what it sent behind the prefix is not read; a plain close comes as a reset
	broker.ends()
	r.until("it is logged", func() bool { return len(r.log.lines("malformed frame from client")) == 1 })
}

// A claim of a length costs nothing: buffers grow with the bytes that have come.
func TestClaimedLengthsTakeNoMemory(t *testing.T) {
	r := start(t, best, options{})
	before := heapInUse()
	for range 100 {
		nc, err := net.Dial("tcp", r.port(brokerA))
		require.NoError(t, err)
		defer nc.Close()
		_, err = nc.Write(prefixed(16<<20-4, 1<<20, "{")) // 100 x 16 MiB of frame, 100 x 1 MiB of header
		require.NoError(t, err)
	}
	r.until("all are there", func() bool { return r.proxyMetric("downstream_connections", "broker", "") == 100 })
	require.Less(t, heapInUse()-before, int64(8<<20))
}

// So it is with heartbeats, which are kept.
func TestClaimedHeartbeatsTakeNoMemory(t *testing.T) {
	r := start(t, best, options{})
	before := heapInUse()
	beat := `{"code":34,"opaque":1}`
	for range 50 {
		client, broker := r.pinned()
		client.write(prefixed(1<<20-4, uint32(len(beat)), beat)) // 50 x 1 MiB
		_, err := io.ReadFull(broker.r, make([]byte, len(beat)))
		require.NoError(t, err)
	}
	require.Less(t, heapInUse()-before, int64(8<<20))
}

func TestMalformedAnswersOfNameServers(t *testing.T) {
	t.Parallel()
	cl := startCluster(t, embedded.Options{NameServers: 2})
	r := launch(t, best, options{nameServers: cl.NameServers(), settings: actors.Settings{}})
	r.until("the listener is open", func() bool { return r.tree.Listeners[0].Open() })
	require.NoError(t, cl.CreateTopic("News", 4))
	for _, bad := range badFrames[:4] {
		cl.NameServer(0).Fault(codec.ReqGetRouteInfoByTopic, embedded.Garbage(bad.bytes))
	}
	a := dial(t, r.nameServer()).call(routeRequest("News"))
	require.Equal(t, codec.ResSuccess, a.Code, "the other name server is asked: %s", a.Remark)
	cl.NameServer(1).Fault(codec.ReqGetRouteInfoByTopic, embedded.Garbage(rawJSON(`{"code":0,"flag":1,"opaque":2}`, "no route")))
	a = dial(t, r.nameServer()).call(routeRequest("Other"))
	require.Equal(t, codec.ResSystemError, a.Code, "nobody answers well and nothing is known")
}

// Balancers look whether a port is open by connecting and resetting. That is nothing to log; a client that was there is.
func TestProbesThatResetAreNotLogged(t *testing.T) {
	onBoth(t, func(t *testing.T, on sockets) {
		r := start(t, on, options{})
		for port, address := range map[string]string{"name-server": r.nameServer(), "broker": r.port(brokerA)} {
			probe := dial(t, address)
			r.until("it is taken in", func() bool { return r.proxyMetric("downstream_connections_total", port, "") == 1 })
			require.NoError(t, probe.nc.SetLinger(0))
			probe.close()
		}
		client, broker := r.pinned()
		client.open(broker)
		require.NoError(t, client.nc.SetLinger(0))
		client.close()
		r.settle(3)
		lines := r.log.lines("level=INFO", "client connection ended")
		require.Len(t, lines, 1, "%q", lines)
		require.Contains(t, lines[0], "client="+client.local())
	})
}
