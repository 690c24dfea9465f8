//go:build linux

package sink

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"

	"github.com/rocketmq-proxy/rocketmq-proxy/bench/load"
	"github.com/rocketmq-proxy/rocketmq-proxy/bench/wire"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// broker answers from templates.
type broker struct {
	host  netip.AddrPort    // where it listens: the store host of all messages
	sends [2]*wire.Template // by encoding
	ack   *wire.Template
	pop   *wire.Template
	pulls map[int]*pullAnswer // by size of the body
	polls []poll              // that wait for a send
}

// pullAnswer is a head and a body, because a body may be larger than what one would copy.
type pullAnswer struct {
	head *wire.Template
	body []byte
}

// poll is a pull that waits for a message.
type poll struct {
	conn   *wire.Conn
	opaque int
}

func response(ext map[string]string, body []byte) *codec.Command {
	return &codec.Command{Flag: codec.FlagResponse, Version: codec.Version5_5_0, Ext: ext, Body: body}
}

// listen opens the broker's port.
func (b *broker) listen(l *wire.Loop) (err error) {
	if b.host, err = l.Listen(0, b); err != nil {
		return err
	}
	b.pulls = map[int]*pullAnswer{}
	for enc := range b.sends {
		b.sends[enc] = wire.NewTemplate(response(map[string]string{
			"msgId": messageID(b.host, 1), "queueId": "3",
			"queueOffset": "1", "MSG_REGION": "DefaultRegion", "TRACE_ON": "true",
		}, nil), codec.Encoding(enc))
	}
	b.ack = wire.NewTemplate(response(nil, nil), codec.JSON)
	b.pop = wire.NewTemplate(response(map[string]string{
		"popTime": "1700000000000", "invisibleTime": "60000", "reviveQid": "1",
		"restNum": "100", "startOffsetInfo": "0 3 100", "msgOffsetInfo": "0 3 100,101,102",
	}, messages(b.host, load.PopMessages, load.PopMessages*load.MessageSize)), codec.JSON)
	return nil
}

// messageID is what a broker answers a send with: its address and the message's place in its commit log.
func messageID(host netip.AddrPort, offset int64) string {
	return fmt.Sprintf("%X%08X%016X", host.Addr().AsSlice(), host.Port(), offset)
}

// Frame answers one request, or lets a pull wait.
func (b *broker) Frame(c *wire.Conn, head []byte) {
	opaque := wire.OpaqueOf(head)
	if opaque < wire.FirstOpaque {
		answer := response(nil, nil)
		answer.Opaque = int32(opaque)
		c.Loop.Batch = answer.Append(c.Loop.Batch, codec.JSON)
		return
	}
	switch int32(wire.CodeOf(head)) {
	case codec.ReqSendMessageV2, codec.ReqSendMessage:
		c.Loop.Batch = b.sends[head[4]].AppendTo(c.Loop.Batch, opaque)
		b.wake()
	case codec.ReqPopMessage:
		c.Loop.Batch = b.pop.AppendTo(c.Loop.Batch, opaque)
	case codec.ReqPullMessage:
		b.pull(c, head, opaque)
	default:
		c.Loop.Batch = b.ack.AppendTo(c.Loop.Batch, opaque)
	}
}

// pull answers with as many bytes as the request asks for in maxMsgBytes, or waits if it is of the queue without messages.
func (b *broker) pull(c *wire.Conn, head []byte, opaque int) {
	var h codec.Header
	raw := head[codec.PrefixLen:]
	size := 0
	if h.Scan(raw, codec.Encoding(head[4])) == nil {
		if h.ExtString(raw, "queueId") == load.LongPollQueue {
			b.polls = append(b.polls, poll{c, opaque})
			return
		}
		size, _ = strconv.Atoi(h.ExtString(raw, "maxMsgBytes"))
	}
	p := b.answerOf(size)
	c.Loop.Batch = p.head.AppendTo(c.Loop.Batch, opaque)
	c.Write(c.Loop.Batch, p.body)
	c.Loop.Batch = c.Loop.Batch[:0]
}

// wake answers the pull that has waited longest.
func (b *broker) wake() {
	if len(b.polls) == 0 {
		return
	}
	p := b.polls[0]
	b.polls = b.polls[1:]
	answer := b.answerOf(load.MessageSize)
	p.conn.Write(answer.head.AppendTo(nil, p.opaque), answer.body)
}

// answerOf makes a pull's answer once.
func (b *broker) answerOf(size int) *pullAnswer {
	if p := b.pulls[size]; p != nil {
		return p
	}
	t := wire.NewTemplate(response(map[string]string{
		"suggestWhichBrokerId": "0", "nextBeginOffset": "101", "minOffset": "0",
		"maxOffset": "1000",
	}, messages(b.host, max(1, size/(4<<10)), size)), codec.JSON)
	p := &pullAnswer{head: t, body: t.SplitBody(size)}
	b.pulls[size] = p
	return p
}

// Closed forgets what waits: it would be for a connection of the past.
func (b *broker) Closed(c *wire.Conn, _ error) {
	b.polls = slices.DeleteFunc(b.polls, func(p poll) bool { return p.conn == c })
}
