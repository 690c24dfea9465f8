package server

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/rewrite"
)

// The self-check plays a client: it asks the proxy for a route, sends, pulls, pops and acks a message through it, and
// prints what it saw.
const (
	checkTopic = "SelfCheck"
	checkGroup = "self-check"
	checkBody  = "hello from rocketmq-proxy dev"
)

type checker struct {
	out    io.Writer
	broker net.Conn
	opaque int32
	pop    map[string]string // ext of the answer to the pop
}

func (s *Server) selfCheck(out io.Writer, brokerAddr string) error {
	before := s.counters()
	c := &checker{out: out}
	for _, step := range []struct {
		name string
		run  func() (string, error)
	}{
		{"route", func() (string, error) { return c.route(s.Addr(devName), brokerAddr) }},
		{"send", c.send},
		{"pull", c.pull},
		{"pop", c.popOne},
		{"ack", c.ack},
	} {
		saw, err := step.run()
		if err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
		fmt.Fprintf(out, "  %-8s %s\n", step.name, saw)
	}
	c.broker.Close()
	moved, err := s.moved(before)
	fmt.Fprintf(out, "  %-8s %s\n", "counters", moved)
	return err
}

// call sends one request and reads its answer.
func (c *checker) call(conn net.Conn, code int32, ext map[string]string, body []byte) (*codec.Command, error) {
	c.opaque++
	q := codec.Command{Code: code, Language: codec.Go, Version: codec.Version5_5_0, Opaque: c.opaque, Ext: ext, Body: body}
	conn.SetDeadline(time.Now().Add(devPatience))
	if _, err := conn.Write(q.Append(nil, codec.JSON)); err != nil {
		return nil, err
	}
	answer, _, err := codec.ReadCommand(conn, codec.Limits{})
	if err != nil {
		return nil, err
	}
	if answer.Code != codec.ResSuccess {
		return nil, fmt.Errorf("%s was answered %s: %s", codec.RequestCodeName(code), codec.ResponseCodeName(answer.Code), answer.Remark)
	}
	return answer, nil
}

// route asks for the topic that new topics are made from, and dials the broker where the answer says.
func (c *checker) route(proxy, brokerAddr string) (string, error) {
	conn, err := net.Dial("tcp", proxy)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	answer, err := c.call(conn, codec.ReqGetRouteInfoByTopic, map[string]string{"topic": "TBW102"}, nil)
	if err != nil {
		return "", err
	}
	brokers, err := rewrite.TopicRouteBrokers(answer.Body)
	if err != nil {
		return "", err
	}
	if len(brokers) != 1 {
		return "", fmt.Errorf("the answer names %d brokers, want one: %v", len(brokers), brokers)
	}
	if brokers[0].Address == brokerAddr {
		return "", fmt.Errorf("the answer names the broker's own address %s, not the proxy's", brokerAddr)
	}
	c.broker, err = net.Dial("tcp", brokers[0].Address)
	return fmt.Sprintf("%s is at %s, the proxy's port for it (the broker itself is at %s)", brokers[0].Name, brokers[0].Address, brokerAddr), err
}

func (c *checker) send() (string, error) {
	answer, err := c.call(c.broker, codec.ReqSendMessageV2, map[string]string{
		"a": checkGroup, "b": checkTopic, "c": "TBW102", "d": "1", "e": "0", "f": "0",
		"g": strconv.FormatInt(time.Now().UnixMilli(), 10), "h": "0", "i": "TAGS\x01check\x02", "j": "0", "k": "false", "m": "false",
	}, []byte(checkBody))
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%q stored as message %s of queue %s", checkBody, answer.Ext["queueOffset"], answer.Ext["queueId"]), nil
}

// received checks that a body of stored messages holds ours.
func received(body []byte) error {
	if !bytes.Contains(body, []byte(checkBody)) {
		return fmt.Errorf("%d bytes came, and the message is not in them", len(body))
	}
	return nil
}

func (c *checker) pull() (string, error) {
	answer, err := c.call(c.broker, codec.ReqLitePullMessage, map[string]string{
		"consumerGroup": checkGroup, "topic": checkTopic, "queueId": "0", "queueOffset": "0", "maxMsgNums": "1",
		"sysFlag": "22", "commitOffset": "0", "suspendTimeoutMillis": "5000", "subscription": "*", "subVersion": "0", "expressionType": "TAG",
	}, nil)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d bytes, next offset %s", len(answer.Body), answer.Ext["nextBeginOffset"]), received(answer.Body)
}

func (c *checker) popOne() (string, error) {
	answer, err := c.call(c.broker, codec.ReqPopMessage, map[string]string{
		"consumerGroup": checkGroup, "topic": checkTopic, "queueId": "0", "maxMsgNums": "1", "invisibleTime": "60000",
		"pollTime": "5000", "bornTime": strconv.FormatInt(time.Now().UnixMilli(), 10), "initMode": "0", "expType": "TAG", "exp": "*", "order": "false",
	}, nil)
	if err != nil {
		return "", err
	}
	c.pop = answer.Ext
	return fmt.Sprintf("%d bytes, invisible for %s ms", len(answer.Body), answer.Ext["invisibleTime"]), received(answer.Body)
}

// ack builds the handle of the popped message from the pop's answer (PROTOCOL C.2, C.3): its checkpoint offset is the
// last number of the first start offset, its own offset the first message offset.
func (c *checker) ack() (string, error) {
	start := strings.Fields(strings.Split(c.pop["startOffsetInfo"], ";")[0])
	offsets := strings.Fields(strings.Split(c.pop["msgOffsetInfo"], ";")[0])
	if len(start) != 3 || len(offsets) != 3 {
		return "", fmt.Errorf("the pop's answer has startOffsetInfo %q and msgOffsetInfo %q", c.pop["startOffsetInfo"], c.pop["msgOffsetInfo"])
	}
	offset := strings.Split(offsets[2], ",")[0]
	handle := strings.Join([]string{start[2], c.pop["popTime"], c.pop["invisibleTime"], c.pop["reviveQid"], "0", "broker-a", "0", offset}, " ")
	_, err := c.call(c.broker, codec.ReqAckMessage, map[string]string{
		"consumerGroup": checkGroup, "topic": checkTopic, "queueId": "0", "extraInfo": handle, "offset": offset,
	}, nil)
	return "handle " + handle, err
}

// checkCounters are the statistics that the self-check must move, with what it does to them.
var checkCounters = []string{"request", "get_topic_route", "send_message_v2", "pop_message", "ack_message", "response_success"}

// answersChecked is how many answers the self-check has had by then. Other clients may be at work already.
const answersChecked = 5

func (s *Server) counters() map[string]uint64 {
	now := map[string]uint64{}
	for _, n := range checkCounters {
		now[n] = s.statistics().Counter(s.config().StatPrefix, n)
	}
	return now
}

// moved prints by how much the counters have moved, and waits for those that the stats actor has yet to add up.
func (s *Server) moved(before map[string]uint64) (string, error) {
	deadline := time.Now().Add(devPatience)
	for {
		now, still := s.counters(), ""
		parts := make([]string, 0, len(checkCounters))
		for _, n := range checkCounters {
			if now[n] == before[n] {
				still = n
			}
			parts = append(parts, fmt.Sprintf("%s +%d", n, now[n]-before[n]))
		}
		switch {
		case still == "" && now["response_success"]-before["response_success"] >= answersChecked:
			return strings.Join(parts, ", "), nil
		case time.Now().After(deadline):
			return strings.Join(parts, ", "), fmt.Errorf("statistics did not move as they must (%s)", still)
		}
		time.Sleep(time.Millisecond)
	}
}
