package translate

import (
	"strconv"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/translate/pb"
)

// delayLevels are the times that brokers know by a number, from 1 on (MessageStoreConfig.java#messageDelayLevel). Brokers before
// 5.0 know nothing else.
var delayLevels = []time.Duration{
	time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 3 * time.Minute, 4 * time.Minute,
	5 * time.Minute, 6 * time.Minute, 7 * time.Minute, 8 * time.Minute, 9 * time.Minute, 10 * time.Minute, 20 * time.Minute,
	30 * time.Minute, time.Hour, 2 * time.Hour,
}

// CommandFor is Command for a broker of a version; 0: not known. A broker before 5.0 would deliver a message with a delivery
// timestamp at once: it gets a delay level if levels says so, else nothing.
func (s *Send) CommandFor(queue int, broker string, version int32, levels bool) (*codec.Command, error) {
	if !s.Delayed || !Before5(version) {
		return s.Command(queue), nil
	}
	if !levels {
		return nil, refuse(pb.Code_UNSUPPORTED, "broker %s is older than 5.0 and would deliver the message at once: its delivery timestamp is not "+
			"supported; set listener.grpc.delay_levels to have it delivered a little later than it says", broker)
	}
	c := s.Command(queue)
	wait := s.deliver.Sub(s.now)
	if wait <= 0 {
		return c, nil
	}
	level, ok := levelFor(wait)
	if !ok {
		return nil, refuse(pb.Code_ILLEGAL_DELIVERY_TIME, "broker %s is older than 5.0 and cannot delay a message by more than %v", broker, delayLevels[len(delayLevels)-1])
	}
	c.Ext["i"] += propDelayLevel + nameEnd + strconv.Itoa(level) + propertyEnd
	return c, nil
}

// levelFor is the shortest delay level that is not shorter than a wait.
func levelFor(wait time.Duration) (level int, ok bool) {
	for i, d := range delayLevels {
		if d >= wait {
			return i + 1, true
		}
	}
	return 0, false
}
