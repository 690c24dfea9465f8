package connection_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// The ids that a producer gets, also for a batch, are those that consumers make of what they pull, pop, query and view,
// whether from the master or from its slave; and they name the proxy's port of the broker that stored the message. Born
// hosts show who is asked: the proxy.
func TestProducersAndConsumersHaveTheSameMessageIDs(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "::1"} {
		t.Run(host, func(t *testing.T) {
			proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
				r, master, slave := startPair(t, on, host)
				producer, atSlave := proxytest.Dial(t, master), proxytest.Dial(t, slave)
				ids := strings.Split(sendMessages(t, producer, "one"), ",")
				ids = append(ids, strings.Split(sendMessages(t, producer, "two", "three"), ",")...)
				require.Len(t, ids, 3)
				for _, id := range ids {
					require.Equal(t, master, messageIDAddress(t, id), "clients dial it")
				}
				pull := &codec.Command{Code: codec.ReqPullMessage, Version: codec.Version5_5_0, Ext: map[string]string{
					"consumerGroup": "group", "topic": "topic", "queueId": "0", "queueOffset": "0", "maxMsgNums": "32", "sysFlag": "4",
					"commitOffset": "0", "suspendTimeoutMillis": "0", "subscription": "*", "subVersion": "0", "expressionType": "TAG",
				}}
				for _, client := range []*proxytest.Client{producer, atSlave} {
					pull.Opaque = 0
					require.Equal(t, ids, idsOf(t, client.Call(pull).Body))
				}
				for _, id := range ids {
					view := &codec.Command{Code: codec.ReqViewMessageByID, Ext: map[string]string{"offset": strconv.FormatInt(idOffset(t, id), 10)}}
					require.Equal(t, []string{id}, idsOf(t, producer.Call(view).Body))
				}
				pop := &codec.Command{Code: codec.ReqPopMessage, Ext: map[string]string{
					"consumerGroup": "poppers", "topic": "topic",
					"queueId": "0", "maxMsgNums": "32", "invisibleTime": "60000", "pollTime": "0", "bornTime": strconv.FormatInt(time.Now().UnixMilli(), 10), "initMode": "0",
					"expType": "TAG", "exp": "*", "order": "false",
				}}
				popped := producer.Call(pop)
				require.Equal(t, ids, idsOf(t, popped.Body), popped.Remark)
				r.Until("the last answer is counted", func() bool { return r.Stat("request_active") == 0 })
				r.GaugesAreZero()
			})
		})
	}
}

// startPair starts a proxy at an address, in front of a master and its slave there, and returns their ports.
func startPair(t *testing.T, on proxytest.Sockets, host string) (r *proxytest.Real, master, slave string) {
	any := net.JoinHostPort(host, "0")
	if probe, err := net.Listen("tcp", any); err != nil {
		t.Skip("this machine has no", host)
	} else {
		probe.Close()
	}
	cl := proxytest.StartCluster(t, embedded.Options{Brokers: []embedded.BrokerOptions{{Address: any}, {ID: 1, Address: any}}})
	r = proxytest.Start(t, on, proxytest.Options{NameServers: cl.NameServers(), Listener: func(l *actors.Listener) { l.Address, l.RewriteIDs = any, true }})
	port := func(id int64) string {
		p, ok := r.Listener().PortOf(route.BrokerID{Name: proxytest.BrokerA.Name, ID: id})
		require.True(t, ok)
		return net.JoinHostPort(host, strconv.Itoa(p.Port))
	}
	return r, port(0), port(1)
}

// sendMessages sends one message, or a batch, and returns the ids in the answer.
func sendMessages(t *testing.T, p *proxytest.Client, bodies ...string) string {
	t.Helper()
	c := &codec.Command{Code: codec.ReqSendMessageV2, Version: codec.Version5_5_0, Body: []byte(bodies[0]), Ext: map[string]string{
		"a": "producers", "b": "topic", "c": "TBW102", "d": "1", "e": "0", "f": "0", "g": "1700000000000", "h": "0", "i": "", "j": "0", "k": "false", "m": "false",
	}}
	if len(bodies) > 1 {
		c.Code, c.Ext["m"], c.Body = codec.ReqSendBatchMessage, "true", nil
		for _, body := range bodies { // size, magic, checksum, flag, body, properties (MessageDecoder.java#encodeMessage)
			c.Body = binary.BigEndian.AppendUint32(c.Body, uint32(4+4+4+4+4+len(body)+2))
			c.Body = append(c.Body, make([]byte, 12)...)
			c.Body = append(binary.BigEndian.AppendUint32(c.Body, uint32(len(body))), body...)
			c.Body = append(c.Body, 0, 0)
		}
	}
	a := p.Call(c)
	require.Zero(t, a.Code, a.Remark)
	return a.Ext["msgId"]
}

// storeHostAt is where the store host of a message stands.
func storeHostAt(message []byte) (from, to int) {
	flags := binary.BigEndian.Uint32(message[36:])
	from, to = 64, 72
	if flags&0x10 != 0 {
		from, to = from+12, to+12
	}
	if flags&0x20 != 0 {
		to += 12
	}
	return from, to
}

// idsOf makes offset message ids of messages, as clients do.
func idsOf(t *testing.T, body []byte) (ids []string) {
	t.Helper()
	for len(body) > 0 {
		size := int(binary.BigEndian.Uint32(body))
		require.LessOrEqual(t, size, len(body))
		from, to := storeHostAt(body)
		ids = append(ids, strings.ToUpper(hex.EncodeToString(body[from:to])+hex.EncodeToString(body[28:36])))
		body = body[size:]
	}
	return ids
}

func messageIDAddress(t *testing.T, id string) string {
	t.Helper()
	raw, err := hex.DecodeString(id)
	require.NoError(t, err)
	ip, ok := netip.AddrFromSlice(raw[:len(raw)-12])
	require.True(t, ok)
	return netip.AddrPortFrom(ip, binary.BigEndian.Uint16(raw[len(raw)-10:])).String()
}

func idOffset(t *testing.T, id string) int64 {
	t.Helper()
	offset, err := strconv.ParseInt(id[len(id)-16:], 16, 64)
	require.NoError(t, err)
	return offset
}

// stored is a message as a broker at an address stores it.
func stored(host string, size int) []byte {
	m := make([]byte, size)
	binary.BigEndian.PutUint32(m, uint32(size))
	binary.BigEndian.PutUint32(m[4:], 0xdaa320a7)
	for i := 91; i < size; i++ {
		m[i] = byte(i)
	}
	at := netip.MustParseAddrPort(host)
	copy(m[64:], at.Addr().AsSlice())
	binary.BigEndian.PutUint32(m[68:], uint32(at.Port()))
	return m
}

// Answers of 16 MiB, with messages of any size, come with each store host rewritten and not a byte of anything else, for
// all requests whose answers have messages; also while others are in flight, and on a connection that asks for more.
func TestStoreHostsOfLargeAnswers(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		r := proxytest.Start(t, on, proxytest.Options{Listener: func(l *actors.Listener) { l.RewriteIDs = true }, Limits: codec.Limits{MaxFrame: 17 << 20}})
		client, broker := r.Pinned()
		var body, want []byte
		for size := 100; len(body) < 16<<20-8<<10; size = 100 + (size*7)%5000 {
			theirs, ours := r.Broker.Address, r.Port(proxytest.BrokerA)
			if size%3 == 0 { // of a broker that nobody knows
				theirs, ours = "192.0.2.77:10911", "192.0.2.77:10911"
			}
			body, want = append(body, stored(theirs, size)...), append(want, stored(ours, size)...)
		}
		for i, code := range []int32{
			codec.ReqPullMessage, codec.ReqLitePullMessage, codec.ReqPopMessage, codec.ReqPopMessageEnvoy,
			codec.ReqPeekMessage, codec.ReqQueryMessage, codec.ReqViewMessageByID,
		} {
			b, w := body, want
			if i > 0 {
				b, w = body[:100], want[:100]
			}
			client.Request(code, "")
			asked := broker.Next()
			go broker.Answer(asked, string(b))
			require.True(t, bytes.Equal(w, client.Next().Body), "answer to %d", code)
		}
		client.Request(codec.ReqQueryMessage, "")
		broker.Answer(broker.Next(), "")
		require.Empty(t, client.Next().Body)
		client.Request(codec.ReqGetMaxOffset, "") // its answers have no messages
		broker.Answer(broker.Next(), string(body[:100]))
		require.Equal(t, body[:100], client.Next().Body)
	})
}

// An answer that comes byte by byte is rewritten as one that comes at once.
func TestStoreHostsOfAnswersInPieces(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		r := proxytest.Start(t, on, proxytest.Options{Listener: func(l *actors.Listener) { l.RewriteIDs = true }})
		client, broker := r.Pinned()
		theirs, ours := stored(r.Broker.Address, 130), stored(r.Port(proxytest.BrokerA), 130)
		for cut := 1; cut < 130; cut += 3 {
			client.Request(codec.ReqPullMessage, "")
			a := broker.Next().Answer(codec.ResSuccess, "")
			a.Body = bytes.Repeat(theirs, 3)
			whole := proxytest.Frame(a)
			for _, part := range [][]byte{whole[:len(whole)-260-cut], whole[len(whole)-260-cut : len(whole)-cut], whole[len(whole)-cut:]} {
				broker.Write(part)
			}
			require.Equal(t, bytes.Repeat(ours, 3), client.Next().Body)
		}
	})
}

// What brokers say of themselves when they ask their clients is rewritten, too: the transaction check (39), a message to
// be consumed at once (309), and the reply to a request (326).
func TestStoreHostsOfPushes(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		r := proxytest.Start(t, on, proxytest.Options{Listener: func(l *actors.Listener) { l.RewriteIDs = true }})
		client, broker := r.Pinned()
		theirs, ours := netip.MustParseAddrPort(r.Broker.Address), netip.MustParseAddrPort(r.Port(proxytest.BrokerA))
		id := func(of netip.AddrPort) string { return fmt.Sprintf("7F000001%08X%016X", of.Port(), 77) }
		broker.Send(&codec.Command{Code: codec.ReqCheckTransactionState, Ext: map[string]string{"offsetMsgId": id(theirs)}, Body: stored(theirs.String(), 200)})
		got := client.Next()
		require.Equal(t, id(ours), got.Ext["offsetMsgId"])
		require.Equal(t, stored(ours.String(), 200), got.Body)
		broker.Send(&codec.Command{Code: codec.ReqConsumeMessageDirectly, Body: stored(theirs.String(), 200)})
		require.Equal(t, stored(ours.String(), 200), client.Next().Body)
		broker.Send(&codec.Command{Code: codec.ReqPushReplyMessageToClient, Ext: map[string]string{"storeHost": "/" + theirs.String()}, Body: stored(theirs.String(), 200)})
		got = client.Next()
		require.Equal(t, "/"+ours.String(), got.Ext["storeHost"])
		require.Equal(t, stored(theirs.String(), 200), got.Body, "it is a payload")
		client.Works(broker)
	})
}

// On one port a reply that is pushed has another opaque and another store host, whatever the lengths of the two.
func TestOnOnePortAPushedReplyHasOurOpaqueAndOurAddress(t *testing.T) {
	for _, encoding := range []codec.Encoding{codec.JSON, codec.Binary} {
		for _, opaque := range []int32{5, 12345} {
			proxytest.InVirtualTime(t, proxytest.Options{Listener: func(l *actors.Listener) { l.OnePort, l.RewriteIDs = true, true }}, func(t *testing.T, s *proxytest.Sim) {
				s.StartNameServer(0, proxytest.AAndB)
				broker := s.FakeBroker(proxytest.AddressA)
				s.Start()
				c := s.Dial(proxytest.OfficePort)
				c.Send(to("broker-a", 10))
				a := broker.Accept()
				a.Next()
				push := &codec.Command{Code: codec.ReqPushReplyMessageToClient, Opaque: opaque, Ext: map[string]string{"storeHost": "/" + proxytest.AddressA}, Body: []byte("reply")}
				a.Write(push.Append(nil, encoding))
				came := c.Next()
				require.Equal(t, int32(1), came.Opaque)
				require.Equal(t, "/"+proxytest.OfficePort, came.Ext["storeHost"])
				require.Equal(t, "reply", string(came.Body))
				c.Answer(came, "taken")
				back := a.Next()
				require.Equal(t, opaque, back.Opaque)
				require.Equal(t, "taken", string(back.Body))
			})
		}
	}
}
