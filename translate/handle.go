package translate

import (
	"strconv"
	"strings"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/translate/pb"
)

// Handle is a receipt handle: which broker has a message that was popped, and where (ExtraInfoUtil.java). Apache's proxy
// writes the same text, so that handles of both work at either.
//
//	ckQueueOffset popTime invisibleTime reviveQid retryFlag brokerName queueId queueOffset commitLogOffset
type Handle struct {
	Checkpoint      int64 // queue offset at which the checkpoint of the pop begins
	PopTime         int64 // milliseconds, by the broker's clock
	Invisible       int64 // milliseconds
	ReviveQueue     int64
	Retry           string // "0" the topic, "1" and "2" the group's retry topic, in its two spellings
	Broker          string
	QueueID         int32
	QueueOffset     int64
	CommitLogOffset int64 // NoOffset: the handle does not say
}

// NoOffset stands for an offset that is not known.
const NoOffset = -1

// orderlyRevive is the ReviveQueue of an ordered pop, whose messages are not revived one by one (KeyBuilder.java).
const orderlyRevive = 999

func (h Handle) String() string {
	n := func(v int64) string { return strconv.FormatInt(v, 10) }
	part := []string{n(h.Checkpoint), n(h.PopTime), n(h.Invisible), n(h.ReviveQueue), h.Retry, h.Broker, n(int64(h.QueueID)), n(h.QueueOffset)}
	if h.CommitLogOffset != NoOffset {
		part = append(part, n(h.CommitLogOffset))
	}
	return strings.Join(part, " ")
}

// ReadHandle reads a receipt handle.
func ReadHandle(text string) (Handle, error) {
	part := strings.Split(text, " ")
	h := Handle{CommitLogOffset: NoOffset}
	if len(part) < 8 {
		return h, badHandle(text)
	}
	ok := true
	n := func(s string) int64 {
		v, err := strconv.ParseInt(s, 10, 64)
		ok = ok && err == nil && v >= 0
		return v
	}
	h.Checkpoint, h.PopTime, h.Invisible, h.ReviveQueue = n(part[0]), n(part[1]), n(part[2]), n(part[3])
	h.Retry, h.Broker = part[4], part[5]
	queue := n(part[6])
	h.QueueID, h.QueueOffset = int32(queue), n(part[7])
	if len(part) > 8 {
		h.CommitLogOffset = n(part[8])
	}
	if !ok || int64(h.QueueID) != queue || h.Broker == "" || h.Retry != "0" && h.Retry != "1" && h.Retry != "2" {
		return h, badHandle(text)
	}
	return h, nil
}

func badHandle(text string) error {
	return refuse(pb.Code_INVALID_RECEIPT_HANDLE, "receipt handle %.100q cannot be read", text)
}

// clockTolerance is how much later than a handle's end, by our clock, it is still tried: brokers have clocks of their own.
const clockTolerance = time.Second

// checkAlive refuses a handle whose message is visible again. Brokers would answer an ack of it with success. Of ordered
// pops the time of the handle is not the one that counts.
func (h Handle) checkAlive(now time.Time) error {
	end := time.UnixMilli(h.PopTime).Add(time.Duration(h.Invisible) * time.Millisecond)
	if h.ReviveQueue == orderlyRevive || now.Before(end.Add(clockTolerance)) {
		return nil
	}
	return refuse(pb.Code_INVALID_RECEIPT_HANDLE, "the receipt handle has expired: the message is visible again")
}

// storedIn is the topic in which the message is.
func (h Handle) storedIn(topic, group string) string {
	switch h.Retry {
	case "1":
		return retryPrefix + group + "_" + topic
	case "2":
		return retryPrefix + group + "+" + topic
	}
	return topic
}
