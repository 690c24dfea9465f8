package connection_test

import (
	"bytes"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
)

// smallLimits keep the bad frames of these tests small.
var smallLimits = codec.Limits{MaxFrame: 100_000, MaxHeader: 10_000}

// badFrames are bytes that are no frame, and what is said about them.
var badFrames = []struct {
	name   string
	bytes  []byte
	reason string
}{
	{"a length of 0", proxytest.Prefix(0, 0, ""), "length 0 is below 4"},
	{"a negative length", proxytest.Prefix(-5, 0, ""), "length -5 is below 4"},
	{"the least length", proxytest.Prefix(-1<<31, 0, ""), "is below 4"},
	{"an oversized length", proxytest.Prefix(100_000, 2, "{}"), "exceeds the limit of 100000 bytes (limits.max_frame)"},
	{"the greatest length", proxytest.Prefix(1<<31-1, 2, "{}"), "exceeds the limit"},
	{"a header over the limit", proxytest.Prefix(50_000, 10_001, "{"), "exceeds the limit of 10000 bytes (limits.max_header)"},
	{"a header longer than its frame", proxytest.Prefix(20, 17, "{}"), "does not fit"},
	{"an unknown encoding", proxytest.Prefix(20, 7<<24|2, "{}"), "unknown header encoding 7"},
	{"HTTP", []byte("GET / HTTP/1.1\r\nHost: mq\r\n\r\n"), "exceeds the limit"},
	{"TLS", []byte("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), "exceeds the limit"},
	{"no JSON", proxytest.RawFrame(`nonsense`, ""), "JSON header has no '{'"},
	{"broken JSON", proxytest.RawFrame(`{"code":10,"opaque":`, ""), "JSON header"},
	{"a code that is no number", proxytest.RawFrame(`{"code":"ten"}`, ""), "code"},
	{"a key twice", proxytest.RawFrame(`{"code":10,"code":11}`, ""), "twice"},
	{"an empty header", proxytest.RawFrame(``, "body"), "JSON header"},
	{"a short ROCKETMQ header", proxytest.Prefix(4+5, 1<<24|5, "12345"), "shorter than its fixed part"},
	{"a lying ROCKETMQ remark", proxytest.Prefix(4+21, 1<<24|21, strings.Repeat("\x00", 13)+"\x7f\xff\xff\xff\x00\x00\x00\x00"), "remark length"},
	{"lying ROCKETMQ ext fields", proxytest.Prefix(4+21, 1<<24|21, strings.Repeat("\x00", 17)+"\x00\x00\x00\x09"), "ext fields length"},
}

func TestBadFramesOfClients(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		r := proxytest.Start(t, on, proxytest.Options{Limits: smallLimits})
		other, otherBroker := r.Pinned()
		for _, bad := range badFrames {
			t.Run(bad.name, func(t *testing.T) {
				before := len(r.Log.Lines("malformed frame from client"))
				client, broker := r.Pinned()
				client.Works(broker)
				client.Write(bad.bytes)
				client.Ends()
				broker.Ends()
				r.Until("it is logged", func() bool { return len(r.Log.Lines("malformed frame from client")) > before })
				lines := r.Log.Lines("malformed frame from client", "client="+client.Local())
				require.Len(t, lines, 1, "logged once, with the peer; all: %q", r.Log.Lines("malformed frame")[before:])
				require.Contains(t, lines[0], bad.reason)
				require.Contains(t, lines[0], "level=WARN")
				require.Equal(t, bad.name == "HTTP", strings.Contains(lines[0], "looks_like=HTTP"))
			})
		}
		other.Works(otherBroker)
		other.Close()
		r.Settle(1 + len(badFrames))
		require.Equal(t, len(badFrames), r.Stat("request_decoding_error"))
		require.Equal(t, r.Stat("request_decoding_success")+len(badFrames), r.Stat("request"))
		require.Zero(t, r.Stat("response_decoding_error"))
		r.GaugesAreZero()
	})
}

// What came before the bad bytes in one write is read and counted.
func TestGoodFramesBeforeABadOneAreCounted(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		r := proxytest.Start(t, on, proxytest.Options{})
		client, broker := r.Pinned()
		good := proxytest.Frame(&codec.Command{Code: codec.ReqSendMessage, Opaque: 9, Flag: codec.FlagOneway, Body: []byte("good")})
		client.Write(append(good, proxytest.Prefix(-1, 0, "bad")...))
		client.Ends()
		r.Settle(1)
		broker.Close()
		require.Equal(t, 1, r.Stat("send_message_v1"))
		require.Equal(t, 1, r.Stat("request_decoding_error"))
	})
}

// Their memory is given back although the connection ends while they are on their way.
func TestGoodFramesBeforeABadOneAreNotKept(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		r := proxytest.Start(t, on, proxytest.Options{})
		good := proxytest.Frame(&codec.Command{Code: codec.ReqSendMessage, Opaque: 9, Body: make([]byte, 3000)})
		for range 500 {
			client := proxytest.Dial(t, r.Port(proxytest.BrokerA))
			client.Write(append(bytes.Clone(good), proxytest.Prefix(-1, 0, "bad")...))
			client.Ends()
			client.Close()
		}
		r.Until("nothing is kept, but for what loops need not tell", func() bool {
			n, _ := r.Env.Transport.Buffered()
			return int(n) < len(r.Env.Transport.Executors())*256<<10
		})
	})
}

func TestBadFramesOnTheNameServerPort(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		r := proxytest.Start(t, on, proxytest.Options{Limits: smallLimits})
		for _, bad := range badFrames {
			client := proxytest.Dial(t, r.NameServer())
			client.Write(bad.bytes)
			client.Ends()
		}
		r.Settle(len(badFrames))
		require.Equal(t, len(badFrames), r.Stat("request_decoding_error"))
		require.Equal(t, codec.ResTopicNotExist, proxytest.Dial(t, r.NameServer()).Call(proxytest.RouteRequest("Unknown")).Code)
	})
}

func TestBadFramesOfBrokers(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		r := proxytest.Start(t, on, proxytest.Options{Limits: smallLimits})
		other, otherBroker := r.Pinned()
		for _, bad := range badFrames {
			t.Run(bad.name, func(t *testing.T) {
				client, broker := r.Pinned()
				opaque := client.Request(codec.ReqSendMessage, "in flight")
				broker.Next()
				broker.Write(bad.bytes)
				a := client.Next()
				require.Equal(t, opaque, a.Opaque)
				require.Equal(t, codec.ResServiceNotAvailable, a.Code)
				require.Contains(t, a.Remark, bad.reason)
				broker.Ends()
				client.Request(codec.ReqSendMessage, "next")
				broker = r.Broker.Accept()
				broker.Answer(broker.Next(), "stored")
				require.Equal(t, "stored", string(client.Next().Body), "the client is kept")
				lines := r.Log.Lines("malformed frame from upstream", "client="+client.Local())
				require.Len(t, lines, 1)
				require.Contains(t, lines[0], "upstream="+r.Broker.Address)
				require.Equal(t, bad.name == "HTTP", strings.Contains(lines[0], "looks_like=HTTP"))
				require.Contains(t, lines[0], bad.reason)
				client.Close()
			})
		}
		other.Works(otherBroker)
		other.Close()
		r.Settle(1 + len(badFrames))
		require.Equal(t, len(badFrames), r.Stat("response_decoding_error"))
		require.Equal(t, r.Stat("response_decoding_success")+len(badFrames), r.Stat("response"))
		require.Zero(t, r.Stat("request_decoding_error"))
		r.GaugesAreZero()
	})
}

// What a broker said before the bad bytes still reaches the client.
func TestGoodAnswersBeforeABadOneArrive(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		r := proxytest.Start(t, on, proxytest.Options{})
		client, broker := r.Pinned()
		client.Request(codec.ReqSendMessage, "first")
		client.Request(codec.ReqSendMessage, "second")
		first := broker.Next()
		broker.Next()
		answer := first.Answer(codec.ResSuccess, "stored")
		broker.Write(append(proxytest.Frame(answer), proxytest.Prefix(-1, 0, "bad")...))
		require.Equal(t, "stored", client.Next().Remark)
		require.Equal(t, codec.ResServiceNotAvailable, client.Next().Code)
	})
}

// A frame of exactly the limit passes, and one byte more does not.
func TestFrameLimitIsExact(t *testing.T) {
	t.Parallel()
	r := proxytest.Start(t, proxytest.Best, proxytest.Options{Limits: smallLimits})
	client, broker := r.Pinned()
	c := &codec.Command{Code: codec.ReqSendMessage, Opaque: 5}
	c.Body = make([]byte, smallLimits.MaxFrame-len(proxytest.Frame(c)))
	client.Write(proxytest.Frame(c))
	require.Len(t, broker.Next().Body, len(c.Body))
	c.Body = append(c.Body, 0)
	client.Write(proxytest.Frame(c))
	client.CloseWrite() // what it sent behind the prefix is not read; a plain close comes as a reset
	broker.Ends()
	r.Until("it is logged", func() bool { return len(r.Log.Lines("malformed frame from client")) == 1 })
}

// A claim of a length costs nothing: buffers grow with the bytes that have come.
func TestClaimedLengthsTakeNoMemory(t *testing.T) {
	r := proxytest.Start(t, proxytest.Best, proxytest.Options{})
	before := proxytest.HeapInUse()
	for range 100 {
		nc, err := net.Dial("tcp", r.Port(proxytest.BrokerA))
		require.NoError(t, err)
		defer nc.Close()
		_, err = nc.Write(proxytest.Prefix(16<<20-4, 1<<20, "{")) // 100 x 16 MiB of frame, 100 x 1 MiB of header
		require.NoError(t, err)
	}
	r.Until("all are there", func() bool { return r.BrokerMetric("downstream_connections", "broker", "") == 100 })
	require.Less(t, proxytest.HeapInUse()-before, int64(8<<20))
}

// So it is with heartbeats, which are kept.
func TestClaimedHeartbeatsTakeNoMemory(t *testing.T) {
	r := proxytest.Start(t, proxytest.Best, proxytest.Options{})
	before := proxytest.HeapInUse()
	beat := `{"code":34,"opaque":1}`
	for range 50 {
		client, broker := r.Pinned()
		client.Write(proxytest.Prefix(1<<20-4, uint32(len(beat)), beat)) // 50 x 1 MiB
		_, err := io.ReadFull(broker.R, make([]byte, len(beat)))
		require.NoError(t, err)
	}
	require.Less(t, proxytest.HeapInUse()-before, int64(8<<20))
}

func TestMalformedAnswersOfNameServers(t *testing.T) {
	t.Parallel()
	cl := proxytest.StartCluster(t, embedded.Options{NameServers: 2})
	r := proxytest.Launch(t, proxytest.Best, proxytest.Options{NameServers: cl.NameServers(), Settings: actors.Settings{}})
	r.UntilOpen()
	require.NoError(t, cl.CreateTopic("News", 4))
	for _, bad := range badFrames[:4] {
		cl.NameServer(0).Fault(codec.ReqGetRouteInfoByTopic, embedded.Garbage(bad.bytes))
	}
	a := proxytest.Dial(t, r.NameServer()).Call(proxytest.RouteRequest("News"))
	require.Equal(t, codec.ResSuccess, a.Code, "the other name server is asked: %s", a.Remark)
	cl.NameServer(1).Fault(codec.ReqGetRouteInfoByTopic, embedded.Garbage(proxytest.RawFrame(`{"code":0,"flag":1,"opaque":2}`, "no route")))
	a = proxytest.Dial(t, r.NameServer()).Call(proxytest.RouteRequest("Other"))
	require.Equal(t, codec.ResSystemError, a.Code, "nobody answers well and nothing is known")
}

// Balancers look whether a port is open by connecting and resetting. That is nothing to log; a client that was there is.
func TestProbesThatResetAreNotLogged(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		r := proxytest.Start(t, on, proxytest.Options{})
		for port, address := range map[string]string{"name-server": r.NameServer(), "broker": r.Port(proxytest.BrokerA)} {
			probe := proxytest.Dial(t, address)
			r.Until("it is taken in", func() bool { return r.BrokerMetric("downstream_connections_total", port, "") == 1 })
			probe.Reset()
		}
		client, broker := r.Pinned()
		client.Works(broker)
		client.Reset()
		r.Settle(3)
		lines := r.Log.Lines("level=INFO", "client connection ended")
		require.Len(t, lines, 1, "%q", lines)
		require.Contains(t, lines[0], "client="+client.Local())
	})
}
