package embedded_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
)

// patience bounds every wait of these tests; none of them needs it when things go well.
func patience(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func start(t *testing.T, o embedded.Options) *embedded.Cluster {
	t.Helper()
	cl, err := embedded.Start(o)
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	return cl
}

// manual starts a cluster whose time stands still.
func manual(t *testing.T, o embedded.Options) (*embedded.Cluster, *embedded.ManualClock) {
	clock := embedded.NewManualClock(time.UnixMilli(1700000000000))
	o.Clock = clock
	return start(t, o), clock
}

// peer is a bare client: it writes commands and reads what comes back.
type peer struct {
	t      testing.TB
	nc     net.Conn
	r      *bufio.Reader
	opaque int32
	pushed []*codec.Command // requests of the broker that came while waiting for an answer
}

func dial(t testing.TB, addr string) *peer {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	t.Cleanup(func() { nc.Close() })
	return &peer{t: t, nc: nc, r: bufio.NewReader(nc)}
}

// ext makes a map of "key=value key=value".
func ext(pairs string) map[string]string {
	m := map[string]string{}
	for _, p := range strings.Fields(pairs) {
		k, v, _ := strings.Cut(p, "=")
		m[k] = v
	}
	return m
}

// write sends a request and returns its opaque.
func (p *peer) write(code int32, fields map[string]string, body string) int32 {
	p.t.Helper()
	p.opaque++
	p.writeCommand(&codec.Command{Code: code, Language: codec.Java, Version: codec.Version5_5_0, Opaque: p.opaque, Ext: fields, Body: []byte(body)})
	return p.opaque
}

func (p *peer) writeCommand(cmd *codec.Command) {
	p.t.Helper()
	_, err := p.nc.Write(cmd.Append(nil, codec.JSON))
	require.NoError(p.t, err)
}

// next reads one command.
func (p *peer) next() *codec.Command {
	p.t.Helper()
	p.nc.SetReadDeadline(time.Now().Add(30 * time.Second))
	cmd, enc, err := codec.ReadCommand(p.r, codec.Limits{})
	require.NoError(p.t, err)
	require.Equal(p.t, codec.JSON, enc)
	return cmd
}

// answer reads on until the answer to a request has come.
func (p *peer) answer(opaque int32) *codec.Command {
	p.t.Helper()
	for {
		cmd := p.next()
		if !cmd.IsResponse() {
			p.pushed = append(p.pushed, cmd)
			continue
		}
		require.Equal(p.t, opaque, cmd.Opaque)
		return cmd
	}
}

// push returns the next request of the broker.
func (p *peer) push() *codec.Command {
	p.t.Helper()
	if len(p.pushed) > 0 {
		cmd := p.pushed[0]
		p.pushed = p.pushed[1:]
		return cmd
	}
	cmd := p.next()
	require.False(p.t, cmd.IsResponse(), "an answer came instead of a request: %+v", cmd)
	return cmd
}

func (p *peer) call(code int32, fields map[string]string, body string) *codec.Command {
	p.t.Helper()
	return p.answer(p.write(code, fields, body))
}

// ok calls and insists on success.
func (p *peer) ok(code int32, fields, body string) *codec.Command {
	p.t.Helper()
	cmd := p.call(code, ext(fields), body)
	require.Equal(p.t, codec.ResSuccess, cmd.Code, "%s: %s", codec.RequestCodeName(code), cmd.Remark)
	return cmd
}

// closed insists that the server ends the connection.
func (p *peer) closed() {
	p.t.Helper()
	p.nc.SetReadDeadline(time.Now().Add(30 * time.Second))
	for {
		if _, _, err := codec.ReadCommand(p.r, codec.Limits{}); err != nil {
			require.NotErrorIs(p.t, err, context.DeadlineExceeded)
			return
		}
	}
}

func sendFields(topic string, queue int, props string) map[string]string {
	return map[string]string{
		"producerGroup": "pg", "topic": topic, "defaultTopic": "TBW102", "defaultTopicQueueNums": "4",
		"queueId": strconv.Itoa(queue), "sysFlag": "0", "bornTimestamp": "1700000000000", "flag": "0", "properties": props,
		"reconsumeTimes": "0", "unitMode": "false", "batch": "false",
	}
}

// send sends one message with properties like "TAGS=a KEYS=k".
func (p *peer) send(topic string, queue int, body, props string) *codec.Command {
	p.t.Helper()
	cmd := p.call(codec.ReqSendMessage, sendFields(topic, queue, properties(props)), body)
	require.Equal(p.t, codec.ResSuccess, cmd.Code, cmd.Remark)
	return cmd
}

func properties(pairs string) string {
	s := ""
	for _, p := range strings.Fields(pairs) {
		k, v, _ := strings.Cut(p, "=")
		s += k + "\x01" + v + "\x02"
	}
	return s
}

func pullFields(group, topic string, queue int, offset int64, more string) map[string]string {
	m := ext("maxMsgNums=32 commitOffset=0 suspendTimeoutMillis=15000 subscription=* subVersion=0 expressionType=TAG sysFlag=4")
	m["consumerGroup"], m["topic"] = group, topic
	m["queueId"], m["queueOffset"] = strconv.Itoa(queue), strconv.FormatInt(offset, 10)
	for k, v := range ext(more) {
		m[k] = v
	}
	return m
}

// stored is what a test reads of a message in an answer's body.
type stored struct {
	topic, body, props  string
	queue               int32
	queueOffset, offset int64
	reconsumed          int32
}

// messages takes a body of stored messages with IPv4 hosts apart.
func messages(t *testing.T, b []byte) []stored {
	t.Helper()
	var all []stored
	be := binary.BigEndian
	for len(b) > 0 {
		size := be.Uint32(b)
		require.Equal(t, uint32(0xDAA320A7), be.Uint32(b[4:]))
		m := stored{
			queue: int32(be.Uint32(b[12:])), queueOffset: int64(be.Uint64(b[20:])), offset: int64(be.Uint64(b[28:])),
			reconsumed: int32(be.Uint32(b[72:])),
		}
		at := 88 + int(be.Uint32(b[84:]))
		m.body = string(b[88:at])
		end := at + 1 + int(b[at])
		m.topic = string(b[at+1 : end])
		m.props = string(b[end+2 : end+2+int(be.Uint16(b[end:]))])
		all = append(all, m)
		b = b[size:]
	}
	return all
}

func bodies(all []stored) []string {
	s := []string{}
	for _, m := range all {
		s = append(s, m.body)
	}
	return s
}

// beat sends a heartbeat: consumers like "group:topic,topic", producers by name.
func (p *peer) beat(client string, consumers []string, producers ...string) *codec.Command {
	p.t.Helper()
	return p.ok(codec.ReqHeartBeat, "", heartbeatBody(client, "", consumers, producers...))
}

func heartbeatBody(client, more string, consumers []string, producers ...string) string {
	body := `{"clientID":"` + client + `",` + more + `"consumerDataSet":[`
	for i, c := range consumers {
		group, topics, _ := strings.Cut(c, ":")
		if i > 0 {
			body += ","
		}
		body += `{"groupName":"` + group + `","consumeType":"CONSUME_PASSIVELY","messageModel":"CLUSTERING","consumeFromWhere":"CONSUME_FROM_LAST_OFFSET","subscriptionDataSet":[`
		for j, topic := range strings.Split(topics, ",") {
			if j > 0 {
				body += ","
			}
			name, expr, ok := strings.Cut(topic, "=")
			if !ok {
				expr = "*"
			}
			body += `{"topic":"` + name + `","subString":"` + expr + `","subVersion":1,"expressionType":"TAG","tagsSet":[],"codeSet":[]}`
		}
		body += `]}`
	}
	body += `],"producerDataSet":[`
	for i, g := range producers {
		if i > 0 {
			body += ","
		}
		body += `{"groupName":"` + g + `"}`
	}
	return body + `]}`
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
