package harness

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"regexp"
	"slices"
	"strconv"
)

// A bare remoting client for what the harness itself has to know or prepare: which brokers there are, and topics.
// It is written out here, not taken from codec, because what is under test must not judge itself.

// Answer is a frame that came from a server: an answer, or a request of the server's own.
type Answer struct {
	Code      int               `json:"code"`
	Flag      int               `json:"flag"` // bit 0: it is an answer, not a request of the broker's own
	Opaque    int32             `json:"opaque"`
	Remark    string            `json:"remark"`
	ExtFields map[string]string `json:"extFields"`
	Body      []byte            `json:"-"`
}

// Err is what an answer that is no success says.
func (a *Answer) Err() error {
	if a.Code == 0 {
		return nil
	}
	return fmt.Errorf("code %d: %s", a.Code, a.Remark)
}

// Call sends one request over a connection of its own and waits for the answer.
func Call(ctx context.Context, address string, code int, fields map[string]string) (*Answer, error) {
	dialer := ownDialer()
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("cannot send request %d: %w", code, err)
	}
	defer conn.Close()
	return Exchange(ctx, conn, code, fields, nil)
}

// Exchange sends one request over an open connection and waits for the answer.
func Exchange(ctx context.Context, conn net.Conn, code int, fields map[string]string, body []byte) (*Answer, error) {
	address := conn.RemoteAddr()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	frame, err := RequestFrame(code, 1, fields, body)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Write(frame); err != nil {
		return nil, fmt.Errorf("cannot send request %d to %s: %w", code, address, err)
	}
	for {
		a, err := ReadAnswer(conn)
		if err != nil {
			return nil, fmt.Errorf("no answer to request %d from %s: %w", code, address, err)
		}
		if a.Flag&1 != 0 { // else it is a request of the broker's, such as NOTIFY_CONSUMER_IDS_CHANGED
			return a, nil
		}
	}
}

// RequestFrame encodes one request. 317 is the version the Go client sends (PROTOCOL.md A.4).
func RequestFrame(code int, opaque int32, fields map[string]string, body []byte) ([]byte, error) {
	header, err := json.Marshal(map[string]any{
		"code": code, "language": "GO", "version": 317, "opaque": opaque, "flag": 0, "extFields": fields,
	})
	if err != nil {
		return nil, fmt.Errorf("cannot encode request %d: %w", code, err)
	}
	frame := binary.BigEndian.AppendUint32(nil, uint32(4+len(header)+len(body)))
	frame = binary.BigEndian.AppendUint32(frame, uint32(len(header)))
	return append(append(frame, header...), body...), nil
}

// largestFrame is far above what any broker sends: a longer one means that bytes were lost or made up on the way.
const largestFrame = 32 << 20

// ErrNoFrame is what a reader sees whose peer does not speak the protocol, as opposed to one that ended.
var ErrNoFrame = errors.New("what came is not a frame")

// ReadAnswer reads one frame, an answer or a request.
func ReadAnswer(conn io.Reader) (*Answer, error) {
	var lengths [8]byte
	if _, err := io.ReadFull(conn, lengths[:]); err != nil {
		return nil, err
	}
	total := binary.BigEndian.Uint32(lengths[:4])
	headerLength := binary.BigEndian.Uint32(lengths[4:]) & 0xFFFFFF // the top byte is the header's encoding
	if total < 4 || total > largestFrame || headerLength > total-4 {
		return nil, fmt.Errorf("%w: it begins with %q", ErrNoFrame, lengths)
	}
	payload := make([]byte, total-4)
	if _, err := io.ReadFull(conn, payload); err != nil {
		return nil, fmt.Errorf("half of one came: %w", err)
	}
	var a Answer
	if err := json.Unmarshal(payload[:headerLength], &a); err != nil {
		return nil, fmt.Errorf("%w: its header is %.200q", ErrNoFrame, payload[:headerLength])
	}
	a.Body = payload[headerLength:]
	return &a, nil
}

// brokerEntry matches one broker of the answers to 105 and 106. They are no JSON: fastjson leaves numeric keys
// without quotes (PROTOCOL.md A.7).
var brokerEntry = regexp.MustCompile(`"brokerAddrs":\{"?0"?:"([^"]+)"[^}]*\},"brokerName":"([^"]+)"`)

// Masters asks a name server for its brokers and returns name -> address of the master.
func Masters(ctx context.Context, nameServer string) (map[string]string, error) {
	a, err := Call(ctx, nameServer, 106, nil) // GET_BROKER_CLUSTER_INFO
	if err != nil {
		return nil, err
	}
	return brokersIn(a.Body), nil
}

// RouteOf asks a name server for the brokers of a topic; the map is empty when the topic is unknown.
func RouteOf(ctx context.Context, nameServer, topic string) (map[string]string, error) {
	a, err := Call(ctx, nameServer, 105, map[string]string{"topic": topic}) // GET_ROUTEINFO_BY_TOPIC
	if err != nil {
		return nil, err
	}
	return brokersIn(a.Body), nil
}

func brokersIn(body []byte) map[string]string {
	found := make(map[string]string)
	for _, m := range brokerEntry.FindAllSubmatch(body, -1) {
		found[string(m[2])] = string(m[1])
	}
	return found
}

// CreateTopic creates a topic with that many queues on each of the given brokers, and returns once the name server
// knows it there.
func CreateTopic(ctx context.Context, nameServer string, brokers map[string]string, topic string, queues int) error {
	return createTopic(ctx, nameServer, brokers, topic, queues, "")
}

func createTopic(ctx context.Context, nameServer string, brokers map[string]string, topic string, queues int, attributes string) error {
	for name, address := range brokers {
		err := Until(ctx, func() error {
			a, err := Call(ctx, address, 17, map[string]string{ // UPDATE_AND_CREATE_TOPIC
				"topic": topic, "defaultTopic": "TBW102", "perm": "6", "topicFilterType": "SINGLE_TAG",
				"topicSysFlag": "0", "order": "false", "attributes": attributes,
				"readQueueNums": strconv.Itoa(queues), "writeQueueNums": strconv.Itoa(queues),
			})
			if err != nil {
				return err
			}
			return a.Err() // as 2, when a broker has more to do than a busy machine lets it
		})
		if err != nil {
			return fmt.Errorf("cannot create topic %s on %s: %w", topic, name, err)
		}
	}
	want := slices.Sorted(maps.Keys(brokers))
	return Until(ctx, func() error {
		route, err := RouteOf(ctx, nameServer, topic)
		if err != nil {
			return err
		}
		if got := slices.Sorted(maps.Keys(route)); !slices.Equal(got, want) {
			return fmt.Errorf("the route of topic %s names brokers %q; want %q", topic, got, want)
		}
		return nil
	})
}
