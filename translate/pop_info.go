package translate

import (
	"fmt"
	"strconv"
	"strings"
)

// popInfo is what the header of a pop's answer says of its messages (ExtraInfoUtil.java): of each queue where its
// checkpoint begins and which offsets were popped.
type popInfo struct {
	broker                     string
	popTime, invisible, revive int64
	starts, counts             map[string]string // by "retryFlag queueId"; counts also by "retryFlag qo<queue>%<offset>"
	flags                      map[offsetKey]string
}

// offsetKey is a message of an answer.
type offsetKey struct {
	queue  int32
	offset int64
}

func readPopInfo(broker string, ext map[string]string) (*popInfo, error) {
	p := &popInfo{broker: broker, starts: pairs(ext["startOffsetInfo"]), counts: pairs(ext["orderCountInfo"]), flags: map[offsetKey]string{}}
	var err error
	for name, field := range map[string]*int64{"popTime": &p.popTime, "invisibleTime": &p.invisible, "reviveQid": &p.revive} {
		if *field, err = strconv.ParseInt(ext[name], 10, 64); err != nil {
			return nil, fmt.Errorf("the answer to a pop has %s %.30q", name, ext[name])
		}
	}
	for key, offsets := range pairs(ext["msgOffsetInfo"]) {
		flag, queue, _ := strings.Cut(key, " ")
		id, err := strconv.ParseInt(queue, 10, 32)
		if err != nil {
			continue
		}
		for text := range strings.SplitSeq(offsets, ",") {
			if offset, err := strconv.ParseInt(text, 10, 64); err == nil {
				k := offsetKey{int32(id), offset}
				if _, twice := p.flags[k]; !twice || flag == "0" {
					p.flags[k] = flag
				}
			}
		}
	}
	return p, nil
}

// pairs reads "a b c;d e f" as a map from "a b" to "c".
func pairs(text string) map[string]string {
	all := map[string]string{}
	for item := range strings.SplitSeq(text, ";") {
		if i := strings.LastIndexByte(item, ' '); i > 0 {
			all[item[:i]] = item[i+1:]
		}
	}
	return all
}

// handleOf makes the handle of a message, or reads the one that the broker has put into it, as it does for those of retry
// topics.
func (p *popInfo) handleOf(m *Stored) (Handle, int32, error) {
	if text := m.Properties[propHandle]; text != "" {
		h, err := ReadHandle(text)
		h.CommitLogOffset = m.CommitLogOffset
		return h, m.Reconsumed + 1, err
	}
	flag := p.flags[offsetKey{m.QueueID, m.QueueOffset}]
	if flag == "" {
		flag = "0"
	}
	queue := flag + " " + strconv.Itoa(int(m.QueueID))
	start, err := strconv.ParseInt(p.starts[queue], 10, 64)
	if err != nil {
		return Handle{}, 0, fmt.Errorf("the answer to a pop does not say where queue %s begins", queue)
	}
	return Handle{
		Checkpoint: start, PopTime: p.popTime, Invisible: p.invisible, ReviveQueue: p.revive, Retry: flag, Broker: p.broker,
		QueueID: m.QueueID, QueueOffset: m.QueueOffset, CommitLogOffset: m.CommitLogOffset,
	}, p.attempt(flag, m) + 1, nil
}

// attempt is how often a message was delivered before. Of ordered pops the answer says it, for a message or its queue.
func (p *popInfo) attempt(flag string, m *Stored) int32 {
	queue := strconv.Itoa(int(m.QueueID))
	for _, key := range []string{flag + " qo" + queue + "%" + strconv.FormatInt(m.QueueOffset, 10), flag + " " + queue} {
		if n, err := strconv.ParseInt(p.counts[key], 10, 32); err == nil && n >= 0 {
			return int32(n)
		}
	}
	return m.Reconsumed
}
