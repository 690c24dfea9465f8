//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/netip"
	"os"
	"strconv"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// The one topic there is, on the one broker there is.
const (
	topic      = "bench"
	brokerName = "broker-a"
)

// sinkAddresses is what a sink tells who started it.
type sinkAddresses struct {
	Broker     string // where requests are answered
	NameServer string // its routes name Broker
	Advertised string // a second name server: its routes name the address that the sink was started with
}

// runSink is the sink process: name server and broker in one, on one thread, that answers by copying. It lives until
// its standard input ends.
func runSink(advertise string, stdin io.Reader, stdout io.Writer) error {
	l, err := newLoop()
	if err != nil {
		return err
	}
	l.polite = true
	b := newBroker()
	var at sinkAddresses
	var ports [3]netip.AddrPort
	if ports[0], err = l.listen(0, b); err != nil {
		return err
	}
	at.Broker = ports[0].String()
	for i, name := range []string{at.Broker, advertise} {
		if ports[i+1], err = l.listen(0, &nameServer{broker: b, address: name}); err != nil {
			return err
		}
	}
	at.NameServer, at.Advertised = ports[1].String(), ports[2].String()
	if err := json.NewEncoder(stdout).Encode(at); err != nil {
		return err
	}
	go func() {
		io.Copy(io.Discard, stdin) //nolint:errcheck // the end is what counts
		os.Exit(0)
	}()
	return l.runUntil(math.MaxInt64, nil)
}

// nameServer answers questions for routes, everything else as a broker.
type nameServer struct {
	*broker
	address string
}

func (s *nameServer) frame(c *conn, head []byte) {
	broker := fmt.Sprintf(`{"brokerAddrs":{"0":%q},"brokerName":%q,"cluster":"bench"}`, s.address, brokerName)
	body := ""
	switch int32(codeOf(head)) {
	case codec.ReqGetRouteInfoByTopic:
		body = fmt.Sprintf(`{"brokerDatas":[%s],"filterServerTable":{},"queueDatas":[{"brokerName":%q,"perm":6,"readQueueNums":8,"topicSysFlag":0,"writeQueueNums":8}]}`, broker, brokerName)
	case codec.ReqGetBrokerClusterInfo:
		body = fmt.Sprintf(`{"brokerAddrTable":{%q:%s},"clusterAddrTable":{"bench":[%q]}}`, brokerName, broker, brokerName)
	default:
		s.broker.frame(c, head)
		return
	}
	answer := &codec.Command{Flag: codec.FlagResponse, Version: codec.Version5_5_0, Opaque: int32(opaqueOf(head)), Body: []byte(body)}
	c.loop.batch = answer.Append(c.loop.batch, codec.JSON)
}

// broker answers from templates.
type broker struct {
	sends [2]*template // by encoding
	ack   *template
	pop   *template
	pulls map[int]*pullAnswer // by size of the body
}

// pullAnswer is a head and a body, because a body may be larger than what one would copy.
type pullAnswer struct {
	head *template
	body []byte
}

// Of a pop: messages and bytes of each one's body.
const (
	popMessages = 32
	messageSize = 1 << 10
)

func response(ext map[string]string, body []byte) *codec.Command {
	return &codec.Command{Flag: codec.FlagResponse, Version: codec.Version5_5_0, Ext: ext, Body: body}
}

func newBroker() *broker {
	b := &broker{pulls: map[int]*pullAnswer{}}
	for enc := range b.sends {
		b.sends[enc] = newTemplate(response(map[string]string{
			"msgId": "7F00000100002A9F0000000000000001", "queueId": "3",
			"queueOffset": "1", "MSG_REGION": "DefaultRegion", "TRACE_ON": "true",
		}, nil), codec.Encoding(enc))
	}
	b.ack = newTemplate(response(nil, nil), codec.JSON)
	b.pop = newTemplate(response(map[string]string{
		"popTime": "1700000000000", "invisibleTime": "60000", "reviveQid": "1",
		"restNum": "100", "startOffsetInfo": "0 3 100", "msgOffsetInfo": "0 3 100,101,102",
	}, make([]byte, popMessages*messageSize)), codec.JSON)
	return b
}

func (b *broker) frame(c *conn, head []byte) {
	opaque := opaqueOf(head)
	if opaque < firstOpaque {
		answer := response(nil, nil)
		answer.Opaque = int32(opaque)
		c.loop.batch = answer.Append(c.loop.batch, codec.JSON)
		return
	}
	switch int32(codeOf(head)) {
	case codec.ReqSendMessageV2, codec.ReqSendMessage:
		c.loop.batch = b.sends[head[4]].appendTo(c.loop.batch, opaque)
	case codec.ReqPopMessage:
		c.loop.batch = b.pop.appendTo(c.loop.batch, opaque)
	case codec.ReqPullMessage:
		p := b.pull(head)
		c.loop.batch = p.head.appendTo(c.loop.batch, opaque)
		c.write(c.loop.batch, p.body)
		c.loop.batch = c.loop.batch[:0]
	default:
		c.loop.batch = b.ack.appendTo(c.loop.batch, opaque)
	}
}

// pull finds the answer of the size that the request asks for in maxMsgBytes.
func (b *broker) pull(head []byte) *pullAnswer {
	var h codec.Header
	raw := head[codec.PrefixLen:]
	size := 0
	if h.Scan(raw, codec.Encoding(head[4])) == nil {
		size, _ = strconv.Atoi(h.ExtString(raw, "maxMsgBytes"))
	}
	if p := b.pulls[size]; p != nil {
		return p
	}
	t := newTemplate(response(map[string]string{
		"suggestWhichBrokerId": "0", "nextBeginOffset": "101", "minOffset": "0",
		"maxOffset": "1000",
	}, make([]byte, size)), codec.JSON)
	at := len(t.frame) - size
	p := &pullAnswer{head: t, body: t.frame[at:]}
	t.frame = t.frame[:at]
	b.pulls[size] = p
	return p
}

func (b *broker) closed(*conn, error) {}
