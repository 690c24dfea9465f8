package route_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// How requests say what they are about: kinds of the codes below.
const (
	toNameServer  = "ns"      // whatever it says, as on a name-server port
	local         = "local"   // the proxy answers, as on a name-server port
	refused       = "refused" // as on a name-server port
	ofTopic       = "topic"   // a topic stands in the header
	ofBroker      = "broker"  // it is about a broker as a whole, or a group
	setsUpTopic   = "topic set-up"
	setsUpGroup   = "group set-up"
	byID          = "id"
	byKey         = "key"
	beat          = "heartbeat"
	bye           = "unregister"
	ofMember      = "member"
	ofMemberTopic = "member of a topic"
	ofQueues      = "queues"
	ofAcks        = "acks"
)

// requestCodes are those of PROTOCOL.md section B, and all others that the codec knows.
var requestCodes = map[int32]string{
	// B.1
	10: ofTopic, 310: ofTopic, 320: ofTopic, 324: ofTopic, 325: ofTopic, 36: ofTopic, 370: ofTopic, 37: ofTopic,
	// B.2, B.3
	11: ofTopic, 361: ofTopic, 14: ofTopic, 15: ofTopic, 29: ofTopic, 30: ofTopic, 31: ofTopic, 32: ofTopic, 13: ofTopic,
	// B.4, B.5
	41: ofQueues, 42: ofQueues, 34: beat, 35: bye, 38: ofMember, 46: ofMemberTopic, 400: ofMemberTopic, 401: setsUpTopic,
	// B.6
	200050: ofTopic, 200051: ofTopic, 200151: ofAcks, 200053: ofTopic, 200052: ofTopic, 200054: ofTopic, 200055: ofTopic,
	200056: ofTopic, 50: ofTopic, 51: ofTopic,
	// B.7: from a client they are what tools send, or nothing
	39: ofTopic, 40: ofBroker, 220: ofTopic, 221: ofTopic, 307: ofBroker, 309: ofTopic, 326: ofTopic,
	// B.8
	12: byKey, 33: byID,
	// B.9
	105: local, 106: local, 100: toNameServer, 101: toNameServer, 102: toNameServer, 219: toNameServer, 206: toNameServer,
	224: toNameServer, 304: toNameServer, 311: toNameServer, 312: toNameServer, 313: toNameServer, 216: toNameServer,
	217: toNameServer, 205: toNameServer, 327: toNameServer, 318: toNameServer, 319: toNameServer,
	103: refused, 104: refused, 322: refused, 901: refused, 904: refused,
	// B.10
	17: setsUpTopic, 18: setsUpTopic, 215: setsUpTopic, 200: setsUpGroup, 225: setsUpGroup, 207: setsUpGroup,
	21: ofBroker, 351: ofTopic, 513: ofTopic, 201: ofBroker, 352: ofBroker, 353: ofTopic, 25: ofBroker, 26: ofBroker, 28: ofBroker,
	202: ofTopic, 208: ofTopic, 203: ofBroker, 204: ofBroker, 328: ofBroker, 222: ofTopic, 223: ofTopic, 300: ofTopic, 343: ofBroker,
	345: ofTopic, 303: ofTopic, 305: ofBroker, 306: ofBroker, 316: ofBroker, 329: ofBroker, 308: ofTopic, 314: ofTopic, 315: ofBroker,
	317: ofBroker, 321: ofTopic, 323: ofTopic, 43: ofBroker, 45: ofBroker, 60: ofBroker, 61: ofBroker, 402: ofBroker, 354: ofTopic,
	355: ofBroker, 2001: ofBroker, 2002: ofBroker, 2003: ofBroker, 2004: ofBroker, 3001: ofBroker, 3002: ofBroker, 3003: ofBroker,
	3004: ofBroker, 3005: ofBroker, 3006: ofBroker, 3007: ofBroker, 3008: ofBroker, 3009: ofBroker, 3010: ofBroker,
	905: ofBroker, 906: ofBroker, 907: ofBroker, 908: ofBroker, 1007: ofBroker, 1008: ofBroker, 47: ofBroker,
}

func TestEveryRequestCodeIsInTheTable(t *testing.T) {
	for code := int32(-10); code < 210_000; code++ {
		if codec.KnownRequestCode(code) {
			require.Contains(t, requestCodes, code, codec.RequestCodeName(code))
		}
	}
}

// scene is a listener and its client; the topic "News" is on the brokers of having.
type scene struct {
	brokers []string
	having  []string
	linked  []string
	bname   string
}

// requestOf is a request of a code about the topic News that names the broker bname, if any, where its kind does.
func requestOf(code int32, kind, bname string) (c *codec.Command, body string) {
	c = &codec.Command{Code: code, Ext: map[string]string{}}
	topic, name := "topic", "bname"
	switch code {
	case 310, 320, 325:
		topic, name = "b", "n"
	case 36:
		topic = "originTopic"
	}
	if kind != ofBroker && kind != setsUpGroup && kind != ofMember && kind != ofMemberTopic && kind != ofQueues && kind != ofAcks && code != 18 && code != 401 {
		c.Ext[topic] = "News"
	}
	switch code {
	case 41, 42:
		body = fmt.Sprintf(`{"clientId":"c","consumerGroup":"g","mqSet":[{"brokerName":%q,"queueId":1,"topic":"News"}]}`, bname)
	case 200151:
		body = fmt.Sprintf(`{"acks":[{"c":"g","t":"News"}],"brokerName":%q}`, bname)
	case 46:
		body = `{"clientId":"c","group":"g","subscriptionData":{"topic":"News"}}`
	case 400, 401:
		body = `{"topic":"News","consumerGroup":"g"}`
	case 18:
		body = `{"topicConfigList":[{"topicName":"News"}]}`
	case 34:
		body = `{"clientID":"c","consumerDataSet":[{"groupName":"g","subscriptionDataSet":[{"topic":"News"}]}]}`
	}
	if kind != ofQueues && kind != ofAcks {
		c.Ext[name] = bname
	}
	return c, body
}

// outcome says where a request goes: brokers, "ns", "local", or a response code.
func outcome(t *testing.T, s scene, code int32, kind string) string {
	t.Helper()
	table, client := brokers(s.brokers...), &route.Client{}
	for _, name := range s.linked {
		client.Linked = append(client.Linked, route.BrokerID{Name: name})
		client.Member = client.Linked
	}
	c, body := requestOf(code, kind, s.bname)
	client.Body = []byte(body)
	v := decide(table, onOnePort(client), c)
	for asked := 0; v.Action == route.AskTopics; asked++ {
		require.Less(t, asked, 3, "it asks for the same again")
		for _, key := range *v.Ask {
			topic := route.Topic{}
			for _, name := range s.having {
				if key.Topic == "News" && name[:1] == key.Cluster {
					topic.Brokers = append(topic.Brokers, route.TopicBroker{Name: name, Writable: true})
				}
			}
			client.Learn(key, topic)
		}
		v = decide(table, onOnePort(client), c)
	}
	return said(v)
}

func said(v route.Verdict) string {
	switch v.Action {
	case route.Relay:
		if v.Broker == nil {
			return "ns"
		}
		return v.Broker.Name
	case route.FanOutTo:
		var names []string
		for _, b := range v.FanOut.Targets {
			names = append(names, b.Name)
		}
		return "all of " + strings.Join(names, ",")
	case route.Refuse:
		if v.Reason == route.Registration {
			return "refused"
		}
		return strconv.Itoa(int(v.Code))
	default:
		return "local"
	}
}

func TestWhereEachRequestGoesOnOnePort(t *testing.T) {
	f := func(name string, s scene, want map[string]string) {
		t.Run(name, func(t *testing.T) {
			for code, kind := range requestCodes {
				w, ok := want[kind]
				if !ok {
					w, ok = map[string]string{toNameServer: "ns", local: "local", refused: "refused"}[kind]
				}
				if !ok {
					w = want["else"]
				}
				require.Equal(t, w, outcome(t, s, code, kind), "%s (%d), a %s request", codec.RequestCodeName(code), code, kind)
			}
		})
	}
	one, two := []string{"a1"}, []string{"a1", "a2"}
	f("named", scene{brokers: two, having: two, bname: "a2"}, map[string]string{"else": "a2"})
	f("named, the topic elsewhere", scene{brokers: two, having: one, bname: "a2"}, map[string]string{"else": "a2"})
	f("named, down", scene{brokers: []string{"a1", "!a2"}, having: two, bname: "a2"}, map[string]string{"else": "a2"})
	f("named of the second cluster", scene{brokers: []string{"a1", "b1"}, having: []string{"a1", "b1"}, bname: "b1"}, map[string]string{"else": "b1"})
	f("unknown name", scene{brokers: two, having: two, bname: "z"}, map[string]string{"else": "14"})

	f("one broker", scene{brokers: one, having: one}, map[string]string{
		"else": "a1", setsUpTopic: "all of a1", setsUpGroup: "all of a1", beat: "all of a1", bye: "all of ",
	})
	f("one broker, a new topic", scene{brokers: one}, map[string]string{
		"else": "a1", setsUpTopic: "all of a1", setsUpGroup: "all of a1", beat: "all of ", bye: "all of ",
	})
	f("one broker that is down", scene{brokers: []string{"!a1"}, having: one}, map[string]string{
		"else": "a1", setsUpTopic: "14", setsUpGroup: "14", beat: "all of ", bye: "all of ",
	})
	f("two brokers", scene{brokers: two, having: two, linked: []string{"a2"}}, map[string]string{
		"else": "15", setsUpTopic: "all of a1,a2", setsUpGroup: "all of a1,a2", beat: "all of a1,a2", bye: "all of a2",
		byID: "all of a1,a2", byKey: "a1", ofMember: "a2", ofMemberTopic: "a2",
	})
	f("two brokers, nothing open", scene{brokers: two, having: two}, map[string]string{
		"else": "15", setsUpTopic: "all of a1,a2", setsUpGroup: "all of a1,a2", beat: "all of a1,a2", bye: "all of ",
		byID: "all of a1,a2", byKey: "a1",
	})
	f("two brokers, of which one has the topic", scene{brokers: two, having: []string{"a2"}, linked: []string{"a1"}}, map[string]string{
		"else": "a2", setsUpTopic: "all of a1,a2", setsUpGroup: "all of a1,a2", beat: "all of a1,a2", bye: "all of a1",
		ofMember: "a1", ofBroker: "15",
	})
	f("two brokers, one down", scene{brokers: []string{"!a1", "a2"}, having: two, linked: two}, map[string]string{
		"else": "15", setsUpTopic: "14", setsUpGroup: "14", beat: "all of a1,a2", bye: "all of a1,a2",
		byID: "a2", byKey: "a1", ofMember: "a2", ofMemberTopic: "a2",
	})
	f("two brokers, a new topic", scene{brokers: two}, map[string]string{
		"else": "15", setsUpTopic: "all of a1,a2", setsUpGroup: "all of a1,a2", beat: "all of ", bye: "all of ", byID: "all of a1,a2",
	})
	f("two clusters", scene{brokers: []string{"a1", "b1"}, having: []string{"a1", "b1"}, linked: []string{"b1"}}, map[string]string{
		"else": "a1", setsUpTopic: "all of a1", setsUpGroup: "all of a1,b1", beat: "all of a1,b1", bye: "all of b1",
		ofMember: "b1", ofBroker: "15",
	})
	f("no broker known", scene{}, map[string]string{
		"else": "15", beat: "all of ", bye: "all of ",
	})
}

func TestARefusalSaysWhatIsMissingAndWhatHelps(t *testing.T) {
	for code, kind := range requestCodes {
		c, body := requestOf(code, kind, "")
		client := &route.Client{Body: []byte(body)}
		for _, key := range []string{"News", ""} {
			client.Learn(route.TopicKey{Cluster: "a", Topic: key}, route.Topic{Brokers: []route.TopicBroker{{Name: "a1"}, {Name: "a2"}}})
		}
		v := decide(brokers("a1", "a2"), onOnePort(client), c)
		if v.Code != codec.ResVersionNotSupported {
			continue
		}
		require.Contains(t, v.Remark, fmt.Sprintf("rocketmq-proxy: %s (%d) ", codec.RequestCodeName(code), code))
		require.Contains(t, v.Remark, `"port-per-broker" needs no`)
		require.Regexp(t, `it has no field "(bname|n)"; (Java clients send it from|no client version sends it)|brokerName"(\)|;)`, v.Remark)
	}
	remark := func(code int32) string {
		return decide(brokers("a1", "a2"), onOnePort(&route.Client{}), &codec.Command{Code: code}).Remark
	}
	require.Equal(t, `rocketmq-proxy: SEND_MESSAGE (10) does not say which broker it is for: it has no field "bname"; `+
		`Java clients send it from 4.9.5 (4.9) and 5.1.0 on, Go clients later than v2.1.2; a listener with brokers = "port-per-broker" needs no name`, remark(10))
	require.Contains(t, remark(310), `no field "n"; Java clients send it from 4.9.5 (4.9) and 5.1.0 on;`)
	require.Contains(t, remark(11), `no field "bname"; Java clients send it from 4.9.5 (4.9) and 5.0.0 on, Go clients later than v2.1.2;`)
	require.Contains(t, remark(361), `Java clients send it from 5.0.0 on;`)
	require.Contains(t, remark(200051), `Java clients send it from 5.1.0 on, and a handle in the field "extraInfo"`)
	require.Contains(t, remark(200151), `its body has no "brokerName"`)
	require.Contains(t, remark(41), `"mqSet"`)
	require.Contains(t, remark(203), "no client version sends it;")
}
