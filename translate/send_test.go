package translate

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/hex"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/translate/pb"
)

var now = time.UnixMilli(1700000000000)

// aMessage is one that may be sent.
func aMessage() *pb.Message {
	return &pb.Message{
		Topic: &pb.Resource{Name: "orders"}, Body: []byte("hi"), UserProperties: map[string]string{"b": "2", "a": "1"},
		SystemProperties: &pb.SystemProperties{
			MessageId: "01AB", Tag: proto.String("TagA"), Keys: []string{"k1", "k2"}, BornTimestamp: timestamppb.New(now.Add(-time.Second)),
			BodyEncoding: pb.Encoding_IDENTITY, MessageType: pb.MessageType_NORMAL,
		},
	}
}

func send(t testing.TB, messages ...*pb.Message) *Send {
	s, err := ReadSend(&pb.SendMessageRequest{Messages: messages}, Publishing{Now: now, BornHost: "10.1.1.1"})
	require.NoError(t, err)
	return s
}

func TestAMessageBecomesA310(t *testing.T) {
	c := send(t, aMessage()).Command(5)
	require.Equal(t, codec.ReqSendMessageV2, c.Code)
	require.Equal(t, "hi", string(c.Body))
	require.Equal(t, map[string]string{
		"a": "orders", "b": "orders", "c": "TBW102", "d": "4", "e": "5", "f": "0", "g": "1699999999000", "h": "0", "j": "0", "k": "false", "m": "false",
		"i": "a\x011\x02b\x012\x02UNIQ_KEY\x0101AB\x02TAGS\x01TagA\x02KEYS\x01k1 k2\x02PGROUP\x01orders\x02__BORNHOST\x0110.1.1.1\x02BORN_TIMESTAMP\x011699999999000\x02",
	}, c.Ext)
}

func TestSystemPropertiesHaveTheirKeys(t *testing.T) {
	for name, c := range map[string]struct {
		set     func(p *pb.SystemProperties)
		kind    pb.MessageType
		has     string
		sysFlag string
	}{
		"order":       {func(p *pb.SystemProperties) { p.MessageGroup = proto.String("g") }, pb.MessageType_FIFO, "__SHARDINGKEY\x01g\x02", "0"},
		"delay":       {func(p *pb.SystemProperties) { p.DeliveryTimestamp = timestamppb.New(now) }, pb.MessageType_DELAY, "TIMER_DELIVER_MS\x011700000000000\x02", "0"},
		"priority":    {func(p *pb.SystemProperties) { p.Priority = proto.Int32(3) }, pb.MessageType_PRIORITY, "_SYS_MSG_PRIORITY_\x013\x02", "0"},
		"lite":        {func(p *pb.SystemProperties) { p.LiteTopic = proto.String("l") }, pb.MessageType_LITE, "__LITE_TOPIC\x01l\x02", "0"},
		"transaction": {func(p *pb.SystemProperties) { p.MessageType = pb.MessageType_TRANSACTION }, pb.MessageType_TRANSACTION, "TRAN_MSG\x01true\x02", "4"},
		"recovery": {func(p *pb.SystemProperties) {
			p.MessageType, p.OrphanedTransactionRecoveryDuration = pb.MessageType_TRANSACTION, durationpb.New(time.Minute)
		}, pb.MessageType_TRANSACTION, "CHECK_IMMUNITY_TIME_IN_SECONDS\x0160\x02", "4"},
		"host":  {func(p *pb.SystemProperties) { p.BornHost = "me" }, pb.MessageType_NORMAL, "__BORNHOST\x01me\x02", "0"},
		"trace": {func(p *pb.SystemProperties) { p.TraceContext = proto.String("00-1") }, pb.MessageType_NORMAL, "TRACE_CONTEXT\x0100-1\x02", "0"},
	} {
		m := aMessage()
		c.set(m.SystemProperties)
		s := send(t, m)
		require.Equal(t, c.kind, s.Type, name)
		require.Contains(t, s.Command(0).Ext["i"], c.has, name)
		require.Equal(t, c.sysFlag, s.Command(0).Ext["f"], name)
	}
}

func TestAMessageIsRefusedByItsCode(t *testing.T) {
	system := func(set func(p *pb.SystemProperties)) func(*pb.Message) {
		return func(m *pb.Message) { set(m.SystemProperties) }
	}
	user := func(key, value string) func(*pb.Message) {
		return func(m *pb.Message) { m.UserProperties[key] = value }
	}
	for name, c := range map[string]struct {
		spoil func(m *pb.Message)
		code  pb.Code
	}{
		"no topic":         {func(m *pb.Message) { m.Topic = nil }, pb.Code_ILLEGAL_TOPIC},
		"long topic":       {func(m *pb.Message) { m.Topic.Name = strings.Repeat("t", 128) }, pb.Code_ILLEGAL_TOPIC},
		"system topic":     {func(m *pb.Message) { m.Topic.Name = "TBW102" }, pb.Code_ILLEGAL_TOPIC},
		"another one":      {func(m *pb.Message) { m.Topic.Name = "rmq_sys_x" }, pb.Code_ILLEGAL_TOPIC},
		"dot in topic":     {func(m *pb.Message) { m.Topic.Name = "a.b" }, pb.Code_ILLEGAL_TOPIC},
		"empty body":       {func(m *pb.Message) { m.Body = nil }, pb.Code_MESSAGE_BODY_EMPTY},
		"large body":       {func(m *pb.Message) { m.Body = make([]byte, MaxBody+1) }, pb.Code_MESSAGE_BODY_TOO_LARGE},
		"no id":            {system(func(p *pb.SystemProperties) { p.MessageId = " " }), pb.Code_ILLEGAL_MESSAGE_ID},
		"no system":        {func(m *pb.Message) { m.SystemProperties = nil }, pb.Code_ILLEGAL_MESSAGE_ID},
		"blank tag":        {system(func(p *pb.SystemProperties) { p.Tag = proto.String(" ") }), pb.Code_ILLEGAL_MESSAGE_TAG},
		"bar in tag":       {system(func(p *pb.SystemProperties) { p.Tag = proto.String("a|b") }), pb.Code_ILLEGAL_MESSAGE_TAG},
		"control in tag":   {system(func(p *pb.SystemProperties) { p.Tag = proto.String("a\x01") }), pb.Code_ILLEGAL_MESSAGE_TAG},
		"blank key":        {system(func(p *pb.SystemProperties) { p.Keys = []string{"a", ""} }), pb.Code_ILLEGAL_MESSAGE_KEY},
		"long group":       {system(func(p *pb.SystemProperties) { p.MessageGroup = proto.String(strings.Repeat("g", 64)) }), pb.Code_ILLEGAL_MESSAGE_GROUP},
		"blank group":      {system(func(p *pb.SystemProperties) { p.MessageGroup = proto.String("") }), pb.Code_ILLEGAL_MESSAGE_GROUP},
		"lite topic":       {system(func(p *pb.SystemProperties) { p.LiteTopic = proto.String("a%b") }), pb.Code_ILLEGAL_LITE_TOPIC},
		"25 h":             {system(func(p *pb.SystemProperties) { p.DeliveryTimestamp = timestamppb.New(now.Add(25 * time.Hour)) }), pb.Code_ILLEGAL_DELIVERY_TIME},
		"invalid time":     {system(func(p *pb.SystemProperties) { p.DeliveryTimestamp = &timestamppb.Timestamp{Nanos: -1} }), pb.Code_ILLEGAL_DELIVERY_TIME},
		"reserved key":     {user("TAGS", "x"), pb.Code_ILLEGAL_MESSAGE_PROPERTY_KEY},
		"sharding key":     {user("__SHARDINGKEY", "x"), pb.Code_ILLEGAL_MESSAGE_PROPERTY_KEY},
		"control in value": {user("a", "x\x02UNIQ_KEY\x01y"), pb.Code_ILLEGAL_MESSAGE_PROPERTY_KEY},
		"large properties": {user("a", strings.Repeat("x", 16<<10)), pb.Code_MESSAGE_PROPERTIES_TOO_LARGE},
		"digest":           {system(func(p *pb.SystemProperties) { p.BodyDigest = &pb.Digest{Type: pb.DigestType_CRC32, Checksum: "1"} }), pb.Code_MESSAGE_CORRUPTED},
		"no gzip":          {func(m *pb.Message) { m.SystemProperties.BodyEncoding, m.Body = pb.Encoding_GZIP, []byte("\x1f\x8bx") }, pb.Code_MESSAGE_CORRUPTED},
		"delay and half": {system(func(p *pb.SystemProperties) {
			p.MessageType, p.DeliveryTimestamp = pb.MessageType_TRANSACTION, timestamppb.New(now)
		}), pb.Code_MESSAGE_PROPERTY_CONFLICT_WITH_TYPE},
		"priority and half": {system(func(p *pb.SystemProperties) { p.MessageType, p.Priority = pb.MessageType_TRANSACTION, proto.Int32(1) }), pb.Code_MESSAGE_PROPERTY_CONFLICT_WITH_TYPE},
		"long recovery": {system(func(p *pb.SystemProperties) {
			p.MessageType, p.OrphanedTransactionRecoveryDuration = pb.MessageType_TRANSACTION, durationpb.New(2*time.Hour)
		}), pb.Code_BAD_REQUEST},
	} {
		m := aMessage()
		c.spoil(m)
		_, err := ReadSend(&pb.SendMessageRequest{Messages: []*pb.Message{m}}, Publishing{Now: now})
		require.Equal(t, c.code, codeOf(t, err), name)
	}
	_, err := ReadSend(&pb.SendMessageRequest{}, Publishing{})
	require.Equal(t, pb.Code_MESSAGE_CORRUPTED, codeOf(t, err))
	many := aMessage()
	for i := range 200 {
		many.UserProperties[hex.EncodeToString([]byte{byte(i)})] = "x"
	}
	_, err = ReadSend(&pb.SendMessageRequest{Messages: []*pb.Message{many}}, Publishing{})
	require.Equal(t, pb.Code_MESSAGE_PROPERTIES_TOO_LARGE, codeOf(t, err))
}

func TestDigestsOfAllSDKsAreTaken(t *testing.T) {
	for kind, sums := range map[pb.DigestType][]string{
		pb.DigestType_MD5:   {"49F68A5C8493EC2C0BF489821C21FC3B", "49f68a5c8493ec2c0bf489821c21fc3b"},
		pb.DigestType_SHA1:  {"c22b5f9178342609428d6f51b2c5af4c0bde6a42"},
		pb.DigestType_CRC32: {"d8932aac", "D8932AAC", "3633523372"},
	} {
		for _, sum := range sums {
			require.NoError(t, checkDigest(&pb.Digest{Type: kind, Checksum: sum}, []byte("hi")), sum)
		}
	}
}

// The item is that of MessageDecoder.java#encodeMessage for a body "hi" with WAIT and TAGS.
func TestABatchIsEncodedAsJavaDoes(t *testing.T) {
	got := appendBatch(nil, []publication{{body: []byte("hi"), properties: "WAIT\x01true\x02TAGS\x01TagA\x02"}})
	require.Equal(t, "0000002c00000000000000000000000000000002686900145741495401747275650254414753015461674102", hex.EncodeToString(got))
}

func TestSeveralMessagesAreABatchWithAnEntryEach(t *testing.T) {
	second := aMessage()
	second.SystemProperties.MessageId = "02AB"
	s := send(t, aMessage(), second)
	c := s.Command(1)
	require.Equal(t, codec.ReqSendBatchMessage, c.Code)
	require.Equal(t, "true", c.Ext["m"])
	r := s.Response("broker-a", &codec.Command{Ext: map[string]string{"queueOffset": "7"}})
	require.Len(t, r.Entries, 2)
	require.Equal(t, "01AB", r.Entries[0].MessageId)
	require.Equal(t, int64(7), r.Entries[0].Offset)
	require.Equal(t, "02AB", r.Entries[1].MessageId)
	require.Equal(t, int64(8), r.Entries[1].Offset)
	other := aMessage()
	other.Topic = &pb.Resource{Name: "others"}
	_, err := ReadSend(&pb.SendMessageRequest{Messages: []*pb.Message{aMessage(), other}}, Publishing{})
	require.Equal(t, pb.Code_MESSAGE_CORRUPTED, codeOf(t, err))
	other = aMessage()
	other.SystemProperties.MessageGroup = proto.String("g")
	_, err = ReadSend(&pb.SendMessageRequest{Messages: []*pb.Message{aMessage(), other}}, Publishing{})
	require.Equal(t, pb.Code_MESSAGE_PROPERTY_CONFLICT_WITH_TYPE, codeOf(t, err))
}

func TestAnswersToASendHaveTheirCodes(t *testing.T) {
	s := send(t, aMessage())
	for code, want := range map[int32]pb.Code{
		0: pb.Code_OK, 10: pb.Code_MASTER_PERSISTENCE_TIMEOUT, 11: pb.Code_HA_NOT_AVAILABLE, 12: pb.Code_SLAVE_PERSISTENCE_TIMEOUT,
		2: pb.Code_TOO_MANY_REQUESTS, 215: pb.Code_TOO_MANY_REQUESTS, 13: pb.Code_BAD_REQUEST, 16: pb.Code_FORBIDDEN, 17: pb.Code_TOPIC_NOT_FOUND,
		14: pb.Code_INTERNAL_SERVER_ERROR, 2017: pb.Code_LITE_TOPIC_QUOTA_EXCEEDED, 2018: pb.Code_LITE_SUBSCRIPTION_QUOTA_EXCEEDED,
	} {
		r := s.Response("b", &codec.Command{Code: code, Ext: map[string]string{"queueOffset": "3", "recallHandle": "r"}})
		require.Equal(t, want, r.Status.Code, "broker's code %d", code)
		require.Equal(t, want, r.Entries[0].Status.Code)
		require.Equal(t, "01AB", r.Entries[0].MessageId)
		require.Equal(t, isStored(code), r.Entries[0].RecallHandle == "r")
	}
	require.Equal(t, "OK", s.Response("b", &codec.Command{Remark: "not set any response code"}).Status.Message)
}

func TestATopicTakesItsType(t *testing.T) {
	s := send(t, aMessage())
	for attribute, ok := range map[string]bool{"": true, "NORMAL": true, "MIXED": true, "FIFO": false, "DELAY": false} {
		err := s.CheckType(attribute)
		require.Equal(t, ok, err == nil, attribute)
	}
	s.Topic = "%RETRY%group"
	require.NoError(t, s.CheckType("FIFO"))
}

func TestGzipIsStoredAsZlib(t *testing.T) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	w.Write([]byte("hello"))
	w.Close()
	m := aMessage()
	m.SystemProperties.BodyEncoding, m.Body = pb.Encoding_GZIP, packed.Bytes()
	c := send(t, m).Command(0)
	require.Equal(t, "1", c.Ext["f"])
	r, err := zlib.NewReader(bytes.NewReader(c.Body))
	require.NoError(t, err)
	plain, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Equal(t, "hello", string(plain))
}

func TestNamespacesStandBeforeNamesIfThatIsWanted(t *testing.T) {
	r := &pb.Resource{ResourceNamespace: "ns", Name: "orders"}
	topic, err := Names{Prefix: true}.Topic(r)
	require.NoError(t, err)
	require.Equal(t, "ns%orders", topic)
	topic, err = Names{}.Topic(r)
	require.NoError(t, err)
	require.Equal(t, "orders", topic)
	_, err = Names{}.Group(&pb.Resource{Name: "CID_RMQ_SYS_x"})
	require.Equal(t, pb.Code_ILLEGAL_CONSUMER_GROUP, codeOf(t, err))
	_, err = Names{}.Group(&pb.Resource{Name: strings.Repeat("g", 121)})
	require.Equal(t, pb.Code_ILLEGAL_CONSUMER_GROUP, codeOf(t, err))
}
