package translate

import (
	"bytes"
	"compress/zlib"
	"encoding/hex"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/translate/pb"
)

// Messages that RocketMQ 5.5.0 has written (MessageDecoder.java#encode), with IPv4 and with IPv6 hosts.
const (
	storedV4 = "00000079daa320a73610a686000000030000000000000011223344550000000066778899000000000000018bcfe568000a0000090000c350" +
		"0000018bcfe568010a00000100002a9f0000000200000000000000000000000568656c6c6f09546f7069635465737400106b310176310254414753015461674102"
	storedV6 = "00000091daa320a73610a686000000030000000000000011223344550000000066778899000000300000018bcfe56800" +
		"20010db80000000000000000000000090000c3500000018bcfe5680120010db800000000000000000000000100002a9f" +
		"0000000200000000000000000000000568656c6c6f09546f7069635465737400106b310176310254414753015461674102"
)

func bytesOf(t testing.TB, text string) []byte {
	b, err := hex.DecodeString(text)
	require.NoError(t, err)
	return b
}

func TestStoredMessagesAreRead(t *testing.T) {
	all, err := ReadStored(bytesOf(t, storedV4+storedV6))
	require.NoError(t, err)
	require.Len(t, all, 2)
	for i, m := range all {
		require.Equal(t, "TopicTest", m.Topic)
		require.Equal(t, "hello", string(m.Body))
		require.Equal(t, []int64{3, 0x1122334455, 0x66778899, 2}, []int64{int64(m.QueueID), m.QueueOffset, m.CommitLogOffset, int64(m.Reconsumed)})
		require.Equal(t, map[string]string{"k1": "v1", "TAGS": "TagA"}, m.Properties)
		require.Equal(t, int64(1700000000000), m.Born)
		require.Equal(t, int64(1700000000001), m.Stored)
		require.Equal(t, []string{"10.0.0.1:10911", "[2001:db8::1]:10911"}[i], m.StoreHost.String())
		require.Equal(t, []string{"10.0.0.9:50000", "[2001:db8::9]:50000"}[i], m.BornHost.String())
		require.Equal(t, []string{"0A00000100002A9F0000000066778899", "20010DB800000000000000000000000100002A9F0000000066778899"}[i], m.offsetID())
	}
}

func TestAnAnswerThatEndsTooEarlyIsAnError(t *testing.T) {
	whole := bytesOf(t, storedV4)
	for n := 1; n < len(whole); n++ {
		_, err := ReadStored(whole[:n])
		require.Error(t, err, "%d bytes", n)
	}
	_, err := ReadStored(append(bytesOf(t, "00000079cbd43194"), whole[8:]...))
	require.ErrorContains(t, err, "magic")
}

func TestConsumersGetWhatIsStored(t *testing.T) {
	all, err := ReadStored(bytesOf(t, storedV4))
	require.NoError(t, err)
	m := all[0].message(&pb.Resource{Name: "asked"}, StoredView{Handle: "h", Invisible: time.Minute, Attempt: 3})
	s := m.SystemProperties
	require.Equal(t, "asked", m.Topic.Name, "the topic is the one that the client has asked for, also of retries")
	require.Equal(t, map[string]string{"k1": "v1"}, m.UserProperties)
	require.Equal(t, "TagA", s.GetTag())
	require.Equal(t, "0A00000100002A9F0000000066778899", s.MessageId)
	require.Equal(t, pb.DigestType_MD5, s.BodyDigest.Type)
	require.Equal(t, "5D41402ABC4B2A76B9719D911017C592", s.BodyDigest.Checksum)
	require.Equal(t, pb.Encoding_IDENTITY, s.BodyEncoding)
	require.Equal(t, pb.MessageType_NORMAL, s.MessageType)
	require.Equal(t, "10.0.0.9", s.BornHost)
	require.Equal(t, "10.0.0.1:10911", s.StoreHost)
	require.Equal(t, int32(3), s.GetDeliveryAttempt())
	require.Equal(t, time.Minute, s.InvisibleDuration.AsDuration())
	require.Equal(t, "h", s.GetReceiptHandle())
	require.Nil(t, s.Priority)
	require.Nil(t, s.DeliveryTimestamp)
	require.Nil(t, s.DeadLetterQueue)
}

func TestCompressedBodiesAreInflated(t *testing.T) {
	var packed bytes.Buffer
	w := zlib.NewWriter(&packed)
	w.Write([]byte("hello"))
	w.Close()
	for _, c := range []struct {
		body     []byte
		sysFlag  int32
		want     string
		encoding pb.Encoding
	}{
		{packed.Bytes(), flagCompressed, "hello", pb.Encoding_IDENTITY},
		{packed.Bytes(), flagCompressed | 3<<compressionShift, "hello", pb.Encoding_IDENTITY},
		{packed.Bytes(), 0, packed.String(), pb.Encoding_IDENTITY},
		{[]byte("no zlib"), flagCompressed, "no zlib", pb.Encoding_GZIP},
	} {
		m := (&Stored{Body: c.body, SysFlag: c.sysFlag}).message(nil, StoredView{})
		require.Equal(t, c.want, string(m.Body))
		require.Equal(t, c.encoding, m.SystemProperties.BodyEncoding)
		require.Equal(t, digestOf(m.Body).Checksum, m.SystemProperties.BodyDigest.Checksum)
	}
}

func TestTheTypeOfAStoredMessageIsWhatItCarries(t *testing.T) {
	for key, want := range map[string]pb.MessageType{
		"TRAN_MSG": pb.MessageType_TRANSACTION, "DELAY": pb.MessageType_DELAY, "TIMER_DELIVER_MS": pb.MessageType_DELAY,
		"TIMER_DELAY_SEC": pb.MessageType_DELAY, "TIMER_DELAY_MS": pb.MessageType_DELAY, "__SHARDINGKEY": pb.MessageType_FIFO,
		"_SYS_MSG_PRIORITY_": pb.MessageType_PRIORITY, "__LITE_TOPIC": pb.MessageType_LITE, "own": pb.MessageType_NORMAL,
	} {
		require.Equal(t, want, (&Stored{Properties: map[string]string{key: "true"}}).kind(), key)
	}
}

func TestDeadLettersSayWhereTheyComeFrom(t *testing.T) {
	for _, c := range []struct{ topic, retry, want string }{
		{"%DLQ%group", "orders", "orders"}, {"%DLQ%group", "%RETRY%group_orders", "orders"}, {"%DLQ%group", "%RETRY%group+orders", "orders"},
	} {
		m := &Stored{Topic: c.topic, Properties: map[string]string{"RETRY_TOPIC": c.retry, "UNIQ_KEY": "id"}}
		require.Equal(t, c.want, m.deadLetter().Topic)
		require.Equal(t, "id", m.deadLetter().MessageId)
	}
	require.Nil(t, (&Stored{Topic: "orders"}).deadLetter())
}
