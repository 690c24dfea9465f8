package translate

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/rocketmq-proxy/rocketmq-proxy/translate/pb"
)

// delayed is a send that is to be delivered after a while.
func delayed(t *testing.T, wait time.Duration) *Send {
	m := aMessage()
	m.SystemProperties.DeliveryTimestamp = timestamppb.New(now.Add(wait))
	return send(t, m)
}

func TestBrokersBefore5AreNotGivenDelays(t *testing.T) {
	s := delayed(t, time.Minute)
	_, err := s.CommandFor(0, "b", 407, false)
	require.Equal(t, pb.Code_UNSUPPORTED, codeOf(t, err))
	for _, version := range []int32{0, 413, 513} {
		c, err := s.CommandFor(0, "b", version, false)
		require.NoError(t, err)
		require.NotContains(t, readProperties(c.Ext["i"]), "DELAY")
	}
	_, err = send(t, aMessage()).CommandFor(0, "b", 407, false)
	require.NoError(t, err)
}

func TestADelayBecomesTheShortestLevelThatIsLongEnough(t *testing.T) {
	for wait, level := range map[time.Duration]string{
		-time.Second: "", 1: "1", time.Second: "1", time.Second + 1: "2", time.Minute: "5", 11 * time.Minute: "15", 2 * time.Hour: "18",
	} {
		c, err := delayed(t, wait).CommandFor(0, "b", 407, true)
		require.NoError(t, err)
		require.Equal(t, level, readProperties(c.Ext["i"])["DELAY"], wait)
		require.NotEmpty(t, readProperties(c.Ext["i"])["UNIQ_KEY"])
	}
	_, err := delayed(t, 2*time.Hour+1).CommandFor(0, "b", 407, true)
	require.Equal(t, pb.Code_ILLEGAL_DELIVERY_TIME, codeOf(t, err))
	c, err := delayed(t, time.Minute).CommandFor(0, "b", 513, true)
	require.NoError(t, err)
	require.NotContains(t, readProperties(c.Ext["i"]), "DELAY", "brokers from 5.0 on know the time itself")
}

// Brokers look at the flags of a batch, not at those of its messages.
func TestDelayedAndTransactionalMessagesAreNotSentTogether(t *testing.T) {
	late := func() *pb.Message {
		m := aMessage()
		m.SystemProperties.DeliveryTimestamp = timestamppb.New(now.Add(time.Minute))
		return m
	}
	half := func() *pb.Message {
		m := aMessage()
		m.SystemProperties.MessageType = pb.MessageType_TRANSACTION
		return m
	}
	for _, of := range []func() *pb.Message{late, half} {
		_, err := ReadSend(&pb.SendMessageRequest{Messages: []*pb.Message{of(), of()}}, Publishing{Now: now})
		require.Equal(t, pb.Code_BAD_REQUEST, codeOf(t, err))
		_, err = ReadSend(&pb.SendMessageRequest{Messages: []*pb.Message{of()}}, Publishing{Now: now})
		require.NoError(t, err)
	}
}
