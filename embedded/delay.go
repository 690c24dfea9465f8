package embedded

import (
	"fmt"
	"strconv"
	"time"
)

// delayLevels are the times of levels 1 to 18 (MessageStoreConfig.java#messageDelayLevel).
var delayLevels = []time.Duration{
	time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second,
	1 * time.Minute, 2 * time.Minute, 3 * time.Minute, 4 * time.Minute, 5 * time.Minute, 6 * time.Minute,
	7 * time.Minute, 8 * time.Minute, 9 * time.Minute, 10 * time.Minute, 20 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour,
}

// maxTimer is how far off a timer message may be (MessageStoreConfig.java#timerMaxDelaySec).
const maxTimer = 3 * 24 * time.Hour

// delayQueue is the system topic and queue where a message waits for its time.
type delayQueue struct {
	topic string
	queue int32
}

// dueAt reads from a message's properties when it is to be delivered; queue is nil when that is at once.
func (s *brokerSet) dueAt(p properties) (at int64, queue *delayQueue, err error) {
	if level, _ := strconv.Atoi(p.get(propDelayLevel)); level > 0 {
		level = min(level, len(delayLevels))
		return s.now() + delayLevels[level-1].Milliseconds(), &delayQueue{scheduleTopic, int32(level - 1)}, nil
	}
	if s.options.Version < version5 {
		return 0, nil, nil
	}
	number := func(key string) (n int64, ok bool) {
		n, err := strconv.ParseInt(p.get(key), 10, 64)
		return n, err == nil
	}
	if sec, ok := number(propTimerSeconds); ok {
		at = s.now() + sec*1000
	} else if ms, ok := number(propTimerMillis); ok {
		at = s.now() + ms
	} else if at, ok = number(propTimerDeliver); !ok {
		return 0, nil, nil
	}
	if at-s.now() > maxTimer.Milliseconds() {
		return 0, nil, fmt.Errorf("timer message illegal, the delay time should not be bigger than the max delay %dms; "+
			"or if set del msg, the delay time should be bigger than the current time", maxTimer.Milliseconds())
	}
	return at, &delayQueue{timerTopic, 0}, nil
}

// delay stores a message in a delay queue and delivers it when it is due.
func (s *brokerSet) delay(m message, queue delayQueue, due int64) *record {
	m.properties = m.properties.with(propRealTopic, m.topic).with(propRealQueue, itoa(int64(m.queue)))
	if queue.topic == timerTopic {
		m.properties = m.properties.with(propTimerOut, itoa(due))
	}
	m.queue = queue.queue
	rec := s.put(s.topics[queue.topic], m)
	offset := rec.offset
	if queue.topic == scheduleTopic { // these cannot be recalled
		s.scheduler.at(due, func() { s.deliverDue(offset) })
		return rec
	}
	k := timerKey{m.topic, m.properties.get(propUniqueKey)}
	s.addTimer(k)
	s.scheduler.at(due, func() {
		if !s.endTimer(k) {
			s.deliverDue(offset)
		}
	})
	return rec
}

// deliverDue stores a message that waited in its own topic (ScheduleMessageService.java#messageTimeUp).
func (s *brokerSet) deliverDue(offset int64) {
	rec := s.store.find(offset)
	if rec == nil {
		return // dropped meanwhile to stay within MaxMemory
	}
	m := rec.message
	m.topic = m.properties.get(propRealTopic)
	m.queue = realQueue(m.properties)
	m.properties = m.properties.without(propDelayLevel, propTimerDeliver, propTimerSeconds, propTimerMillis)
	if t := s.topics[m.topic]; t != nil && t.queue(m.queue) != nil {
		s.put(t, m)
	}
}
